// The XML documents that a client reads with qXfer: registers, threads, libraries, memory.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "emu/debug/target.h"

namespace jacinth::emu::gdb {

/// `target.xml`, with what LLDB reads in it and gdb does not mind (docs/lldb-gdb-remote.txt of LLVM).
std::string target_description(Arch arch);

/// How a client writes a thread's id.
using ThreadText = std::function<std::string(TaskId)>;
std::string thread_list(std::span<const ProcessSummary> processes, const ThreadText& id);

/// For clients that know link maps, and for those that know only addresses. gdb knows the executable from elsewhere,
/// LLDB has to be told of it here.
std::string library_list_svr4(std::span<const LoadedModule> modules, bool with_executable);
std::string library_list(std::span<const LoadedModule> modules);

/// What `info os processes` shows: every process, whether the client deals with it or not.
std::string process_list(std::span<const ProcessSummary> processes);

/// All addresses, as memory that can be written: a client keeps what it reads here while the guest maps and unmaps, so
/// anything more exact would hide memory from it later. qMemoryRegionInfo has what is really mapped.
std::string memory_map();

/// What /proc/PID/maps of Linux would say, from which gdb learns where the vDSO ends and what `info proc mappings`
/// shows.
std::string maps_text(std::span<const MemoryRegion> regions);

}  // namespace jacinth::emu::gdb
