//! Our own boot code, as bytes. The sources are in `boot/` beside `src/`; `cargo xtask bootcode`
//! assembles them anew, and its `--check` fails when the bytes here are not what they say.
//!
//! How a PC BIOS gets from the disk to the boot manager:
//!
//! 1. The firmware loads sector 0 of the disk to 0000:7C00. [`MBR`] finds the one active partition
//!    and loads its first sector to the same place.
//! 2. [`FAT32_BOOT_RECORD`] in that sector, behind the BPB, loads [`FAT32_STAGE2`] from the reserved
//!    sectors of the volume.
//! 3. Stage 2 finds `BOOTMGR` in the root folder, loads all of it to 2000:0000 and enters it.
//!
//! What the volume must be for that: FAT32 with 512-byte sectors, the *hidden sectors* field of the
//! BPB equal to the partition's first sector, at least 12 reserved sectors (6 for the code, 6 for
//! its copy), and a file with the short name `BOOTMGR` of at most the memory int 12h tells less
//! 128 KiB.
//!
//! And from a disc, where [`EL_TORITO`] is all there is: the firmware loads it by the boot catalog,
//! and it loads `BOOTMGR` in the same way.

pub mod standin;

/// The code of the master boot record: the first 440 bytes of sector 0, before the disk signature.
pub const MBR: &[u8; 440] = include_bytes!("../boot/mbr.bin");

/// The assembled FAT32 boot record as its source lays it out: 420 bytes of stage 1, the 55 AA that
/// ends the sector, four sectors of stage 2.
const FAT32: &[u8; 420 + 2 + 4 * 512] = include_bytes!("../boot/fat32_boot_record.bin");

/// Stage 1, for the 420 bytes from 5Ah of the volume's boot sector. The jump at the sector's start
/// must be `EB 58 90`, and the same goes into the backup boot sector.
pub const FAT32_BOOT_RECORD: &[u8; 420] = match FAT32.first_chunk() {
    Some(stage1) => stage1,
    None => unreachable!(),
};

/// Stage 2: sectors of the volume and what they hold. The copies that belong to the backup boot
/// sector go six sectors further, to 8-11.
pub const FAT32_STAGE2: [(u32, &[u8; 512]); 4] =
    [(2, stage2(0)), (3, stage2(1)), (4, stage2(2)), (5, stage2(3))];

/// A program for the PC BIOS entry of a disc's boot catalog (El Torito), in place of
/// `etfsboot.com`: media type 0 (no emulation), load segment 0 (the default, 07C0h), sector count 4.
/// Of 2048 bytes, so it fills one sector of the disc.
///
/// It enters `BOOTMGR` as the FAT32 boot record does, but for the BPB at 0000:7C00: from a disc there
/// is none, and all its fields are zero but the drive number at 40h.
///
/// What the disc must be for that:
///
/// - an ISO 9660 volume whose descriptors begin at sector 16, in blocks of 2048 bytes. The *primary*
///   tree counts: Joliet and UDF are not looked at, so a disc that keeps its files in UDF only has
///   nothing for it;
/// - in the root folder of that tree a file `BOOTMGR`, in either case, with or without a dot and a
///   version at its end; in one extent and of at most the memory int 12h tells less 128 KiB, in whole
///   sectors of 2048 bytes: 510 KiB on a usual PC.
///
/// With a file `\BOOT\BOOTFIX.BIN` in the primary tree (its content does not matter) it asks for a
/// key and, when none was pressed for five seconds, leaves the machine to the firmware's next boot
/// device.
pub const EL_TORITO: &[u8; 2048] = include_bytes!("../boot/el_torito.bin");

const fn stage2(index: usize) -> &'static [u8; 512] {
    match FAT32.split_at(422 + index * 512).1.first_chunk() {
        Some(sector) => sector,
        None => unreachable!(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_cut_at_the_right_places() {
        // cli; xor ax, ax
        assert_eq!(FAT32_BOOT_RECORD[..3], [0xFA, 0x31, 0xC0]);
        assert_eq!(FAT32[420..422], [0x55, 0xAA]);
        assert_eq!(FAT32_STAGE2.map(|(sector, _)| sector), [2, 3, 4, 5]);
        assert_eq!(FAT32_STAGE2[0].1[..4], *b"CMS2");
        let all: Vec<u8> = FAT32_STAGE2.iter().flat_map(|(_, bytes)| **bytes).collect();
        assert_eq!(all, FAT32[422..]);
    }

    #[test]
    fn the_el_torito_program_leaves_room_for_a_bpb() {
        assert_eq!(EL_TORITO[..3], [0xEB, 0x58, 0x90]);
        assert_eq!(EL_TORITO[3..0x5A], [0; 0x57]);
        // cli; xor ax, ax
        assert_eq!(EL_TORITO[0x5A..0x5D], [0xFA, 0x31, 0xC0]);
        assert_eq!(EL_TORITO[2044..], *b"DCME");
    }

    #[test]
    fn the_mbr_leaves_signature_and_table_alone() {
        assert_eq!(MBR.len(), 0x1B8);
        assert_eq!(MBR[0], 0xFA);
    }
}
