#include "kernel/inspect/guest_code.h"

#include <fmt/format.h>

#include <iterator>

#include "kernel/task/process.h"
#include "kernel/task/thread.h"
#include "kernel/vdso/image.h"

namespace jacinth::kernel {
namespace {

bool in_vdso(Thread& thread, GuestAddr address) {
  GuestAddr base = thread.process().vdso_base();
  const VdsoImage& image = thread.core().vm().vdso_image();
  return base.value != 0 && address >= base && address - base < image.elf.size();
}

}  // namespace

std::string CodePlace::text() const {
  std::string text = function;
  if (!function.empty() && !inlined) text += fmt::format("+{:#x}", offset);
  if (!file.empty()) {
    text += text.empty() ? "" : " at ";
    text += line != 0 ? fmt::format("{}:{}", file, line) : file;
  }
  return text;
}

std::string backtrace_text(GuestCode& code, Thread& thread, std::string_view indent) {
  std::string text;
  auto out = std::back_inserter(text);
  size_t number = 0;
  for (const GuestCode::Frame& frame : code.backtrace(thread)) {
    std::vector<CodePlace> places = code.places(thread.process(), frame.place);
    if (places.empty()) places.emplace_back();
    for (CodePlace& place : places) {
      // The symbol's offset is of the address that is printed beside it.
      if (!place.inlined && !place.function.empty()) place.offset += frame.pc - frame.place;
      std::string said = place.text();
      if (place.inlined) said += " (inlined)";
      fmt::format_to(out, "{}#{:<2} {:#018x}{}{}\n", indent, number, frame.pc.value, said.empty() ? "" : " ", said);
    }
    ++number;
  }
  return text;
}

std::string call_site_text(GuestCode& code, Thread& thread) {
  for (const GuestCode::Frame& frame : code.backtrace(thread)) {
    if (in_vdso(thread, frame.place)) continue;
    std::vector<CodePlace> places = code.places(thread.process(), frame.place);
    if (places.empty()) return fmt::format("{:#x}", frame.pc.value);
    CodePlace& place = places.front();
    if (!place.inlined) place.offset += frame.pc - frame.place;
    return place.text();
  }
  return {};
}

}  // namespace jacinth::kernel
