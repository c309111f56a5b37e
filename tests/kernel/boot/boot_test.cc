// Process start: what a fresh program finds in its memory, registers and first message.
#include "kernel/boot/boot.h"

#include <cstring>
#include <random>

#include "kernel/abi/processargs.h"
#include "kernel/boot/elf.h"
#include "kernel/ipc/channel.h"
#include "kernel/vdso/image.h"
#include "tests/support/elf_builder.h"
#include "tests/support/fake_platform.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

using abi::ProcessargsType;

struct Rig {
  explicit Rig(Arch arch = Arch::kArm64, uint64_t ram = FakePlatform::kRamSize)
      : platform(arch, ram), kernel(platform, {}) {}

  std::expected<Ref<Process>, BootError> boot(const std::vector<std::byte>& file,
                                              std::vector<std::string> arguments = {"prog"},
                                              std::vector<std::string> environment = {}) {
    return kernel::boot(
        kernel,
        {.elf = file, .name = "prog", .arguments = std::move(arguments), .environment = std::move(environment)});
  }
  Ref<Process> good(std::vector<std::string> arguments = {"prog"}, std::vector<std::string> environment = {}) {
    auto process = boot(good_elf(platform.arch()).build(), std::move(arguments), std::move(environment));
    INFO((process ? "" : process.error().line));
    REQUIRE(process.has_value());
    return *process;
  }

  FakePlatform platform;
  Kernel kernel;
};

Thread& initial_thread(const Ref<Process>& process) {
  REQUIRE(process->threads().size() == 1);
  return *process->threads().begin()->second;
}

uint64_t argument(Arch arch, Thread& thread, size_t index) {
  const Registers& r = thread.registers();
  if (arch == Arch::kArm64) return r.gpr[index];
  return index == 0 ? r.gpr[kRdi] : r.gpr[kRsi];
}

/// The first message, taken from the channel that the process was given.
Message first_message(Arch arch, const Ref<Process>& process) {
  auto handle = Handle{static_cast<uint32_t>(argument(arch, initial_thread(process), 0))};
  Result<Ref<Channel>> channel = process->handles().get<Channel>(handle, Rights::kRead | Rights::kWait);
  REQUIRE(channel.has_value());
  REQUIRE((*channel)->oldest(process->koid()).has_value());
  return (*channel)->take_oldest();
}

std::vector<std::byte> peek(Process& process, GuestAddr at, size_t size) {
  std::vector<std::byte> bytes(size);
  REQUIRE(process.memory().read(at, bytes) == Status::kOk);
  return bytes;
}

/// Some of its first `heads` bytes changed, or its end cut off.
std::vector<std::byte> mutated(const std::vector<std::byte>& good, size_t heads, std::mt19937& random) {
  std::vector<std::byte> file = good;
  // Numbers of eight bytes are what an ELF header is made of.
  for (unsigned changes = random() % 3 + 1; changes > 0; --changes) {
    size_t where = random() % heads;
    uint64_t value = uint64_t{1} << random() % 64;
    switch (random() % 6) {
      case 0: file[where] = static_cast<std::byte>(random()); break;
      case 1: file[where] ^= static_cast<std::byte>(1u << random() % 8); break;
      case 2: value = ~value; [[fallthrough]];
      case 3: value -= random() % 3; [[fallthrough]];
      case 4: std::memcpy(file.data() + where / 8 * 8, &value, sizeof value); break;
      default: file.resize(heads + random() % (good.size() - heads)); break;
    }
    if (file.size() < good.size() && where / 8 * 8 + 8 > file.size()) file.resize(good.size());
  }
  return file;
}

}  // namespace

TEST_CASE("a program starts where its ELF file says, with a bootstrap channel and the vDSO's base") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig rig(arch);
    Ref<Process> process = rig.good();
    REQUIRE(process->name() == "prog");
    REQUIRE(process->process_state() == Process::State::kRunning);
    REQUIRE(process->job().parent() == rig.kernel.root_job());
    Thread& thread = initial_thread(process);
    REQUIRE(thread.name() == "initial-thread");

    const Registers& r = thread.registers();
    REQUIRE(argument(arch, thread, 1) == process->vdso_base().value);
    uint64_t sp = stack_pointer(arch, r);
    REQUIRE(sp % 16 == (arch == Arch::kArm64 ? 0 : 8));
    REQUIRE(r.tls == 0);
    // The entry is the second segment's first byte.
    Mapping* mapping = process->memory().find_mapping(GuestAddr(r.pc));
    REQUIRE(mapping != nullptr);
    REQUIRE(mapping->base().value == r.pc);
    REQUIRE(mapping->permissions() == (abi::VmOptions::kPermRead | abi::VmOptions::kPermExecute));
  }
}

TEST_CASE("segments show the file, and zeros behind it") {
  Rig rig;
  std::vector<std::byte> file = good_elf().build();
  Ref<Process> process = rig.good();
  GuestAddr base = GuestAddr(initial_thread(process).registers().pc) - 0x1000;

  REQUIRE(peek(*process, base, 0x1000) == std::vector(file.begin() + 0x1000 - 0x1000 + 0x1000, file.begin() + 0x2000));
  REQUIRE(peek(*process, base + 0x1000, 0x1000) == std::vector(file.begin() + 0x2000, file.begin() + 0x3000));
  REQUIRE(peek(*process, base + 0x3010, 0x800) == std::vector(file.begin() + 0x3010, file.begin() + 0x3810));
  REQUIRE(peek(*process, base + 0x3810, 0x4800) == std::vector(0x4800, std::byte{0}));
  // Nothing lies between the segments or after them.
  REQUIRE(process->memory().find_mapping(base + 0x2000) == nullptr);
  REQUIRE(process->memory().find_mapping(base + 0x9000) == nullptr);
}

TEST_CASE("what a program writes to its data does not reach its file") {
  Rig rig;
  ElfBuilder builder(Arch::kArm64);
  builder.load(0x0, PF_R | PF_X);
  builder.load(0x1000, PF_R | PF_W);
  builder.phdrs[1].p_offset = builder.phdrs[0].p_offset;
  auto process = rig.boot(builder.build());
  REQUIRE(process.has_value());
  GuestAddr base(initial_thread(*process).registers().pc);
  std::vector<std::byte> text = peek(**process, base, 16);
  std::array<std::byte, 16> zeros{};
  REQUIRE((*process)->memory().write(base + 0x1000, zeros) == Status::kOk);
  REQUIRE(peek(**process, base, 16) == text);
  REQUIRE((*process)->memory().write(base, zeros) != Status::kOk);
}

TEST_CASE("a segment may begin and end anywhere in its pages") {
  Rig rig;
  // One page of file bytes, at offset 0xff0 of the page, reaching 16 bytes into the next.
  for (uint64_t file_size : {uint64_t{1}, uint64_t{16}, uint64_t{17}, uint64_t{0x1010}}) {
    for (uint64_t extra : {uint64_t{0}, uint64_t{1}, uint64_t{0x2345}}) {
      ElfBuilder builder(Arch::kArm64);
      builder.load(0xff0, PF_R | PF_W, file_size, file_size + extra);
      builder.phdrs.resize(1);
      std::vector<std::byte> file = builder.build();
      file.resize(0x4000);
      uint64_t offset = builder.phdrs[0].p_offset;
      auto process = rig.boot(file);
      REQUIRE(process.has_value());
      GuestAddr base = GuestAddr(initial_thread(*process).registers().pc);
      CAPTURE(file_size, extra);
      auto begin = file.begin() + static_cast<ptrdiff_t>(offset);
      REQUIRE(peek(**process, base + 0xff0, file_size) ==
              std::vector(begin, begin + static_cast<ptrdiff_t>(file_size)));
      REQUIRE(peek(**process, base + 0xff0 + file_size, extra) == std::vector(extra, std::byte{0}));
    }
  }
}

TEST_CASE("the first message names the handles, arguments and environment") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Rig rig(arch);
    Ref<Process> process = rig.good({"prog", "", "two words"}, {"A=1", "B="});
    Message message = first_message(arch, process);
    std::span<const std::byte> bytes = message.bytes();

    abi::ProcArgs header;
    REQUIRE(bytes.size() >= sizeof header);
    std::memcpy(&header, bytes.data(), sizeof header);
    REQUIRE(header.protocol == abi::kProcargsProtocol);
    REQUIRE(header.version == abi::kProcargsVersion);
    REQUIRE(header.args_num == 3);
    REQUIRE(header.environ_num == 2);
    const char* text = reinterpret_cast<const char*>(bytes.data());
    REQUIRE(std::string(text + header.args_off, 5 + 1 + 10) == std::string("prog\0\0two words\0", 16));
    REQUIRE(std::string(text + header.environ_off, 7) == std::string("A=1\0B=\0", 7));
    REQUIRE(bytes.size() == header.environ_off + 7);

    std::map<uint32_t, const HandleOwner*> by_info;
    for (size_t i = 0; i < message.handles.size(); ++i) {
      uint32_t info = 0;
      std::memcpy(&info, bytes.data() + header.handle_info_off + i * 4, 4);
      by_info[info] = &message.handles[i];
    }
    auto object = [&](ProcessargsType type, uint16_t arg = 0) {
      auto found = by_info.find(abi::processargs_info(type, arg));
      REQUIRE(found != by_info.end());
      return found->second->object();
    };
    REQUIRE(object(ProcessargsType::kProcSelf) == process);
    REQUIRE(object(ProcessargsType::kThreadSelf) == Ref<Object>(&initial_thread(process)));
    REQUIRE(object(ProcessargsType::kJobDefault) == Ref<Object>(&process->job()));
    REQUIRE(object(ProcessargsType::kVmarRoot) == process->memory().root());
    REQUIRE(object(ProcessargsType::kVmarLoaded)->type() == ObjectType::kVmar);
    REQUIRE(object(ProcessargsType::kVmoVdso) == *rig.kernel.vdso_vmo());
    REQUIRE(object(ProcessargsType::kFd, 0x8000)->type() == ObjectType::kDebuglog);
    REQUIRE(by_info.size() == 7);
    REQUIRE_FALSE(contains(by_info[abi::processargs_info(ProcessargsType::kVmoVdso)]->rights(), Rights::kWrite));
  }
}

TEST_CASE("nothing more comes through the bootstrap channel") {
  Rig rig;
  Ref<Process> process = rig.good();
  rig.kernel.settle();
  auto handle = Handle{static_cast<uint32_t>(initial_thread(process).registers().gpr[0])};
  Ref<Channel> channel = *process->handles().get<Channel>(handle, Rights::kNone);
  REQUIRE(channel->signals() == (Signals::kChannelReadable | Signals::kChannelPeerClosed));
}

TEST_CASE("the vDSO is shared with whoever started the program") {
  Rig rig;
  Ref<Process> process = rig.good();
  Ref<Vmo> vdso = *rig.kernel.vdso_vmo();
  REQUIRE(vdso->info().share_count == 2);
  abi::InfoTaskStats stats = process->memory().task_stats();
  REQUIRE(stats.mem_shared_bytes == vdso->size());
  REQUIRE(stats.mem_scaled_shared_bytes == vdso->size() / 2);
  REQUIRE(stats.mem_private_bytes > 0);
}

TEST_CASE("the vDSO knows its machine and is the same for all") {
  Rig rig;
  rig.platform.set_cpus(2);
  Ref<Process> process = rig.good();
  const VdsoImage& image = vdso_image(Arch::kArm64);
  VdsoConstants constants;
  REQUIRE(process->memory().read(process->vdso_base() + image.constants_offset,
                                 std::as_writable_bytes(std::span(&constants, 1))) == Status::kOk);
  REQUIRE(constants.num_cpus == 2);
  REQUIRE(constants.page_size == 4096);
  REQUIRE(constants.physmem == FakePlatform::kRamSize);
  REQUIRE(constants.ticks_per_second == 1'000'000'000);
  REQUIRE(std::string(constants.version_string, constants.version_string_length).starts_with("jacinth-"));
  REQUIRE((constants.features_cpu & 1) == 1);
  // The code segment is the image's, executable and not writable.
  std::vector<std::byte> code = peek(*process, process->vdso_base() + image.code_offset, image.code_size);
  REQUIRE(std::ranges::equal(code, image.elf.subspan(image.code_offset, image.code_size)));
  Mapping* mapping = process->memory().find_mapping(process->vdso_base() + image.code_offset);
  REQUIRE(mapping->permissions() == (abi::VmOptions::kPermRead | abi::VmOptions::kPermExecute));
}

TEST_CASE("the stack is as large as the program says, with a page below that nobody can touch") {
  for (auto [says, has] : {std::pair(0x20000, 0x20000), std::pair(0x1001, 0x2000), std::pair(0, 0x40000)}) {
    Rig rig;
    ElfBuilder builder = good_elf();
    builder.phdrs.back().p_memsz = static_cast<uint64_t>(says);
    auto process = rig.boot(builder.build());
    REQUIRE(process.has_value());
    GuestAddr top(initial_thread(*process).registers().sp);
    Mapping* stack = (*process)->memory().find_mapping(top - 1);
    REQUIRE(stack != nullptr);
    REQUIRE(stack->size() == static_cast<uint64_t>(has));
    REQUIRE(stack->end() == top);
    REQUIRE((*process)->memory().find_mapping(stack->base() - 1) == nullptr);
  }
}

TEST_CASE("the same seed puts everything in the same place, another seed elsewhere") {
  auto places = [](uint64_t seed) {
    Rig rig;
    rig.platform.set_seed(seed);
    Ref<Process> process = rig.good();
    const Registers& r = initial_thread(process).registers();
    return std::array{r.pc, r.sp, process->vdso_base().value, r.gpr[0]};
  };
  REQUIRE(places(1) == places(1));
  REQUIRE(places(1) != places(2));
}

TEST_CASE("the run ends with the program, and its return code is the run's") {
  Rig rig;
  Ref<Process> process = rig.good();
  REQUIRE(rig.kernel.schedule(0) == &initial_thread(process).context());
  process->kill(33);
  rig.kernel.settle();
  REQUIRE(rig.kernel.outcome()->return_code == 33);
}

TEST_CASE("what cannot be started is refused in one line, and leaves nothing behind") {
  struct Refusal {
    const char* says;
    std::function<void(ElfBuilder&)> change;
  };
  const Refusal refusals[] = {
      {"class 1", [](ElfBuilder& b) { b.ehdr.e_ident[EI_CLASS] = ELFCLASS32; }},
      {"made for x86-64, and this board is arm64", [](ElfBuilder& b) { b.ehdr.e_machine = EM_X86_64; }},
      {"--libs", [](ElfBuilder& b) { b.phdrs.push_back({.p_type = PT_INTERP, .p_offset = 0x1000, .p_filesz = 4}); }},
      {"not all in user space", [](ElfBuilder& b) { b.ehdr.e_type = ET_EXEC; }},
      {"a stack of 0x20000000000 bytes", [](ElfBuilder& b) { b.phdrs[3].p_memsz = uint64_t{1} << 41; }},
      {"no place for", [](ElfBuilder& b) { b.phdrs[2].p_memsz = (uint64_t{1} << 48) - 0x10000; }},
      {"entry point", [](ElfBuilder& b) { b.ehdr.e_entry = uint64_t{1} << 62; }},
  };
  for (const Refusal& refusal : refusals) {
    Rig rig;
    static_cast<void>(rig.kernel.vdso_vmo());
    size_t objects = rig.kernel.core().objects().size();
    uint64_t frames = rig.kernel.vm().pmm().free_count();
    ElfBuilder builder = good_elf();
    refusal.change(builder);
    auto process = rig.boot(builder.build());
    INFO(refusal.says);
    REQUIRE_FALSE(process.has_value());
    REQUIRE_THAT(process.error().line, Catch::Contains(refusal.says));
    REQUIRE(process.error().line.find('\n') == std::string::npos);
    REQUIRE(process.error().exit_code == 126);
    rig.kernel.settle();
    REQUIRE(rig.kernel.core().objects().size() == objects);
    REQUIRE(rig.kernel.vm().pmm().free_count() == frames);
  }
}

TEST_CASE("a program of fixed addresses is put there") {
  Rig rig;
  ElfBuilder builder(Arch::kArm64, ET_EXEC);
  builder.load(0x100'0000, PF_R | PF_X);
  builder.ehdr.e_entry = 0x100'0010;
  auto process = rig.boot(builder.build());
  REQUIRE(process.has_value());
  REQUIRE(initial_thread(*process).registers().pc == 0x100'0010);
}

TEST_CASE("arguments that fill more than a message are refused") {
  Rig rig;
  auto process = rig.boot(good_elf().build(), {"prog", std::string(70'000, 'x')});
  REQUIRE_FALSE(process.has_value());
  REQUIRE_THAT(process.error().line, Catch::Contains("65536"));
}

TEST_CASE("a segment far larger than RAM costs nothing until it is touched") {
  Rig rig;
  ElfBuilder builder = good_elf();
  builder.phdrs[2].p_memsz = uint64_t{1} << 40;
  uint64_t before = rig.kernel.vm().pmm().free_count();
  auto process = rig.boot(builder.build());
  REQUIRE(process.has_value());
  REQUIRE(before - rig.kernel.vm().pmm().free_count() < 100);
}

TEST_CASE("a machine without room for the program says so") {
  Rig rig(Arch::kArm64, 256 << 10);
  std::vector<std::byte> file = good_elf().build();
  file.resize(1 << 20);
  auto process = rig.boot(file);
  REQUIRE_FALSE(process.has_value());
  REQUIRE_FALSE(process.error().line.empty());
}

TEST_CASE("a file of 65 534 segments loads or is refused, but quickly") {
  Rig rig;
  ElfBuilder builder(Arch::kArm64);
  std::vector<std::byte> file(sizeof(Elf64_Ehdr) + 65'534 * sizeof(Elf64_Phdr));
  builder.ehdr.e_phnum = 65'534;
  std::memcpy(file.data(), &builder.ehdr, sizeof builder.ehdr);
  for (uint64_t i = 0; i < 65'534; ++i) {
    Elf64_Phdr phdr{.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = i * kPageSize, .p_filesz = 16, .p_memsz = 16};
    std::memcpy(file.data() + sizeof builder.ehdr + i * sizeof phdr, &phdr, sizeof phdr);
  }
  auto process = rig.boot(file);
  REQUIRE(process.has_value());
}

TEST_CASE("20 000 mutated files start, or are refused in one line", "[fuzz]") {
  const uint32_t seed = 20'240'622;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Rig rig;
  static_cast<void>(rig.kernel.vdso_vmo());
  size_t objects = rig.kernel.core().objects().size();
  uint64_t frames = rig.kernel.vm().pmm().free_count();
  const std::vector<std::byte> good = good_elf().build();
  const size_t heads = sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr);
  size_t started = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto process = rig.boot(mutated(good, heads, random));
    if (process) {
      ++started;
      (*process)->kill(0);
      process = nullptr;
    } else {
      REQUIRE_FALSE(process.error().line.empty());
      REQUIRE(process.error().line.find('\n') == std::string::npos);
    }
    rig.kernel.set_initial_process(nullptr);
    rig.kernel.settle();
    REQUIRE(rig.kernel.core().objects().size() == objects);
    REQUIRE(rig.kernel.vm().pmm().free_count() == frames);
  }
  REQUIRE(started > 1000);
  REQUIRE(started < 19'000);
}

TEST_CASE("5 000 mutated programs and dynamic linkers start, or are refused in one line", "[fuzz]") {
  const uint32_t seed = 20'200'703;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  ElfBuilder needing = good_elf();
  // The name lies at the end of the first segment's page.
  needing.phdrs.push_back({.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 0xff8, .p_vaddr = 0xff8, .p_filesz = 8});
  std::vector<std::byte> program = needing.build();
  std::memcpy(program.data() + 0xff8, "ld.so.1", 8);
  const std::vector<std::byte> linker = good_elf().build();
  const size_t heads = sizeof(Elf64_Ehdr) + 5 * sizeof(Elf64_Phdr);
  size_t started = 0;
  for (int round = 0; round < 5'000; ++round) {
    Rig rig;
    bool wrong_linker = random() % 2 == 0;
    std::vector<std::byte> file = wrong_linker ? program : mutated(program, heads, random);
    std::vector<std::byte> other = wrong_linker ? mutated(linker, heads, random) : linker;
    BootOptions options{.elf = file, .name = "prog", .arguments = {"prog"}};
    options.linker = [&](std::string_view name) -> Result<Ref<Vmo>> {
      if (name != "ld.so.1") return Status::kNotFound;
      Ref<Vmo> vmo = *Vmo::create(rig.kernel.core(), other.size());
      REQUIRE(vmo->write(0, other) == Status::kOk);
      return vmo;
    };
    options.loader = [&]() -> Result<HandleOwner> {
      auto [ours, theirs] = Channel::create(rig.kernel.core());
      return rig.kernel.core().handles().make(theirs, abi::default_rights(ObjectType::kChannel));
    };
    auto process = kernel::boot(rig.kernel, std::move(options));
    if (process) {
      ++started;
      (*process)->kill(0);
    } else {
      REQUIRE_FALSE(process.error().line.empty());
      REQUIRE(process.error().line.find('\n') == std::string::npos);
    }
  }
  REQUIRE(started > 300);
  REQUIRE(started < 4'700);
}

}  // namespace jacinth::kernel
