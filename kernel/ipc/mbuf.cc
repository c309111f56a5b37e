#include "kernel/ipc/mbuf.h"

#include <algorithm>
#include <span>

#include "emu/state/archive.h"
#include "kernel/object/core.h"

namespace jacinth::kernel {

MBufChain::~MBufChain() {
  core_.ipc_memory().give((mbufs_.size() + spare_) * kBlockSize);
  core_.counter("mbuf.total_bytes") -= static_cast<int64_t>((mbufs_.size() + spare_) * kBufferSize);
  core_.counter("mbuf.free_list_bytes") -= static_cast<int64_t>(spare_ * kBufferSize);
}

uint64_t MBufChain::readable(bool datagram) const { return datagram && !empty() ? mbufs_.front().packet : size_; }

std::optional<MBufChain::MBuf> MBufChain::allocate(uint32_t capacity) {
  if (spare_ > 0) {
    --spare_;
    core_.counter("mbuf.free_list_bytes") -= kBufferSize;
  } else {
    if (!core_.ipc_memory().take(kBlockSize)) return std::nullopt;
    core_.counter("mbuf.total_bytes") += kBufferSize;
  }
  MBuf mbuf;
  mbuf.bytes = std::make_unique_for_overwrite<std::byte[]>(capacity);
  mbuf.capacity = capacity;
  return mbuf;
}

void MBufChain::spare(size_t count) {
  spare_ += count;
  core_.counter("mbuf.free_list_bytes") += static_cast<int64_t>(count * kBufferSize);
}

void MBufChain::add(MBuf mbuf) {
  size_ += mbuf.size();
  mbufs_.push_back(std::move(mbuf));
}

void MBufChain::drop_front() {
  size_ -= mbufs_.front().size();
  mbufs_.pop_front();
  spare(1);
}

MBufChain::Moved MBufChain::write_stream(UserMemory& memory, GuestAddr from, uint64_t length) {
  length = std::min(length, kMaxSize - size_);
  if (length == 0) return {Status::kShouldWait, 0};

  // Into the room behind what the last buffer has, where nobody sees it yet.
  uint32_t appended = 0;
  Status status = Status::kOk;
  if (MBuf* last = mbufs_.empty() ? nullptr : &mbufs_.back(); last != nullptr && last->end < last->capacity) {
    appended = static_cast<uint32_t>(std::min<uint64_t>(length, last->capacity - last->end));
    status = memory.read(from, {last->bytes.get() + last->end, appended});
    if (status != Status::kOk) return {status, 0};
  }

  std::vector<MBuf> added;
  uint64_t done = appended;
  while (done < length) {
    auto piece = static_cast<uint32_t>(std::min<uint64_t>(length - done, kPayloadSize));
    std::optional<MBuf> mbuf = allocate(kPayloadSize);
    if (!mbuf) break;
    status = memory.read(from + done, {mbuf->bytes.get(), piece});
    if (status != Status::kOk) {
      spare(1);
      break;
    }
    mbuf->end = piece;
    added.push_back(std::move(*mbuf));
    done += piece;
  }
  if (status == Status::kParked) {
    spare(added.size());
    return {status, 0};
  }
  if (status == Status::kOk && done == 0) return {Status::kShouldWait, 0};  // No memory.

  if (appended > 0) {
    mbufs_.back().end += appended;
    size_ += appended;
  }
  for (MBuf& mbuf : added) add(std::move(mbuf));
  return {status, done};
}

MBufChain::Moved MBufChain::write_datagram(UserMemory& memory, GuestAddr from, uint64_t length) {
  if (length == 0) return {Status::kInvalidArgs, 0};
  if (length > kMaxSize) return {Status::kOutOfRange, 0};
  if (length > kMaxSize - size_) return {Status::kShouldWait, 0};

  std::vector<MBuf> added;
  for (uint64_t done = 0; done < length;) {
    auto piece = static_cast<uint32_t>(std::min<uint64_t>(length - done, kPayloadSize));
    std::optional<MBuf> mbuf = allocate(piece);
    Status status = mbuf ? memory.read(from + done, {mbuf->bytes.get(), piece}) : Status::kShouldWait;
    if (status != Status::kOk) {
      spare(added.size() + (mbuf ? 1 : 0));
      return {status, 0};
    }
    mbuf->end = piece;
    added.push_back(std::move(*mbuf));
    done += piece;
  }
  added.front().packet = static_cast<uint32_t>(length);
  for (MBuf& mbuf : added) add(std::move(mbuf));
  return {Status::kOk, length};
}

MBufChain::Moved MBufChain::peek(UserMemory& memory, GuestAddr to, uint64_t length, bool datagram) {
  length = std::min(length, readable(datagram));
  uint64_t done = 0;
  for (size_t i = 0; done < length && i < mbufs_.size(); ++i) {
    const MBuf& mbuf = mbufs_[i];
    uint64_t piece = std::min<uint64_t>(length - done, mbuf.size());
    Status status = memory.write(to + done, {mbuf.bytes.get() + mbuf.begin, piece});
    if (status != Status::kOk) return {status, status == Status::kParked ? 0 : done};
    done += piece;
  }
  return {Status::kOk, done};
}

MBufChain::Moved MBufChain::read(UserMemory& memory, GuestAddr to, uint64_t length, bool datagram) {
  Moved moved = peek(memory, to, length, datagram);
  for (uint64_t rest = moved.bytes; rest > 0;) {
    MBuf& first = mbufs_.front();
    auto piece = static_cast<uint32_t>(std::min<uint64_t>(rest, first.size()));
    first.begin += piece;
    size_ -= piece;
    rest -= piece;
    if (first.size() == 0 || datagram) drop_front();
  }
  // What the guest had no room for, or what an earlier fault left over.
  if (datagram && moved.status == Status::kOk) {
    while (!mbufs_.empty() && mbufs_.front().packet == 0) drop_front();
  }
  return moved;
}

void MBufChain::state(Archive& ar) {
  size_t count = ar.count(mbufs_.size(), 4 * sizeof(uint32_t) + 1);
  ar(spare_);
  if (ar.loading()) {
    mbufs_.clear();
    size_ = 0;
  }
  for (size_t i = 0; i < count && ar.ok(); ++i) {
    MBuf loaded;
    MBuf& mbuf = ar.loading() ? loaded : mbufs_[i];
    ar(mbuf.capacity, mbuf.begin, mbuf.end, mbuf.packet);
    if (ar.loading()) {
      // Only the first buffer can have been read from, only the last can have room.
      bool sound = mbuf.begin < mbuf.end && mbuf.end <= mbuf.capacity && mbuf.capacity <= kPayloadSize &&
                   (i == 0 || mbuf.begin == 0) && (i + 1 == count || mbuf.end == mbuf.capacity);
      if (!sound) {
        ar.fail("a buffer of a socket whose bytes are outside");
        break;
      }
      mbuf.bytes = std::make_unique<std::byte[]>(mbuf.capacity);
    }
    ar.bytes(mbuf.bytes.get() + mbuf.begin, mbuf.size());
    if (ar.loading()) {
      size_ += mbuf.size();
      mbufs_.push_back(std::move(mbuf));
    }
  }
  if (!ar.loading()) return;
  bool sound = ar.ok() && size_ <= kMaxSize && spare_ <= kMaxSize;
  if (sound && core_.ipc_memory().take((mbufs_.size() + spare_) * kBlockSize)) return;
  ar.fail("a socket with more than it can hold");
  mbufs_.clear();
  size_ = spare_ = 0;
}

}  // namespace jacinth::kernel
