# El Torito program: loads the whole of \BOOTMGR of a disc to 2000:0000 and enters it.
#
# One piece of 2048 bytes (four sectors in the boot catalog, one of the disc), without emulation, at
# the default segment. The disc must have an ISO 9660 primary tree in blocks of 2048 bytes with
# BOOTMGR in its root folder, in one extent; Joliet and UDF are not looked at.
#
# In:   07C0:0000 or 0000:7C00, DL = the drive number the firmware gave the disc, which reads
#       sectors of 2048 bytes with int 13h AH=42h. AH=41h is not asked: there is no other way to read
#       a disc, so a refusal shows as the status of the first read.
# Out:  CS:IP = 2000:0000, DS = ES = FS = GS = SS = 0, SP = BP = 7C00, EDX = the drive number,
#       interrupts on. At 0000:7C00, where a boot manager from a disk finds a BPB, all its fields are 0
#       but the drive number at 40h.
#
# With a file \BOOT\BOOTFIX.BIN on the disc a key must be pressed first. When none is, the firmware is
# asked for its next boot device.

        .intel_syntax noprefix
        .code16
        .text
        .globl  _start

        .equ    PROGRAM, 0x7C00
        .equ    PROGRAM_LEN, 2048
        .equ    DRIVE, PROGRAM + 0x40   # byte, where a BPB has it
        .equ    END_MARK, 0x454D4344    # "DCME"

        .equ    SECTOR_LEN, 2048
        .equ    SECTOR_PARAGRAPHS, SECTOR_LEN / 16
        .equ    SECTOR, 0x9000          # buffer: a descriptor, or one sector of a folder
        .equ    SECTOR_END, SECTOR + SECTOR_LEN
        .equ    VARIABLES, 0x8800
        .equ    root_at, VARIABLES + 0x00       # dword; first sector of the root folder
        .equ    root_sectors, VARIABLES + 0x04  # dword
        .equ    file_at, VARIABLES + 0x08       # dword; first sector of BOOTMGR
        .equ    file_sectors, VARIABLES + 0x0C  # dword
        .equ    kind, VARIABLES + 0x10          # byte; flags of the record that is looked for
        .equ    tries, VARIABLES + 0x11         # byte
        .equ    status, VARIABLES + 0x12        # byte; of the last read
        .equ    read_at, VARIABLES + 0x14       # dword; the sector in the buffer

        # ECMA-119: the volume descriptor set and the fields of a primary descriptor
        .equ    FIRST_DESCRIPTOR, 16
        .equ    LAST_DESCRIPTOR, 16 + 63        # of as many as we are willing to look at
        .equ    BLOCK_LEN, SECTOR + 128         # word
        .equ    ROOT_RECORD, SECTOR + 156
        # ECMA-119 9.1: fields of a directory record
        .equ    XAR_LEN, 1              # byte; blocks of attributes before the data
        .equ    EXTENT, 2               # dword
        .equ    DATA_LEN, 10            # dword, bytes
        .equ    FLAGS, 25               # byte
        .equ    UNIT_LEN, 26            # byte; not 0: the file is interleaved with another
        .equ    ID_LEN, 32              # byte
        .equ    ID, 33
        .equ    FOLDER, 0x02
        .equ    ASSOCIATED, 0x04        # a second stream of the file that follows
        .equ    MORE_EXTENTS, 0x80

        .equ    FILE_SEGMENT, 0x2000
        .equ    READ_SECTORS, 16        # 32 KiB: two reads fill a 64 KiB DMA page exactly

        .equ    TICKS, 0x46C            # word; the firmware's clock, 18.2 a second
        .equ    TICKS_OF_A_SECOND, 18
        .equ    SECONDS, 5

_start:
        .byte   0xEB, 0x58, 0x90        # to `entry`, as a boot sector begins
        .org    _start + 0x5A
entry:
        cli
        xor     ax, ax
        mov     ss, ax
        mov     sp, PROGRAM
        mov     ds, ax
        mov     es, ax
        sti
        cld
        .byte   0xEA                    # far jump: from here CS = 0 whichever way we came
        .word   begin, 0

begin:
        mov     byte ptr [DRIVE], dl
        mov     si, offset text_part
        cmp     dword ptr [end_mark], END_MARK
        je      whole

# Shows the text at SI, then waits for the user to restart; interrupts stay on for Ctrl-Alt-Del.
fail:
        call    print
halt:
        hlt
        jmp     halt

# The zero-terminated text at SI. Keeps all registers but SI.
print:
        push    ax
print_next:
        mov     al, byte ptr [si]
        inc     si
        test    al, al
        jz      print_end
        call    put
        jmp     print_next
print_end:
        pop     ax
        ret

# The character AL. Keeps all registers.
put:
        pushad
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        popad
        ret

text_part:
        .asciz  "The firmware loaded only a part of the boot program"

        .org    _start + 512            # all of the above works when one sector of 512 bytes is loaded

# ---------------------------------------------------------------------------------------------

whole:
        mov     eax, FIRST_DESCRIPTOR
descriptor:
        call    read_sector
        mov     si, offset text_no_volume
        cmp     dword ptr [SECTOR + 1], 0x30304443      # "CD00"
        jne     fail
        cmp     byte ptr [SECTOR + 5], '1'
        jne     fail
        cmp     byte ptr [SECTOR], 1
        je      primary
        cmp     byte ptr [SECTOR], 255                  # the end of the set
        je      fail
        inc     eax
        cmp     eax, LAST_DESCRIPTOR
        jbe     descriptor
        jmp     fail

primary:
        mov     si, offset text_blocks
        cmp     word ptr [BLOCK_LEN], SECTOR_LEN
        jne     fail
        mov     bx, ROOT_RECORD
        call    extent
        mov     dword ptr [root_at], eax
        mov     dword ptr [root_sectors], ecx

        mov     byte ptr [kind], 0
        mov     di, offset name_bootmgr
        call    find
        mov     si, offset text_missing
        jc      fail
        mov     si, offset text_pieces
        test    byte ptr [bx + FLAGS], MORE_EXTENTS
        jnz     fail
        cmp     byte ptr [bx + UNIT_LEN], 0
        jne     fail
        call    extent
        mov     si, offset text_empty
        test    ecx, ecx
        jz      fail
        mov     dword ptr [file_at], eax
        mov     dword ptr [file_sectors], ecx

        # The file may fill the memory from 128 KiB to the end int 12h tells, in whole sectors of the
        # disc.
        int     0x12                    # AX = KiB of low memory
        mov     si, offset text_large
        sub     ax, 128
        jbe     fail
        shr     ax, 1
        movzx   eax, ax
        cmp     ecx, eax
        ja      fail

        # Is a key asked for?
        mov     byte ptr [kind], FOLDER
        mov     di, offset name_boot
        mov     eax, dword ptr [root_at]
        mov     ecx, dword ptr [root_sectors]
        call    find
        jc      load
        call    extent
        mov     byte ptr [kind], 0
        mov     di, offset name_bootfix
        call    find
        jc      load

        mov     si, offset text_key
        call    print
        mov     di, SECONDS
        mov     bx, word ptr [TICKS]
second:
        mov     cx, TICKS_OF_A_SECOND
tick:
        mov     ah, 0x01                # is there a key?
        int     0x16
        jnz     key
        hlt                             # until the next interrupt
        mov     ax, word ptr [TICKS]
        cmp     ax, bx                  # only whether it changed: midnight turns it to 0
        je      tick
        mov     bx, ax
        loop    tick
        mov     al, '.'
        call    put
        dec     di
        jnz     second
        mov     si, offset text_new_line
        call    print
        int     0x18                    # the next boot device; firmware does not come back
        mov     si, offset text_no_key
        jmp     fail
key:
        xor     ah, ah                  # takes the key, which is not meant for the boot manager
        int     0x16
        mov     si, offset text_new_line
        call    print

load:
        mov     eax, dword ptr [file_at]
        mov     edi, dword ptr [file_sectors]
        mov     bx, FILE_SEGMENT
chunk:
        mov     es, bx
        mov     ecx, READ_SECTORS
        cmp     ecx, edi
        jbe     fits
        mov     ecx, edi
fits:
        push    bx
        xor     bx, bx
        call    read
        pop     bx
        add     bx, READ_SECTORS * SECTOR_PARAGRAPHS
        add     eax, ecx
        sub     edi, ecx
        jnz     chunk

        mov     ax, 0x2401              # A20 on, where the firmware can; the boot manager also tries
        int     0x15
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     sp, PROGRAM
        mov     bp, sp
        movzx   edx, byte ptr [DRIVE]
        sti
        cld
        .byte   0xEA
        .word   0, FILE_SEGMENT

# EAX = first sector, ECX = sectors of what the directory record at BX stands for.
extent:
        movzx   eax, byte ptr [bx + XAR_LEN]
        add     eax, dword ptr [bx + EXTENT]
        mov     ecx, dword ptr [bx + DATA_LEN]
        sub     ecx, 1                  # rounded up without running over
        jc      extent_empty
        shr     ecx, 11
extent_empty:
        inc     ecx
        ret

# BX = the record of the name at DI in the folder of ECX sectors from sector EAX; CF = 1: there is
# none. Of FOLDER and ASSOCIATED it has the flags in `kind`. The highest version comes first.
find:
        test    ecx, ecx
        stc
        jz      find_return
        call    read_sector
        mov     bx, SECTOR
find_record:
        movzx   dx, byte ptr [bx]
        test    dx, dx
        jz      find_sector             # no more in this sector
        add     dx, bx                  # the end of the record
        cmp     dx, SECTOR_END
        ja      damaged
        movzx   si, byte ptr [bx + ID_LEN]
        lea     si, [bx + si + ID]      # the end of its identifier
        cmp     si, dx
        ja      damaged
        mov     al, byte ptr [bx + FLAGS]
        and     al, FOLDER | ASSOCIATED
        cmp     al, byte ptr [kind]
        jne     find_next
        call    compare
        je      find_return             # which leaves CF = 0
find_next:
        mov     bx, dx
        cmp     bx, SECTOR_END
        jb      find_record
find_sector:
        mov     eax, dword ptr [read_at]
        inc     eax
        dec     ecx
        jmp     find
find_return:
        ret

# ZF = 1 and CF = 0 when the identifier at BX + ID, which ends at SI, is the name at DI: in either
# case, with or without a dot and a version behind it.
compare:
        push    di
        lea     bp, [bx + ID]
compare_next:
        mov     al, byte ptr [di]
        test    al, al
        jz      compare_rest
        inc     di
        cmp     bp, si
        je      compare_no
        mov     ah, byte ptr ds:[bp]
        inc     bp
        cmp     ah, 'a'
        jb      compare_byte
        cmp     ah, 'z'
        ja      compare_byte
        sub     ah, 'a' - 'A'
compare_byte:
        cmp     ah, al
        je      compare_next
compare_no:
        or      al, 1                   # ZF = 0
        pop     di
        ret
compare_rest:
        cmp     bp, si
        je      compare_return
        cmp     byte ptr ds:[bp], '.'
        jne     compare_version
        inc     bp
        cmp     bp, si
        je      compare_return
compare_version:
        cmp     byte ptr ds:[bp], ';'
        jne     compare_no
compare_return:
        pop     di
        ret

damaged:
        mov     si, offset text_damaged
        jmp     fail

# Reads sector EAX into SECTOR. Keeps all registers.
read_sector:
        pushad
        mov     dword ptr [read_at], eax
        mov     bx, SECTOR
        mov     cx, 1
        call    read
        popad
        ret

# Reads CX sectors, from sector EAX of the disc, to ES:BX; stops with a message on failure. The
# caller sees to it that the target does not cross a 64 KiB boundary. Keeps all registers.
read:
        pushad
        mov     byte ptr [tries], 5
read_try:
        pushad
        push    0
        push    0
        push    eax
        push    es
        push    bx
        push    cx
        push    16                      # length of the packet
        mov     si, sp
        mov     ah, 0x42
        mov     dl, byte ptr [DRIVE]
        int     0x13
        lea     esp, [esp + 16]         # leaves the carry flag alone
        mov     byte ptr [status], ah
        popad
        jnc     read_done
        pushad
        xor     ah, ah                  # reset the drive
        mov     dl, byte ptr [DRIVE]
        int     0x13
        popad
        dec     byte ptr [tries]
        jnz     read_try
        mov     si, offset text_read
        call    print
        push    eax
        mov     al, byte ptr [status]
        shl     eax, 24
        mov     cx, 2
        call    print_hex
        mov     si, offset text_sector
        call    print
        pop     eax
        mov     cx, 8
        call    print_hex
        jmp     halt
read_done:
        popad
        ret

# The highest CX digits of EAX in hexadecimal.
print_hex:
        rol     eax, 4
        push    ax
        and     al, 0x0F
        add     al, '0'
        cmp     al, '9'
        jbe     print_digit
        add     al, 'A' - '9' - 1
print_digit:
        call    put
        pop     ax
        loop    print_hex
        ret

name_bootmgr:
        .asciz  "BOOTMGR"
name_boot:
        .asciz  "BOOT"
name_bootfix:
        .asciz  "BOOTFIX.BIN"

text_read:
        .asciz  "Disc read error, status "
text_sector:
        .asciz  ", sector "
text_no_volume:
        .asciz  "No ISO 9660 volume on the boot disc"
text_blocks:
        .asciz  "The blocks of the boot disc's volume are not of 2048 bytes"
text_damaged:
        .asciz  "The file system of the boot disc is damaged"
text_missing:
        .asciz  "BOOTMGR is missing"
text_pieces:
        .asciz  "BOOTMGR is not in one piece"
text_empty:
        .asciz  "BOOTMGR is empty"
text_large:
        .asciz  "BOOTMGR is too large for the memory of this computer"
text_key:
        .asciz  "Press any key to start from this disc"
text_no_key:
        .asciz  "No key was pressed"
text_new_line:
        .asciz  "\r\n"

        .org    _start + PROGRAM_LEN - 4        # an error when the program is longer
end_mark:
        .long   END_MARK
