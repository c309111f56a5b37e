// Where the rows of the table come from: one function per family of handlers, in the file of that name.
#pragma once

#include <span>

#include "kernel/syscalls/table.h"

namespace jacinth::kernel {

std::span<const Row> absent_rows();
std::span<const Row> bti_rows();
std::span<const Row> channel_rows();
std::span<const Row> clock_rows();
std::span<const Row> event_rows();
std::span<const Row> exception_rows();
std::span<const Row> fifo_rows();
std::span<const Row> futex_rows();
std::span<const Row> handle_rows();
std::span<const Row> interrupt_rows();
std::span<const Row> job_rows();
std::span<const Row> ktrace_rows();
std::span<const Row> misc_rows();
std::span<const Row> object_rows();
std::span<const Row> pager_rows();
std::span<const Row> port_rows();
std::span<const Row> process_rows();
std::span<const Row> resource_rows();
std::span<const Row> profile_rows();
std::span<const Row> restricted_rows();
std::span<const Row> socket_rows();
std::span<const Row> stream_rows();
std::span<const Row> system_rows();
std::span<const Row> task_rows();
std::span<const Row> thread_rows();
std::span<const Row> timer_rows();
std::span<const Row> vdso_rows();
std::span<const Row> vmar_rows();
std::span<const Row> vmo_rows();
std::span<const Row> wait_rows();

}  // namespace jacinth::kernel
