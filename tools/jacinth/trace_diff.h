// `jacinth trace diff`: where two recorded runs begin to do different things.
//
// Both runs are made again. Each thread's events are held against those of the thread that plays the same part in the
// other run, with everything left out that is another number in every run: koids, handles and addresses are numbered in
// the order in which the thread meets them, times do not count.
//
// Left out: the order of events of different threads, which is another with every change of timing.
#pragma once

#include <string>
#include <vector>

#include "emu/time/time.h"
#include "kernel/inspect/trace_records.h"
#include "tools/jacinth/views/view.h"

namespace jacinth::cli {

/// What one thread, or a process as a whole, did.
struct TraceSequence {
  struct Event {
    Time time;
    std::string text;
  };
  std::string who;  ///< "thread "worker" #2 of process "server" #1": the same in both runs.
  std::vector<Event> events;
};
/// All that happened in a run, in the order in which they began.
using TraceSequences = std::vector<TraceSequence>;

/// Nothing when they are the same, else what differs first, in lines; `context` lines around it.
struct TraceDifference {
  std::string text;
  uint64_t events = 0;   ///< How many were the same before it, or all together.
  size_t differing = 0;  ///< Sequences that are not the same.
};
TraceDifference compare_traces(const TraceSequences& a, const TraceSequences& b, size_t context);

struct TraceDiffRequest {
  std::string_view who = "jacinth trace diff";
  std::string a;
  std::string b;
  std::string output = "-";
  /// Which events count.
  ViewOptions view;
  size_t context = 3;
};
/// The exit code: 0 when they are the same, 1 when not, others for what is no recording.
int trace_diff(const TraceDiffRequest& request);

}  // namespace jacinth::cli
