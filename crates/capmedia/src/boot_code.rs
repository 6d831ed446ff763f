//! The boot code of a stick: put into a volume, and found on one again.
//!
//! No file system covers it, so `media.json` holds its digest: a flipped bit there would otherwise show
//! only as a stick that does not start.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use disk_image::SECTOR;
use disk_image::boot_code::{FAT32_BOOT_RECORD, FAT32_STAGE2, MBR};
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

/// The digest of the boot code that we write.
pub(crate) fn digest() -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(MBR);
    hasher.update(FAT32_BOOT_RECORD);
    for (_, code) in FAT32_STAGE2 {
        hasher.update(code);
    }
    hasher.finish()
}

/// The digest of what stands in the same places on a disk whose volume begins at `volume`.
pub(crate) fn digest_on(disk: &mut (impl Read + Seek), volume: u64) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut add = |at: u64, len: usize| -> io::Result<()> {
        let mut code = vec![0; len];
        disk.seek(SeekFrom::Start(at))?;
        disk.read_exact(&mut code)?;
        hasher.update(&code);
        Ok(())
    };
    add(0, MBR.len())?;
    add(volume.saturating_add(BOOT_RECORD_AT), FAT32_BOOT_RECORD.len())?;
    for (sector, code) in FAT32_STAGE2 {
        add(volume.saturating_add(u64::from(sector) * SECTOR), code.len())?;
    }
    Ok(hasher.finish())
}
