// The syscall debugger's commands, on real guests: what they answer, and where they leave the run.
#include "tools/jacinth/debug/debugger.h"

#include "emu/debug/time_travel.h"
#include "kernel/inspect/debug_events.h"
#include "kernel/inspect/debug_target.h"
#include "tests/support/guest_run.h"
#include "tests/support/test.h"
#include "tools/jacinth/guest_code.h"
#include "tools/jacinth/inject.h"

namespace jacinth::cli {
namespace {

constexpr Arch kBoth[] = {Arch::kArm64, Arch::kX86_64};

struct Bench {
  explicit Bench(Arch arch, std::string name, std::vector<kernel::Injection> injections = {})
      : run({.arch = arch, .name = name, .injections = std::move(injections)}),
        target(run.system().kernel()),
        events(run.system().kernel()),
        time(run.system(), target, events),
        debugger(time, run.system().kernel(), code, nullptr) {}

  /// The command must work.
  nlohmann::ordered_json operator()(std::string_view line) {
    INFO(line);
    Answer answer = debugger.execute(line);
    INFO(answer.text);
    REQUIRE_FALSE(answer.failed);
    return answer.data;
  }
  std::string refused(std::string_view line) {
    INFO(line);
    Answer answer = debugger.execute(line);
    REQUIRE(answer.failed);
    return answer.text;
  }

  boards::GuestRun run;
  kernel::DebugTarget target;
  kernel::DebugEvents events;
  emu::TimeTravel time;
  SymbolizedCode code;
  Debugger debugger;
};

TEST_CASE("from call to call, to its result, and back", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels");
    auto first = debug("next-call");
    REQUIRE(first["stop"] == "call");
    REQUIRE(first["arguments"].get<std::string>().starts_with("("));
    auto second = debug("next-call");
    REQUIRE(second["time"].get<int64_t>() > first["time"].get<int64_t>());
    auto result = debug("finish");
    REQUIRE(result["stop"] == "return");
    REQUIRE(result["call"] == second["call"]);
    REQUIRE(debug("prev-call")["call"] == second["call"]);
    REQUIRE(debug("prev-call")["call"] == first["call"]);
    REQUIRE(debug("rcont")["stop"] == "begin");
    REQUIRE(debug("seek end")["stop"] == "exit");
    REQUIRE(debug("seek begin")["stop"] == "arrived");
  }
}

TEST_CASE("calls are stopped at by name, result and what they are about", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels");
    REQUIRE(debug("calls zx_channel_write before")["number"] == 1);
    auto write = debug("continue");
    REQUIRE(write["call"] == "zx_channel_write");
    debug("delete 1");
    debug("calls result=ZX_ERR_SHOULD_WAIT");
    auto waits = debug("continue");
    REQUIRE(waits["stop"] == "return");
    REQUIRE(waits["result"] == "ZX_ERR_SHOULD_WAIT");
    debug("delete 2");
    debug("calls type=channel before");
    auto about = debug("continue");
    REQUIRE(about["arguments"].get<std::string>().find("<channel:") != std::string::npos);
    REQUIRE(debug("rcont")["arguments"].get<std::string>().find("<channel:") != std::string::npos);
    REQUIRE(debug("points")["points"].size() == 1);
  }
}

TEST_CASE("a call can be given a result in place of being made", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels");
    debug("calls zx_channel_create before");
    debug("continue");
    REQUIRE(debug("inject ZX_ERR_NO_MEMORY")["result"] == -4);
    debug("delete 1");
    // The program asserts that it works: it ends otherwise than it would.
    auto end = debug("continue");
    REQUIRE(end["stop"] == "exit");
    REQUIRE(end["code"] != 0);
    debug("seek begin");
    REQUIRE(debug("seek end")["code"] == 0);
  }
}

TEST_CASE("a call can be made with other arguments", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "memory");
    debug("calls zx_vmo_create before");
    debug("continue");
    auto changed = debug("inject size=0x5000 1=ZX_VMO_RESIZABLE");
    REQUIRE(changed["changed"]["size"] == "0x5000");
    REQUIRE(changed["arguments"].get<std::string>().starts_with("(size=0x5000, options=ZX_VMO_RESIZABLE, "));
    REQUIRE(debug.refused("inject 1 size=3").find("one result") != std::string::npos);
    REQUIRE(debug.refused("inject size=3 ZX_OK").find("not both") != std::string::npos);
    REQUIRE(debug.refused("inject sice=3").find("it has size, options, out") != std::string::npos);
    REQUIRE(debug.refused("inject 7=3").find("no argument '7'") != std::string::npos);
    REQUIRE(debug.refused("inject size=many").find("'many'") != std::string::npos);
    auto made = debug("finish");
    REQUIRE(made["result"] == "ZX_OK");
    REQUIRE(debug.refused("inject size=3").find("about to make a call") != std::string::npos);
    REQUIRE(debug("next-call")["call"] == "zx_vmo_get_size");
    auto size = debug("finish");
    REQUIRE(size["arguments"].get<std::string>().find("size=20480)") != std::string::npos);
    // Going back before the change undoes it.
    debug("seek begin");
    debug("continue");
    REQUIRE(debug("finish")["arguments"].get<std::string>().starts_with("(size=5000, options=0, "));
  }
}

TEST_CASE("what happened to an object is told, from its making on, and the run stands where it stood", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "ports");
    debug("calls zx_port_wait behind");
    debug("continue");
    debug("continue");
    debug("continue");
    auto here = debug("when");
    auto about = debug("object 1040");
    REQUIRE(debug("when") == here);
    REQUIRE(about["lives"] == true);
    REQUIRE(about["history"].size() == 11);
    REQUIRE(about["history_total"].get<size_t>() > 11);
    REQUIRE(about["history"][0]["text"].get<std::string>().find("zx_port_create") != std::string::npos);
    REQUIRE(about["history"][10]["text"].get<std::string>().find("zx_port_wait") != std::string::npos);
    REQUIRE(about["history"][10]["time"] == here["time"]);
    REQUIRE(about["history"][9]["text"].get<std::string>().find("is taken") != std::string::npos);
    // All of it, each line once.
    auto all = debug("object 1040 1000");
    REQUIRE(all["history"].size() == all["history_total"]);
    REQUIRE_FALSE(debug("object 1040 0").contains("history"));
    // It goes on from there as if nobody had asked.
    REQUIRE(debug("continue")["call"] == "zx_port_wait");
    debug("seek end");
    REQUIRE(debug("object 1040")["lives"] == false);
    REQUIRE(debug.refused("object 999999").find("no object 999999") != std::string::npos);
  }
}

TEST_CASE("signals and closed handles are told among what happened, whoever did it", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "debugged");
    debug("to message-written");
    debug("to message-written");
    uint64_t end = debug("to message-written")["koid"];
    debug("seek end");
    auto about = debug("object " + std::to_string(end) + " 1000");
    std::string all;
    for (const auto& event : about["history"]) all += event["text"].get<std::string>() + "\n";
    INFO(all);
    REQUIRE(all.find("--- a message of 8 bytes is queued ---") != std::string::npos);
    REQUIRE(all.find("--- ZX_CHANNEL_READABLE is asserted ---") != std::string::npos);
    REQUIRE(all.find("--- the last handle is closed ---") != std::string::npos);
    // The debugger hears of these again, now that nobody else does.
    debug("seek begin");
    REQUIRE(debug("to handle-closed")["stop"] == "moment");
  }
}

TEST_CASE("what was before a change of the run is not told", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "ports");
    debug("calls zx_port_queue before");
    debug("continue");
    REQUIRE(debug("object 1040")["history_since_change"] == false);
    debug("inject ZX_ERR_NO_MEMORY");
    auto when = debug("when");
    REQUIRE(debug("object 1040 50")["history_since_change"] == true);
    debug("finish");
    auto about = debug("object 1040 50");
    REQUIRE(about["history_since_change"] == true);
    for (const auto& event : about["history"])
      REQUIRE(event["text"].get<std::string>().find("zx_port_create") == std::string::npos);
    // The change is still there.
    REQUIRE(debug("rcont")["stop"] == "begin");
    debug("seek begin");
    debug("continue");
    REQUIRE(debug("when") == when);
  }
}

TEST_CASE("a VMO is told with its pages, its kin and its mappings", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "sharing");
    debug("calls zx_vmo_create_child behind");
    debug("continue");
    debug("continue");
    nlohmann::ordered_json child;
    auto handles = debug("handles");
    for (const auto& row : handles["handles"])
      if (row["object"].get<std::string>().starts_with("vmo:")) {
        auto vmo = debug("vmo " + std::to_string(row["koid"].get<uint64_t>()));
        if (!vmo["parent"].is_null()) child = vmo;
      }
    REQUIRE_FALSE(child.is_null());
    auto parent = debug("vmo " + std::to_string(child["parent"].get<uint64_t>()));
    REQUIRE(std::ranges::count(parent["children"], child["koid"]) == 1);
    REQUIRE(parent["pages"].get<uint64_t>() * 4096 == parent["size"].get<uint64_t>());
    REQUIRE(parent["cache_policy"] == "cached");
    uint64_t committed = 0;
    for (const auto& run : parent["runs"]) committed += run["count"].get<uint64_t>();
    REQUIRE(parent["runs_complete"] == true);
    REQUIRE(committed == parent["pages_committed"]);
    REQUIRE(parent["holders"].size() == 1);
    // The vDSO is mapped in two pieces.
    REQUIRE(debug("vmo 1029")["mappings"].size() == 2);
    REQUIRE(debug("vmo 1029")["mappings"][1]["access"] == "r-x");
    REQUIRE(debug.refused("vmo 1027").find("no VMO") != std::string::npos);
    REQUIRE(debug.refused("vmo 99999").find("no object") != std::string::npos);
  }
}

TEST_CASE("what is injected comes again where it came before, however the run goes there", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels", *parse_injection("channel_read:error=ZX_ERR_NO_MEMORY:when=3+2"));
    auto turns = [&] {
      const kernel::Injector::Chosen& chosen = debug.run.system().kernel().injector()->chosen().begin()->second;
      return std::pair(chosen.made, chosen.injected);
    };
    debug("calls zx_channel_read result=ZX_ERR_NO_MEMORY");
    auto first = debug("continue");
    REQUIRE(first["result"] == "ZX_ERR_NO_MEMORY");
    REQUIRE(turns() == std::pair<uint64_t, uint64_t>(3, 1));
    auto second = debug("continue");
    REQUIRE(second["stop"] == "return");
    REQUIRE(turns() == std::pair<uint64_t, uint64_t>(5, 2));
    REQUIRE(debug("rcont")["time"] == first["time"]);
    REQUIRE(turns() == std::pair<uint64_t, uint64_t>(3, 1));
    debug("seek begin");
    REQUIRE(turns() == std::pair<uint64_t, uint64_t>(0, 0));
    REQUIRE(debug("continue")["time"] == first["time"]);
    REQUIRE(debug("continue")["time"] == second["time"]);
    REQUIRE(turns() == std::pair<uint64_t, uint64_t>(5, 2));
  }
}

TEST_CASE("moments in the kernel are found forwards and backwards", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "ports");
    auto packet = debug("to packet-queued");
    REQUIRE(packet["moment"] == "packet-queued");
    uint64_t port = packet["koid"];
    auto next = debug("to packet-queued " + std::to_string(port));
    REQUIRE(next["koid"] == port);
    REQUIRE(debug("back-to packet-queued")["time"] == packet["time"]);
    REQUIRE(debug("object " + std::to_string(port))["report"].get<std::string>().starts_with("port:"));
  }
}

TEST_CASE("closing, signalling and committing are moments too", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels");
    // The other end of a channel goes: who closed its last handle, and what that did to this end.
    auto closed = debug("to signalled any ZX_CHANNEL_PEER_CLOSED");
    REQUIRE(closed["words"].get<std::string>().find("ZX_CHANNEL_PEER_CLOSED") != std::string::npos);
    REQUIRE(closed["thread"] != 0);
    auto handle = debug("back-to handle-closed any 0");
    REQUIRE(handle["words"].get<std::string>().ends_with("the last one"));
    REQUIRE(handle["thread"] != 0);
    REQUIRE(debug("to signalled any 4")["time"] == closed["time"]);
    debug("seek begin");
    REQUIRE(debug("catch signalled any ZX_CHANNEL_PEER_CLOSED")["catch"] == "signalled any ZX_CHANNEL_PEER_CLOSED");
    REQUIRE(debug("continue")["time"] == closed["time"]);
    debug("delete 1");
    REQUIRE(debug("seek end")["code"] == 0);
    // What nobody asked for is not told, what is asked for is found wherever in the page it lies.
    auto page = debug("back-to page-committed");
    REQUIRE(page["moment"] == "page-committed");
    std::string koid = std::to_string(page["koid"].get<uint64_t>());
    uint64_t offset = page["value"];
    debug("seek end");
    REQUIRE(debug("back-to page-committed " + koid + " " + std::to_string(offset + 4095))["time"] == page["time"]);
    REQUIRE(debug.refused("to signalled any ZX_CHANNEL_NONSENSE").find("ZX_CHANNEL_NONSENSE") != std::string::npos);
  }
}

TEST_CASE("the last write of some bytes is found", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "channels");
    for (int i = 0; i < 6; ++i) debug("next-call");
    auto before = debug("when");
    auto written = debug("last-write $sp 256");
    REQUIRE(written["stop"] == "watchpoint");
    REQUIRE(debug("when")["code_bytes"].get<uint64_t>() < before["code_bytes"].get<uint64_t>());
  }
}

TEST_CASE("what is there can be looked at", "[debugger]") {
  for (Arch arch : kBoth) {
    Bench debug(arch, "threads");
    debug("calls zx_thread_start behind");
    debug("continue");
    REQUIRE(debug("threads")["processes"].size() == 1);
    REQUIRE(debug("handles")["handles"].size() > 1);
    REQUIRE(debug("maps")["maps"].size() > 3);
    REQUIRE(debug("disas")["instructions"].size() == 8);
    REQUIRE(debug("x $sp 16")["bytes"].get<std::string>().size() == 32);
    REQUIRE(debug("registers")["registers"].size() > 16);
    REQUIRE(debug("bt")["backtrace"].get<std::string>().starts_with("#0"));
    debug("checkpoint");
    auto here = debug("when");
    debug("step 5");
    debug("restart 1");
    REQUIRE(debug("when")["code_bytes"] == here["code_bytes"]);
  }
}

TEST_CASE("what was begun is completed", "[debugger]") {
  using Found = std::vector<std::string>;
  REQUIRE(Debugger::completions("vm") == Found{"vmo"});
  REQUIRE(Debugger::completions("calls zx_port_q") == Found{"zx_port_queue"});
  REQUIRE(Debugger::completions("back-to packet-q") == Found{"packet-queued"});
  REQUIRE(Debugger::completions("catch thread-").size() == 4);
  REQUIRE(Debugger::completions("inject ZX_ERR_NO_M") == Found{"ZX_ERR_NO_MEMORY"});
  REQUIRE(Debugger::completions("inject ").empty());
}

TEST_CASE("what is wrong is said", "[debugger]") {
  Bench debug(Arch::kArm64, "hello");
  REQUIRE(debug.refused("continu3").find("did you mean 'continue'?") != std::string::npos);
  REQUIRE(debug.refused("re").find("rep") == std::string::npos);
  REQUIRE(debug.refused("x").starts_with("usage: x ADDRESS"));
  REQUIRE(debug.refused("x 0").find("nothing is mapped") != std::string::npos);
  REQUIRE(debug.refused("break nowhere_at_all").find("no symbol") != std::string::npos);
  REQUIRE(debug.refused("to nonsense").find("packet-queued") != std::string::npos);
  REQUIRE(debug.refused("seek yesterday").find("begin") != std::string::npos);
  REQUIRE(debug.refused("inject ZX_OK").find("about to make a call") != std::string::npos);
  REQUIRE(debug.refused("delete 7").find("7") != std::string::npos);
  REQUIRE(debug.refused("object 1").find("no object") != std::string::npos);
  REQUIRE(debug.refused("thread 99999").find("99999") != std::string::npos);
  REQUIRE(debug.refused("break channel_write").find("'calls zx_channel_write'") != std::string::npos);
  REQUIRE(debug.refused("run").find("'continue'") != std::string::npos);
  debug("seek end");
  REQUIRE(debug.refused("bt").find("no thread is selected") != std::string::npos);
  REQUIRE(debug.refused("handles").find("no process is selected") != std::string::npos);
}

}  // namespace
}  // namespace jacinth::cli
