#include "kernel/boot/boot.h"

#include <fmt/format.h>

#include <optional>

#include "kernel/boot/bootstrap_message.h"
#include "kernel/boot/elf.h"
#include "kernel/boot/load_elf.h"
#include "kernel/hw/resource.h"
#include "kernel/ipc/channel.h"
#include "kernel/ipc/debuglog.h"
#include "kernel/syscalls/entry_point.h"
#include "kernel/vdso/image.h"

namespace jacinth::kernel {
namespace {

using abi::ProcessargsType;
using abi::VmOptions;

/// When the program does not say (PT_GNU_STACK): ZIRCON_DEFAULT_STACK_SIZE.
constexpr uint64_t kDefaultStackSize = 256 << 10;
/// More than this no program means; the message says which number was read.
constexpr uint64_t kMaxStackSize = uint64_t{1} << 40;

/// The debuglog stands in for descriptors 0, 1 and 2 (libfdio's FDIO_FLAG_USE_FOR_STDIO).
constexpr uint16_t kForStdio = 0x8000;

using Failure = std::unexpected<BootError>;

Failure failure(std::string line) { return Failure(BootError{.line = std::move(line)}); }

/// Steps that fail only when guest RAM has no room left.
template <class T>
std::expected<T, BootError> need(Result<T> result, std::string_view what) {
  if (result) return std::move(*result);
  return failure(fmt::format("cannot {}: {}", what, abi::status_name(result.status())));
}

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
  Launcher(Kernel& kernel, const BootOptions& options) : kernel_(kernel), core_(kernel.core()), options_(options) {}

  std::expected<Ref<Process>, BootError> launch() {
    ElfFile elf = TRY(parse());
    Ref<Job> job = TRY(need(Job::create(kernel_.root_job()), "make a job"));
    process_ = TRY(need(Process::create(job, options_.name), "make a process"));
    std::expected<void, BootError> started = start(elf, job);
    if (!started) {
      process_->kill(0);
      kernel_.settle();
      return Failure(started.error());
    }
    kernel_.set_initial_process(process_);
    return process_;
  }

 private:
  std::expected<ElfFile, BootError> parse() {
    auto elf = parse_elf(options_.elf);
    if (!elf) return failure(elf.error());
    Arch arch = core_.platform().arch();
    if (elf->arch != arch) {
      return failure(fmt::format("made for {}, and this board is {}", arch_name(elf->arch), arch_name(arch)));
    }
    if (elf->interpreter) {
      return failure(
          fmt::format("needs the dynamic linker {}; programs of several files need --library-path, which is "
                      "not there yet: link it statically (-static-pie)",
                      printable(*elf->interpreter)));
    }
    if (elf->stack_size > kMaxStackSize) {
      return failure(fmt::format("asks for a stack of {:#x} bytes", elf->stack_size));
    }
    return *elf;
  }

  std::expected<void, BootError> start(const ElfFile& elf, const Ref<Job>& job) {
    Ref<Vmo> file = TRY(need(Vmo::create(core_, options_.elf.size()), "hold the file in memory"));
    static_cast<void>(file->set_name(options_.name));
    if (Status status = file->write(0, options_.elf); status != Status::kOk) {
      return failure(fmt::format("its {} bytes do not fit into the machine's memory", options_.elf.size()));
    }
    auto loaded = load_elf(process_->memory(), elf, file, options_.name);
    if (!loaded) return failure(loaded.error());
    vdso_ = TRY(need(kernel_.vdso_vmo(), "make the vDSO"));
    GuestAddr vdso = TRY(map_vdso());
    GuestAddr stack = TRY(map_stack(elf.stack_size));

    auto thread = make_object<Thread>(process_, "initial-thread");
    BootstrapMessage message;
    auto add = [&](ProcessargsType type, Ref<Object> object, Rights rights, uint16_t argument = 0) {
      Result<HandleOwner> handle = core_.handles().make(std::move(object), rights);
      if (handle) message.add_handle(abi::processargs_info(type, argument), std::move(*handle));
    };
    add(ProcessargsType::kProcSelf, process_, abi::default_rights(ObjectType::kProcess));
    add(ProcessargsType::kThreadSelf, thread, abi::default_rights(ObjectType::kThread));
    const Ref<Job>& default_job = options_.root ? kernel_.root_job() : job;
    add(ProcessargsType::kJobDefault, default_job, abi::default_rights(ObjectType::kJob));
    Ref<AddressRegion> root = process_->memory().root();
    add(ProcessargsType::kVmarRoot, root, root->handle_rights());
    add(ProcessargsType::kVmarLoaded, loaded->region, loaded->region->handle_rights());
    add(ProcessargsType::kVmoVdso, vdso_, kVdsoRights);
    Rights log_rights = abi::default_rights(ObjectType::kDebuglog);
    add(ProcessargsType::kFd, make_object<Debuglog>(core_, false), log_rights, kForStdio);
    if (options_.root) {
      for (const RootResource& row : kRootResources) {
        if (Resource::all_of(elf.arch, row.kind).size == 0 && row.kind != abi::ResourceKind::kRoot) continue;
        add(row.type, Resource::create_ranged_root(core_, row.kind, row.name), kResourceRights);
      }
    }
    message.set_arguments(options_.arguments);
    message.set_environment(options_.environment);
    uint64_t size = message.size();
    Result<Message> first = message.take();
    if (!first) {
      return failure(fmt::format("arguments and environment take {} bytes, more than a message's {}", size,
                                 abi::kChannelMaxMsgBytes));
    }

    Handle bootstrap = TRY(send(std::move(*first)));
    Thread::Entry entry{.pc = loaded->entry, .sp = stack, .argument1 = abi::raw(bootstrap), .argument2 = vdso.value};
    if (!valid_entry_point(elf.arch, entry.pc)) {
      return failure(fmt::format("its entry point {:#x} is no address of user space", entry.pc.value));
    }
    Status status = thread->start(entry, true);
    CHECK(status == Status::kOk, "a new process does not start: {}", abi::status_name(status));
    return {};
  }

  std::expected<GuestAddr, BootError> map_vdso() {
    const VdsoImage& image = vdso_image(core_.platform().arch());
    Ref<AddressRegion> root = process_->memory().root();
    Ref<AddressRegion> region = TRY(need(
        root->allocate(0, image.elf.size(), VmOptions::kCanMapMask | VmOptions::kCanMapSpecific), "place the vDSO"));
    auto map = [&](uint64_t offset, uint64_t length, VmOptions permissions) {
      return region->map({.offset = offset,
                          .vmo = vdso_,
                          .vmo_offset = offset,
                          .length = length,
                          .options = VmOptions::kSpecific | permissions});
    };
    TRY(need(map(0, image.code_offset, VmOptions::kPermRead), "map the vDSO"));
    TRY(need(map(image.code_offset, image.code_size, VmOptions::kPermRead | VmOptions::kPermExecute), "map the vDSO"));
    uint64_t code_end = image.code_offset + image.code_size;
    if (code_end < image.elf.size()) {
      TRY(need(map(code_end, image.elf.size() - code_end, VmOptions::kPermRead), "map the vDSO"));
    }
    return region->base();
  }

  /// Returns the initial stack pointer. Below the stack lies a page that nobody can touch.
  std::expected<GuestAddr, BootError> map_stack(uint64_t asked) {
    uint64_t size = asked == 0 ? kDefaultStackSize : round_up_to_page(asked);
    Ref<AddressRegion> root = process_->memory().root();
    Ref<AddressRegion> region =
        TRY(need(root->allocate(0, size + kPageSize,
                                VmOptions::kCanMapRead | VmOptions::kCanMapWrite | VmOptions::kCanMapSpecific),
                 fmt::format("place a stack of {:#x} bytes", size)));
    Ref<Vmo> vmo = TRY(need(Vmo::create(core_, size), "make the stack"));
    static_cast<void>(vmo->set_name("stack:initial-thread"));
    GuestAddr base =
        TRY(need(region->map({.offset = kPageSize,
                              .vmo = vmo,
                              .length = size,
                              .options = VmOptions::kSpecific | VmOptions::kPermRead | VmOptions::kPermWrite}),
                 "map the stack"));
    GuestAddr top = base + size;
    // As if the entry had been called: on x86-64 a return address would lie at the stack pointer.
    return core_.platform().arch() == Arch::kX86_64 ? top - 8 : top;
  }

  /// Puts the message into a new channel and gives the process its end. The other end closes: nothing more will come.
  std::expected<Handle, BootError> send(Message message) {
    auto [ours, theirs] = Channel::create(core_);
    HandleOwner our_end =
        TRY(need(core_.handles().make(ours, abi::default_rights(ObjectType::kChannel)), "make a channel"));
    HandleOwner their_end =
        TRY(need(core_.handles().make(theirs, abi::default_rights(ObjectType::kChannel)), "make a channel"));
    TRY(need(ours->write(ours->owner(), std::move(message)), "send the first message"));
    return process_->handles().add(std::move(their_end));
  }

  static constexpr Rights kVdsoRights =
      Rights::kBasic | Rights::kRead | Rights::kMap | Rights::kExecute | Rights::kGetProperty;

  Kernel& kernel_;
  Core& core_;
  const BootOptions& options_;
  Ref<Process> process_;
  Ref<Vmo> vdso_;
};

}  // namespace

std::expected<Ref<Process>, BootError> boot(Kernel& kernel, const BootOptions& options) {
  return Launcher(kernel, options).launch();
}

}  // namespace jacinth::kernel
