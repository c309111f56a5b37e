// The engine without our wrapper: runs a static Linux executable to its exit, with the same hooks that Jacinth needs.
//
//   bare_unicorn FILE ARGUMENTS...
//
// What a CPU-bound guest costs here is what Unicorn costs: virtual TLB, a block hook that counts executed bytes,
// hooks for traps; EL0 / CPL 3; never writable and executable at once. The exit code is the program's.
//
// Left out: any system call but exit_group (all others give 0), page tables, exceptions, time.
#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr uint64_t kRamSize = 64 << 20;
constexpr uint64_t kStub = 0x1000;
constexpr uint64_t kTables = 0x2000;  // x86-64: descriptors and the first stack, for the stub.
constexpr uint64_t kStackTop = kRamSize;
constexpr uint64_t kPage = 4096;

constexpr uint64_t kArmExitGroup = 94;
constexpr uint64_t kX86ExitGroup = 231;
constexpr uint32_t kArmSvc = 2;  // What the engine calls it in UC_HOOK_INTR.

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "bare_unicorn: {}\n", why);
  std::exit(125);
}

void check(uc_err error, const char* what) {
  if (error != UC_ERR_OK) die(fmt::format("{}: {}", what, uc_strerror(error)));
}

class Loop {
 public:
  explicit Loop(const std::vector<char>& file);

  int run(std::span<char*> arguments);

 private:
  static Loop& of(void* user_data) { return *static_cast<Loop*>(user_data); }
  static bool on_fill(uc_engine*, uint64_t page, uc_mem_type, uc_tlb_entry* entry, void* user_data);
  static void on_block(uc_engine*, uint64_t, uint32_t size, void* user_data) { of(user_data).bytes_ += size; }
  static void on_interrupt(uc_engine*, uint32_t number, void* user_data);
  static void on_syscall(uc_engine*, void* user_data) { of(user_data).system_call(); }

  void load(const std::vector<char>& file);
  void boot_arm64(uint64_t entry, uint64_t stack);
  void boot_x86_64(uint64_t entry, uint64_t stack);
  uint64_t push_arguments(std::span<char*> arguments);
  void system_call();
  void add_hook(int type, void* callback, int instruction = 0);

  uint64_t read(int reg) const {
    uint64_t value = 0;
    uc_reg_read(uc_, reg, &value);
    return value;
  }
  void write(int reg, uint64_t value) { check(uc_reg_write(uc_, reg, &value), "write a register"); }
  void write_system(uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2, uint64_t value);
  template <class T>
  void poke(uint64_t address, const T& value) {
    std::memcpy(ram_ + address, &value, sizeof value);
  }

  bool x86_ = false;
  uc_engine* uc_ = nullptr;
  char* ram_ = nullptr;
  uint64_t entry_ = 0;
  uint64_t code_begin_ = ~uint64_t{0};
  uint64_t code_end_ = 0;
  uint64_t bytes_ = 0;
  bool ended_ = false;
  int exit_code_ = 0;
};

Loop::Loop(const std::vector<char>& file) {
  void* ram = mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (ram == MAP_FAILED) die("no memory");
  ram_ = static_cast<char*>(ram);
  load(file);

  check(uc_open(x86_ ? UC_ARCH_X86 : UC_ARCH_ARM64, x86_ ? UC_MODE_64 : UC_MODE_ARM, &uc_), "open");
  if (x86_) {
    check(uc_ctl_set_cpu_model(uc_, UC_CPU_X86_WESTMERE), "CPU model");
  } else {
    check(uc_ctl_set_cpu_model(uc_, UC_CPU_ARM64_MAX), "CPU model");
    check(uc_ctl_set_page_size(uc_, kPage), "page size");
  }
  check(uc_mem_map_ptr(uc_, 0, kRamSize, UC_PROT_ALL, ram_), "map RAM");
  check(uc_ctl_tlb_mode(uc_, UC_TLB_VIRTUAL), "virtual TLB");
  check(uc_ctl_exits_enable(uc_), "exits");
  add_hook(UC_HOOK_TLB_FILL, reinterpret_cast<void*>(on_fill));
  add_hook(UC_HOOK_BLOCK, reinterpret_cast<void*>(on_block));
  add_hook(UC_HOOK_INTR, reinterpret_cast<void*>(on_interrupt));
  if (x86_) add_hook(UC_HOOK_INSN, reinterpret_cast<void*>(on_syscall), UC_X86_INS_SYSCALL);
}

void Loop::add_hook(int type, void* callback, int instruction) {
  uc_hook handle = 0;
  check(uc_hook_add(uc_, &handle, type, callback, this, 1, 0, instruction), "add a hook");
}

void Loop::load(const std::vector<char>& file) {
  Elf64_Ehdr header;
  if (file.size() < sizeof header) die("no ELF file");
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_EXEC) die("no static executable");
  if (header.e_machine != EM_X86_64 && header.e_machine != EM_AARCH64) die("neither arm64 nor x86-64");
  x86_ = header.e_machine == EM_X86_64;
  entry_ = header.e_entry;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    uint64_t at = header.e_phoff + i * sizeof segment;
    if (at > file.size() || file.size() - at < sizeof segment) die("truncated");
    std::memcpy(&segment, file.data() + at, sizeof segment);
    if (segment.p_type != PT_LOAD) continue;
    bool in_file = segment.p_offset <= file.size() && segment.p_filesz <= file.size() - segment.p_offset;
    bool in_ram = segment.p_vaddr <= kRamSize && segment.p_memsz <= kRamSize - segment.p_vaddr;
    if (!in_file || !in_ram || segment.p_filesz > segment.p_memsz) die("a segment that does not fit");
    std::memcpy(ram_ + segment.p_vaddr, file.data() + segment.p_offset, segment.p_filesz);
    if ((segment.p_flags & PF_X) == 0) continue;
    code_begin_ = std::min(code_begin_, segment.p_vaddr / kPage * kPage);
    code_end_ = std::max(code_end_, segment.p_vaddr + segment.p_memsz);
  }
}

bool Loop::on_fill(uc_engine*, uint64_t page, uc_mem_type, uc_tlb_entry* entry, void* user_data) {
  Loop& loop = of(user_data);
  if (page >= kRamSize) return false;
  bool code = page == kStub || (page >= loop.code_begin_ && page < loop.code_end_);
  entry->paddr = page;
  entry->perms = static_cast<uc_prot>(UC_PROT_READ | (code ? UC_PROT_EXEC : UC_PROT_WRITE));
  return true;
}

void Loop::on_interrupt(uc_engine*, uint32_t number, void* user_data) {
  Loop& loop = of(user_data);
  if (loop.x86_ || number != kArmSvc) die(fmt::format("exception {}", number));
  loop.system_call();
}

void Loop::system_call() {
  uint64_t number = read(x86_ ? static_cast<int>(UC_X86_REG_RAX) : static_cast<int>(UC_ARM64_REG_X8));
  if (number == (x86_ ? kX86ExitGroup : kArmExitGroup)) {
    exit_code_ = static_cast<int>(read(x86_ ? static_cast<int>(UC_X86_REG_RDI) : static_cast<int>(UC_ARM64_REG_X0)));
    ended_ = true;
    uc_emu_stop(uc_);
    return;
  }
  write(x86_ ? static_cast<int>(UC_X86_REG_RAX) : static_cast<int>(UC_ARM64_REG_X0), 0);
}

/// The start of a Linux program's stack: argc, argv, and empty lists behind.
uint64_t Loop::push_arguments(std::span<char*> arguments) {
  uint64_t at = kStackTop;
  std::vector<uint64_t> words{arguments.size()};
  for (const char* argument : arguments) {
    at -= std::strlen(argument) + 1;
    std::memcpy(ram_ + at, argument, std::strlen(argument) + 1);
    words.push_back(at);
  }
  words.insert(words.end(), 4, 0);  // The ends of arguments and environment, and of the auxiliary vector.
  at = (at - words.size() * sizeof(uint64_t)) & ~uint64_t{15};
  std::memcpy(ram_ + at, words.data(), words.size() * sizeof(uint64_t));
  return at;
}

void Loop::write_system(uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2, uint64_t value) {
  uc_arm64_cp_reg reg{};
  reg.op0 = 3, reg.op1 = op1, reg.crn = crn, reg.crm = crm, reg.op2 = op2, reg.val = value;
  check(uc_reg_write(uc_, UC_ARM64_REG_CP_REG, &reg), "write a system register");
}

void Loop::boot_arm64(uint64_t entry, uint64_t stack) {
  poke(kStub, uint32_t{0xd69f03e0});      // eret
  write_system(6, 1, 1, 0, 1 << 10 | 1);  // SCR_EL3: lower levels are AArch64, non-secure.
  write_system(4, 1, 1, 0, 1ull << 31);   // HCR_EL2.RW
  write_system(0, 1, 0, 2, 3 << 20);      // CPACR_EL1.FPEN
  write_system(0, 4, 0, 0, 0);            // SPSR_EL1: EL0t
  write_system(0, 4, 0, 1, entry);        // ELR_EL1
  write_system(0, 4, 1, 0, stack);        // SP_EL0
}

void Loop::boot_x86_64(uint64_t entry, uint64_t stack) {
  // lgdt [r8]; mov eax, 0x23; mov ds, eax; mov es, eax; iretq
  poke(kStub,
       std::to_array<uint8_t>({0x41, 0x0f, 0x01, 0x10, 0xb8, 0x23, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x48, 0xcf}));
  // Null, kernel code and data, unused, user data (0x23), user code (0x2b).
  const auto gdt =
      std::to_array<uint64_t>({0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff, 0x00affb000000ffff});
  poke(kTables, gdt);
  poke(kTables + 0x100, static_cast<uint16_t>(sizeof gdt - 1));
  poke(kTables + 0x102, kTables);
  poke(kTables + 0x200, std::to_array<uint64_t>({entry, 0x2b, 0x202, stack, 0x23}));
  write(UC_X86_REG_R8, kTables + 0x100);
  write(UC_X86_REG_RSP, kTables + 0x200);
  write(UC_X86_REG_CR4, read(UC_X86_REG_CR4) | 3u << 9);  // OSFXSR, OSXMMEXCPT
}

int Loop::run(std::span<char*> arguments) {
  uint64_t stack = push_arguments(arguments);
  x86_ ? boot_x86_64(entry_, stack) : boot_arm64(entry_, stack);
  check(uc_emu_start(uc_, kStub, 0, 0, 0), "run");
  if (!ended_) die("stopped before the program's end");
  return exit_code_ & 0xff;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) die("usage: bare_unicorn FILE ARGUMENTS...");
  std::ifstream in(argv[1], std::ios::binary);
  std::vector<char> file{std::istreambuf_iterator<char>(in), {}};
  if (!in) die(fmt::format("can't read {}", argv[1]));
  return Loop(file).run({argv + 1, static_cast<size_t>(argc - 1)});
}
