# FAT32 boot record: loads the whole of \BOOTMGR to 2000:0000 and enters it.
#
# Two stages, assembled as one piece because the second stands right behind the first in memory:
#   stage 1   7C5A-7DFD   420 bytes of sector 0, behind the BPB
#   (7DFE     the 55 AA of sector 0, written here only to keep the addresses true)
#   stage 2   7E00-85FF   sectors 2-5 of the volume
#
# In:   0000:7C00 or 07C0:0000, DL = the firmware's drive number, the disk address of the volume in
#       the hidden-sectors field of the BPB.
# Out:  CS:IP = 2000:0000, DS = ES = FS = GS = SS = 0, SP = BP = 7C00, EDX = the drive number, the
#       boot sector at 0000:7C00 with the drive number at 40h, interrupts on.
# Sectors are 512 bytes. Clusters may have any size FAT knows, 64 KiB too.

        .intel_syntax noprefix
        .code16
        .text
        .globl  _start

        .equ    BOOT_SECTOR, 0x7C00
        .equ    BYTES_PER_SECTOR, BOOT_SECTOR + 0x0B    # word
        .equ    SECTORS_PER_CLUSTER, BOOT_SECTOR + 0x0D # byte
        .equ    RESERVED_SECTORS, BOOT_SECTOR + 0x0E    # word
        .equ    FATS, BOOT_SECTOR + 0x10                # byte
        .equ    HIDDEN_SECTORS, BOOT_SECTOR + 0x1C      # dword
        .equ    TOTAL_SECTORS, BOOT_SECTOR + 0x20       # dword
        .equ    SECTORS_PER_FAT, BOOT_SECTOR + 0x24     # dword
        .equ    EXT_FLAGS, BOOT_SECTOR + 0x28           # byte; the high byte of the word is 0
        .equ    ROOT_CLUSTER, BOOT_SECTOR + 0x2C        # dword
        .equ    DRIVE, BOOT_SECTOR + 0x40               # byte

        .equ    STAGE2, 0x7E00
        .equ    STAGE2_SECTOR, 2
        .equ    STAGE2_SECTORS, 4
        .equ    STAGE2_MARK, 0x32534D43                 # "CMS2"

        .equ    FAT_SECTOR, 0x8600      # buffer: one sector of the FAT
        .equ    DIR_SECTOR, 0x8800      # buffer: one sector of the root directory
        .equ    VARIABLES, 0x8A00
        .equ    track_sectors, VARIABLES + 0x00         # dword; 0: the drive has extensions
        .equ    heads, VARIABLES + 0x04                 # dword
        .equ    tries, VARIABLES + 0x08                 # byte
        .equ    data_start, VARIABLES + 0x0C            # dword; sector of cluster 2
        .equ    last_cluster, VARIABLES + 0x10          # dword; highest cluster number
        .equ    fat_start, VARIABLES + 0x14             # dword; first sector of the FAT in use
        .equ    fat_cached, VARIABLES + 0x18            # dword; FAT sector in the buffer
        .equ    cluster_sectors, VARIABLES + 0x1C       # dword
        .equ    remaining, VARIABLES + 0x20             # dword; sectors of the file still to read

        .equ    FILE_SEGMENT, 0x2000
        .equ    SECTOR_PARAGRAPHS, 512 / 16
        .equ    READ_SECTORS, 64        # 32 KiB: two reads fill a 64 KiB DMA page exactly
        .equ    CYLINDERS, 1024         # ten bits in the registers of int 13h AH=02h

_start:
        cli
        xor     ax, ax
        mov     ss, ax
        mov     sp, BOOT_SECTOR
        mov     ds, ax
        mov     es, ax
        sti
        cld
        .byte   0xEA                    # far jump: from here CS = 0 whichever way we came
        .word   stage1, 0

stage1:
        mov     byte ptr [DRIVE], dl
        mov     ah, 0x41                # are there extensions?
        mov     bx, 0x55AA
        int     0x13
        jc      geometry
        cmp     bx, 0xAA55
        jne     geometry
        and     cx, 1
        jz      geometry
        xor     ecx, ecx
        jmp     probed
geometry:
        mov     ah, 0x08
        mov     dl, byte ptr [DRIVE]
        int     0x13                    # may set ES:DI
        mov     si, offset text_read
        jc      fail
        push    ds
        pop     es
        movzx   eax, dh
        inc     ax
        mov     dword ptr [heads], eax
        and     ecx, 0x3F
        jz      fail
probed:
        mov     dword ptr [track_sectors], ecx

        mov     eax, STAGE2_SECTOR
        mov     cx, STAGE2_SECTORS
        mov     bx, STAGE2
        call    read
        mov     si, offset text_stage2
        cmp     dword ptr [STAGE2], STAGE2_MARK
        je      stage2

# Shows the text at SI, then waits for the user to restart; interrupts stay on for Ctrl-Alt-Del.
fail:
        mov     al, byte ptr [si]
        inc     si
        test    al, al
        jz      halt
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        jmp     fail
halt:
        hlt
        jmp     halt

# Reads CX sectors, from sector EAX of the volume, to ES:BX; stops with a message on failure.
# The caller sees to it that the target does not cross a 64 KiB boundary. Keeps all registers.
read:
        pushad
        add     eax, dword ptr [HIDDEN_SECTORS]
        mov     ebp, eax
read_part:
        mov     byte ptr [tries], 5
read_try:
        pushad
        call    read_once
        popad
        jnc     read_done
        xor     ah, ah                  # reset the drive
        mov     dl, byte ptr [DRIVE]
        pushad
        int     0x13
        popad
        dec     byte ptr [tries]
        jnz     read_try
        mov     si, offset text_read
        jmp     fail
read_done:
        cmp     dword ptr [track_sectors], 0
        je      read_all                # with extensions: all at once
        inc     ebp
        add     bx, 512
        loop    read_part
read_all:
        popad
        ret

# One request at disk sector EBP: CX sectors with extensions, one without. CF = 1 on failure.
read_once:
        cmp     dword ptr [track_sectors], 0
        jne     read_chs
        push    0
        push    0
        push    ebp
        push    es
        push    bx
        push    cx
        push    16                      # length of the packet
        mov     si, sp
        mov     ah, 0x42
        mov     dl, byte ptr [DRIVE]
        int     0x13
        lea     esp, [esp + 16]         # leaves the carry flag alone
        ret

read_chs:
        mov     eax, ebp
        xor     edx, edx
        div     dword ptr [track_sectors]
        mov     cx, dx
        inc     cx                      # sectors count from 1
        xor     edx, edx
        div     dword ptr [heads]       # EAX = cylinder, DL = head
        cmp     eax, CYLINDERS
        cmc
        jc      read_return             # out of reach
        mov     ch, al
        shl     ah, 6
        or      cl, ah
        mov     dh, dl
        mov     dl, byte ptr [DRIVE]
        mov     ax, 0x0201
        int     0x13
read_return:
        ret

text_read:
        .asciz  "Disk read error"
text_stage2:
        .asciz  "Boot code in sectors 2-5 of the volume is missing"

        .org    _start + 420            # an error when stage 1 is longer
        .byte   0x55, 0xAA

# ---------------------------------------------------------------------------------------------

stage2_mark:
        .long   STAGE2_MARK

stage2:
        mov     si, offset text_damaged
        cmp     word ptr [BYTES_PER_SECTOR], 512
        jne     fail
        movzx   ebx, byte ptr [SECTORS_PER_CLUSTER]
        test    bx, bx
        jz      fail
        mov     dword ptr [cluster_sectors], ebx

        movzx   ecx, word ptr [RESERVED_SECTORS]
        movzx   eax, byte ptr [FATS]
        mul     dword ptr [SECTORS_PER_FAT]
        add     eax, ecx
        mov     dword ptr [data_start], eax

        # Clusters are numbered from 2, so the last is their count + 1.
        mov     edx, dword ptr [TOTAL_SECTORS]
        sub     edx, eax
        jbe     fail
        xchg    eax, edx
        xor     edx, edx
        div     ebx
        inc     eax
        mov     dword ptr [last_cluster], eax

        # With mirroring off (bit 7) the low four bits name the one FAT that is kept.
        xor     eax, eax
        mov     al, byte ptr [EXT_FLAGS]
        test    al, al
        jns     mirrored
        and     al, 0x0F
        mul     dword ptr [SECTORS_PER_FAT]
        add     ecx, eax
mirrored:
        mov     dword ptr [fat_start], ecx
        or      dword ptr [fat_cached], -1

# The root directory: EAX = its cluster, EDI = sectors left before we stop believing in its end.
        mov     eax, dword ptr [ROOT_CLUSTER]
        mov     di, 65536 * 32 / 512    # a directory has at most 65536 slots
root_cluster:
        call    cluster_sector
        mov     cx, word ptr [cluster_sectors]
root_sector:
        push    eax
        push    cx
        mov     eax, edx
        mov     cx, 1
        mov     bx, DIR_SECTOR
        call    read
        mov     bp, DIR_SECTOR
slot:
        cmp     byte ptr [bp], 0
        je      missing                 # nothing behind this slot
        test    byte ptr [bp + 11], 0x18
        jnz     next_slot               # a label, a part of a long name, or a directory
        push    di
        mov     si, offset file_name
        mov     di, bp
        mov     cx, 11
        repe cmpsb
        pop     di
        je      found
next_slot:
        add     bp, 32
        cmp     bp, DIR_SECTOR + 512
        jne     slot
        pop     cx
        pop     eax
        dec     di
        jz      missing
        inc     edx
        loop    root_sector
        call    next_cluster
        cmp     eax, 0x0FFFFFF8
        jb      root_cluster
missing:
        mov     si, offset text_missing
        jmp     fail

found:
        # The file may fill the memory from 128 KiB to the end int 12h tells.
        int     0x12                    # AX = KiB of low memory
        sub     ax, 128
        mov     si, offset text_large
        jbe     fail_far
        movzx   eax, ax
        shl     eax, 10
        mov     ecx, dword ptr [bp + 28]
        cmp     ecx, eax
        ja      fail_far
        add     ecx, 511
        shr     ecx, 9
        jz      damaged                 # an empty file cannot be entered
        mov     dword ptr [remaining], ecx
        mov     ax, word ptr [bp + 20]
        shl     eax, 16
        mov     ax, word ptr [bp + 26]
        mov     cx, FILE_SEGMENT
        mov     es, cx

# EAX = cluster, ES = where its first byte goes.
run:
        call    cluster_sector          # EDX = first sector of the run
        mov     ecx, dword ptr [cluster_sectors]
grow:
        cmp     ecx, dword ptr [remaining]
        jae     last_run
        mov     ebx, eax
        call    next_cluster
        inc     ebx
        cmp     eax, ebx
        jne     read_run
        call    check_cluster
        add     ecx, dword ptr [cluster_sectors]
        jmp     grow
last_run:
        mov     ecx, dword ptr [remaining]
read_run:
        sub     dword ptr [remaining], ecx
        push    eax
        mov     eax, edx
# EAX = sector, CX = sectors of the run still to read.
chunk:
        mov     bx, es                  # sectors from ES to the next 32 KiB boundary
        and     bx, READ_SECTORS * SECTOR_PARAGRAPHS - 1
        shr     bx, 5
        neg     bx
        add     bx, READ_SECTORS
        cmp     bx, cx
        jbe     fits
        mov     bx, cx
fits:
        push    cx
        mov     cx, bx
        push    bx
        xor     bx, bx
        call    read
        pop     bx
        pop     cx
        sub     cx, bx
        movzx   ebx, bx
        add     eax, ebx
        shl     bx, 5
        mov     dx, es
        add     dx, bx
        mov     es, dx
        test    cx, cx
        jnz     chunk
        pop     eax
        cmp     dword ptr [remaining], 0
        jne     run

        mov     ax, 0x2401              # A20 on, where the firmware can; the boot manager also tries
        int     0x15
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     sp, BOOT_SECTOR
        mov     bp, sp
        movzx   edx, byte ptr [DRIVE]
        sti
        cld
        .byte   0xEA
        .word   0, FILE_SEGMENT

# EDX = first sector of cluster EAX. Keeps the other registers.
cluster_sector:
        call    check_cluster
        push    eax
        sub     eax, 2
        mul     dword ptr [cluster_sectors]
        add     eax, dword ptr [data_start]
        mov     edx, eax
        pop     eax
        ret

# EAX = the FAT's entry of cluster EAX, which has been checked. Keeps the other registers.
next_cluster:
        push    es
        pushad
        mov     bp, sp
        mov     bx, ax
        and     bx, 127                 # 128 entries in a sector
        shl     bx, 2
        shr     eax, 7
        add     eax, dword ptr [fat_start]
        cmp     eax, dword ptr [fat_cached]
        je      cached
        mov     dword ptr [fat_cached], eax
        push    ds
        pop     es
        push    bx
        mov     cx, 1
        mov     bx, FAT_SECTOR
        call    read
        pop     bx
cached:
        mov     eax, dword ptr [FAT_SECTOR + bx]
        and     eax, 0x0FFFFFFF         # the top four bits are reserved
        mov     dword ptr [bp + 28], eax # the EAX that popad brings back
        popad
        pop     es
        ret

# Stops with a message unless EAX is the number of a cluster.
check_cluster:
        cmp     eax, 2
        jb      damaged
        cmp     eax, dword ptr [last_cluster]
        ja      damaged
        ret

damaged:
        mov     si, offset text_damaged
fail_far:
        jmp     fail

file_name:
        .ascii  "BOOTMGR    "
text_missing:
        .asciz  "BOOTMGR is missing"
text_large:
        .asciz  "BOOTMGR is too large for the memory of this computer"
text_damaged:
        .asciz  "The file system of the boot drive is damaged"

        .org    stage2_mark + 512 * STAGE2_SECTORS
