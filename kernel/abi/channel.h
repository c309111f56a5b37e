// Channels: options, limits and the structures that calls on them take (zircon/types.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/abi/flags.h"
#include "kernel/abi/handle.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/object_type.h"
#include "kernel/abi/rights.h"
#include "kernel/abi/status.h"

namespace jacinth::abi {

inline constexpr uint32_t kChannelMaxMsgBytes = 65536;
inline constexpr uint32_t kChannelMaxMsgHandles = 64;
inline constexpr uint32_t kChannelMaxMsgIovecs = 8192;

/// The transaction ids that the kernel gives to calls have this bit; those that programs make up should not.
inline constexpr uint32_t kChannelKernelTxidBase = 0x8000'0000;

enum class ChannelReadOptions : uint32_t { kNone = 0, kMayDiscard = 1u << 0 };
template <>
inline constexpr bool kIsFlagSet<ChannelReadOptions> = true;

/// zx_channel_write, zx_channel_call and their relatives.
enum class ChannelWriteOptions : uint32_t { kNone = 0, kUseIovec = 1u << 1 };
template <>
inline constexpr bool kIsFlagSet<ChannelWriteOptions> = true;

/// One part of a message that is written from several places (kUseIovec).
struct ChannelIovec {
  uint64_t buffer = 0;
  uint32_t capacity = 0;
  uint32_t reserved = 0;
};
static_assert(WireStruct<ChannelIovec> && sizeof(ChannelIovec) == 16);

/// zx_channel_call: pointers into the caller's memory, and how much may go each way.
struct ChannelCallArgs {
  uint64_t wr_bytes = 0;
  uint64_t wr_handles = 0;  // zx_handle_t[wr_num_handles]
  uint64_t rd_bytes = 0;
  uint64_t rd_handles = 0;  // zx_handle_t[rd_num_handles]
  uint32_t wr_num_bytes = 0;
  uint32_t wr_num_handles = 0;
  uint32_t rd_num_bytes = 0;
  uint32_t rd_num_handles = 0;
};
static_assert(WireStruct<ChannelCallArgs> && sizeof(ChannelCallArgs) == 48);

/// zx_channel_call_etc: the same, with dispositions going out and handle infos coming back.
struct ChannelCallEtcArgs {
  uint64_t wr_bytes = 0;
  uint64_t wr_handles = 0;  // zx_handle_disposition_t[wr_num_handles]
  uint64_t rd_bytes = 0;
  uint64_t rd_handles = 0;  // zx_handle_info_t[rd_num_handles]
  uint32_t wr_num_bytes = 0;
  uint32_t wr_num_handles = 0;
  uint32_t rd_num_bytes = 0;
  uint32_t rd_num_handles = 0;
};
static_assert(WireStruct<ChannelCallEtcArgs> && sizeof(ChannelCallEtcArgs) == 48);

/// One handle to send with zx_channel_write_etc.
struct HandleDisposition {
  HandleOp operation = HandleOp::kMove;
  Handle handle = Handle::kInvalid;
  ObjectType type = ObjectType::kNone;  // kNone: any
  Rights rights = Rights::kNone;        // what the receiver gets; kSameRights is allowed
  Status result = Status::kOk;          // filled by the kernel when any handle of the message failed
};
static_assert(WireStruct<HandleDisposition> && sizeof(HandleDisposition) == 20);

/// One handle as zx_channel_read_etc delivers it.
struct HandleInfo {
  Handle handle = Handle::kInvalid;
  ObjectType type = ObjectType::kNone;
  Rights rights = Rights::kNone;
  uint32_t unused = 0;
};
static_assert(WireStruct<HandleInfo> && sizeof(HandleInfo) == 16);

}  // namespace jacinth::abi
