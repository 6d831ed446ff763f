// Stand-in for an arm64 boot loader: a UEFI application that says it was started, reads all of
// \sources\boot.wim on the device it came from, and tells its length and its FNV-1a (32 bits). Text
// goes to the firmware's console, which is the serial line of a machine without a screen: where that
// line is, and how a machine ends itself, differs from board to board. So it tells, and halts.
//
// A PE32+ image written out by hand, laid out as the one in bootx64.s. Nothing in it needs
// relocating: every address is relative to the program counter.

        .text
        .globl  _start

        .equ    FILE_ALIGNMENT, 0x200
        .equ    SECTION_ALIGNMENT, 0x1000
        .equ    TEXT_RVA, 0x1000
        .equ    RELOC_RVA, 0x2000
        .equ    IMAGE_SIZE, 0x3000

        // UEFI specification: offsets in its tables, in bytes
        .equ    SYSTEM_CON_OUT, 0x40
        .equ    SYSTEM_BOOT_SERVICES, 0x60
        .equ    BOOT_ALLOCATE_POOL, 0x40
        .equ    BOOT_HANDLE_PROTOCOL, 0x98
        .equ    TEXT_OUTPUT_STRING, 0x08
        .equ    LOADED_IMAGE_DEVICE, 0x18
        .equ    VOLUME_OPEN, 0x08
        .equ    FILE_OPEN, 0x08
        .equ    FILE_READ, 0x20
        .equ    FILE_SET_POSITION, 0x38
        .equ    FILE_MODE_READ, 1
        .equ    LOADER_DATA, 2          // a kind of memory

        .equ    PIECE, 0x100000         // bytes read at a time

_start:
        // MS-DOS header: only the mark and the place of the PE header count
        .ascii  "MZ"
        .org    _start + 0x3C
        .long   pe_header - _start
pe_header:
        .ascii  "PE\0\0"
        // COFF header
        .short  0xAA64                  // Machine: arm64
        .short  2                       // NumberOfSections
        .long   0                       // TimeDateStamp
        .long   0, 0                    // no symbols
        .short  optional_end - optional // SizeOfOptionalHeader
        .short  0x0022                  // EXECUTABLE_IMAGE, LARGE_ADDRESS_AWARE
optional:
        .short  0x020B                  // PE32+
        .byte   0, 0                    // linker version
        .long   text_end - text         // SizeOfCode
        .long   reloc_end - reloc       // SizeOfInitializedData
        .long   0                       // SizeOfUninitializedData
        .long   TEXT_RVA + entry - text // AddressOfEntryPoint
        .long   TEXT_RVA                // BaseOfCode
        .quad   0                       // ImageBase: none preferred
        .long   SECTION_ALIGNMENT
        .long   FILE_ALIGNMENT
        .short  0, 0                    // operating system version
        .short  0, 0                    // image version
        .short  0, 0                    // subsystem version
        .long   0                       // Win32VersionValue
        .long   IMAGE_SIZE
        .long   text - _start           // SizeOfHeaders
        .long   0                       // CheckSum: not looked at without a signature
        .short  10                      // Subsystem: EFI application
        .short  0x0160                  // DllCharacteristics: NX_COMPAT, DYNAMIC_BASE, HIGH_ENTROPY_VA
        .quad   0, 0, 0, 0              // stack and heap sizes: the firmware has its own
        .long   0                       // LoaderFlags
        .long   16                      // NumberOfRvaAndSizes
        .fill   5, 8, 0                 // export, import, resource, exception, certificate
        .long   RELOC_RVA, reloc_block_end - reloc
        .fill   10, 8, 0
optional_end:
        .ascii  ".text\0\0\0"
        .long   text_end - text         // VirtualSize
        .long   TEXT_RVA
        .long   text_end - text         // SizeOfRawData
        .long   text - _start           // PointerToRawData
        .long   0, 0, 0
        .long   0x60000020              // code, execute, read
        .ascii  ".reloc\0\0"
        .long   reloc_block_end - reloc
        .long   RELOC_RVA
        .long   reloc_end - reloc
        .long   reloc - _start
        .long   0, 0, 0
        .long   0x42000040              // initialised data, discardable, read

        .balign FILE_ALIGNMENT, 0
text:
// X0 = our image handle, X1 = system table. Calls follow the procedure call standard: arguments in
// X0 to X7, stack aligned to 16.
//
// Kept throughout: X19 = system table, X20 = what was found last (a protocol or a file). It never
// returns, so it need not keep its caller's.
// Frame, from SP: 00 result, 08 length, 10 the file's first bytes, 18 buffer of a piece, 20-9F text.
entry:
        sub     sp, sp, #0xA0
        mov     x19, x1
        mov     x20, x0
        adr     x0, text_started
        bl      print

        mov     x0, x20
        adr     x1, guid_loaded_image
        bl      protocol
        cbnz    x0, no_device
        ldr     x0, [x20, #LOADED_IMAGE_DEVICE]
        adr     x1, guid_file_system
        bl      protocol
        cbnz    x0, no_device

        mov     x0, x20
        mov     x1, sp
        ldr     x8, [x20, #VOLUME_OPEN]
        blr     x8
        cbnz    x0, no_device
        ldr     x20, [sp]

        mov     x0, x20
        mov     x1, sp
        adr     x2, path_boot_wim
        mov     x3, #FILE_MODE_READ
        mov     x4, #0
        ldr     x8, [x20, #FILE_OPEN]
        blr     x8
        cbnz    x0, no_boot_wim
        ldr     x20, [sp]

        mov     x0, #8
        stp     x0, xzr, [sp, #0x08]
        mov     x0, x20
        add     x1, sp, #0x08
        add     x2, sp, #0x10
        ldr     x8, [x20, #FILE_READ]
        blr     x8
        cbnz    x0, not_a_wim
        ldp     x0, x1, [sp, #0x08]
        cmp     x0, #8                  // a shorter file gives less
        b.ne    not_a_wim
        adr     x0, wim_mark
        ldr     x0, [x0]
        cmp     x0, x1
        b.ne    not_a_wim

        // The whole of it: X21 = bytes, W22 = sum, W23 = what it is multiplied by.
        mov     x0, x20
        mov     x1, #0
        ldr     x8, [x20, #FILE_SET_POSITION]
        blr     x8
        cbnz    x0, unreadable
        mov     w0, #LOADER_DATA
        mov     x1, #PIECE
        add     x2, sp, #0x18
        ldr     x8, [x19, #SYSTEM_BOOT_SERVICES]
        ldr     x8, [x8, #BOOT_ALLOCATE_POOL]
        blr     x8
        cbnz    x0, unreadable
        mov     x21, #0
        movz    w22, #0x9DC5            // FNV's basis, 811C9DC5h
        movk    w22, #0x811C, lsl #16
        movz    w23, #0x0193            // FNV's prime, 01000193h
        movk    w23, #0x0100, lsl #16
piece:
        mov     x0, #PIECE
        str     x0, [sp, #0x08]
        mov     x0, x20
        add     x1, sp, #0x08
        ldr     x2, [sp, #0x18]
        ldr     x8, [x20, #FILE_READ]
        blr     x8
        cbnz    x0, unreadable
        ldr     x1, [sp, #0x08]
        cbz     x1, read_all
        add     x21, x21, x1
        ldr     x2, [sp, #0x18]
sum_byte:
        ldrb    w3, [x2], #1
        eor     w22, w22, w3
        mul     w22, w22, w23
        subs    x1, x1, #1
        b.ne    sum_byte
        b       piece
read_all:
        adr     x0, text_content
        add     x1, sp, #0x20
copy:
        ldrb    w2, [x0], #1
        strb    w2, [x1], #1
        cbnz    w2, copy
        mov     x0, x21
        add     x1, sp, #0x20 + LENGTH_END
        mov     w2, #16
        bl      hex
        mov     w0, w22
        add     x1, sp, #0x20 + SUM_END
        mov     w2, #8
        bl      hex
        add     x0, sp, #0x20
        bl      print

        adr     x0, text_wim
        b       tell
unreadable:
        adr     x0, text_unreadable
        b       tell
not_a_wim:
        adr     x0, text_not_a_wim
        b       tell
no_device:
        adr     x0, text_no_device
        b       tell
no_boot_wim:
        adr     x0, text_no_boot_wim
tell:
        bl      print
halt:                                   // interrupts on: the firmware's own timers go on
        wfi
        b       halt

// X20 = the protocol X1 of handle X0; X0 = 0 when it is there. Called from `entry` only, into whose
// frame its result goes.
protocol:
        stp     x29, x30, [sp, #-0x10]!
        add     x2, sp, #0x10
        ldr     x8, [x19, #SYSTEM_BOOT_SERVICES]
        ldr     x8, [x8, #BOOT_HANDLE_PROTOCOL]
        blr     x8
        ldr     x20, [sp, #0x10]
        ldp     x29, x30, [sp], #0x10
        ret

// The lowest W2 hexadecimal digits of X0 to the text, so that they end before X1.
hex:
        and     w3, w0, #0x0F
        add     w4, w3, #'0'
        cmp     w3, #9
        b.ls    hex_digit
        add     w4, w3, #'A' - 10
hex_digit:
        strb    w4, [x1, #-1]!
        lsr     x0, x0, #4
        subs    w2, w2, #1
        b.ne    hex
        ret

// The zero-terminated ASCII text at X0, at most 126 characters, as the UTF-16 that the console wants.
print:
        stp     x29, x30, [sp, #-0x10]!
        sub     sp, sp, #0x100          // the text in UTF-16
        mov     x1, sp
print_next:
        ldrb    w2, [x0], #1
        strh    w2, [x1], #2
        cbnz    w2, print_next
        ldr     x0, [x19, #SYSTEM_CON_OUT]
        cbz     x0, print_done          // a headless machine may have none
        mov     x1, sp
        ldr     x8, [x0, #TEXT_OUTPUT_STRING]
        blr     x8
print_done:
        add     sp, sp, #0x100
        ldp     x29, x30, [sp], #0x10
        ret

        .balign 8, 0
guid_loaded_image:
        .long   0x5B1B31A1
        .short  0x9562, 0x11D2
        .byte   0x8E, 0x3F, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B
guid_file_system:
        .long   0x964E5B22
        .short  0x6459, 0x11D2
        .byte   0x8E, 0x39, 0x00, 0xA0, 0xC9, 0x69, 0x72, 0x3B
wim_mark:
        .ascii  "MSWIM\0\0\0"
path_boot_wim:
        .string16 "\\sources\\boot.wim"
text_started:
        .asciz  "capmedia sample: arm64 EFI program started\r\n"
text_wim:
        .asciz  "capmedia sample: boot.wim on my device begins with MSWIM\r\n"
text_content:
        .ascii  "capmedia sample: boot.wim on my device has length="
        .ascii  "----------------"
        .equ    LENGTH_END, . - text_content
        .ascii  " sum="
        .ascii  "--------"
        .equ    SUM_END, . - text_content
        .asciz  "\r\n"
text_unreadable:
        .asciz  "capmedia sample: boot.wim on my device cannot be read to its end\r\n"
text_not_a_wim:
        .asciz  "capmedia sample: boot.wim on my device is no WIM\r\n"
text_no_boot_wim:
        .asciz  "capmedia sample: no boot.wim on my device\r\n"
text_no_device:
        .asciz  "capmedia sample: no file system on my device\r\n"

        .balign FILE_ALIGNMENT, 0
text_end:
reloc:
        .long   TEXT_RVA, reloc_block_end - reloc
        .short  0, 0                    // two entries of type ABSOLUTE: nothing to do
reloc_block_end:
        .balign FILE_ALIGNMENT, 0
reloc_end:
