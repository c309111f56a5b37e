#include "kernel/object/kernel_options.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace jacinth::kernel {
namespace {

using enum KernelOption::Kind;

// Why the rest changes nothing.
constexpr std::string_view kChance = "All chance comes from --seed.";
constexpr std::string_view kHost = "About the hardware below the kernel, which is modelled without its flaws.";
constexpr std::string_view kBoot = "There is no early boot phase.";
constexpr std::string_view kNoKernelCode = "There is no kernel code that could fail that way.";
constexpr std::string_view kTablesStay = "Page tables are kept while anything is mapped there.";
constexpr std::string_view kNoTrace = "A trace begins when a program starts it, with the groups that it names.";
constexpr std::string_view kNoConsole = "There is no kernel console and no graphics console.";
constexpr std::string_view kEnd = "The run ends with its first process.";
constexpr std::string_view kSyscall = "The call always traps, so that the only clock is the virtual one.";

constexpr auto kOptions = std::to_array<KernelOption>({
    {"aslr.compact_entropy_bits", kNumber, "8", true, "Chance in the places of mappings in a compact region.", "36"},
    {"aslr.disable", kSwitch, "false", true, "The same as --aslr=off."},
    {"aslr.entropy_bits", kNumber, "30", true, "Chance in the places of mappings, as a number of bits.", "36"},
    {"gfxconsole.early", kSwitch, "false", false, kNoConsole},
    {"gfxconsole.font", kWord, "9x16", false, kNoConsole, "9x16|18x32"},
    {"kernel.arm64.disable_spec_mitigations", kSwitch, "false", false, kHost},
    {"kernel.arm64.event-stream.enable", kSwitch, "false", false, kHost},
    {"kernel.arm64.event-stream.freq-hz", kNumber, "10000", false, kHost, "4294967295"},
    {"kernel.bufferchain.reserve-pages", kNumber, "32", true,
     "Pages per CPU that are kept free for messages and the data of sockets."},
    {"kernel.bypass-debuglog", kSwitch, "false", false, "The log goes to the console at once anyway."},
    {"kernel.cprng-disable.hw-rng", kSwitch, "false", false, kChance},
    {"kernel.cprng-disable.jitterentropy", kSwitch, "false", false, kChance},
    {"kernel.cprng-reseed-require.hw-rng", kSwitch, "false", false, kChance},
    {"kernel.cprng-reseed-require.jitterentropy", kSwitch, "false", false, kChance},
    {"kernel.cprng-seed-require.cmdline", kSwitch, "false", false, kChance},
    {"kernel.cprng-seed-require.hw-rng", kSwitch, "false", false, kChance},
    {"kernel.cprng-seed-require.jitterentropy", kSwitch, "false", false, kChance},
    {"kernel.debug_uart_poll", kSwitch, "false", false, kNoConsole},
    {"kernel.enable-debugging-syscalls", kSwitch, "false", true,
     "Whether zx_process_write_memory and other calls of debuggers work."},
    {"kernel.enable-serial-syscalls", kWord, "true", true,
     "Whether zx_debug_write and zx_debug_read work; the real kernel has false by default.", "true|output-only|false"},
    {"kernel.entropy-mixin", kText, "", false, kChance},
    {"kernel.entropy-test.len", kNumber, "1048576", false, kChance},
    {"kernel.entropy-test.src", kWord, "hw_rng", false, kChance, "hw_rng|jitterentropy"},
    {"kernel.force-watchdog-disabled", kSwitch, "false", false, kHost},
    {"kernel.halt-on-panic", kSwitch, "false", false, kNoKernelCode},
    {"kernel.heap-max-size-mb", kNumber, "2048", false, "The kernel's heap is the host's."},
    {"kernel.heap.alloc_fill_threshold", kNumber, "0", false, "The kernel's heap is the host's."},
    {"kernel.jitterentropy.bc", kNumber, "512", false, kChance, "4294967295"},
    {"kernel.jitterentropy.bs", kNumber, "64", false, kChance, "4294967295"},
    {"kernel.jitterentropy.ll", kNumber, "1", false, kChance, "4294967295"},
    {"kernel.jitterentropy.ml", kNumber, "32", false, kChance, "4294967295"},
    {"kernel.jitterentropy.raw", kSwitch, "true", false, kChance},
    {"kernel.lockup-detector.critical-section-fatal-threshold-ms", kNumber, "10000", false, kNoKernelCode},
    {"kernel.lockup-detector.critical-section-threshold-ms", kNumber, "3000", false, kNoKernelCode},
    {"kernel.lockup-detector.diagnostic-query-timeout-ms", kNumber, "100", false, kNoKernelCode},
    {"kernel.lockup-detector.heartbeat-age-fatal-threshold-ms", kNumber, "10000", false, kNoKernelCode},
    {"kernel.lockup-detector.heartbeat-age-threshold-ms", kNumber, "3000", false, kNoKernelCode},
    {"kernel.lockup-detector.heartbeat-period-ms", kNumber, "1000", false, kNoKernelCode},
    {"kernel.memory-limit-dbg", kSwitch, "true", false, "Use --ram for less memory."},
    {"kernel.memory-limit-mb", kNumber, "0", false, "Use --ram for less memory."},
    {"kernel.mexec-force-high-ramdisk", kSwitch, "false", false, "There is no other kernel to change to."},
    {"kernel.mexec-pci-shutdown", kSwitch, "true", false, "There is no other kernel to change to."},
    {"kernel.oom.behavior", kWord, "reboot", true,
     "What happens when memory runs out: the run ends, or the newest job that is marked for it is killed.",
     "jobkill|reboot"},
    {"kernel.oom.critical-mb", kNumber, "150", true, "Less free memory than this signals MEMORY_PRESSURE_CRITICAL."},
    {"kernel.oom.debounce-mb", kNumber, "1", true, "By how much memory has to pass a mark before it counts."},
    {"kernel.oom.enable", kSwitch, "true", true, "Whether anything is done about memory that runs low."},
    {"kernel.oom.evict-at-warning", kSwitch, "false", true,
     "Whether pages are evicted from MEMORY_PRESSURE_WARNING on."},
    {"kernel.oom.evict-continuous", kSwitch, "false", true,
     "Whether pages are evicted again and again while memory is low."},
    {"kernel.oom.hysteresis-seconds", kNumber, "10", true,
     "How long memory has to stay at a better level until that is signaled."},
    {"kernel.oom.imminent-oom-delta-mb", kNumber, "10", true,
     "Less than this above kernel.oom.outofmemory-mb signals IMMINENT_OUT_OF_MEMORY."},
    {"kernel.oom.outofmemory-mb", kNumber, "50", true, "Less free memory than this counts as none."},
    {"kernel.oom.reboot-timeout-ms", kNumber, "8000", true,
     "How long programs have between the signal OUT_OF_MEMORY and the end of the run.", "4294967295"},
    {"kernel.oom.warning-mb", kNumber, "300", true, "Less free memory than this signals MEMORY_PRESSURE_WARNING."},
    {"kernel.page-scanner.active-ratio-multiplier", kNumber, "2", true,
     "Pages grow older as soon as there are more active ones, times this, than inactive ones.", "4294967295"},
    {"kernel.page-scanner.discardable-evictions-percent", kNumber, "20", true,
     "How much of what is evicted comes from discardable VMOs.", "4294967295"},
    {"kernel.page-scanner.enable-eviction", kSwitch, "true", true,
     "Whether the kernel takes pages away before an allocation fails."},
    {"kernel.page-scanner.eviction-interval-seconds", kNumber, "10", true,
     "How often pages are evicted with kernel.oom.evict-continuous.", "4294967295"},
    {"kernel.page-scanner.max-aging-interval", kNumber, "15", true,
     "After how many seconds at the latest pages grow older.", "4294967295"},
    {"kernel.page-scanner.min-aging-interval", kNumber, "2", true,
     "After how many seconds at the earliest pages grow older.", "4294967295"},
    {"kernel.page-scanner.page-table-eviction-period", kNumber, "10", false, kTablesStay, "4294967295"},
    {"kernel.page-scanner.page-table-eviction-policy", kWord, "always", false, kTablesStay, "always|on_request|never"},
    {"kernel.page-scanner.start-at-boot", kSwitch, "true", true,
     "Whether the kernel looks after old pages and pages of zeros."},
    {"kernel.page-scanner.zero-page-scans-per-second", kNumber, "20000", true,
     "How many new pages are looked at in a second of virtual time, to give back those of zeros."},
    {"kernel.phys.print-stack-max", kNumber, "1024", false, kBoot, "4294967295"},
    {"kernel.phys.verbose", kSwitch, "true", false, kBoot},
    {"kernel.pmm-checker.action", kWord, "oops", false, kNoKernelCode, "oops|panic"},
    {"kernel.pmm-checker.enable", kSwitch, "false", false, kNoKernelCode},
    {"kernel.pmm-checker.fill-size", kNumber, "4096", false, kNoKernelCode},
    {"kernel.port.max-observers", kNumber, "50000", true,
     "As many waits of one port at once; one more raises a policy exception."},
    {"kernel.portobserver.reserve-pages", kNumber, "8", true,
     "Pages of memory for waits of ports that every CPU keeps when they are free."},
    {"kernel.portpacket.reserve-pages", kNumber, "1", true,
     "Pages of memory for packets of zx_port_queue that every CPU keeps when they are free."},
    {"kernel.ppb.borrow-in-supplypages", kSwitch, "false", true,
     "Whether what pagers supply goes into frames that contiguous VMOs have lent."},
    {"kernel.ppb.borrow-on-mru", kSwitch, "false", true,
     "Whether pages of pagers that are used again move into frames that contiguous VMOs have lent."},
    {"kernel.ppb.loan", kSwitch, "false", true,
     "Whether decommitting pages of contiguous VMOs lends their frames; else it is refused."},
    {"kernel.render-dlog-to-crashlog", kSwitch, "false", false, kNoKernelCode},
    {"kernel.root-job.behavior", kWord, "reboot", false, kEnd, "halt|reboot|bootloader|recovery|shutdown"},
    {"kernel.root-job.notice", kText, "", false, kEnd},
    {"kernel.serial", kText, "", false, "The console is the board's UART."},
    {"kernel.shell", kSwitch, "false", false, kNoConsole},
    {"kernel.smp.ht", kSwitch, "true", false, "Emulated CPUs share nothing; use --cpus."},
    {"kernel.test.ram.reserve", kText, "", false, "Use --ram for less memory."},
    {"kernel.userpager.overtime_timeout_seconds", kNumber, "300", true,
     "How long a thread waits for a page of a pager before that counts as failed; 0 is without end."},
    {"kernel.userpager.overtime_wait_seconds", kNumber, "20", false, "Nothing is said about pagers that take long."},
    {"kernel.vdso.always_use_next", kSwitch, "false", false, "There is one vDSO, with all calls in it."},
    {"kernel.x86.disable_spec_mitigations", kSwitch, "false", false, kHost},
    {"kernel.x86.md_clear_on_user_return", kSwitch, "true", false, kHost},
    {"kernel.x86.pti.enable", kNumber, "2", false, kHost, "4294967295"},
    {"kernel.x86.spec_store_bypass_disable", kSwitch, "false", false, kHost},
    {"ktrace.bufsize", kNumber, "32", true, "How many MiB the kernel's trace may take, at most 256 here.",
     "4294967295"},
    {"ktrace.grpmask", kNumber, "0xfff", false, kNoTrace, "4294967295"},
    {"vdso.clock_get_monotonic_force_syscall", kSwitch, "false", false, kSyscall},
    {"vdso.ticks_get_force_syscall", kSwitch, "false", false, kSyscall},
});
static_assert(std::ranges::is_sorted(kOptions, {}, &KernelOption::name));

constexpr std::string_view kSwitchWords = "true|false|on|off|yes|1|0";

bool is_one_of(std::string_view value, std::string_view words) {
  while (true) {
    size_t end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == value) return true;
    if (end == words.size()) return false;
    words.remove_prefix(end + 1);
  }
}

/// Decimal or, behind 0x, hexadecimal; false for anything else or too much.
bool parse_number(std::string_view text, uint64_t& value) {
  int base = 10;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
    base = 16;
  }
  auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && stopped == text.data() + text.size();
}

}  // namespace

std::string_view KernelOption::shows() const {
  switch (kind) {
    case kSwitch: return "true|false";
    case kNumber: return "NUMBER";
    case kWord: return words;
    case kText: break;
  }
  return "TEXT";
}

bool KernelOption::takes(std::string_view value) const {
  switch (kind) {
    case kSwitch: return is_one_of(value, kSwitchWords);
    case kWord: return is_one_of(value, words);
    case kText: return true;
    case kNumber: break;
  }
  uint64_t number = 0;
  uint64_t limit = UINT64_MAX;
  if (!words.empty()) parse_number(words, limit);
  return parse_number(value, number) && number <= limit;
}

std::span<const KernelOption> kernel_options() { return kOptions; }

const KernelOption* find_kernel_option(std::string_view name) {
  auto found = std::ranges::lower_bound(kOptions, name, {}, &KernelOption::name);
  return found != kOptions.end() && found->name == name ? &*found : nullptr;
}

}  // namespace jacinth::kernel
