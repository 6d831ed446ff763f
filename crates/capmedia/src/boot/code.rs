//! Boot code that is in no file: put into a volume, and found on media again.
//!
//! No file system covers it, so `media.json` holds its digest: a flipped bit there would otherwise show
//! only as media that does not start. The digest is over, in this order and as far as it is there:
//!
//! 1. where a BIOS starts a FAT32 volume: the 440 bytes of the master boot record, if the volume is in
//!    a partition, the 420 bytes behind the BPB of the volume, its sectors 2 to 5;
//! 2. where a BIOS starts a disc by a program that is no file of it: what the boot catalog says is
//!    loaded.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use disk_image::SECTOR;
use disk_image::boot_code::{EL_TORITO, FAT32_BOOT_RECORD, FAT32_STAGE2, MBR};
use extent_image::{Digest, Hasher};
use fat32_image::{BootCode, BootCodeError};

/// Where code begins in the boot sector of a FAT32 volume (Microsoft's FAT specification: behind the
/// BPB).
const BOOT_RECORD_AT: u64 = 0x5A;

/// Our boot record, in the shape that a FAT32 volume takes it.
pub(crate) fn boot_record() -> Result<BootCode, BootCodeError> {
    let stage2 = FAT32_STAGE2.map(|(sector, code)| (sector, Bytes::from_static(code)));
    BootCode::new(&FAT32_BOOT_RECORD[..], stage2.to_vec())
}

/// What a BIOS starts a stick by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StickCode {
    /// The master boot record, which starts the volume in the active partition.
    Partition,
    /// The volume, which is the whole stick.
    Volume,
}

/// The digest of the boot code that we write: on a stick, and as the program of a disc; `None` for
/// media that has neither.
pub(crate) fn digest(stick: Option<StickCode>, program: bool) -> Option<Digest> {
    let mut hasher = Hasher::new();
    if stick == Some(StickCode::Partition) {
        hasher.update(MBR);
    }
    if stick.is_some() {
        hasher.update(FAT32_BOOT_RECORD);
        for (_, code) in FAT32_STAGE2 {
            hasher.update(code);
        }
    }
    if program {
        hasher.update(EL_TORITO);
    }
    (stick.is_some() || program).then(|| hasher.finish())
}

/// What stands in the places of a stick's boot code on a disk whose volume begins at `volume`, 0 where
/// that is the whole disk; less where the disk ends before.
pub(crate) fn read_on_stick(disk: &mut (impl Read + Seek), volume: u64) -> io::Result<Vec<u8>> {
    let mut code = match volume {
        0 => Vec::new(),
        _ => read(disk, 0, MBR.len() as u64)?,
    };
    let record = volume.saturating_add(BOOT_RECORD_AT);
    code.extend(read(disk, record, FAT32_BOOT_RECORD.len() as u64)?);
    for (sector, part) in FAT32_STAGE2 {
        let at = volume.saturating_add(u64::from(sector) * SECTOR);
        code.extend(read(disk, at, part.len() as u64)?);
    }
    Ok(code)
}

/// The `len` bytes from `at` on, as far as they are there.
pub(crate) fn read(image: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image.seek(SeekFrom::Start(at))?;
    image.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}
