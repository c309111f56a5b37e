// What debuggers see of the kernel, and what they can change.
#include "kernel/inspect/debug_target.h"

#include <fmt/format.h>

#include <cstring>

#include "emu/debug/symbols.h"
#include "kernel/inspect/elf_sections.h"
#include "kernel/inspect/thread_text.h"
#include "kernel/vdso/image.h"
#include "tests/support/guest_run.h"
#include "tests/support/kernel_rig.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

uint64_t koid_of(const Object& object) { return abi::raw(object.koid()); }

std::vector<std::byte> bytes_of(std::string_view text) {
  auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

TEST_CASE("a debugger sees every living process and its threads in koid order") {
  KernelRig k;
  DebugTarget target(k.kernel());
  Ref<Process> other = k.make_process("other");
  Thread& second = k.thread();

  std::vector<emu::ProcessSummary> processes = target.processes();

  REQUIRE(processes.size() == 2);
  REQUIRE(processes[0].koid == koid_of(*k.process()));
  REQUIRE(processes[0].name == "first");
  REQUIRE(processes[0].threads.size() == 2);
  REQUIRE(processes[0].threads[0].id == emu::TaskId{koid_of(*k.process()), koid_of(k.main_thread())});
  REQUIRE(processes[0].threads[1].id.thread == koid_of(second));
  REQUIRE(processes[1].name == "other");

  other->kill(0);
  k.kernel().settle();
  REQUIRE(target.processes().size() == 1);
  REQUIRE_FALSE(target.registers(koid_of(*other)));
}

TEST_CASE("a thread's state says what it waits for") {
  KernelRig k;
  GuestAddr out = k.room(4);
  REQUIRE(k.call("port_create", 0, out) == Status::kOk);
  Handle port = k.peek<Handle>(out);
  Koid koid = k.process()->handles().find(port)->object->koid();
  Thread& thread = k.thread();
  k.start(thread, "port_wait", port, Time::never(), k.room(48));
  REQUIRE(thread_state_text(thread) == fmt::format("blocked in zx_port_wait on port:{}", abi::raw(koid)));

  Thread& sleeper = k.thread();
  k.start(sleeper, "nanosleep", Time{5000});
  REQUIRE(thread_state_text(sleeper).starts_with("blocked in zx_nanosleep until "));
  Thread& ready = k.thread();
  REQUIRE(thread_state_text(ready) == "ready to run");
}

TEST_CASE("looking at registers shows a call's result and leaves it where it is") {
  KernelRig k;
  DebugTarget target(k.kernel());
  Thread& thread = k.main_thread();
  thread.context().registers.gpr[0] = 1;
  thread.context().result = -5;
  Digest before = k.digest();

  std::optional<Registers> seen = target.registers(koid_of(thread));

  REQUIRE(seen);
  REQUIRE(seen->gpr[0] == static_cast<uint64_t>(-5));
  REQUIRE(k.digest() == before);
}

TEST_CASE("registers that no program may have are refused, and flags of the system stay") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    KernelRig k(arch);
    DebugTarget target(k.kernel());
    uint64_t thread = koid_of(k.main_thread());
    Registers registers = *target.registers(thread);
    registers.gpr[3] = 77;
    registers.flags = ~uint64_t{0};
    REQUIRE(target.set_registers(thread, registers));
    REQUIRE(target.registers(thread)->gpr[3] == 77);
    REQUIRE(target.registers(thread)->flags != ~uint64_t{0});
    if (arch == Arch::kX86_64) {
      registers = *target.registers(thread);
      registers.pc = 0x8000'0000'0000'0000;
      REQUIRE_FALSE(target.set_registers(thread, registers));
      registers.pc = 0x1000;
      registers.tls = 0x8000'0000'0000;
      REQUIRE_FALSE(target.set_registers(thread, registers));
      registers.tls = 0;
      registers.fpcr = 0x10000;
      REQUIRE_FALSE(target.set_registers(thread, registers));
    }
    REQUIRE_FALSE(target.set_registers(1, registers));
  }
}

TEST_CASE("a debugger writes where the program itself may not, and its copy is its own") {
  KernelRig k;
  DebugTarget target(k.kernel());
  uint64_t process = koid_of(*k.process());
  Ref<Vmo> vmo = *Vmo::create(k.core(), 2 * kPageSize);
  REQUIRE(vmo->write(0, bytes_of("original")) == Status::kOk);
  Ref<Vmo> copy = *vmo->create_child(abi::VmoChildOptions::kSnapshot, 0, 2 * kPageSize, false);
  static_cast<void>(copy->set_name("code"));
  GuestAddr at = *k.process()->memory().root()->map(
      {.vmo = copy, .length = 2 * kPageSize, .options = abi::VmOptions::kPermRead | abi::VmOptions::kPermExecute});

  REQUIRE(target.write(process, at, bytes_of("changed!")) == 8);

  std::vector<std::byte> seen(8);
  REQUIRE(target.read(process, at, seen) == 8);
  REQUIRE(seen == bytes_of("changed!"));
  REQUIRE(vmo->read(0, seen) == Status::kOk);
  REQUIRE(seen == bytes_of("original"));
  // As far as it goes.
  std::vector<std::byte> long_one(3 * kPageSize);
  REQUIRE(target.write(process, at + kPageSize, long_one) >= kPageSize);
  REQUIRE(target.read(process, GuestAddr(0x10), seen) == 0);
  REQUIRE(target.write(process, GuestAddr(0x10), seen) == 0);
  REQUIRE(target.write(1, at, seen) == 0);

  std::vector<emu::MemoryRegion> regions = target.regions(process);
  auto code = std::ranges::find(regions, at, &emu::MemoryRegion::base);
  REQUIRE(code != regions.end());
  REQUIRE(code->name == "code");
  REQUIRE(code->execute);
  REQUIRE_FALSE(code->write);
  REQUIRE(std::ranges::is_sorted(regions, {}, &emu::MemoryRegion::base));
}

TEST_CASE("modules are the program by the host's name and the vDSO, and both can be read") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    boards::GuestRun run({.arch = arch, .name = "hello"});
    DebugTarget target(run.system().kernel());
    std::vector<std::byte> file = boards::guest_file(arch, "hello");
    target.add_file("/somewhere/hello", file);
    Process& process = *run.system().kernel().initial_process();
    uint64_t koid = koid_of(process);

    std::vector<emu::LoadedModule> modules = target.modules(koid);

    REQUIRE(modules.size() == 2);
    REQUIRE(modules[0].name == "/somewhere/hello");
    REQUIRE(modules[1].name == "/vmo/libzircon.so");
    REQUIRE(modules[1].base == process.vdso_base());
    REQUIRE(std::ranges::equal(*target.file("/somewhere/hello"), file));
    std::optional<std::span<const std::byte>> vdso = target.file("/vmo/libzircon.so");
    REQUIRE(vdso);
    std::vector<std::byte> first(4);
    REQUIRE(target.read(koid, process.vdso_base(), first) == 4);
    REQUIRE(std::memcmp(first.data(),
                        "\x7f"
                        "ELF",
                        4) == 0);
    REQUIRE(std::memcmp(vdso->data(),
                        "\x7f"
                        "ELF",
                        4) == 0);
    // Its functions have names again.
    auto raw = reinterpret_cast<const char*>(vdso->data());
    auto symbols = emu::SymbolFile::from_bytes({raw, raw + vdso->size()});
    REQUIRE(symbols);
    // By one of the two that each has.
    bool named = (*symbols)->address_of("zx_port_wait") || (*symbols)->address_of("_zx_port_wait");
    REQUIRE(named);
    REQUIRE_FALSE(target.file("/etc/passwd"));
    // Nobody writes into the vDSO.
    REQUIRE(target.write(koid, process.vdso_base(), first) == 0);
    // The first instruction is at the entry point.
    uint64_t entry = 0;
    for (const auto& [type, value] : target.auxiliary(koid))
      if (type == 9) entry = value;
    REQUIRE(target.registers(target.processes()[0].threads[0].id.thread)->pc == entry);
  }
}

TEST_CASE("sections are made up for damaged files without harm, and whole files stay as they are") {
  std::vector<std::byte> whole = boards::guest_file(Arch::kArm64, "hello");
  std::vector<std::byte> same = whole;
  restore_sections(same);
  REQUIRE(same == whole);
  std::span<const std::byte> vdso = vdso_image(Arch::kArm64).elf;
  for (uint64_t seed : test::seeds(300)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    test::Random random(seed);
    std::vector<std::byte> file(vdso.begin(), vdso.end());
    file.resize(random.one_in(3) ? random.below(file.size() + 1) : file.size());
    for (uint64_t i = random.below(20); i > 0 && !file.empty(); --i) {
      // The headers and the tables are where it hurts.
      size_t at = random.below(std::min<size_t>(file.size(), random.one_in(2) ? 0x240 : 0x8000));
      file[at] = static_cast<std::byte>(random.next());
    }
    restore_sections(file);
    REQUIRE(file.size() < 200'000'000);
  }
}

TEST_CASE("calls have names and numbers") {
  KernelRig k;
  DebugTarget target(k.kernel());
  uint64_t number = KernelRig::number("port_wait");
  REQUIRE(target.call_name(number) == "zx_port_wait");
  REQUIRE(target.call_number("zx_port_wait") == number);
  REQUIRE(target.call_name(~uint64_t{0}).empty());
  REQUIRE_FALSE(target.call_number("open"));
}

}  // namespace
}  // namespace jacinth::kernel
