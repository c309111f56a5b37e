#include "emu/cpu/unicorn/unicorn_cpu.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "emu/base/check.h"
#include "emu/cpu/disassembler.h"

namespace jacinth::emu {
namespace {

/// Where the boot stub lies: physical addresses beyond any board's RAM and devices.
constexpr uint64_t kBootAddress = 0xff'ffff'0000;

/// Where a page of RAM is seen a second time for one store, so that the engine does not notice that it holds code.
constexpr uint64_t kAliasAddress = 0xff'fffe'0000;

}  // namespace

void uc_check(uc_err error, const char* what) { CHECK(error == UC_ERR_OK, "{}: {}", what, uc_strerror(error)); }

std::unique_ptr<Cpu> make_cpu(const CpuOptions& options, PhysicalMemory& memory, Bus& bus, CpuClient& client,
                              CodeCoherence& coherence) {
  return std::make_unique<UnicornCpu>(options, memory, bus, client, coherence);
}

UnicornCpu::UnicornCpu(const CpuOptions& options, PhysicalMemory& memory, Bus& bus, CpuClient& client,
                       CodeCoherence& coherence)
    : arch_(options.arch == Arch::kArm64 ? unicorn_arm64() : unicorn_x86_64()),
      trap_(arch_.trap_registers()),
      stepping_(options.stepping),
      blocks_(options.blocks),
      memory_(memory),
      bus_(bus),
      client_(client),
      coherence_(coherence),
      uc_(arch_.open()) {
  uc_check(uc_mem_map_ptr(uc_, memory_.base().value, memory_.size(), UC_PROT_ALL, memory_.host_base()), "map RAM");
  for (const Bus::Region& region : bus_.regions()) {
    auto window = std::make_unique<MmioWindow>(MmioWindow{this, region.base});
    uc_check(uc_mmio_map(uc_, region.base.value, region.size, on_mmio_read, window.get(), on_mmio_write, window.get()),
             "map a device");
    windows_.push_back(std::move(window));
  }
  uc_check(uc_ctl_tlb_mode(uc_, UC_TLB_VIRTUAL), "virtual TLB");
  // Without exits enabled, every start would look up its `until` as an address to stop at.
  uc_check(uc_ctl_exits_enable(uc_), "exits");

  add_hook(UC_HOOK_TLB_FILL, reinterpret_cast<void*>(on_tlb_fill));
  void* boot_page = mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(boot_page != MAP_FAILED);
  boot_page_ = static_cast<std::byte*>(boot_page);
  uc_check(uc_mem_map_ptr(uc_, kBootAddress, kPageSize, UC_PROT_ALL, boot_page_), "map the boot stub");
  arch_.boot(*this, kBootAddress, boot_page_);
  booting_ = false;
  uc_check(uc_mem_unmap(uc_, kBootAddress, kPageSize), "unmap the boot stub");
  munmap(boot_page, kPageSize);
  boot_page_ = nullptr;
  code_stale_ = true;

  // A block hook sees each block once; a stepping core looks at each instruction with the same eyes.
  add_hook(options.stepping ? UC_HOOK_CODE : UC_HOOK_BLOCK,
           reinterpret_cast<void*>(blocks_ != nullptr ? on_block_listened : on_block));
  if (arch() == Arch::kArm64) add_hook(UC_HOOK_EDGE_GENERATED, reinterpret_cast<void*>(on_edge));
  spare_sweeps();
  add_hook(UC_HOOK_INSN_INVALID, reinterpret_cast<void*>(on_invalid_instruction));
  arch_.add_hooks(*this);
  uc_check(uc_context_alloc(uc_, &pristine_), "allocate a context");
  uc_check(uc_context_save(uc_, pristine_), "save a context");
  coherence_.add(*this);
}

UnicornCpu::~UnicornCpu() {
  coherence_.remove(*this);
  uc_context_free(pristine_);
  uc_close(uc_);
}

void UnicornCpu::add_hook(int type, void* callback, int instruction) {
  uc_hook handle = 0;
  uc_check(uc_hook_add(uc_, &handle, type, callback, this, 1, 0, instruction), "add a hook");
}

/// With each block that the engine translates it goes through all entries of its TLB, to notice writes to the block: a
/// seventh of the time of a short arm64 program. Here no page is code and writable in the TLB at once (translate()),
/// and it leaves that out where a memory hook is set, of any kind. RAM, which physical addresses are for, stays without
/// one: there it would make every store slow.
void UnicornCpu::spare_sweeps() {
  auto never_called = +[](uc_engine*, uc_mem_type, uint64_t, int, int64_t, void*) { return false; };
  uc_hook handle = 0;
  uint64_t after_ram = memory_.base().value + memory_.size();
  uc_check(uc_hook_add(uc_, &handle, UC_HOOK_MEM_FETCH_PROT, reinterpret_cast<void*>(never_called), this, after_ram,
                       ~uint64_t{0}),
           "add a hook");
}

// --- Running ---

Stop UnicornCpu::run(uint64_t budget, uint64_t limit) {
  CHECK(!running_ && !booting_);
  running_ = true;
  soft_ = counted_ + std::min(budget, kUnlimited - counted_);
  hard_ = counted_ + std::min(limit, kUnlimited - counted_);
  update_threshold();
  stop_ = {};
  stopping_ = false;
  uint64_t idle_pc = ~uint64_t{0};
  while (!stopping_) {
    bool own_store = std::exchange(own_store_, false);
    clean_up();
    if (own_store) {
      step_over_own_store();
      continue;
    }
    fault_pending_ = false;
    uint64_t before = counted_;
    uint64_t start = pc();
    if (!arch_.aligned(start)) [[unlikely]] {
      arch_.raise_misaligned(*this, start);
      break;
    }
    uc_err error = emulate(start);
    if (stopping_) break;
    if (refused_) [[unlikely]] {
      stop_.reason = *std::exchange(refused_, std::nullopt);
      break;
    }
    if (retry_) continue;
    if (fault_pending_ && error != UC_ERR_OK) {
      if (!arch_.aligned(pc())) [[unlikely]] {  // Comes before the fault of the fetch.
        arch_.raise_misaligned(*this, pc());
        break;
      }
      ExceptionInfo info{.kind = ExceptionInfo::Kind::kPageFault, .pc = GuestAddr(pc()), .access = fault_access_};
      info.address = fault_page_;
      info.present = fault_.kind == WalkFault::Kind::kPermission;
      if (fault_access_ != AccessKind::kExecute) uncount_from(info.pc.value);
      arch_.describe_page_fault(*this, fault_, info);
      raise(info);
      break;
    }
    // The engine came back by itself: a wait or yield hint is a no-op here. What makes no progress twice at the same
    // place is something we do not know, which must not become a loop.
    if (counted_ == before && idle_pc == pc()) {
      raise({.kind = ExceptionInfo::Kind::kGeneral, .pc = GuestAddr(pc()), .vector = static_cast<uint32_t>(error)});
      break;
    }
    idle_pc = pc();
  }
  running_ = false;
  midway_ = stop_.reason == Stop::Reason::kLimit || stop_.reason == Stop::Reason::kHeld ||
            stop_.reason == Stop::Reason::kWatched || stop_.reason == Stop::Reason::kStepped;
  soft_ = hard_ = kUnlimited;
  update_threshold();
  if (stop_.reason == Stop::Reason::kException) {
    // The engine remembers an exception as if its handler were still running: a second one would become a double fault.
    Registers registers;
    arch_.save(uc_, registers);
    uc_check(uc_context_restore(uc_, pristine_), "restore a context");
    arch_.load(uc_, registers);
  }
  return stop_;
}

Stop UnicornCpu::step(uint64_t budget, uint64_t limit) {
  CHECK(stepping_, "a core that runs blocks cannot step");
  step_from_ = counted_;
  Stop stop = run(budget, limit);
  step_from_.reset();
  return stop;
}

uc_err UnicornCpu::emulate(uint64_t from, std::optional<uint64_t> exit) {
  uint64_t exits[] = {exit.value_or(0)};
  if (exit) uc_check(uc_ctl_set_exits(uc_, exits, 1), "set an exit");
  engine_running_ = true;
  uc_err error = uc_emu_start(uc_, from, 0, 0, 0);
  engine_running_ = false;
  if (exit) uc_check(uc_ctl_set_exits(uc_, exits, 0), "clear the exits");
  return error;
}

void UnicornCpu::set_budget(uint64_t budget) {
  uint64_t executed = counted_ - overshoot_;
  soft_ = executed + std::min(budget, kUnlimited - executed);
  update_threshold();
}

void UnicornCpu::stop_with(Stop::Reason reason) {
  stop_.reason = reason;
  stopping_ = true;
  uc_emu_stop(uc_);
}

void UnicornCpu::request_stop() {
  if (running_ && !stopping_) stop_with(Stop::Reason::kRequested);
}

void UnicornCpu::on_block(uc_engine*, uint64_t address, uint32_t size, void* user_data) {
  // Before every block: the way out is a tail call, so that this needs no stack.
  UnicornCpu& cpu = of(user_data);
  uint64_t after = cpu.counted_ + size;
  if (after > cpu.threshold_) [[unlikely]]
    return cpu.on_block_near_limit(address, size);
  cpu.counted_ = after;
  cpu.block_ = address;
  cpu.block_size_ = size;
}

void UnicornCpu::on_block_listened(uc_engine* uc, uint64_t address, uint32_t size, void* user_data) {
  on_block(uc, address, size, user_data);
  UnicornCpu& cpu = of(user_data);
  if (!cpu.stopping_ && cpu.block_ == address) cpu.blocks_->block(cpu.page_table(), GuestAddr(address), size);
}

/// The slow side of on_block: the block runs only if it may although a limit is near.
void UnicornCpu::on_block_near_limit(uint64_t address, uint32_t size) {
  if (stepping_over_) {
    // One instruction was asked for: what comes second does not run.
    if (block_ != kNoBlock) uc_emu_stop(uc_);
    block_ = address;
    return;
  }
  if (misaligned_ && !arch_.aligned(address)) {
    misaligned_ = false;
    code_stale_ = true;  // The block would be found without a word the next time.
    return arch_.raise_misaligned(*this, address);
  }
  if (step_from_ && counted_ != *step_from_) {
    stop_.transfer = address != block_ + block_size_;
    return stop_with(Stop::Reason::kStepped);
  }
  // The budget comes first: whether a limit happens to lie here must not decide where a slice ends.
  if (counted_ >= soft_ && address != block_ + block_size_) return stop_with(Stop::Reason::kBudget);
  if (counted_ + size > hard_) return stop_with(Stop::Reason::kLimit);
  counted_ += size;
  block_ = address;
  block_size_ = size;
}

uint64_t UnicornCpu::ahead_of(uint64_t pc) const { return pc - block_ <= block_size_ ? block_ + block_size_ - pc : 0; }

void UnicornCpu::uncount_from(uint64_t end) {
  uint64_t ahead = ahead_of(end);
  counted_ -= ahead;
  block_size_ -= static_cast<uint32_t>(ahead);
}

uint64_t UnicornCpu::take_executed() {
  uint64_t executed = counted_ - overshoot_;
  uint64_t result = executed - taken_;
  taken_ = executed;
  return result;
}

void UnicornCpu::save(Registers& registers) {
  arch_.save(uc_, registers);
  registers.exclusive = 0;
  registers.exclusive_address = 0;
  registers.exclusive_value = {};
  if (midway_) [[unlikely]]
    arch_.save_stopped(*this, registers);
  if (trap_end_) registers.pc = *trap_end_;
}

void UnicornCpu::load(const Registers& registers) {
  arch_.load(uc_, registers);
  if (registers.exclusive != 0) [[unlikely]]
    arch_.load_stopped(*this, registers);
  midway_ = registers.exclusive != 0;
  // Whoever runs on here has settled already whether this is a transfer point.
  block_ = registers.pc;
  block_size_ = 0;
}

void UnicornCpu::read_trap(size_t first, size_t count) {
  void* values[std::tuple_size_v<decltype(trap_values_)>];
  CHECK(first + count <= std::size(values));
  for (size_t i = 0; i < count; ++i) values[i] = &trap_values_[first + i];
  int* registers = const_cast<int*>(trap_.number_and_arguments.data()) + first;
  uc_reg_read_batch(uc_, registers, values, static_cast<int>(count));
}

void UnicornCpu::trap_arguments(std::span<uint64_t> arguments) {
  if (arguments.size() > trap_arguments_) read_trap(1 + trap_arguments_, arguments.size() - trap_arguments_);
  for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = trap_values_[1 + i];
  site_of(*trap_end_).arguments = static_cast<uint32_t>(arguments.size());
}

void UnicornCpu::set_result(int64_t result) { write(trap_.result, static_cast<uint64_t>(result)); }

// --- Traps and exceptions ---

UnicornCpu::TrapSite& UnicornCpu::site_of(uint64_t end) {
  TrapSite& site = trap_sites_[slot_of(end)];
  if (site.end != end) [[unlikely]]
    site = {.end = end};
  return site;
}

void UnicornCpu::on_system_call(uint64_t end) {
  uncount_from(end);
  end_block();
  trap_end_ = end;
  trap_arguments_ = site_of(end).arguments;
  trap_values_[0] = 0;  // The engine writes half of it for a register of 32 bits.
  read_trap(0, 1 + trap_arguments_);
  bool go_on = client_.system_call(*this);
  trap_end_.reset();
  if (!go_on && !stopping_) stop_with(Stop::Reason::kSystemCall);
}

uint64_t UnicornCpu::on_counter(uint64_t end) {
  overshoot_ = ahead_of(end);
  uint64_t value = client_.counter(*this);
  overshoot_ = 0;
  return value;
}

void UnicornCpu::raise(const ExceptionInfo& info) {
  end_block();
  stop_.exception = info;
  stop_with(Stop::Reason::kException);
}

/// The engine has translated a block that it came to for the first time. It takes any address for one of instructions,
/// and a check in on_block() would cost each block; but a block must be made before it can run.
void UnicornCpu::on_edge(uc_engine*, uc_tb* block, uc_tb*, void* user_data) {
  UnicornCpu& cpu = of(user_data);
  if (cpu.arch_.aligned(block->pc)) [[likely]]
    return;
  cpu.misaligned_ = true;
  cpu.update_threshold();
}

bool UnicornCpu::on_invalid_instruction(uc_engine*, void* user_data) {
  UnicornCpu& cpu = of(user_data);
  cpu.arch_.exception(cpu, UnicornArch::kInvalidInstruction);
  return true;
}

size_t UnicornCpu::read_code(uint64_t pc, uint8_t* bytes, size_t size) const {
  return peek(arch_.arch(), memory_, root_, GuestAddr(pc), {bytes, size}).size();
}

// --- Translation ---

void UnicornCpu::set_page_table(PhysAddr root) {
  if (root == root_ && !tlb_stale_) return;
  root_ = root;
  flush_tlb();
}

void UnicornCpu::flush_tlb() {
  trap_sites_ = {};
  // While guest code runs, the engine must not go on with what it has; otherwise the next run() does it once for all.
  if (running_) {
    uc_check(uc_ctl_flush_tlb(uc_), "flush the TLB");
  } else {
    tlb_stale_ = true;
  }
}

void UnicornCpu::forget_code(PhysAddr page) {
  if (!code_pages_.contains(page.value)) return;
  trap_sites_ = {};
  // The code buffer cannot be emptied under the feet of running code: leave at the end of the current block.
  code_stale_ = true;
  if (running_ && !stopping_) {
    retry_ = true;
    uc_emu_stop(uc_);
  }
}

void UnicornCpu::clean_up() {
  retry_ = false;
  if (code_stale_) {
    uc_check(uc_ctl_flush_tb(uc_), "flush translations");
    code_pages_.clear();
    code_stale_ = false;
    tlb_stale_ = true;
  }
  if (tlb_stale_) {
    uc_check(uc_ctl_flush_tlb(uc_), "flush the TLB");
    tlb_stale_ = false;
  }
}

bool UnicornCpu::on_tlb_fill(uc_engine*, uint64_t address, uc_mem_type type, uc_tlb_entry* entry, void* user_data) {
  UnicornCpu& cpu = of(user_data);
  if (!cpu.engine_running_ || cpu.booting_) [[unlikely]] {
    // The boot stub, or the engine looking for translations to drop while it maps and unmaps: any answer will do, and a
    // failure would be remembered as a fault of the next run.
    entry->paddr = address;
    entry->perms = UC_PROT_ALL;
    cpu.tlb_stale_ = true;
    return true;
  }
  AccessKind access = type == UC_MEM_FETCH   ? AccessKind::kExecute
                      : type == UC_MEM_WRITE ? AccessKind::kWrite
                                             : AccessKind::kRead;
  return cpu.fill(GuestAddr(address), access, *entry);
}

bool UnicornCpu::refuse(AccessKind access, Stop::Reason reason) {
  if (access != AccessKind::kExecute) uncount_from(pc());
  refused_ = reason;
  own_store_ = false;
  return false;
}

const WatchedPage* UnicornCpu::watched(GuestAddr page) const {
  for (const WatchedPage& watched : watched_pages_) {
    if (watched.page == page) return &watched;
  }
  return nullptr;
}

bool UnicornCpu::fill(GuestAddr page, AccessKind access, uc_tlb_entry& entry) {
  hold_ = false;
  WalkFault fault;
  if (!translate(page, access, entry, fault)) {
    // The PC is exact here: the engine restored it before it called us.
    overshoot_ = access == AccessKind::kExecute ? 0 : ahead_of(pc());
    bool resolved = client_.page_fault(*this, page, access);
    overshoot_ = 0;
    if (!resolved || !translate(page, access, entry, fault)) {
      fault_pending_ = true;
      fault_ = fault;
      fault_page_ = page;
      fault_access_ = access;
      return false;
    }
    if (hold_) [[unlikely]]
      return refuse(access, Stop::Reason::kHeld);
  }
  if (!watched_pages_.empty()) [[unlikely]] {
    if (const WatchedPage* page_watch = watched(page)) {
      if (access == AccessKind::kRead ? page_watch->read : access == AccessKind::kWrite && page_watch->write)
        return refuse(access, Stop::Reason::kWatched);
      // What comes with the entry besides the access itself has to come back.
      if (page_watch->write && access != AccessKind::kWrite)
        entry.perms = static_cast<uc_prot>(entry.perms & ~UC_PROT_WRITE);
      if (page_watch->read && access != AccessKind::kRead)
        entry.perms = static_cast<uc_prot>(entry.perms & ~UC_PROT_READ);
    }
  }
  if (!retry_) [[likely]]
    return true;
  // The page was code of this very engine: its translations go first, then the access runs again.
  if (access != AccessKind::kExecute) uncount_from(pc());
  return false;
}

std::optional<PhysAddr> UnicornCpu::frame_of(uint64_t address) const {
  auto translation = probe(arch_.arch(), memory_, root_, GuestAddr(address));
  if (!translation) return std::nullopt;
  return translation->address.page();
}

bool UnicornCpu::translate(GuestAddr page, AccessKind access, uc_tlb_entry& entry, WalkFault& fault) {
  auto translation = walk(arch_.arch(), memory_, root_, page, access);
  if (!translation) {
    fault = translation.error();
    return false;
  }
  PhysAddr frame = translation->address;
  PagePermissions allowed = translation->permissions;
  entry.paddr = frame.value;
  if (!memory_.contains(frame)) [[unlikely]] {
    entry.perms = static_cast<uc_prot>(UC_PROT_READ | UC_PROT_WRITE);
    if (access != AccessKind::kExecute && bus_.find(frame) != nullptr) return true;
    fault = {.kind = WalkFault::Kind::kAddressSize};
    return false;
  }
  if (access == AccessKind::kExecute) {
    coherence_.fetched(frame);
    code_pages_.insert(frame.value);
    entry.perms = static_cast<uc_prot>(UC_PROT_EXEC | (allowed.read ? UC_PROT_READ : UC_PROT_NONE));
    return true;
  }
  if (access == AccessKind::kWrite) {
    if (coherence_.is_code(frame)) {
      auto here = stepping_over_ ? frame_of(pc()) : std::nullopt;
      if (here && *here == frame) {
        // Alone on the page, through an alias that the engine takes for other memory. All cores have dropped what they
        // translated from it, this one will again.
        memory_.clear_notes(frame, PhysicalMemory::kCode);
        memory_.note_write(frame);
        std::byte* host = memory_.host_base() + (frame - memory_.base());
        uc_check(uc_mem_map_ptr(uc_, kAliasAddress, kPageSize, UC_PROT_ALL, host), "map an alias");
        entry.paddr = kAliasAddress;
        entry.perms = static_cast<uc_prot>(UC_PROT_WRITE | (allowed.read ? UC_PROT_READ : UC_PROT_NONE));
        return true;
      }
      own_store_ = frame_of(pc()) == frame;
    }
    memory_.note_write(frame);
    memory_.set_notes(frame, PhysicalMemory::kWritableInTlb);
    entry.perms = static_cast<uc_prot>(UC_PROT_WRITE | (allowed.read ? UC_PROT_READ : UC_PROT_NONE));
    return true;
  }
  // A clean or tracked page is handed out read-only, so that its first write comes back to us; and code stays
  // read-only.
  bool write = allowed.write && translation->dirty &&
               (memory_.notes(frame) & (PhysicalMemory::kTouched | PhysicalMemory::kTracked | PhysicalMemory::kCode)) ==
                   PhysicalMemory::kTouched;
  if (write) memory_.set_notes(frame, PhysicalMemory::kWritableInTlb);
  entry.perms = static_cast<uc_prot>(UC_PROT_READ | (write ? UC_PROT_WRITE : UC_PROT_NONE));
  return true;
}

void UnicornCpu::step_over_own_store() {
  uint8_t code[16];
  uint64_t from = pc();
  size_t size = read_code(from, code, sizeof code);
  uint32_t length = size == 0 ? 0 : disassemble(arch(), {code, size}, GuestAddr(from)).size;

  // The instruction in a block of its own: translations are gone (forget_code), and an exit stands behind it.
  stepping_over_ = true;
  update_threshold();
  fault_pending_ = false;
  end_block();
  uc_err error = emulate(from, from + length);
  stepping_over_ = false;
  update_threshold();
  // Whatever was translated on the way is gone with the alias.
  uc_check(uc_ctl_flush_tb(uc_), "flush translations");
  uc_check(uc_ctl_flush_tlb(uc_), "flush the TLB");
  uc_mem_unmap(uc_, kAliasAddress, kPageSize);
  code_pages_.clear();
  block_ = from;
  block_size_ = 0;
  if (fault_pending_ && error != UC_ERR_OK) return;  // It faults after all: the ordinary way reports it.
  counted_ += length;
  block_ = from + length;
  block_size_ = 0;
  if (pc() == block_) return;
  if (counted_ >= soft_) {
    stop_.reason = Stop::Reason::kBudget;
    stopping_ = true;
  }
  end_block();
}

// --- For debuggers ---

void UnicornCpu::set_breakpoints(std::span<const GuestAddr> addresses) {
  for (uc_hook hook : breakpoints_) uc_check(uc_hook_del(uc_, hook), "remove a breakpoint");
  breakpoints_.clear();
  for (GuestAddr address : addresses) {
    uc_hook hook = 0;
    uc_check(uc_hook_add(uc_, &hook, UC_HOOK_CODE, reinterpret_cast<void*>(on_breakpoint), this, address.value,
                         address.value),
             "add a breakpoint");
    breakpoints_.push_back(hook);
  }
  code_stale_ = true;  // Hooks are part of what was translated.
}

void UnicornCpu::set_watched_pages(std::span<const WatchedPage> pages) {
  watched_pages_.assign(pages.begin(), pages.end());
  flush_tlb();
}

void UnicornCpu::on_breakpoint(uc_engine*, uint64_t address, uint32_t, void* user_data) {
  UnicornCpu& cpu = of(user_data);
  if (cpu.stopping_ || cpu.stepping_over_ || cpu.booting_) return;
  cpu.overshoot_ = cpu.ahead_of(address);
  bool stop = cpu.client_.breakpoint(cpu, GuestAddr(address));
  cpu.overshoot_ = 0;
  if (!stop) return;
  cpu.uncount_from(address);
  cpu.stop_with(Stop::Reason::kHeld);
}

// --- Devices ---

uint64_t UnicornCpu::on_mmio_read(uc_engine*, uint64_t offset, unsigned size, void* user_data) {
  auto& window = *static_cast<MmioWindow*>(user_data);
  window.cpu->overshoot_ = window.cpu->ahead_of(window.cpu->pc());
  uint64_t value = window.cpu->bus_.read(window.base + offset, size);
  window.cpu->overshoot_ = 0;
  return value;
}

void UnicornCpu::on_mmio_write(uc_engine*, uint64_t offset, unsigned size, uint64_t value, void* user_data) {
  auto& window = *static_cast<MmioWindow*>(user_data);
  window.cpu->overshoot_ = window.cpu->ahead_of(window.cpu->pc());
  window.cpu->bus_.write(window.base + offset, size, value);
  window.cpu->overshoot_ = 0;
}

}  // namespace jacinth::emu
