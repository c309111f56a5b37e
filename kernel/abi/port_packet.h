// zx_port_packet_t: what a port delivers (zircon/syscalls/port.h). 48 bytes: 16 common, then 32 by the packet's type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "emu/time/time.h"
#include "kernel/abi/flags.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/signals.h"
#include "kernel/abi/status.h"

namespace jacinth::abi {

/// 2 (a signal that repeats) is retired, 8 was never public.
enum class PacketType : uint32_t {
  kUser = 0,
  kSignalOne = 1,
  kGuestBell = 3,
  kGuestMem = 4,
  kGuestIo = 5,
  kGuestVcpu = 6,
  kInterrupt = 7,
  kPageRequest = 9,
};

/// zx_port_create: interrupts can be bound only to a port that was made for it.
enum class PortOptions : uint32_t { kNone = 0, kBindToInterrupt = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<PortOptions> = true;

/// The payload of zx_port_queue, passed through untouched.
struct PacketUser {
  std::array<uint64_t, 4> u64 = {};
};

struct PacketSignal {
  Signals trigger = Signals::kNone;   // what the wait asked for
  Signals observed = Signals::kNone;  // all that was true at that moment
  uint64_t count = 0;                 // 1 in this revision
  Time timestamp;                     // 0 unless asked for with kTimestamp
  uint64_t reserved1 = 0;
};

struct PacketInterrupt {
  Time timestamp;
  uint64_t reserved0 = 0;
  uint64_t reserved1 = 0;
  uint64_t reserved2 = 0;
};

enum class PageRequestCommand : uint16_t { kRead = 0, kComplete = 1, kDirty = 2 };

struct PacketPageRequest {
  PageRequestCommand command = PageRequestCommand::kRead;
  uint16_t flags = 0;
  uint32_t reserved0 = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t reserved1 = 0;
};

struct PacketGuestBell {
  uint64_t addr = 0;
  uint64_t reserved0 = 0;
  uint64_t reserved1 = 0;
  uint64_t reserved2 = 0;
};

/// A trapped memory access of a virtual machine, with the instruction for the x86-64 monitor to decode.
struct PacketGuestMemX86 {
  uint64_t addr = 0;
  uint8_t inst_len = 0;
  std::array<uint8_t, 15> inst_buf = {};
  uint8_t default_operand_size = 0;
  std::array<uint8_t, 7> reserved = {};
};

/// The same on arm64, where the syndrome register already says what was accessed.
struct PacketGuestMemArm64 {
  uint64_t addr = 0;
  uint8_t access_size = 0;
  bool sign_extend = false;
  uint8_t xt = 0;
  bool read = false;
  std::array<uint8_t, 4> padding1 = {};
  uint64_t data = 0;
  uint64_t reserved = 0;
};

struct PacketGuestIo {
  uint16_t port = 0;
  uint8_t access_size = 0;
  bool input = false;
  std::array<uint8_t, 4> data = {};  // as many as access_size says
  uint64_t reserved0 = 0;
  uint64_t reserved1 = 0;
  uint64_t reserved2 = 0;
};

enum class GuestVcpuPacketType : uint8_t { kInterrupt = 0, kStartup = 1, kExit = 2 };

struct PacketGuestVcpu {
  struct Interrupt {
    uint64_t mask = 0;  // the processors to interrupt
    uint8_t vector = 0;
    std::array<uint8_t, 7> padding1 = {};
  };
  struct Startup {
    uint64_t id = 0;
    uint64_t entry = 0;
  };
  union {
    Interrupt interrupt = {};
    Startup startup;
  };
  GuestVcpuPacketType type = GuestVcpuPacketType::kInterrupt;
  std::array<uint8_t, 7> padding1 = {};
  uint64_t reserved = 0;
};

struct PortPacket {
  uint64_t key = 0;
  PacketType type = PacketType::kUser;
  Status status = Status::kOk;
  union {
    PacketUser user = {};
    PacketSignal signal;
    PacketInterrupt interrupt;
    PacketPageRequest page_request;
    PacketGuestBell guest_bell;
    PacketGuestMemX86 guest_mem_x86;
    PacketGuestMemArm64 guest_mem_arm64;
    PacketGuestIo guest_io;
    PacketGuestVcpu guest_vcpu;
  };
};

static_assert(WireStruct<PortPacket> && sizeof(PortPacket) == 48);
static_assert(offsetof(PortPacket, type) == 8 && offsetof(PortPacket, status) == 12);
static_assert(offsetof(PortPacket, user) == 16 && offsetof(PortPacket, signal) == 16);
static_assert(sizeof(PacketUser) == 32 && sizeof(PacketSignal) == 32 && sizeof(PacketInterrupt) == 32);
static_assert(sizeof(PacketPageRequest) == 32 && sizeof(PacketGuestBell) == 32 && sizeof(PacketGuestMemX86) == 32);
static_assert(sizeof(PacketGuestMemArm64) == 32 && sizeof(PacketGuestIo) == 32 && sizeof(PacketGuestVcpu) == 32);
static_assert(offsetof(PacketSignal, count) == 8 && offsetof(PacketSignal, timestamp) == 16);
static_assert(offsetof(PacketPageRequest, offset) == 8 && offsetof(PacketPageRequest, length) == 16);
static_assert(offsetof(PacketGuestMemX86, default_operand_size) == 24);
static_assert(offsetof(PacketGuestMemArm64, data) == 16 && offsetof(PacketGuestIo, data) == 4);
static_assert(offsetof(PacketGuestVcpu, type) == 16);

}  // namespace jacinth::abi
