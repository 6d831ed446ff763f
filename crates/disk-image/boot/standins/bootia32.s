# Stand-in for an x86 boot loader: a UEFI application of 32 bits that says it was started, reads all of
# \sources\boot.wim on the device it came from, and tells its length and its FNV-1a (32 bits). Text
# goes to the firmware's console and to COM1.
#
# A PE32 image written out by hand, laid out as the PE32+ one in bootx64.s. Nothing in it needs
# relocating: every address is relative to `here`, whose own is in EBP.
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

        # UEFI specification: offsets in its tables, in bytes, where a pointer has 4
        .equ    SYSTEM_CON_OUT, 0x2C
        .equ    SYSTEM_BOOT_SERVICES, 0x3C
        .equ    BOOT_ALLOCATE_POOL, 0x2C
        .equ    BOOT_HANDLE_PROTOCOL, 0x58
        .equ    TEXT_OUTPUT_STRING, 0x04
        .equ    LOADED_IMAGE_DEVICE, 0x0C
        .equ    VOLUME_OPEN, 0x08       # behind a revision of 8 bytes
        .equ    FILE_OPEN, 0x08
        .equ    FILE_READ, 0x14
        .equ    FILE_SET_POSITION, 0x20
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
        .short  0x014C                  # Machine: i386
        .short  2                       # NumberOfSections
        .long   0                       # TimeDateStamp
        .long   0, 0                    # no symbols
        .short  optional_end - optional # SizeOfOptionalHeader
        .short  0x0102                  # EXECUTABLE_IMAGE, 32BIT_MACHINE
optional:
        .short  0x010B                  # PE32
        .byte   0, 0                    # linker version
        .long   text_end - text         # SizeOfCode
        .long   reloc_end - reloc       # SizeOfInitializedData
        .long   0                       # SizeOfUninitializedData
        .long   TEXT_RVA + entry - text # AddressOfEntryPoint
        .long   TEXT_RVA                # BaseOfCode
        .long   RELOC_RVA               # BaseOfData
        .long   0                       # ImageBase: none preferred
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
        .short  0x0140                  # DllCharacteristics: NX_COMPAT, DYNAMIC_BASE
        .long   0, 0, 0, 0              # stack and heap sizes: the firmware has its own
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
# On the stack: the return address, our image handle, the system table. Calls follow the C convention
# of i386: arguments on the stack, the first one lowest, and the caller takes them off again.
#
# Kept throughout: EBP = where `here` is, EBX = system table, ESI = what was found last (a protocol or
# a file). It never returns, so it need not keep its caller's.
# Frame, from ESP between calls: 00 result, 04 length, 08 the file's first bytes, 10 buffer of a piece,
# 14 how many bytes there were in all (64 bits), 20-9F text.
entry:
        mov     esi, dword ptr [esp + 0x04]
        mov     ebx, dword ptr [esp + 0x08]
        sub     esp, 0xA0
        call    here
here:
        pop     ebp
        call    serial_start
        lea     ecx, [ebp + text_started - here]
        call    print

        mov     ecx, esi
        lea     edx, [ebp + guid_loaded_image - here]
        call    protocol
        jnz     no_device
        mov     ecx, dword ptr [esi + LOADED_IMAGE_DEVICE]
        lea     edx, [ebp + guid_file_system - here]
        call    protocol
        jnz     no_device

        mov     eax, esp
        push    eax
        push    esi
        call    dword ptr [esi + VOLUME_OPEN]
        add     esp, 0x08
        test    eax, eax
        jnz     no_device
        mov     esi, dword ptr [esp]

        mov     eax, esp
        push    0                       # attributes, 64 bits
        push    0
        push    0                       # mode, 64 bits
        push    FILE_MODE_READ
        lea     ecx, [ebp + path_boot_wim - here]
        push    ecx
        push    eax
        push    esi
        call    dword ptr [esi + FILE_OPEN]
        add     esp, 0x1C
        test    eax, eax
        jnz     no_boot_wim
        mov     esi, dword ptr [esp]

        lea     ecx, [esp + 0x08]
        mov     eax, 8
        call    read
        jnz     not_a_wim
        cmp     dword ptr [esp + 0x04], 8       # a shorter file gives less
        jne     not_a_wim
        mov     eax, dword ptr [esp + 0x08]
        cmp     eax, dword ptr [ebp + wim_mark - here]
        jne     not_a_wim
        mov     eax, dword ptr [esp + 0x0C]
        cmp     eax, dword ptr [ebp + wim_mark + 4 - here]
        jne     not_a_wim

        # The whole of it: bytes in the frame, EDI = sum.
        push    0                       # position, 64 bits
        push    0
        push    esi
        call    dword ptr [esi + FILE_SET_POSITION]
        add     esp, 0x0C
        test    eax, eax
        jnz     unreadable
        lea     eax, [esp + 0x10]
        push    eax
        push    PIECE
        push    LOADER_DATA
        mov     eax, dword ptr [ebx + SYSTEM_BOOT_SERVICES]
        call    dword ptr [eax + BOOT_ALLOCATE_POOL]
        add     esp, 0x0C
        test    eax, eax
        jnz     unreadable
        mov     dword ptr [esp + 0x14], 0
        mov     dword ptr [esp + 0x18], 0
        mov     edi, FNV_BASIS
piece:
        mov     ecx, dword ptr [esp + 0x10]
        mov     eax, PIECE
        call    read
        jnz     unreadable
        mov     ecx, dword ptr [esp + 0x04]
        test    ecx, ecx
        jz      read_all
        add     dword ptr [esp + 0x14], ecx
        adc     dword ptr [esp + 0x18], 0
        mov     edx, dword ptr [esp + 0x10]
sum_byte:
        movzx   eax, byte ptr [edx]
        inc     edx
        xor     edi, eax
        imul    edi, edi, FNV_PRIME
        dec     ecx
        jnz     sum_byte
        jmp     piece
read_all:
        # The line is put together first: see `print`.
        xor     ecx, ecx
copy:
        mov     al, byte ptr [ebp + ecx + text_content - here]
        mov     byte ptr [esp + ecx + 0x20], al
        inc     ecx
        test    al, al
        jnz     copy
        mov     eax, dword ptr [esp + 0x14]
        lea     edx, [esp + 0x20 + LENGTH_END]
        call    hex
        mov     eax, dword ptr [esp + 0x18]
        call    hex
        mov     eax, edi
        lea     edx, [esp + 0x20 + SUM_END]
        call    hex
        lea     ecx, [esp + 0x20]
        call    print

        lea     ecx, [ebp + text_wim - here]
        mov     edi, 0x10
        jmp     tell
unreadable:
        lea     ecx, [ebp + text_unreadable - here]
        mov     edi, 0x11
        jmp     tell
not_a_wim:
        lea     ecx, [ebp + text_not_a_wim - here]
        mov     edi, 0x11
        jmp     tell
no_device:
        lea     ecx, [ebp + text_no_device - here]
        mov     edi, 0x10
        jmp     tell
no_boot_wim:
        lea     ecx, [ebp + text_no_boot_wim - here]
        mov     edi, 0x10
tell:
        call    print
        mov     eax, edi
        out     DEBUG_EXIT, al
halt:                                   # interrupts on: the firmware's own timers go on
        hlt
        jmp     halt

# ESI = the protocol EDX of handle ECX; ZF = 1 when it is there. Called from `entry` only, into whose
# frame its result goes.
protocol:
        lea     eax, [esp + 0x04]
        push    eax
        push    edx
        push    ecx
        mov     eax, dword ptr [ebx + SYSTEM_BOOT_SERVICES]
        call    dword ptr [eax + BOOT_HANDLE_PROTOCOL]
        add     esp, 0x0C
        mov     esi, dword ptr [esp + 0x04]
        test    eax, eax
        ret

# EAX bytes of the file ESI to ECX; ZF = 1 when that went well. Called from `entry` only, in whose
# frame it says how many there were.
read:
        mov     dword ptr [esp + 0x04 + 0x04], eax
        lea     eax, [esp + 0x04 + 0x04]
        push    ecx
        push    eax
        push    esi
        call    dword ptr [esi + FILE_READ]
        add     esp, 0x0C
        test    eax, eax
        ret

# The eight hexadecimal digits of EAX to the text, so that they end before EDX, which then is where
# they begin.
hex:
        mov     ecx, 8
hex_next:
        push    eax
        and     al, 0x0F
        add     al, '0'
        cmp     al, '9'
        jbe     hex_digit
        add     al, 'A' - '9' - 1
hex_digit:
        dec     edx
        mov     byte ptr [edx], al
        pop     eax
        shr     eax, 4
        dec     ecx
        jnz     hex_next
        ret

# The zero-terminated ASCII text at ECX, at most 126 characters: first all of it to COM1, then, as
# the UTF-16 it wants, to the console. Never in turns: firmware may send its console there as well.
print:
        push    edi
        push    esi
        sub     esp, 0x100              # the text in UTF-16
        mov     edi, esp
print_next:
        movzx   esi, byte ptr [ecx]
        inc     ecx
        mov     word ptr [edi], si
        add     edi, 2
        test    esi, esi
        jz      print_end
        push    ecx
        mov     ecx, 0x10000
        mov     dx, COM1 + 5
print_wait:
        in      al, dx
        test    al, 0x20
        jnz     print_out
        dec     ecx                     # the serial line may not be there at all
        jnz     print_wait
print_out:
        pop     ecx
        mov     dx, COM1
        mov     eax, esi
        out     dx, al
        jmp     print_next
print_end:
        mov     ecx, dword ptr [ebx + SYSTEM_CON_OUT]
        test    ecx, ecx
        jz      print_done              # a headless machine has none
        mov     eax, esp
        push    eax
        push    ecx
        call    dword ptr [ecx + TEXT_OUTPUT_STRING]
        add     esp, 0x08
print_done:
        add     esp, 0x100
        pop     esi
        pop     edi
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
        .asciz  "capmedia sample: x86 EFI program started\r\n"
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
