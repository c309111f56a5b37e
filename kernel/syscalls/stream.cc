// Streams. zircon/kernel/lib/syscalls/stream.cc; their property and info, and the content size: object.cc there.
#include "kernel/vm/stream.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/once.h"

namespace jacinth::kernel {
namespace {

using abi::StreamOptions;
using abi::StreamWriteOptions;

Status stream_create(Call& call, StreamOptions options, Handle vmo_handle, uint64_t seek, UserOut<Handle> out) {
  if (!within(options, StreamOptions::kModeRead | StreamOptions::kModeWrite | StreamOptions::kModeAppend))
    return Status::kInvalidArgs;
  Rights access = Rights::kNone;
  if (contains(options, StreamOptions::kModeRead)) access |= Rights::kRead;
  if (contains(options, StreamOptions::kModeWrite)) access |= Rights::kWrite;
  Ref<Vmo> vmo = TRY(call.get<Vmo>(vmo_handle, access));
  return call.give(out, make_object<Stream>(call.core(), std::move(vmo), options, seek),
                   abi::default_rights(ObjectType::kStream) | access);
}

/// The buffers of a call that has some.
Result<UserVector> vector_of(Call& call, UserPointer entries, uint64_t count) {
  if (entries.null()) return Status::kInvalidArgs;
  return UserVector(call.process().memory(), entries.address(), count);
}

Status stream_readv(Call& call, Handle handle, uint32_t options, UserIn<abi::Iovec> vector, uint64_t count,
                    UserOut<uint64_t> actual) {
  if (options != 0) return Status::kInvalidArgs;
  UserVector buffers = TRY(vector_of(call, vector, count));
  Ref<Stream> stream = TRY(call.get<Stream>(handle, Rights::kRead));
  return act_and_tell(call, actual, [&] { return stream->read(buffers); });
}

Status stream_readv_at(Call& call, Handle handle, uint32_t options, uint64_t offset, UserIn<abi::Iovec> vector,
                       uint64_t count, UserOut<uint64_t> actual) {
  if (options != 0) return Status::kInvalidArgs;
  UserVector buffers = TRY(vector_of(call, vector, count));
  Ref<Stream> stream = TRY(call.get<Stream>(handle, Rights::kRead));
  return act_and_tell(call, actual, [&] { return stream->read_at(buffers, offset); });
}

Status stream_writev(Call& call, Handle handle, StreamWriteOptions options, UserIn<abi::Iovec> vector, uint64_t count,
                     UserOut<uint64_t> actual) {
  if (!within(options, StreamWriteOptions::kAppend)) return Status::kInvalidArgs;
  UserVector buffers = TRY(vector_of(call, vector, count));
  Ref<Stream> stream = TRY(call.get<Stream>(handle, Rights::kWrite));
  bool append = contains(options, StreamWriteOptions::kAppend);
  return act_and_tell(call, actual, [&] { return append ? stream->append(buffers) : stream->write(buffers); });
}

Status stream_writev_at(Call& call, Handle handle, uint32_t options, uint64_t offset, UserIn<abi::Iovec> vector,
                        uint64_t count, UserOut<uint64_t> actual) {
  if (options != 0) return Status::kInvalidArgs;
  UserVector buffers = TRY(vector_of(call, vector, count));
  Ref<Stream> stream = TRY(call.get<Stream>(handle, Rights::kWrite));
  return act_and_tell(call, actual, [&] { return stream->write_at(buffers, offset); });
}

/// Who may read or write may seek.
Status stream_seek(Call& call, Handle handle, abi::SeekOrigin origin, int64_t offset, UserOut<uint64_t> out_seek) {
  Ref<Stream> stream = TRY(call.get<Stream>(handle, Rights::kNone));
  return act_and_tell(call, out_seek, [&]() -> Result<uint64_t> {
    Rights rights = call.handles().find(handle)->rights;
    if ((rights & (Rights::kRead | Rights::kWrite)) == Rights::kNone) return Status::kAccessDenied;
    return stream->seek(origin, offset);
  });
}

Status stream_info(InfoRequest& request) {
  Ref<Stream> stream = TRY(request.get<Stream>(Rights::kInspect));
  return request.one(stream->info());
}

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kStream, stream_info}});

Status get_mode_append(Call&, Object& object, UserBytesOut value, uint64_t size) {
  if (size < sizeof(uint8_t)) return Status::kBufferTooSmall;
  auto* stream = object_cast<Stream>(&object);
  if (stream == nullptr) return Status::kWrongType;
  return give_property<uint8_t>(value, size, stream->appends() ? 1 : 0);
}

Status set_mode_append(Call&, Object& object, UserBytesIn value, uint64_t size) {
  if (size < sizeof(uint8_t)) return Status::kBufferTooSmall;
  auto* stream = object_cast<Stream>(&object);
  if (stream == nullptr) return Status::kWrongType;
  stream->set_appends(TRY(take_property<uint8_t>(value, size)) != 0);
  return Status::kOk;
}

Status get_content_size(Call&, Object& object, UserBytesOut value, uint64_t size) {
  if (size < sizeof(uint64_t)) return Status::kBufferTooSmall;
  auto* vmo = object_cast<Vmo>(&object);
  if (vmo == nullptr) return Status::kWrongType;
  return give_property(value, size, vmo->content_size());
}

Status set_content_size(Call&, Object& object, UserBytesIn value, uint64_t size) {
  if (size < sizeof(uint64_t)) return Status::kBufferTooSmall;
  auto* vmo = object_cast<Vmo>(&object);
  if (vmo == nullptr) return Status::kWrongType;
  return vmo->set_content_size(TRY(take_property<uint64_t>(value, size)));
}

constexpr auto kProperties = std::to_array<PropertyRow>({
    {abi::Property::kStreamModeAppend, get_mode_append, set_mode_append},
    {abi::Property::kVmoContentSize, get_content_size, set_content_size},
});

constexpr auto kRows = std::to_array<Row>({
    {"zx_stream_create", bind<stream_create>, Support::kFull,
     "Setting ZX_PROP_VMO_CONTENT_SIZE makes zeros of what is behind it, as in 2022, but for programs of July 2020."},
    {"zx_stream_readv", bind<stream_readv>, Support::kFull,
     "As in 2022: what was read before a failure counts; a bad buffer is ZX_ERR_NOT_FOUND or ZX_ERR_ACCESS_DENIED."},
    {"zx_stream_readv_at", bind<stream_readv_at>, Support::kFull,
     "As in 2022: what was read before a failure counts; a bad buffer is ZX_ERR_NOT_FOUND or ZX_ERR_ACCESS_DENIED."},
    {"zx_stream_seek", bind<stream_seek>, Support::kFull, "With READ or WRITE."},
    {"zx_stream_writev", bind<stream_writev>, Support::kFull,
     "As in 2022: what was written before a failure counts; the VMO stays grown, and an append that fails at once "
     "leaves the stream at the end. One whose end overflows is ZX_ERR_FILE_BIG for programs of July 2020."},
    {"zx_stream_writev_at", bind<stream_writev_at>, Support::kFull,
     "As in 2022: what was written before a failure counts, and the VMO stays grown; never appends."},
});

}  // namespace

std::span<const InfoRow> stream_infos() { return kInfos; }

std::span<const PropertyRow> stream_properties() { return kProperties; }

std::span<const Row> stream_rows() { return kRows; }

}  // namespace jacinth::kernel
