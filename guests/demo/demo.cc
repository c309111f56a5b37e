// One parent, two children, one port.
//
// The parent makes a job, and in it two processes out of executables it carries in its own image. They share a VMO:
// the painter draws into it, the counter reads it. The parent sleeps on one port and hears there of everything:
// messages of both, a timer, an event that the counter raises, and the end of both processes.
//
// Everything is paced by deadlines in the machine's virtual time, so that the account is the same on every board.
#include "guests/demo/studio.h"

using namespace guest;
using namespace studio;

CHILD_IMAGE(painter);
CHILD_IMAGE(counter);

namespace {

/// What a packet's key says.
enum Key : uint64_t { kPainterSpoke, kCounterSpoke, kTick, kEventRaised, kPainterEnded, kCounterEnded };

constexpr zx_duration_t kRowInterval = 10 * kMillisecond;
constexpr zx_duration_t kTickInterval = 47 * kMillisecond;

class Parent {
 public:
  Parent() {
    require_ok(zx_job_create(zx_job_default(), 0, job_.out()));
    require_ok(zx_object_set_property(job_, ZX_PROP_NAME, "studio", 6));
    require_ok(zx_port_create(0, port_.out()));
    require_ok(zx_event_create(0, event_.out()));
    require_ok(zx_timer_create(0, ZX_CLOCK_MONOTONIC, timer_.out()));
    canvas_ = make_vmo(sizeof(Canvas));
    print("A job, and in it a painter and a counter, each a process out of a VMO; between them a canvas.\n");
    painter_ = start("painter", CHILD_BYTES(painter), CHILD_SIZE(painter), &to_painter_, false);
    counter_ = start("counter", CHILD_BYTES(counter), CHILD_SIZE(counter), &to_counter_, true);
  }

  int run() {
    watch(to_painter_, kPainterSpoke, ZX_CHANNEL_READABLE);
    watch(to_counter_, kCounterSpoke, ZX_CHANNEL_READABLE);
    watch(timer_, kTick, ZX_TIMER_SIGNALED);
    watch(event_, kEventRaised, ZX_EVENT_SIGNALED);
    watch(painter_, kPainterEnded, ZX_PROCESS_TERMINATED);
    watch(counter_, kCounterEnded, ZX_PROCESS_TERMINATED);

    start_ = zx_clock_get_monotonic();
    require_ok(zx_timer_set(timer_, start_ + kTickInterval, 0));
    send(to_painter_, {.start = start_, .interval = kRowInterval});
    Mapping canvas(canvas_, sizeof(Canvas), ZX_VM_PERM_READ);

    for (int running = 2; running > 0;) {
      zx_port_packet_t packet = {};
      require_ok(zx_port_wait(port_, ZX_TIME_INFINITE, &packet));
      switch (packet.key) {
        case kPainterSpoke: forward_row(); break;
        case kCounterSpoke: show_row(*canvas.as<Canvas>()); break;
        case kTick: tick(); break;
        case kEventRaised: say("event", "the counter has found %d cells of the set", kMany); break;
        case kPainterEnded: painter_ended(), --running; break;
        case kCounterEnded: say_end("counter", counter_), --running; break;
      }
    }
    return finish();
  }

 private:
  Handle start(const char* name, const char* image, size_t size, Handle* ours, bool with_event) {
    Channel channel;
    SpawnHandle handles[3] = {{kChannel, channel.b.release()}, {kCanvas, duplicate(canvas_).release()}};
    if (with_event) handles[2] = {kEvent, duplicate(event_).release()};
    const SpawnRequest request = {
        .name = name,
        .image = image,
        .image_size = size,
        .job = job_,
        .handles = handles,
        .handle_count = with_event ? 3u : 2u,
    };
    Handle process;
    require_ok(spawn(&request, process.out()));
    *ours = static_cast<Handle&&>(channel.a);
    return process;
  }

  void watch(zx_handle_t object, Key key, zx_signals_t signals) {
    require_ok(zx_object_wait_async(object, port_, key, signals, 0));
  }

  /// A line of the account: when, by which kind of packet, what.
  __attribute__((format(printf, 3, 4))) void say(const char* kind, const char* format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    format_arguments(text, sizeof text, format, arguments);
    va_end(arguments);
    print("%4d ms  %-8s %s\n", static_cast<int>((zx_clock_get_monotonic() - start_) / kMillisecond), kind, text);
  }

  /// The painter finished a row: the counter shall look at it.
  void forward_row() {
    Note note;
    if (!receive(to_painter_, &note)) return;
    send(to_counter_, note);
    watch(to_painter_, kPainterSpoke, ZX_CHANNEL_READABLE);
  }

  void show_row(const Canvas& canvas) {
    Note note;
    if (!receive(to_counter_, &note)) return;
    say("channel", "|%.*s| %2d inside, %3ld so far", kColumns, canvas.row[note.row], note.cells,
        static_cast<long>(note.total));
    total_ = note.total;
    watch(to_counter_, kCounterSpoke, ZX_CHANNEL_READABLE);
    if (++rows_shown_ == kRows) to_painter_.reset();  // The painter sees us hang up.
  }

  void tick() {
    say("timer", "tick %d", ++ticks_);
    require_ok(zx_timer_set(timer_, start_ + kTickInterval * (ticks_ + 1), 0));
    watch(timer_, kTick, ZX_TIMER_SIGNALED);
  }

  void painter_ended() {
    say_end("painter", painter_);
    to_counter_.reset();
  }

  void say_end(const char* name, zx_handle_t process) {
    int64_t code = 0;
    require_ok(wait_for_exit(process, &code));
    say("process", "the %s ended and returned %ld", name, static_cast<long>(code));
    returned_ += code;
  }

  int finish() {
    expect_eq(rows_shown_, kRows);
    expect_eq(returned_, kRows + total_);
    expect(signals_of(job_) & ZX_JOB_NO_PROCESSES);
    print("The job is empty. %s\n", guest_failures() == 0 ? "All as it should be." : "Something is wrong.");
    return guest_failures();
  }

  Handle job_, port_, event_, timer_, canvas_;
  Handle to_painter_, to_counter_;
  Handle painter_, counter_;
  zx_time_t start_ = 0;
  int rows_shown_ = 0;
  int ticks_ = 0;
  int64_t total_ = 0;
  int64_t returned_ = 0;
};

}  // namespace

int main() { return Parent().run(); }
