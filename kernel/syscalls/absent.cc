// Calls that we lack, with what a program gets instead. A family that comes to life takes its rows from here.
#include <array>

#include "kernel/syscalls/families.h"

namespace jacinth::kernel {
namespace {

constexpr auto kRows = std::to_array<Row>({
    {"zx_framebuffer_get_info", unsupported, Support::kAbsent, "No board has a boot framebuffer."},
    {"zx_framebuffer_set_range", unsupported, Support::kAbsent, "No board has a boot framebuffer."},
    {"zx_guest_create", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_guest_set_trap", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_interrupt_bind_vcpu", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_ioports_release", unsupported, Support::kAbsent, "No board has I/O ports for programs."},
    {"zx_ioports_request", unsupported, Support::kAbsent, "No board has I/O ports for programs."},
    {"zx_msi_allocate", unsupported, Support::kAbsent, "No board has message signalled interrupts."},
    {"zx_msi_create", unsupported, Support::kAbsent, "No board has message signalled interrupts."},
    {"zx_mtrace_control", unsupported, Support::kAbsent, "No board has the hardware for it."},
    {"zx_pc_firmware_tables", unsupported, Support::kAbsent, "No board has firmware tables of a PC."},
    {"zx_pci_add_subtract_io_range", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_cfg_pio_rw", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_config_read", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_config_write", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_enable_bus_master", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_get_bar", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_get_nth_device", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_init", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_map_interrupt", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_query_irq_mode", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_reset_device", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_pci_set_irq_mode", unsupported, Support::kAbsent, "No board has a PCI bus for programs."},
    {"zx_smc_call", unsupported, Support::kAbsent, "No board has firmware that answers secure monitor calls."},
    {"zx_vcpu_create", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_vcpu_enter", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_vcpu_interrupt", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_vcpu_kick", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_vcpu_read_state", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
    {"zx_vcpu_write_state", unsupported, Support::kAbsent, "Guests of guests: no board has a hypervisor."},
});

}  // namespace

std::span<const Row> absent_rows() { return kRows; }

}  // namespace jacinth::kernel
