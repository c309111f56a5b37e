/* PCI through the kernel. */
#pragma once

#include <zircon/generated/pci.h>
#include <zircon/types.h>

__BEGIN_CDECLS

typedef uint32_t zx_pci_bar_types_t;

typedef struct zx_pci_bar {
  uint32_t id;
  uint32_t type;
  size_t size;
  union {
    uintptr_t addr;
    struct {
      zx_handle_t handle;
      uint8_t padding1[4];
    };
  };
} zx_pci_bar_t;

typedef struct zx_pcie_device_info {
  uint16_t vendor_id;
  uint16_t device_id;
  uint8_t base_class;
  uint8_t sub_class;
  uint8_t program_interface;
  uint8_t revision_id;
  uint8_t bus_id;
  uint8_t dev_id;
  uint8_t func_id;
  uint8_t padding1;
} zx_pcie_device_info_t;

/* The interrupt of each pin, by device and function. */
typedef uint32_t zx_pci_irq_swizzle_lut_t[ZX_PCI_MAX_DEVICES_PER_BUS][ZX_PCI_MAX_FUNCTIONS_PER_DEVICE]
                                         [ZX_PCI_MAX_LEGACY_IRQ_PINS];

typedef struct zx_pci_init_arg {
  zx_pci_irq_swizzle_lut_t dev_pin_to_global_irq;
  uint32_t num_irqs;
  struct {
    uint32_t global_irq;
    bool level_triggered;
    bool active_high;
    uint8_t padding1[2];
  } irqs[ZX_PCI_MAX_IRQS];
  uint32_t addr_window_count;
  struct {
    uint64_t base;
    size_t size;
    uint8_t bus_start;
    uint8_t bus_end;
    uint8_t cfg_space_type;
    bool has_ecam;
    uint8_t padding1[4];
  } addr_windows[];
} zx_pci_init_arg_t;

__END_CDECLS
