# Master boot record: starts the one active partition of the disk it was read from.
#
# In:   0000:7C00 or 07C0:0000, DL = the firmware's drive number.
# Out:  0000:7C00 = first sector of the active partition, DL = the same drive number,
#       DS:SI = SS:BP = its entry in the moved partition table, SS:SP = 0000:7C00,
#       ES:DI as the firmware left them (a PnP firmware points them at its header).
#
# At most 440 bytes: the disk signature follows at 1B8, the partition table at 1BE.

        .intel_syntax noprefix
        .code16
        .text
        .globl  _start

        .equ    LOADED, 0x7C00          # where the firmware puts us, and where we put the volume's
        .equ    MOVED, 0x0600           # where we run: linked for this address
        .equ    TABLE, MOVED + 0x1BE
        .equ    ENTRIES, 4
        .equ    ENTRY_SIZE, 16
        .equ    ENTRY_LBA, 8
        .equ    ACTIVE, 0x80
        .equ    BOOT_SIGNATURE, 0xAA55
        .equ    CYLINDERS, 1024         # ten bits in the registers of int 13h AH=02h

_start:
        cli
        xor     ax, ax
        mov     ss, ax
        mov     sp, LOADED
        sti
        push    es
        push    di
        mov     ds, ax
        mov     es, ax
        cld
        mov     si, LOADED
        mov     di, MOVED
        mov     cx, 256
        rep movsw
        .byte   0xEA                    # far jump: from here CS = 0 whichever way we came
        .word   find, 0

# BP = the active entry, once there is one.
find:
        mov     byte ptr [drive], dl
        xor     bp, bp
        mov     si, TABLE
        mov     cl, ENTRIES             # CH is 0 after the move
each:
        mov     al, byte ptr [si]
        test    al, al
        jz      next
        cmp     al, ACTIVE
        jne     invalid
        test    bp, bp
        jnz     several
        mov     bp, si
next:
        add     si, ENTRY_SIZE
        loop    each
        test    bp, bp
        jz      none
        cmp     dword ptr [bp + ENTRY_LBA], 0
        je      invalid                 # it would start this sector again, for ever

        mov     byte ptr [tries], 5
try:
        call    read
        jnc     check
        xor     ah, ah                  # reset the drive
        mov     dl, byte ptr [drive]
        int     0x13
        dec     byte ptr [tries]
        jnz     try
        mov     si, offset text_read
        jmp     fail

check:
        mov     si, offset text_not_bootable
        cmp     word ptr [LOADED + 510], BOOT_SIGNATURE
        jne     fail
        mov     si, bp
        mov     dl, byte ptr [drive]
        pop     di
        pop     es
        jmp     LOADED

# One sector from the entry's start to 0000:7C00. CF = 1 on failure; changes all but BP.
read:
        mov     ah, 0x41                # are there extensions?
        mov     bx, 0x55AA
        mov     dl, byte ptr [drive]
        int     0x13
        jc      chs
        cmp     bx, 0xAA55
        jne     chs
        test    cl, 1
        jz      chs
        # The packet is made anew for each try: the firmware may change it.
        mov     eax, dword ptr [bp + ENTRY_LBA]
        push    0
        push    0
        push    eax
        push    ds                      # segment 0
        push    LOADED
        push    1                       # sectors
        push    16                      # length of the packet
        mov     si, sp
        mov     ah, 0x42
        mov     dl, byte ptr [drive]
        int     0x13
        lea     esp, [esp + 16]         # leaves the carry flag alone
        ret

# Without extensions the place is worked out from the geometry the firmware uses now; the triple
# in the table is of the geometry the image was made for.
chs:
        mov     ah, 0x08
        mov     dl, byte ptr [drive]
        push    es
        int     0x13                    # may set ES:DI
        pop     es
        jc      return
        and     ecx, 0x3F               # sectors in a track
        stc
        jz      return
        movzx   ebx, dh
        inc     bx                      # heads
        mov     eax, dword ptr [bp + ENTRY_LBA]
        xor     edx, edx
        div     ecx
        mov     cx, dx
        inc     cx                      # sectors count from 1
        xor     edx, edx
        div     ebx                     # EAX = cylinder, DL = head
        cmp     eax, CYLINDERS
        cmc
        jc      return                  # out of reach
        mov     ch, al
        shl     ah, 6
        or      cl, ah
        mov     dh, dl
        mov     dl, byte ptr [drive]
        mov     bx, LOADED
        mov     ax, 0x0201
        int     0x13
return:
        ret

invalid:
        mov     si, offset text_invalid
        jmp     fail
several:
        mov     si, offset text_several
        jmp     fail
none:
        mov     si, offset text_none

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

text_invalid:
        .asciz  "Invalid partition table"
text_several:
        .asciz  "More than one active partition"
text_none:
        .asciz  "No active partition"
text_read:
        .asciz  "Disk read error"
text_not_bootable:
        .asciz  "Active partition is not bootable"

drive:  .byte   0
tries:  .byte   0

        .org    _start + 440            # an error when the code is longer
