#include "tools/jacinth/views/fxt_writer.h"

#include <bit>
#include <cstring>

#include "emu/base/check.h"
#include "tools/jacinth/json_text.h"

namespace jacinth::cli {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint64_t kMagic = 0x0016'5478'4604'0010;
constexpr uint64_t kTicksPerSecond = 1'000'000'000;
constexpr uint64_t kProvider = 1;
enum RecordType : uint8_t {
  kInitialization = 1,
  kString = 2,
  kThread = 3,
  kEvent = 4,
  kKernelObject = 7,
  kScheduling = 8
};
constexpr uint8_t kProcessObject = 1;
constexpr uint8_t kThreadObject = 2;
constexpr uint64_t kContextSwitch = 1;
constexpr uint64_t kThreadWakeup = 2;

constexpr size_t kMaxStrings = 0x7fff;
constexpr size_t kMaxThreads = 0xff;
/// Nine arguments of it and their names are still less than a record may have.
constexpr size_t kMaxString = 2000;
constexpr uint64_t kInlineString = 0x8000;

/// Characters that a viewer can show, and not too many of them.
std::string clean(std::string_view text) {
  std::string result;
  while (!text.empty() && result.size() < kMaxString) {
    size_t length = utf8_length(text);
    if (length == 0) {
      result += '?';
    } else {
      result.append(text, 0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace

void FxtWriter::Record::stream(std::string_view text) {
  size_t at = words.size();
  words.resize(at + (text.size() + 7) / 8);
  if (!text.empty()) std::memcpy(&words[at], text.data(), text.size());
}

void FxtWriter::put(Record& record, uint8_t type, uint64_t header) {
  CHECK(record.words.size() < 0x1000);
  record.words[0] = header | type | record.words.size() << 4;
  out_.append(reinterpret_cast<const char*>(record.words.data()), record.words.size() * sizeof(uint64_t));
}

void FxtWriter::begin(std::string_view provider) {
  out_.append(reinterpret_cast<const char*>(&kMagic), sizeof kMagic);
  Record info;
  info.stream(provider);
  put(info, 0, uint64_t{1} << 16 | kProvider << 20 | uint64_t{provider.size()} << 52);
  Record section;
  put(section, 0, uint64_t{2} << 16 | kProvider << 20);
  Record ticks;
  ticks.words.push_back(kTicksPerSecond);
  put(ticks, kInitialization, 0);
}

/// The index of a string that comes again and again; the empty string once there is no index left, which only names
/// that a guest chose can bring about (numbers that no call has).
uint16_t FxtWriter::string(std::string_view text) {
  if (text.empty()) return 0;
  if (auto found = strings_.find(text); found != strings_.end()) return found->second;
  if (strings_.size() == kMaxStrings) return 0;
  auto index = static_cast<uint16_t>(strings_.size() + 1);
  strings_.emplace(text, index);
  std::string cleaned = clean(text);
  Record record;
  record.stream(cleaned);
  put(record, kString, uint64_t{index} << 16 | uint64_t{cleaned.size()} << 32);
  return index;
}

/// 0 once there is no index left: then the koids stand in the record.
uint8_t FxtWriter::thread_index(Thread thread) {
  auto key = std::pair(thread.process, thread.thread);
  if (auto found = threads_.find(key); found != threads_.end()) return found->second;
  if (threads_.size() == kMaxThreads) return 0;
  auto index = static_cast<uint8_t>(threads_.size() + 1);
  threads_.emplace(key, index);
  Record record;
  record.words.push_back(thread.process);
  record.words.push_back(thread.thread);
  put(record, kThread, uint64_t{index} << 16);
  return index;
}

std::vector<uint16_t> FxtWriter::names_of(std::span<const Argument> arguments) {
  std::vector<uint16_t> names;
  for (const Argument& argument : arguments) names.push_back(string(argument.name));
  return names;
}

void FxtWriter::argument(Record& record, const Argument& argument, uint16_t name) {
  size_t begin = record.words.size();
  record.words.push_back(0);
  uint64_t rest = 0;
  switch (argument.type) {
    case Argument::Type::kInt32: rest = argument.value & 0xffff'ffff; break;
    case Argument::Type::kUint64:
    case Argument::Type::kKoid: record.words.push_back(argument.value); break;
    case Argument::Type::kString: {
      std::string text = clean(argument.text);
      rest = text.empty() ? 0 : kInlineString | text.size();
      record.stream(text);
      break;
    }
  }
  record.words[begin] =
      static_cast<uint64_t>(argument.type) | (record.words.size() - begin) << 4 | uint64_t{name} << 16 | rest << 32;
}

void FxtWriter::object(uint8_t type, uint64_t koid, std::string_view name, std::span<const Argument> arguments) {
  std::vector<uint16_t> names = names_of(arguments);
  std::string text = clean(name);
  Record record;
  record.words.push_back(koid);
  record.stream(text);
  for (size_t i = 0; i < arguments.size(); ++i) argument(record, arguments[i], names[i]);
  uint64_t reference = text.empty() ? 0 : kInlineString | text.size();
  put(record, kKernelObject, uint64_t{type} << 16 | reference << 24 | uint64_t{arguments.size()} << 40);
}

void FxtWriter::process(uint64_t koid, std::string_view name) { object(kProcessObject, koid, name, {}); }

void FxtWriter::thread(Thread thread, std::string_view name) {
  std::array<Argument, 1> process{
      {{.name = "process", .type = Argument::Type::kKoid, .value = thread.process, .text = {}}}};
  object(kThreadObject, thread.thread, name, process);
}

void FxtWriter::event(EventType type, Time at, Thread thread, std::string_view category, std::string_view name,
                      std::span<const Argument> arguments, uint64_t id) {
  std::vector<uint16_t> names = names_of(arguments);
  uint16_t category_index = string(category);
  uint16_t name_index = string(name);
  uint8_t index = thread_index(thread);
  Record record;
  record.words.push_back(static_cast<uint64_t>(at.ns));
  if (index == 0) {
    record.words.push_back(thread.process);
    record.words.push_back(thread.thread);
  }
  for (size_t i = 0; i < arguments.size(); ++i) argument(record, arguments[i], names[i]);
  if (type == EventType::kCounter || type >= EventType::kFlowBegin) record.words.push_back(id);
  put(record, kEvent,
      static_cast<uint64_t>(type) << 16 | uint64_t{arguments.size()} << 20 | uint64_t{index} << 24 |
          uint64_t{category_index} << 32 | uint64_t{name_index} << 48);
}

void FxtWriter::context_switch(Time at, unsigned cpu, uint64_t from, ThreadState state, int32_t from_weight,
                               uint64_t to, int32_t to_weight) {
  using Type = Argument::Type;
  std::array<Argument, 2> weights{
      {{.name = "outgoing_weight", .type = Type::kInt32, .value = static_cast<uint32_t>(from_weight), .text = {}},
       {.name = "incoming_weight", .type = Type::kInt32, .value = static_cast<uint32_t>(to_weight), .text = {}}}};
  std::vector<uint16_t> names = names_of(weights);
  Record record;
  record.words.push_back(static_cast<uint64_t>(at.ns));
  record.words.push_back(from);
  record.words.push_back(to);
  for (size_t i = 0; i < weights.size(); ++i) argument(record, weights[i], names[i]);
  put(record, kScheduling,
      uint64_t{weights.size()} << 16 | uint64_t{cpu} << 20 | static_cast<uint64_t>(state) << 36 | kContextSwitch << 60);
}

void FxtWriter::wakeup(Time at, unsigned cpu, uint64_t thread) {
  Record record;
  record.words.push_back(static_cast<uint64_t>(at.ns));
  record.words.push_back(thread);
  put(record, kScheduling, uint64_t{cpu} << 20 | kThreadWakeup << 60);
}

}  // namespace jacinth::cli
