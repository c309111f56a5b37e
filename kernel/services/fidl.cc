#include "kernel/services/fidl.h"

#include <algorithm>
#include <cstring>

namespace jacinth::kernel {
namespace {

constexpr size_t kAlignment = 8;

size_t aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::optional<FidlHeader> FidlReader::header(const Message& message) {
  FidlHeader header;
  if (message.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, message.bytes().data(), sizeof header);
  return header;
}

FidlReader::FidlReader(Message& message, size_t fields)
    : message_(message),
      bytes_(message.bytes()),
      at_(sizeof(FidlHeader)),
      end_(sizeof(FidlHeader) + fields),
      begin_(sizeof(FidlHeader)),
      next_(aligned(sizeof(FidlHeader) + fields)) {
  if (bytes_.size() < next_) ok_ = false;
}

void FidlReader::take_inline(std::span<std::byte> to) {
  size_t at = begin_ + (at_ - begin_ + to.size() - 1) / to.size() * to.size();
  if (!ok_ || at + to.size() > end_) {
    ok_ = false;
    return;
  }
  // What lies between two fields is padding.
  if (std::ranges::any_of(bytes_.subspan(at_, at - at_), [](std::byte byte) { return byte != std::byte{0}; }))
    ok_ = false;
  std::memcpy(to.data(), bytes_.data() + at, to.size());
  at_ = at + to.size();
}

std::span<const std::byte> FidlReader::out_of_line(uint64_t size) {
  if (!ok_ || size > bytes_.size() - next_ || aligned(size) > bytes_.size() - next_) {
    ok_ = false;
    return {};
  }
  std::span<const std::byte> found = bytes_.subspan(next_, size);
  for (size_t i = size; i < aligned(size); ++i)
    if (bytes_[next_ + i] != std::byte{0}) ok_ = false;
  next_ += aligned(size);
  return found;
}

uint64_t FidlReader::vector(uint64_t limit) {
  auto count = number<uint64_t>();
  auto presence = number<uint64_t>();
  if (presence != kFidlPresent || count > limit) ok_ = false;
  return ok_ ? count : 0;
}

std::string_view FidlReader::bytes(uint64_t limit) {
  uint64_t count = vector(limit);
  std::span<const std::byte> found = out_of_line(count);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

HandleOwner FidlReader::optional_handle() {
  auto presence = number<uint32_t>();
  if (presence == 0) return {};
  if (!ok_ || presence != kFidlHandlePresent || handles_ >= message_.handles.size()) {
    ok_ = false;
    return {};
  }
  return std::move(message_.handles[handles_++]);
}

HandleOwner FidlReader::handle() {
  HandleOwner found = optional_handle();
  if (!found) ok_ = false;
  return found;
}

void FidlReader::nested(size_t size) {
  outer_.push_back({begin_, at_, end_});
  size_t begin = next_;
  static_cast<void>(out_of_line(size));
  begin_ = at_ = begin;
  end_ = begin + (ok_ ? size : 0);
}

void FidlReader::return_from_nested() {
  if (at_ != end_) ok_ = false;
  begin_ = outer_.back().begin;
  at_ = outer_.back().at;
  end_ = outer_.back().end;
  outer_.pop_back();
}

bool FidlReader::done() {
  if (!ok_) return false;
  for (size_t i = at_; i < aligned(end_); ++i)
    if (bytes_[i] != std::byte{0}) return false;
  return next_ == bytes_.size() && handles_ == message_.handles.size();
}

FidlWriter::FidlWriter(uint32_t txid, uint64_t ordinal) {
  FidlHeader header{.txid = txid, .ordinal = ordinal};
  append(std::as_bytes(std::span(&header, 1)));
}

void FidlWriter::align(size_t bytes) { bytes_.resize((bytes_.size() + bytes - 1) / bytes * bytes); }

void FidlWriter::body(std::span<const std::byte> bytes) {
  align(kAlignment);
  append(bytes);
  align(kAlignment);
}

void FidlWriter::handle(HandleOwner handle) {
  number(handle ? kFidlHandlePresent : uint32_t{0});
  if (handle) handles_.push_back(std::move(handle));
}

Message FidlWriter::take() {
  align(kAlignment);
  Message message(static_cast<uint32_t>(bytes_.size()));
  std::ranges::copy(bytes_, message.bytes().begin());
  message.handles = std::move(handles_);
  return message;
}

}  // namespace jacinth::kernel
