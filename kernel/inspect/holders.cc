#include "kernel/inspect/holders.h"

#include <fmt/format.h>

#include "kernel/abi/object_type.h"
#include "kernel/inspect/process_view.h"
#include "kernel/object/core.h"
#include "kernel/task/process.h"

namespace jacinth::kernel {
namespace {

/// More holders than this of one object are counted, not named.
constexpr size_t kMaxNamed = 4;

}  // namespace

Holders::Holders(Core& core) {
  core.objects().for_each([&](Object& object) {
    auto* process = object_cast<Process>(&object);
    if (process == nullptr) return;
    process->handles().for_each([&](Handle handle, const HandleEntry& entry) {
      by_object_[abi::raw(entry.object->koid())].push_back({process, handle});
    });
  });
}

const std::vector<Holders::Holder>& Holders::of(Koid object) const {
  static const std::vector<Holder> kNobody;
  auto found = by_object_.find(abi::raw(object));
  return found == by_object_.end() ? kNobody : found->second;
}

std::string Holders::text(Core& core, Koid koid) const {
  const std::vector<Holder>& holders = of(koid);
  std::string text;
  for (size_t i = 0; i < holders.size() && i < kMaxNamed; ++i)
    text += fmt::format("{}{} as {:#x}", i == 0 ? "held by " : ", ", describe(*holders[i].process),
                        abi::raw(holders[i].handle));
  if (holders.size() > kMaxNamed) text += fmt::format(" and {} more", holders.size() - kMaxNamed);
  Object* object = core.objects().find(koid);
  size_t handles = object != nullptr ? object->handle_count() : 0;
  if (handles > holders.size()) {
    size_t elsewhere = handles - holders.size();
    text += fmt::format("{}{} handle{} in messages nobody has read or in the kernel", text.empty() ? "" : ", and ",
                        elsewhere, elsewhere == 1 ? "" : "s");
  }
  return text.empty() ? "held by nobody" : text;
}

std::string object_text(const Object& object) {
  std::string text = fmt::format("{}:{}", abi::object_type_name(object.type()), abi::raw(object.koid()));
  if (!object.name().empty()) text += fmt::format(" \"{}\"", object.name());
  return text;
}

}  // namespace jacinth::kernel
