#include "tools/jacinth/summary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kernel/abi/format.h"
#include "tools/jacinth/inject.h"
#include "tools/jacinth/version.h"

namespace jacinth::cli {

std::string summary_json(const RunRequest& request, boards::System& system, const RunAccount& account,
                         const kernel::CallCounts& counts) {
  using Json = nlohmann::ordered_json;
  Json calls = Json::object();
  uint64_t call_count = 0;
  counts.for_each([&](std::string_view name, uint64_t count) {
    calls[std::string(name)] = count;
    call_count += count;
  });
  Json unsupported = Json::array();
  for (const auto& [key, use] : system.kernel().unsupported().uses())
    unsupported.push_back({{"call", use.call},
                           {"option", use.option},
                           {"count", use.count},
                           {"status", abi::format_status(use.status)},
                           {"first_time_ns", use.when.ns},
                           {"process", use.process},
                           {"thread", use.thread}});
  Json crashes = Json::array();
  for (const Crash& crash : account.crashes)
    crashes.push_back({{"process", crash.process},
                       {"process_name", crash.process_name},
                       {"thread", crash.thread},
                       {"exception", crash.exception},
                       {"detail", crash.detail},
                       {"pc", crash.pc},
                       {"place", crash.place}});
  Json return_code;
  if (account.return_code) return_code = *account.return_code;
  Json environment = Json::object();
  for (const auto& [name, value] : request.environment) environment[name] = value;
  Json options = Json::object();
  for (const auto& [name, value] : request.kernel_options) options[name] = value;

  Json injected = Json::array();
  if (kernel::Injector* injector = system.kernel().injector())
    for (const auto& [number, chosen] : injector->chosen())
      injected.push_back({{"call", std::string(abi::syscall_by_number(static_cast<uint32_t>(number))->name)},
                          {"what", injection_text(chosen.what)},
                          {"made", chosen.made},
                          {"injected", chosen.injected}});

  Json counters = Json::object();
  for (const auto& [name, value] : system.kernel().core().counters()) counters[name] = value;

  Json json = {
      {"version", version()},
      {"file", request.file},
      {"arguments", request.arguments},
      {"environment", environment},
      {"kernel_options", options},
      {"root", request.root},
      {"board", system.board().name},
      {"arch", arch_name(system.board().arch)},
      {"cpus", request.cpus},
      {"ram", system.machine().memory().size()},
      {"seed", request.seed},
      {"exit_code", account.exit_code},
      {"exit_reason", account.exit_reason},
      {"return_code", return_code},
      {"instructions", system.machine().executed_instructions()},
      {"virtual_time_ns", system.machine().now().ns},
      {"host_time_ns", account.host_time.ns},
      {"call_count", call_count},
      {"calls", calls},
      {"injected", injected},
      {"counters", counters},
      {"unsupported", unsupported},
      {"crashes", crashes},
      {"digest", system.digest().text()},
  };
  // A guest's arguments need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace jacinth::cli
