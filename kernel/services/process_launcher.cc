#include "kernel/services/process_launcher.h"

#include <fmt/format.h>

#include "emu/state/archive.h"
#include "kernel/abi/processargs.h"
#include "kernel/boot/process_builder.h"
#include "kernel/services/loader.h"
#include "kernel/services/names.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

using abi::ProcessargsType;

constexpr uint64_t kLaunch = 0x1133'5a99'28af'bfa4;
constexpr uint64_t kCreateWithoutStarting = 0x755f'8263'fe51'cb61;
constexpr uint64_t kAddArgs = 0x3be4'45d3'e4fd'6512;
constexpr uint64_t kAddEnvirons = 0x73a3'c97f'a7fe'1779;
constexpr uint64_t kAddNames = 0x2579'ee2c'7be2'8662;
constexpr uint64_t kAddHandles = 0x5102'5267'a537'a615;

constexpr uint64_t kMaxPath = 4096;
constexpr uint64_t kMaxName = 32;
/// No message has room for more of anything.
constexpr uint64_t kMany = abi::kChannelMaxMsgBytes;
/// No executable is larger.
constexpr uint64_t kMaxFile = uint64_t{1} << 30;

/// The handles of an answer's process and its parts.
struct Started {
  Ref<Process> process;
  PreparedProgram prepared;
};

/// A new process in the job, with the program in it.
std::expected<Started, BootError> make_process(Services& services, const Ref<Job>& job, std::string_view name,
                                               Program program, LoaderEndpoint* loader) {
  Kernel& kernel = services.kernel();
  std::vector<std::byte> bytes(std::min(program.file->size(), kMaxFile));
  if (Status status = program.file->read(0, bytes); status != Status::kOk)
    return boot_failure("the executable cannot be read", status);
  auto elf = parse_elf(bytes);
  if (!elf) return boot_failure(elf.error());
  Arch arch = kernel.core().platform().arch();
  if (elf->arch != arch) return boot_failure(fmt::format("made for {}", arch_name(elf->arch)), Status::kNotSupported);
  program.elf = *elf;
  program.name = name;
  if (elf->interpreter) {
    if (loader == nullptr) return boot_failure("a loader service of its own is not supported", Status::kNotSupported);
    Result<HandleOwner> linker = loader->load(*elf->interpreter);
    if (!linker) {
      services.note_missing(*elf->interpreter);
      return boot_failure(
          fmt::format("its dynamic linker {}: {}", *elf->interpreter, abi::status_name(linker.status())),
          linker.status());
    }
    program.linker = ref_cast<Vmo>(linker->object());
    bytes.resize(program.linker->content_size());
    if (Status status = program.linker->read(0, bytes); status != Status::kOk)
      return boot_failure("its dynamic linker cannot be read", status);
    auto parsed = parse_elf(bytes);
    if (!parsed || parsed->arch != arch || parsed->interpreter) return boot_failure("its dynamic linker is none");
    program.linker_elf = std::move(*parsed);
  }
  Ref<Process> process = TRY(boot_needs(Process::create(job, name), "make a process"));
  auto prepared = prepare(kernel, process, std::move(program));
  if (!prepared) {
    process->kill(0);
    return std::unexpected(prepared.error());
  }
  return Started{.process = process, .prepared = std::move(*prepared)};
}

}  // namespace

bool ProcessLauncher::request(const FidlHeader& header, Message& message) {
  bool known = false;
  switch (header.ordinal) {
    case kAddArgs: known = add_strings(message, arguments_); break;
    case kAddEnvirons: known = add_strings(message, environment_); break;
    case kAddNames: known = add_names(message); break;
    case kAddHandles: known = add_handles(message); break;
    case kLaunch:
    case kCreateWithoutStarting: known = launch(header, message); break;
    default: break;
  }
  if (!known)
    services().tell("launcher",
                    fmt::format("closed: no request of {} bytes with ordinal {:#x}", message.size(), header.ordinal));
  return known;
}

bool ProcessLauncher::add_strings(Message& message, std::vector<std::string>& to) {
  FidlReader reader(message, 16);
  uint64_t count = reader.vector(kMany);
  std::vector<std::string> strings;
  reader.nested(count * 16);
  for (uint64_t i = 0; i < count && reader.ok(); ++i) strings.emplace_back(reader.bytes(kMany));
  reader.return_from_nested();
  if (!reader.done()) return false;
  // A NUL would end a string in the new process's message.
  for (std::string& text : strings) to.push_back(text.substr(0, text.find('\0')));
  return true;
}

bool ProcessLauncher::add_names(Message& message) {
  FidlReader reader(message, 16);
  uint64_t count = reader.vector(kMany);
  reader.nested(count * 24);
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    std::string path(reader.bytes(kMaxPath));
    HandleOwner directory = reader.handle();
    static_cast<void>(reader.number<uint32_t>());
    if (!reader.ok()) break;
    auto index = static_cast<uint16_t>(names_.size());
    handles_.push_back({abi::processargs_info(ProcessargsType::kNsDir, index), std::move(directory)});
    names_.push_back(path.substr(0, path.find('\0')));
  }
  reader.return_from_nested();
  return reader.done();
}

bool ProcessLauncher::add_handles(Message& message) {
  FidlReader reader(message, 16);
  uint64_t count = reader.vector(kMany);
  reader.nested(count * 8);
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    HandleOwner handle = reader.handle();
    auto info = reader.number<uint32_t>();
    if (!reader.ok()) break;
    if (info == abi::processargs_info(ProcessargsType::kLdsvcLoader)) {
      loader_ = std::move(handle);
    } else if (info != abi::processargs_info(ProcessargsType::kVmoVdso)) {
      handles_.push_back({info, std::move(handle)});
    }
  }
  reader.return_from_nested();
  return reader.done();
}

bool ProcessLauncher::launch(const FidlHeader& header, Message& message) {
  FidlReader reader(message, 24);
  HandleOwner file = reader.handle();
  HandleOwner job = reader.handle();
  std::string name(reader.bytes(kMaxName));
  if (!reader.done()) return false;

  Core& core = services().core();
  std::expected<Started, BootError> started = boot_failure("no executable, or no job");
  Ref<Vmo> executable = ref_cast<Vmo>(file.object());
  Ref<Job> parent = ref_cast<Job>(job.object());
  // The launcher of that time asks for the loader service whatever the program is.
  if (executable && parent && !loader_) started = boot_failure("no loader service came with it");
  if (executable && parent && !contains(file.rights(), Rights::kRead | Rights::kMap | Rights::kExecute))
    started = boot_failure("the executable may not be read, mapped and executed", Status::kAccessDenied);
  else if (executable && parent && !contains(job.rights(), Rights::kManageProcess))
    started = boot_failure("the job may not be given processes", Status::kAccessDenied);
  else if (executable && parent && loader_) {
    Program program{.file = executable, .arguments = arguments_, .environment = environment_, .names = names_};
    for (Given& given : handles_) program.handles.push_back({given.info, std::move(given.handle)});
    Ref<Channel> channel = ref_cast<Channel>(loader_.object());
    Endpoint* endpoint = channel ? services().serving(*channel) : nullptr;
    LoaderEndpoint* loader =
        endpoint != nullptr && endpoint->kind() == Kind::kLoader ? static_cast<LoaderEndpoint*>(endpoint) : nullptr;
    program.loader = std::move(loader_);
    started = make_process(services(), parent, name, std::move(program), loader);
  }
  reset();
  Status status = started ? Status::kOk : started.error().status;
  bool starts = header.ordinal == kLaunch;
  services().tell("launcher",
                  fmt::format("{}({}) = {}{}", starts ? "Launch" : "CreateWithoutStarting", quoted(name),
                              abi::status_name(status), started ? "" : fmt::format(" ({})", started.error().line)));

  auto handle = [&core](Ref<Object> object, Rights rights) {
    Result<HandleOwner> made = core.handles().make(std::move(object), rights);
    return made ? std::move(*made) : HandleOwner();
  };
  FidlWriter writer(header.txid, header.ordinal);
  writer.status(status);
  HandleOwner process = started ? handle(started->process, abi::default_rights(ObjectType::kProcess)) : HandleOwner();
  if (starts) {
    if (started) {
      Status ran = kernel::start(started->process, std::move(started->prepared));
      if (ran != Status::kOk) services().tell("launcher", fmt::format("start = {}", abi::status_name(ran)));
    }
    writer.handle(std::move(process));
  } else {
    writer.align(8);
    writer.number(started ? kFidlPresent : uint64_t{0});
    if (started) {
      Ref<AddressRegion> root = started->process->memory().root();
      writer.handle(std::move(process));
      writer.handle(handle(root, root->handle_rights()));
      writer.handle(handle(started->prepared.thread, abi::default_rights(ObjectType::kThread)));
      writer.align(8);
      writer.number(started->prepared.entry.pc.value);
      writer.number(started->prepared.entry.sp.value);
      writer.handle(std::move(started->prepared.bootstrap));
      writer.align(8);
      writer.number(started->prepared.entry.argument2);
      writer.number(started->prepared.base.value);
    }
  }
  send(writer);
  return true;
}

void ProcessLauncher::reset() {
  arguments_.clear();
  environment_.clear();
  names_.clear();
  handles_.clear();
  loader_.reset();
}

void ProcessLauncher::let_go() {
  ChannelEndpoint::let_go();
  reset();
}

void ProcessLauncher::state(Archive& ar) {
  ChannelEndpoint::state(ar);
  ar(arguments_, environment_, names_, handles_);
  loader_.state(ar);
}

}  // namespace jacinth::kernel
