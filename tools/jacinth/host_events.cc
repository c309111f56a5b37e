#include "tools/jacinth/host_events.h"

#include <sys/time.h>

#include <algorithm>

namespace jacinth::cli {
namespace {

// A signal handler can reach nothing but these.
volatile std::sig_atomic_t g_flag = 0;
volatile std::sig_atomic_t g_wish = 0;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};

void on_signal(int signal) {
  using Wish = HostEvents::Wish;
  Wish wish = signal == SIGINT ? Wish::kInterrupt : signal == SIGALRM ? Wish::kWallLimit : Wish::kTerminate;
  if (g_wish == 0) g_wish = static_cast<std::sig_atomic_t>(wish);
  g_flag = 1;
}

void listen(int signal) {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

}  // namespace

HostEvents::HostEvents() {
  g_flag = 0;
  g_wish = 0;
  for (int signal : kSignals) listen(signal);
}

HostEvents::~HostEvents() {
  itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  for (int signal : kSignals) std::signal(signal, SIG_DFL);
}

void HostEvents::start_wall_limit(Duration limit) {
  // A timer of zero would never ring.
  int64_t us = std::max<int64_t>(limit.ns / 1000, 1);
  itimerval timer = {.it_interval = {}, .it_value = {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

const volatile std::sig_atomic_t& HostEvents::flag() const { return g_flag; }

const volatile std::sig_atomic_t& HostEvents::raised() { return g_flag; }

void HostEvents::raise_flag() { g_flag = 1; }

void HostEvents::lower_flag() { g_flag = 0; }

void HostEvents::forgive_interrupt() {
  if (wish() != Wish::kInterrupt) return;
  g_wish = 0;
  g_flag = 0;
  listen(SIGINT);
}

HostEvents::Wish HostEvents::wish() const { return static_cast<Wish>(g_wish); }

}  // namespace jacinth::cli
