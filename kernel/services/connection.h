// Connections to files and directories: fuchsia.io of July 2020, as zircon/system/ulib/fs serves it.
//
//   Directory.Open --path, flags, channel--> another connection, and an OnOpen event when it was asked to describe
//
// A connection has a node, the rights that it was opened with, and a place in the file or in the list of entries.
// Rights only ever shrink on the way from a directory to what is opened below it.
//
// Left out: watching directories, mounting, device paths.
#pragma once

#include <string>

#include "kernel/event/event.h"
#include "kernel/services/endpoint.h"
#include "kernel/services/file_tree.h"

namespace jacinth::kernel {

/// OPEN_RIGHT_*, OPEN_FLAG_* and CLONE_FLAG_* of fuchsia.io.
enum OpenFlags : uint32_t {
  kRightReadable = 0x1,
  kRightWritable = 0x2,
  kRightAdmin = 0x4,
  kRightExecutable = 0x8,
  kAllRights = 0xf,
  kRightsSpace = 0xffff,
  kFlagCreate = 0x1'0000,
  kFlagCreateIfAbsent = 0x2'0000,  // With kFlagCreate: it must not be there.
  kFlagTruncate = 0x4'0000,
  kFlagDirectory = 0x8'0000,
  kFlagAppend = 0x10'0000,
  kFlagNoRemote = 0x20'0000,
  kFlagNodeReference = 0x40'0000,
  kFlagDescribe = 0x80'0000,
  kFlagPosix = 0x100'0000,
  kFlagNotDirectory = 0x200'0000,
  kFlagSameRights = 0x400'0000,
};

class Connection final : public ChannelEndpoint {
 public:
  /// `flags` were checked: the rights, kFlagAppend and kFlagNodeReference of them stay.
  static std::unique_ptr<Endpoint> make(Services& services, Ref<Channel> channel, uint64_t node, uint32_t flags);
  /// For loading.
  static std::unique_ptr<Endpoint> make_empty(Services& services, Kind kind);
  /// The endpoint as one; null when it is of another kind.
  static const Connection* of(const Endpoint& endpoint);

  uint64_t node() const { return node_; }
  /// The node that a token stands for, if this connection gave it.
  bool gave_token(Koid token) const { return token_ && token_->koid() == token; }

  void state(Archive& ar) override;
  void let_go() override;

 private:
  Connection(Services& services, Kind kind, Ref<Channel> channel, uint64_t node, uint32_t flags)
      : ChannelEndpoint(services, kind, std::move(channel)), node_(node), flags_(flags) {}
  Connection(Services& services, Kind kind) : ChannelEndpoint(services, kind) {}

  bool request(const FidlHeader& header, Message& message) override;
  /// Each: whether the request was one. Nothing was done otherwise.
  bool node_request(const FidlHeader& header, FidlReader& reader, bool& goes_on);
  bool file_request(const FidlHeader& header, FidlReader& reader);
  bool directory_request(const FidlHeader& header, FidlReader& reader);

  FileNode& file();
  bool may(uint32_t rights) const { return (flags_ & rights) == rights && (flags_ & kFlagNodeReference) == 0; }

  void clone(uint32_t flags, HandleOwner object);
  void open(uint32_t flags, uint32_t mode, std::string_view path, HandleOwner object);
  Result<uint64_t> walk(uint32_t& flags, uint32_t mode, std::string_view path);
  Status unlink(std::string_view path);
  Status rename(std::string_view from, HandleOwner token, std::string_view to, bool links);
  std::string read_entries(uint64_t limit);
  Result<HandleOwner> token();
  Result<uint64_t> seek(int64_t offset, uint32_t origin);
  Result<HandleOwner> buffer(uint32_t flags, uint64_t& size);
  void connect(std::string_view service, uint32_t flags, const Ref<Channel>& channel);

  /// OnOpen, where it was asked for.
  void announce(Channel& channel, uint32_t flags, Status status, uint64_t node);
  void answer(const FidlHeader& header, Status status);
  template <class T>
  void answer(const FidlHeader& header, Status status, T value);
  void answer_bytes(const FidlHeader& header, const Result<std::vector<std::byte>>& bytes);
  void tell(std::string_view text);

  uint64_t node_ = 0;
  uint32_t flags_ = 0;
  uint64_t offset_ = 0;
  std::string last_entry_;  // The last that was listed; "." at first.
  bool listing_ = false;
  KernelHandle<Event> token_;
};

}  // namespace jacinth::kernel
