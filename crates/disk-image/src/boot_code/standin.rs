//! Small programs of our own in the places of Microsoft's, **for samples and tests only**. Each
//! prints a line that begins `capmedia sample: ` on the screen and on COM1 (115200 8N1), writes
//! its verdict to port F4h, where QEMU's `isa-debug-exit` turns it into an exit code, and halts.
//!
//! Exit codes: 33 when all is well, 35 when the program saw a fault.

use std::io::{self, Read};

/// In place of `etfsboot.com`: an El Torito no-emulation boot program for PC BIOS. To be loaded
/// whole (8 sectors of 512 bytes) at the default segment.
pub const ETFSBOOT: &[u8; 4096] = include_bytes!("../../boot/standins/etfsboot.bin");

/// In place of `bootmgfw.efi`: an x64 UEFI application. Reads `\sources\boot.wim` on the device it was
/// started from to its end and tells what it was: the line of [`boot_wim_line`].
pub const BOOTX64: &[u8; 2560] = include_bytes!("../../boot/standins/bootx64.efi");

/// The same for firmware of 32 bits on an x86 computer.
pub const BOOTIA32: &[u8; 2560] = include_bytes!("../../boot/standins/bootia32.efi");

/// The same for arm64. It only prints, on the firmware's console: such a machine has neither COM1 nor
/// port F4h.
pub const BOOTAA64: &[u8; 2048] = include_bytes!("../../boot/standins/bootaa64.efi");

/// The program at the head of [`bootmgr`].
const BOOTMGR_HEAD: &[u8; 896] = include_bytes!("../../boot/standins/bootmgr.bin");

/// Where the head of the BOOTMGR stand-in holds the length of the whole file, a little-endian
/// `u32`; its sum follows.
const LENGTH_AT: usize = 8;
const SUM_AT: usize = 12;

/// About the length of the real thing.
pub const BOOTMGR_LEN: usize = 413_738;

/// In place of `bootmgr`: a flat 16-bit program entered at 2000:0000, padded with generated
/// bytes to `len`. It tells how it was entered, whether the drive in DL reads the volume it is from
/// (`, DL reads the disc`, `the volume` or `a floppy`), and whether every byte of the file is in
/// memory.
///
/// `None` when `len` is smaller than the program or more than 640 KiB, which no loader can
/// load.
#[must_use]
pub fn bootmgr(len: usize) -> Option<Vec<u8>> {
    if len > 640 * 1024 {
        return None;
    }
    let padding = len.checked_sub(BOOTMGR_HEAD.len())?;
    let mut file = Vec::with_capacity(len);
    file.extend_from_slice(BOOTMGR_HEAD);
    // xorshift32 from a fixed seed: no two sectors are alike, so a misplaced one is seen.
    let mut state = 0x9E37_79B9_u32;
    file.extend(std::iter::repeat_n((), padding).map(|()| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    }));
    let length = u32::try_from(len).ok()?.to_le_bytes();
    // The head comes with zeros in both fields, which is what the sum takes them for.
    let sum = fnv1a(FNV_BASIS, &file).to_le_bytes();
    file.get_mut(LENGTH_AT..SUM_AT)?.copy_from_slice(&length);
    file.get_mut(SUM_AT..SUM_AT + 4)?.copy_from_slice(&sum);
    Some(file)
}

/// What [`BOOTX64`] and its like say of a `boot.wim` that begins with `MSWIM` and can be read: its length and sum,
/// on one line without its end. The file is read to its end.
///
/// # Errors
///
/// What `boot_wim` says when it is read.
pub fn boot_wim_line(mut boot_wim: impl Read) -> io::Result<String> {
    let mut piece = vec![0; 1 << 16];
    let (mut len, mut sum) = (0, FNV_BASIS);
    loop {
        let count = boot_wim.read(&mut piece)?;
        let Some(bytes @ [_, ..]) = piece.get(..count) else { break };
        len += bytes.len();
        sum = fnv1a(sum, bytes);
    }
    Ok(format!("capmedia sample: boot.wim on my device has length={len:016X} sum={sum:08X}"))
}

/// What FNV-1a of 32 bits begins with.
const FNV_BASIS: u32 = 0x811C_9DC5;

/// FNV-1a, 32 bits: sees exchanged sectors, which a sum of bytes does not, and is three
/// instructions in the stand-ins. `sum` is that of the bytes before.
fn fnv1a(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, &byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        assert_eq!(fnv1a(FNV_BASIS, b""), 0x811C_9DC5);
        assert_eq!(fnv1a(FNV_BASIS, b"a"), 0xE40C_292C);
        assert_eq!(fnv1a(fnv1a(FNV_BASIS, b"foo"), b"bar"), 0xBF9C_F968);
        assert_eq!(
            boot_wim_line(&b"foobar"[..]).unwrap(),
            "capmedia sample: boot.wim on my device has length=0000000000000006 sum=BF9CF968"
        );
    }

    #[test]
    fn bootmgr_is_patched_and_padded() {
        let file = bootmgr(BOOTMGR_LEN).unwrap();
        assert_eq!(file.len(), BOOTMGR_LEN);
        assert_eq!(file[3..8], *b"CMBM\0");
        assert_eq!(BOOTMGR_HEAD[LENGTH_AT..SUM_AT + 4], [0; 8]);
        assert_eq!(file[8..12], 413_738_u32.to_le_bytes());
        let mut zeroed = file.clone();
        zeroed[8..16].fill(0);
        assert_eq!(file[12..16], fnv1a(FNV_BASIS, &zeroed).to_le_bytes());
        assert_eq!(bootmgr(BOOTMGR_LEN), Some(file));
        assert_eq!(bootmgr(BOOTMGR_HEAD.len() - 1), None);
        assert_eq!(bootmgr(640 * 1024 + 1), None);
    }

    /// The fields of the PE header that firmware and readers of ours look at.
    #[test]
    fn each_loader_is_an_efi_application_for_its_machine() {
        for (program, machine, magic) in [
            (&BOOTX64[..], 0x8664, 0x20B),
            (&BOOTIA32[..], 0x14C, 0x10B),
            (&BOOTAA64[..], 0xAA64, 0x20B),
        ] {
            let u16_at = |at: usize| u16::from_le_bytes([program[at], program[at + 1]]);
            assert_eq!(program[..2], *b"MZ");
            let pe = usize::from(program[0x3C]);
            assert_eq!(program[pe..pe + 4], *b"PE\0\0");
            assert_eq!(u16_at(pe + 4), machine);
            assert_eq!(u16_at(pe + 24), magic);
            assert_eq!(u16_at(pe + 24 + 68), 10);
        }
    }
}
