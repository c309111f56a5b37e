// The first messages of a new process: arguments, environment and typed handles (zircon/processargs.h).
#pragma once

#include <cstdint>

#include "kernel/abi/layout.h"

namespace jacinth::abi {

inline constexpr uint32_t kProcargsProtocol = 0x4150'585d;
inline constexpr uint32_t kProcargsVersion = 0x0000'1000;

/// The start of the message. Offsets count from there; tables hold NUL-terminated strings one after the other.
struct ProcArgs {
  uint32_t protocol = kProcargsProtocol;
  uint32_t version = kProcargsVersion;
  uint32_t handle_info_off = 0;  // one processargs_info() per handle, 4-byte aligned
  uint32_t args_off = 0;
  uint32_t args_num = 0;
  uint32_t environ_off = 0;
  uint32_t environ_num = 0;
  uint32_t names_off = 0;  // the namespace entries that kNsDir handles index
  uint32_t names_num = 0;
};
static_assert(WireStruct<ProcArgs> && sizeof(ProcArgs) == 36);

/// What a handle of the message is for.
enum class ProcessargsType : uint32_t {
  kProcSelf = 0x01,
  kThreadSelf = 0x02,
  kJobDefault = 0x03,
  kVmarRoot = 0x04,
  kVmarLoaded = 0x05,
  kLdsvcLoader = 0x10,
  kVmoVdso = 0x11,
  kVmoStack = 0x13,
  kVmoExecutable = 0x14,
  kVmoBootdata = 0x1a,
  kVmoBootfs = 0x1b,
  kVmoKernelFile = 0x1c,
  kNsDir = 0x20,
  kFd = 0x30,
  kLifecycle = 0x3a,
  kDirectoryRequest = 0x3b,
  kResource = 0x3f,
  kClockUtc = 0x40,
  kMmioResource = 0x50,
  kIrqResource = 0x51,
  kIoportResource = 0x52,
  kSmcResource = 0x53,
  kSystemResource = 0x54,
  kUser0 = 0xf0,
  kUser1 = 0xf1,
  kUser2 = 0xf2,
};

/// PA_HND: a type with its argument (the descriptor of kFd, the index of kNsDir).
constexpr uint32_t processargs_info(ProcessargsType type, uint16_t arg = 0) {
  return (static_cast<uint32_t>(type) & 0xff) | (uint32_t{arg} << 16);
}
constexpr ProcessargsType processargs_type(uint32_t info) { return static_cast<ProcessargsType>(info & 0xff); }
constexpr uint16_t processargs_arg(uint32_t info) { return static_cast<uint16_t>(info >> 16); }

}  // namespace jacinth::abi
