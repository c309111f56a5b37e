// Whatever a client sends, the session answers in whole packets and harms nothing: real packets, cut, joined, bent and
// made up.
#include <array>

#include "tests/emu/debug/gdb/gdb_client.h"
#include "tests/support/random.h"
#include "tests/support/test.h"

namespace jacinth::emu::gdb {
namespace {

constexpr auto kPackets = std::to_array<std::string_view>({
    "qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386",
    "vMustReplyEmpty",
    "QStartNoAckMode",
    "?",
    "!",
    "qC",
    "qAttached:400",
    "qOffsets",
    "vCont?",
    "vCont;c",
    "vCont;s:p400.410;c:p400.-1",
    "vCont;r200000,200020:p400.411",
    "vCont;t",
    "vCont;S05:1;C0b:2",
    "bc",
    "bs",
    "c",
    "s",
    "C05",
    "S05",
    "g",
    "p0",
    "p20;thread:410;",
    "P0=3412000000000000",
    "P20=0000000000000000;thread:p400.411;",
    "Hgp400.410",
    "Hcp-1.-1",
    "Hg0",
    "Tp500.510",
    "m10000000,40",
    "x10000000,40",
    "M10000010,2:beef",
    "X10000020,3:abc",
    "Z0,200040,4",
    "Z1,200044,4",
    "Z2,10000000,8",
    "Z3,10000000,1",
    "Z4,10000000,2",
    "z0,200040,4",
    "z2,10000000,8",
    "qSearch:memory:10000000;3000;needle",
    "qCRC:10000000,1000",
    "qMemoryRegionInfo:10000123",
    "qXfer:features:read:target.xml:0,1000",
    "qXfer:threads:read::0,400",
    "qXfer:libraries-svr4:read::10,20",
    "qXfer:exec-file:read:400:0,100",
    "qXfer:auxv:read::0,1000",
    "qXfer:memory-map:read::0,100",
    "vFile:setfs:0",
    "vFile:open:2f6775657374732f68656c6c6f,0,0",
    "vFile:pread:3,100,0",
    "vFile:fstat:3",
    "vFile:close:3",
    "qRcmd,7768656e",
    "qfThreadInfo",
    "qsThreadInfo",
    "qThreadExtraInfo,p400.411",
    "qThreadStopInfo411",
    "QCatchSyscalls:1;7;2a",
    "QCatchSyscalls:0",
    "QThreadSuffixSupported",
    "QListThreadsInStopReply",
    "QEnableErrorStrings",
    "qHostInfo",
    "qProcessInfo",
    "qRegisterInfo20",
    "jThreadsInfo",
    "QSaveRegisterState;thread:410;",
    "QRestoreRegisterState:1;thread:410;",
    "vAttach;500",
    "vRun;;",
    "R00",
    "D;400",
    "QPassSignals:e;10",
    "qSymbol::",
});

/// Something like one of them.
std::string mutated(test::Random& random) {
  std::string packet(kPackets[random.below(kPackets.size())]);
  for (uint64_t changes = random.below(4); changes > 0; --changes) {
    size_t at = random.below(packet.size() + 1);
    switch (random.below(7)) {
      case 0: packet.resize(at); break;
      case 1: packet.insert(at, 1, static_cast<char>(random.next())); break;
      case 2:
        if (at < packet.size()) packet[at] = static_cast<char>(random.next());
        break;
      case 3:
        if (at < packet.size()) packet[at] = "0123456789abcdef;:,.-=p*}"[random.below(25)];
        break;
      case 4: packet.insert(at, "ffffffffffffffff"); break;
      case 5: packet += kPackets[random.below(kPackets.size())]; break;
      default:
        if (at < packet.size()) packet.erase(at, 1 + random.below(4));
        break;
    }
  }
  return packet;
}

DebugStop some_stop(test::Random& random) {
  DebugStop stop;
  stop.reason = static_cast<DebugStop::Reason>(random.below(12));
  constexpr TaskId kWhos[] = {{}, Client::kMain, Client::kWorker, Client::kOther, {.process = 1, .thread = 2}};
  stop.who = kWhos[random.below(5)];
  stop.point = static_cast<uint32_t>(random.below(6));
  stop.address = GuestAddr(random.next());
  stop.call = random.below(300);
  stop.moment = {.kind = static_cast<MomentKind>(random.below(13)), .koid = 0x400 + 0x100 * random.below(3)};
  stop.moment.value = 0x8 + 0x100 * random.below(6);
  return stop;
}

TEST_CASE("gdb: 100 000 packets that nobody should send are all answered or passed over") {
  for (uint64_t seed : test::seeds(20)) {
    INFO("JACINTH_TEST_SEED=" << seed);
    test::Random random(seed);
    SessionOptions options{.monitor = [](std::string_view command) { return std::string(command); },
                           .stop_before_end = random.one_in(2)};
    Client c(random.one_in(2) ? Arch::kArm64 : Arch::kX86_64, options);
    for (int i = 0; i < 5000; ++i) {
      std::string packet = mutated(random);
      CAPTURE(i, packet);
      if (random.one_in(3)) c.timeline.stops.push_back(some_stop(random));
      c.sent.clear();
      std::string frame = random.one_in(20) ? packet : client_frame(escaped(packet));
      if (random.one_in(10)) {
        size_t cut = random.below(frame.size() + 1);
        c.session->feed(frame.substr(0, cut));
        c.session->feed(frame.substr(cut));
      } else {
        c.session->feed(frame);
      }
      Received received(c.sent);  // Fails on a frame that is none.
      if (c.session->over() != Session::Over::kNot) c.connect();
      if (random.one_in(500)) c.connect();
    }
    // After all that it still works.
    c.timeline.stops.clear();
    c.session->feed("##");
    c.connect();
    REQUIRE(c.ask("qfThreadInfo").starts_with("m"));
    c.session.reset();
    REQUIRE(c.timeline.points.empty());
    REQUIRE(c.timeline.calls.empty());
  }
}

}  // namespace
}  // namespace jacinth::emu::gdb
