// PCI through the kernel, as old drivers use it (zircon/syscalls/pci.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/abi/layout.h"

namespace jacinth::abi {

/// The numbers of 2020.
enum class PcieIrqMode : uint32_t { kDisabled = 0, kLegacy = 1, kMsi = 2, kMsiX = 3 };

enum class PciBarType : uint32_t { kUnused = 0, kMmio = 1, kPio = 2 };

struct PciBar {
  uint32_t id = 0;
  PciBarType type = PciBarType::kUnused;
  uint64_t size = 0;
  uint64_t addr = 0;  // the port for kPio; the low half is a VMO handle for kMmio
};
static_assert(WireStruct<PciBar> && sizeof(PciBar) == 24);

struct PcieDeviceInfo {
  uint16_t vendor_id = 0;
  uint16_t device_id = 0;
  uint8_t base_class = 0;
  uint8_t sub_class = 0;
  uint8_t program_interface = 0;
  uint8_t revision_id = 0;
  uint8_t bus_id = 0;
  uint8_t dev_id = 0;
  uint8_t func_id = 0;
  uint8_t padding1 = 0;
};
static_assert(WireStruct<PcieDeviceInfo> && sizeof(PcieDeviceInfo) == 12);

inline constexpr uint32_t kPciNoIrqMapping = 0xffff'ffff;

struct PciInitIrq {
  uint32_t global_irq = 0;
  uint8_t level_triggered = 0;
  uint8_t active_high = 0;
  std::array<uint8_t, 2> padding1 = {};
};

/// A stretch of configuration space.
struct PciAddrWindow {
  uint64_t base = 0;
  uint64_t size = 0;
  uint8_t bus_start = 0;
  uint8_t bus_end = 0;
  uint8_t cfg_space_type = 0;
  uint8_t has_ecam = 0;
  std::array<uint8_t, 4> padding1 = {};
};
static_assert(WireStruct<PciAddrWindow> && sizeof(PciAddrWindow) == 24);

/// zx_pci_init. Followed by addr_window_count windows.
struct PciInitArg {
  std::array<uint32_t, 32 * 8 * 4> dev_pin_to_global_irq = {};  // by device, function and pin
  uint32_t num_irqs = 0;
  std::array<PciInitIrq, 224> irqs = {};
  uint32_t addr_window_count = 0;
};
static_assert(WireStruct<PciInitArg> && sizeof(PciInitArg) == 5896 && offsetof(PciInitArg, irqs) == 4100);

}  // namespace jacinth::abi
