//! Whether a UEFI boot image can be one, by its first sector.

/// Bytes of the sector that is looked at.
const SECTOR: usize = 512;

/// Looks at the first 512 bytes of a UEFI boot image: they must begin a FAT volume, which is what
/// firmware mounts. No image is opened for it: planners take any boot image, and callers ask this of
/// those they did not make.
///
/// # Errors
/// [`EfiImageError`]: where something else stands than in a FAT volume.
///
/// ```
/// use iso9660_image::check_efi_image;
///
/// // A loader is not a volume that holds one.
/// let mut loader = [0; 512];
/// loader[..2].copy_from_slice(b"MZ");
/// let error = check_efi_image(&loader).unwrap_err();
/// assert!(error.to_string().starts_with("byte 0, the jump of a boot sector, is 0x4d"));
/// ```
pub fn check_efi_image(first_sector: &[u8]) -> Result<(), EfiImageError> {
    let Some(sector) = first_sector.first_chunk::<SECTOR>() else {
        return Err(EfiImageError::Short { found: first_sector.len(), allowed: SECTOR });
    };
    let byte = |at: usize| u32::from(sector.get(at).copied().unwrap_or_default());
    let word = |at: usize| byte(at) | byte(at.saturating_add(1)) << 8;
    let double = |at: usize| word(at) | word(at.saturating_add(2)) << 16;
    let field = |at, what, found, is_good: bool, allowed| {
        if is_good { Ok(()) } else { Err(EfiImageError::Field { at, what, found, allowed }) }
    };
    let jump = byte(0);
    field(0, "the jump of a boot sector", jump, matches!(jump, 0xE9 | 0xEB), "0xeb or 0xe9")?;
    let signature = word(510);
    field(510, "the signature", signature, signature == 0xAA55, "0xaa55 (bytes 55 AA)")?;
    let bytes = word(11);
    let is_size = matches!(bytes, 512 | 1024 | 2048 | 4096);
    field(11, "bytes per sector", bytes, is_size, "512, 1024, 2048 or 4096")?;
    let cluster = byte(13);
    field(13, "sectors per cluster", cluster, cluster.is_power_of_two(), "a power of two to 128")?;
    field(14, "reserved sectors", word(14), word(14) > 0, "1 or more")?;
    let tables = byte(16);
    field(16, "file allocation tables", tables, matches!(tables, 1 | 2), "1 or 2")?;
    let media = byte(21);
    field(21, "the media type", media, media == 0xF0 || media >= 0xF8, "0xf0, or 0xf8 to 0xff")?;
    let sectors = if word(19) > 0 { word(19) } else { double(32) };
    field(32, "sectors of the volume", sectors, sectors > 0, "1 or more")?;
    let table = if word(22) > 0 { word(22) } else { double(36) };
    field(36, "sectors of a file allocation table", table, table > 0, "1 or more")
}

/// Why a file is no UEFI boot image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EfiImageError {
    /// There is no whole sector.
    #[error(
        "{found} bytes are no FAT volume, which has {allowed} and more; give a FAT volume with \
         \\EFI\\BOOT in it, as efisys.bin is"
    )]
    Short {
        /// Bytes there.
        found: usize,
        /// Least number of bytes.
        allowed: usize,
    },
    /// Something in the first sector is not as in a FAT volume.
    #[error(
        "byte {at}, {what}, is {found:#x}; a FAT volume has {allowed} there; give a FAT volume with \
         \\EFI\\BOOT in it, as efisys.bin is"
    )]
    Field {
        /// Offset in the sector.
        at: usize,
        /// What stands there in a FAT volume.
        what: &'static str,
        /// What stands there in this image.
        found: u32,
        /// What may.
        allowed: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 1.44 MB floppy disk.
    fn floppy() -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        sector[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
        sector[11..24].copy_from_slice(&[0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0B, 0xF0, 9, 0]);
        sector[510..].copy_from_slice(&[0x55, 0xAA]);
        sector
    }

    #[test]
    fn volumes_pass_and_others_are_named() {
        assert_eq!(check_efi_image(&floppy()), Ok(()));
        let mut fat32 = floppy();
        fat32[17..24].copy_from_slice(&[0, 0, 0, 0, 0xF8, 0, 0]);
        fat32[32..40].copy_from_slice(&[0, 0, 8, 0, 0, 2, 0, 0]);
        assert_eq!(check_efi_image(&fat32), Ok(()));
        assert_eq!(
            check_efi_image(&[0; 511]),
            Err(EfiImageError::Short { found: 511, allowed: 512 })
        );
        for (at, value) in
            [(0, b'M'), (510, 0), (12, 3), (13, 0), (13, 3), (14, 0), (16, 0), (16, 3), (21, 0xF1)]
        {
            let mut sector = floppy();
            sector[at] = value;
            let found = check_efi_image(&sector);
            let Err(EfiImageError::Field { at: named, .. }) = found else { panic!("{found:?}") };
            assert!(named == at || (at, named) == (12, 11), "{at} {named}");
        }
        let mut sector = floppy();
        sector[19..21].copy_from_slice(&[0, 0]);
        assert!(matches!(check_efi_image(&sector), Err(EfiImageError::Field { at: 32, .. })));
        let mut sector = floppy();
        sector[22] = 0;
        assert_eq!(
            check_efi_image(&sector).unwrap_err().to_string(),
            "byte 36, sectors of a file allocation table, is 0x0; a FAT volume has 1 or more there; \
             give a FAT volume with \\EFI\\BOOT in it, as efisys.bin is"
        );
    }
}
