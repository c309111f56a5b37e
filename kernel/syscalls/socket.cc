// Sockets. zircon/kernel/lib/syscalls/socket.cc; their properties and info: object.cc there.
#include "kernel/ipc/socket.h"

#include <array>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/info.h"
#include "kernel/syscalls/once.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

Status socket_create(Call& call, abi::SocketType type, UserOut<Handle> out0, UserOut<Handle> out1) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewSocket));
  if (type > abi::SocketType::kDatagram) return Status::kInvalidArgs;
  auto [end0, end1] = Socket::create(call.core(), type);
  Rights rights = abi::default_rights(ObjectType::kSocket);
  if (of_july_2020(call)) rights = rights & ~Rights::kManageSocket;
  return call.give(out0, end0, out1, end1, rights);
}

Status socket_write(Call& call, Handle handle, uint32_t options, UserBytesIn buffer, uint64_t size,
                    UserOut<uint64_t> actual) {
  if ((size > 0 && buffer.null()) || options != 0) return Status::kInvalidArgs;
  Ref<Socket> socket = TRY(call.get<Socket>(handle, Rights::kWrite));
  return act_and_tell(call, actual, [&] { return socket->write(call.memory(), buffer.address(), size); });
}

Status socket_read(Call& call, Handle handle, abi::SocketReadOptions options, UserBytesOut buffer, uint64_t size,
                   UserOut<uint64_t> actual) {
  if (size > 0 && buffer.null()) return Status::kInvalidArgs;
  if (!within(options, abi::SocketReadOptions::kPeek)) return Status::kInvalidArgs;
  Ref<Socket> socket = TRY(call.get<Socket>(handle, Rights::kRead));
  bool peek = contains(options, abi::SocketReadOptions::kPeek);
  auto type = peek ? Socket::ReadType::kPeek : Socket::ReadType::kConsume;
  return act_and_tell(call, actual, [&] { return socket->read(type, call.memory(), buffer.address(), size); });
}

Status socket_set_disposition(Call& call, Handle handle, abi::SocketDisposition disposition,
                              abi::SocketDisposition disposition_peer) {
  constexpr auto kLast = abi::SocketDisposition::kWriteEnabled;
  if (disposition > kLast || disposition_peer > kLast) return Status::kInvalidArgs;
  Rights needed = of_july_2020(call) ? Rights::kWrite : Rights::kManageSocket;
  Ref<Socket> socket = TRY(call.get<Socket>(handle, needed));
  return socket->set_disposition(disposition, disposition_peer);
}

Status socket_info(InfoRequest& request) {
  Ref<Socket> socket = TRY(request.get<Socket>(Rights::kInspect));
  return request.one(socket->info());
}

constexpr auto kInfos = std::to_array<InfoRow>({{abi::InfoTopic::kSocket, socket_info}});

template <uint64_t (Socket::*kThreshold)() const>
Status get_threshold(Call&, Object& object, UserBytesOut value, uint64_t size) {
  if (size < sizeof(uint64_t)) return Status::kBufferTooSmall;
  auto* socket = object_cast<Socket>(&object);
  if (socket == nullptr) return Status::kWrongType;
  return give_property(value, size, (socket->*kThreshold)());
}

template <Status (Socket::*kSet)(uint64_t)>
Status set_threshold(Call&, Object& object, UserBytesIn value, uint64_t size) {
  if (size < sizeof(uint64_t)) return Status::kBufferTooSmall;
  auto* socket = object_cast<Socket>(&object);
  if (socket == nullptr) return Status::kWrongType;
  return (socket->*kSet)(TRY(take_property<uint64_t>(value, size)));
}

constexpr auto kProperties = std::to_array<PropertyRow>({
    {abi::Property::kSocketRxThreshold, get_threshold<&Socket::read_threshold>,
     set_threshold<&Socket::set_read_threshold>},
    {abi::Property::kSocketTxThreshold, get_threshold<&Socket::write_threshold>,
     set_threshold<&Socket::set_write_threshold>},
});

constexpr auto kRows = std::to_array<Row>({
    {"zx_socket_create", bind<socket_create>, Support::kFull,
     "Streams and datagrams; the control plane and accepting went before July 2020. Programs with a dynamic linker get "
     "no MANAGE_SOCKET, as then."},
    {"zx_socket_read", bind<socket_read>, Support::kFull,
     "In buffers of 2008 bytes, as there: what was read before a fault in the guest's buffer is lost."},
    {"zx_socket_set_disposition", bind<socket_set_disposition>, Support::kFull,
     "Needs MANAGE_SOCKET; from programs with a dynamic linker WRITE, as zx_socket_shutdown of July 2020."},
    {"zx_socket_write", bind<socket_write>, Support::kFull,
     "In buffers of 2008 bytes, as there: what was written before a fault in the guest's buffer stays. 257024 bytes "
     "fit into each direction."},
});

}  // namespace

std::span<const InfoRow> socket_infos() { return kInfos; }

std::span<const PropertyRow> socket_properties() { return kProperties; }

std::span<const Row> socket_rows() { return kRows; }

}  // namespace jacinth::kernel
