// Files and directories that programs find in their namespace: given folders of the host as they were when the run
// began, /tmp, and /svc. All of them live in the machine's memory, as memfs' do (zircon/system/ulib/memfs): the bytes
// of a file are a VMO, which comes from the host when somebody first asks for it.
//
// What a program changes in a folder, the host hears of when the run is over (changes()).
//
// Left out: symbolic links as such (the file system of July 2020 has none: a link of the host is another name of what
// it leads to), owners and permission bits, and the host's times: everything is as old as the run.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

class Services;

struct FileNode {
  enum class Kind : uint8_t { kFile, kDirectory, kService };

  Kind kind = Kind::kFile;
  /// The root of the tree that it is in: trees know nothing of each other.
  uint64_t root = 0;
  uint64_t parent = 0;  ///< Of a directory: the one it is in.
  uint64_t links = 0;   ///< Names that it has.
  std::map<std::string, uint64_t, std::less<>> entries;

  uint64_t size = 0;
  Ref<Vmo> content;  ///< Null while the bytes are the host's, or there are none.
  bool from_host = false;
  std::string host_path;  ///< Where in its folder it was.
  bool changed = false;   ///< Its bytes are not what they were.
  int64_t created = 0;
  int64_t modified = 0;

  bool is_directory() const { return kind == Kind::kDirectory; }
  void state(Archive& ar);
};

class FileTree {
 public:
  explicit FileTree(Services& services) : services_(services) {}

  /// An empty tree.
  uint64_t make_root(bool read_only);
  /// What the host's folder of that number holds.
  uint64_t add_folder(unsigned number, bool read_only);
  /// A service in a directory.
  void add_service(uint64_t directory, std::string_view name);

  /// The node, which lives as long as it has a name or a connection.
  FileNode& node(uint64_t number) { return nodes_.at(number); }
  bool contains(uint64_t number) const { return nodes_.contains(number); }
  bool read_only(const FileNode& node) const { return read_only_.contains(node.root); }

  Result<uint64_t> lookup(uint64_t directory, std::string_view name);
  Result<uint64_t> create(uint64_t directory, std::string_view name, bool is_directory);
  Status unlink(uint64_t directory, std::string_view name, bool must_be_directory);
  Status rename(uint64_t from, std::string_view name, uint64_t to, std::string_view new_name, bool must_be_directory);
  Status link(uint64_t from, std::string_view name, uint64_t to, std::string_view new_name);

  /// Up to the end of the file.
  Result<std::vector<std::byte>> read(FileNode& file, uint64_t offset, uint64_t size);
  Status write(FileNode& file, uint64_t offset, std::string_view bytes);
  Status truncate(FileNode& file, uint64_t size);
  /// The bytes as a VMO, at least one page.
  Result<Ref<Vmo>> content(FileNode& file);

  /// Drops what has neither name nor connection.
  void collect();
  /// What became of a folder, for who writes it back.
  struct Change {
    std::string path;
    bool is_folder = false;
    bool present = false;  ///< Otherwise it is gone.
    std::vector<std::byte> bytes;
  };
  std::vector<Change> changes(unsigned folder);

  void let_go() { nodes_.clear(); }
  void state(Archive& ar);

 private:
  uint64_t add(FileNode node);
  Status load(FileNode& file);
  int64_t now() const;
  void drop_name(uint64_t number);

  Services& services_;
  std::map<uint64_t, FileNode> nodes_;
  std::set<uint64_t> read_only_;          // Roots.
  std::map<uint64_t, uint32_t> folders_;  // By root: the host's folder.
  uint64_t last_ = 0;
};

}  // namespace jacinth::kernel
