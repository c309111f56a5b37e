// FIFOs. zircon/kernel/lib/syscalls/fifo.cc.
#include "kernel/ipc/fifo.h"

#include <array>
#include <bit>

#include "kernel/syscalls/families.h"
#include "kernel/syscalls/once.h"
#include "kernel/syscalls/revision.h"

namespace jacinth::kernel {
namespace {

Status fifo_create(Call& call, uint64_t elem_count, uint64_t elem_size, uint32_t, UserOut<Handle> out0,
                   UserOut<Handle> out1) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewFifo));
  if (of_july_2020(call) && !std::has_single_bit(elem_count)) return Status::kOutOfRange;
  auto [end0, end1] = TRY(Fifo::create(call.core(), elem_count, elem_size));
  return call.give(out0, end0, out1, end1, abi::default_rights(ObjectType::kFifo));
}

Status fifo_write(Call& call, Handle handle, uint64_t elem_size, UserBytesIn data, uint64_t count,
                  UserOut<uint64_t> actual_count) {
  Ref<Fifo> fifo = TRY(call.get<Fifo>(handle, Rights::kWrite));
  return act_and_tell(call, actual_count, [&] { return fifo->write(elem_size, call.memory(), data.address(), count); });
}

Status fifo_read(Call& call, Handle handle, uint64_t elem_size, UserBytesOut data, uint64_t count,
                 UserOut<uint64_t> actual_count) {
  Ref<Fifo> fifo = TRY(call.get<Fifo>(handle, Rights::kRead));
  return act_and_tell(call, actual_count, [&] { return fifo->read(elem_size, call.memory(), data.address(), count); });
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_fifo_create", bind<fifo_create>, Support::kFull,
     "As in 2022, any count that fits; for programs with a dynamic linker only powers of two, as in July 2020. The "
     "kernel never looks at the options."},
    {"zx_fifo_read", bind<fifo_read>, Support::kFull,
     "A fault in the buffer takes nothing; one in the count comes when the elements are taken."},
    {"zx_fifo_write", bind<fifo_write>, Support::kFull,
     "A fault in the buffer sends nothing; one in the count comes when the elements are sent."},
});

}  // namespace

std::span<const Row> fifo_rows() { return kRows; }

}  // namespace jacinth::kernel
