# Stand-in for an El Torito no-emulation boot program: says that it was started, and whether all of
# its 4096 bytes were loaded.
#
# In:   07C0:0000 or 0000:7C00, DL = the drive number the firmware gave the disc.
# QEMU's debug exit: 10h = all well, 11h = only a part was loaded.

        .intel_syntax noprefix
        .code16
        .text
        .globl  _start

        .equ    LENGTH, 4096
        .equ    END_MARK, 0x54454D43    # "CMET"

_start:
        .byte   0xEA                    # CS = 0 whichever way we came
        .word   main, 0
main:
        cli
        xor     ax, ax
        mov     ss, ax
        mov     sp, offset _start
        mov     ds, ax
        mov     es, ax
        sti
        cld
        call    serial_start
        mov     si, offset text_started
        call    print
        mov     al, dl
        call    print_byte
        mov     si, offset text_whole
        mov     bl, 0x10
        cmp     dword ptr [end_mark], END_MARK
        je      tell
        mov     si, offset text_part
        mov     bl, 0x11
tell:
        call    print
        mov     al, bl
        jmp     leave_machine

text_started:
        .asciz  "capmedia sample: El Torito BIOS boot program started, drive="
text_whole:
        .asciz  " 4096 bytes ok\r\n"
text_part:
        .asciz  " 4096 bytes BAD\r\n"

        .include "console.s"

        .org    _start + LENGTH - 4
end_mark:
        .long   END_MARK
