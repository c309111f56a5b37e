#include "kernel/inspect/debug_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "kernel/abi/syscall_info.h"
#include "kernel/inspect/elf_sections.h"
#include "kernel/inspect/link_map.h"
#include "kernel/inspect/process_view.h"
#include "kernel/inspect/thread_text.h"
#include "kernel/syscalls/kernel.h"
#include "kernel/task/thread_state.h"
#include "kernel/vm/address_space.h"

namespace jacinth::kernel {
namespace {

using Bytes = std::span<const std::byte>;

/// Larger VMOs are no programs.
constexpr uint64_t kMaxProgram = uint64_t{256} << 20;
constexpr std::array<char, 4> kMagic = {0x7f, 'E', 'L', 'F'};
constexpr std::string_view kVdsoName = "libzircon.so";

// The ELF-64 object file format, as far as it is needed to tell where a file lies.
constexpr uint32_t kLoad = 1;
constexpr uint32_t kDynamic = 2;
constexpr uint32_t kInterpreter = 3;
struct ProgramHeader {
  uint32_t type;
  uint32_t flags;
  uint64_t offset;
  uint64_t address;
  uint64_t physical_address;
  uint64_t file_size;
  uint64_t memory_size;
  uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

/// The guest made the file: what it lacks is zero.
template <class T>
T at(Bytes file, uint64_t offset) {
  T value = {};
  if (offset < file.size() && file.size() - offset >= sizeof value)
    std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

class ElfView {
 public:
  explicit ElfView(Bytes file) : file_(file) {}

  uint64_t entry() const { return at<uint64_t>(file_, 24); }
  uint64_t headers_offset() const { return at<uint64_t>(file_, 32); }
  uint16_t header_count() const { return at<uint16_t>(file_, 56); }

  std::vector<ProgramHeader> headers(uint32_t type) const {
    std::vector<ProgramHeader> found;
    for (uint64_t i = 0; i < header_count(); ++i) {
      auto header = at<ProgramHeader>(file_, headers_offset() + i * sizeof(ProgramHeader));
      if (header.type == type) found.push_back(header);
    }
    return found;
  }
  /// The address that the byte at `offset` is loaded at.
  std::optional<uint64_t> address_of_offset(uint64_t offset) const {
    for (const ProgramHeader& load : headers(kLoad)) {
      uint64_t first = round_down_to_page(load.offset);
      if (offset >= first && offset - first < load.file_size + (load.offset - first))
        return load.address - load.offset + offset;
    }
    return std::nullopt;
  }
  uint64_t dynamic() const {
    std::vector<ProgramHeader> found = headers(kDynamic);
    return found.empty() ? 0 : found.front().address;
  }

 private:
  Bytes file_;
};

bool alive(const Process& process) {
  return process.process_state() == Process::State::kRunning || process.process_state() == Process::State::kDying;
}

template <class F>
void for_each_space(Process& process, F&& visit) {
  if (process.space() != nullptr) visit(*process.space());
  if (process.restricted_space() != nullptr) visit(*process.restricted_space());
}

}  // namespace

void DebugTarget::add_file(std::string name, Bytes bytes) {
  host_files_.push_back({.name = std::move(name), .bytes = {bytes.begin(), bytes.end()}});
}

Core& DebugTarget::core() const { return kernel_.core(); }

Process* DebugTarget::process(uint64_t koid) const {
  Object* object = core().objects().find(Koid{koid});
  auto* process = object != nullptr ? object_cast<Process>(object) : nullptr;
  return process != nullptr && alive(*process) ? process : nullptr;
}

Thread* DebugTarget::thread(uint64_t koid) const {
  Object* object = core().objects().find(Koid{koid});
  auto* thread = object != nullptr ? object_cast<Thread>(object) : nullptr;
  return thread != nullptr && thread->started() && !thread->dying_or_dead() ? thread : nullptr;
}

Arch DebugTarget::arch() const { return core().platform().arch(); }

std::vector<emu::ProcessSummary> DebugTarget::processes() {
  std::vector<emu::ProcessSummary> processes;
  const Scheduler& scheduler = core().tasks().scheduler();
  core().objects().for_each([&](Object& object) {
    auto* process = object_cast<Process>(&object);
    if (process == nullptr || !alive(*process)) return;
    emu::ProcessSummary summary{.koid = abi::raw(process->koid()), .name = std::string(process->name()), .threads = {}};
    for (const auto& [order, thread] : process->threads()) {
      if (thread->dying_or_dead()) continue;
      emu::ThreadSummary& added = summary.threads.emplace_back();
      added.id = {.process = summary.koid, .thread = abi::raw(thread->koid())};
      added.name = thread->name();
      added.state = thread_state_text(*thread);
      for (unsigned cpu = 0; cpu < scheduler.cpu_count(); ++cpu)
        if (scheduler.current(cpu) == thread.get()) added.cpu = cpu;
    }
    std::ranges::sort(summary.threads, {}, [](const emu::ThreadSummary& one) { return one.id.thread; });
    processes.push_back(std::move(summary));
  });
  std::ranges::sort(processes, {}, &emu::ProcessSummary::koid);
  return processes;
}

std::optional<Registers> DebugTarget::registers(uint64_t koid) {
  Thread* thread = this->thread(koid);
  if (thread == nullptr) return std::nullopt;
  ThreadContext& context = thread->context();
  core().platform().fetch_registers(context);
  Registers registers = context.registers;
  // A result on its way stays on its way: looking changes nothing.
  if (context.result) result_register(registers) = static_cast<uint64_t>(*context.result);
  return registers;
}

bool DebugTarget::set_registers(uint64_t koid, const Registers& registers) {
  Thread* thread = this->thread(koid);
  return thread != nullptr && replace_registers(*thread, registers) == Status::kOk;
}

size_t DebugTarget::read(uint64_t koid, GuestAddr from, std::span<std::byte> to) {
  Process* process = this->process(koid);
  return process != nullptr ? ProcessView(*process).peek(from, to) : 0;
}

/// As zx_process_write_memory does it: into the VMO, whoever shares it.
size_t DebugTarget::write(uint64_t koid, GuestAddr to, Bytes from) {
  Process* process = this->process(koid);
  if (process == nullptr) return 0;
  size_t done = 0;
  while (done < from.size()) {
    GuestAddr address = to + done;
    AddressSpace* space = process->space_at(address);
    Mapping* mapping = space != nullptr ? space->find_mapping(address) : nullptr;
    // The vDSO is one for all processes.
    if (mapping == nullptr || mapping->vmo().koid() == core().vm().vdso().vmo) break;
    size_t piece = std::min<uint64_t>(from.size() - done, kPageSize - address.page_offset());
    uint64_t offset = mapping->offset() + (address - mapping->base());
    if (mapping->vmo().write(offset, from.subspan(done, piece)) != Status::kOk) break;
    done += piece;
  }
  return done;
}

std::vector<emu::MemoryRegion> DebugTarget::regions(uint64_t koid) {
  std::vector<emu::MemoryRegion> regions;
  Process* process = this->process(koid);
  if (process == nullptr) return regions;
  for_each_space(*process, [&](AddressSpace& space) {
    space.for_each_mapping([&](const Mapping& mapping) {
      PagePermissions page = Mapping::page_permissions(mapping.permissions());
      regions.push_back({.base = mapping.base(),
                         .size = mapping.size(),
                         .read = page.read,
                         .write = page.write,
                         .execute = page.execute,
                         .name = std::string(mapping.vmo().name())});
    });
  });
  std::ranges::sort(regions, {}, &emu::MemoryRegion::base);
  return regions;
}

std::string DebugTarget::name_of(const Vmo& vmo, Bytes bytes) const {
  // What lies in memory is often only the beginning.
  for (const HostFile& file : host_files_) {
    size_t common = std::min(bytes.size(), file.bytes.size());
    if (std::ranges::equal(Bytes(file.bytes).first(common), bytes.first(common))) return file.name;
  }
  // A path, since debuggers look for anything else beside themselves.
  std::string name = "/vmo/";
  name += vmo.koid() == core().vm().vdso().vmo ? kVdsoName : vmo.name();
  bool taken =
      vmo.name().empty() || std::ranges::any_of(images_, [&](const auto& image) { return image.second.name == name; });
  return taken ? fmt::format("{}.{}", name, abi::raw(vmo.koid())) : name;
}

const DebugTarget::Image* DebugTarget::image_in(const Vmo& vmo) {
  auto known = images_.find(abi::raw(vmo.koid()));
  if (known != images_.end()) return &known->second;
  if (vmo.is_physical() || vmo.size() > kMaxProgram || vmo.size() == 0) return nullptr;
  std::vector<std::byte> bytes;
  Platform& platform = core().platform();
  for (uint64_t page = 0; page < vmo.page_count(); ++page) {
    std::optional<PageView> view = vmo.pages()->peek(vmo.first_page() + page);
    if (page == 0) {
      if (!view || std::memcmp(platform.data(view->address), kMagic.data(), kMagic.size()) != 0) return nullptr;
      bytes.resize(vmo.size());
    }
    if (view) std::memcpy(bytes.data() + page * kPageSize, platform.data(view->address), kPageSize);
  }
  // The file, without what fills its last page.
  if (vmo.content_size() != 0) bytes.resize(std::min<uint64_t>(bytes.size(), vmo.content_size()));
  std::string name = name_of(vmo, bytes);
  restore_sections(bytes);
  Image image{.name = std::move(name), .bytes = std::move(bytes)};
  return &images_.emplace(abi::raw(vmo.koid()), std::move(image)).first->second;
}

std::vector<DebugTarget::Placed> DebugTarget::placed(Process& process) {
  std::vector<Placed> all;
  std::set<std::pair<const Image*, uint64_t>> seen;
  for_each_space(process, [&](AddressSpace& space) {
    space.for_each_mapping([&](const Mapping& mapping) {
      if (!Mapping::page_permissions(mapping.permissions()).execute) return;
      const Image* image = image_in(mapping.vmo());
      if (image == nullptr) return;
      std::optional<uint64_t> address = ElfView(image->bytes).address_of_offset(mapping.offset());
      if (!address) return;
      uint64_t bias = mapping.base().value - *address;
      if (!seen.emplace(image, bias).second) return;
      all.push_back({.image = image, .bias = bias, .vdso = mapping.vmo().koid() == core().vm().vdso().vmo});
    });
  });
  // The executable is the one that names a dynamic linker; without one it is alone but for the vDSO.
  auto rank = [](const Placed& one) {
    if (one.vdso) return 2;
    return ElfView(one.image->bytes).headers(kInterpreter).empty() ? 1 : 0;
  };
  std::ranges::stable_sort(all, {}, rank);
  return all;
}

const DebugTarget::HostFile* DebugTarget::to_be_mapped(const Process& process,
                                                       const std::vector<Placed>& placed) const {
  if (host_files_.empty() || kernel_.initial_process().get() != &process) return nullptr;
  auto names_linker = [](Bytes file) { return !ElfView(file).headers(kInterpreter).empty(); };
  if (!placed.empty() && names_linker(placed.front().image->bytes)) return nullptr;
  return names_linker(host_files_.front().bytes) ? &host_files_.front() : nullptr;
}

std::vector<emu::LoadedModule> DebugTarget::modules(uint64_t koid) {
  std::vector<emu::LoadedModule> modules;
  Process* process = this->process(koid);
  if (process == nullptr) return modules;
  std::vector<LinkedLibrary> linked = linked_libraries(
      process->debug_address(), [&](GuestAddr from, std::span<std::byte> to) { return read(koid, from, to); });
  auto entry_of = [&](const Placed& one) { return std::ranges::find(linked, one.bias, &LinkedLibrary::bias); };
  std::vector<Placed> all = placed(*process);
  // A list that has nothing to do with what is mapped is none.
  if (std::ranges::any_of(all, [&](const Placed& one) { return entry_of(one) != linked.end(); }))
    std::erase_if(all, [&](const Placed& one) { return !one.vdso && entry_of(one) == linked.end(); });
  if (const HostFile* program = to_be_mapped(*process, all))
    modules.push_back({.name = program->name, .base = {}, .there = false});
  for (const Placed& one : all) {
    uint64_t dynamic = ElfView(one.image->bytes).dynamic();
    auto known = entry_of(one);
    modules.push_back({.name = one.image->name,
                       .base = GuestAddr(one.bias),
                       .dynamic = dynamic != 0 ? one.bias + dynamic : 0,
                       .link_map = known != linked.end() ? known->entry : 0});
  }
  return modules;
}

std::vector<std::pair<uint64_t, uint64_t>> DebugTarget::auxiliary(uint64_t koid) {
  // The numbers of the System V ABI (AT_*). Nothing of the vDSO: gdb would read it as Linux lays its own out, and it is
  // among the modules.
  enum : uint64_t { kHeaders = 3, kHeaderSize = 4, kHeaderCount = 5, kPage = 6, kBase = 7, kEntry = 9 };
  std::vector<std::pair<uint64_t, uint64_t>> values;
  Process* process = this->process(koid);
  if (process == nullptr) return values;
  std::vector<Placed> all = placed(*process);
  if (!all.empty() && !all.front().vdso && to_be_mapped(*process, all) == nullptr) {
    ElfView elf(all.front().image->bytes);
    uint64_t bias = all.front().bias;
    if (std::optional<uint64_t> headers = elf.address_of_offset(elf.headers_offset()))
      values.emplace_back(kHeaders, bias + *headers);
    values.emplace_back(kHeaderSize, sizeof(ProgramHeader));
    values.emplace_back(kHeaderCount, elf.header_count());
    values.emplace_back(kEntry, bias + elf.entry());
  }
  values.emplace_back(kPage, kPageSize);
  values.emplace_back(kBase, 0);
  return values;
}

std::optional<Bytes> DebugTarget::file(std::string_view name) {
  for (const HostFile& file : host_files_)
    if (file.name == name) return Bytes(file.bytes);
  for (const auto& [koid, image] : images_)
    if (image.name == name) return Bytes(image.bytes);
  return std::nullopt;
}

std::string_view DebugTarget::call_name(uint64_t number) const {
  const abi::SyscallInfo* info =
      number <= ~uint32_t{0} ? abi::syscall_by_number(static_cast<uint32_t>(number)) : nullptr;
  return info != nullptr ? info->name : std::string_view();
}

std::optional<uint64_t> DebugTarget::call_number(std::string_view name) const {
  const abi::SyscallInfo* info = abi::syscall_by_name(name);
  if (info == nullptr || info->number < 0) return std::nullopt;
  return static_cast<uint64_t>(info->number);
}

}  // namespace jacinth::kernel
