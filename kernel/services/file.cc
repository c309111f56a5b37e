// What a file's connection is asked for.
#include <fmt/format.h>

#include "kernel/services/connection.h"
#include "kernel/services/io_ordinals.h"
#include "kernel/services/names.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kMaxBuffer = 8192;

/// VMO_FLAG_*.
constexpr uint32_t kVmoRead = 1;
constexpr uint32_t kVmoWrite = 2;
constexpr uint32_t kVmoExecute = 4;
constexpr uint32_t kVmoPrivate = 0x1'0000;
constexpr uint32_t kVmoExact = 0x2'0000;

/// SeekOrigin.
enum Origin : uint32_t { kStart, kCurrent, kEnd };

}  // namespace

void Connection::answer_bytes(const FidlHeader& header, const Result<std::vector<std::byte>>& bytes) {
  FidlWriter writer(header.txid, header.ordinal);
  writer.status(bytes.status());
  writer.align(8);
  writer.vector(bytes ? bytes->size() : 0);
  if (bytes) writer.body(*bytes);
  send(writer);
}

template <class T>
void Connection::answer(const FidlHeader& header, Status status, T value) {
  FidlWriter writer(header.txid, header.ordinal);
  writer.status(status);
  writer.align(8);
  writer.number(value);
  send(writer);
}

bool Connection::file_request(const FidlHeader& header, FidlReader& reader) {
  FileTree& files = services().files();
  switch (header.ordinal) {
    case io::kRead:
    case io::kReadAt: {
      bool at_offset = header.ordinal == io::kReadAt;
      auto count = reader.number<uint64_t>();
      uint64_t offset = at_offset ? reader.number<uint64_t>() : offset_;
      if (!reader.done()) return false;
      Result<std::vector<std::byte>> bytes = Status::kBadHandle;
      if (may(kRightReadable))
        bytes = count > kMaxBuffer ? Result<std::vector<std::byte>>(Status::kInvalidArgs)
                                   : files.read(file(), offset, count);
      if (bytes && !at_offset) offset_ += bytes->size();
      tell(fmt::format("{}({}, at={}) = {}, {} bytes", at_offset ? "ReadAt" : "Read", count, offset,
                       abi::status_name(bytes.status()), bytes ? bytes->size() : 0));
      answer_bytes(header, bytes);
      return true;
    }
    case io::kWrite:
    case io::kWriteAt: {
      bool at_offset = header.ordinal == io::kWriteAt;
      std::string data(reader.bytes(kMaxBuffer));
      uint64_t offset = at_offset ? reader.number<uint64_t>() : (flags_ & kFlagAppend) != 0 ? file().size : offset_;
      if (!reader.done()) return false;
      Status status = Status::kBadHandle;
      if (may(kRightWritable)) status = files.write(file(), offset, data);
      if (status == Status::kOk && !at_offset) offset_ = offset + data.size();
      tell(fmt::format("{}({} bytes, at={}) = {}", at_offset ? "WriteAt" : "Write", data.size(), offset,
                       abi::status_name(status)));
      answer(header, status, status == Status::kOk ? uint64_t{data.size()} : 0);
      return true;
    }
    case io::kSeek: {
      auto offset = reader.number<int64_t>();
      auto origin = reader.number<uint32_t>();
      static_cast<void>(reader.number<uint32_t>());
      if (!reader.done() || origin > kEnd) return false;
      Result<uint64_t> place = seek(offset, origin);
      tell(fmt::format("Seek({}, origin={}) = {}", offset, origin, abi::status_name(place.status())));
      answer(header, place.status(), offset_);
      return true;
    }
    case io::kTruncate: {
      auto size = reader.number<uint64_t>();
      if (!reader.done()) return false;
      Status status = may(kRightWritable) ? files.truncate(file(), size) : Status::kBadHandle;
      tell(fmt::format("Truncate({}) = {}", size, abi::status_name(status)));
      answer(header, status);
      return true;
    }
    case io::kGetBuffer: {
      auto flags = reader.number<uint32_t>();
      if (!reader.done()) return false;
      uint64_t size = 0;
      Result<HandleOwner> vmo = buffer(flags, size);
      tell(fmt::format("GetBuffer({:#x}) = {}, {} bytes", flags, abi::status_name(vmo.status()), size));
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(vmo.status());
      writer.align(8);
      writer.number(vmo ? kFidlPresent : uint64_t{0});
      if (vmo) {
        writer.handle(std::move(*vmo));
        writer.align(8);
        writer.number(size);
      }
      send(writer);
      return true;
    }
    default: return false;
  }
}

Result<uint64_t> Connection::seek(int64_t offset, uint32_t origin) {
  if (!may(0)) return Status::kBadHandle;
  uint64_t base = origin == kStart ? 0 : origin == kCurrent ? offset_ : file().size;
  __int128 place = static_cast<__int128>(base) + offset;
  if (place < 0 || place > INT64_MAX) return Status::kInvalidArgs;
  offset_ = static_cast<uint64_t>(place);
  return offset_;
}

Result<HandleOwner> Connection::buffer(uint32_t flags, uint64_t& size) {
  if (!may(0)) return Status::kBadHandle;
  if ((flags & kVmoPrivate) != 0 && (flags & kVmoExact) != 0) return Status::kInvalidArgs;
  if ((flags & kVmoWrite) != 0 && ((flags_ & kFlagAppend) != 0 || !may(kRightWritable))) return Status::kAccessDenied;
  if ((flags & kVmoExecute) != 0 && !may(kRightExecutable)) return Status::kAccessDenied;
  if (!may(kRightReadable)) return Status::kAccessDenied;
  FileNode& node = file();
  Ref<Vmo> content = TRY(services().files().content(node));
  size = node.size;
  Rights rights = Rights::kBasic | Rights::kMap | Rights::kGetProperty;
  if ((flags & kVmoRead) != 0) rights |= Rights::kRead;
  if ((flags & kVmoWrite) != 0) rights |= Rights::kWrite;
  if ((flags & kVmoExecute) != 0) rights |= Rights::kExecute;
  if ((flags & kVmoPrivate) != 0) {
    content = TRY(content->create_child(abi::VmoChildOptions::kSnapshot, 0, content->size(), false));
    rights |= Rights::kSetProperty;
  } else if ((flags & kVmoWrite) != 0) {
    node.changed = true;  // Whoever holds the memory may write it whenever it likes.
  }
  return services().core().handles().make(content, rights);
}

}  // namespace jacinth::kernel
