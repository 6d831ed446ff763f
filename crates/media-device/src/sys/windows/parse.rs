//! What drivers answer, out of their bytes. Nothing in there is trusted: numbers may be anything, and
//! answers shorter than they claim.
//!
//! The structures are those of winioctl.h, by their offsets on 64-bit systems; where they are built
//! for Windows the compiler compares them with its own.

use crate::drive::Bus;
use crate::text;

/// `FILE_DEVICE_DISK`
pub(super) const DISK: u32 = 7;

/// `STORAGE_DEVICE_NUMBER`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceNumber {
    pub(super) kind: u32,
    pub(super) number: u32,
    /// 0 or all ones for a whole drive.
    pub(super) partition: u32,
}

pub(super) fn device_number(bytes: &[u8]) -> Option<DeviceNumber> {
    Some(DeviceNumber {
        kind: u32_at(bytes, 0)?,
        number: u32_at(bytes, 4)?,
        partition: u32_at(bytes, 8)?,
    })
}

/// What of `STORAGE_DEVICE_DESCRIPTOR` is of use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Descriptor {
    pub(super) removable: bool,
    pub(super) vendor: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    /// `STORAGE_BUS_TYPE`
    pub(super) bus: u32,
}

pub(super) fn descriptor(bytes: &[u8]) -> Option<Descriptor> {
    // Texts are at offsets that the structure holds: 0, and for serial numbers all ones, for none.
    let text = |at: usize| {
        let start = u32_at(bytes, at).filter(|start| !matches!(*start, 0 | u32::MAX))?;
        text::ascii(bytes.get(usize::try_from(start).ok()?..)?)
    };
    Some(Descriptor {
        removable: *bytes.get(10)? != 0,
        vendor: text(12),
        model: text(16),
        serial: text(24),
        bus: u32_at(bytes, 28)?,
    })
}

/// `BusTypeSd`: a slot of the machine's own. Soldered eMMC is of another type.
pub(super) const BUS_SD: u32 = 12;

/// `STORAGE_BUS_TYPE`
pub(super) fn bus(number: u32) -> Bus {
    match number {
        7 => Bus::Usb,
        BUS_SD | 13 => Bus::Mmc,
        // ATAPI, ATA, SATA.
        2 | 3 | 11 => Bus::Sata,
        17 => Bus::Nvme,
        // SCSI, Fibre Channel, RAID, iSCSI, SAS.
        1 | 6 | 8 | 9 | 10 => Bus::Scsi,
        // A file as a drive: VHD.
        15 => Bus::Loop,
        _ => Bus::Other,
    }
}

/// Length of a drive and of its sectors, of `DISK_GEOMETRY_EX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) len: u64,
    pub(super) sector: u32,
}

pub(super) fn geometry(bytes: &[u8]) -> Option<Geometry> {
    let sector = sector(u32_at(bytes, 20)?);
    // No drive ends within a sector; its last bytes could not be written.
    let len = length_at(bytes, 24)?;
    Some(Geometry { len: len - len % u64::from(sector), sector })
}

/// 512 where a drive says nothing that it could have.
fn sector(said: u32) -> u32 {
    if said.is_power_of_two() && (512..=1 << 20).contains(&said) { said } else { 512 }
}

/// The physical sector of `STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR`.
pub(super) fn physical_sector(bytes: &[u8]) -> Option<u32> {
    Some(sector(u32_at(bytes, 20)?))
}

/// Whether a drive knows trim: `DEVICE_TRIM_DESCRIPTOR`.
pub(super) fn knows_trim(bytes: &[u8]) -> bool {
    bytes.get(8).is_some_and(|enabled| *enabled != 0)
}

/// How often a medium was changed.
pub(super) fn media_changes(bytes: &[u8]) -> Option<u32> {
    u32_at(bytes, 0)
}

/// A part of a drive that a volume is on: `DISK_EXTENT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) disk: u32,
    pub(super) start: u64,
}

/// `VOLUME_DISK_EXTENTS`. `None` where fewer are there than the count says, or one makes no sense: a
/// part of a volume that is not known would be written over.
pub(super) fn extents(bytes: &[u8]) -> Option<Vec<Extent>> {
    let count = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let entries = bytes.get(8..).unwrap_or_default().chunks_exact(24).take(count);
    let extent = |entry| Some(Extent { disk: u32_at(entry, 0)?, start: length_at(entry, 8)? });
    let extents: Vec<Extent> = entries.map(extent).collect::<Option<_>>()?;
    (extents.len() == count).then_some(extents)
}

/// `PARTITION_INFORMATION_EX`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableEntry {
    pub(super) number: u32,
    pub(super) start: u64,
    pub(super) len: u64,
}

/// What makes volumes of several drives, and keeps its own records on each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pool {
    StorageSpaces,
    /// The Logical Disk Manager, of dynamic disks.
    DynamicDisks,
}

/// GUIDs of types of partitions as they lie in tables: those of winioctl.h, PARTITION_SPACES_GUID,
/// PARTITION_LDM_METADATA_GUID and PARTITION_LDM_DATA_GUID.
const SPACES: [u8; 16] = 0x8FAF_5CE7_80F6_EE4C_AFA3_B001_E56E_FC2D_u128.to_be_bytes();
const LDM_METADATA: [u8; 16] = 0xAAC8_0858_8F7E_E042_85D2_E1E9_0434_CFB3_u128.to_be_bytes();
const LDM_DATA: [u8; 16] = 0xA060_9BAF_3114_624F_BC68_3311_714A_69AD_u128.to_be_bytes();

/// `PARTITION_STYLE_MBR`
const MBR: u32 = 0;
/// `PARTITION_STYLE_GPT`
const GPT: u32 = 1;

/// What a partition belongs to, by its type.
fn pool(entry: &[u8]) -> Option<Pool> {
    /// `PARTITION_LDM`
    const DYNAMIC: u8 = 0x42;
    match (u32_at(entry, 0)?, entry.get(32..48)?) {
        (MBR, [DYNAMIC, ..]) => Some(Pool::DynamicDisks),
        (GPT, kind) if kind == LDM_METADATA || kind == LDM_DATA => Some(Pool::DynamicDisks),
        (GPT, kind) if kind == SPACES => Some(Pool::StorageSpaces),
        _ => None,
    }
}

/// The entries of `DRIVE_LAYOUT_INFORMATION_EX`.
fn layout_entries(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = u32_at(bytes, 4).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    bytes.get(48..).unwrap_or_default().chunks_exact(144).take(count)
}

/// What a drive is a part of, by its table, each once. Also of partitions that Windows gives no number.
pub(super) fn pools(bytes: &[u8]) -> Vec<Pool> {
    let found: Vec<Pool> = layout_entries(bytes).filter_map(pool).collect();
    [Pool::StorageSpaces, Pool::DynamicDisks].into_iter().filter(|p| found.contains(p)).collect()
}

/// The partitions of `DRIVE_LAYOUT_INFORMATION_EX`, by where they begin. Of a drive without partitions
/// Windows makes one that begins at 0, which is none here.
pub(super) fn layout(bytes: &[u8]) -> Vec<TableEntry> {
    let entry = |entry: &[u8]| {
        let (start, len) = (length_at(entry, 8)?, length_at(entry, 16)?);
        let number = u32_at(entry, 24)?;
        // Unused entries, and those that hold others: of type 0, 5 and 15.
        let is_none = u32_at(entry, 0)? == MBR && matches!(entry.get(32)?, 0 | 5 | 15);
        (!is_none && number != 0 && start != 0 && len != 0).then_some(TableEntry {
            number,
            start,
            len,
        })
    };
    let mut entries: Vec<TableEntry> = layout_entries(bytes).filter_map(entry).collect();
    entries.sort_by_key(|entry| (entry.start, entry.number));
    entries
}

/// Texts that each end with a zero, up to an empty one.
pub(super) fn texts(units: &[u16]) -> impl Iterator<Item = String> {
    units.split(|unit| *unit == 0).take_while(|text| !text.is_empty()).map(String::from_utf16_lossy)
}

/// A text that ends with a zero.
pub(super) fn text(units: &[u16]) -> String {
    texts(units).next().unwrap_or_default()
}

/// The number that begins at a byte.
fn u32_at(bytes: &[u8], start: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(start..)?.first_chunk()?))
}

/// LARGE_INTEGER, of which no length or place is negative.
fn length_at(bytes: &[u8], start: usize) -> Option<u64> {
    u64::try_from(i64::from_le_bytes(*bytes.get(start..)?.first_chunk()?)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_a_descriptor_are_where_it_says() {
        let mut bytes = vec![0; 36];
        bytes[10] = 1;
        bytes[12..16].copy_from_slice(&36u32.to_le_bytes());
        bytes[16..20].copy_from_slice(&45u32.to_le_bytes());
        bytes[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
        bytes[28..32].copy_from_slice(&7u32.to_le_bytes());
        bytes.extend(b"SanDisk \0Cruzer\x1b[2J\0");
        let found = descriptor(&bytes).unwrap();
        assert_eq!((found.removable, bus(found.bus)), (true, Bus::Usb));
        assert_eq!(found.vendor.as_deref(), Some("SanDisk"));
        assert_eq!(found.model.as_deref(), Some("Cruzer_[2J"));
        assert_eq!(found.serial, None);
        // Behind the end, and at it.
        for offset in [bytes.len() as u32, 4096] {
            bytes[24..28].copy_from_slice(&offset.to_le_bytes());
            assert_eq!(descriptor(&bytes).unwrap().serial, None);
        }
        assert_eq!(descriptor(&bytes[..31]), None);
    }

    #[test]
    fn a_drive_ends_with_a_whole_sector() {
        let mut bytes = vec![0; 32];
        bytes[20..24].copy_from_slice(&4096u32.to_le_bytes());
        bytes[24..32].copy_from_slice(&8193i64.to_le_bytes());
        assert_eq!(geometry(&bytes), Some(Geometry { len: 8192, sector: 4096 }));
        bytes[20..24].copy_from_slice(&7u32.to_le_bytes());
        assert_eq!(geometry(&bytes), Some(Geometry { len: 8192, sector: 512 }));
        bytes[24..32].copy_from_slice(&(-1i64).to_le_bytes());
        assert_eq!(geometry(&bytes), None);
    }

    #[test]
    fn lists_of_texts_end_with_an_empty_one() {
        let units: Vec<u16> = "E:\\\0C:\\mnt\\\0\0junk".encode_utf16().collect();
        assert_eq!(texts(&units).collect::<Vec<_>>(), [r"E:\", r"C:\mnt\"]);
        assert_eq!(text(&units), r"E:\");
        assert_eq!(texts(&[]).count() + texts(&[0, 0]).count(), 0);
        assert_eq!(text(&[0xD800, 0x41]), "\u{fffd}A");
    }

    proptest! {
        #[test]
        fn any_answer_is_read(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..600),
            count in any::<u32>(),
        ) {
            let limit = bytes.len();
            for at in [0, 4] {
                if let Some(place) = bytes.get_mut(at..at + 4) {
                    place.copy_from_slice(&count.to_le_bytes());
                }
                prop_assert!(extents(&bytes).is_none_or(|found| found.len() <= limit / 24));
                prop_assert!(layout(&bytes).len() <= limit / 144);
            }
            pools(&bytes);
            device_number(&bytes);
            descriptor(&bytes);
            geometry(&bytes);
            physical_sector(&bytes);
            knows_trim(&bytes);
            media_changes(&bytes);
            let units: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte) * 0x101).collect();
            prop_assert!(texts(&units).count() <= units.len());
        }
    }
}
