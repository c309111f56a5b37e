// What a client of the GDB remote protocol is told, and what it can do.
#include "emu/debug/gdb/session.h"

#include <fmt/format.h>

#include <cstring>

#include "emu/debug/gdb/register_table.h"
#include "tests/emu/debug/gdb/gdb_client.h"
#include "tests/support/test.h"

namespace jacinth::emu::gdb {
namespace {

using Reason = DebugStop::Reason;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("gdb: what it asks first is answered as it needs it") {
  Client c;
  std::string supported = c.ask("qSupported:multiprocess+;swbreak+;hwbreak+");
  for (std::string_view feature : {"multiprocess+", "ReverseContinue+", "ReverseStep+", "QCatchSyscalls+",
                                   "vContSupported+", "qXfer:features:read+", "QStartNoAckMode+"})
    REQUIRE(has(supported, feature));
  REQUIRE(c.ask("vMustReplyEmpty").empty());
  REQUIRE(c.ask("vCont?") == "vCont;c;C;s;S;t;r");
  REQUIRE(c.ask("?").starts_with("T05thread:p400.410;"));
  REQUIRE(c.ask("qC") == "QCp400.410");
  REQUIRE(c.ask("!") == "OK");
  REQUIRE(c.ask("qAttached:400") == "0");
  REQUIRE(c.ask("qAttached:500") == "1");
  REQUIRE(c.ask("qNoSuchThing").empty());
}

TEST_CASE("gdb: packets are acknowledged until the client wants that no more") {
  Client c;
  c.session->feed("$g#00");
  REQUIRE(c.sent == "-");
  REQUIRE(c.ask("QStartNoAckMode") == "OK");
  c.ask("?");
  REQUIRE(Received(c.sent).acks == 0);
}

TEST_CASE("gdb: what got lost is sent again") {
  Client c;
  c.ask("QStartNoAckModeX");
  c.connect();
  c.ask("qC");
  std::string first = c.sent.substr(1);
  c.sent.clear();
  c.session->feed("-");
  REQUIRE(c.sent == first);
}

TEST_CASE("gdb: threads of all processes are listed, with their names and what they wait for") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("qfThreadInfo") == "mp400.410,p400.411,p500.510");
  REQUIRE(c.ask("qsThreadInfo") == "l");
  REQUIRE(c.ask("qThreadExtraInfo,p400.411") == hex_of("worker: blocked in zx_port_wait on port:1042"));
  std::string list = c.ask("qXfer:threads:read::0,4000");
  REQUIRE(has(list, "<thread id=\"p400.411\" name=\"worker\">blocked in zx_port_wait on port:1042</thread>"));
  REQUIRE(c.ask("Tp400.411") == "OK");
  REQUIRE(c.ask("Tp400.9999") == "E03");
}

TEST_CASE("gdb: a client that knows no processes sees one") {
  Client c;
  REQUIRE(c.ask("qfThreadInfo") == "m410,411");
  REQUIRE(c.ask("?").starts_with("T05thread:410;"));
}

TEST_CASE("gdb: it has one process from the start, and those that it attaches to") {
  Client c;
  c.ask("qSupported:multiprocess+");
  REQUIRE(c.ask("qfThreadInfo") == "mp400.410,p400.411");
  REQUIRE(has(c.ask("qXfer:osdata:read:processes:0,4000"), "<column name=\"pid\">1280</column>"));
  REQUIRE(c.ask("vAttach;500").starts_with("T05thread:p500.510;"));
  REQUIRE(c.ask("qfThreadInfo") == "mp400.410,p400.411,p500.510");
}

TEST_CASE("gdb: exceptions of processes that it has nothing to do with are none of its business") {
  Client c;
  c.ask("qSupported:multiprocess+");
  DebugStop exception{.reason = Reason::kException, .who = Client::kOther, .moment = {.value = 0x108}};
  c.timeline.stops = {exception, {.reason = Reason::kStepped, .who = Client::kMain}};
  REQUIRE(c.ask("vCont;c").starts_with("T05thread:p400.410;"));
  c.ask("vAttach;500");
  c.timeline.stops = {exception};
  REQUIRE(c.ask("vCont;c").starts_with("T0bthread:p500.510;"));
}

TEST_CASE("gdb: registers are those of the thread that was chosen") {
  Client c;
  c.as_gdb();
  c.target.of(0x410).gpr[0] = 0x1111;
  c.target.of(0x510).gpr[0] = 0x2222;
  REQUIRE(c.ask("p0") == "1111000000000000");
  REQUIRE(c.ask("Hgp500.510") == "OK");
  REQUIRE(c.ask("p0") == "2222000000000000");
  REQUIRE(c.ask("Hgp500.999") == "E03");
  REQUIRE(c.ask("p0") == "2222000000000000");
}

TEST_CASE("gdb: a process that it knows from later in the run has nothing yet, and can be let go") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("vAttach;500").starts_with("T05thread:p500.510;"));
  c.target.of(0x410).gpr[0] = 0x1111;
  c.target.end_process(0x500);
  REQUIRE(c.ask("Hgp500.510") == "OK");
  REQUIRE(c.ask("p0") == "xxxxxxxxxxxxxxxx");
  REQUIRE(c.ask("g").find_first_not_of('x') == std::string::npos);
  REQUIRE(c.ask("P0=3412000000000000") == "E03");
  REQUIRE(c.ask("m1000,4").starts_with("E"));
  REQUIRE(c.ask("Hgp400.410") == "OK");
  REQUIRE(c.ask("p0") == "1111000000000000");
  REQUIRE(c.ask("D;500") == "OK");
  REQUIRE(c.ask("Hgp500.510") == "E03");
  REQUIRE(c.ask("D;500") == "E03");
}

TEST_CASE("gdb: thread-local variables lie where the ABI has them") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Client c(arch);
    c.as_gdb();
    c.target.of(0x410).tls = 0x10000;
    c.target.of(0x411).tls = 0x20000;
    // A segment of 0x30 bytes, at a multiple of 0x40, behind one that is none.
    std::string file(64 + 2 * 56, '\0');
    auto put = [&](size_t at, uint64_t value) { std::memcpy(file.data() + at, &value, sizeof value); };
    put(32, 64);
    put(56, 2);
    put(64, 1);
    put(64 + 56, 7);
    put(64 + 56 + 40, 0x30);
    put(64 + 56 + 48, 0x40);
    c.target.loaded = {{.name = "/program", .base = GuestAddr(0x5000), .link_map = 0x7000},
                       {.name = "/library", .base = GuestAddr(0x9000), .link_map = 0x7100}};
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8,0") == "E02");
    c.target.add_file("/program", file);
    bool arm = arch == Arch::kArm64;
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8,0") == (arm ? "10048" : "ffc8"));
    REQUIRE(c.ask("qGetTLSAddr:p400.411,0,7000") == (arm ? "20040" : "1ffc0"));
    // Where those of libraries lie, nobody says.
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8,7100") == "E02");
    REQUIRE(c.ask("qGetTLSAddr:p400.999,8,0") == "E03");
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8") == "E16");
    // A file may say anything.
    put(64 + 56 + 48, 0x41);
    c.target.add_file("/program", file);
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8,0") == "E02");
    put(32, ~uint64_t{0} - 20);
    c.target.add_file("/program", file);
    REQUIRE(c.ask("qGetTLSAddr:p400.410,8,0") == "E02");
  }
}

TEST_CASE("gdb: writing registers changes the run, and writing what they are does not") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    Client c(arch);
    c.as_gdb();
    std::string all = c.ask("g");
    REQUIRE(all.size() == 2 * register_bytes(arch));
    REQUIRE(c.ask("G" + all) == "OK");
    REQUIRE(c.timeline.changes == 0);
    REQUIRE(c.ask("P0=3412000000000000") == "OK");
    REQUIRE(c.timeline.changes == 1);
    REQUIRE(c.target.of(0x410).gpr[0] == 0x1234);
    REQUIRE(c.ask("P0=34") == "E16");
    REQUIRE(c.ask("Pffff=3412000000000000") == "E16");
    REQUIRE(c.ask("G00") == "E16");
  }
}

TEST_CASE("gdb: registers that no thread may have are refused") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("P20=000000000000d0ba") == "E16");
  REQUIRE(c.timeline.changes == 0);
}

TEST_CASE("gdb: every register goes out and comes back at its own place") {
  for (Arch arch : {Arch::kArm64, Arch::kX86_64}) {
    const std::vector<RegisterRow>& rows = register_rows(arch);
    for (size_t number = 0; number < rows.size(); ++number) {
      const RegisterRow& row = rows[number];
      INFO(row.name);
      Client c(arch);
      c.as_gdb();
      std::string value;
      for (size_t i = 0; i < row.size(); ++i) value += static_cast<char>(0x11 * (i % 3 + 1));
      std::string before = c.ask("g");
      REQUIRE(c.ask(fmt::format("P{:x}={}", number, hex_of(value))) == "OK");
      std::string after = c.ask("g");
      if (row.place == Place::kFixed) {
        REQUIRE(after == before);
        continue;
      }
      bool half = row.place == Place::kX87Control || row.place == Place::kX87Status || row.place == Place::kX87Tag;
      std::string wanted = hex_of(half ? value.substr(0, 2) + std::string(2, '\0') : value);
      REQUIRE(c.ask(fmt::format("p{:x}", number)) == wanted);
      // The stack of the x87 turns with its status; nothing else moves.
      if (row.place == Place::kX87Status) continue;
      REQUIRE(after == before.replace(2 * row.offset, 2 * row.size(), wanted));
    }
  }
}

TEST_CASE("gdb: memory is read up to where it ends") {
  Client c;
  c.as_gdb();
  auto& bytes = c.target.map(Client::kData, 0x3000).bytes;
  bytes[0x2ffe] = std::byte{0xab};
  bytes[0x2fff] = std::byte{0x23};  // '#', which has to be escaped.
  REQUIRE(c.ask("m10002ffe,10") == "ab23");
  REQUIRE(unescaped(c.ask("x10002ffe,10")) == "\xab#");
  REQUIRE(c.ask("m10003000,1") == "E0e");
  REQUIRE(c.ask("x0,0") == "OK");
}

TEST_CASE("gdb: memory is written, escaped or in digits") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("M10000010,2:beef") == "OK");
  REQUIRE(c.ask("m10000010,2") == "beef");
  REQUIRE(c.timeline.changes == 1);
  c.sent.clear();
  c.session->feed(client_frame("X10000020,3:" + escaped("#$}")));
  REQUIRE(Received(c.sent).packets.front() == "OK");
  REQUIRE(c.ask("m10000020,3") == "23247d");
  // The same again is no change.
  REQUIRE(c.timeline.changes == 2);
  REQUIRE(c.ask("M10000010,2:beef") == "OK");
  REQUIRE(c.timeline.changes == 2);
  REQUIRE(c.ask("M10000010,3:beef") == "E16");
  REQUIRE(c.ask("M90000000,2:beef") == "E0e");
  REQUIRE(c.ask("X10000020,0:") == "OK");
}

TEST_CASE("gdb: memory is searched and summed up") {
  Client c;
  c.as_gdb();
  auto& bytes = c.target.map(Client::kData, 0x3'0000).bytes;
  std::memcpy(bytes.data() + 0xfffe, "needle", 6);  // Across the pieces that are read at once.
  REQUIRE(c.ask("qSearch:memory:10000000;30000;needle") == "1,1000fffe");
  REQUIRE(c.ask("qSearch:memory:1000ffff;30000;needle") == "0");
  REQUIRE(c.ask("qSearch:memory:10000000;10000;needle") == "0");
  REQUIRE(c.ask("qSearch:memory:0;ffffffffffffffff;needle") == "1,1000fffe");
  std::memcpy(bytes.data(), "123456789", 9);
  REQUIRE(c.ask("qCRC:10000000,9") == "C0376e6e7");  // CRC-32/MPEG-2 of the usual nine bytes.
  REQUIRE(c.ask("qCRC:1002ffff,2") == "E0e");
}

TEST_CASE("gdb: regions of memory and the gaps between them are told") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("qMemoryRegionInfo:10000123") ==
          "start:10000000;size:3000;permissions:rw;name:" + hex_of("heap") + ";");
  REQUIRE(c.ask("qMemoryRegionInfo:200010").starts_with("start:200000;size:1000;permissions:rx;"));
  REQUIRE(c.ask("qMemoryRegionInfo:300000") == "start:201000;size:fdff000;");
  REQUIRE(c.ask("qMemoryRegionInfo:0") == "start:0;size:200000;");
  REQUIRE(c.ask("qMemoryRegionInfo:10003000") == "start:10003000;size:ffffffffefffd000;");
}

TEST_CASE("gdb: points are of the process that was chosen, and go when they are taken away") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("Z0,200040,4") == "OK");
  REQUIRE(c.ask("Z0,200040,4") == "OK");
  REQUIRE(c.ask("Hgp500.510") == "OK");
  REQUIRE(c.ask("Z1,200040,4") == "OK");
  REQUIRE(c.ask("Z2,10000000,8") == "OK");
  REQUIRE(c.ask("Z3,10000000,2") == "OK");
  REQUIRE(c.ask("Z4,10000000,1") == "OK");
  std::vector<StopPoint> points;
  for (const auto& [number, point] : c.timeline.points) points.push_back(point);
  using Kind = StopPoint::Kind;
  REQUIRE(points ==
          std::vector<StopPoint>{{.kind = Kind::kExecute, .process = 0x400, .address = GuestAddr(0x20'0040)},
                                 {.kind = Kind::kExecute, .process = 0x500, .address = GuestAddr(0x20'0040)},
                                 {.kind = Kind::kWrite, .process = 0x500, .address = Client::kData, .size = 8},
                                 {.kind = Kind::kRead, .process = 0x500, .address = Client::kData, .size = 2},
                                 {.kind = Kind::kAccess, .process = 0x500, .address = Client::kData, .size = 1}});
  REQUIRE(c.ask("z1,200040,4") == "OK");
  REQUIRE(c.ask("z2,10000000,8") == "OK");
  REQUIRE(c.ask("z2,10000000,8") == "OK");
  REQUIRE(c.timeline.points.size() == 3);
  REQUIRE(c.ask("Z5,0,1").empty());
  REQUIRE(c.ask("Z2,10000000,0") == "E16");
  c.session.reset();
  REQUIRE(c.timeline.points.empty());
}

TEST_CASE("gdb: the first step of vCont is what the run does") {
  Client c;
  c.as_gdb();
  auto last = [&]() -> const Resume& { return c.timeline.resumes.back(); };
  auto stepped = [](TaskId who) { return DebugStop{.reason = Reason::kStepped, .who = who}; };

  c.timeline.stops = {stepped(Client::kWorker)};
  REQUIRE(c.ask("vCont;s:p400.411;c:p400.-1").starts_with("T05thread:p400.411;"));
  REQUIRE(last().step_thread == 0x411);
  REQUIRE_FALSE(last().backwards);

  c.timeline.stops = {stepped(Client::kWorker)};
  c.ask("vCont;r200000,200020:p400.411;c");
  REQUIRE(last().step_thread == 0x411);
  REQUIRE(last().step_begin.value == 0x20'0000);
  REQUIRE(last().step_end.value == 0x20'0020);

  c.timeline.stops = {{.reason = Reason::kInterrupted}};
  REQUIRE(c.ask("vCont;c:p400.-1").starts_with("T02thread:"));
  REQUIRE(last().step_thread == 0);

  // Without a name: who stopped last.
  c.timeline.stops = {stepped(Client::kOther), stepped(Client::kOther)};
  c.ask("vCont;s:p500.510");
  c.ask("vCont;S05");
  REQUIRE(last().step_thread == 0x510);

  REQUIRE(c.ask("vCont") == "E16");
  REQUIRE(c.ask("vCont;") == "E16");
  REQUIRE(c.ask("vCont;q") == "E16");
  REQUIRE(c.ask("vCont;s:p400.999") == "E03");
}

TEST_CASE("gdb: an interrupt that comes together with the packet stops the run at once") {
  Client c;
  c.as_gdb();
  c.sent.clear();
  c.session->feed(client_frame("vCont;c") + "\x03");
  REQUIRE(Received(c.sent).packets.front().starts_with("T02thread:"));
  REQUIRE(c.timeline.resumes.empty());
}

TEST_CASE("gdb: the run goes backwards, and its ends are told") {
  Client c;
  c.as_gdb();
  c.timeline.stops = {{.reason = Reason::kStepped, .who = Client::kOther},
                      {.reason = Reason::kHistoryBegin, .who = Client::kMain},
                      {.reason = Reason::kHistoryEnd, .who = Client::kMain}};
  REQUIRE(c.ask("Hcp500.510") == "OK");
  REQUIRE(c.ask("bs").starts_with("T05thread:p500.510;"));
  REQUIRE(c.timeline.resumes.back().backwards);
  REQUIRE(c.timeline.resumes.back().step_thread == 0x510);
  REQUIRE(c.ask("bc").starts_with("T05replaylog:begin;thread:p400.410;"));
  REQUIRE(c.timeline.resumes.back().backwards);
  REQUIRE(c.timeline.resumes.back().step_thread == 0);
  REQUIRE(c.ask("vCont;c").starts_with("T05replaylog:end;thread:p400.410;"));
}

TEST_CASE("gdb: a stop says what it is, where the client knows the word") {
  for (bool knows : {false, true}) {
    Client c;
    c.ask(knows ? "qSupported:multiprocess+;swbreak+;hwbreak+" : "qSupported:multiprocess+");
    for (const char* point : {"Z0,200040,4", "Z1,200044,4", "Z2,10000000,8", "Z3,10000008,8", "Z4,10000010,8"})
      REQUIRE(c.ask(point) == "OK");
    auto stop = [&](uint32_t point, uint64_t address) {
      c.timeline.stops = {
          {.reason = Reason::kPoint, .who = Client::kMain, .point = point, .address = GuestAddr(address)}};
      return c.ask("vCont;c");
    };
    REQUIRE(stop(1, 0x20'0040).starts_with(knows ? "T05swbreak:;thread:" : "T05thread:"));
    REQUIRE(stop(2, 0x20'0044).starts_with(knows ? "T05hwbreak:;thread:" : "T05thread:"));
    REQUIRE(stop(3, 0x1000'0004).starts_with("T05watch:10000004;thread:"));
    REQUIRE(stop(4, 0x1000'0008).starts_with("T05rwatch:10000008;thread:"));
    REQUIRE(stop(5, 0x1000'0010).starts_with("T05awatch:10000010;thread:"));
  }
}

TEST_CASE("gdb: a stop brings the registers that are always asked for") {
  Client c;
  c.as_gdb();
  c.target.of(0x410).pc = 0x20'0040;
  c.timeline.stops = {{.reason = Reason::kStepped, .who = Client::kMain}};
  REQUIRE(has(c.ask("vCont;s:p400.410"), ";20:4000200000000000;"));
}

TEST_CASE("gdb: system calls are caught, all of them or some") {
  Client c;
  c.as_gdb();
  REQUIRE(c.ask("QCatchSyscalls:1;7;2a") == "OK");
  REQUIRE(c.timeline.calls.size() == 1);
  REQUIRE(c.timeline.calls[0].process == 0x400);
  REQUIRE(c.timeline.calls[0].numbers == std::vector<uint64_t>{7, 0x2a});
  c.timeline.stops = {{.reason = Reason::kCallBefore, .who = Client::kMain, .call = 0x2a},
                      {.reason = Reason::kCallBehind, .who = Client::kMain, .call = 0x2a}};
  REQUIRE(c.ask("vCont;c").starts_with("T05syscall_entry:2a;thread:p400.410;"));
  REQUIRE(c.ask("vCont;c").starts_with("T05syscall_return:2a;thread:p400.410;"));
  REQUIRE(c.ask("Hgp500.510") == "OK");
  REQUIRE(c.ask("QCatchSyscalls:1") == "OK");
  REQUIRE(c.timeline.calls.size() == 2);
  REQUIRE(c.timeline.calls[1].numbers.empty());
  REQUIRE(c.ask("QCatchSyscalls:0") == "OK");
  REQUIRE(c.timeline.calls.size() == 1);
  REQUIRE(c.ask("QCatchSyscalls:2") == "E16");
}

TEST_CASE("gdb: an exception of the guest is the signal it would be elsewhere") {
  Client c;
  c.as_gdb();
  auto signal = [&](uint64_t type) {
    c.timeline.stops = {{.reason = Reason::kException, .who = Client::kMain, .moment = {.value = type}}};
    return c.ask("vCont;c").substr(0, 3);
  };
  REQUIRE(c.timeline.exceptions);
  REQUIRE(signal(0x108) == "T0b");
  REQUIRE(signal(0x208) == "T04");
  REQUIRE(signal(0x308) == "T05");
  REQUIRE(signal(0x508) == "T0a");
}

TEST_CASE("gdb: a process that ends is told of, and so is the end of the run") {
  Client c;
  c.as_gdb();
  c.ask("qfThreadInfo");
  c.target.end_process(0x500);
  c.timeline.stops = {
      {.reason = Reason::kMoment, .who = {}, .moment = {.kind = MomentKind::kProcessExited, .koid = 0x500, .value = 3}},
      {.reason = Reason::kInterrupted}};  // The run goes on behind it.
  REQUIRE(c.ask("vCont;c") == "W03;process:500");
  c.target.end_process(0x400);
  c.timeline.stops = {{.reason = Reason::kEnded, .who = Client::kMain, .exit_code = 9}};
  REQUIRE(c.ask("vCont;c") == "W09;process:400");
  REQUIRE(c.session->ended() == 9);
  REQUIRE(c.ask("vCont;c") == "E03");
  REQUIRE(c.ask("qfThreadInfo") == "l");
  REQUIRE(c.ask("g") == "E03");
}

TEST_CASE("gdb: a process that the client never heard of ends without a word") {
  Client c;
  c.as_gdb();
  c.timeline.stops = {{.reason = Reason::kMoment, .moment = {.kind = MomentKind::kProcessExited, .koid = 0x999}},
                      {.reason = Reason::kStepped, .who = Client::kMain}};
  REQUIRE(c.ask("vCont;c").starts_with("T05thread:"));
}

TEST_CASE("gdb: a run that shall stop before its end can be gone back from there, and then ends") {
  Client c(Arch::kArm64, {.stop_before_end = true});
  c.as_gdb();
  c.timeline.stops = {{.reason = Reason::kEnded, .exit_code = 4},
                      {.reason = Reason::kCallBefore, .who = Client::kWorker, .call = 1}};
  REQUIRE(c.ask("vCont;c").starts_with("T05replaylog:end;thread:p400.411;"));
  REQUIRE_FALSE(c.session->ended());
  c.timeline.stops = {{.reason = Reason::kEnded, .who = Client::kMain, .exit_code = 4}};
  REQUIRE(c.ask("vCont;c") == "W04;process:400");
}

TEST_CASE("gdb: documents come in pieces, and unknown ones not at all") {
  Client c;
  c.as_gdb();
  std::string whole;
  while (true) {
    std::string piece = c.ask(fmt::format("qXfer:features:read:target.xml:{:x},40", whole.size()));
    whole += unescaped(piece.substr(1));
    if (piece[0] == 'l') break;
    REQUIRE(piece[0] == 'm');
  }
  REQUIRE(has(whole, "<architecture>aarch64</architecture>"));
  REQUIRE(has(whole, "</target>"));
  REQUIRE(c.ask("qXfer:features:read:other.xml:0,40") == "E00");
  REQUIRE(c.ask("qXfer:features:read:target.xml:fffffff,40") == "E16");
  REQUIRE(c.ask("qXfer:features:write:target.xml:0:aa").empty());
  REQUIRE(c.ask("qXfer:exec-file:read:400:0,400") == "l/guests/hello");
  REQUIRE(c.ask("qXfer:exec-file:read:999:0,400") == "E00");
  REQUIRE(has(c.ask("qXfer:libraries-svr4:read::0,1000"), "l_addr=\"0x70000000\" l_ld=\"0x70000100\""));
  REQUIRE(
      has(c.ask("qXfer:libraries:read::0,1000"), "<library name=\"libzircon.so\"><segment address=\"0x70000000\"/>"));
  REQUIRE(has(c.ask("qXfer:memory-map:read::0,1000"), "type=\"ram\""));
  std::string auxiliary = unescaped(c.ask("qXfer:auxv:read::0,1000"));
  REQUIRE(auxiliary.size() == 33);
  REQUIRE(auxiliary.substr(1, 16) == std::string("\x09\0\0\0\0\0\0\0\x40\0\x20\0\0\0\0\0", 16));
  REQUIRE(c.ask("qOffsets") == "TextSeg=200000");
}

TEST_CASE("gdb: is told once where the program lies that a dynamic linker has loaded, and then of libraries") {
  Client c;
  c.target.loaded.front().there = false;
  c.as_gdb();
  REQUIRE(c.ask("qOffsets").empty());
  DebugStop loaded{.reason = Reason::kMoment,
                   .who = Client::kMain,
                   .moment = {.kind = MomentKind::kLibrariesLoaded, .who = Client::kMain, .koid = 0x400}};
  DebugStop elsewhere = loaded;
  elsewhere.moment.koid = 0x999;

  c.target.loaded.front().there = true;
  c.timeline.stops = {elsewhere, loaded};
  REQUIRE(has(c.ask("c"), "T05exec:2f6775657374732f68656c6c6f;thread:p400.410;"));
  REQUIRE(c.timeline.resumes.size() == 2);

  c.timeline.stops = {loaded};
  std::string told = c.ask("c");
  REQUIRE(has(told, "T05library:;thread:p400.410;"));
  c.timeline.stops = {loaded};
  REQUIRE(has(c.ask("bc"), "T05library:;"));
  REQUIRE(has(c.ask("qOffsets"), "TextSeg=200000"));
}

TEST_CASE("gdb: who waits for libraries hears of them in words, and reads the list when he goes on") {
  SessionOptions options;
  options.moments = [] { return std::vector<MomentCatch>{{.kind = MomentKind::kLibrariesLoaded}}; };
  Client c(Arch::kArm64, options);
  c.as_gdb();
  DebugStop loaded{.reason = Reason::kMoment,
                   .who = Client::kMain,
                   .moment = {.kind = MomentKind::kLibrariesLoaded, .who = Client::kMain, .koid = 0x400}};
  c.timeline.stops = {loaded};
  REQUIRE(has(c.ask("c"), "T05thread:p400.410;"));
  REQUIRE(has(c.ask("c"), "T05library:;"));
  REQUIRE(c.timeline.resumes.size() == 1);
}

TEST_CASE("gdb: files are the guest's own, and the host's are not there") {
  Client c;
  REQUIRE(c.ask("vFile:setfs:0") == "F0");
  REQUIRE(c.ask("vFile:open:" + hex_of("/etc/passwd") + ",0,0") == "F-1,2");
  REQUIRE(c.ask("vFile:open:" + hex_of("../../guests/hello") + ",0,0") == "F-1,2");
  REQUIRE(c.ask("vFile:open:" + hex_of("/guests/hello") + ",1,0") == "F-1,1e");
  REQUIRE(c.ask("vFile:open:" + hex_of("/guests/hello") + ",0,0") == "F3");
  REQUIRE(unescaped(c.ask("vFile:pread:3,100,4")) == "F13;file#with$odd}bytes");
  REQUIRE(c.ask("vFile:pread:3,100,1000") == "F0;");
  std::string stat = unescaped(c.ask("vFile:fstat:3"));
  REQUIRE(stat.size() == 4 + 64);
  REQUIRE(stat.substr(4 + 28, 8) == std::string("\0\0\0\0\0\0\0\x17", 8));
  REQUIRE(c.ask("vFile:close:3") == "F0");
  REQUIRE(c.ask("vFile:close:3") == "F-1,9");
  REQUIRE(c.ask("vFile:pread:3,100,0") == "F-1,9");
  REQUIRE(c.ask("vFile:unlink:2f").empty());
  REQUIRE(c.ask("vFile:open:" + hex_of("/proc/1024/maps") + ",0,0") == "F3");
  REQUIRE(has(c.ask("vFile:pread:3,1000,0"), "10000000-10003000 rw-p"));
  for (int i = 0; i < 100; ++i) c.ask("vFile:open:" + hex_of("/guests/hello") + ",0,0");
  REQUIRE(c.ask("vFile:open:" + hex_of("/guests/hello") + ",0,0") == "F-1,18");
}

TEST_CASE("gdb: commands of people go to whoever answers them") {
  std::string asked;
  Client c(Arch::kArm64, {.monitor = [&](std::string_view command) {
             asked = command;
             return command == "long" ? std::string(200'000, 'x') : "at 12 ns";
           }});
  REQUIRE(c.ask("qRcmd," + hex_of("when")) == hex_of("at 12 ns\n"));
  REQUIRE(asked == "when");
  std::string text;
  for (const std::string& packet : c.all("qRcmd," + hex_of("long")))
    text += *bytes_of_hex(packet.starts_with("O") ? std::string_view(packet).substr(1) : packet);
  REQUIRE(text == std::string(200'000, 'x') + "\n");
  REQUIRE(c.ask("qRcmd,zz") == "E16");
  Client without;
  REQUIRE(without.ask("qRcmd," + hex_of("when")).empty());
}

TEST_CASE("gdb: detaching leaves a process alone, and the last one ends the session") {
  Client c;
  c.as_gdb();
  c.ask("qfThreadInfo");
  c.ask("Z0,200040,4");
  REQUIRE(c.ask("D;400") == "OK");
  REQUIRE(c.timeline.points.empty());
  REQUIRE(c.session->over() == Session::Over::kNot);
  REQUIRE(c.ask("qfThreadInfo") == "mp500.510");
  REQUIRE(c.ask("D;400") == "E03");
  REQUIRE(c.ask("D;500") == "OK");
  REQUIRE(c.session->over() == Session::Over::kDetached);
}

TEST_CASE("gdb: kill ends the run, and restart begins it again") {
  Client c;
  c.as_gdb();
  c.ask("!");
  REQUIRE(c.all("R00").empty());
  REQUIRE(c.timeline.sought == std::vector<Position>{{}});
  REQUIRE(c.ask("vRun;").starts_with("T05thread:p400.410;"));
  REQUIRE(c.ask("vAttach;500").starts_with("T05thread:p500.510;"));
  REQUIRE(c.ask("vAttach;999") == "E03");
  // Who is extended may want to begin again; others are done.
  REQUIRE(c.ask("vKill;400") == "OK");
  REQUIRE(c.session->over() == Session::Over::kNot);
  REQUIRE(c.session->over_when_gone() == Session::Over::kKilled);
  REQUIRE(c.ask("qfThreadInfo") == "l");
  REQUIRE(c.ask("vRun;").starts_with("T05thread:p400.410;"));
  REQUIRE(c.session->over_when_gone() == Session::Over::kNot);
  c.connect();
  REQUIRE(c.ask("vKill;400") == "OK");
  REQUIRE(c.session->over() == Session::Over::kKilled);
}

TEST_CASE("lldb: it sees one process, names the thread in each packet, and hears why a thread stopped") {
  Client c;
  REQUIRE(c.ask("QThreadSuffixSupported") == "OK");
  REQUIRE(c.ask("QListThreadsInStopReply") == "OK");
  REQUIRE(has(c.ask("qHostInfo"), "ptrsize:8;endian:little;"));
  REQUIRE(has(c.ask("qHostInfo"), "watchpoint_exceptions_received:before;"));
  REQUIRE(c.ask("qProcessInfo").starts_with("pid:400;"));
  REQUIRE(c.ask("qfThreadInfo") == "m410,411");
  c.target.of(0x411).gpr[0] = 0x77;
  REQUIRE(c.ask("p0;thread:411;") == "7700000000000000");
  REQUIRE(c.ask("P0=7800000000000000;thread:411;") == "OK");
  REQUIRE(c.target.of(0x411).gpr[0] == 0x78);
  REQUIRE(c.ask("g;thread:411;").starts_with("7800000000000000"));
  REQUIRE(c.ask("g;thread:999;") == "E03");
  REQUIRE(c.ask("Z2,10000000,8") == "OK");
  c.timeline.stops = {{.reason = Reason::kPoint, .who = Client::kMain, .point = 1, .address = GuestAddr(0x1000'0004)}};
  std::string stop = c.ask("vCont;c");
  REQUIRE(has(stop, "threads:410,411;"));
  REQUIRE(has(stop, "hexname:" + hex_of("initial-thread") + ";"));
  REQUIRE(has(stop, "reason:watchpoint;description:" + hex_of("268435456 0 268435460") + ";"));
  REQUIRE(c.ask("qThreadStopInfo411") == "T00thread:411;");
  REQUIRE(has(unescaped(c.ask("jThreadsInfo")), "{\"tid\":1041,\"name\":\"worker\"}"));
  REQUIRE(has(c.ask("qRegisterInfo20"), "name:pc;bitsize:64;"));
  REQUIRE(c.ask("qRegisterInfo1000") == "E02");
}

TEST_CASE("lldb: it keeps registers for a while and puts them back") {
  Client c;
  c.ask("QThreadSuffixSupported");
  c.target.of(0x410).gpr[5] = 5;
  REQUIRE(c.ask("QSaveRegisterState;thread:410;") == "1");
  c.target.of(0x410).gpr[5] = 6;
  REQUIRE(c.ask("QRestoreRegisterState:1;thread:410;") == "OK");
  REQUIRE(c.target.of(0x410).gpr[5] == 5);
  REQUIRE(c.ask("QRestoreRegisterState:1;thread:410;") == "E02");
  REQUIRE(c.ask("QEnableErrorStrings") == "OK");
  REQUIRE(c.ask("QRestoreRegisterState:1;thread:410;").starts_with("E02;"));
}

}  // namespace
}  // namespace jacinth::emu::gdb
