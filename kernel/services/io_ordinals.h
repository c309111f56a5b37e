// The calls of fuchsia.io that were there in July 2020, by what they are called on the wire.
//
// An ordinal is the beginning of the SHA-256 of the call's name without its top bit; the compiler of that time read
// "fuchsia.io" as "fuchsia.io1" there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

namespace jacinth::kernel::io {

inline constexpr uint64_t kClone = 0x5a61678f293ce16f;
inline constexpr uint64_t kClose = 0x5309c5bd1c33dc44;
inline constexpr uint64_t kDescribe = 0x0ffcec215078dea0;
inline constexpr uint64_t kOnOpen = 0x7fc7bbb1dbfd1972;
inline constexpr uint64_t kSync = 0x189d88326c18b519;
inline constexpr uint64_t kGetAttr = 0x78985e216314dafd;
inline constexpr uint64_t kSetAttr = 0x4186c0f40d938f46;
inline constexpr uint64_t kNodeGetFlags = 0x5b88fffb8eda3aa1;
inline constexpr uint64_t kNodeSetFlags = 0x5295b76c71fde733;
inline constexpr uint64_t kRead = 0x29b2b7074c95208c;
inline constexpr uint64_t kReadAt = 0x6527ee3fbc9c5749;
inline constexpr uint64_t kWrite = 0x3b6432f57914225b;
inline constexpr uint64_t kWriteAt = 0x4b29e1582ab379e4;
inline constexpr uint64_t kSeek = 0x324968e9b8a0e394;
inline constexpr uint64_t kTruncate = 0x5ec8f337359a2ddb;
inline constexpr uint64_t kGetFlags = 0x200be82ca523ab96;
inline constexpr uint64_t kSetFlags = 0x713f375258671141;
inline constexpr uint64_t kGetBuffer = 0x4b93b8486666d951;
inline constexpr uint64_t kOpen = 0x2c5044561d685ec0;
inline constexpr uint64_t kUnlink = 0x5a0ff90760a8bc23;
inline constexpr uint64_t kReadDirents = 0x3582806bf27faa0a;
inline constexpr uint64_t kRewind = 0x16b1202af0f34c71;
inline constexpr uint64_t kGetToken = 0x26ae9d18763c8655;
inline constexpr uint64_t kRename = 0x0a8e00a247f3c905;
inline constexpr uint64_t kLink = 0x740604c0c7c930e7;
inline constexpr uint64_t kWatch = 0x5717193a59d66d91;
inline constexpr uint64_t kQueryFilesystem = 0x4a879480f1d7875d;

struct Call {
  uint64_t ordinal;
  std::string_view name;
  uint32_t fields;  ///< Bytes of the request's own fields.
};

inline constexpr Call kCalls[] = {
    {kClone, "Clone", 8},
    {kClose, "Close", 0},
    {kDescribe, "Describe", 0},
    {kSync, "Sync", 0},
    {kGetAttr, "GetAttr", 0},
    {kSetAttr, "SetAttr", 64},
    {kNodeGetFlags, "NodeGetFlags", 0},
    {kNodeSetFlags, "NodeSetFlags", 4},
    {kRead, "Read", 8},
    {kReadAt, "ReadAt", 16},
    {kWrite, "Write", 16},
    {kWriteAt, "WriteAt", 24},
    {kSeek, "Seek", 16},
    {kTruncate, "Truncate", 8},
    {kGetFlags, "GetFlags", 0},
    {kSetFlags, "SetFlags", 4},
    {kGetBuffer, "GetBuffer", 4},
    {kOpen, "Open", 32},
    {kUnlink, "Unlink", 16},
    {kReadDirents, "ReadDirents", 8},
    {kRewind, "Rewind", 0},
    {kGetToken, "GetToken", 0},
    {kRename, "Rename", 40},
    {kLink, "Link", 40},
    {kWatch, "Watch", 12},
    {kQueryFilesystem, "QueryFilesystem", 0},
};

inline const Call* find(uint64_t ordinal) {
  auto found = std::ranges::find(kCalls, ordinal, &Call::ordinal);
  return found != std::end(kCalls) ? found : nullptr;
}

}  // namespace jacinth::kernel::io
