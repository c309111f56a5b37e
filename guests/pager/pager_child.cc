// A pager in a process of its own: sends a VMO to its parent, brings in its pages as they are asked for, allows every
// write, and leaves when the parent hangs up. Its exit code tells how much it was asked.
#include "guests/lib/guest.h"
#include "guests/pager/served.h"

using namespace guest;

int main() {
  constexpr uint64_t kHangUp = 1, kPaging = 2;
  Handle channel(zx_take_startup_handle(PA_HND(PA_USER0, 0)));
  Handle port, pager, vmo, aux = make_vmo(kPage);
  require_ok(zx_port_create(0, port.out()));
  require_ok(zx_pager_create(0, pager.out()));
  require_ok(zx_pager_create_vmo(pager, ZX_VMO_TRAP_DIRTY, port, kPaging, kPages * kPage, vmo.out()));
  zx_handle_t given = duplicate(vmo).release();
  require_ok(zx_channel_write(channel, 0, nullptr, 0, &given, 1));
  require_ok(zx_object_wait_async(channel, port, kHangUp, ZX_CHANNEL_PEER_CLOSED, 0));

  int reads = 0, writes = 0;
  for (;;) {
    zx_port_packet_t packet = {};
    require_ok(zx_port_wait(port, ZX_TIME_INFINITE, &packet));
    if (packet.key == kHangUp) {
      expect_ok(zx_pager_detach_vmo(pager, vmo));
      continue;
    }
    expect_eq(packet.type, ZX_PKT_TYPE_PAGE_REQUEST);
    const zx_packet_page_request_t& request = packet.page_request;
    if (request.command == ZX_PAGER_VMO_COMPLETE) break;
    if (request.command == ZX_PAGER_VMO_DIRTY) {
      ++writes;
      expect_ok(zx_pager_op_range(pager, ZX_PAGER_OP_DIRTY, vmo, request.offset, request.length, 0));
      continue;
    }
    ++reads;
    for (uint64_t at = request.offset; at < request.offset + request.length; at += kPage) {
      if (at / kPage == kBadPage) {
        expect_ok(zx_pager_op_range(pager, ZX_PAGER_OP_FAIL, vmo, at, kPage, static_cast<uint64_t>(ZX_ERR_IO)));
        continue;
      }
      const uint64_t word = first_word(at / kPage);
      expect_ok(zx_vmo_write(aux, &word, 0, sizeof word));
      expect_ok(zx_pager_supply_pages(pager, vmo, at, kPage, aux, 0));
    }
  }
  return guest_failures() != 0 ? 255 : reads * 10 + writes;
}
