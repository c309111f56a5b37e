// A workload as all that runs on qemu-system-x86_64, which starts it by its PVH note in 32-bit mode: goes to long mode
// with 2 MiB pages that map RAM to itself, SSE on. The rounds are put into RAM by QEMU (`-device loader`); the checksum
// ends it through the isa-debug-exit device.
//
// Left out: an interrupt table. Interrupts stay off, and nothing here should raise an exception.
    .section .note.pvh, "a", @note
    .long 4, 4, 18                  // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long _start

    .section .text.start, "ax"
    .code32
    .globl _start
_start:
    movl $table_2, %edi
    movl $0x83, %eax                // Present, writable, large.
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 1b
    movl $(table_2 + 3), table_3
    movl $(table_3 + 3), table_4
    movl $table_4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x620, %eax                // PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx          // EFER
    rdmsr
    orl $0x100, %eax                // LME
    wrmsr
    movl %cr0, %eax
    andl $~4, %eax                  // Not EM
    orl $0x80000003, %eax           // PG, MP, PE
    movl %eax, %cr0
    lgdt gdtr
    ljmp $8, $2f

    .code64
2:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $stack_top, %esp

    movq 0x7000000, %rdi
    call workload

    andl $0x7f, %eax
    outl %eax, $0xf4
3:  hlt
    jmp 3b

    .balign 8
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr: .word 23
    .long gdt

    .bss
    .balign 4096
table_4: .skip 4096
table_3: .skip 4096
table_2: .skip 4096
    .skip 16384
stack_top: .skip 16
