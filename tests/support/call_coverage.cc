#include "tests/support/call_coverage.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "kernel/abi/format.h"
#include "kernel/abi/status.h"
#include "kernel/abi/syscall_info.h"
#include "kernel/task/observer.h"
#include "kernel/task/thread.h"
#include "tests/support/test.h"

namespace jacinth::kernel {
namespace {

class CallCoverage final : public KernelObserver {
 public:
  explicit CallCoverage(std::string file) : file_(std::move(file)) {}
  CallCoverage(const CallCoverage&) = delete;
  CallCoverage& operator=(const CallCoverage&) = delete;
  ~CallCoverage() override {
    std::FILE* out = std::fopen(file_.c_str(), "w");
    if (out == nullptr) {
      fmt::print(stderr, "cannot write {}\n", file_);
      std::exit(1);
    }
    for (const auto& [seen, test] : first_) fmt::print(out, "{}\t{}\t{}\n", seen.first, seen.second, test);
    std::fclose(out);
  }

  void call_left(Thread& thread, const Trap& trap, int64_t result) override {
    if (thread.call().injected) return;  // It was not made.
    const abi::SyscallInfo* info = abi::syscall_by_number(static_cast<uint32_t>(trap.number));
    if (info == nullptr) return;
    bool has_status = info->returns == abi::ReturnKind::kStatus || info->returns == abi::ReturnKind::kStatusOrCount;
    if (has_status && result < 0) {
      std::string_view name = abi::status_name(static_cast<abi::Status>(result));
      if (!name.empty()) note(*info, name);
      return;
    }
    for (size_t i = 0; i < info->args.size(); ++i) {
      const abi::ArgInfo& arg = info->args[i];
      if (arg.pointer || arg.value.flags == nullptr) continue;
      uint64_t mask = arg.value.size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * arg.value.size)) - 1;
      uint64_t value = trap.arguments[i] & mask;
      for (const abi::NamedValue& option : arg.value.flags->values) {
        uint64_t bits = arg.value.flags->is_enum ? mask : option.mask;
        if (bits != 0 && (value & bits) == (option.value & mask)) note(*info, option.name);
      }
    }
  }

 private:
  void note(const abi::SyscallInfo& info, std::string_view what) {
    std::string test = Catch::getResultCapture().getCurrentTestName();
    auto [at, fresh] = first_.try_emplace({info.name, what}, test);
    if (!fresh && test < at->second) at->second = std::move(test);
  }

  std::string file_;
  std::map<std::pair<std::string_view, std::string_view>, std::string> first_;
};

}  // namespace

KernelObserver* call_coverage() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the tests have one thread.
  static const char* const kFile = std::getenv("JACINTH_CALL_COVERAGE");
  if (kFile == nullptr) return nullptr;
  static CallCoverage coverage(kFile);
  return &coverage;
}

}  // namespace jacinth::kernel
