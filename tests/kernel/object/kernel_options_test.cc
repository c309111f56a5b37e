// The table of the kernel's options (kernel/object/kernel_options.h).
#include "kernel/object/kernel_options.h"

#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

TEST_CASE("every kernel option is found by its name, takes its own default and has a sentence") {
  REQUIRE(kernel_options().size() > 80);
  for (const KernelOption& option : kernel_options()) {
    INFO(option.name);
    REQUIRE(find_kernel_option(option.name) == &option);
    REQUIRE(option.takes(option.otherwise));
    REQUIRE(option.sentence.ends_with('.'));
  }
  REQUIRE(find_kernel_option("kernel.port.max-observer") == nullptr);
  REQUIRE(find_kernel_option("") == nullptr);
}

TEST_CASE("switches take the words of the real kernel") {
  const KernelOption& option = *find_kernel_option("aslr.disable");
  for (auto word : {"true", "false", "on", "off", "1", "0", "yes"}) REQUIRE(option.takes(word));
  for (auto word : {"", "maybe", "no", "TRUE", "true|false", "tru"}) REQUIRE_FALSE(option.takes(word));
}

TEST_CASE("numbers are decimal or hexadecimal, up to what the option holds") {
  const KernelOption& wide = *find_kernel_option("kernel.port.max-observers");
  for (auto text : {"0", "12", "0x1f", "18446744073709551615"}) REQUIRE(wide.takes(text));
  for (auto text : {"", "-1", "1k", "0x", "18446744073709551616", " 1"}) REQUIRE_FALSE(wide.takes(text));

  const KernelOption& bits = *find_kernel_option("aslr.entropy_bits");
  REQUIRE(bits.takes("36"));
  REQUIRE_FALSE(bits.takes("37"));
}

TEST_CASE("an option with words takes exactly these") {
  const KernelOption& option = *find_kernel_option("kernel.enable-serial-syscalls");
  for (auto word : {"true", "false", "output-only"}) REQUIRE(option.takes(word));
  for (auto word : {"output", "1", "true|false"}) REQUIRE_FALSE(option.takes(word));
}

}  // namespace
}  // namespace jacinth::kernel
