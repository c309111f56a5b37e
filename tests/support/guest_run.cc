#include "tests/support/guest_run.h"

#include <fstream>
#include <iterator>

#include "emu/base/check.h"
#include "kernel/abi/processargs.h"
#include "kernel/services/connection.h"
#include "tests/support/source_root.h"

namespace jacinth::boards {

std::vector<std::byte> guest_file(Arch arch, std::string_view name) {
  std::string path =
      build_path("guests/" + std::string(arch == Arch::kArm64 ? "arm64/" : "x86_64/") + std::string(name));
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good(), "{} is not built", path);
  std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
  auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

GuestRun::GuestRun(const GuestOptions& options) : options_(options) {
  make();
  std::vector<std::byte> elf = guest_file(options.arch, options.name);
  kernel::BootOptions boot{.elf = elf, .name = options.name, .arguments = {options.name}};
  if (options.linked) add_launch(boot);
  auto process = kernel::boot(system_->kernel(), std::move(boot));
  CHECK(process.has_value(), "{}", process ? "" : process.error().line);
}

void GuestRun::add_launch(kernel::BootOptions& boot) {
  using abi::ProcessargsType;
  kernel::Services& services = system_->services();
  boot.linker = [&services](std::string_view name) { return services.library(name); };
  boot.loader = [&services] { return services.open_loader(); };
  auto add = [&boot](ProcessargsType type, uint16_t argument, abi::Result<kernel::HandleOwner> handle) {
    CHECK(handle.has_value());
    boot.handles.push_back({.info = abi::processargs_info(type, argument), .handle = std::move(*handle)});
  };
  add(ProcessargsType::kClockUtc, 0, services.make_utc_clock());
  for (uint16_t descriptor = 0; descriptor < 3; ++descriptor)
    add(ProcessargsType::kFd, descriptor, services.open_stream(descriptor));
  uint32_t rights = kernel::kRightReadable | kernel::kRightWritable;
  add(ProcessargsType::kNsDir, 0, services.open_directory(services.files().make_root(false), rights));
  add(ProcessargsType::kNsDir, 1, services.open_service_directory());
  boot.names = {"/tmp", "/svc"};
}

const std::vector<std::byte>* GuestRun::Host::library(std::string_view name) {
  if (!name.starts_with("linked")) return nullptr;
  library_ = guest_file(run_.options_.arch, name);
  return &library_;
}

std::string_view GuestRun::Host::input(uint64_t index) {
  const std::vector<std::string>& pieces = run_.options_.input;
  return index < pieces.size() ? std::string_view(pieces[index]) : std::string_view();
}

void GuestRun::make() {
  SystemOptions options{.cpus = options_.cpus, .ram = options_.ram, .seed = options_.seed};
  options.kernel.injections = options_.injections;
  options.stepping = options_.stepping;
  options.console = [this](std::string_view text) { console_ += text; };
  if (options_.linked) options.host = &host_;
  system_ = std::make_unique<System>(default_board(options_.arch), options);
}

std::string GuestRun::move_to_fresh_system() {
  Writer writer;
  system_->state(writer);
  make();
  Reader reader(writer.data());
  system_->state(reader);
  if (reader.ok() && !reader.at_end()) return "bytes are left over";
  return reader.error();
}

}  // namespace jacinth::boards
