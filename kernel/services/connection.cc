#include "kernel/services/connection.h"

#include <fmt/format.h>

#include "emu/state/archive.h"
#include "kernel/services/io_ordinals.h"
#include "kernel/services/names.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

/// What of the flags lasts as long as the connection.
constexpr uint32_t kLasting = kAllRights | kFlagAppend | kFlagNodeReference;

constexpr uint32_t kModeDirectory = 0x4000;
constexpr uint32_t kModeFile = 0x8000;
constexpr uint32_t kModeService = 0x1'0000;
constexpr uint32_t kOwnerReads = 0400;
constexpr uint32_t kOwnerWrites = 0200;

constexpr uint32_t kSetsCreation = 1;
constexpr uint32_t kSetsModification = 2;

/// The members of fuchsia.io.NodeInfo.
constexpr uint64_t kInfoService = 1;
constexpr uint64_t kInfoFile = 2;
constexpr uint64_t kInfoDirectory = 3;

/// A union's field: which member, how many bytes of it follow, no handles.
void put_info(FidlWriter& writer, uint64_t member) {
  writer.number(member);
  writer.number(uint32_t{8});
  writer.number(uint32_t{0});
  writer.number(kFidlPresent);
}

void put_no_info(FidlWriter& writer) {
  for (int i = 0; i < 3; ++i) writer.number(uint64_t{0});
}

Endpoint::Kind kind_for(const FileNode& node, uint32_t flags) {
  if ((flags & kFlagNodeReference) != 0 || node.kind == FileNode::Kind::kService) return Endpoint::Kind::kNode;
  return node.is_directory() ? Endpoint::Kind::kDirectory : Endpoint::Kind::kFile;
}

uint64_t info_of(Endpoint::Kind kind) {
  return kind == Endpoint::Kind::kDirectory ? kInfoDirectory : kind == Endpoint::Kind::kFile ? kInfoFile : kInfoService;
}

}  // namespace

std::unique_ptr<Endpoint> Connection::make(Services& services, Ref<Channel> channel, uint64_t node, uint32_t flags) {
  Kind kind = kind_for(services.files().node(node), flags);
  return std::unique_ptr<Endpoint>(new Connection(services, kind, std::move(channel), node, flags & kLasting));
}

std::unique_ptr<Endpoint> Connection::make_empty(Services& services, Kind kind) {
  return std::unique_ptr<Endpoint>(new Connection(services, kind));
}

const Connection* Connection::of(const Endpoint& endpoint) {
  bool is_one = endpoint.kind() == Kind::kFile || endpoint.kind() == Kind::kDirectory || endpoint.kind() == Kind::kNode;
  return is_one ? static_cast<const Connection*>(&endpoint) : nullptr;
}

FileNode& Connection::file() { return services().files().node(node_); }

void Connection::tell(std::string_view text) { services().tell("files", fmt::format("{}: {}", node_, text)); }

void Connection::answer(const FidlHeader& header, Status status) {
  FidlWriter writer(header.txid, header.ordinal);
  writer.status(status);
  send(writer);
}

void Connection::announce(Channel& channel, uint32_t flags, Status status, uint64_t node) {
  if ((flags & kFlagDescribe) == 0) return;
  FidlWriter event(0, io::kOnOpen);
  event.status(status);
  event.align(8);
  if (status == Status::kOk) {
    put_info(event, info_of(kind_for(services().files().node(node), flags)));
    event.number(uint64_t{0});
  } else {
    put_no_info(event);
  }
  static_cast<void>(channel.write(channel.owner(), event.take()));
}

bool Connection::request(const FidlHeader& header, Message& message) {
  const io::Call* call = io::find(header.ordinal);
  FidlReader reader(message, call != nullptr ? call->fields : 0);
  bool goes_on = true;
  bool known = call != nullptr && reader.ok() && (flags_ & kLasting) == flags_ && services().files().contains(node_);
  if (known) {
    known = node_request(header, reader, goes_on) || (kind() == Kind::kFile && file_request(header, reader)) ||
            (kind() == Kind::kDirectory && directory_request(header, reader));
  }
  if (!known) {
    tell(fmt::format("closed: no request of {} bytes with ordinal {:#x} ({})", message.size(), header.ordinal,
                     call != nullptr ? call->name : "unknown"));
    return false;
  }
  return goes_on;
}

bool Connection::node_request(const FidlHeader& header, FidlReader& reader, bool& goes_on) {
  switch (header.ordinal) {
    case io::kClone: {
      auto flags = reader.number<uint32_t>();
      HandleOwner object = reader.handle();
      if (!reader.done()) return false;
      clone(flags, std::move(object));
      return true;
    }
    case io::kClose:
      if (!reader.done()) return false;
      tell("Close() = ZX_OK");
      answer(header, Status::kOk);
      goes_on = false;
      return true;
    case io::kDescribe: {
      if (!reader.done()) return false;
      FidlWriter writer(header.txid, header.ordinal);
      put_info(writer, info_of(kind()));
      writer.number(uint64_t{0});
      send(writer);
      return true;
    }
    case io::kSync:
      if (!reader.done()) return false;
      answer(header, Status::kOk);
      return true;
    case io::kGetAttr: {
      if (!reader.done()) return false;
      const FileNode& node = file();
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(Status::kOk);
      writer.align(8);
      bool writable = !services().files().read_only(node);
      writer.number(node.is_directory()                     ? kModeDirectory | kOwnerReads
                    : node.kind == FileNode::Kind::kService ? kModeService | kOwnerReads | kOwnerWrites
                                                            : kModeFile | kOwnerReads | (writable ? kOwnerWrites : 0));
      writer.align(8);
      writer.number(node_);
      writer.number(node.size);
      writer.number(round_up_to_page(node.size));
      writer.number(node.links);
      writer.number(static_cast<uint64_t>(node.created));
      writer.number(static_cast<uint64_t>(node.modified));
      tell(fmt::format("GetAttr() = ZX_OK, {} bytes", node.size));
      send(writer);
      return true;
    }
    case io::kSetAttr: {
      auto flags = reader.number<uint32_t>();
      static_cast<void>(reader.number<uint32_t>());  // Padding.
      static_cast<void>(reader.number<uint32_t>());  // Mode.
      static_cast<void>(reader.number<uint32_t>());  // Padding.
      for (int i = 0; i < 4; ++i) static_cast<void>(reader.number<uint64_t>());
      auto created = reader.number<uint64_t>();
      auto modified = reader.number<uint64_t>();
      if (!reader.done()) return false;
      Status status = Status::kOk;
      if (!may(kRightWritable)) {
        status = Status::kBadHandle;
      } else if ((flags & ~(kSetsCreation | kSetsModification)) != 0) {
        status = Status::kInvalidArgs;
      } else {
        if ((flags & kSetsCreation) != 0) file().created = static_cast<int64_t>(created);
        if ((flags & kSetsModification) != 0) file().modified = static_cast<int64_t>(modified);
      }
      answer(header, status);
      return true;
    }
    case io::kNodeGetFlags:
    case io::kGetFlags: {
      if (header.ordinal == io::kGetFlags && kind() != Kind::kFile) return false;
      if (!reader.done()) return false;
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(Status::kOk);
      writer.number(flags_);
      send(writer);
      return true;
    }
    case io::kNodeSetFlags:
    case io::kSetFlags: {
      if (header.ordinal == io::kSetFlags && kind() != Kind::kFile) return false;
      auto flags = reader.number<uint32_t>();
      if (!reader.done()) return false;
      flags_ = (flags_ & ~uint32_t{kFlagAppend}) | (flags & kFlagAppend);
      answer(header, Status::kOk);
      return true;
    }
    default: return false;
  }
}

void Connection::clone(uint32_t flags, HandleOwner object) {
  Ref<Channel> channel = ref_cast<Channel>(object.object());
  if (!channel) return;
  uint32_t rights = flags & kAllRights;
  Status status = Status::kOk;
  if ((flags & kFlagSameRights) != 0) {
    if (rights != 0) status = Status::kInvalidArgs;
    rights = flags_ & kAllRights;
  }
  if ((flags & kRightsSpace & ~uint32_t{kAllRights}) != 0) status = Status::kInvalidArgs;
  if ((rights & ~flags_) != 0) status = Status::kAccessDenied;
  uint32_t same = flags_ & (kFlagAppend | kFlagNodeReference);
  uint32_t lasting = rights | same | (flags & kFlagAppend);
  tell(fmt::format("Clone({:#x}) = {}", flags, abi::status_name(status)));
  announce(*channel, (flags & kFlagDescribe) | lasting, status, node_);
  if (status != Status::kOk) return;
  // A service is connected to, not looked at.
  services().add(make(services(), std::move(channel), node_, lasting));
}

void Connection::state(Archive& ar) {
  ChannelEndpoint::state(ar);
  ar(node_, flags_, offset_, last_entry_, listing_);
  token_.state(ar);
  if (ar.loading() && !services().files().contains(node_)) ar.fail("a connection to a file that is not there");
}

void Connection::let_go() {
  ChannelEndpoint::let_go();
  token_.reset();
}

}  // namespace jacinth::kernel
