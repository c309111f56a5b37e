// Commands that look at single objects: what they are, who has them, and what happened to them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "kernel/abi/format.h"
#include "kernel/inspect/deadlock_report.h"
#include "kernel/inspect/holders.h"
#include "kernel/inspect/process_view.h"
#include "kernel/task/process.h"
#include "kernel/vm/address_space.h"
#include "kernel/vm/vmo.h"
#include "tools/jacinth/debug/debugger.h"
#include "tools/jacinth/debug/object_history.h"
#include "tools/jacinth/units.h"

namespace jacinth::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Runs of pages, mappings and clones that are told one by one; the rest is counted.
constexpr size_t kMaxListed = 16;
/// Events that are told unless somebody says how many.
constexpr size_t kUsualHistory = 10;
constexpr uint64_t kMostHistory = 10'000;

Answer object(Debugger& debugger, const Words& words) {
  auto koid = parse_number(words[0]);
  if (!koid) return Answer::failure(koid.error());
  uint64_t most = kUsualHistory;
  if (words.size() > 1) {
    auto number = parse_number(words[1]);
    if (!number || *number > kMostHistory) return Answer::failure(fmt::format("the count is 0 to {}", kMostHistory));
    most = *number;
  }
  emu::TaskId selected = debugger.selected();
  ObjectHistory history;
  if (most > 0) history = object_history(debugger.timeline(), debugger.kernel().core(), *koid, most);
  debugger.select(selected);

  kernel::Object* found = debugger.object(*koid);
  if (found == nullptr && history.events.empty())
    return Answer::failure(fmt::format("there is no object {} now", *koid));
  Answer answer;
  answer.text = found != nullptr ? kernel::object_report(debugger.kernel(), debugger.code(), *found)
                                 : fmt::format("object {} is no more\n", *koid);
  answer.data["koid"] = *koid;
  answer.data["lives"] = found != nullptr;
  answer.data["report"] = answer.text;
  if (most == 0) return answer;
  answer.data["history"] = Json::array();
  for (const ObjectHistory::Event& event : history.events)
    answer.data["history"].push_back({{"time", event.time.ns}, {"text", event.text}});
  answer.data["history_total"] = history.total;
  answer.data["history_since_change"] = history.since_change;
  if (!history.events.empty()) answer.text += "what happened to it:\n" + history_text(history);
  return answer;
}

std::string_view kind_name(kernel::PagesKind kind) {
  switch (kind) {
    case kernel::PagesKind::kAnonymous: return "anonymous";
    case kernel::PagesKind::kContiguous: return "contiguous";
    case kernel::PagesKind::kPhysical: return "physical";
    case kernel::PagesKind::kPaged: return "paged";
    case kernel::PagesKind::kPrivateCopy: return "private copy";
  }
  return "unknown";
}

std::string_view cache_name(abi::CachePolicy policy) {
  switch (policy) {
    case abi::CachePolicy::kCached: return "cached";
    case abi::CachePolicy::kUncached: return "uncached";
    case abi::CachePolicy::kUncachedDevice: return "uncached device";
    case abi::CachePolicy::kWriteCombining: return "write combining";
  }
  return "unknown";
}

class VmoReport {
 public:
  VmoReport(Debugger& debugger, kernel::Vmo& vmo)
      : core_(debugger.kernel().core()), vmo_(vmo), pages_(*vmo.pages()), holders_(core_) {}

  Answer answer() {
    size();
    origin();
    children();
    mappings();
    std::string held = holders_.text(core_, vmo_.koid());
    line("{}", held);
    data_["holders"] = Json::array();
    for (const kernel::Holders::Holder& holder : holders_.of(vmo_.koid()))
      data_["holders"].push_back(
          {{"process", abi::raw(holder.process->koid())}, {"handle", fmt::format("{:#x}", abi::raw(holder.handle))}});
    answer_.text = std::move(text_);
    answer_.data = std::move(data_);
    return std::move(answer_);
  }

 private:
  template <class... Arguments>
  void line(std::string_view format, Arguments&&... arguments) {
    text_ += "  ";
    fmt::vformat_to(std::back_inserter(text_), format, fmt::make_format_args(arguments...));
    text_ += '\n';
  }

  void size() {
    bool physical = vmo_.is_physical();
    uint64_t committed = physical ? 0 : pages_.committed_pages({vmo_.first_page(), vmo_.page_count()});
    data_["koid"] = abi::raw(vmo_.koid());
    data_["name"] = vmo_.name();
    data_["size"] = vmo_.size();
    data_["content_size"] = vmo_.content_size();
    data_["pages"] = vmo_.page_count();
    data_["pages_committed"] = committed;
    data_["bytes_charged"] = vmo_.attributed_bytes();
    data_["kind"] = kind_name(pages_.kind());
    data_["cache_policy"] = cache_name(vmo_.cache_policy());
    data_["resizable"] = vmo_.resizable();
    data_["discardable"] = vmo_.discardable();
    data_["locked"] = vmo_.locked();
    text_ = fmt::format("{}: {} in {} pages, {} bytes of content\n", kernel::object_text(vmo_), size_text(vmo_.size()),
                        vmo_.page_count(), vmo_.content_size());
    line("{}, {}{}{}{}", kind_name(pages_.kind()), cache_name(vmo_.cache_policy()),
         vmo_.resizable() ? ", resizable" : "", vmo_.discardable() ? ", discardable" : "",
         vmo_.locked() ? ", locked" : "");
    if (physical) {
      data_["physical_base"] = fmt::format("{:#x}", pages_.physical_base().value);
      line("at {:#x} of the machine", pages_.physical_base().value);
      return;
    }
    line("{} pages have memory, {} is charged for{}", committed, size_text(vmo_.attributed_bytes()),
         pages_.pinned_pages() != 0 ? fmt::format(", {} are pinned", pages_.pinned_pages()) : "");
    runs();
  }

  /// Which pages have memory of their own, by halves: a VMO can be far larger than what is in it.
  void find_runs(uint64_t first, uint64_t count, std::vector<kernel::PageRange>& runs) {
    if (runs.size() > kMaxListed) return;
    uint64_t committed = pages_.committed_pages({vmo_.first_page() + first, count});
    if (committed == 0) return;
    if (committed < count) {
      find_runs(first, count / 2, runs);
      find_runs(first + count / 2, count - count / 2, runs);
    } else if (!runs.empty() && runs.back().end() == first) {
      runs.back().count += count;
    } else {
      runs.push_back({first, count});
    }
  }

  void runs() {
    std::vector<kernel::PageRange> runs;
    find_runs(0, vmo_.page_count(), runs);
    bool more = runs.size() > kMaxListed;
    if (more) runs.pop_back();
    data_["runs"] = Json::array();
    std::string text;
    for (kernel::PageRange run : runs) {
      data_["runs"].push_back({{"first", run.first}, {"count", run.count}});
      text +=
          fmt::format("{}{}", text.empty() ? "" : ", ",
                      run.count == 1 ? fmt::format("{}", run.first) : fmt::format("{}-{}", run.first, run.end() - 1));
    }
    data_["runs_complete"] = !more;
    if (!text.empty()) line("pages {}{}", text, more ? ", ..." : "");
  }

  void origin() {
    if (vmo_.pager() != kernel::Koid::kInvalid) {
      data_["pager"] = abi::raw(vmo_.pager());
      line("its pages come from pager:{}", abi::raw(vmo_.pager()));
    }
    data_["parent"] = nullptr;
    if (vmo_.parent() == nullptr) return;
    std::string_view how = vmo_.is_slice()                                    ? "a slice"
                           : pages_.kind() == kernel::PagesKind::kPrivateCopy ? "a private copy"
                                                                              : "a snapshot";
    data_["parent"] = abi::raw(vmo_.parent()->koid());
    data_["origin"] = how;
    line("{} of {}", how, kernel::object_text(*vmo_.parent()));
  }

  void children() {
    data_["children"] = Json::array();
    std::vector<std::string> names;
    core_.objects().for_each([&](kernel::Object& object) {
      auto* child = kernel::object_cast<kernel::Vmo>(&object);
      if (child == nullptr || child->parent() != &vmo_) return;
      data_["children"].push_back(abi::raw(child->koid()));
      names.push_back(kernel::object_text(*child));
    });
    if (names.empty()) return;
    size_t count = names.size();
    if (count > kMaxListed) names.resize(kMaxListed);
    line("{} made of it: {}{}", count == 1 ? "one was" : fmt::format("{} were", count), fmt::join(names, ", "),
         count > kMaxListed ? ", ..." : "");
  }

  void mappings() {
    data_["mappings"] = Json::array();
    size_t count = 0;
    core_.objects().for_each([&](kernel::Object& object) {
      auto* process = kernel::object_cast<kernel::Process>(&object);
      if (process == nullptr) return;
      for (kernel::AddressSpace* space : {process->space(), process->restricted_space()}) {
        if (space == nullptr) continue;
        space->for_each_mapping([&](const kernel::Mapping& mapping) {
          if (&mapping.vmo() != &vmo_) return;
          mapped(*process, mapping, ++count <= kMaxListed);
        });
      }
    });
    if (count > kMaxListed) line("and {} more mappings", count - kMaxListed);
    if (count == 0) line("mapped nowhere");
  }

  void mapped(const kernel::Process& process, const kernel::Mapping& mapping, bool listed) {
    PagePermissions page = kernel::Mapping::page_permissions(mapping.permissions());
    std::string access = fmt::format("{}{}{}", page.read ? 'r' : '-', page.write ? 'w' : '-', page.execute ? 'x' : '-');
    data_["mappings"].push_back({{"process", abi::raw(process.koid())},
                                 {"base", fmt::format("{:#x}", mapping.base().value)},
                                 {"size", mapping.size()},
                                 {"offset", mapping.offset()},
                                 {"access", access}});
    if (listed)
      line("mapped in {} at {:#x}-{:#x} {} from offset {:#x}", kernel::describe(process), mapping.base().value,
           mapping.base().value + mapping.size(), access, mapping.offset());
  }

  kernel::Core& core_;
  kernel::Vmo& vmo_;
  const kernel::CowPages& pages_;
  kernel::Holders holders_;
  std::string text_;
  Json data_ = Json::object();
  Answer answer_;
};

Answer vmo(Debugger& debugger, const Words& words) {
  auto koid = parse_number(words[0]);
  if (!koid) return Answer::failure(koid.error());
  kernel::Object* found = debugger.object(*koid);
  if (found == nullptr) return Answer::failure(fmt::format("there is no object {} now", *koid));
  auto* vmo = kernel::object_cast<kernel::Vmo>(found);
  if (vmo == nullptr) return Answer::failure(fmt::format("{} is no VMO", kernel::object_text(*found)));
  return VmoReport(debugger, *vmo).answer();
}

constexpr std::array kCommands = {
    DebugCommand{"object", "o", "KOID [COUNT]",
                 "An object: its state, who holds it, what waits for it, and what happened to it last (10)", 1, 2,
                 object},
    DebugCommand{"vmo", "", "KOID", "A VMO: its pages, where they come from, who maps and who copied it", 1, 1, vmo},
};

}  // namespace

std::span<const DebugCommand> object_commands() { return kCommands; }

}  // namespace jacinth::cli
