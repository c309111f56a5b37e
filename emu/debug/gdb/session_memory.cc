// What a client reads and writes: registers, memory, and the points to stop at.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "emu/debug/gdb/register_table.h"
#include "emu/debug/gdb/session.h"

namespace jacinth::emu::gdb {
namespace {

/// More is not gone through in one packet, so that no packet takes long.
constexpr uint64_t kMaxSearched = uint64_t{256} << 20;
constexpr size_t kPiece = 64 << 10;
/// A register state that LLDB forgot to take back is lost when there are more.
constexpr size_t kMaxSaved = 64;

std::string hex_of_register(const Registers& registers, const RegisterRow& row) {
  std::array<std::byte, 16> bytes = {};
  auto value = std::span(bytes).first(row.size());
  read_register(registers, row, value);
  std::string text;
  put_hex(text, value);
  return text;
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// CRC-32 as `compare-sections` counts it: most significant bit first, all ones to begin with, not inverted.
uint32_t crc_step(uint32_t crc, std::byte byte) {
  crc ^= std::to_integer<uint32_t>(byte) << 24;
  for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000'0000) != 0 ? crc << 1 ^ 0x04c1'1db7 : crc << 1;
  return crc;
}

}  // namespace

void Session::read_registers(Scanner from) {
  if (not_there_) return reply(std::string(2 * register_bytes(target_.arch()), 'x'));
  std::optional<TaskId> id = suffixed(from);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  std::string text;
  for (const RegisterRow& row : register_rows(target_.arch())) text += hex_of_register(*registers, row);
  reply(text);
}

void Session::set_registers(uint64_t thread, const Registers& registers) {
  if (target_.registers(thread) == registers) return ok();
  if (!target_.set_registers(thread, registers)) return fail(Error::kInvalid, "the thread cannot have these values");
  timeline_.changed();
  ok();
}

void Session::write_registers(Scanner from) {
  std::string_view digits = from.rest().substr(0, 2 * register_bytes(target_.arch()));
  Scanner behind(from.rest().substr(digits.size()));
  std::optional<std::string> bytes = bytes_of_hex(digits);
  if (!bytes || bytes->size() != register_bytes(target_.arch())) return fail(Error::kInvalid);
  std::optional<TaskId> id = suffixed(behind);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  for (const RegisterRow& row : register_rows(target_.arch()))
    write_register(*registers, row, bytes_of(*bytes).subspan(row.offset, row.size()));
  set_registers(id->thread, *registers);
}

void Session::read_one(Scanner from) {
  const std::vector<RegisterRow>& rows = register_rows(target_.arch());
  std::optional<uint64_t> number = from.number();
  if (!number || *number >= rows.size()) return fail(Error::kInvalid, "there is no such register");
  if (not_there_) return reply(std::string(2 * rows[*number].size(), 'x'));
  std::optional<TaskId> id = suffixed(from);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  reply(hex_of_register(*registers, rows[*number]));
}

void Session::write_one(Scanner from) {
  const std::vector<RegisterRow>& rows = register_rows(target_.arch());
  std::optional<uint64_t> number = from.number();
  if (!number || *number >= rows.size() || !from.take("=")) return fail(Error::kInvalid, "there is no such register");
  const RegisterRow& row = rows[*number];
  std::optional<std::string> bytes = bytes_of_hex(from.rest().substr(0, 2 * row.size()));
  if (!bytes || bytes->size() != row.size()) return fail(Error::kInvalid);
  Scanner behind(from.rest().substr(2 * row.size()));
  std::optional<TaskId> id = suffixed(behind);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  write_register(*registers, row, bytes_of(*bytes));
  set_registers(id->thread, *registers);
}

void Session::save_registers(Scanner from) {
  std::optional<TaskId> id = suffixed(from);
  std::optional<Registers> registers = id ? target_.registers(id->thread) : std::nullopt;
  if (!registers) return fail(Error::kNoProcess, "there is no such thread");
  if (saved_registers_.size() == kMaxSaved) saved_registers_.erase(saved_registers_.begin());
  saved_registers_[next_saved_] = *registers;
  reply(fmt::format("{}", next_saved_++));
}

void Session::restore_registers(Scanner from) {
  uint64_t number = 0;  // Decimal, as it was given out.
  std::string_view digits = from.until(';');
  for (char c : digits.substr(0, 18)) number = c >= '0' && c <= '9' ? number * 10 + static_cast<uint64_t>(c - '0') : 0;
  auto saved = saved_registers_.find(number);
  if (saved == saved_registers_.end()) return fail(Error::kNoEntry, "no registers were saved under this number");
  Scanner thread(from.done() ? std::string_view() : from.rest());
  std::optional<ThreadChoice> choice = thread.take("thread:") ? thread.thread() : ThreadChoice(general_);
  std::optional<TaskId> id = choice ? resolve(*choice) : std::nullopt;
  if (!id) return fail(Error::kNoProcess, "there is no such thread");
  Registers registers = saved->second;
  saved_registers_.erase(saved);
  set_registers(id->thread, registers);
}

void Session::read_memory(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(",") ? from.number() : std::nullopt;
  if (!address || !size) return fail(Error::kInvalid);
  std::vector<std::byte> bytes(std::min<uint64_t>(*size, kMaxPayload / 2));
  size_t got = target_.read(focus().process, GuestAddr(*address), bytes);
  if (got == 0 && *size != 0) return fail(Error::kFault, "nothing is mapped there");
  std::string text;
  put_hex(text, std::span(bytes).first(got));
  reply(text);
}

void Session::read_binary(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(",") ? from.number() : std::nullopt;
  if (!address || !size) return fail(Error::kInvalid);
  if (*size == 0) return ok();  // A client asks so whether the packet is there.
  std::vector<std::byte> bytes(std::min<uint64_t>(*size, kMaxPayload / 2));
  size_t got = target_.read(focus().process, GuestAddr(*address), bytes);
  if (got == 0) return fail(Error::kFault, "nothing is mapped there");
  reply(escaped({reinterpret_cast<const char*>(bytes.data()), got}));
}

void Session::write(uint64_t address, std::string_view bytes) {
  if (bytes.empty()) return ok();
  uint64_t process = focus().process;
  std::vector<std::byte> before(bytes.size());
  bool same = target_.read(process, GuestAddr(address), before) == bytes.size() &&
              std::memcmp(before.data(), bytes.data(), bytes.size()) == 0;
  if (same) return ok();  // The run stays what it was.
  size_t written = target_.write(process, GuestAddr(address), bytes_of(bytes));
  if (written != 0) timeline_.changed();
  if (written != bytes.size()) return fail(Error::kFault, "not all of it can be written");
  ok();
}

void Session::write_memory(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(",") ? from.number() : std::nullopt;
  std::optional<std::string> bytes = from.take(":") ? bytes_of_hex(from.rest()) : std::nullopt;
  if (!address || !size || !bytes || bytes->size() != *size) return fail(Error::kInvalid);
  write(*address, *bytes);
}

void Session::write_binary(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(",") ? from.number() : std::nullopt;
  if (!address || !size || !from.take(":") || from.rest().size() != *size) return fail(Error::kInvalid);
  write(*address, from.rest());
}

void Session::search(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(";") ? from.number() : std::nullopt;
  if (!address || !size || !from.take(";") || from.done()) return fail(Error::kInvalid);
  std::string_view pattern = from.rest();
  uint64_t process = focus().process;
  uint64_t end = *address + std::min(*size, ~uint64_t{0} - *address);
  uint64_t left = kMaxSearched;
  std::string window;        // What lies up to `at` without a gap, as far as a match may still begin in it.
  uint64_t window_base = 0;  // Its address.
  uint64_t at = 0;
  for (const MemoryRegion& region : target_.regions(process)) {
    uint64_t begin = std::max(region.base.value, *address);
    uint64_t stop = std::min(region.base.value + region.size, end);
    if (begin >= stop) continue;
    if (begin != at) window.clear();
    for (at = begin; at < stop;) {
      if (left == 0) return fail(Error::kTooBig, "there is too much to search");
      std::array<std::byte, kPiece> piece;
      size_t wanted = std::min<uint64_t>({kPiece, stop - at, left});
      size_t got = target_.read(process, GuestAddr(at), std::span(piece).first(wanted));
      if (window.empty()) window_base = at;
      window.append(reinterpret_cast<const char*>(piece.data()), got);
      if (size_t found = window.find(pattern); found != std::string::npos)
        return reply(fmt::format("1,{:x}", window_base + found));
      size_t kept = got == wanted ? std::min(window.size(), pattern.size() - 1) : 0;
      window_base += window.size() - kept;
      window.erase(0, window.size() - kept);
      at += wanted;
      left -= wanted;
    }
  }
  reply("0");
}

void Session::checksum(Scanner from) {
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> size = from.take(",") ? from.number() : std::nullopt;
  if (!address || !size) return fail(Error::kInvalid);
  if (*size > kMaxSearched) return fail(Error::kTooBig, "there is too much to sum up");
  uint32_t crc = ~uint32_t{0};
  for (uint64_t done = 0; done < *size;) {
    std::array<std::byte, kPiece> piece;
    size_t wanted = std::min<uint64_t>(kPiece, *size - done);
    if (target_.read(focus().process, GuestAddr(*address + done), std::span(piece).first(wanted)) != wanted)
      return fail(Error::kFault, "not all of it is mapped");
    for (std::byte byte : std::span(piece).first(wanted)) crc = crc_step(crc, byte);
    done += wanted;
  }
  reply(fmt::format("C{:08x}", crc));
}

void Session::region(Scanner from) {
  std::optional<uint64_t> address = from.number();
  if (!address) return fail(Error::kInvalid);
  uint64_t gap = 0;
  uint64_t gap_end = 0;  // The end of all addresses.
  for (const MemoryRegion& region : target_.regions(focus().process)) {
    uint64_t end = region.base.value + region.size;
    if (*address >= region.base.value && *address < end)
      return reply(fmt::format("start:{:x};size:{:x};permissions:{}{}{};name:{};", region.base.value, region.size,
                               region.read ? "r" : "", region.write ? "w" : "", region.execute ? "x" : "",
                               hex_of(region.name)));
    if (end <= *address) gap = end;
    if (region.base.value > *address) {
      gap_end = region.base.value;
      break;
    }
  }
  uint64_t size = gap_end - gap;  // Of everything: as much as can be said.
  reply(fmt::format("start:{:x};size:{:x};", gap, gap_end == 0 && gap == 0 ? ~uint64_t{0} : size));
}

void Session::insert_point(Scanner from) {
  std::string_view type = from.until(',');
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> kind = from.take(",") ? from.number() : std::nullopt;
  if (!address || !kind) return fail(Error::kInvalid);
  if (type.size() != 1 || type[0] < '0' || type[0] > '4') return reply("");
  PointKey key{.type = type[0], .process = focus().process, .address = *address, .kind = *kind};
  if (points_.contains(key)) return ok();
  if (points_.size() == kMaxPoints) return fail(Error::kTooBig, "there are too many points");
  StopPoint point{.process = key.process, .address = GuestAddr(*address)};
  switch (key.type) {
    case '2': point.kind = StopPoint::Kind::kWrite; break;
    case '3': point.kind = StopPoint::Kind::kRead; break;
    case '4': point.kind = StopPoint::Kind::kAccess; break;
    default: break;
  }
  if (point.kind != StopPoint::Kind::kExecute) {
    if (*kind == 0 || *kind > ~uint64_t{0} - *address) return fail(Error::kInvalid, "nothing can be watched there");
    point.size = *kind;
  }
  points_[key] = timeline_.add(point);
  ok();
}

void Session::remove_point(Scanner from) {
  std::string_view type = from.until(',');
  std::optional<uint64_t> address = from.number();
  std::optional<uint64_t> kind = from.take(",") ? from.number() : std::nullopt;
  if (type.size() != 1 || !address || !kind) return fail(Error::kInvalid);
  if (type[0] < '0' || type[0] > '4') return reply("");
  auto found = points_.find({.type = type[0], .process = focus().process, .address = *address, .kind = *kind});
  // Its process may be gone by now, and another in focus.
  if (found == points_.end())
    found = std::ranges::find_if(points_, [&](const auto& point) {
      const PointKey& key = point.first;
      return key.type == type[0] && key.address == *address && key.kind == *kind;
    });
  if (found != points_.end()) {
    timeline_.remove(found->second);
    points_.erase(found);
  }
  ok();
}

}  // namespace jacinth::emu::gdb
