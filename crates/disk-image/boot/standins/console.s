# Included by the 16-bit stand-ins: text to the screen and to COM1, and the way out.
# All routines need DS = the segment they run in, and keep every register but the flags.

        .equ    COM1, 0x3F8
        .equ    DEBUG_EXIT, 0xF4        # QEMU's isa-debug-exit; nothing answers on a real machine

# 115200 baud, 8N1.
serial_start:
        push    ax
        push    dx
        mov     dx, COM1 + 3
        mov     al, 0x83                # 8N1, divisor latch open
        out     dx, al
        mov     dx, COM1
        mov     ax, 1
        out     dx, al
        inc     dx
        mov     al, ah
        out     dx, al
        mov     dx, COM1 + 3
        mov     al, 0x03
        out     dx, al
        pop     dx
        pop     ax
        ret

# The zero-terminated text at SI.
print:
        push    ax
        push    si
print_next:
        mov     al, byte ptr [si]
        inc     si
        test    al, al
        jz      print_end
        call    put
        jmp     print_next
print_end:
        pop     si
        pop     ax
        ret

# EAX, AX or AL in hexadecimal.
print_dword:
        push    cx
        mov     cx, 8
        jmp     print_hex
print_word:
        push    cx
        shl     eax, 16
        mov     cx, 4
        jmp     print_hex
print_byte:
        push    cx
        shl     eax, 24
        mov     cx, 2
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
        pop     cx
        ret

# The character AL. Waits a while for the serial line, which may not be there at all.
put:
        pusha
        push    ax
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        mov     dx, COM1 + 5
        mov     cx, 0xFFFF
put_wait:
        in      al, dx
        test    al, 0x20
        loopz   put_wait
        pop     ax
        mov     dx, COM1
        out     dx, al
        popa
        ret

# Leaves a QEMU that has the debug-exit device with code AL * 2 + 1; elsewhere halts.
leave_machine:
        out     DEBUG_EXIT, al
halt:
        hlt
        jmp     halt
