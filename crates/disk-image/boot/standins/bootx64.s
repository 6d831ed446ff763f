# Stand-in for an x64 boot loader: a UEFI application that says it was started, reads all of
# \sources\boot.wim on the device it came from, and tells its length and its FNV-1a (32 bits). Text
# goes to the firmware's console and to COM1.
#
# A PE32+ image written out by hand, so that no linker's idea of one matters: headers, one section
# of code and constants, and an empty .reloc section, because some firmware refuses to move an image
# without one. Nothing in it needs relocating: every address is relative to RIP.
#
# QEMU's debug exit: 10h = boot.wim is a WIM that can be read to its end, or there is none; 11h = it is
# there and is not like that.

        .intel_syntax noprefix
        .text
        .globl  _start

        .equ    FILE_ALIGNMENT, 0x200
        .equ    SECTION_ALIGNMENT, 0x1000
        .equ    TEXT_RVA, 0x1000
        .equ    RELOC_RVA, 0x2000
        .equ    IMAGE_SIZE, 0x3000

        .equ    COM1, 0x3F8
        .equ    DEBUG_EXIT, 0xF4

        # UEFI specification: offsets in its tables, in bytes
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
        .equ    LOADER_DATA, 2          # a kind of memory

        .equ    PIECE, 0x100000         # bytes read at a time
        .equ    FNV_BASIS, 0x811C9DC5
        .equ    FNV_PRIME, 0x01000193

_start:
        # MS-DOS header: only the mark and the place of the PE header count
        .ascii  "MZ"
        .org    _start + 0x3C
        .long   pe_header - _start
pe_header:
        .ascii  "PE\0\0"
        # COFF header
        .short  0x8664                  # Machine: x64
        .short  2                       # NumberOfSections
        .long   0                       # TimeDateStamp
        .long   0, 0                    # no symbols
        .short  optional_end - optional # SizeOfOptionalHeader
        .short  0x0022                  # EXECUTABLE_IMAGE, LARGE_ADDRESS_AWARE
optional:
        .short  0x020B                  # PE32+
        .byte   0, 0                    # linker version
        .long   text_end - text         # SizeOfCode
        .long   reloc_end - reloc       # SizeOfInitializedData
        .long   0                       # SizeOfUninitializedData
        .long   TEXT_RVA + entry - text # AddressOfEntryPoint
        .long   TEXT_RVA                # BaseOfCode
        .quad   0                       # ImageBase: none preferred
        .long   SECTION_ALIGNMENT
        .long   FILE_ALIGNMENT
        .short  0, 0                    # operating system version
        .short  0, 0                    # image version
        .short  0, 0                    # subsystem version
        .long   0                       # Win32VersionValue
        .long   IMAGE_SIZE
        .long   text - _start           # SizeOfHeaders
        .long   0                       # CheckSum: not looked at without a signature
        .short  10                      # Subsystem: EFI application
        .short  0x0160                  # DllCharacteristics: NX_COMPAT, DYNAMIC_BASE, HIGH_ENTROPY_VA
        .quad   0, 0, 0, 0              # stack and heap sizes: the firmware has its own
        .long   0                       # LoaderFlags
        .long   16                      # NumberOfRvaAndSizes
        .fill   5, 8, 0                 # export, import, resource, exception, certificate
        .long   RELOC_RVA, reloc_block_end - reloc
        .fill   10, 8, 0
optional_end:
        .ascii  ".text\0\0\0"
        .long   text_end - text         # VirtualSize
        .long   TEXT_RVA
        .long   text_end - text         # SizeOfRawData
        .long   text - _start           # PointerToRawData
        .long   0, 0, 0
        .long   0x60000020              # code, execute, read
        .ascii  ".reloc\0\0"
        .long   reloc_block_end - reloc
        .long   RELOC_RVA
        .long   reloc_end - reloc
        .long   reloc - _start
        .long   0, 0, 0
        .long   0x42000040              # initialised data, discardable, read

        .balign FILE_ALIGNMENT, 0
text:
# RCX = our image handle, RDX = system table. Calls follow the Microsoft x64 convention: arguments
# in RCX, RDX, R8, R9 and on the stack above 32 bytes of shadow space, stack aligned to 16.
#
# Kept throughout: RBX = system table, RSI = what was found last (a protocol or a file). It never
# returns, so it need not keep its caller's.
# Frame, from RSP: 00-1F shadow, 20 fifth argument, 30 result, 38 length, 40 the file's first bytes,
# 48 buffer of a piece, 60-DF text.
entry:
        sub     rsp, 0xE8
        mov     rbx, rdx
        mov     rsi, rcx
        call    serial_start
        lea     rcx, [rip + text_started]
        call    print

        mov     rcx, rsi
        lea     rdx, [rip + guid_loaded_image]
        call    protocol
        jnz     no_device
        mov     rcx, qword ptr [rsi + LOADED_IMAGE_DEVICE]
        lea     rdx, [rip + guid_file_system]
        call    protocol
        jnz     no_device

        mov     rcx, rsi
        lea     rdx, [rsp + 0x30]
        call    qword ptr [rsi + VOLUME_OPEN]
        test    rax, rax
        jnz     no_device
        mov     rsi, qword ptr [rsp + 0x30]

        mov     rcx, rsi
        lea     rdx, [rsp + 0x30]
        lea     r8, [rip + path_boot_wim]
        mov     r9d, FILE_MODE_READ
        mov     qword ptr [rsp + 0x20], 0
        call    qword ptr [rsi + FILE_OPEN]
        test    rax, rax
        jnz     no_boot_wim
        mov     rsi, qword ptr [rsp + 0x30]

        mov     qword ptr [rsp + 0x38], 8
        mov     qword ptr [rsp + 0x40], 0
        mov     rcx, rsi
        lea     rdx, [rsp + 0x38]
        lea     r8, [rsp + 0x40]
        call    qword ptr [rsi + FILE_READ]
        test    rax, rax
        jnz     not_a_wim
        cmp     qword ptr [rsp + 0x38], 8       # a shorter file gives less
        jne     not_a_wim
        mov     rax, qword ptr [rsp + 0x40]
        cmp     rax, qword ptr [rip + wim_mark]
        jne     not_a_wim

        # The whole of it: RDI = bytes, EBP = sum.
        mov     rcx, rsi
        xor     edx, edx
        call    qword ptr [rsi + FILE_SET_POSITION]
        test    rax, rax
        jnz     unreadable
        mov     ecx, LOADER_DATA
        mov     edx, PIECE
        lea     r8, [rsp + 0x48]
        mov     rax, qword ptr [rbx + SYSTEM_BOOT_SERVICES]
        call    qword ptr [rax + BOOT_ALLOCATE_POOL]
        test    rax, rax
        jnz     unreadable
        xor     edi, edi
        mov     ebp, FNV_BASIS
piece:
        mov     qword ptr [rsp + 0x38], PIECE
        mov     rcx, rsi
        lea     rdx, [rsp + 0x38]
        mov     r8, qword ptr [rsp + 0x48]
        call    qword ptr [rsi + FILE_READ]
        test    rax, rax
        jnz     unreadable
        mov     rcx, qword ptr [rsp + 0x38]
        test    rcx, rcx
        jz      read_all
        add     rdi, rcx
        mov     rdx, qword ptr [rsp + 0x48]
sum_byte:
        movzx   eax, byte ptr [rdx]
        inc     rdx
        xor     ebp, eax
        imul    ebp, ebp, FNV_PRIME
        dec     rcx
        jnz     sum_byte
        jmp     piece
read_all:
        # The line is put together first: see `print`.
        xor     ecx, ecx
        lea     rdx, [rip + text_content]
copy:
        mov     al, byte ptr [rdx + rcx]
        mov     byte ptr [rsp + 0x60 + rcx], al
        inc     ecx
        test    al, al
        jnz     copy
        mov     rax, rdi
        lea     rdx, [rsp + 0x60 + LENGTH_END]
        mov     ecx, 16
        call    hex
        mov     eax, ebp
        lea     rdx, [rsp + 0x60 + SUM_END]
        mov     ecx, 8
        call    hex
        lea     rcx, [rsp + 0x60]
        call    print

        lea     rcx, [rip + text_wim]
        mov     sil, 0x10
        jmp     tell
unreadable:
        lea     rcx, [rip + text_unreadable]
        mov     sil, 0x11
        jmp     tell
not_a_wim:
        lea     rcx, [rip + text_not_a_wim]
        mov     sil, 0x11
        jmp     tell
no_device:
        lea     rcx, [rip + text_no_device]
        mov     sil, 0x10
        jmp     tell
no_boot_wim:
        lea     rcx, [rip + text_no_boot_wim]
        mov     sil, 0x10
tell:
        call    print
        mov     eax, esi
        out     DEBUG_EXIT, al
halt:                                   # interrupts on: the firmware's own timers go on
        hlt
        jmp     halt

# RSI = the protocol RDX of handle RCX; ZF = 1 when it is there. Called from `entry` only,
# into whose frame its result goes: 28h bytes of its own and the return address lie between.
protocol:
        sub     rsp, 0x28
        lea     r8, [rsp + 0x28 + 8 + 0x30]
        mov     rax, qword ptr [rbx + SYSTEM_BOOT_SERVICES]
        call    qword ptr [rax + BOOT_HANDLE_PROTOCOL]
        mov     rsi, qword ptr [rsp + 0x28 + 8 + 0x30]
        add     rsp, 0x28
        test    rax, rax
        ret

# The lowest ECX hexadecimal digits of RAX to the text, so that they end before RDX.
hex:
        mov     r8d, eax
        and     r8d, 0x0F
        add     r8d, '0'
        cmp     r8d, '9'
        jbe     hex_digit
        add     r8d, 'A' - '9' - 1
hex_digit:
        dec     rdx
        mov     byte ptr [rdx], r8b
        shr     rax, 4
        dec     ecx
        jnz     hex
        ret

# The zero-terminated ASCII text at RCX, at most 126 characters: first all of it to COM1, then, as
# the UTF-16 it wants, to the console. Never in turns: firmware may send its console there as well.
print:
        push    rdi
        push    rbp
        sub     rsp, 0x128              # 20-11F: the text in UTF-16
        lea     rdi, [rsp + 0x20]
print_next:
        movzx   ebp, byte ptr [rcx]
        inc     rcx
        mov     word ptr [rdi], bp
        add     rdi, 2
        test    ebp, ebp
        jz      print_end
        mov     r8d, 0x10000
        mov     dx, COM1 + 5
print_wait:
        in      al, dx
        test    al, 0x20
        jnz     print_out
        dec     r8d                     # the serial line may not be there at all
        jnz     print_wait
print_out:
        mov     dx, COM1
        mov     eax, ebp
        out     dx, al
        jmp     print_next
print_end:
        mov     rcx, qword ptr [rbx + SYSTEM_CON_OUT]
        test    rcx, rcx
        jz      print_done              # a headless machine has none
        lea     rdx, [rsp + 0x20]
        call    qword ptr [rcx + TEXT_OUTPUT_STRING]
print_done:
        add     rsp, 0x128
        pop     rbp
        pop     rdi
        ret

# 115200 baud, 8N1.
serial_start:
        mov     dx, COM1 + 3
        mov     al, 0x83                # 8N1, divisor latch open
        out     dx, al
        mov     dx, COM1
        mov     al, 1
        out     dx, al
        inc     dx
        xor     eax, eax
        out     dx, al
        mov     dx, COM1 + 3
        mov     al, 0x03
        out     dx, al
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
        .asciz  "capmedia sample: x64 EFI program started\r\n"
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
        .short  0, 0                    # two entries of type ABSOLUTE: nothing to do
reloc_block_end:
        .balign FILE_ALIGNMENT, 0
reloc_end:
