// The kernel's processes, threads and memory as debuggers see them (emu/debug/target.h).
//
// Which files lie in a process is read off its mappings: code that is mapped from a VMO that begins as an ELF file does
// is a module, whoever mapped it. A module is called what its VMO is called, below /vmo, or what the host calls the
// file that has the same bytes.
//
// Once a dynamic linker has said what it has loaded (ZX_PROP_PROCESS_DEBUG_ADDR), what else is mapped is no module:
// files that are looked at, libraries that are on their way.
//
// Left out: code that was copied into memory instead of mapped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emu/debug/target.h"
#include "kernel/abi/names.h"

namespace jacinth::kernel {

class AddressSpace;
class Core;
class Kernel;
class Process;
class Thread;
class Vmo;

class DebugTarget final : public emu::Target {
 public:
  explicit DebugTarget(Kernel& kernel) : kernel_(kernel) {}

  /// A file that the host has: where its bytes turn up, they go by this name. The first is what the run was started
  /// with, and known as the executable before a dynamic linker has mapped it.
  void add_file(std::string name, std::span<const std::byte> bytes);

  Arch arch() const override;
  std::vector<emu::ProcessSummary> processes() override;
  std::optional<Registers> registers(uint64_t thread) override;
  bool set_registers(uint64_t thread, const Registers& registers) override;
  size_t read(uint64_t process, GuestAddr from, std::span<std::byte> to) override;
  size_t write(uint64_t process, GuestAddr to, std::span<const std::byte> from) override;
  std::vector<emu::MemoryRegion> regions(uint64_t process) override;
  std::vector<emu::LoadedModule> modules(uint64_t process) override;
  std::vector<std::pair<uint64_t, uint64_t>> auxiliary(uint64_t process) override;
  std::optional<std::span<const std::byte>> file(std::string_view name) override;
  std::string_view call_name(uint64_t number) const override;
  std::optional<uint64_t> call_number(std::string_view name) const override;

 private:
  /// What a VMO holds, when that is an ELF file.
  struct Image {
    std::string name;
    std::vector<std::byte> bytes;
  };
  /// A module as it lies in a process.
  struct Placed {
    const Image* image = nullptr;
    uint64_t bias = 0;
    bool vdso = false;
  };
  struct HostFile {
    std::string name;
    std::vector<std::byte> bytes;
  };

  Core& core() const;
  Process* process(uint64_t koid) const;
  Thread* thread(uint64_t koid) const;
  const Image* image_in(const Vmo& vmo);
  std::string name_of(const Vmo& vmo, std::span<const std::byte> bytes) const;
  /// The executable first.
  std::vector<Placed> placed(Process& process);
  /// The program that the run was started with, when this is its process and nobody has mapped it yet.
  const HostFile* to_be_mapped(const Process& process, const std::vector<Placed>& placed) const;

  Kernel& kernel_;
  std::vector<HostFile> host_files_;
  std::map<uint64_t, Image> images_;  // By the VMO's koid, which stays what it is wherever the run is moved.
};

}  // namespace jacinth::kernel
