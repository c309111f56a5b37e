#include "tools/jacinth/trace_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "kernel/abi/syscall_info.h"
#include "tools/jacinth/call_choice.h"
#include "tools/jacinth/options.h"
#include "tools/jacinth/suggest.h"

namespace jacinth::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// "ZX_ERR_TIMED_OUT", "timed_out", "ok" or a number.
std::expected<kernel::Status, std::string> parse_status(const std::string& word) {
  std::string name = upper(word);
  std::vector<std::string> known;
  for (const abi::NamedValue& value : abi::flag_set("status")->values) {
    std::string full(value.name);
    if (name == full || "ZX_" + name == full || "ZX_ERR_" + name == full)
      return static_cast<kernel::Status>(value.value);
    known.push_back(std::move(full));
  }
  bool negative = word.starts_with('-');
  if (auto number = parse_number(word.substr(negative ? 1 : 0)); number && *number <= 0x7fff'ffff)
    return static_cast<kernel::Status>(negative ? -static_cast<int64_t>(*number) : static_cast<int64_t>(*number));
  std::string meant = closest(name.starts_with("ZX_") ? name : "ZX_ERR_" + name, known);
  return std::unexpected(
      fmt::format("there is no status '{}'{}", word, meant.empty() ? "" : fmt::format(", did you mean {}?", meant)));
}

std::expected<std::vector<uint64_t>, std::string> parse_koids(const std::vector<std::string>& words) {
  std::vector<uint64_t> koids;
  for (const std::string& word : words) {
    auto koid = parse_number(word);
    if (!koid) return std::unexpected(koid.error());
    koids.push_back(*koid);
  }
  return koids;
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target,
                      const std::string& shows, const std::string& help) {
  return app.add_option(name, target, help)->type_name(shows)->delimiter(',')->allow_extra_args(false);
}

}  // namespace

bool TraceFlags::any() const {
  return !calls.empty() || !tasks.empty() || !objects.empty() || !statuses.empty() || from || until || failed ||
         succeeded || relative || table || json || jsonl || !format.empty() || period || follow || absolute || took ||
         names;
}

void add_trace_options(CLI::App& app, TraceFlags& flags, const std::string& prefix) {
  std::string p = "--" + prefix;
  std::string formats;
  for (const ViewRow& row : view_rows()) formats += fmt::format("{}{}", formats.empty() ? "" : "|", row.name);
  add_choice(app, p + "format", flags.format, formats,
             "How it is shown: lines as of strace (default), a table, JSON in one object or a line for each event, a "
             "time line for Perfetto (fxt) or for Chrome, call stacks for flame graphs, or coverage; see "
             "docs/trace.md");
  if (prefix.empty()) {
    app.add_flag("--json", flags.json, "The same as --format=json: one object with all events");
    app.add_flag("--jsonl", flags.jsonl, "The same as --format=jsonl: an object for each event, a line each");
  }
  add_text(app, "-e," + p + "calls", flags.calls, "LIST",
           "Only these calls: names, patterns and families, such as 'channel,zx_vmo_*,!zx_vmo_read'");
  add_value(app, "-s," + p + "size", flags.string_limit, parse_number, "N",
            "Show so many bytes of strings and buffers (default 32, at most 256)");
  add_list(app, "-p," + p + "task", flags.tasks, "KOID", "Only these processes and threads, by koid");
  add_list(app, p + "object", flags.objects, "KOID", "Only calls that name one of these objects by a handle, by koid");
  add_list(app, p + "status", flags.statuses, "STATUS",
           "Only calls that end with one of these, such as ZX_ERR_TIMED_OUT or timed_out");
  add_value(app, p + "from", flags.from, parse_duration, "TIME", "Only what begins at this virtual time or later");
  add_value(app, p + "until", flags.until, parse_duration, "TIME", "Only what begins at this time or earlier");
  app.add_flag("-Z," + p + "failed", flags.failed, "Only calls that failed");
  app.add_flag("-z," + p + "succeeded", flags.succeeded, "Only calls that did not fail");
  app.add_flag("-c," + p + "table", flags.table,
               "A table instead: each call, how often, how often in vain, and its time");
  app.add_flag("-r," + p + "relative", flags.relative, "Times in lines are since the line before");
  add_value(app, p + "period", flags.period, parse_duration, "TIME",
            "With --format=folded: how much code runs between two looks (default 10us)");
  app.add_flag("-f", flags.follow, "All processes and threads, as of strace: always so");
  app.add_flag("-t", flags.absolute, "The time of each line: always so");
  app.add_flag("-T", flags.took, "How long each call took: always so");
  app.add_flag("-y", flags.names, "What each handle names: always so");
}

std::expected<ViewOptions, std::string> view_options(const TraceFlags& flags, const std::string& prefix) {
  auto bad = [&](std::string_view option, const std::string& why) {
    return std::unexpected(fmt::format("--{}{}: {}", prefix, option, why));
  };
  ViewOptions view;
  int forms = int{flags.json} + int{flags.jsonl} + int{flags.table} + int{!flags.format.empty()};
  if (forms > 1)
    return std::unexpected(
        fmt::format("one form at a time: {}-c or --{}format", prefix.empty() ? "--json, --jsonl, " : "", prefix));
  if (!flags.format.empty()) view.kind = find_view(flags.format)->kind;
  if (flags.json) view.kind = ViewKind::kJson;
  if (flags.jsonl) view.kind = ViewKind::kJsonl;
  if (flags.table) view.kind = ViewKind::kTable;

  kernel::TraceFilter& filter = view.strace.filter;
  if (!flags.calls.empty()) {
    auto calls = chosen_calls(flags.calls);
    if (!calls) return bad("calls", calls.error());
    filter.calls = std::move(*calls);
  }
  auto tasks = parse_koids(flags.tasks);
  if (!tasks) return bad("task", tasks.error());
  filter.tasks = std::move(*tasks);
  auto objects = parse_koids(flags.objects);
  if (!objects) return bad("object", objects.error());
  filter.objects = std::move(*objects);
  for (const std::string& word : flags.statuses) {
    auto status = parse_status(word);
    if (!status) return bad("status", status.error());
    filter.statuses.push_back(*status);
  }
  if (flags.from) filter.from = Time{flags.from->ns};
  if (flags.until) filter.until = Time{flags.until->ns};
  if (filter.until < filter.from) return bad("until", "that is before --" + prefix + "from");
  using Results = kernel::TraceFilter::Results;
  if (flags.failed != flags.succeeded) filter.results = flags.failed ? Results::kFailed : Results::kSucceeded;
  view.strace.limits.bytes = flags.string_limit;
  view.strace.relative = flags.relative;

  // What a form cannot do is said, not left out in silence.
  bool whole = view.kind == ViewKind::kFolded || needs_blocks(view.kind);
  bool filters = !flags.calls.empty() || !flags.tasks.empty() || filter.decides_late() || flags.from || flags.until;
  if (whole && filters)
    return std::unexpected(fmt::format("--{}format={} is of the whole run: it takes no choice of calls, tasks or times",
                                       prefix, flags.format));
  bool timeline = view.kind == ViewKind::kFxt || view.kind == ViewKind::kChrome;
  if (timeline && filter.decides_late())
    return std::unexpected(
        fmt::format("--{}format={} shows a call when it begins: it takes no choice by how calls end "
                    "or what they name",
                    prefix, flags.format));
  if (view.kind == ViewKind::kTable && !filter.objects.empty())
    return bad("object", "a table of calls does not look at what they name");
  if (flags.relative && view.kind != ViewKind::kStrace)
    return std::unexpected("-r is for lines: other forms have the time itself");
  if (flags.period) {
    if (view.kind != ViewKind::kFolded) return bad("period", "it is for --" + prefix + "format=folded");
    if (flags.period->ns <= 0) return bad("period", "it must be longer than nothing");
    view.period = *flags.period;
  }
  return view;
}

std::string unfit_output(const ViewOptions& view, const std::string& path) {
  for (const ViewRow& row : view_rows())
    if (row.kind == view.kind && row.binary && (path == "-" ? Output::standard() : Output::error()).is_terminal() &&
        (path == "-" || path.empty()))
      return fmt::format("{} is bytes, not text: -o FILE says where they go", row.name);
  return {};
}

}  // namespace jacinth::cli
