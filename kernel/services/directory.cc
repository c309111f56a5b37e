// What a directory's connection is asked for.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernel/services/connection.h"
#include "kernel/services/io_ordinals.h"
#include "kernel/services/names.h"
#include "kernel/services/process_launcher.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kMaxPath = 4096;
constexpr uint64_t kMaxName = 255;
constexpr uint64_t kMaxBuffer = 8192;
constexpr uint32_t kWithNodeReference = kFlagNodeReference | kFlagDirectory | kFlagNotDirectory | kFlagDescribe;

/// The type bits of a mode, as S_IFMT has them, and those of a directory.
constexpr uint32_t kModeType = 0xf000;
constexpr uint32_t kModeDirectory = 0x4000;

/// DIRENT_TYPE_*.
constexpr uint8_t kEntryDirectory = 4;
constexpr uint8_t kEntryFile = 8;
constexpr uint8_t kEntryService = 16;

/// VFS_TYPE_MEMFS.
constexpr uint32_t kTypeMemfs = 0x3e694d21;

/// A name at the end of a path: without the slashes behind it, which say that it must be a directory.
Status trim(std::string_view& name, bool& must_be_directory) {
  must_be_directory = name.ends_with('/');
  while (name.ends_with('/')) name.remove_suffix(1);
  if (name.empty()) return Status::kInvalidArgs;
  if (name.size() > kMaxName) return Status::kBadPath;
  return name.find('/') == name.npos ? Status::kOk : Status::kInvalidArgs;
}

}  // namespace

bool Connection::directory_request(const FidlHeader& header, FidlReader& reader) {
  switch (header.ordinal) {
    case io::kOpen: {
      auto flags = reader.number<uint32_t>();
      auto mode = reader.number<uint32_t>();
      std::string path(reader.bytes(kMaxPath));
      HandleOwner object = reader.handle();
      static_cast<void>(reader.number<uint32_t>());
      if (!reader.done()) return false;
      open(flags, mode, path, std::move(object));
      return true;
    }
    case io::kUnlink: {
      std::string path(reader.bytes(kMaxPath));
      if (!reader.done()) return false;
      Status status = unlink(path);
      tell(fmt::format("Unlink({}) = {}", quoted(path), abi::status_name(status)));
      answer(header, status);
      return true;
    }
    case io::kReadDirents: {
      auto limit = reader.number<uint64_t>();
      if (!reader.done()) return false;
      Status status = limit > kMaxBuffer || !may(0) ? Status::kBadHandle : Status::kOk;
      std::string entries = status == Status::kOk ? read_entries(limit) : "";
      tell(fmt::format("ReadDirents({}) = {}, {} bytes", limit, abi::status_name(status), entries.size()));
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(status);
      writer.align(8);
      writer.vector(entries.size());
      writer.body(entries);
      send(writer);
      return true;
    }
    case io::kRewind:
      if (!reader.done()) return false;
      listing_ = false;
      last_entry_.clear();
      answer(header, may(0) ? Status::kOk : Status::kBadHandle);
      return true;
    case io::kGetToken: {
      if (!reader.done()) return false;
      Result<HandleOwner> given = may(kRightWritable) ? token() : Status::kBadHandle;
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(given.status());
      writer.handle(given ? std::move(*given) : HandleOwner());
      send(writer);
      return true;
    }
    case io::kRename:
    case io::kLink: {
      std::string from(reader.bytes(kMaxPath));
      HandleOwner token = reader.handle();
      static_cast<void>(reader.number<uint32_t>());
      std::string to(reader.bytes(kMaxPath));
      if (!reader.done()) return false;
      bool links = header.ordinal == io::kLink;
      Status status = rename(from, std::move(token), to, links);
      tell(fmt::format("{}({}, {}) = {}", links ? "Link" : "Rename", quoted(from), quoted(to),
                       abi::status_name(status)));
      answer(header, status);
      return true;
    }
    case io::kWatch: {
      static_cast<void>(reader.number<uint32_t>());
      static_cast<void>(reader.number<uint32_t>());
      HandleOwner watcher = reader.handle();
      if (!reader.done()) return false;
      tell("Watch() = ZX_ERR_NOT_SUPPORTED");
      answer(header, Status::kNotSupported);
      return true;
    }
    case io::kQueryFilesystem: {
      if (!reader.done()) return false;
      FidlWriter writer(header.txid, header.ordinal);
      writer.status(Status::kOk);
      writer.align(8);
      writer.number(kFidlPresent);
      uint64_t total = services().core().platform().ram_size();
      writer.number(total);
      writer.number(uint64_t{0});  // Bytes used.
      writer.number(UINT64_MAX);   // Nodes.
      writer.number(uint64_t{0});  // Nodes used.
      writer.number(uint64_t{0});  // Shared pool.
      writer.number(file().root);  // Which file system.
      writer.number(static_cast<uint32_t>(kPageSize));
      writer.number(static_cast<uint32_t>(kMaxName));
      writer.number(kTypeMemfs);
      writer.number(uint32_t{0});
      std::array<char, 32> name = {'m', 'e', 'm', 'f', 's'};
      writer.body(std::string_view(name.data(), name.size()));
      send(writer);
      return true;
    }
    default: return false;
  }
}

void Connection::open(uint32_t flags, uint32_t mode, std::string_view path, HandleOwner object) {
  Ref<Channel> channel = ref_cast<Channel>(object.object());
  if (!channel) return;
  uint32_t rights = flags & kAllRights;
  auto check = [&]() -> Status {
    if ((flags & kRightsSpace & ~uint32_t{kAllRights}) != 0) return Status::kInvalidArgs;
    if ((flags & kFlagNodeReference) != 0 && (flags & ~kWithNodeReference) != 0) return Status::kInvalidArgs;
    if ((flags_ & kFlagNodeReference) != 0) return Status::kBadHandle;
    if ((flags & kFlagSameRights) != 0) return Status::kInvalidArgs;
    if ((flags & kFlagNodeReference) == 0 && rights == 0) return Status::kInvalidArgs;
    if (path.empty() || path.size() > kMaxPath) return Status::kBadPath;
    // What neither side may do is not inherited further down.
    constexpr uint32_t kInheritable = kRightWritable | kRightExecutable;
    if ((flags & kFlagPosix) != 0 && ((flags_ | rights) & kInheritable) == 0) flags &= ~uint32_t{kFlagPosix};
    return (rights & ~flags_) != 0 ? Status::kAccessDenied : Status::kOk;
  };
  Status status = check();
  Result<uint64_t> opened = status == Status::kOk ? walk(flags, mode, path) : Result<uint64_t>(status);
  tell(fmt::format("Open({}, flags={:#x}, mode={:#o}) = {}", quoted(path), flags, mode,
                   abi::status_name(opened.status())));
  if (opened.status() == Status::kNotFound && services().is_service_directory(node_)) services().refuse(path);
  if (opened && (flags & kFlagNodeReference) == 0 &&
      services().files().node(*opened).kind == FileNode::Kind::kService) {
    announce(*channel, flags, Status::kOk, *opened);
    connect(path, flags, channel);
    return;
  }
  announce(*channel, flags, opened.status(), opened ? *opened : 0);
  if (opened) services().add(make(services(), std::move(channel), *opened, flags));
}

/// Finds what the path names from here, or makes it. `flags` become those of the connection.
Result<uint64_t> Connection::walk(uint32_t& flags, uint32_t mode, std::string_view path) {
  FileTree& files = services().files();
  if ((flags & kRightWritable) == 0 && (flags & kFlagTruncate) != 0) return Status::kInvalidArgs;
  uint64_t at = node_;
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) path = ".";
  for (;;) {
    size_t slash = path.find('/');
    if (slash == path.npos || path.find_first_not_of('/', slash) == path.npos) break;
    std::string_view part = path.substr(0, slash);
    if (part == "..") return Status::kInvalidArgs;
    if (part.size() > kMaxName) return Status::kBadPath;
    if (part != ".") at = TRY(files.lookup(at, part));
    path.remove_prefix(path.find_first_not_of('/', slash));
  }
  bool must_be_directory = false;
  TRY_STATUS(trim(path, must_be_directory));
  if (path == "..") return Status::kInvalidArgs;
  if (must_be_directory) flags |= kFlagDirectory;

  bool read_only = files.read_only(files.node(at));
  bool made = false;
  uint64_t found = at;
  if ((flags & kFlagCreate) != 0) {
    bool directory = (mode & kModeType) == kModeDirectory;
    if ((flags & kFlagDirectory) != 0 && !directory) return Status::kInvalidArgs;
    if ((flags & kFlagNotDirectory) != 0 && directory) return Status::kInvalidArgs;
    if (path == ".") return Status::kInvalidArgs;
    if (read_only) return Status::kAccessDenied;
    Result<uint64_t> created = files.create(at, path, directory);
    made = created.has_value();
    bool there = !made && (created.status() == Status::kNotSupported ||
                           (created.status() == Status::kAlreadyExists && (flags & kFlagCreateIfAbsent) == 0));
    if (!made && !there) return created.status();
    found = made ? *created : TRY(files.lookup(at, path));
  } else if (path != ".") {
    found = TRY(files.lookup(at, path));
  }
  FileNode& node = files.node(found);
  if (read_only && (flags & kRightWritable) != 0) return Status::kAccessDenied;
  if (node.is_directory() && (flags & kFlagPosix) != 0) flags |= flags_ & (kRightWritable | kRightExecutable);
  if ((flags & kFlagDirectory) != 0 && !node.is_directory()) return Status::kNotDir;
  if ((flags & kFlagNotDirectory) != 0 && node.is_directory()) return Status::kNotFile;
  if ((flags & kFlagTruncate) != 0 && !made && (flags & kFlagNodeReference) == 0) {
    if (node.is_directory()) return Status::kNotFile;
    TRY_STATUS(files.truncate(node, 0));
  }
  return found;
}

Status Connection::unlink(std::string_view path) {
  if (!may(kRightWritable)) return Status::kBadHandle;
  bool must_be_directory = false;
  TRY_STATUS(trim(path, must_be_directory));
  if (path == ".") return Status::kUnavailable;
  if (path == "..") return Status::kInvalidArgs;
  if (services().files().read_only(file())) return Status::kAccessDenied;
  return services().files().unlink(node_, path, must_be_directory);
}

Status Connection::rename(std::string_view from, HandleOwner token, std::string_view to, bool links) {
  if (from.empty() || to.empty()) return Status::kInvalidArgs;
  if (!may(kRightWritable)) return Status::kBadHandle;
  FileTree& files = services().files();
  std::optional<uint64_t> target = services().node_of_token(token.object()->koid());
  bool from_directory = false;
  bool to_directory = false;
  if (links) {
    if (!target) return Status::kInvalidArgs;
    if (files.read_only(file())) return Status::kAccessDenied;
    TRY_STATUS(trim(from, from_directory));
    if (from_directory) return Status::kNotDir;
    if (from == ".") return Status::kUnavailable;
    if (from == "..") return Status::kInvalidArgs;
    TRY_STATUS(trim(to, to_directory));
    if (to_directory) return Status::kNotDir;
    if (!good_name(to)) return Status::kInvalidArgs;
    return files.link(node_, from, *target, to);
  }
  TRY_STATUS(trim(from, from_directory));
  if (from == ".") return Status::kUnavailable;
  if (from == "..") return Status::kInvalidArgs;
  TRY_STATUS(trim(to, to_directory));
  if (!good_name(to)) return Status::kInvalidArgs;
  if (files.read_only(file())) return Status::kAccessDenied;
  if (!target) return Status::kInvalidArgs;
  return files.rename(node_, from, *target, to, from_directory || to_directory);
}

/// As many entries as fit: inode u64, length u8, type u8, the name. "." comes first, the rest by name.
std::string Connection::read_entries(uint64_t limit) {
  std::string list;
  FileTree& files = services().files();
  const FileNode& directory = file();
  auto put = [&](uint64_t node, uint8_t type, std::string_view name) {
    if (list.size() + 10 + name.size() > limit) return false;
    list.append(reinterpret_cast<const char*>(&node), sizeof node);
    list += static_cast<char>(name.size());
    list += static_cast<char>(type);
    list += name;
    return true;
  };
  if (!listing_) {
    if (!put(node_, kEntryDirectory, ".")) return list;
    listing_ = true;
    last_entry_.clear();
  }
  for (auto at = directory.entries.upper_bound(last_entry_); at != directory.entries.end(); ++at) {
    const FileNode& node = files.node(at->second);
    uint8_t type = node.is_directory()                     ? kEntryDirectory
                   : node.kind == FileNode::Kind::kService ? kEntryService
                                                           : kEntryFile;
    if (!put(at->second, type, at->first)) break;
    last_entry_ = at->first;
  }
  return list;
}

Result<HandleOwner> Connection::token() {
  if (!token_) token_ = KernelHandle<Event>(make_object<Event>(services().core()));
  return services().core().handles().make(token_.ref(), Rights::kBasic);
}

void Connection::connect(std::string_view service, uint32_t, const Ref<Channel>& channel) {
  services().tell("svc", fmt::format("{} connects to the emulator's own", quoted(service)));
  services().add(std::make_unique<ProcessLauncher>(services(), channel));
}

}  // namespace jacinth::kernel
