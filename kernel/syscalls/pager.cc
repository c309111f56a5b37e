// User pagers. zircon/kernel/lib/syscalls/pager.cc.
//
// No call asks for a right on the pager; all but the first two ask for a VMO that this very pager made.
#include "kernel/pager/pager.h"

#include <array>
#include <vector>

#include "kernel/abi/pager.h"
#include "kernel/abi/policy.h"
#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

Status pager_create(Call& call, uint32_t options, UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewPager));
  if (options != 0) return Status::kInvalidArgs;
  return call.give(out, make_object<Pager>(call.core()), abi::default_rights(ObjectType::kPager));
}

Status pager_create_vmo(Call& call, Handle pager_handle, abi::VmoOptions options, Handle port_handle, uint64_t key,
                        uint64_t size, UserOut<Handle> out) {
  TRY_STATUS(call.policy(abi::PolicyCondition::kNewVmo));
  Ref<Pager> pager = TRY(call.get<Pager>(pager_handle, Rights::kNone));
  Ref<Port> port = TRY(call.get<Port>(port_handle, Rights::kWrite));
  Ref<Vmo> vmo = TRY(pager->create_vmo(port, key, size, options));
  return call.give(out, vmo, abi::default_rights(ObjectType::kVmo));
}

/// The VMO that a call is about.
Result<Ref<Vmo>> paged_vmo(Call& call, Handle pager_handle, Handle vmo_handle) {
  Ref<Pager> pager = TRY(call.get<Pager>(pager_handle, Rights::kNone));
  Ref<Vmo> vmo = TRY(call.get<Vmo>(vmo_handle, Rights::kNone));
  if (vmo->pager() != pager->koid()) return Status::kInvalidArgs;
  return vmo;
}

Status pager_detach_vmo(Call& call, Handle pager, Handle vmo_handle) {
  Ref<Vmo> vmo = TRY(paged_vmo(call, pager, vmo_handle));
  vmo->pages()->detach();
  return Status::kOk;
}

Status pager_supply_pages(Call& call, Handle pager, Handle vmo_handle, uint64_t offset, uint64_t length,
                          Handle aux_handle, uint64_t aux_offset) {
  if (offset % kPageSize != 0 || length % kPageSize != 0 || aux_offset % kPageSize != 0) return Status::kInvalidArgs;
  Ref<Vmo> vmo = TRY(paged_vmo(call, pager, vmo_handle));
  Ref<Vmo> aux = TRY(call.get<Vmo>(aux_handle, Rights::kRead | Rights::kWrite));
  return vmo->supply(offset, length, *aux, aux_offset);
}

/// What a pager may say of pages that it cannot bring.
bool valid_failure(uint64_t data) {
  auto number = static_cast<int64_t>(data);
  if (number < INT32_MIN || number > INT32_MAX) return false;
  switch (static_cast<Status>(number)) {
    case Status::kIo:
    case Status::kIoDataIntegrity:
    case Status::kBadState:
    case Status::kNoSpace:
    case Status::kBufferTooSmall: return true;
    default: return false;
  }
}

/// What a program may say beside the operation and its range.
bool valid_data(abi::PagerOp op, uint64_t data) {
  if (op == abi::PagerOp::kFail) return valid_failure(data);
  return data == 0 || (op == abi::PagerOp::kWritebackBegin && data == abi::raw(abi::VmoDirtyRangeOptions::kIsZero));
}

/// Begins to write back what of the pages is zeros still: what was written to since the pager asked stays dirty.
void begin_with_zeros(CowPages& pages, PageRange range) {
  std::vector<PageRange> zeros;
  pages.for_each_dirty(range, [&zeros](PageRange run, bool zero) {
    if (zero) zeros.push_back(run);
    return true;
  });
  for (PageRange run : zeros) pages.writeback_begin(run);
}

Status pager_op_range(Call& call, Handle pager, abi::PagerOp op, Handle vmo_handle, uint64_t offset, uint64_t length,
                      uint64_t data) {
  if (offset % kPageSize != 0 || length % kPageSize != 0) return Status::kInvalidArgs;
  Ref<Vmo> vmo = TRY(paged_vmo(call, pager, vmo_handle));
  if (op < abi::PagerOp::kFail || op > abi::PagerOp::kWritebackEnd) return Status::kNotSupported;
  if (!valid_data(op, data)) return Status::kInvalidArgs;
  PageRange pages = TRY(vmo->page_range(offset, length));
  switch (op) {
    case abi::PagerOp::kFail:
      vmo->pages()->source()->fail(pages, static_cast<Status>(static_cast<int64_t>(data)));
      break;
    case abi::PagerOp::kDirty: return vmo->pages()->dirty(pages);
    case abi::PagerOp::kWritebackBegin:
      data == 0 ? vmo->pages()->writeback_begin(pages) : begin_with_zeros(*vmo->pages(), pages);
      break;
    case abi::PagerOp::kWritebackEnd: vmo->pages()->writeback_end(pages); break;
  }
  return Status::kOk;
}

/// As many ranges as fit; all of them are counted only for those who want to know.
Status pager_query_dirty_ranges(Call& call, Handle pager, Handle vmo_handle, uint64_t offset, uint64_t length,
                                UserBytesOut buffer, uint64_t buffer_size, UserOut<uint64_t> actual,
                                UserOut<uint64_t> avail) {
  Ref<Vmo> vmo = TRY(paged_vmo(call, pager, vmo_handle));
  if (offset > vmo->size() || length > vmo->size() - offset) return Status::kOutOfRange;
  uint64_t first = round_down_to_page(offset);
  PageRange pages = TRY(vmo->page_range(first, round_up_to_page(offset + length) - first));

  uint64_t written = 0;
  uint64_t total = 0;
  Status status = Status::kOk;
  vmo->pages()->for_each_dirty(pages, [&](PageRange range, bool zero) {
    if (buffer_size / sizeof(abi::VmoDirtyRange) <= written) {
      ++total;
      return !avail.null();
    }
    abi::VmoDirtyRange record = {
        .offset = range.first * kPageSize,
        .length = range.count * kPageSize,
        .options = zero ? abi::VmoDirtyRangeOptions::kIsZero : abi::VmoDirtyRangeOptions::kNone};
    status = buffer.write_value(record, written * sizeof record);
    ++written;
    ++total;
    return status == Status::kOk;
  });
  TRY_STATUS(status);
  TRY_STATUS(actual.write_unless_null(written));
  return avail.write_unless_null(total);
}

Status pager_query_vmo_stats(Call& call, Handle pager, Handle vmo_handle, abi::PagerStatsOptions options,
                             UserBytesOut buffer, uint64_t buffer_size) {
  Ref<Vmo> vmo = TRY(paged_vmo(call, pager, vmo_handle));
  if (!within(options, abi::PagerStatsOptions::kResetVmoStats)) return Status::kInvalidArgs;
  if (buffer_size < sizeof(abi::PagerVmoStats)) return Status::kBufferTooSmall;
  abi::PagerVmoStats stats = {.modified = vmo->pages()->modified(false) ? 1u : 0u};
  TRY_STATUS(buffer.write_value(stats));
  if (contains(options, abi::PagerStatsOptions::kResetVmoStats)) vmo->pages()->modified(true);
  return Status::kOk;
}

constexpr auto kRows = std::to_array<Row>({
    {"zx_pager_create", bind<pager_create>, Support::kFull, "Subject to the job's policy on new pagers."},
    {"zx_pager_create_vmo", bind<pager_create_vmo>, Support::kFull,
     "With ZX_VMO_RESIZABLE and ZX_VMO_TRAP_DIRTY; one packet at a time stands in the port."},
    {"zx_pager_detach_vmo", bind<pager_detach_vmo>, Support::kFull,
     "As in 2022: clean pages go, dirty ones stay, and what is absent fails with ZX_ERR_BAD_STATE. For programs of "
     "July "
     "2020 all pages stay, what is absent is ZX_ERR_NOT_FOUND, and copies show zeros there."},
    {"zx_pager_op_range", bind<pager_op_range>, Support::kFull,
     "As in 2022: failures may also be ZX_ERR_NO_SPACE and ZX_ERR_BUFFER_TOO_SMALL; dirtying absent pages is "
     "ZX_ERR_NOT_FOUND; WRITEBACK_BEGIN takes ZX_VMO_DIRTY_RANGE_IS_ZERO, as in later kernels."},
    {"zx_pager_query_dirty_ranges", bind<pager_query_dirty_ranges>, Support::kFull,
     "As in 2022: what a VMO gained by growing counts as dirty zeros until it is written back."},
    {"zx_pager_query_vmo_stats", bind<pager_query_vmo_stats>, Support::kFull,
     "A reset takes write permission from mappings, so that the next write is noticed."},
    {"zx_pager_supply_pages", bind<pager_supply_pages>, Support::kFull,
     "As in 2022: the auxiliary VMO may be mapped, and what it lacks is supplied as zeros."},
});

}  // namespace

std::span<const Row> pager_rows() { return kRows; }

}  // namespace jacinth::kernel
