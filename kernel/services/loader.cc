#include "kernel/services/loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "emu/state/archive.h"
#include "kernel/services/names.h"
#include "kernel/services/services.h"

namespace jacinth::kernel {
namespace {

constexpr uint64_t kDone = 0x63ba'6b76'd367'1001;
constexpr uint64_t kLoadObject = 0x48c5'a151'd6df'2853;
constexpr uint64_t kConfig = 0x6a8a'1a14'6463'2841;
constexpr uint64_t kClone = 0x57e6'43a9'ab6e'4c29;

/// A request is at most 1024 bytes, header, length and presence among them; one byte is for a NUL.
constexpr uint64_t kMaxText = 991;

constexpr Rights kLibraryRights =
    Rights::kBasic | Rights::kRead | Rights::kMap | Rights::kExecute | Rights::kGetProperty;

/// Whether every part of the path is a name.
bool good_path(std::string_view path) {
  for (size_t begin = 0; begin <= path.size();) {
    size_t slash = std::min(path.find('/', begin), path.size());
    if (!good_name(path.substr(begin, slash - begin))) return false;
    begin = slash + 1;
  }
  return true;
}

}  // namespace

LoaderEndpoint::LoaderEndpoint(Services& services, Ref<Channel> channel)
    : ChannelEndpoint(services, Kind::kLoader, std::move(channel)) {}

LoaderEndpoint::LoaderEndpoint(Services& services) : ChannelEndpoint(services, Kind::kLoader) {}

void LoaderEndpoint::answer(const FidlHeader& header, Status status, HandleOwner handle) {
  FidlWriter writer(header.txid, header.ordinal);
  writer.status(status);
  if (header.ordinal == kLoadObject) writer.handle(std::move(handle));
  send(writer);
}

Result<HandleOwner> LoaderEndpoint::load(std::string_view name) {
  if (!good_path(name)) return Status::kInvalidArgs;
  Result<Ref<Vmo>> vmo = Status::kNotFound;
  if (!subfolder_.empty()) vmo = services().library(subfolder_ + '/' + std::string(name));
  if (!vmo && vmo.status() == Status::kNotFound && !only_subfolder_) vmo = services().library(name);
  if (!vmo) return vmo.status();
  return services().core().handles().make(*vmo, kLibraryRights);
}

Status LoaderEndpoint::configure(std::string_view text) {
  bool only = text.ends_with('!');
  if (only) text.remove_suffix(1);
  if (!good_name(text)) return Status::kInvalidArgs;
  subfolder_ = text;
  only_subfolder_ = only;
  return Status::kOk;
}

bool LoaderEndpoint::request(const FidlHeader& header, Message& message) {
  switch (header.ordinal) {
    case kLoadObject: {
      FidlReader reader(message, 16);
      std::string name(reader.bytes(kMaxText));
      if (!reader.done()) break;
      Result<HandleOwner> library = load(name);
      services().tell("loader", fmt::format("LoadObject({}) = {}", quoted(name), abi::status_name(library.status())));
      if (!library) services().note_missing(name);
      Status status = library.status();
      answer(header, status, library ? std::move(*library) : HandleOwner());
      return true;
    }
    case kConfig: {
      FidlReader reader(message, 16);
      std::string text(reader.bytes(kMaxText));
      if (!reader.done()) break;
      Status status = configure(text);
      services().tell("loader", fmt::format("Config({}) = {}", quoted(text), abi::status_name(status)));
      answer(header, status);
      return true;
    }
    case kClone: {
      FidlReader reader(message, 8);
      HandleOwner handle = reader.handle();
      static_cast<void>(reader.number<uint32_t>());
      if (!reader.done()) break;
      Ref<Channel> channel = ref_cast<Channel>(handle.object());
      if (!channel) break;
      services().tell("loader", "Clone() = ZX_OK");
      services().add(std::make_unique<LoaderEndpoint>(services(), std::move(channel)));
      answer(header, Status::kOk);
      return true;
    }
    case kDone: services().tell("loader", "Done()"); return false;
    default: break;
  }
  services().tell("loader",
                  fmt::format("closed: no request of {} bytes with ordinal {:#x}", message.size(), header.ordinal));
  return false;
}

void LoaderEndpoint::state(Archive& ar) {
  ChannelEndpoint::state(ar);
  ar(subfolder_, only_subfolder_);
}

}  // namespace jacinth::kernel
