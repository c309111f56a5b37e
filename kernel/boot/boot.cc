#include "kernel/boot/boot.h"

#include <fmt/format.h>

#include <optional>

#include "emu/base/check.h"
#include "kernel/abi/processargs.h"
#include "kernel/boot/elf.h"
#include "kernel/hw/resource.h"
#include "kernel/ipc/debuglog.h"

namespace jacinth::kernel {
namespace {

using abi::ProcessargsType;

/// The debuglog stands in for descriptors 0, 1 and 2 (libfdio's FDIO_FLAG_USE_FOR_STDIO).
constexpr uint16_t kForStdio = 0x8000;

/// A name from a file, fit for a message: one line, and not a page of it.
std::string printable(std::string_view text) {
  constexpr size_t kMax = 80;
  std::string shown(text.substr(0, kMax));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text.size() > kMax ? shown + "..." : shown;
}

/// What a program with root may do: each is a handle of its first message.
struct RootResource {
  ProcessargsType type;
  abi::ResourceKind kind;
  std::string_view name;
};
constexpr RootResource kRootResources[] = {
    {ProcessargsType::kResource, abi::ResourceKind::kRoot, "root"},
    {ProcessargsType::kMmioResource, abi::ResourceKind::kMmio, "mmio"},
    {ProcessargsType::kIrqResource, abi::ResourceKind::kIrq, "irq"},
    {ProcessargsType::kIoportResource, abi::ResourceKind::kIoport, "io_port"},
    {ProcessargsType::kSmcResource, abi::ResourceKind::kSmc, "smc"},
    {ProcessargsType::kSystemResource, abi::ResourceKind::kSystem, "system"},
};
constexpr Rights kResourceRights = abi::default_rights(ObjectType::kResource);

class Launcher {
 public:
  Launcher(Kernel& kernel, BootOptions options) : kernel_(kernel), core_(kernel.core()), options_(std::move(options)) {}

  std::expected<Ref<Process>, BootError> launch() {
    ElfFile elf = TRY(parse(options_.elf));
    if (elf.interpreter) TRY(find_linker(elf));
    Ref<Job> job = TRY(boot_needs(Job::create(kernel_.root_job()), "make a job"));
    process_ = TRY(boot_needs(Process::create(job, options_.name), "make a process"));
    std::expected<void, BootError> started = start(std::move(elf), job);
    if (!started) {
      process_->kill(0);
      kernel_.settle();
      return std::unexpected(started.error());
    }
    kernel_.set_initial_process(process_);
    return process_;
  }

 private:
  std::expected<ElfFile, BootError> parse(std::span<const std::byte> file) {
    auto elf = parse_elf(file);
    if (!elf) return boot_failure(elf.error());
    Arch arch = core_.platform().arch();
    if (elf->arch != arch)
      return boot_failure(fmt::format("made for {}, and this board is {}", arch_name(elf->arch), arch_name(arch)));
    if (elf->stack_size > kMaxStackSize)
      return boot_failure(fmt::format("asks for a stack of {:#x} bytes", elf->stack_size));
    return *elf;
  }

  std::expected<void, BootError> find_linker(const ElfFile& elf) {
    std::string name = printable(*elf.interpreter);
    if (!options_.linker)
      return boot_failure(
          fmt::format("needs the dynamic linker {} and libraries: --libs=DIR[:DIR...] says where they "
                      "are, such as the folders sysroot/dist/lib and dist of an SDK's arch/{}; or link "
                      "it statically (-static-pie)",
                      name, elf.arch == Arch::kArm64 ? "arm64" : "x64"));
    Result<Ref<Vmo>> linker = options_.linker(*elf.interpreter);
    if (!linker && linker.status() == Status::kNotFound)
      return boot_failure(fmt::format("needs the dynamic linker {}, and no folder of --libs has it", name));
    linker_ = TRY(boot_needs(std::move(linker), fmt::format("load the dynamic linker {}", name)));
    std::vector<std::byte> bytes(linker_->content_size());
    TRY(boot_needs(read_all(bytes), fmt::format("read the dynamic linker {}", name)));
    auto parsed = parse(bytes);
    if (!parsed) return boot_failure(fmt::format("its dynamic linker {}: {}", name, parsed.error().line));
    if (parsed->interpreter) return boot_failure(fmt::format("its dynamic linker {} needs one itself", name));
    linker_elf_ = std::move(*parsed);
    core_.vm().set_july_2020();
    return {};
  }

  Result<bool> read_all(std::span<std::byte> to) {
    TRY_STATUS(linker_->read(0, to));
    return true;
  }

  Result<HandleOwner> make(Ref<Object> object, Rights rights) {
    return core_.handles().make(std::move(object), rights);
  }

  std::expected<void, BootError> start(ElfFile elf, const Ref<Job>& job) {
    Ref<Vmo> file = TRY(boot_needs(Vmo::create(core_, options_.elf.size()), "hold the file in memory"));
    static_cast<void>(file->set_name(options_.name));
    if (Status status = file->write(0, options_.elf); status != Status::kOk)
      return boot_failure(fmt::format("its {} bytes do not fit into the machine's memory", options_.elf.size()));

    Program program{.elf = std::move(elf),
                    .file = file,
                    .name = options_.name,
                    .linker = linker_,
                    .linker_elf = linker_elf_,
                    .arguments = std::move(options_.arguments),
                    .environment = std::move(options_.environment),
                    .names = std::move(options_.names)};
    if (linker_ && options_.loader)
      program.loader = TRY(boot_needs(options_.loader(), "connect to the loader service"));
    auto add = [&](ProcessargsType type, Ref<Object> object, Rights rights, uint16_t argument = 0) {
      Result<HandleOwner> handle = make(std::move(object), rights);
      if (handle)
        program.handles.push_back({.info = abi::processargs_info(type, argument), .handle = std::move(*handle)});
    };
    const Ref<Job>& default_job = options_.root ? kernel_.root_job() : job;
    add(ProcessargsType::kJobDefault, default_job, abi::default_rights(ObjectType::kJob));
    add(ProcessargsType::kVmoVdso, TRY(boot_needs(kernel_.vdso_vmo(), "make the vDSO")), kExecutableVmoRights);
    bool has_streams = false;
    for (StartHandle& handle : options_.handles) {
      has_streams |= abi::processargs_type(handle.info) == ProcessargsType::kFd;
      program.handles.push_back(std::move(handle));
    }
    if (!has_streams)
      add(ProcessargsType::kFd, make_object<Debuglog>(core_, false), abi::default_rights(ObjectType::kDebuglog),
          kForStdio);
    if (options_.root) {
      for (const RootResource& row : kRootResources) {
        if (Resource::all_of(program.elf.arch, row.kind).size == 0 && row.kind != abi::ResourceKind::kRoot) continue;
        add(row.type, Resource::create_ranged_root(core_, row.kind, row.name), kResourceRights);
      }
    }
    PreparedProgram prepared = TRY(prepare(kernel_, process_, std::move(program)));
    if (options_.channel != nullptr && linker_) *options_.channel = prepared.channel;
    Status status = kernel::start(process_, std::move(prepared));
    CHECK(status == Status::kOk, "a new process does not start: {}", abi::status_name(status));
    return {};
  }

  Kernel& kernel_;
  Core& core_;
  BootOptions options_;
  Ref<Process> process_;
  Ref<Vmo> linker_;
  std::optional<ElfFile> linker_elf_;
};

}  // namespace

std::expected<Ref<Process>, BootError> boot(Kernel& kernel, BootOptions options) {
  return Launcher(kernel, std::move(options)).launch();
}

}  // namespace jacinth::kernel
