//! The UDF volume as it is found: recognition sequence, anchors, descriptor sequences, integrity,
//! file set.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::date::Moment;
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::udf_tag;
use crate::disk::udf_basic::{EntityId, LongAd, Tag, VolumeExtent};
use crate::disk::udf_file::{FILE_SET, FileSet};
use crate::disk::udf_volume::{
    ANCHOR, ANCHOR_LBA, Anchor, CLOSED, DOMAIN, IMPLEMENTATION_USE, INTEGRITY, Integrity,
    LOGICAL_VOLUME, LogicalVolume, NSR02, PARTITION, PRIMARY, Partition, PartitionMap, Primary,
    READ_ONLY, TERMINATING, UNALLOCATED_SPACE, VolumeInfo,
};
use crate::units::{Lba, SECTOR, SECTOR_LEN, len64};

/// Most sectors of a sequence that are looked at. Real ones have at most ten in use.
const MAX_SEQUENCE: u64 = 64;
/// Most sectors of the recognition sequence that are looked at.
const MAX_RECOGNITION: u64 = 8;

/// What the UDF descriptors say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UdfFacts {
    /// Logical volume identifier: the label that Windows shows.
    pub label: String,
    /// Volume set identifier.
    pub set_id: String,
    /// Revision of UDF, as 0x0102 for 1.02.
    pub revision: u16,
    /// First sector of the partition.
    pub partition: Lba,
    /// Sectors of the partition.
    pub sectors: u32,
}

/// The volume, as far as it is needed to find files.
pub(super) struct Udf {
    pub(super) facts: UdfFacts,
    /// Block of the root's file entry.
    pub(super) root: u32,
    /// Where the integrity descriptor is, and what it says.
    pub(super) integrity: Option<(u64, Integrity)>,
    /// Where the length of the partition is stated.
    partition_position: u64,
    /// Runs of sectors in use, by where they are described: first, number.
    structures: Vec<(u64, u32, u64)>,
}

/// The descriptors of one sequence, as found.
#[derive(Default)]
struct Sequence {
    primary: Option<Primary>,
    primary_position: Option<u64>,
    partitions: Vec<(u64, Partition)>,
    logical: Option<(u64, [u8; SECTOR_LEN], LogicalVolume)>,
    /// All of them after their tags, in order.
    bodies: Vec<(u64, Vec<u8>)>,
}

impl Udf {
    /// Looks for a UDF volume behind the descriptors of ISO 9660, which end before sector `end`
    /// and state the length of the volume.
    pub(super) fn find<R: Read + Seek>(
        medium: &mut Medium<R>,
        (end, volume_sectors): (u64, u64),
        faults: &mut Faults,
    ) -> Result<Option<Self>, ReadError> {
        let recognition = recognize(medium, end, faults)?;
        let anchors = anchors(medium, volume_sectors, recognition.is_some(), faults)?;
        let (Some(recognized), Some(anchor)) = (&recognition, anchors.first()) else {
            let position = end.saturating_mul(SECTOR);
            if recognition.is_none() && !anchors.is_empty() {
                let what = "an anchor without a recognition sequence behind the descriptors";
                faults.add(position, FaultKind::Udf { what });
            }
            return Ok(None);
        };
        let mut structures = Vec::new();
        let sectors = recognized.after.saturating_sub(end);
        structures.push((end.saturating_mul(SECTOR), saturate(end), sectors));
        for (sector, _) in &anchors {
            structures.push((sector.saturating_mul(SECTOR), saturate(*sector), 1));
        }
        let (position, anchor) = (anchor.0.saturating_mul(SECTOR), &anchor.1);
        let mut sequences = Vec::new();
        for (offset, extent) in [(16, anchor.main), (24, anchor.reserve)] {
            let sectors = u64::from(extent.len.get()) / SECTOR;
            structures.push((position.saturating_add(offset), extent.lba.get(), sectors));
            if sectors < 16 {
                let what = "length of a UDF volume descriptor sequence, at least 16 sectors";
                faults.expect(position.saturating_add(offset), what, sectors, 16u8);
            }
            sequences.push(Sequence::read(medium, extent, faults)?);
        }
        let [main, reserve] = sequences.as_slice() else { return Ok(None) };
        main.compare(reserve, faults);
        let chosen = if main.is_usable() { main } else { reserve };
        let udf = chosen.volume(medium, structures, faults)?;
        // Readers take the tags and the revision by it (UDF 2.00, 2.1.7).
        if udf.as_ref().is_some_and(|it| (it.facts.revision >= 0x0200) != recognized.is_third) {
            let what = "NSR02 is for UDF before 2.00, NSR03 for later ones";
            faults.add(recognized.nsr.saturating_add(1), FaultKind::Udf { what });
        }
        Ok(udf)
    }

    /// Sector of a block of the partition.
    pub(super) fn sector(&self, block: u32) -> u64 {
        u64::from(self.facts.partition.sector()).saturating_add(u64::from(block))
    }

    /// True when so many blocks from this one on lie in the partition.
    pub(super) fn holds(&self, block: u32, blocks: u64) -> bool {
        u64::from(block).saturating_add(blocks) <= u64::from(self.facts.sectors)
    }

    /// Everything outside of the tree is in use once, and the partition ends inside the volume.
    pub(super) fn check(&self, extents: &mut Extents, faults: &mut Faults) {
        for (position, lba, sectors) in &self.structures {
            let len = sectors.saturating_mul(SECTOR);
            extents.add(Use::Structure, *position, "UDF descriptors", *lba, len, faults);
        }
        let start = u64::from(self.facts.partition.sector());
        let len = u64::from(self.facts.sectors).saturating_mul(SECTOR);
        let sectors = extents.sectors();
        if start.saturating_add(u64::from(self.facts.sectors)) > sectors {
            let name = "UDF partition".to_owned();
            let kind = FaultKind::Outside { name, lba: start, len, sectors };
            faults.add(self.partition_position, kind);
        }
    }
}

/// The record that the bytes begin with.
fn record<T: FromBytes>(bytes: &[u8]) -> Option<T> {
    T::read_from_prefix(bytes).ok().map(|(record, _)| record)
}

fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What the recognition sequence says.
struct Recognized {
    /// Sector after the last descriptor.
    after: u64,
    /// Where its `NSR02` or `NSR03` is.
    nsr: u64,
    /// True for `NSR03`, which UDF has since revision 2.00.
    is_third: bool,
}

/// The recognition sequence; `None` when there is none.
fn recognize<R: Read + Seek>(
    medium: &mut Medium<R>,
    end: u64,
    faults: &mut Faults,
) -> Result<Option<Recognized>, ReadError> {
    let mut found = Vec::new();
    for number in end..end.saturating_add(MAX_RECOGNITION) {
        let Some(bytes) = medium.sector(number)? else { break };
        let [kind, a, b, c, d, e, version, rest @ ..] = &bytes;
        let id = [*a, *b, *c, *d, *e];
        if !matches!(&id, b"BEA01" | b"NSR02" | b"NSR03" | b"TEA01" | b"BOOT2" | b"CDW02") {
            break;
        }
        let at = |offset: u64| number.saturating_mul(SECTOR).saturating_add(offset);
        faults.expect(at(0), "type of a recognition descriptor", *kind, 0u8);
        faults.expect(at(6), "version of a recognition descriptor", *version, 1u8);
        // The other two hold what another system starts from.
        if !matches!(&id, b"BOOT2" | b"CDW02") {
            faults.expect_zero(at(7), "bytes 7 to 2047 of a recognition descriptor", rest);
        }
        found.push(id);
    }
    if found.is_empty() {
        return Ok(None);
    }
    let nsr = |id: &[u8; 5]| matches!(id, b"NSR02" | b"NSR03");
    let whole = found.first() == Some(b"BEA01") && found.last() == Some(b"TEA01");
    if !whole || !found.iter().any(nsr) {
        let what = "the recognition sequence is not BEA01, NSR02 or NSR03, TEA01";
        faults.add(end.saturating_mul(SECTOR), FaultKind::Udf { what });
    }
    Ok(found.iter().position(nsr).map(|at| Recognized {
        after: end.saturating_add(len64(found.len())),
        nsr: end.saturating_add(len64(at)).saturating_mul(SECTOR),
        is_third: found.get(at) == Some(b"NSR03"),
    }))
}

/// The anchors of the volume: two must be there of those at sector 256, at the last, and 256 before
/// it.
fn anchors<R: Read + Seek>(
    medium: &mut Medium<R>,
    volume_sectors: u64,
    is_udf: bool,
    faults: &mut Faults,
) -> Result<Vec<(u64, Anchor)>, ReadError> {
    let first_place = u64::from(ANCHOR_LBA);
    let mut places = vec![first_place];
    // A file may be longer than its volume.
    for sectors in [medium.len() / SECTOR, volume_sectors] {
        let last = sectors.saturating_sub(1);
        places.extend([last, last.saturating_sub(first_place)]);
    }
    places.sort_unstable();
    places.dedup();
    let mut found = Vec::new();
    for sector in places {
        let Some(bytes) = medium.sector(sector)? else { continue };
        let position = sector.saturating_mul(SECTOR);
        let Some(anchor) = record::<Anchor>(&bytes) else { continue };
        let tag = &anchor.tag;
        let sound = tag.id.get() == ANCHOR
            && tag.checksum == Tag::sum(&bytes)
            && u64::from(tag.location.get()) == sector;
        if sound {
            udf_tag::check(&bytes, ANCHOR, sector, position, faults);
            udf_tag::check_form(&bytes, size_of::<Anchor>(), position, faults);
            let what = "bytes 32 to 511 of a UDF anchor";
            faults.expect_zero(position.saturating_add(32), what, &anchor.reserved);
            found.push((sector, anchor));
        } else if is_udf && (sector == first_place || tag.id.get() == ANCHOR) {
            // At the end, data may lie where no anchor is.
            udf_tag::check(&bytes, ANCHOR, sector, position, faults);
        }
    }
    let place = |extent: &VolumeExtent| (extent.lba.get(), extent.len.get());
    let extents = |anchor: &Anchor| (place(&anchor.main), place(&anchor.reserve));
    if let Some(((_, first), rest)) = found.split_first() {
        for (sector, _) in rest.iter().filter(|(_, other)| extents(other) != extents(first)) {
            let what = "an anchor leads to other descriptors than the first";
            let position = sector.saturating_mul(SECTOR).saturating_add(16);
            faults.add(position, FaultKind::Udf { what });
        }
    }
    if is_udf && found.len() < 2 {
        let what = "fewer than two anchors at sector 256, at the last, and 256 before it";
        faults.add(first_place.saturating_mul(SECTOR), FaultKind::Udf { what });
    }
    Ok(found)
}

impl Sequence {
    fn read<R: Read + Seek>(
        medium: &mut Medium<R>,
        extent: VolumeExtent,
        faults: &mut Faults,
    ) -> Result<Self, ReadError> {
        let mut this = Self::default();
        let first = u64::from(extent.lba.get());
        let sectors = (u64::from(extent.len.get()) / SECTOR).min(MAX_SEQUENCE);
        let mut terminated = false;
        for sector in first..first.saturating_add(sectors) {
            let Some(bytes) = medium.sector(sector)? else { break };
            let position = sector.saturating_mul(SECTOR);
            let Some(tag) = record::<Tag>(&bytes) else { break };
            let id = tag.id.get();
            if !matches!(id, PRIMARY..=UNALLOCATED_SPACE | TERMINATING) {
                break;
            }
            udf_tag::check(&bytes, id, sector, position, faults);
            let least = match id {
                PRIMARY => size_of::<Primary>(),
                IMPLEMENTATION_USE => size_of::<VolumeInfo>(),
                PARTITION => size_of::<Partition>(),
                LOGICAL_VOLUME => size_of::<LogicalVolume>(),
                _ => size_of::<Tag>(),
            };
            udf_tag::check_form(&bytes, least, position, faults);
            let body = bytes.get(size_of::<Tag>()..).unwrap_or_default().to_vec();
            this.bodies.push((position, body));
            match id {
                TERMINATING => {
                    check_terminating(&bytes, position, faults);
                    terminated = true;
                    break;
                }
                PRIMARY => {
                    this.primary_position = this.primary_position.or(Some(position));
                    this.primary = this.primary.or(record(&bytes));
                }
                PARTITION => {
                    this.partitions.extend(record(&bytes).map(|raw| (position, raw)));
                }
                LOGICAL_VOLUME if this.logical.is_none() => {
                    this.logical = record(&bytes).map(|raw| (position, bytes, raw));
                }
                // Nothing in them leads to a file.
                IMPLEMENTATION_USE | UNALLOCATED_SPACE => {}
                _ => {}
            }
        }
        if !terminated {
            let what = "a volume descriptor sequence does not end";
            faults.add(first.saturating_mul(SECTOR), FaultKind::Udf { what });
        }
        Ok(this)
    }

    fn is_usable(&self) -> bool {
        self.logical.is_some() && !self.partitions.is_empty()
    }

    /// The reserve sequence says the same.
    fn compare(&self, reserve: &Self, faults: &mut Faults) {
        let what = "the reserve volume descriptor sequence differs from the main one";
        for ((_, main), (position, other)) in self.bodies.iter().zip(&reserve.bodies) {
            if main != other {
                faults.add(*position, FaultKind::Udf { what });
            }
        }
        if self.bodies.len() != reserve.bodies.len() {
            let position = reserve.bodies.last().or(self.bodies.last());
            faults.add(position.map_or(0, |(position, _)| *position), FaultKind::Udf { what });
        }
    }

    /// Puts the descriptors together, on to the file set.
    fn volume<R: Read + Seek>(
        &self,
        medium: &mut Medium<R>,
        mut structures: Vec<(u64, u32, u64)>,
        faults: &mut Faults,
    ) -> Result<Option<Udf>, ReadError> {
        let place = self.bodies.first().map_or(0, |(position, _)| *position);
        let mut lacking = |what| {
            faults.add(place, FaultKind::Udf { what });
            Ok(None)
        };
        let Some((position, bytes, logical)) = &self.logical else {
            return lacking("no logical volume descriptor");
        };
        let Some(primary) = &self.primary else {
            return lacking("no primary volume descriptor of UDF");
        };
        let map = bytes.get(size_of::<LogicalVolume>()..).unwrap_or_default();
        let map = record::<PartitionMap>(map);
        let single = |map: &PartitionMap| map.kind == 1 && map.len == 6;
        let Some(map) = map.filter(|map| logical.maps.get() == 1 && single(map)) else {
            return lacking("the logical volume has other partition maps than one of type 1");
        };
        let number = map.partition.get();
        let partition = self.partitions.iter().find(|(_, raw)| raw.number.get() == number);
        let Some((partition_position, partition)) = partition else {
            return lacking("no descriptor of the partition that the logical volume is in");
        };
        if usize::try_from(logical.block_size.get()) != Ok(SECTOR_LEN) {
            return lacking("logical blocks of other than 2048 bytes");
        }
        let at = |offset: u64| position.saturating_add(offset);
        check_domain(at(216), &logical.domain, faults);
        self.check_fields(primary, (*partition_position, partition), faults);
        faults.expect(at(264), "length of the partition maps", logical.maps_len.get(), map.len);
        for (offset, field) in [(24, &primary.volume_id[..]), (72, &primary.volume_set_id[..])] {
            let start = self.primary_position.unwrap_or(place);
            check_text(start.saturating_add(offset), field, faults);
        }
        check_text(at(84), &logical.id, faults);
        let facts = UdfFacts {
            label: udf_tag::dstring(&logical.id).unwrap_or_default(),
            set_id: udf_tag::dstring(&primary.volume_set_id).unwrap_or_default(),
            revision: revision(&logical.domain),
            partition: Lba::new(partition.start.get()),
            sectors: partition.len.get(),
        };
        let partition_position = partition_position.saturating_add(192);
        let mut udf =
            Udf { facts, root: 0, integrity: None, partition_position, structures: vec![] };
        let integrity = logical.integrity;
        let sectors = u64::from(integrity.len.get()) / SECTOR;
        structures.push((at(432), integrity.lba.get(), sectors));
        udf.integrity = read_integrity(medium, integrity, partition, faults)?;
        let root = file_set(medium, &udf, &logical.file_set, at(248), faults)?;
        let Some((root, file_set)) = root else { return Ok(None) };
        structures.push((at(248), saturate(file_set.0), file_set.1));
        (udf.root, udf.structures) = (root, structures);
        Ok(Some(udf))
    }
}

/// Contents of a partition of NSR03.
const NSR03: &[u8] = b"+NSR03";

impl Sequence {
    /// What the descriptors of a volume on a medium that is only read must say.
    fn check_fields(
        &self,
        primary: &Primary,
        (partition_at, partition): (u64, &Partition),
        faults: &mut Faults,
    ) {
        let at = |offset: u64| partition_at.saturating_add(offset);
        faults.expect(at(20), "flags of the UDF partition", partition.flags.get(), 1u8);
        if !partition.contents.id.starts_with(NSR02) && !partition.contents.id.starts_with(NSR03) {
            let what = "the contents of the partition are neither +NSR02 nor +NSR03";
            faults.add(at(25), FaultKind::Udf { what });
        }
        // Read only, write once, rewritable, overwritable.
        if !(1..=4).contains(&partition.access.get()) {
            let what = "access type of the UDF partition";
            faults.expect(at(184), what, partition.access.get(), READ_ONLY);
        }
        let Some(start) = self.primary_position else { return };
        let at = |offset: u64| start.saturating_add(offset);
        if udf_tag::moment(&primary.time) == Moment::Wrong {
            faults.add(at(376), FaultKind::Date { what: "date of a UDF volume" });
        }
        let (number, most) = (primary.volume_sequence.get(), primary.max_volume_sequence.get());
        if number == 0 || number > most {
            faults.expect(at(56), "volume sequence number of UDF", number, most);
        }
        let reserved = "bytes 490 to 511 of a UDF primary volume descriptor";
        faults.expect_zero(at(490), reserved, &primary.reserved);
    }
}

fn check_text(position: u64, field: &[u8], faults: &mut Faults) {
    if udf_tag::dstring(field).is_none() {
        let what = "a text of the UDF descriptors is longer than its field or of no known form";
        faults.add(position, FaultKind::Udf { what });
    }
}

fn check_domain(position: u64, domain: &EntityId, faults: &mut Faults) {
    if !domain.id.starts_with(DOMAIN) {
        let what = "the domain is not *OSTA UDF Compliant";
        faults.add(position.saturating_add(1), FaultKind::Udf { what });
    }
}

fn revision(domain: &EntityId) -> u16 {
    let [low, high, ..] = domain.suffix;
    u16::from_le_bytes([low, high])
}

fn read_integrity<R: Read + Seek>(
    medium: &mut Medium<R>,
    extent: VolumeExtent,
    partition: &Partition,
    faults: &mut Faults,
) -> Result<Option<(u64, Integrity)>, ReadError> {
    let sector = u64::from(extent.lba.get());
    let position = sector.saturating_mul(SECTOR);
    let bytes = medium.sector(sector)?;
    let whole = bytes.filter(|bytes| udf_tag::check(bytes, INTEGRITY, sector, position, faults));
    let raw = whole.and_then(|bytes| record::<Integrity>(&bytes));
    let Some(raw) = raw.filter(|raw| raw.partitions.get() == 1) else {
        let what = "no integrity descriptor for one partition";
        faults.add(position, FaultKind::Udf { what });
        return Ok(None);
    };
    let at = |offset: u64| position.saturating_add(offset);
    faults.expect(at(28), "state in the integrity descriptor", raw.state.get(), CLOSED);
    check_terminator(medium, (sector, u64::from(extent.len.get()) / SECTOR), sector, faults)?;
    let next = "length of what follows the integrity descriptor";
    faults.expect(at(32), next, raw.next.len.get(), 0u8);
    if udf_tag::moment(&raw.time) == Moment::Wrong {
        faults.add(at(16), FaultKind::Date { what: "date of the integrity descriptor" });
    }
    if let Some(bytes) = bytes {
        let used = usize::try_from(raw.implementation_use_len.get()).unwrap_or(0);
        // Before the implementation use: the fixed part, and two numbers for the partition.
        let least = 88usize.saturating_add(used).min(SECTOR_LEN);
        udf_tag::check_form(&bytes, least, position, faults);
    }
    let what = "size in the integrity descriptor";
    faults.expect(at(84), what, raw.size.get(), partition.len.get());
    if raw.free.get() > raw.size.get() {
        let what = "free space in the integrity descriptor";
        faults.expect(at(80), what, raw.free.get(), raw.size.get());
    }
    Ok(Some((position, raw)))
}

/// What follows in the extent of the integrity descriptor or the file set: nothing, or a terminating
/// descriptor. `sector` and `location` are those of the descriptor in front.
fn check_terminator<R: Read + Seek>(
    medium: &mut Medium<R>,
    (sector, sectors): (u64, u64),
    location: u64,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let sector = sector.saturating_add(1);
    let bytes = if sectors > 1 { medium.sector(sector)? } else { None };
    let Some(bytes) = bytes.filter(|bytes| bytes.iter().any(|byte| *byte != 0)) else {
        return Ok(());
    };
    let position = sector.saturating_mul(SECTOR);
    if udf_tag::check(&bytes, TERMINATING, location.saturating_add(1), position, faults) {
        check_terminating(&bytes, position, faults);
    }
    Ok(())
}

/// What is behind the tag of a terminating descriptor.
fn check_terminating(bytes: &[u8; SECTOR_LEN], position: u64, faults: &mut Faults) {
    udf_tag::check_form(bytes, size_of::<Tag>(), position, faults);
    let rest = bytes.get(size_of::<Tag>()..512).unwrap_or_default();
    let what = "bytes 16 to 511 of a UDF terminating descriptor";
    faults.expect_zero(position.saturating_add(16), what, rest);
}

/// Block of the root's entry, and the sectors of the file set: first, number.
type Root = (u32, (u64, u64));

fn file_set<R: Read + Seek>(
    medium: &mut Medium<R>,
    udf: &Udf,
    place: &LongAd,
    stated_at: u64,
    faults: &mut Faults,
) -> Result<Option<Root>, ReadError> {
    let block = place.block.get();
    let (sector, blocks) = (udf.sector(block), u64::from(place.len.get()).div_ceil(SECTOR));
    let position = sector.saturating_mul(SECTOR);
    let inside = udf.holds(block, blocks) && place.partition.get() == 0 && blocks > 0;
    let bytes = if inside { medium.sector(sector)? } else { None };
    let location = u64::from(block);
    let whole = bytes.filter(|bytes| udf_tag::check(bytes, FILE_SET, location, position, faults));
    let Some(raw) = whole.and_then(|bytes| record::<FileSet>(&bytes)) else {
        faults.add(stated_at, FaultKind::Udf { what: "no file set descriptor" });
        return Ok(None);
    };
    check_terminator(medium, (sector, blocks), location, faults)?;
    check_domain(position.saturating_add(416), &raw.domain, faults);
    if let Some(bytes) = bytes {
        udf_tag::check_form(&bytes, size_of::<FileSet>(), position, faults);
    }
    let next = "length of the next file set";
    faults.expect(position.saturating_add(448), next, raw.next.len.get(), 0u8);
    if udf_tag::moment(&raw.time) == Moment::Wrong {
        faults.add(position.saturating_add(16), FaultKind::Date { what: "date of a file set" });
    }
    check_text(position.saturating_add(112), &raw.logical_volume_id, faults);
    check_text(position.saturating_add(304), &raw.file_set_id, faults);
    Ok(Some((raw.root.block.get(), (sector, blocks))))
}
