//! The volume descriptors as they are found.

use std::io::{Read, Seek};

use extent_image::Timestamp;
use zerocopy::{FromBytes, IntoBytes};

use crate::check::date;
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::name;
use crate::disk::both_endian::{Both16, Both32};
use crate::disk::directory_record::{DIRECTORY, HIDDEN};
use crate::disk::volume_descriptor::{
    BOOT_RECORD, BootRecord, EL_TORITO, JOLIET_LEVELS, PRIMARY, STANDARD_ID, SUPPLEMENTARY,
    TERMINATOR, VolumeDescriptor,
};
use crate::report::RecordTree;
use crate::units::{SECTOR, SECTOR_LEN, len64};

/// The first volume descriptor.
const FIRST: u64 = 16;
/// Most descriptors that are looked at. Real images have at most six.
const MAX_DESCRIPTORS: u64 = 64;

/// What a volume descriptor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Volume identifier.
    pub label: String,
    /// Volume set identifier.
    pub set_id: String,
    /// Publisher identifier.
    pub publisher: String,
    /// Data preparer identifier.
    pub preparer: String,
    /// Application identifier.
    pub application: String,
    /// Volume space size, in sectors of 2048 bytes.
    pub sectors: u32,
    /// Number of volumes of the set.
    pub set_size: u16,
    /// Number of this volume in the set.
    pub sequence: u16,
    /// Creation, if a date is there.
    pub created: Option<Timestamp>,
    /// Last modification, if a date is there.
    pub modified: Option<Timestamp>,
}

/// A primary or Joliet descriptor and where it was found.
pub(super) struct Found {
    pub(super) position: u64,
    pub(super) raw: VolumeDescriptor,
}

impl Found {
    pub(super) fn facts(&self, tree: RecordTree) -> VolumeFacts {
        let raw = &self.raw;
        let text = |field: &[u8]| field_text(tree, field);
        VolumeFacts {
            label: text(&raw.volume_id),
            set_id: text(&raw.volume_set_id),
            publisher: text(&raw.publisher_id),
            preparer: text(&raw.preparer_id),
            application: text(&raw.application_id),
            sectors: raw.volume_space_size.little(),
            set_size: raw.volume_set_size.little(),
            sequence: raw.volume_sequence_number.little(),
            created: date::long(&raw.created).known(),
            modified: date::long(&raw.modified).known(),
        }
    }
}

/// All descriptors that matter.
pub(super) struct Descriptors {
    pub(super) primary: Found,
    pub(super) joliet: Option<Found>,
    /// Where the LBA of the boot catalog is stated, and the LBA.
    pub(super) catalog: Option<(u64, u32)>,
    /// Supplementary descriptors that are not Joliet, such as the enhanced one of ISO 9660:1999.
    others: Vec<Found>,
    /// Sector after the last descriptor.
    pub(super) end: u64,
    /// What was seen on the way.
    faults: Vec<(u64, FaultKind)>,
}

impl Descriptors {
    pub(super) fn read<R: Read + Seek>(medium: &mut Medium<R>) -> Result<Self, ReadError> {
        let (mut primary, mut joliet, mut catalog) = (None::<Found>, None, None);
        let (mut faults, mut others) = (Vec::new(), Vec::new());
        let mut terminated = false;
        let mut number = FIRST;
        let last = FIRST.saturating_add(MAX_DESCRIPTORS);
        while number < last {
            let Some(sector) = medium.sector(number)? else { break };
            let position = number.saturating_mul(SECTOR);
            let [kind, a, b, c, d, e, ..] = sector;
            if [a, b, c, d, e] != STANDARD_ID {
                break;
            }
            if terminated {
                // UDF's descriptors have other identifiers, so this is one too many.
                faults.push((position, FaultKind::SecondTerminator));
                break;
            }
            if number == FIRST && kind != PRIMARY {
                faults.push((position, FaultKind::PrimaryNotFirst { found: kind }));
            }
            number = number.saturating_add(1);
            match kind {
                TERMINATOR => {
                    terminated = true;
                    version(position, &sector, &mut faults);
                    if sector.iter().skip(7).any(|byte| *byte != 0) {
                        let what = "terminator after its version";
                        faults.push((position, FaultKind::Reserved { what }));
                    }
                }
                PRIMARY => {
                    let raw = parse(&sector);
                    match (&primary, raw) {
                        (None, Some(raw)) => primary = Some(Found { position, raw }),
                        (Some(first), Some(raw)) if same(&first.raw, &raw) => {}
                        _ => faults.push((position, FaultKind::PrimaryCopyDiffers)),
                    }
                }
                SUPPLEMENTARY => {
                    let found = parse(&sector).map(|raw| Found { position, raw });
                    match found {
                        Some(found) if joliet.is_none() && is_joliet(&found.raw) => {
                            joliet = Some(found);
                        }
                        found => {
                            // Version 2 is the enhanced descriptor, which needs no sequence.
                            let lost = |it: &&Found| it.raw.version == 1 && !is_joliet(&it.raw);
                            if let Some(found) = found.as_ref().filter(lost) {
                                faults.push((found.position.saturating_add(88), FaultKind::Escape));
                            }
                            others.extend(found);
                        }
                    }
                }
                BOOT_RECORD => {
                    let record = BootRecord::read_from_bytes(&sector).ok();
                    version(position, &sector, &mut faults);
                    let record = record.filter(|record| record.boot_system_id == EL_TORITO);
                    if let (None, Some(record)) = (catalog, record) {
                        catalog = Some((position.saturating_add(71), record.catalog.get()));
                        let unused = [(39, &record.boot_id[..]), (75, &record.unused_75)];
                        for (offset, bytes) in unused {
                            if let Some((at, _)) = (offset..).zip(bytes).find(|it| *it.1 != 0) {
                                let what = "bytes 39 to 70 or 75 to 2047 of a boot record";
                                let position = position.saturating_add(at);
                                faults.push((position, FaultKind::Reserved { what }));
                            }
                        }
                        let second = FIRST.saturating_add(1).saturating_mul(SECTOR);
                        if position != second {
                            let what = "position of the El Torito boot record";
                            let kind = FaultKind::Value { what, found: position, expected: second };
                            faults.push((position, kind));
                        }
                    }
                }
                // A volume partition (3) is legal and nobody makes one: it is more likely a descriptor
                // of Joliet that was hit.
                _ => {
                    let what = "type of a volume descriptor, which is 0, 1, 255 or";
                    let found = u64::from(kind);
                    let kind = FaultKind::Value { what, found, expected: SUPPLEMENTARY.into() };
                    faults.push((position, kind));
                }
            }
        }
        if number == FIRST {
            return Err(ReadError::NotIso { len: medium.len() });
        }
        let searched = usize::try_from(number.saturating_sub(FIRST)).unwrap_or(usize::MAX);
        let primary = primary.ok_or(ReadError::NoPrimary { searched })?;
        let block = primary.raw.logical_block_size.little();
        if usize::from(block) != SECTOR_LEN {
            return Err(ReadError::BlockSize { found: block });
        }
        if !terminated {
            faults.push((number.saturating_mul(SECTOR), FaultKind::NoTerminator));
        }
        Ok(Self { primary, joliet, others, catalog, end: number, faults })
    }

    pub(super) fn of(&self, tree: RecordTree) -> Option<&Found> {
        match tree {
            RecordTree::Primary => Some(&self.primary),
            RecordTree::Joliet => self.joliet.as_ref(),
        }
    }

    /// Sector after the last descriptor, and the sectors of the volume as stated.
    pub(super) fn volume(&self) -> (u64, u64) {
        (self.end, u64::from(self.primary.raw.volume_space_size.little()))
    }

    /// Sectors of the volume: those stated, but no more than there are.
    pub(super) fn sectors(&self, image_len: u64) -> u64 {
        u64::from(self.primary.raw.volume_space_size.little()).min(image_len / SECTOR)
    }

    /// Holds every field against its rule.
    pub(super) fn check(&self, image_len: u64, faults: &mut Faults) {
        for (position, kind) in &self.faults {
            faults.add(*position, kind.clone());
        }
        check_one(RecordTree::Primary, &self.primary, faults);
        let stated = self.primary.raw.volume_space_size.little();
        if let Some(joliet) = &self.joliet {
            check_one(RecordTree::Joliet, joliet, faults);
        }
        for found in &self.others {
            check_numbers(found, faults);
        }
        for found in self.joliet.iter().chain(&self.others) {
            self.check_volume(found, faults);
        }
        let (stated, found) = (u64::from(stated), image_len / SECTOR);
        if stated > found {
            let position = self.primary.position.saturating_add(80);
            faults.add(position, FaultKind::CutOff { stated, found });
        }
    }

    /// All descriptors are of one volume.
    fn check_volume(&self, found: &Found, faults: &mut Faults) {
        let (raw, primary) = (&found.raw, &self.primary.raw);
        let at = |offset: u64| found.position.saturating_add(offset);
        let (size, expected) = (raw.volume_space_size.little(), primary.volume_space_size.little());
        faults.expect(at(80), "volume space size beside the primary descriptor", size, expected);
        for (offset, what, found, expected) in [
            (
                120,
                "volume set size beside the primary descriptor",
                raw.volume_set_size,
                primary.volume_set_size,
            ),
            (
                124,
                "volume sequence number beside the primary descriptor",
                raw.volume_sequence_number,
                primary.volume_sequence_number,
            ),
            (
                128,
                "logical block size beside the primary descriptor",
                raw.logical_block_size,
                primary.logical_block_size,
            ),
        ] {
            faults.expect(at(offset), what, found.little(), expected.little());
        }
    }
}

fn version(position: u64, sector: &[u8; SECTOR_LEN], faults: &mut Vec<(u64, FaultKind)>) {
    let [_, _, _, _, _, _, found, ..] = *sector;
    if found != 1 {
        let what = "version of a volume descriptor";
        let kind = FaultKind::Value { what, found: u64::from(found), expected: 1 };
        faults.push((position.saturating_add(6), kind));
    }
}

fn parse(sector: &[u8; SECTOR_LEN]) -> Option<VolumeDescriptor> {
    VolumeDescriptor::read_from_bytes(sector).ok()
}

fn same(a: &VolumeDescriptor, b: &VolumeDescriptor) -> bool {
    a.as_bytes() == b.as_bytes()
}

fn is_joliet(raw: &VolumeDescriptor) -> bool {
    raw.version == 1 && JOLIET_LEVELS.iter().any(|level| raw.escape_sequences.starts_with(level))
}

fn field_text(tree: RecordTree, field: &[u8]) -> String {
    // A field of one byte 0 or 1 would be taken for a dot; none is that short.
    let text = name::text(tree, field);
    text.trim_end_matches([' ', '\0']).to_owned()
}

fn check_one(tree: RecordTree, found: &Found, faults: &mut Faults) {
    let (raw, start) = (&found.raw, found.position);
    let at = |offset: u64| start.saturating_add(offset);
    faults.expect(at(6), "version of a volume descriptor", raw.version, 1u8);
    check_numbers(found, faults);
    if tree == RecordTree::Primary {
        faults.expect_zero(at(7), "byte 7 of a primary volume descriptor", &[raw.volume_flags]);
        let what = "bytes 88 to 119 of a primary volume descriptor";
        faults.expect_zero(at(88), what, &raw.escape_sequences);
        check_texts(raw, start, faults);
    } else {
        let what = "bits 1 to 7 of the flags of a supplementary volume descriptor";
        faults.expect_zero(at(7), what, &[raw.volume_flags & 0xFE]);
        let after = raw.escape_sequences.get(3..).unwrap_or_default();
        faults.expect_zero(at(91), "bytes after the escape sequence of Joliet", after);
    }
}

/// What has the same rules in every descriptor of a volume.
fn check_numbers(found: &Found, faults: &mut Faults) {
    let (raw, start) = (&found.raw, found.position);
    let at = |offset: u64| start.saturating_add(offset);
    // An enhanced descriptor has 2 in both.
    let what = "file structure version";
    faults.expect(at(881), what, raw.file_structure_version, raw.version);
    both32(at(80), "volume space size", raw.volume_space_size, faults);
    both16(at(120), "volume set size", raw.volume_set_size, faults);
    both16(at(124), "volume sequence number", raw.volume_sequence_number, faults);
    both16(at(128), "logical block size", raw.logical_block_size, faults);
    both32(at(132), "path table size", raw.path_table_size, faults);
    let (set, sequence) = (raw.volume_set_size.little(), raw.volume_sequence_number.little());
    if sequence == 0 || sequence > set {
        faults.expect(at(124), "volume sequence number", sequence, set);
    }
    let root = &raw.root.record;
    both32(at(158), "LBA of the root directory", root.extent, faults);
    both32(at(166), "length of the root directory", root.data_length, faults);
    both16(at(184), "volume of the root directory", root.volume_sequence_number, faults);
    faults.expect(at(156), "length of the root directory's record", root.length, 34u8);
    faults.expect(at(188), "length of the root's identifier", root.identifier_length, 1u8);
    faults.expect(at(189), "identifier of the root directory", raw.root.identifier, 0u8);
    faults.expect(at(181), "flags of the root directory", root.flags & !HIDDEN, DIRECTORY);
    faults.expect(at(182), "file unit size of the root directory", root.file_unit_size, 0u8);
    faults.expect(at(183), "interleave gap of the root directory", root.interleave_gap_size, 0u8);
    let root_sequence = root.volume_sequence_number.little();
    faults.expect(at(184), "volume of the root directory", root_sequence, sequence);
    if date::short(&root.date) == date::Moment::Wrong {
        faults.add(at(174), FaultKind::Date { what: "date of the root directory" });
    }
    for (offset, what, field) in [
        (813, "creation date", &raw.created),
        (830, "modification date", &raw.modified),
        (847, "expiration date", &raw.expires),
        (864, "effective date", &raw.effective),
    ] {
        if date::long(field) == date::Moment::Wrong {
            faults.add(at(offset), FaultKind::Date { what });
        }
    }
    faults.expect_zero(at(72), "bytes 72 to 79 of a volume descriptor", &raw.unused_72);
    let reserved = [raw.reserved_882];
    faults.expect_zero(at(882), "byte 882 of a volume descriptor", &reserved);
    let last = "bytes 1395 to 2047 of a volume descriptor";
    faults.expect_zero(at(1395), last, &raw.reserved_1395);
}

/// A character set of ECMA-119 7.4.1.
type Set = fn(u8) -> bool;

fn d_characters(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')
}

fn a_characters(byte: u8) -> bool {
    d_characters(byte) || matches!(byte, b' '..=b'"' | b'%'..=b'?')
}

fn file_characters(byte: u8) -> bool {
    d_characters(byte) || matches!(byte, b'.' | b';')
}

/// Every text is of its set, with spaces behind.
fn check_texts(raw: &VolumeDescriptor, start: u64, faults: &mut Faults) {
    let fields: [(u64, &'static str, &[u8], Set); 9] = [
        (8, "system identifier", &raw.system_id, a_characters),
        (40, "volume identifier", &raw.volume_id, d_characters),
        (190, "volume set identifier", &raw.volume_set_id, d_characters),
        (318, "publisher identifier", &raw.publisher_id, a_characters),
        (446, "data preparer identifier", &raw.preparer_id, a_characters),
        (574, "application identifier", &raw.application_id, a_characters),
        (702, "copyright file identifier", &raw.copyright_file_id, file_characters),
        (739, "abstract file identifier", &raw.abstract_file_id, file_characters),
        (776, "bibliographic file identifier", &raw.bibliographic_file_id, file_characters),
    ];
    for (offset, what, field, is_in_set) in fields {
        let spaces = field.iter().rev().take_while(|byte| **byte == b' ').count();
        let text = field.get(..field.len().saturating_sub(spaces)).unwrap_or_default();
        if let Some(at) = text.iter().position(|byte| !is_in_set(*byte)) {
            let position = start.saturating_add(offset).saturating_add(len64(at));
            let text = String::from_utf8_lossy(text).into_owned();
            faults.add(position, FaultKind::Text { what, text });
        }
    }
}

/// Both halves of a 32-bit number must agree.
pub(super) fn both32(position: u64, what: &'static str, field: Both32, faults: &mut Faults) {
    if field.get().is_none() {
        let (little, big) = (field.little(), field.big());
        faults.add(position, FaultKind::Halves { what, little, big });
    }
}

/// Both halves of a 16-bit number must agree.
pub(super) fn both16(position: u64, what: &'static str, field: Both16, faults: &mut Faults) {
    if field.get().is_none() {
        let (little, big) = (u32::from(field.little()), u32::from(field.big()));
        faults.add(position, FaultKind::Halves { what, little, big });
    }
}
