// A folder of the host: everything in it, and nothing outside it, whatever links and paths say.
#include "tools/jacinth/host_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/test.h"

namespace jacinth::cli {
namespace {

namespace fs = std::filesystem;

struct Folders {
  Folders() {
    std::string name = (fs::temp_directory_path() / "jacinth-folder-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    top = name;
    inside = (top / "inside").string();
    fs::create_directories(top / "inside/sub");
    fs::create_directories(top / "inside-not");
    write(top / "secret.txt", "secret");
    write(top / "inside-not/secret.txt", "secret");
    write(top / "inside/a.txt", "a");
    write(top / "inside/sub/b.txt", "b");
  }
  ~Folders() { fs::remove_all(top); }
  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }
  static std::string text(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::optional<std::string> read(std::string_view path) const {
    auto bytes = read_inside(inside, path);
    if (!bytes) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }

  fs::path top;
  std::string inside;
};

std::vector<std::byte> bytes_of(std::string_view text) {
  auto all = std::as_bytes(std::span(text));
  return {all.begin(), all.end()};
}

}  // namespace

TEST_CASE("a folder is listed by path, with links that stay inside as what they lead to") {
  Folders folders;
  fs::create_symlink("sub/b.txt", folders.top / "inside/link");
  fs::create_symlink(folders.top / "inside/sub", folders.top / "inside/absolute");
  fs::create_symlink("../secret.txt", folders.top / "inside/out");
  fs::create_symlink(folders.top / "inside-not/secret.txt", folders.top / "inside/beside");
  fs::create_symlink("nowhere", folders.top / "inside/dangling");
  fs::create_symlink("loop", folders.top / "inside/loop");
  fs::create_symlink("..", folders.top / "inside/up");
  REQUIRE(mkfifo((folders.top / "inside/pipe").c_str(), 0600) == 0);

  auto entries = list_folder(folders.inside);
  REQUIRE(entries.has_value());
  std::string listed;
  for (const kernel::HostEntry& entry : *entries) listed += entry.path + (entry.is_folder ? "/ " : " ");
  REQUIRE(listed == "a.txt absolute/ link sub/ sub/b.txt ");
  REQUIRE((*entries)[1].same_as == "sub");
  REQUIRE((*entries)[2].same_as == "sub/b.txt");
}

TEST_CASE("files are read inside a folder and nowhere else") {
  Folders folders;
  fs::create_symlink("../secret.txt", folders.top / "inside/out");
  fs::create_symlink("..", folders.top / "inside/up");
  fs::create_symlink("/", folders.top / "inside/root");
  fs::create_symlink("sub/../a.txt", folders.top / "inside/around");
  REQUIRE(folders.read("a.txt") == "a");
  REQUIRE(folders.read("sub/b.txt") == "b");
  REQUIRE(folders.read("around") == "a");
  REQUIRE(folders.read("sub/../a.txt") == "a");
  for (std::string_view path : {"../secret.txt", "sub/../../secret.txt", "out", "up/secret.txt", "root/etc/passwd",
                                "/etc/passwd", "../inside-not/secret.txt", "sub", "", ".", "none", "a.txt/b"}) {
    INFO(path);
    REQUIRE_FALSE(folders.read(path).has_value());
  }
}

TEST_CASE("a folder is written inside and nowhere else") {
  Folders folders;
  fs::create_symlink("../secret.txt", folders.top / "inside/out");
  fs::create_symlink("..", folders.top / "inside/up");
  REQUIRE(write_inside(folders.inside, "sub/new.txt", bytes_of("new")));
  REQUIRE(Folders::text(folders.top / "inside/sub/new.txt") == "new");
  REQUIRE(make_folder_inside(folders.inside, "made"));
  REQUIRE(remove_inside(folders.inside, "a.txt", false));
  REQUIRE_FALSE(fs::exists(folders.top / "inside/a.txt"));

  for (const char* path : {"../x.txt", "sub/../../x.txt", "out", "up/x.txt", "up/secret.txt", "", "sub"}) {
    INFO(path);
    REQUIRE_FALSE(write_inside(folders.inside, path, bytes_of("harm")));
  }
  REQUIRE_FALSE(remove_inside(folders.inside, "up/secret.txt", false));
  REQUIRE_FALSE(remove_inside(folders.inside, "../secret.txt", false));
  REQUIRE_FALSE(make_folder_inside(folders.inside, "up/made"));
  REQUIRE(Folders::text(folders.top / "secret.txt") == "secret");
  REQUIRE_FALSE(fs::exists(folders.top / "x.txt"));
  // A link is removed as what it is.
  REQUIRE(remove_inside(folders.inside, "out", false));
  REQUIRE(fs::exists(folders.top / "secret.txt"));
}

}  // namespace jacinth::cli
