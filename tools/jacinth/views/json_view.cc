// Events as JSON (docs/trace.md has the fields): one object for each, on a line of its own, or all in one object.
#include <fmt/format.h>

#include "boards/board.h"
#include "tools/jacinth/json_text.h"
#include "tools/jacinth/version.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {
namespace {

using kernel::TraceRecord;

class Fields {
 public:
  explicit Fields(std::string& out) : out_(out) { out_ += '{'; }
  ~Fields() { out_ += '}'; }
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  std::string& begin(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void text(std::string_view name, std::string_view value) { append_json(begin(name), value); }
  template <class T>
  void number(std::string_view name, T value) {
    begin(name) += fmt::format_int(value).c_str();
  }
  void flag(std::string_view name, bool value) { begin(name) += value ? "true" : "false"; }
  void hex(std::string_view name, uint64_t value) {
    fmt::format_to(std::back_inserter(begin(name)), "\"{:#x}\"", value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_argument(std::string& out, const TraceRecord::Argument& argument) {
  Fields fields(out);
  if (!argument.name.empty()) fields.text("name", argument.name);
  fields.hex("raw", argument.value);
  fields.text("text", argument.text);
  if (!argument.after.empty()) fields.text("after", argument.after);
  if (argument.is_result) fields.flag("out", true);
  if (argument.objects.empty()) return;
  std::string& list = fields.begin("objects");
  list += '[';
  for (size_t i = 0; i < argument.objects.size(); ++i) {
    if (i > 0) list += ',';
    list += fmt::format_int(argument.objects[i]).c_str();
  }
  list += ']';
}

void append_call(Fields& fields, std::string& out, const TraceRecord& record) {
  fields.number("duration", (record.end - record.time).ns);
  fields.text("call", record.call);
  fields.number("number", record.number);
  fields.begin("arguments") += '[';
  for (size_t i = 0; i < record.arguments.size(); ++i) {
    if (i > 0) out += ',';
    append_argument(out, record.arguments[i]);
  }
  out += ']';
  if (record.returned) {
    fields.number("result", record.result);
  } else {
    fields.begin("result") += "null";
  }
  fields.text("result_text", record.result_text);
  fields.flag("failed", record.failed);
  fields.flag("waited", record.waited);
  if (record.unfinished) fields.flag("unfinished", true);
  if (record.injected) fields.flag("injected", true);
}

void append_record(std::string& out, const TraceRecord& record) {
  Fields fields(out);
  fields.text("event", kernel::record_kind_name(record.kind));
  fields.number("time", record.time.ns);
  if (record.process != 0) {
    fields.number("process", record.process);
    fields.text("process_name", record.process_name);
  }
  if (record.thread != 0) {
    fields.number("thread", record.thread);
    fields.text("thread_name", record.thread_name);
  }
  switch (record.kind) {
    case TraceRecord::Kind::kCall: append_call(fields, out, record); break;
    case TraceRecord::Kind::kException:
      fields.text("exception", record.exception);
      fields.text("detail", record.detail);
      fields.hex("pc", record.pc);
      break;
    case TraceRecord::Kind::kProcessCreated: fields.number("job", record.job); break;
    case TraceRecord::Kind::kProcessExited:
      fields.number("return_code", record.result);
      fields.text("return_code_text", record.result_text);
      break;
    case TraceRecord::Kind::kServed:
      fields.text("service", record.service);
      fields.text("text", record.text);
      break;
    default: break;
  }
}

class JsonView final : public View, private kernel::RecordSink {
 public:
  JsonView(const ViewOptions& options, const Viewed& viewed)
      : output_(viewed.output),
        lines_(options.kind == ViewKind::kJsonl),
        records_(viewed.system.kernel().core(), *this, options.strace.limits, options.strace.filter) {
    if (lines_) return;
    std::string head;
    {
      Fields fields(head);
      fields.text("format", "jacinth-trace");
      fields.number("format_version", 1);
      fields.text("jacinth", version());
      fields.text("board", viewed.system.board().name);
      fields.text("program", viewed.program);
      fields.begin("events") += '[';
    }
    head.pop_back();
    output_.write(head);
  }

  void finish() override {
    records_.finish();
    if (!lines_) output_.write("\n]}\n");
  }

 private:
  void record(const TraceRecord& record) override {
    text_.clear();
    if (!lines_) text_ += first_ ? "\n" : ",\n";
    first_ = false;
    append_record(text_, record);
    if (lines_) text_ += '\n';
    output_.write(text_);
  }

  Output& output_;
  bool lines_;
  bool first_ = true;
  std::string text_;
  kernel::TraceRecords records_;
};

}  // namespace

std::unique_ptr<View> make_json_view(const ViewOptions& options, const Viewed& viewed) {
  return std::make_unique<JsonView>(options, viewed);
}

}  // namespace jacinth::cli
