// Symbols, lines and callers from ELF files: good ones of both architectures, and thousands of damaged ones.
#include "emu/debug/symbols.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <random>

#include "emu/debug/backtrace.h"
#include "tests/support/source_root.h"
#include "tests/support/test.h"

namespace jacinth::emu {
namespace {

struct Program {
  explicit Program(Arch a) : arch(a), symbols(SymbolFile::open(path(a)).value()) {}
  static std::string path(Arch arch) {
    return build_path(arch == Arch::kArm64 ? "tests/emu/debug/program_arm64" : "tests/emu/debug/program_x86_64");
  }
  uint64_t at(std::string_view name) const { return symbols->address_of(name).value(); }

  Arch arch;
  std::unique_ptr<SymbolFile> symbols;
};

/// Memory of which only single words exist.
struct Words {
  std::map<uint64_t, uint64_t> words;
  ReadMemory reader() {
    return [this](GuestAddr from, std::span<std::byte> to) {
      auto found = words.find(from.value);
      if (found == words.end() || to.size() != 8) return false;
      std::memcpy(to.data(), &found->second, 8);
      return true;
    };
  }
};

std::vector<char> bytes_of(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::vector<char> bytes(1 << 20);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

constexpr Arch kArches[] = {Arch::kArm64, Arch::kX86_64};

TEST_CASE("an address is named by the function around it") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);
    uint64_t outer = program.at("outer");

    REQUIRE(program.symbols->function_at(outer)->name == "outer");
    REQUIRE(program.symbols->function_at(outer)->offset == 0);
    REQUIRE(program.symbols->function_at(outer + 4)->name == "outer");
    REQUIRE(program.symbols->function_at(outer + 4)->offset == 4);
    REQUIRE_FALSE(program.symbols->function_at(1).has_value());
    REQUIRE_FALSE(program.symbols->address_of("no_such_function").has_value());
  }
}

TEST_CASE("of two names for one place the one that programs may use is shown, and both are found") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);
    uint64_t place = program.at("stop_here");
    REQUIRE(program.at("__checked_stop") == place);
    REQUIRE(program.symbols->function_at(place)->name == "stop_here");
  }
}

TEST_CASE("a line is found by its address") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);

    std::vector<SourceAt> places = program.symbols->source_at(program.at("outer_place"));

    REQUIRE(places.size() == 1);
    REQUIRE(places[0].function == "outer");
    REQUIRE(places[0].line == 12);
    REQUIRE(places[0].file.ends_with("tests/emu/debug/program.c"));
  }
}

TEST_CASE("an inlined function and the one around it are both named") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);

    std::vector<SourceAt> places = program.symbols->source_at(program.at("inlined_place"));

    REQUIRE(places.size() == 2);
    REQUIRE(places[0].function == "inlined");
    REQUIRE(places[0].line == 6);
    REQUIRE(places[1].function == "outer");
    REQUIRE(places[1].line == 11);
  }
}

TEST_CASE("an address without code has no line") {
  Program program(Arch::kArm64);
  REQUIRE(program.symbols->source_at(0).empty());
  REQUIRE(program.symbols->source_at(program.at("by_hand")).empty());
}

TEST_CASE("the caller is found by call frame rules before, in and after a frame") {
  constexpr uint64_t kStack = 0x7000;
  constexpr uint64_t kCaller = 0x1234;
  constexpr uint64_t kSaved = 0x5a5a;
  constexpr uint64_t kBias = 0x10'0000;
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);
    bool arm64 = arch == Arch::kArm64;
    size_t saved = arm64 ? 19 : 3;  // x19, RBX
    for (const char* place : {"by_hand", "in_frame", "after_frame"}) {
      INFO(place);
      bool in_frame = place == std::string_view("in_frame");
      Words memory;
      Frame frame{.arch = arch, .pc = program.at(place) + kBias};
      frame.registers[frame.sp_number()] = in_frame ? kStack - (arm64 ? 0x30 : 0x28) : kStack;
      frame.registers[saved] = in_frame ? 0 : kSaved;
      if (arm64) {
        frame.registers[30] = in_frame ? 0 : kCaller;
        memory.words = {{kStack - 0x30, kSaved}, {kStack - 0x28, kCaller}};
      } else {
        memory.words = {{kStack - 8, kSaved}, {kStack, kCaller}};
      }
      if (!arm64 && in_frame) memory.words[kStack - 8] = kSaved;

      REQUIRE(program.symbols->unwind(frame, kBias, memory.reader()));

      REQUIRE(frame.pc == kCaller);
      REQUIRE(frame.sp() == (arm64 ? kStack : kStack + 8));
      REQUIRE(frame.registers[saved] == kSaved);
      REQUIRE_FALSE(frame.exact);
    }
  }
}

TEST_CASE("a stack that cannot be read ends the search for callers") {
  Program program(Arch::kX86_64);
  Words nothing;
  Frame frame{.arch = Arch::kX86_64, .pc = program.at("in_frame")};
  frame.registers[frame.sp_number()] = 0x7000;
  REQUIRE_FALSE(program.symbols->unwind(frame, 0, nothing.reader()));
  REQUIRE(frame.pc == program.at("in_frame"));
}

TEST_CASE("the loaded part of a file is found by its place in the file") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Program program(arch);
    // The linker puts the headers at the beginning of the first segment.
    REQUIRE(program.symbols->address_of_offset(0) == 0x20'0000);
    REQUIRE(program.symbols->address_of_offset(0x40) == 0x20'0040);
    REQUIRE_FALSE(program.symbols->address_of_offset(uint64_t{1} << 40).has_value());
  }
}

TEST_CASE("without rules the chain of frame pointers shows the callers, up to its end") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Words memory{{{0x7000, 0x7100}, {0x7008, 0x2000}, {0x7100, 0}, {0x7108, 0x3000}}};
    Frame top{.arch = arch, .pc = 0x1000};
    top.registers[top.fp_number()] = 0x7000;
    top.registers[top.sp_number()] = 0x6ff0;
    FindFile no_file = [](GuestAddr) { return std::nullopt; };
    IsCode is_code = [](GuestAddr at) { return at.value < 0x4000; };
    ReadMemory read = memory.reader();

    std::vector<Frame> frames = backtrace(top, {no_file, is_code, read});

    REQUIRE(frames.size() == 3);
    REQUIRE(frames[1].pc == 0x2000);
    REQUIRE(frames[2].pc == 0x3000);
  }
}

TEST_CASE("a jump to nowhere is blamed on whoever called") {
  for (Arch arch : kArches) {
    INFO(arch_name(arch));
    Words memory{{{0x7000, 0x2000}}};
    Frame top{.arch = arch, .pc = 0};
    top.registers[top.sp_number()] = 0x7000;
    if (arch == Arch::kArm64) top.registers[30] = 0x2000;
    FindFile no_file = [](GuestAddr) { return std::nullopt; };
    IsCode is_code = [](GuestAddr at) { return at.value >= 0x1000 && at.value < 0x4000; };
    ReadMemory read = memory.reader();

    std::vector<Frame> frames = backtrace(top, {no_file, is_code, read});

    REQUIRE(frames.size() == 2);
    REQUIRE(frames[1].pc == 0x2000);
  }
}

TEST_CASE("a chain of frame pointers that leads in a circle ends") {
  Words memory{{{0x7000, 0x7000}, {0x7008, 0x2000}}};
  Frame top{.arch = Arch::kArm64, .pc = 0x1000};
  top.registers[29] = 0x7000;
  top.registers[31] = 0x6ff0;
  FindFile no_file = [](GuestAddr) { return std::nullopt; };
  IsCode is_code = [](GuestAddr) { return true; };
  ReadMemory read = memory.reader();
  REQUIRE(backtrace(top, {no_file, is_code, read}).size() <= 3);
}

TEST_CASE("what is no ELF file of a guest is refused in words") {
  REQUIRE(SymbolFile::open("/nonexistent/file").error() == "No such file or directory");
  REQUIRE(SymbolFile::open("/").error() == "not a file");
  REQUIRE(SymbolFile::from_bytes({}).error() == "not an ELF file");
  REQUIRE(SymbolFile::from_bytes({'\x7f', 'E', 'L', 'F'}).error() == "not an ELF file");
}

/// Asks everything that a crash report would ask.
bool ask_everything(std::vector<char> image) {
  auto symbols = SymbolFile::from_bytes(std::move(image));
  if (!symbols) return false;
  bool lines = false;
  Words memory;
  for (uint64_t i = 0; i < 64; ++i) memory.words[0x7000 + 8 * i] = 0x20'1000 + 8 * i;
  for (uint64_t address = 0x20'0000; address < 0x22'1000; address += 0x33) {
    (*symbols)->function_at(address);
    lines |= !(*symbols)->source_at(address).empty();
    for (Arch arch : kArches) {
      Frame frame{.arch = arch, .pc = address};
      for (auto& value : frame.registers) value = 0x7000;
      (*symbols)->unwind(frame, 0, memory.reader());
    }
  }
  return lines;
}

TEST_CASE("damaged files do no harm") {
  std::minstd_rand random(1);
  int rounds = 150;
  if (const char* more = std::getenv("JACINTH_FUZZ_ROUNDS")) rounds = std::atoi(more);
  int readable = 0;
  for (Arch arch : kArches) {
    const std::vector<char> good = bytes_of(Program::path(arch));
    for (int round = 0; round < rounds; ++round) {
      std::vector<char> bad = good;
      if (round % 16 == 0) bad.resize(random() % bad.size());
      unsigned changes = 1 + random() % 12;
      for (unsigned i = 0; i < changes && !bad.empty(); ++i) {
        // Seldom in the ELF header: most files stay readable up to what is wrong in them.
        size_t at =
            random() % 32 == 0 ? random() % bad.size() : std::min<size_t>(64, bad.size() - 1) + random() % bad.size();
        if (at < bad.size()) bad[at] = static_cast<char>(random());
      }
      INFO(arch_name(arch) << " round " << round);
      readable += ask_everything(std::move(bad)) ? 1 : 0;
    }
  }
  REQUIRE(readable > rounds / 4);
}

}  // namespace
}  // namespace jacinth::emu
