#include "kernel/boot/process_builder.h"

#include <fmt/format.h>

#include <utility>

#include "kernel/boot/bootstrap_message.h"
#include "kernel/boot/load_elf.h"
#include "kernel/syscalls/entry_point.h"
#include "kernel/vdso/image.h"

namespace jacinth::kernel {
namespace {

using abi::ProcessargsType;
using abi::VmOptions;

/// PTHREAD_STACK_MIN of the C library: what the linker and its own start need beside the message.
constexpr uint64_t kLinkerStack = 3072;

class Builder {
 public:
  Builder(Kernel& kernel, const Ref<Process>& process, Program program)
      : kernel_(kernel), core_(kernel.core()), process_(process), program_(std::move(program)) {}

  std::expected<PreparedProgram, BootError> build() {
    bool linked = program_.elf.interpreter.has_value();
    AddressRegion& root = *process_->memory().root();
    Ref<AddressRegion> reserved;
    if (linked) reserved = TRY(reserve_low_half());
    const ElfFile& first = linked ? *program_.linker_elf : program_.elf;
    auto loaded = load_elf(process_->memory(), first, linked ? program_.linker : program_.file,
                           linked ? *program_.elf.interpreter : program_.name);
    if (!loaded) return boot_failure(loaded.error(), Status::kNoMemory);
    if (!valid_entry_point(first.arch, loaded->entry))
      return boot_failure(fmt::format("its entry point {:#x} is no address of user space", loaded->entry.value));
    GuestAddr vdso = TRY(map_vdso(kernel_, *process_));

    PreparedProgram prepared;
    prepared.thread = make_object<Thread>(process_, "initial-thread");
    prepared.base = loaded->region->base();

    BootstrapMessage message;
    add(message, ProcessargsType::kProcSelf, process_, abi::default_rights(ObjectType::kProcess));
    add(message, ProcessargsType::kThreadSelf, prepared.thread, abi::default_rights(ObjectType::kThread));
    add(message, ProcessargsType::kVmarRoot, Ref<AddressRegion>(&root), root.handle_rights());
    if (!linked) add(message, ProcessargsType::kVmarLoaded, loaded->region, loaded->region->handle_rights());
    for (StartHandle& handle : program_.handles) message.add_handle(handle.info, std::move(handle.handle));
    message.set_arguments(program_.arguments);
    message.set_environment(program_.environment);
    message.set_names(program_.names);

    GuestAddr top = linked ? TRY(map_first_stack(message)) : TRY(map_stack());
    if (linked && first.arch == Arch::kArm64) prepared.entry.shadow_call_stack = shadow_call_stack_.value;
    if (reserved) static_cast<void>(reserved->destroy());

    auto [ours, theirs] = Channel::create(core_);
    Rights channel_rights = abi::default_rights(ObjectType::kChannel);
    HandleOwner our_end = TRY(boot_needs(core_.handles().make(ours, channel_rights), "make a channel"));
    prepared.bootstrap = TRY(boot_needs(core_.handles().make(theirs, channel_rights), "make a channel"));
    prepared.channel = theirs;
    if (linked) TRY(send(*ours, linkers_message(*loaded, prepared.thread)));
    TRY(send(*ours, std::move(message)));

    // As if the entry had been called: on x86-64 a return address would lie at the stack pointer.
    GuestAddr sp = first.arch == Arch::kX86_64 ? top - 8 : top;
    prepared.entry.pc = loaded->entry;
    prepared.entry.sp = sp;
    prepared.entry.argument2 = vdso.value;
    return prepared;
  }

 private:
  void add(BootstrapMessage& message, ProcessargsType type, Ref<Object> object, Rights rights) {
    Result<HandleOwner> handle = core_.handles().make(std::move(object), rights);
    if (handle) message.add_handle(abi::processargs_info(type), std::move(*handle));
  }

  std::expected<Ref<AddressRegion>, BootError> reserve_low_half() {
    AddressRegion& root = *process_->memory().root();
    uint64_t half = round_up_to_page(root.end().value / 2);
    return boot_needs(root.allocate(0, half - root.base().value, VmOptions::kSpecific),
                      "keep the lower half of the address space free");
  }

  /// The stack of a program without a linker; its end. Below it lies a page that nobody can touch.
  std::expected<GuestAddr, BootError> map_stack() {
    uint64_t asked = program_.elf.stack_size;
    uint64_t size = asked == 0 ? kDefaultStackSize : round_up_to_page(asked);
    Ref<AddressRegion> root = process_->memory().root();
    Ref<AddressRegion> region =
        TRY(boot_needs(root->allocate(0, size + kPageSize,
                                      VmOptions::kCanMapRead | VmOptions::kCanMapWrite | VmOptions::kCanMapSpecific),
                       fmt::format("place a stack of {:#x} bytes", size)));
    Ref<Vmo> vmo = TRY(boot_needs(Vmo::create(core_, size), "make the stack"));
    static_cast<void>(vmo->set_name("stack:initial-thread"));
    GuestAddr base =
        TRY(boot_needs(region->map({.offset = kPageSize,
                                    .vmo = vmo,
                                    .length = size,
                                    .options = VmOptions::kSpecific | VmOptions::kPermRead | VmOptions::kPermWrite}),
                       "map the stack"));
    return base + size;
  }

  /// The stack that a linker starts on, with its handle in the message; its end.
  std::expected<GuestAddr, BootError> map_first_stack(BootstrapMessage& message) {
    uint64_t message_size = message.size() + sizeof(uint32_t);  // The stack's own handle comes.
    uint64_t size = round_up_to_page(message_size + (message.handle_count() + 1) * sizeof(uint32_t) + kLinkerStack);
    if (program_.elf.arch == Arch::kArm64) size += kPageSize;
    Ref<Vmo> vmo = TRY(boot_needs(Vmo::create(core_, size), fmt::format("make a stack of {:#x} bytes", size)));
    static_cast<void>(vmo->set_name(fmt::format("stack: msg of {:#x}", message_size)));
    GuestAddr base =
        TRY(boot_needs(process_->memory().root()->map(
                           {.vmo = vmo, .length = size, .options = VmOptions::kPermRead | VmOptions::kPermWrite}),
                       fmt::format("place a stack of {:#x} bytes", size)));
    shadow_call_stack_ = base;
    add(message, ProcessargsType::kVmoStack, vmo, abi::default_rights(ObjectType::kVmo));
    return base + size;
  }

  BootstrapMessage linkers_message(const LoadedElf& linker, const Ref<Thread>& thread) {
    BootstrapMessage message;
    if (program_.loader)
      message.add_handle(abi::processargs_info(ProcessargsType::kLdsvcLoader), std::move(program_.loader));
    add(message, ProcessargsType::kVmoExecutable, program_.file, kExecutableVmoRights);
    add(message, ProcessargsType::kVmarLoaded, linker.region, linker.region->handle_rights());
    add(message, ProcessargsType::kProcSelf, process_, abi::default_rights(ObjectType::kProcess));
    Ref<AddressRegion> root = process_->memory().root();
    add(message, ProcessargsType::kVmarRoot, root, root->handle_rights());
    add(message, ProcessargsType::kThreadSelf, thread, abi::default_rights(ObjectType::kThread));
    message.set_arguments(program_.arguments);
    message.set_environment(program_.environment);
    return message;
  }

  std::expected<void, BootError> send(Channel& channel, BootstrapMessage message) {
    uint64_t size = message.size();
    Result<Message> packed = message.take();
    if (!packed)
      return boot_failure(fmt::format("arguments and environment take {} bytes, more than a message's {}", size,
                                      abi::kChannelMaxMsgBytes),
                          Status::kOutOfRange);
    TRY(boot_needs(channel.write(channel.owner(), std::move(*packed)), "send the first message"));
    return {};
  }

  Kernel& kernel_;
  Core& core_;
  Ref<Process> process_;
  Program program_;
  GuestAddr shadow_call_stack_;
};

}  // namespace

std::expected<GuestAddr, BootError> map_vdso(Kernel& kernel, Process& process) {
  Ref<Vmo> vdso = TRY(boot_needs(kernel.vdso_vmo(), "make the vDSO"));
  const VdsoImage& image = kernel.vm().vdso_image();
  Ref<AddressRegion> root = process.memory().root();
  Ref<AddressRegion> region = TRY(boot_needs(
      root->allocate(0, image.elf.size(), VmOptions::kCanMapMask | VmOptions::kCanMapSpecific), "place the vDSO"));
  auto map = [&](uint64_t offset, uint64_t length, VmOptions permissions) {
    return region->map({.offset = offset,
                        .vmo = vdso,
                        .vmo_offset = offset,
                        .length = length,
                        .options = VmOptions::kSpecific | permissions});
  };
  TRY(boot_needs(map(0, image.code_offset, VmOptions::kPermRead), "map the vDSO"));
  TRY(boot_needs(map(image.code_offset, image.code_size, VmOptions::kPermRead | VmOptions::kPermExecute),
                 "map the vDSO"));
  uint64_t code_end = image.code_offset + image.code_size;
  if (code_end < image.elf.size())
    TRY(boot_needs(map(code_end, image.elf.size() - code_end, VmOptions::kPermRead), "map the vDSO"));
  return region->base();
}

std::expected<PreparedProgram, BootError> prepare(Kernel& kernel, const Ref<Process>& process, Program program) {
  return Builder(kernel, process, std::move(program)).build();
}

Status start(const Ref<Process>& process, PreparedProgram prepared) {
  Handle bootstrap = process->handles().add(std::move(prepared.bootstrap));
  prepared.entry.argument1 = abi::raw(bootstrap);
  return prepared.thread->start(prepared.entry, true);
}

}  // namespace jacinth::kernel
