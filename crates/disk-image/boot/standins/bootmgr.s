# Stand-in for BOOTMGR: tells how it was entered, what the drive in DL reads, and whether the whole
# file is in memory.
#
# This is the head of a file of any length up to 512 KiB. Header, little-endian:
#   00  3  jump
#   03  5  "CMBM" and 0
#   08  4  length of the whole file in bytes
#   0C  4  FNV-1a (32 bits) of the whole file with the bytes 08-0F taken as zero
# Not a plain sum of bytes: that would not see two sectors that changed places.
#
# In:   2000:0000, SS:SP = 0000:7C00, DS = ES = FS = GS = 0, DL = drive, BPB at 0000:7C00; from a
#       disc all of the BPB is 0 but the drive number.
# QEMU's debug exit: 10h = all well, 11h = something is not as it should be.

        .intel_syntax noprefix
        .code16
        .text
        .globl  _start

        .equ    SEGMENT, 0x2000
        .equ    BOOT_SECTOR, 0x7C00
        .equ    HIDDEN_SECTORS, BOOT_SECTOR + 0x1C
        .equ    DRIVE, BOOT_SECTOR + 0x40
        .equ    BPB_COMPARED, 0x40      # bytes of the boot sector before the drive number
        .equ    BUFFER_SEGMENT, 0x1000  # 64 KiB that nobody uses here
        .equ    FIRST_DESCRIPTOR, 16    # of an ISO 9660 volume, in sectors of 2048 bytes
        .equ    FNV_BASIS, 0x811C9DC5
        .equ    FNV_PRIME, 0x01000193

_start:
        .byte   0xE9                    # three bytes, whatever the distance
        .word   main - . - 2
        .ascii  "CMBM\0"
length: .long   0
expected:
        .long   0
head_end:

# Everything is saved before anything is changed.
main:
        mov     word ptr cs:[entry_sp], sp
        mov     word ptr cs:[entry_ds], ds
        mov     word ptr cs:[entry_cs], cs
        push    cs
        pop     ds
        mov     word ptr [entry_ss], ss
        mov     word ptr [entry_es], es
        mov     word ptr [entry_fs], fs
        mov     word ptr [entry_gs], gs
        mov     byte ptr [entry_dl], dl
        cld
        xor     ax, ax
        mov     es, ax
        mov     eax, dword ptr es:[HIDDEN_SECTORS]
        mov     dword ptr [hidden], eax
        mov     al, byte ptr es:[DRIVE]
        mov     byte ptr [bpb_drive], al
        call    serial_start

        mov     si, offset text_started
        call    print
        mov     si, offset fields
field:
        lodsb                           # width in bytes, 0 at the end
        test    al, al
        jz      fields_end
        mov     cl, al
        lodsw                           # where the value is
        mov     di, ax
        call    print
skip_name:
        lodsb
        test    al, al
        jnz     skip_name
        mov     eax, dword ptr [di]
        cmp     cl, 2
        jb      one
        je      two
        call    print_dword
        jmp     field
two:    call    print_word
        jmp     field
one:    call    print_byte
        jmp     field
fields_end:

        call    drive
        call    print

        cmp     word ptr [entry_cs], SEGMENT
        jne     entry_bad
        cmp     word ptr [entry_sp], BOOT_SECTOR
        jne     entry_bad
        mov     ax, word ptr [entry_ss]
        or      ax, word ptr [entry_ds]
        or      ax, word ptr [entry_es]
        or      ax, word ptr [entry_fs]
        or      ax, word ptr [entry_gs]
        jnz     entry_bad
        mov     al, byte ptr [entry_dl]
        cmp     al, byte ptr [bpb_drive]
        jne     entry_bad
        mov     si, offset text_entry_ok
        jmp     entry_told
entry_bad:
        inc     byte ptr [faults]
        mov     si, offset text_entry_bad
entry_told:
        call    print

        call    sum
        mov     si, offset text_sum_ok
        cmp     eax, dword ptr [expected]
        je      sum_told
        inc     byte ptr [faults]
        mov     si, offset text_sum_bad
sum_told:
        call    print
        mov     al, 0x11
        cmp     byte ptr [faults], 0
        jne     leave_machine
        mov     al, 0x10
        jmp     leave_machine

# SI = what to say of the drive whose number came in DL: whether it reads the disc or the volume that
# this file is from. Nothing else is used to tell one drive from another.
drive:
        mov     eax, FIRST_DESCRIPTOR
        call    read
        jc      drive_plain             # no extensions
        mov     si, offset text_disc
        cmp     dword ptr es:[1], 0x30304443    # "CD00"
        je      drive_told
        mov     eax, dword ptr [hidden]
        call    read
        jc      drive_bad
        mov     si, offset text_volume
        jmp     drive_compare
drive_plain:
        mov     ax, 0x0201              # sector 1 of cylinder 0, head 0: too early to know more
        mov     cx, 1
        xor     dh, dh
        mov     dl, byte ptr [entry_dl]
        xor     bx, bx
        int     0x13
        jc      drive_bad
        mov     si, offset text_floppy
        cmp     word ptr es:[510], 0xAA55
        je      drive_told
        jmp     drive_bad
drive_compare:
        push    si
        push    ds
        xor     di, di
        mov     ds, di
        mov     si, BOOT_SECTOR
        mov     cx, BPB_COMPARED
        repe cmpsb
        pop     ds
        pop     si
        je      drive_told
drive_bad:
        inc     byte ptr [faults]
        mov     si, offset text_drive_bad
drive_told:
        ret

# Reads sector EAX of the drive to BUFFER_SEGMENT:0000, which is in ES afterwards. CF = 1 on failure.
read:
        mov     bx, BUFFER_SEGMENT
        mov     es, bx
        mov     dword ptr [packet_sector], eax
        mov     byte ptr [packet], 16
        mov     word ptr [packet_count], 1      # firmware may change it
        mov     word ptr [packet_segment], bx
        mov     si, offset packet
        mov     dl, byte ptr [entry_dl]
        mov     ah, 0x42
        int     0x13
        ret

# EAX = FNV-1a of the file.
sum:
        mov     eax, FNV_BASIS
        xor     esi, esi
        mov     bx, cs
        mov     es, bx
        xor     di, di
sum_byte:
        cmp     esi, dword ptr [length]
        jae     sum_end
        movzx   edx, byte ptr es:[di]
        cmp     esi, offset scratch_end
        jae     sum_add
        cmp     esi, offset scratch
        jae     sum_zero
        cmp     esi, offset head_end
        jae     sum_add
        cmp     esi, offset length
        jb      sum_add
sum_zero:
        xor     edx, edx
sum_add:
        xor     eax, edx
        imul    eax, eax, FNV_PRIME
        inc     esi
        inc     di
        test    di, 0x0F
        jnz     sum_byte
        xor     di, di                  # a paragraph on, so that 64 KiB are no limit
        inc     bx
        mov     es, bx
        jmp     sum_byte
sum_end:
        ret

text_started:
        .asciz  "capmedia sample: BOOTMGR started"
fields:
        .macro  show width, where, name
        .byte   \width
        .word   \where
        .asciz  "\name"
        .endm
        show    2, entry_cs, " CS="
        show    2, entry_ss, " SS="
        show    2, entry_sp, " SP="
        show    2, entry_ds, " DS="
        show    2, entry_es, " ES="
        show    2, entry_fs, " FS="
        show    2, entry_gs, " GS="
        show    1, entry_dl, " DL="
        show    4, hidden, " hidden="
        show    1, bpb_drive, " BPB drive="
        .byte   0
text_disc:
        .asciz  ", DL reads the disc"
text_volume:
        .asciz  ", DL reads the volume"
text_floppy:
        .asciz  ", DL reads a floppy"
text_drive_bad:
        .asciz  ", DL reads SOMETHING ELSE"
text_entry_ok:
        .asciz  ", entry ok"
text_entry_bad:
        .asciz  ", entry BAD"
text_sum_ok:
        .asciz  ", sum ok\r\n"
text_sum_bad:
        .asciz  ", sum BAD\r\n"

        .include "console.s"

        .balign 4, 0
# What is stored while running: zero in the file, and taken as zero in the sum.
scratch:
packet: .byte   0, 0                    # of int 13h AH=42h: its length
packet_count:
        .word   0
        .word   0                       # offset
packet_segment:
        .word   0
packet_sector:
        .long   0, 0
hidden: .long   0
entry_cs:
        .word   0
entry_ss:
        .word   0
entry_sp:
        .word   0
entry_ds:
        .word   0
entry_es:
        .word   0
entry_fs:
        .word   0
entry_gs:
        .word   0
entry_dl:
        .byte   0
bpb_drive:
        .byte   0
faults: .byte   0
        .balign 16, 0
scratch_end:
