#include "kernel/services/file_tree.h"

#include <algorithm>

#include "emu/state/archive.h"
#include "kernel/services/names.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

/// memfs' kMemfsMaxFileSize.
constexpr uint64_t kMaxFileSize = uint64_t{512} << 20;

}  // namespace

void FileNode::state(Archive& ar) {
  ar(kind, root, parent, links, entries, size);
  state_ref(ar, content);
  ar(from_host, host_path, changed, created, modified);
  if (kind > Kind::kService) ar.fail("a file of no kind");
}

int64_t FileTree::now() const { return services_.utc_now(); }

uint64_t FileTree::add(FileNode node) {
  node.created = node.modified = now();
  uint64_t number = ++last_;
  if (node.root == 0) node.root = number;
  nodes_.emplace(number, std::move(node));
  return number;
}

uint64_t FileTree::make_root(bool read_only) {
  uint64_t root = add({.kind = FileNode::Kind::kDirectory, .links = 1});
  if (read_only) read_only_.insert(root);
  return root;
}

uint64_t FileTree::add_folder(unsigned number, bool read_only) {
  uint64_t root = make_root(read_only);
  folders_.emplace(root, number);
  std::map<std::string, uint64_t, std::less<>> by_path = {{"", root}};
  auto parent_of = [](const std::string& path) {
    size_t slash = path.rfind('/');
    return slash == path.npos ? std::string() : path.substr(0, slash);
  };
  const std::vector<HostEntry>& entries = services_.host().folder(number);
  for (const HostEntry& entry : entries) {
    auto parent = by_path.find(parent_of(entry.path));
    std::string name = entry.path.substr(entry.path.rfind('/') + 1);
    if (!entry.same_as.empty() || parent == by_path.end() || !good_name(name)) continue;
    FileNode node{.kind = entry.is_folder ? FileNode::Kind::kDirectory : FileNode::Kind::kFile,
                  .root = root,
                  .parent = parent->second,
                  .links = 1,
                  .size = entry.is_folder ? 0 : entry.size,
                  .from_host = true,
                  .host_path = entry.path};
    uint64_t added = add(std::move(node));
    nodes_.at(parent->second).entries.emplace(name, added);
    by_path.emplace(entry.path, added);
  }
  // Links come last: what they lead to has to be there.
  for (const HostEntry& entry : entries) {
    if (entry.same_as.empty()) continue;
    auto parent = by_path.find(parent_of(entry.path));
    auto target = by_path.find(entry.same_as);
    std::string name = entry.path.substr(entry.path.rfind('/') + 1);
    if (parent == by_path.end() || target == by_path.end() || !good_name(name)) continue;
    if (nodes_.at(parent->second).entries.emplace(name, target->second).second) ++nodes_.at(target->second).links;
  }
  return root;
}

void FileTree::add_service(uint64_t directory, std::string_view name) {
  FileNode node{.kind = FileNode::Kind::kService, .root = nodes_.at(directory).root, .links = 1};
  node.entries = {};
  uint64_t added = add(std::move(node));
  nodes_.at(directory).entries.emplace(name, added);
}

Result<uint64_t> FileTree::lookup(uint64_t directory, std::string_view name) {
  FileNode& parent = nodes_.at(directory);
  if (!parent.is_directory()) return Status::kNotSupported;
  auto found = parent.entries.find(name);
  if (found == parent.entries.end()) return Status::kNotFound;
  return found->second;
}

Result<uint64_t> FileTree::create(uint64_t directory, std::string_view name, bool is_directory) {
  if (!nodes_.at(directory).is_directory() || services_.is_service_directory(directory)) return Status::kNotSupported;
  if (!good_name(name)) return Status::kInvalidArgs;
  if (nodes_.at(directory).entries.contains(name)) return Status::kAlreadyExists;
  if (nodes_.at(directory).links == 0) return Status::kNotFound;  // It was removed.
  FileNode node{.kind = is_directory ? FileNode::Kind::kDirectory : FileNode::Kind::kFile,
                .root = nodes_.at(directory).root,
                .parent = directory,
                .links = 1,
                .changed = true};
  uint64_t added = add(std::move(node));
  FileNode& parent = nodes_.at(directory);
  parent.entries.emplace(name, added);
  parent.modified = now();
  return added;
}

void FileTree::drop_name(uint64_t number) {
  --nodes_.at(number).links;
  if (nodes_.at(number).links == 0 && !services_.connected_to(number)) nodes_.erase(number);
}

Status FileTree::unlink(uint64_t directory, std::string_view name, bool must_be_directory) {
  if (services_.is_service_directory(directory)) return Status::kNotSupported;
  uint64_t number = TRY(lookup(directory, name));
  FileNode& node = nodes_.at(number);
  if (must_be_directory && !node.is_directory()) return Status::kNotDir;
  // Another name of a directory goes without what is in it.
  if (node.is_directory() && node.links == 1 && !node.entries.empty()) return Status::kNotEmpty;
  FileNode& parent = nodes_.at(directory);
  parent.entries.erase(parent.entries.find(name));
  parent.modified = now();
  drop_name(number);
  return Status::kOk;
}

Status FileTree::rename(uint64_t from, std::string_view name, uint64_t to, std::string_view new_name,
                        bool must_be_directory) {
  if (services_.is_service_directory(from)) return Status::kNotSupported;
  uint64_t number = TRY(lookup(from, name));
  FileNode& node = nodes_.at(number);
  if (!node.is_directory() && must_be_directory) return Status::kNotDir;
  if (nodes_.at(to).root != node.root) return Status::kInvalidArgs;
  if (from == to && name == new_name) return Status::kOk;
  if (node.is_directory()) {
    // A directory cannot go into itself.
    for (uint64_t at = to; at != 0;) {
      if (at == number) return Status::kInvalidArgs;
      // What it was in may be gone, while somebody still has it open.
      auto above = nodes_.find(at);
      at = above != nodes_.end() ? above->second.parent : 0;
    }
  }
  FileNode& target = nodes_.at(to);
  if (!target.is_directory()) return Status::kBadState;
  if (target.links == 0) return Status::kNotFound;
  auto there = target.entries.find(new_name);
  if (there != target.entries.end()) {
    uint64_t old = there->second;
    if (old == number) return Status::kOk;
    FileNode& replaced = nodes_.at(old);
    if (replaced.is_directory() != node.is_directory()) return Status::kNotFile;
    if (replaced.is_directory() && !replaced.entries.empty()) return Status::kNotEmpty;
    target.entries.erase(there);
    drop_name(old);
  }
  FileNode& parent = nodes_.at(from);
  parent.entries.erase(parent.entries.find(name));
  nodes_.at(to).entries.emplace(new_name, number);
  if (node.is_directory()) node.parent = to;
  parent.modified = nodes_.at(to).modified = now();
  return Status::kOk;
}

Status FileTree::link(uint64_t from, std::string_view name, uint64_t to, std::string_view new_name) {
  if (services_.is_service_directory(from)) return Status::kNotSupported;
  uint64_t number = TRY(lookup(from, name));
  FileNode& node = nodes_.at(number);
  if (nodes_.at(to).root != node.root) return Status::kInvalidArgs;
  if (node.is_directory()) return Status::kNotFile;
  if (!nodes_.at(to).is_directory()) return Status::kBadState;
  if (nodes_.at(to).links == 0) return Status::kNotFound;
  if (!nodes_.at(to).entries.emplace(new_name, number).second) return Status::kAlreadyExists;
  ++node.links;
  nodes_.at(to).modified = now();
  return Status::kOk;
}

/// Brings the bytes in, from the host or as none.
Status FileTree::load(FileNode& file) {
  if (file.content) return Status::kOk;
  const std::vector<std::byte>* bytes = nullptr;
  if (file.from_host && !file.changed) {
    bytes = services_.host().file(folders_.at(file.root), file.host_path);
    if (bytes == nullptr) return Status::kIo;
    file.size = bytes->size();
  }
  uint64_t size = std::max<uint64_t>(file.size, 1);
  file.content = TRY(Vmo::create(services_.core(), size, abi::VmoOptions::kResizable));
  if (bytes == nullptr || bytes->empty()) return Status::kOk;
  Status status = file.content->write(0, *bytes);
  if (status != Status::kOk) file.content = nullptr;
  return status;
}

Result<std::vector<std::byte>> FileTree::read(FileNode& file, uint64_t offset, uint64_t size) {
  TRY_STATUS(load(file));
  if (offset >= file.size) return std::vector<std::byte>();
  std::vector<std::byte> bytes(std::min(size, file.size - offset));
  TRY_STATUS(file.content->read(offset, bytes));
  return bytes;
}

Status FileTree::write(FileNode& file, uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return Status::kOk;
  if (offset > kMaxFileSize || bytes.size() > kMaxFileSize - offset) return Status::kFileBig;
  TRY_STATUS(load(file));
  uint64_t end = offset + bytes.size();
  if (end > file.content->size()) TRY_STATUS(file.content->grow(round_up_to_page(end)));
  TRY_STATUS(file.content->write(offset, std::as_bytes(std::span(bytes))));
  file.size = std::max(file.size, end);
  file.changed = true;
  file.modified = now();
  return Status::kOk;
}

Status FileTree::truncate(FileNode& file, uint64_t size) {
  if (size > kMaxFileSize) return Status::kInvalidArgs;
  if (size == 0 && !file.content) {
    // Nobody needs what the host has.
    file.size = 0;
    file.changed = true;
    file.modified = now();
    return load(file);
  }
  TRY_STATUS(load(file));
  if (size < file.size) {
    // What comes back later is zeros, in the page too that an empty file keeps.
    uint64_t kept = std::max(round_up_to_page(size), kPageSize);
    uint64_t end = std::min(kept, file.content->size());
    if (end > size) TRY_STATUS(file.content->zero(size, end - size));
    TRY_STATUS(file.content->set_size(kept));
  } else if (size > file.content->size()) {
    TRY_STATUS(file.content->grow(round_up_to_page(size)));
  }
  file.size = size;
  file.changed = true;
  file.modified = now();
  return Status::kOk;
}

Result<Ref<Vmo>> FileTree::content(FileNode& file) {
  TRY_STATUS(load(file));
  return file.content;
}

void FileTree::collect() {
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    bool gone = at->second.links == 0 && !services_.connected_to(at->first);
    at = gone ? nodes_.erase(at) : std::next(at);
  }
}

std::vector<FileTree::Change> FileTree::changes(unsigned folder) {
  std::vector<Change> changes;
  auto root = std::ranges::find_if(folders_, [folder](const auto& entry) { return entry.second == folder; });
  if (root == folders_.end()) return changes;
  // Where everything is now. Another name of a directory is not looked into twice.
  std::map<std::string, uint64_t> found;
  std::vector<std::pair<std::string, uint64_t>> left = {{"", root->first}};
  while (!left.empty()) {
    auto [path, number] = std::move(left.back());
    left.pop_back();
    for (const auto& [name, child] : nodes_.at(number).entries) {
      std::string child_path = path;
      if (!child_path.empty()) child_path += '/';
      child_path += name;
      const FileNode& node = nodes_.at(child);
      found.emplace(child_path, child);
      bool is_itself = node.parent == number && (!node.from_host || node.links == 1 || node.host_path == child_path);
      if (node.is_directory() && is_itself) left.emplace_back(child_path, child);
    }
  }
  std::map<std::string, const HostEntry*> before;
  std::set<std::string> gone;
  for (const HostEntry& entry : services_.host().folder(folder)) {
    before.emplace(entry.path, &entry);
    auto now = found.find(entry.path);
    if (now != found.end() && nodes_.at(now->second).is_directory() == entry.is_folder) continue;
    changes.push_back({.path = entry.path, .is_folder = entry.is_folder && entry.same_as.empty()});
    gone.insert(entry.path);
  }
  // What is deepest goes first.
  std::ranges::reverse(changes);
  for (const auto& [path, number] : found) {
    FileNode& node = nodes_.at(number);
    auto entry = before.find(path);
    bool was_here = entry != before.end() && !gone.contains(path);
    if (node.is_directory()) {
      if (!was_here) changes.push_back({.path = path, .is_folder = true, .present = true});
      continue;
    }
    if (was_here) {
      // A link of the host's shows what becomes of the file that it leads to.
      auto target = found.find(entry->second->same_as);
      if (!entry->second->same_as.empty() && target != found.end() && target->second == number) continue;
      if (node.from_host && node.host_path == path && !node.changed) continue;
    }
    Result<std::vector<std::byte>> bytes = read(node, 0, node.size);
    if (!bytes) continue;
    // In the place of a link comes a file of its own.
    if (was_here && !entry->second->same_as.empty()) changes.push_back({.path = path});
    changes.push_back({.path = path, .present = true, .bytes = std::move(*bytes)});
  }
  return changes;
}

void FileTree::state(Archive& ar) { ar(nodes_, read_only_, folders_, last_); }

}  // namespace jacinth::kernel
