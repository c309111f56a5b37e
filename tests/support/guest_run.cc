#include "tests/support/guest_run.h"

#include <fstream>
#include <iterator>

#include "emu/base/check.h"
#include "kernel/boot/boot.h"
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
  auto process = kernel::boot(system_->kernel(), {.elf = elf, .name = options.name, .arguments = {options.name}});
  CHECK(process.has_value(), "{}", process ? "" : process.error().line);
}

void GuestRun::make() {
  SystemOptions options{.cpus = options_.cpus, .ram = uint64_t{64} << 20, .seed = options_.seed};
  options.stepping = options_.stepping;
  options.console = [this](std::string_view text) { console_ += text; };
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
