//! The devices that elements name (wim-format 4.3).

use std::fmt;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::cast::{to_u32, to_u64, to_usize};
use crate::disk::device::{DeviceHead, PartitionBody, RAM_DISK_HEAD, RamDiskBody, VOLUME, kind};
use crate::guid::Guid;
use crate::hive::{decode_text, encode_text};
use crate::object::ObjectId;

/// Where a device element leads, and the object that holds more options of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// A device of its own.
    Plain(Volume),
    /// A file in memory, used as a disk.
    RamDisk {
        /// Where the file is.
        volume: Volume,
        /// Its path there, with backslashes: `\sources\boot.wim`.
        path: String,
        /// The object with the path of its boot.sdi.
        options: Option<ObjectId>,
    },
}

/// A device that files can be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Volume {
    /// What the boot manager was started from.
    Boot,
    /// A partition of a GPT disk.
    Gpt {
        /// Of the partition.
        partition: Guid,
        /// Of its disk.
        disk: Guid,
    },
    /// A partition of an MBR disk.
    Mbr {
        /// Where it begins on the disk, in bytes.
        offset: u64,
        /// Of its disk.
        signature: u32,
    },
}

/// Why bytes are no device that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// Fewer bytes than the record needs.
    #[error("a device of {found} bytes; {what} needs {needed}")]
    TooShort {
        /// Bytes there.
        found: u64,
        /// What needs more.
        what: &'static str,
        /// Bytes it needs.
        needed: u64,
    },
    /// A number that means another sort of device, or none.
    #[error("a device whose {field} is {found:#x}; {known} are known")]
    Unknown {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
        /// Values that are read.
        known: &'static str,
    },
    /// A length in the record that differs from the bytes there.
    #[error("a device whose {field} is {found:#x}; its bytes make {expected:#x}")]
    Length {
        /// Which field.
        field: &'static str,
        /// Its value.
        found: u32,
        /// What it should be.
        expected: u32,
    },
    /// A path that does not end, or is no UTF-16.
    #[error("a RAM disk whose path is not UTF-16 with a NUL at its end")]
    Path,
}

const NO_OPTIONS: [u8; 16] = [0; 16];

impl Device {
    /// The bytes of a device element.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(volume) => [&NO_OPTIONS[..], &volume.record()].concat(),
            Self::RamDisk { volume, path, options } => {
                let file = [volume.record(), encode_text(path)].concat();
                let len = |before| U32::new(to_u32(file.len()).saturating_add(to_u32(before)));
                let head = DeviceHead {
                    kind: U32::new(kind::BLOCK),
                    flags: U32::new(1),
                    len: len(RAM_DISK_HEAD),
                    reserved: U32::ZERO,
                };
                let mut body = RamDiskBody::new_zeroed();
                body.block_kind = U32::new(RamDiskBody::BLOCK_KIND);
                body.file_version = U32::new(RamDiskBody::FILE_VERSION);
                body.file_len = len(RamDiskBody::FILE_HEAD);
                body.file_kind = U32::new(RamDiskBody::FILE_KIND);
                let options = options.map_or(NO_OPTIONS, |options| options.guid().to_bytes());
                [&options[..], head.as_bytes(), body.as_bytes(), &file].concat()
            }
        }
    }

    /// Reads the bytes of a device element. What older stores leave in unused fields is ignored.
    ///
    /// # Errors
    /// When it is none of the devices known here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DeviceError> {
        let Some((options, record)) = bytes.split_first_chunk() else {
            return Err(too_short("the object of its options", bytes, options_len()));
        };
        let (head, body, _) = split_record(record, "its type")?;
        let expected = to_u32(record.len());
        if head.len.get() != expected {
            let (field, found) = ("length", head.len.get());
            return Err(DeviceError::Length { field, found, expected });
        }
        if head.kind.get() != kind::BLOCK {
            return Volume::read(record).map(|(volume, _)| Self::Plain(volume));
        }
        let Ok((ram_disk, file)) = RamDiskBody::ref_from_prefix(body) else {
            return Err(too_short("a RAM disk", body, size_of::<RamDiskBody>()));
        };
        let unknown = |field, found: U32, known| {
            Err(DeviceError::Unknown { field, found: found.get(), known })
        };
        if ram_disk.block_kind.get() != RamDiskBody::BLOCK_KIND {
            return unknown("kind of block device", ram_disk.block_kind, "RAM disks (3)");
        }
        if ram_disk.file_version.get() != RamDiskBody::FILE_VERSION {
            return unknown("version of the file's record", ram_disk.file_version, "records of 1");
        }
        if ram_disk.file_kind.get() != RamDiskBody::FILE_KIND {
            return unknown("kind of file", ram_disk.file_kind, "a device and a path (5)");
        }
        let expected = to_u32(body.len().saturating_sub(RamDiskBody::BEFORE_FILE));
        if ram_disk.file_len.get() != expected {
            let (field, found) = ("length of the file's record", ram_disk.file_len.get());
            return Err(DeviceError::Length { field, found, expected });
        }
        let (volume, path) = Volume::read(file)?;
        let ends = path.chunks_exact(2).any(|unit| unit == [0, 0]);
        let path = decode_text(path).filter(|_| ends).ok_or(DeviceError::Path)?;
        let options = (*options != NO_OPTIONS).then(|| Guid::from_bytes(*options).into());
        Ok(Self::RamDisk { volume, path, options })
    }
}

impl Volume {
    fn record(self) -> Vec<u8> {
        let mut body = PartitionBody::new_zeroed();
        let kind = match self {
            Self::Boot => kind::BOOT,
            Self::Gpt { partition, disk } => {
                body.partition = partition.to_bytes();
                body.disk = disk.to_bytes();
                kind::PARTITION
            }
            Self::Mbr { offset, signature } => {
                let numbers = [U64::new(offset), U64::ZERO];
                body.partition.copy_from_slice(numbers.as_bytes());
                body.scheme = U32::new(1);
                let numbers = [signature, 0, 0, 0].map(U32::new);
                body.disk.copy_from_slice(numbers.as_bytes());
                kind::PARTITION
            }
        };
        let head = DeviceHead {
            kind: U32::new(kind),
            flags: U32::ZERO,
            len: U32::new(to_u32(VOLUME)),
            reserved: U32::ZERO,
        };
        [head.as_bytes(), body.as_bytes()].concat()
    }

    /// The volume at the start of the bytes, and what follows its record.
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), DeviceError> {
        let (head, body, after) = split_record(bytes, "a volume")?;
        match head.kind.get() {
            kind::BOOT => Ok((Self::Boot, after)),
            kind::PARTITION => {
                let Ok((body, _)) = PartitionBody::ref_from_prefix(body) else {
                    return Err(too_short("a partition", body, size_of::<PartitionBody>()));
                };
                let volume = match body.scheme.get() {
                    0 => Self::Gpt {
                        partition: Guid::from_bytes(body.partition),
                        disk: Guid::from_bytes(body.disk),
                    },
                    1 => {
                        let [o0, o1, o2, o3, o4, o5, o6, o7, ..] = body.partition;
                        let [s0, s1, s2, s3, ..] = body.disk;
                        Self::Mbr {
                            offset: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
                            signature: u32::from_le_bytes([s0, s1, s2, s3]),
                        }
                    }
                    found => {
                        let (field, known) = ("partition scheme", "GPT (0) and MBR (1)");
                        return Err(DeviceError::Unknown { field, found, known });
                    }
                };
                Ok((volume, after))
            }
            found => {
                let known = "RAM disks (0), the boot device (5) and partitions (6)";
                Err(DeviceError::Unknown { field: "type", found, known })
            }
        }
    }
}

/// Head, body and what follows, by the record's own length.
fn split_record<'b>(
    bytes: &'b [u8],
    what: &'static str,
) -> Result<(&'b DeviceHead, &'b [u8], &'b [u8]), DeviceError> {
    let Ok((head, after)) = DeviceHead::ref_from_prefix(bytes) else {
        return Err(too_short(what, bytes, size_of::<DeviceHead>()));
    };
    let len = to_usize(head.len.get());
    let body = len.checked_sub(size_of::<DeviceHead>());
    match body.and_then(|len| after.split_at_checked(len)) {
        Some((body, after)) => Ok((head, body, after)),
        None => {
            let (found, expected) = (head.len.get(), to_u32(bytes.len()));
            Err(DeviceError::Length { field: "length", found, expected })
        }
    }
}

const fn options_len() -> usize {
    NO_OPTIONS.len()
}

fn too_short(what: &'static str, bytes: &[u8], needed: usize) -> DeviceError {
    DeviceError::TooShort { found: to_u64(bytes.len()), what, needed: to_u64(needed) }
}

/// As `bcdedit` writes them: `boot`, `ramdisk=[boot]\sources\boot.wim,{...}`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(volume) => volume.fmt(f),
            Self::RamDisk { volume, path, options } => {
                write!(f, "ramdisk=[{volume}]{path}")?;
                options.map_or(Ok(()), |options| write!(f, ",{options}"))
            }
        }
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot => f.write_str("boot"),
            Self::Gpt { partition, disk } => write!(f, "partition={partition} of disk {disk}"),
            Self::Mbr { offset, signature } => {
                write!(f, "partition at byte {offset} of disk {signature:08x}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wim() -> Device {
        Device::RamDisk {
            volume: Volume::Boot,
            path: r"\sources\boot.wim".to_owned(),
            options: Some(ObjectId::MEDIA_RAM_DISK),
        }
    }

    /// The element of Windows media, from the documented offsets and not from our records.
    fn wim_bytes() -> Vec<u8> {
        let mut bytes = vec![0; 0xB0];
        let mut put = |at: usize, part: &[u8]| bytes[at..][..part.len()].copy_from_slice(part);
        put(0x00, b"\xC8\xDC\x19\x76\xFE\xFA\xD9\x11\xB4\x11\x00\x04\x76\xEB\xA2\x5F");
        put(0x14, &[1]);
        put(0x18, &[0xA0]);
        put(0x20, &[3]);
        put(0x38, &[1]);
        put(0x3C, &[0x78]);
        put(0x40, &[5]);
        put(0x44, &[5]);
        put(0x4C, &[0x48]);
        put(0x8C, b"\\\0s\0o\0u\0r\0c\0e\0s\0\\\0b\0o\0o\0t\0.\0w\0i\0m\0\0\0");
        bytes
    }

    #[test]
    fn a_ram_disk_of_176_bytes() {
        assert_eq!(wim().to_bytes(), wim_bytes());
        assert_eq!(Device::from_bytes(&wim_bytes()), Ok(wim()));
        let text = r"ramdisk=[boot]\sources\boot.wim,{7619dcc8-fafe-11d9-b411-000476eba25f}";
        assert_eq!(wim().to_string(), text);
        // Published stores have left-overs of the author's partition behind [boot].
        let mut bytes = wim_bytes();
        bytes[0x54..0x8C].fill(0xAA);
        bytes[0x24..0x38].fill(0xAA);
        assert_eq!(Device::from_bytes(&bytes), Ok(wim()));
    }

    #[test]
    fn boot_and_partitions() {
        let mut boot = vec![0; 0x58];
        boot[0x10] = 5;
        boot[0x18] = 0x48;
        let device = Device::Plain(Volume::Boot);
        assert_eq!(device.to_bytes(), boot);
        assert_eq!(Device::from_bytes(&boot), Ok(device));

        let mut mbr = vec![0; 0x58];
        mbr[0x10] = 6;
        mbr[0x18] = 0x48;
        mbr[0x20..0x28].copy_from_slice(&0x10_0000_u64.to_le_bytes());
        mbr[0x34] = 1;
        mbr[0x38..0x3C].copy_from_slice(&0xDEAD_BEEF_u32.to_le_bytes());
        let device = Device::Plain(Volume::Mbr { offset: 0x10_0000, signature: 0xDEAD_BEEF });
        assert_eq!(device.to_bytes(), mbr);
        assert_eq!(device.to_string(), "partition at byte 1048576 of disk deadbeef");
        assert_eq!(Device::from_bytes(&mbr), Ok(device));

        let mut gpt = vec![0; 0x58];
        gpt[0x10] = 6;
        gpt[0x18] = 0x48;
        gpt[0x20..0x30].copy_from_slice(&ObjectId::BOOT_MANAGER.guid().to_bytes());
        gpt[0x38..0x48].copy_from_slice(&ObjectId::MEMORY_TEST.guid().to_bytes());
        let device = Device::Plain(Volume::Gpt {
            partition: ObjectId::BOOT_MANAGER.guid(),
            disk: ObjectId::MEMORY_TEST.guid(),
        });
        assert_eq!(device.to_bytes(), gpt);
        assert_eq!(Device::from_bytes(&gpt), Ok(device));
    }

    #[test]
    fn damage_is_named() {
        let changed = |at: usize, byte: u8| {
            let mut bytes = wim_bytes();
            bytes[at] = byte;
            Device::from_bytes(&bytes).unwrap_err().to_string()
        };
        assert_eq!(changed(0x18, 0x9F), "a device whose length is 0x9f; its bytes make 0xa0");
        assert_eq!(
            changed(0x20, 0),
            "a device whose kind of block device is 0x0; RAM disks (3) are known"
        );
        assert_eq!(
            changed(0x3C, 0x77),
            "a device whose length of the file's record is 0x77; its bytes make 0x78"
        );
        assert_eq!(
            changed(0x40, 4),
            "a device whose kind of file is 0x4; a device and a path (5) are known"
        );
        assert_eq!(
            changed(0x44, 8),
            "a device whose type is 0x8; RAM disks (0), the boot device (5) and partitions (6) are known"
        );
        assert_eq!(changed(0xAE, 7), "a RAM disk whose path is not UTF-16 with a NUL at its end");
        for len in 0..wim_bytes().len() {
            assert!(Device::from_bytes(&wim_bytes()[..len]).is_err(), "{len}");
        }
    }
}
