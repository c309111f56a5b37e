// The kernel as the machine sees it: traps, faults and alarms come in here, threads to run go out.
//
//   machine --system_call--> Kernel --table--> handler --verb--> object
//           --schedule-----> Kernel --> Scheduler::choose
//
// Each entry ends by settling what it set off (kernel/task/tasks.h), so that between entries every object is alive or
// gone, never in between.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernel/abi/info_system.h"
#include "kernel/ipc/console_input.h"
#include "kernel/object/core.h"
#include "kernel/platform/platform.h"
#include "kernel/syscalls/attendant.h"
#include "kernel/syscalls/injection.h"
#include "kernel/syscalls/table.h"
#include "kernel/syscalls/unsupported.h"
#include "kernel/task/job.h"
#include "kernel/task/ktrace.h"
#include "kernel/task/memory_watchdog.h"
#include "kernel/task/process.h"
#include "kernel/task/tasks.h"
#include "kernel/task/thread.h"
#include "kernel/vdso/given.h"
#include "kernel/vm/vm.h"
#include "kernel/vm/vmo.h"

namespace jacinth::kernel {

struct KernelOptions {
  /// Kernel command line options.
  Options options;
  /// System calls are refused unless they come from the vDSO. Unit tests, which have no vDSO, turn it off.
  bool only_from_vdso = true;
  /// Results to put in the place of calls.
  std::vector<Injection> injections;
  /// What processes get for a vDSO; null: ours.
  std::shared_ptr<const GivenVdso> vdso = nullptr;
};

/// Why there is nothing more to run.
struct Outcome {
  enum class Kind : uint8_t {
    kExited,       ///< The initial process is dead: `return_code` is the run's.
    kPoweredOff,   ///< A program switched the machine off, or wanted it to begin anew.
    kUnsupported,  ///< Something that we lack was used, and the policy is to stop there.
    kOutOfMemory,  ///< Memory ran out, and the machine rebooted for it.
  };
  Kind kind = Kind::kExited;
  int64_t return_code = 0;
};

class Kernel final : public KernelEntry {
 public:
  Kernel(Platform& platform, KernelOptions options);
  ~Kernel() override;

  Core& core() { return core_; }
  Vm& vm() { return vm_; }
  Tasks& tasks() { return tasks_; }
  const Ref<Job>& root_job() const { return root_job_; }
  /// The image of the vDSO with this machine's constants in it, made at first use.
  Result<Ref<Vmo>> vdso_vmo();
  /// How much memory is left, and who is told.
  MemoryWatchdog& watchdog() { return watchdog_; }
  UnsupportedLedger& unsupported() { return unsupported_; }
  Ktrace& ktrace() { return ktrace_; }
  /// Null: no call's result is put in.
  Injector* injector() { return injector_.get(); }
  /// What the UTC of July 2020 is ahead of the machine's own clock.
  Duration& utc_offset() { return utc_offset_; }
  /// How fast each CPU is said to be, exactly as it was said.
  std::vector<abi::CpuPerformanceScale>& performance() { return performance_; }
  /// What comes in at the serial console.
  ConsoleInput& console_input() { return console_input_; }
  /// The run is over: nothing runs any more.
  void power_off() { outcome_ = Outcome{.kind = Outcome::Kind::kPoweredOff}; }
  /// Who serves programs on this kernel's behalf; null: nobody. It outlives the kernel, or says null when it goes.
  void set_attendant(Attendant* attendant) { attendant_ = attendant; }
  /// What ZX_INFO_CPU_STATS says.
  abi::InfoCpuStats cpu_stats(unsigned cpu) const;

  /// The process whose end is the end of the run.
  void set_initial_process(Ref<Process> process) { initial_process_ = std::move(process); }
  const Ref<Process>& initial_process() const { return initial_process_; }
  /// Once there is one, schedule() has nothing to run any more.
  const std::optional<Outcome>& outcome() const { return outcome_; }
  /// Every thread that waits, in koid order: who waits on what when nothing can go on.
  std::vector<Thread*> blocked_threads();

  /// Runs what a kernel thread would: tests and the boot code settle what they did.
  void settle() { leave(); }
  /// A handler found something that we lack.
  void report_unsupported(Thread& thread, std::string_view call, std::string_view option, Status status);

  // KernelEntry.
  ThreadContext* schedule(unsigned cpu) override;
  ThreadContext* current(unsigned cpu) override;
  bool work_waiting() const override;
  Duration slice(unsigned cpu) const override;
  size_t argument_count(uint64_t number) const override;
  Next system_call(unsigned cpu, const Trap& trap, int64_t& result) override;
  bool page_fault(unsigned cpu, GuestAddr page, AccessKind access) override;
  Next page_fault_stop(unsigned cpu, const ExceptionInfo& fault) override;
  Next exception(unsigned cpu, const ExceptionInfo& info) override;
  void alarm() override;
  bool finished() const override { return outcome_.has_value(); }
  /// Lets go of everything, and leaves memory as it is: both are about to be replaced, this by state().
  void forget();
  void state(Archive& ar) override;

 private:
  bool accepts(const Thread& thread, const Trap& trap) const;
  void take_given_vdso();
  void translate(const Thread& thread, Trap& trap) const;
  static int64_t unknown_call(Call& call);
  Next refuse(Thread& thread, int64_t& result);
  bool run_call(Thread& thread, int64_t& result);
  void attend(Thread& thread);
  bool leads_nowhere(AddressSpace& space, const ExceptionInfo& fault);
  Next deliver(Thread& thread, const ExceptionInfo& info, uint32_t synth_code = 0);
  void leave();
  void attend_to_services();
  /// Does what a kernel does besides, once its time has come.
  void tick();
  /// Of everything: before it is loaded anew or ends.
  void let_go();

  Vm vm_;
  Core core_;
  Tasks tasks_;
  MemoryWatchdog watchdog_;
  bool only_from_vdso_;
  /// Handlers by number, and for each byte of the vDSO's code the number that may return there.
  std::vector<Handler> handlers_;
  std::vector<uint8_t> argument_counts_;
  std::vector<uint16_t> return_sites_;
  /// With a vDSO that is not ours, which call each of these is, and where those begin that we lack.
  std::shared_ptr<const GivenVdso> given_vdso_;
  std::vector<uint16_t> given_calls_;
  uint16_t first_unknown_ = 0;
  Ref<Job> root_job_;
  Ref<Vmo> vdso_vmo_;
  Ref<Process> initial_process_;
  /// What each CPU came to the kernel for.
  struct CpuCounts {
    uint64_t system_calls = 0;
    uint64_t page_faults = 0;
    void state(Archive& ar);
  };
  std::vector<CpuCounts> cpu_counts_;
  std::optional<Outcome> outcome_;
  Ktrace ktrace_;
  Duration utc_offset_;
  std::vector<abi::CpuPerformanceScale> performance_;
  ConsoleInput console_input_;
  UnsupportedLedger unsupported_;
  Attendant* attendant_ = nullptr;
  std::unique_ptr<Injector> injector_;
};

}  // namespace jacinth::kernel
