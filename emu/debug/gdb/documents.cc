#include "emu/debug/gdb/documents.h"

#include <fmt/format.h>

#include <iterator>

#include "emu/debug/gdb/register_table.h"
#include "emu/debug/gdb/text.h"

namespace jacinth::emu::gdb {
namespace {

constexpr std::string_view kVersion = "<?xml version=\"1.0\"?>\n";

struct FlagBit {
  std::string_view name;
  unsigned bit;
};

void put_flags(std::string& out, std::string_view id, std::span<const FlagBit> bits) {
  fmt::format_to(std::back_inserter(out), "<flags id=\"{}\" size=\"4\">\n", id);
  for (const FlagBit& bit : bits)
    fmt::format_to(std::back_inserter(out), "<field name=\"{}\" start=\"{}\" end=\"{}\"/>\n", bit.name, bit.bit,
                   bit.bit);
  out += "</flags>\n";
}

constexpr FlagBit kPstate[] = {{"N", 31}, {"Z", 30}, {"C", 29}, {"V", 28}};
constexpr FlagBit kFpsr[] = {{"IOC", 0}, {"DZC", 1}, {"OFC", 2}, {"UFC", 3}, {"IXC", 4}, {"IDC", 7},
                             {"QC", 27}, {"V", 28},  {"C", 29},  {"Z", 30},  {"N", 31}};
constexpr FlagBit kFpcr[] = {{"IOE", 8},  {"DZE", 9},   {"OFE", 10}, {"UFE", 11}, {"IXE", 12},
                             {"IDE", 15}, {"FZ16", 19}, {"FZ", 24},  {"DN", 25},  {"AHP", 26}};
constexpr FlagBit kEflags[] = {{"CF", 0},  {"", 1},    {"PF", 2},   {"AF", 4},   {"ZF", 6},  {"SF", 7},
                               {"TF", 8},  {"IF", 9},  {"DF", 10},  {"OF", 11},  {"NT", 14}, {"RF", 16},
                               {"VM", 17}, {"AC", 18}, {"VIF", 19}, {"VIP", 20}, {"ID", 21}};
constexpr FlagBit kMxcsr[] = {{"IE", 0}, {"DE", 1}, {"ZE", 2}, {"OE", 3},  {"UE", 4},  {"PE", 5},  {"DAZ", 6},
                              {"IM", 7}, {"DM", 8}, {"ZM", 9}, {"OM", 10}, {"UM", 11}, {"PM", 12}, {"FZ", 15}};

struct Vector {
  std::string_view id;
  std::string_view of;
  unsigned count;
};
struct Member {
  std::string_view name;
  std::string_view type;
};

void put_vectors(std::string& out, std::span<const Vector> vectors) {
  for (const Vector& vector : vectors)
    fmt::format_to(std::back_inserter(out), "<vector id=\"{}\" type=\"{}\" count=\"{}\"/>\n", vector.id, vector.of,
                   vector.count);
}

void put_union(std::string& out, std::string_view id, std::span<const Member> members) {
  fmt::format_to(std::back_inserter(out), "<union id=\"{}\">\n", id);
  for (const Member& member : members)
    fmt::format_to(std::back_inserter(out), "<field name=\"{}\" type=\"{}\"/>\n", member.name, member.type);
  out += "</union>\n";
}

/// The types that a feature's registers use.
void put_types(std::string& out, std::string_view feature) {
  if (feature == "org.gnu.gdb.aarch64.core") put_flags(out, "cpsr_flags", kPstate);
  if (feature == "org.gnu.gdb.i386.core") put_flags(out, "i386_eflags", kEflags);
  if (feature == "org.gnu.gdb.aarch64.fpu") {
    static constexpr Vector kVectors[] = {{"v2d", "ieee_double", 2}, {"v2u", "uint64", 2}, {"v2i", "int64", 2},
                                          {"v4f", "ieee_single", 4}, {"v4u", "uint32", 4}, {"v4i", "int32", 4},
                                          {"v8f", "ieee_half", 8},   {"v8u", "uint16", 8}, {"v8i", "int16", 8},
                                          {"v16u", "uint8", 16},     {"v16i", "int8", 16}, {"v1u", "uint128", 1},
                                          {"v1i", "int128", 1}};
    put_vectors(out, kVectors);
    static constexpr Member kDoubles[] = {{"f", "v2d"}, {"u", "v2u"}, {"s", "v2i"}};
    static constexpr Member kSingles[] = {{"f", "v4f"}, {"u", "v4u"}, {"s", "v4i"}};
    static constexpr Member kHalves[] = {{"f", "v8f"}, {"u", "v8u"}, {"s", "v8i"}};
    static constexpr Member kBytes[] = {{"u", "v16u"}, {"s", "v16i"}};
    static constexpr Member kQuads[] = {{"u", "v1u"}, {"s", "v1i"}};
    put_union(out, "vnd", kDoubles);
    put_union(out, "vns", kSingles);
    put_union(out, "vnh", kHalves);
    put_union(out, "vnb", kBytes);
    put_union(out, "vnq", kQuads);
    static constexpr Member kAll[] = {{"d", "vnd"}, {"s", "vns"}, {"h", "vnh"}, {"b", "vnb"}, {"q", "vnq"}};
    put_union(out, "aarch64v", kAll);
    put_flags(out, "fpsr_flags", kFpsr);
    put_flags(out, "fpcr_flags", kFpcr);
  }
  if (feature == "org.gnu.gdb.i386.sse") {
    static constexpr Vector kVectors[] = {{"v8bf16", "bfloat16", 8}, {"v8h", "ieee_half", 8}, {"v4f", "ieee_single", 4},
                                          {"v2d", "ieee_double", 2}, {"v16i8", "int8", 16},   {"v8i16", "int16", 8},
                                          {"v4i32", "int32", 4},     {"v2i64", "int64", 2}};
    put_vectors(out, kVectors);
    static constexpr Member kMembers[] = {{"v8_bfloat16", "v8bf16"}, {"v8_half", "v8h"},    {"v4_float", "v4f"},
                                          {"v2_double", "v2d"},      {"v16_int8", "v16i8"}, {"v8_int16", "v8i16"},
                                          {"v4_int32", "v4i32"},     {"v2_int64", "v2i64"}, {"uint128", "uint128"}};
    put_union(out, "vec128", kMembers);
    put_flags(out, "i386_mxcsr", kMxcsr);
  }
}

}  // namespace

std::string target_description(Arch arch) {
  std::string out(kVersion);
  auto at = std::back_inserter(out);
  out += "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n";
  fmt::format_to(at, "<architecture>{}</architecture>\n", arch == Arch::kArm64 ? "aarch64" : "i386:x86-64");
  std::string_view feature;
  for (const RegisterRow& row : register_rows(arch)) {
    if (row.feature != feature) {
      if (!feature.empty()) out += "</feature>\n";
      feature = row.feature;
      fmt::format_to(at, "<feature name=\"{}\">\n", feature);
      put_types(out, feature);
    }
    fmt::format_to(at, "<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"", row.name, row.bits, row.type);
    if (!row.group.empty()) fmt::format_to(at, " group=\"{}\"", row.group);
    if (!row.generic.empty()) fmt::format_to(at, " generic=\"{}\"", row.generic);
    out += "/>\n";
  }
  out += "</feature>\n</target>\n";
  return out;
}

std::string thread_list(std::span<const ProcessSummary> processes, const ThreadText& id) {
  std::string out(kVersion);
  auto at = std::back_inserter(out);
  out += "<threads>\n";
  for (const ProcessSummary& process : processes)
    for (const ThreadSummary& thread : process.threads) {
      fmt::format_to(at, "<thread id=\"{}\" name=\"{}\"", id(thread.id), xml_escaped(thread.name));
      if (thread.cpu) fmt::format_to(at, " core=\"{}\"", *thread.cpu);
      fmt::format_to(at, ">{}</thread>\n", xml_escaped(thread.state));
    }
  out += "</threads>\n";
  return out;
}

std::string library_list_svr4(std::span<const LoadedModule> modules, bool with_executable) {
  std::string out = "<library-list-svr4 version=\"1.0\"";
  auto at = std::back_inserter(out);
  if (!modules.empty() && modules.front().link_map != 0)
    fmt::format_to(at, " main-lm=\"{:#x}\"", modules.front().link_map);
  out += ">\n";
  for (size_t i = with_executable ? 0 : 1; i < modules.size(); ++i) {
    const LoadedModule& module = modules[i];
    if (!module.there) continue;
    fmt::format_to(at, "<library name=\"{}\" lm=\"{:#x}\" l_addr=\"{:#x}\" l_ld=\"{:#x}\" lmid=\"0x0\"/>\n",
                   xml_escaped(module.name), module.link_map, module.base.value, module.dynamic);
  }
  out += "</library-list-svr4>\n";
  return out;
}

std::string library_list(std::span<const LoadedModule> modules) {
  std::string out = "<library-list>\n";
  for (size_t i = 1; i < modules.size(); ++i)
    fmt::format_to(std::back_inserter(out), "<library name=\"{}\"><segment address=\"{:#x}\"/></library>\n",
                   xml_escaped(modules[i].name), modules[i].base.value);
  out += "</library-list>\n";
  return out;
}

std::string process_list(std::span<const ProcessSummary> processes) {
  std::string out = std::string(kVersion) + "<osdata type=\"processes\">\n";
  for (const ProcessSummary& process : processes)
    fmt::format_to(std::back_inserter(out),
                   "<item><column name=\"pid\">{}</column><column name=\"command\">{}</column>"
                   "<column name=\"threads\">{}</column></item>\n",
                   process.koid, xml_escaped(process.name), process.threads.size());
  out += "</osdata>\n";
  return out;
}

std::string memory_map() {
  return std::string(kVersion) +
         "<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
         "\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n"
         "<memory-map>\n<memory type=\"ram\" start=\"0x0\" length=\"0xffffffffffffffff\"/>\n</memory-map>\n";
}

std::string maps_text(std::span<const MemoryRegion> regions) {
  std::string out;
  for (const MemoryRegion& region : regions)
    fmt::format_to(std::back_inserter(out), "{:x}-{:x} {}{}{}p 00000000 00:00 0 {:>20}{}\n", region.base.value,
                   region.base.value + region.size, region.read ? 'r' : '-', region.write ? 'w' : '-',
                   region.execute ? 'x' : '-', "", xml_escaped(region.name));
  return out;
}

}  // namespace jacinth::emu::gdb
