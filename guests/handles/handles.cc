// Handles: their values, rights, and what becomes of them.
#include "guests/lib/guest.h"

using namespace guest;

namespace {

zx_info_handle_basic_t basic_info(zx_handle_t handle) {
  zx_info_handle_basic_t info = {};
  expect_ok(zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &info, sizeof info, nullptr, nullptr));
  return info;
}

Handle make_event() {
  Handle event;
  require_ok(zx_event_create(0, event.out()));
  return event;
}

TEST("a handle is never 0 and has both low bits set") {
  Handle handles[20];
  for (Handle& handle : handles) {
    handle = make_event();
    expect(handle != ZX_HANDLE_INVALID);
    expect_eq(handle & 3, 3);
  }
}

TEST("two handles to one object differ, their koid does not") {
  Handle event = make_event(), same = duplicate(event), other = make_event();
  expect(event != same);
  expect_eq(basic_info(event).koid, basic_info(same).koid);
  expect(basic_info(event).koid != basic_info(other).koid);
  expect_eq(basic_info(event).type, ZX_OBJ_TYPE_EVENT);
}

TEST("the two ends of a channel name each other as related") {
  Channel channel;
  expect_eq(basic_info(channel.a).related_koid, basic_info(channel.b).koid);
  expect_eq(basic_info(channel.b).related_koid, basic_info(channel.a).koid);
}

TEST("a duplicate has the rights asked for, and signals the same object") {
  Handle event = make_event(), waiter = duplicate(event, ZX_RIGHT_WAIT);
  expect_eq(basic_info(waiter).rights, ZX_RIGHT_WAIT);
  expect_ok(zx_object_signal(event, 0, ZX_EVENT_SIGNALED));
  expect_eq(signals_of(waiter) & ZX_EVENT_SIGNALED, ZX_EVENT_SIGNALED);
}

TEST("a duplicate cannot have more rights than its source") {
  Handle event = make_event(), weak = duplicate(event, ZX_RIGHT_WAIT | ZX_RIGHT_DUPLICATE), more;
  expect_status(zx_handle_duplicate(weak, ZX_RIGHT_WAIT | ZX_RIGHT_SIGNAL, more.out()), ZX_ERR_INVALID_ARGS);
  expect_eq(basic_info(weak).rights, ZX_RIGHT_WAIT | ZX_RIGHT_DUPLICATE);
}

TEST("only a handle that may be duplicated can be duplicated") {
  Handle event = make_event(), single = duplicate(event, ZX_RIGHT_WAIT), copy;
  expect_status(zx_handle_duplicate(single, ZX_RIGHT_SAME_RIGHTS, copy.out()), ZX_ERR_ACCESS_DENIED);
}

TEST("replacing a handle ends the old value") {
  zx_handle_t old = make_event().release();
  Handle fresh;
  expect_ok(zx_handle_replace(old, ZX_RIGHT_WAIT, fresh.out()));
  expect_eq(basic_info(fresh).rights, ZX_RIGHT_WAIT);
  expect_status(zx_handle_close(old), ZX_ERR_BAD_HANDLE);
}

TEST("a refused replacement ends the old value too") {
  Handle event = make_event();
  zx_handle_t old = duplicate(event, ZX_RIGHT_WAIT).release();
  Handle fresh;
  expect_status(zx_handle_replace(old, ZX_RIGHT_WAIT | ZX_RIGHT_SIGNAL, fresh.out()), ZX_ERR_INVALID_ARGS);
  expect_status(zx_handle_close(old), ZX_ERR_BAD_HANDLE);
}

TEST("closing no handle is fine, closing one twice is not") {
  expect_ok(zx_handle_close(ZX_HANDLE_INVALID));
  zx_handle_t event = make_event().release();
  expect_ok(zx_handle_close(event));
  expect_status(zx_handle_close(event), ZX_ERR_BAD_HANDLE);
}

TEST("closing many closes all it can and says when one was bad") {
  zx_handle_t gone = make_event().release();
  zx_handle_close(gone);
  zx_handle_t list[] = {make_event().release(), ZX_HANDLE_INVALID, gone, make_event().release()};
  expect_status(zx_handle_close_many(list, 4), ZX_ERR_BAD_HANDLE);
  expect_status(zx_handle_close(list[0]), ZX_ERR_BAD_HANDLE);
  expect_status(zx_handle_close(list[3]), ZX_ERR_BAD_HANDLE);

  zx_handle_t good[] = {make_event().release(), ZX_HANDLE_INVALID};
  expect_ok(zx_handle_close_many(good, 2));
}

TEST("a call looks at the handle first, then its type, then its rights") {
  Channel channel;
  Handle event = make_event(), mute = duplicate(event, ZX_RIGHT_WAIT);
  zx_handle_t gone = make_event().release();
  zx_handle_close(gone);
  expect_status(zx_timer_cancel(gone), ZX_ERR_BAD_HANDLE);
  expect_status(zx_timer_cancel(mute), ZX_ERR_WRONG_TYPE);
  expect_status(zx_object_signal(mute, 0, ZX_EVENT_SIGNALED), ZX_ERR_ACCESS_DENIED);
}

TEST("the count of handles follows duplicates and closes") {
  Handle event = make_event();
  zx_info_handle_count_t info = {};
  expect_ok(zx_object_get_info(event, ZX_INFO_HANDLE_COUNT, &info, sizeof info, nullptr, nullptr));
  expect_eq(info.handle_count, 1);
  Handle second = duplicate(event), third = duplicate(event);
  second.reset();
  expect_ok(zx_object_get_info(event, ZX_INFO_HANDLE_COUNT, &info, sizeof info, nullptr, nullptr));
  expect_eq(info.handle_count, 2);
}

TEST("a short buffer for a record is refused, and the record counted as available") {
  Handle event = make_event();
  uint32_t word = 0;
  size_t actual = 99, available = 99;
  expect_status(zx_object_get_info(event, ZX_INFO_HANDLE_BASIC, &word, sizeof word, &actual, &available),
                ZX_ERR_BUFFER_TOO_SMALL);
  expect_eq(actual, 0);
  expect_eq(available, 1);
}

TEST("a hundred thousand handles come and go") {
  for (int i = 0; i < 100000; ++i) {
    zx_handle_t event;
    if (zx_event_create(0, &event) != ZX_OK || zx_handle_close(event) != ZX_OK) {
      expect(!"an event and its handle");
      return;
    }
  }
}

TEST("a name is kept to 31 characters") {
  Handle vmo = make_vmo(4096);
  const char given[] = "a name that is longer than thirty-two characters";
  char name[ZX_MAX_NAME_LEN] = {};
  expect_ok(zx_object_set_property(vmo, ZX_PROP_NAME, given, sizeof given - 1));
  expect_ok(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof name));
  expect_text(name, "a name that is longer than thir");
  expect_status(zx_object_get_property(vmo, ZX_PROP_NAME, name, sizeof name - 1), ZX_ERR_BUFFER_TOO_SMALL);
}

}  // namespace
