// Calls that take any object: signals, info, properties, children. zircon/kernel/lib/syscalls/object.cc.
#include <array>

#include "kernel/abi/format.h"
#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/table.h"
#include "kernel/task/job.h"

namespace jacinth::kernel {
namespace {

// A line each, so that two new families do not meet in one.
// clang-format off
constexpr std::span<const InfoRow> (*kInfos[])() = {
    bti_infos,
    exception_infos,
    handle_infos,
    memory_infos,
    resource_infos,
    socket_infos,
    stream_infos,
    system_infos,
    task_infos,
    timer_infos,
};
constexpr std::span<const PropertyRow> (*kProperties[])() = {
    exception_properties,
    name_properties,
    socket_properties,
    stream_properties,
    task_properties,
};
// clang-format on

Status object_signal(Call& call, Handle handle, Signals clear, Signals set) {
  Ref<Object> object = TRY(call.get<Object>(handle, Rights::kSignal));
  return object->user_signal(clear, set);
}

Status object_signal_peer(Call& call, Handle handle, Signals clear, Signals set) {
  Ref<Object> object = TRY(call.get<Object>(handle, Rights::kSignalPeer));
  return object->user_signal_peer(clear, set);
}

/// Something that the number in argument `index` stands for, which the real kernel knows and we do not: says so once.
/// A number without a name is the guest's own mistake.
Status lacking(Call& call, size_t index, Status status) {
  std::string name = abi::format_arg(table_entry(call.number())->info->args[index], call.argument(index));
  return name.starts_with("ZX_") ? call.unsupported(name, status) : status;
}

Status object_get_info(Call& call, Handle handle, abi::InfoTopic topic, UserBytesOut buffer, uint64_t size,
                       UserOut<uint64_t> actual, UserOut<uint64_t> avail) {
  for (auto family : kInfos) {
    for (const InfoRow& row : family()) {
      if (row.topic != topic) continue;
      InfoRequest request(call, handle, buffer, size, actual, avail);
      return row.answer(request);
    }
  }
  return lacking(call, 1, Status::kNotSupported);
}

const PropertyRow* find_property(abi::Property property) {
  for (auto family : kProperties) {
    for (const PropertyRow& row : family()) {
      if (row.property == property) return &row;
    }
  }
  return nullptr;
}

Status object_get_property(Call& call, Handle handle, abi::Property property, UserBytesOut value, uint64_t size) {
  if (value.null()) return Status::kInvalidArgs;
  Ref<Object> object = TRY(call.get<Object>(handle, Rights::kGetProperty));
  const PropertyRow* row = find_property(property);
  if (row == nullptr) return lacking(call, 1, Status::kInvalidArgs);
  return row->get != nullptr ? row->get(call, *object, value, size) : Status::kInvalidArgs;
}

Status object_set_property(Call& call, Handle handle, abi::Property property, UserBytesIn value, uint64_t size) {
  if (value.null()) return Status::kInvalidArgs;
  Ref<Object> object = TRY(call.get<Object>(handle, Rights::kSetProperty));
  const PropertyRow* row = find_property(property);
  if (row == nullptr) return lacking(call, 1, Status::kInvalidArgs);
  return row->set != nullptr ? row->set(call, *object, value, size) : Status::kInvalidArgs;
}

/// The child of this koid; null when there is none, kWrongType for a parent that has no children.
Result<Ref<Object>> child_of(Object& parent, Koid koid) {
  if (auto* process = object_cast<Process>(&parent)) {
    for (auto& [order, thread] : process->threads()) {
      if (thread->koid() == koid) return Ref<Object>(thread);
    }
    return Ref<Object>();
  }
  if (auto* job = object_cast<Job>(&parent)) {
    auto child = job->jobs().find(abi::raw(koid));
    if (child != job->jobs().end()) return Ref<Object>(child->second);
    auto process = job->processes().find(abi::raw(koid));
    return process != job->processes().end() ? Ref<Object>(process->second) : Ref<Object>();
  }
  return Status::kWrongType;
}

Status object_get_child(Call& call, Handle handle, Koid koid, Rights rights, UserOut<Handle> out) {
  HandleEntry parent = TRY(call.entry(handle, Rights::kEnumerate));
  if (rights == Rights::kSameRights) rights = parent.rights;
  if (!contains(parent.rights, rights)) return Status::kAccessDenied;
  Ref<Object> child = TRY(child_of(*parent.object, koid));
  if (!child) return Status::kNotFound;
  return call.give(out, std::move(child), rights);
}

// --- the property that most objects have ---

Status get_name(Call&, Object& object, UserBytesOut value, uint64_t size) {
  std::array<char, abi::kMaxNameLen> name = {};
  if (size < name.size()) return Status::kBufferTooSmall;
  object.name().copy(name.data(), name.size() - 1);
  return value.write_value(name);
}

Status set_name(Call&, Object& object, UserBytesIn value, uint64_t size) {
  return object.set_name(TRY(value.text(std::min<uint64_t>(size, abi::kMaxNameLen - 1))));
}

constexpr auto kNameProperties = std::to_array<PropertyRow>({{abi::Property::kName, get_name, set_name}});

constexpr auto kRows = std::to_array<Row>({
    {"zx_object_get_child", bind<object_get_child>, Support::kFull,
     "Of a job its child jobs, then its processes; of a process its threads."},
    {"zx_object_get_info", bind<object_get_info>, Support::kFull,
     "Every topic; those of objects that no board has are ZX_ERR_WRONG_TYPE."},
    {"zx_object_get_property", bind<object_get_property>, Support::kFull,
     "Every property; those that can only be set, or that are retired, are ZX_ERR_INVALID_ARGS."},
    {"zx_object_set_property", bind<object_set_property>, Support::kFull,
     "Every property; those that can only be read, or that are retired, are ZX_ERR_INVALID_ARGS."},
    {"zx_object_signal", bind<object_signal>, Support::kFull, "Clears, then sets."},
    {"zx_object_signal_peer", bind<object_signal_peer>, Support::kFull,
     "ZX_ERR_PEER_CLOSED when the peer has no handles any more."},
});

}  // namespace

std::span<const PropertyRow> name_properties() { return kNameProperties; }

std::span<const Row> object_rows() { return kRows; }

}  // namespace jacinth::kernel
