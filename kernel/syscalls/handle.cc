// Calls on handles themselves. zircon/kernel/lib/syscalls/handle_ops.cc.
#include <algorithm>
#include <array>
#include <vector>

#include "kernel/abi/info_handle.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/handles.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

Status handle_close(Call& call, Handle handle) {
  if (handle == Handle::kInvalid) return Status::kOk;
  return call.take(handle).status();
}

Status handle_close_many(Call& call, UserIn<Handle> handles, size_t count) {
  return close_handles(call, handles, count);
}

/// The rights that a new handle made from `source` gets: a subset, or all of them.
Result<Rights> reduced(Rights source, Rights wanted) {
  if (wanted == Rights::kSameRights) return source;
  if (!contains(source, wanted)) return Status::kInvalidArgs;
  return wanted;
}

Status handle_duplicate(Call& call, Handle handle, Rights rights, UserOut<Handle> out) {
  HandleEntry source = TRY(call.entry(handle, Rights::kDuplicate));
  Rights granted = TRY(reduced(source.rights, rights));
  return call.give(out, TRY(call.core().handles().duplicate(source, granted)));
}

Status handle_replace(Call& call, Handle handle, Rights rights, UserOut<Handle> out) {
  HandleOwner source = TRY(call.take(handle));  // Gone from here on, whatever comes.
  Rights granted = TRY(reduced(source.rights(), rights));
  return call.give(out, TRY(call.core().handles().duplicate({source.object(), source.rights()}, granted)));
}

// --- what is known of a handle ---

/// The only question that a bad handle may ask without the job's policy hearing of it.
Status handle_valid(InfoRequest& request) {
  return request.call().handles().find(request.handle()) != nullptr ? Status::kOk : Status::kBadHandle;
}

/// ZX_OBJ_PROP_WAITABLE, which programs of July 2020 are told. Those can be waited for that have the right to it from
/// the start (dispatcher.h): no address regions.
uint32_t properties(Call& call, const Object& object) {
  if (!of_july_2020(call)) return 0;
  return object.waitable() && contains(abi::default_rights(object.type()), Rights::kWait) ? 1 : 0;
}

Status handle_basic(InfoRequest& request) {
  HandleEntry entry = TRY(request.call().entry(request.handle(), Rights::kNone));
  return request.one(abi::InfoHandleBasic{.koid = entry.object->koid(),
                                          .rights = entry.rights,
                                          .type = entry.object->type(),
                                          .related_koid = entry.object->related_koid(),
                                          .reserved = properties(request.call(), *entry.object)});
}

Status handle_count(InfoRequest& request) {
  Ref<Object> object = TRY(request.get<Object>(Rights::kInspect));
  return request.one(abi::InfoHandleCount{.handle_count = object->handle_count()});
}

Status process_handle_stats(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect));
  abi::InfoProcessHandleStats stats;
  process->handles().for_each(
      [&stats](Handle, const HandleEntry& entry) { ++stats.handle_count[abi::raw(entry.object->type())]; });
  return request.one(stats);
}

Status handle_table(InfoRequest& request) {
  Ref<Process> process = TRY(request.get<Process>(Rights::kInspect | Rights::kManageProcess | Rights::kManageThread));
  // A quirk of the real kernel's: who asks for the number alone hears of its own handles, whatever process it names.
  if (request.asks_count_only()) return request.counts(request.call().handles().size(), 0);
  std::vector<abi::InfoHandleExtended> table;
  table.reserve(process->handles().size());
  process->handles().for_each([&](Handle value, const HandleEntry& entry) {
    table.push_back({.type = entry.object->type(),
                     .handle_value = value,
                     .rights = entry.rights,
                     .reserved = properties(request.call(), *entry.object),
                     .koid = entry.object->koid(),
                     .related_koid = entry.object->related_koid()});
  });
  return request.many<abi::InfoHandleExtended>(table);
}

constexpr auto kInfos = std::to_array<InfoRow>({
    {abi::InfoTopic::kHandleValid, handle_valid},
    {abi::InfoTopic::kHandleBasic, handle_basic},
    {abi::InfoTopic::kHandleCount, handle_count},
    {abi::InfoTopic::kHandleTable, handle_table},
    {abi::InfoTopic::kProcessHandleStats, process_handle_stats},
});

constexpr auto kRows = std::to_array<Row>({
    {"zx_handle_close", bind<handle_close>, Support::kFull, "Zero is fine; waits through the handle are canceled."},
    {"zx_handle_close_many", bind<handle_close_many>, Support::kFull,
     "Skips zeros and closes all it can; ZX_ERR_BAD_HANDLE when any value was bad."},
    {"zx_handle_duplicate", bind<handle_duplicate>, Support::kFull,
     "Rights that the source lacks are ZX_ERR_INVALID_ARGS."},
    {"zx_handle_replace", bind<handle_replace>, Support::kFull, "Consumes the source also when it fails."},
});

}  // namespace

Status close_handles(Call& call, UserIn<Handle> handles, uint64_t count) {
  // All of them at once: those that are closed cannot be closed again.
  if (handles.prepare(count) == Status::kParked) return Status::kParked;
  // In portions: the count is the guest's, and closing ends where its memory does.
  std::array<Handle, abi::kChannelMaxMsgHandles> portion;
  Status status = Status::kOk;
  for (uint64_t done = 0; done < count; done += portion.size()) {
    std::span<Handle> values(portion.data(), std::min<uint64_t>(count - done, portion.size()));
    TRY_STATUS(handles.read_array(values, done));
    for (Handle value : values) {
      if (value != Handle::kInvalid && !call.take(value)) status = Status::kBadHandle;
    }
  }
  return status;
}

std::span<const InfoRow> handle_infos() { return kInfos; }

std::span<const Row> handle_rows() { return kRows; }

}  // namespace jacinth::kernel
