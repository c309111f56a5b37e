// A workload as all that runs on qemu-system-aarch64 -M virt: EL1, with the MMU on and one block that maps RAM to
// itself. The rounds are put into RAM by QEMU (`-device loader`); the checksum ends it through semihosting.
//
// Left out: exception vectors. Nothing here should raise one.
    .section .text.start, "ax"
    .globl _start
_start:
    mov x0, #(3 << 20)
    msr cpacr_el1, x0               // FP and SIMD.
    ldr x0, =0x00000000000000ff
    msr mair_el1, x0                // Attribute 0: normal memory, write-back.
    ldr x0, =0x0000000080803519     // 39-bit addresses, 4 KiB granule, write-back walks; no upper half.
    msr tcr_el1, x0
    adrp x1, table
    ldr x0, =0x40000701             // 1 GiB at 0x40000000: a block, accessed, inner shareable, attribute 0.
    str x0, [x1, #8]
    msr ttbr0_el1, x1
    isb
    mrs x0, sctlr_el1
    mov x2, #0x1005                 // MMU and caches.
    orr x0, x0, x2
    msr sctlr_el1, x0
    isb
    adrp x0, stack_top
    mov sp, x0

    ldr x1, =0x47000000
    ldr x0, [x1]
    bl workload

    and x0, x0, #0x7f
    adrp x1, exit_block
    ldr x2, =0x20026                // ADP_Stopped_ApplicationExit
    str x2, [x1]
    str x0, [x1, #8]
    mov x0, #0x18                   // SYS_EXIT
    hlt #0xf000
1:  b 1b

    .bss
    .balign 4096
table: .skip 4096
exit_block: .skip 16
    .balign 4096
    .skip 16384
stack_top: .skip 16
