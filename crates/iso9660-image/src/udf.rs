//! The UDF 1.02 tree over the same extents (ECMA-167 with OSTA UDF 1.02). Like every part it goes
//! size ([`Udf::new`], the `place` methods), descriptors, data (the `write` methods).

mod entries;
mod fields;

use std::sync::Arc;

use extent_image::{NodeId, Timestamp, Tree};
use zerocopy::{FromZeros, Immutable, IntoBytes};

use crate::assembly::Assembly;
use crate::disk::udf_basic::{LongAd, VolumeExtent};
use crate::disk::udf_file::{
    FILE_IDENTIFIER, FILE_SET, FOLDER, FileIdentifier, FileSet, HIDDEN, PARENT,
};
use crate::disk::udf_volume::{
    ANCHOR, ANCHOR_LBA, Anchor, CLOSED, DOMAIN, IMPLEMENTATION_USE, INTEGRITY, Integrity,
    LOGICAL_VOLUME, LogicalVolume, NSR02, PARTITION, PRIMARY, Partition, PartitionMap, Primary,
    READ_ONLY, RECOGNITION, Recognition, TERMINATING, Terminating, UNALLOCATED_SPACE,
    UnallocatedSpace, VOLUME_INFO, VolumeInfo,
};
use crate::error::PlanError;
use crate::out::{Counter, Out};
use crate::report::FileExtent;
use crate::role;
use crate::udf::entries::{Entries, Row};
use crate::udf::fields::{
    character_set, cs0, dstring, entity, implementation, revision, seal, time,
};
use crate::units::{Cursor, Lba, SECTOR, SECTOR_LEN, SectorCount, index, len64};

pub(crate) use crate::udf::entries::MAX_PIECES;

/// Sectors of each of the two volume descriptor sequences: the least that ECMA-167 allows.
const SEQUENCE: u32 = 16;
/// The main sequence; the descriptors of ISO 9660 and the recognition sequence end before.
const MAIN: Lba = Lba::new(32);
/// The reserve sequence.
const RESERVE: Lba = Lba::new(48);
/// Integrity descriptor and its end.
const INTEGRITY_LBA: Lba = Lba::new(64);
/// The first anchor.
const FIRST_ANCHOR: Lba = Lba::new(ANCHOR_LBA);
/// First sector of the partition: all but what is above lies in it.
const PARTITION_START: u32 = 257;
/// Blocks of the file set descriptor and its end, the first of the partition.
const FILE_SET_BLOCKS: u64 = 2;
/// Unique ids of all but the root begin here (UDF 1.02, 3.2.1.1).
const FIRST_UNIQUE_ID: u32 = 16;
/// Longest name: one byte for the compression and 254 more.
const MAX_NAME: usize = 255;
/// Most folders in a folder: each counts as a link, as does the folder's own name.
const MAX_SUBFOLDERS: usize = 65_534;

/// The directory of one folder.
struct Folder {
    node: NodeId,
    lba: Lba,
    /// Bytes.
    len: u64,
    links: u16,
}

/// The UDF tree and the volume around it.
pub(crate) struct Udf {
    /// Every folder before what it holds: the order of the entries.
    order: Vec<NodeId>,
    /// Position in `order` by node.
    numbers: Vec<u32>,
    /// In the order of `order`.
    folders: Vec<Folder>,
    /// Where the entries begin.
    entries: Lba,
}

/// What the descriptors say of the volume.
pub(crate) struct UdfVolume<'a> {
    pub(crate) label: &'a str,
    /// All sectors of the image, both anchors included.
    pub(crate) sectors: u32,
    pub(crate) newest: Timestamp,
}

impl UdfVolume<'_> {
    /// The sector of the second anchor, the last of the volume.
    fn last(&self) -> u32 {
        self.sectors.saturating_sub(1)
    }

    /// From the first anchor to the second: a partition that ends with the last data, or before,
    /// makes Windows fail on files over 4 GiB.
    fn partition_len(&self) -> u32 {
        self.last().saturating_sub(PARTITION_START)
    }
}

impl Udf {
    /// Numbers everything; refuses what UDF cannot hold.
    pub(crate) fn new(tree: &Tree) -> Result<Self, PlanError> {
        let order: Vec<NodeId> = tree.walk().collect();
        let mut numbers = vec![0; tree.len()];
        // A tree numbers its nodes with 32 bits.
        for (number, node) in (0u32..).zip(&order) {
            if let Some(slot) = numbers.get_mut(node.index()) {
                *slot = number;
            }
            let found = cs0(tree.name(*node)).len();
            if found > MAX_NAME {
                let (path, allowed) = (tree.path(*node), MAX_NAME);
                return Err(PlanError::UdfName { path, found, allowed });
            }
        }
        let mut this = Self { order, numbers, folders: Vec::new(), entries: Lba::new(0) };
        for &node in this.order.iter().filter(|node| tree.is_folder(**node)) {
            let found = tree.children(node).iter().filter(|child| tree.is_folder(**child)).count();
            // The first link is the folder's name in its parent; the root is its own parent.
            let links = u16::try_from(found.saturating_add(1)).map_err(|_| {
                let (path, allowed) = (tree.path(node), MAX_SUBFOLDERS);
                PlanError::UdfSubfolders { path, found, allowed }
            })?;
            this.folders.push(Folder { node, lba: Lba::new(0), len: 0, links });
        }
        for at in 0..this.folders.len() {
            let mut out = Counter::default();
            if let Some(folder) = this.folders.get(at) {
                this.describe_folder(tree, folder, &mut out);
            }
            if let Some(folder) = this.folders.get_mut(at) {
                folder.len = out.position();
            }
        }
        Ok(this)
    }

    /// Size of what lies around the partition: the recognition sequence directly behind the
    /// terminator, then fixed places up to the file set behind the first anchor.
    pub(crate) fn place_volume(cursor: &mut Cursor) {
        cursor.take(SectorCount::new(len64(RECOGNITION.len())));
        cursor.skip_to(Lba::new(PARTITION_START));
        cursor.take(SectorCount::new(FILE_SET_BLOCKS));
    }

    /// Size of the entries.
    pub(crate) fn place_entries(&mut self, cursor: &mut Cursor) {
        self.entries = cursor.take(SectorCount::new(len64(self.order.len())));
    }

    /// Size of the directories, which touch.
    pub(crate) fn place_directories(&mut self, cursor: &mut Cursor) {
        let mut lba = cursor.take(self.sectors());
        for folder in &mut self.folders {
            folder.lba = lba;
            lba = lba.after(SectorCount::for_bytes(folder.len));
        }
    }

    /// Sectors of all directories.
    fn sectors(&self) -> SectorCount {
        let sectors = self.folders.iter().map(|folder| SectorCount::for_bytes(folder.len).get());
        SectorCount::new(sectors.fold(0, u64::saturating_add))
    }

    /// Descriptors from the recognition sequence to the file set.
    pub(crate) fn write_volume(
        &self,
        tree: &Tree,
        volume: &UdfVolume<'_>,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        let mut bytes = Vec::new();
        for id in RECOGNITION {
            let data = [0; 2041];
            bytes.put(Recognition { kind: 0, id, version: 1, data }.as_bytes());
        }
        image.bytes(role::UDF_DESCRIPTOR, bytes)?;
        let set_id = format!("{:016X} {}", fingerprint(tree, volume), volume.label);
        for first in [MAIN, RESERVE] {
            image.seek(first.byte_offset())?;
            image.bytes(role::UDF_DESCRIPTOR, sequence(first, volume, &set_id))?;
        }
        image.seek(INTEGRITY_LBA.byte_offset())?;
        image.bytes(role::UDF_DESCRIPTOR, self.integrity(volume))?;
        image.seek(FIRST_ANCHOR.byte_offset())?;
        image.bytes(role::UDF_DESCRIPTOR, anchor(ANCHOR_LBA))?;
        let mut bytes = self.file_set(volume);
        bytes.extend(terminating(1));
        image.bytes(role::UDF_FILE_SET, bytes)?;
        Ok(())
    }

    /// The second anchor.
    pub(crate) fn write_end(
        volume: &UdfVolume<'_>,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        image.bytes(role::UDF_DESCRIPTOR, anchor(volume.last()))?;
        Ok(())
    }

    /// Data of the entries.
    pub(crate) fn write_entries(
        &self,
        tree: &Tree,
        file: &dyn Fn(NodeId) -> FileExtent,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        let mut folders = self.folders.iter();
        let rows = (0u32..).zip(&self.order).map(|(number, &node)| {
            let is_folder = tree.is_folder(node);
            let meta = tree.meta(node);
            // The folders are in the order of the entries too.
            let folder = if is_folder { folders.next() } else { None };
            let (lba, len, links) = match folder {
                Some(folder) => (folder.lba, folder.len, folder.links),
                None => {
                    let extent = file(node);
                    (extent.lba, extent.len, 1)
                }
            };
            Row {
                is_folder,
                system: meta.attributes.system,
                links,
                modified: meta.modified,
                unique_id: u64::from(unique_id(number)),
                block: block(lba),
                len,
            }
        });
        let entries = Entries { first: block(self.entries), rows: rows.collect() };
        image.seek(self.entries.byte_offset())?;
        image.source(role::UDF_FILE_ENTRY, Arc::new(entries))?;
        Ok(())
    }

    /// Data of the directories.
    pub(crate) fn write_directories(
        &self,
        tree: &Tree,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        let Some(root) = self.folders.first() else { return Ok(()) };
        image.seek(root.lba.byte_offset())?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(self.sectors().bytes()).unwrap_or_default());
        for folder in &self.folders {
            self.describe_folder(tree, folder, &mut bytes);
            bytes.pad_to_multiple(SECTOR_LEN);
        }
        image.bytes(role::UDF_DIRECTORY, bytes)?;
        Ok(())
    }

    /// The file identifiers of a folder, run once to measure and once to write: its parent, then
    /// the children by name.
    fn describe_folder(&self, tree: &Tree, folder: &Folder, out: &mut impl Out) {
        let base = u64::from(block(folder.lba));
        let start = out.position();
        let put = |to: NodeId, characteristics: u8, name: &[u8], out: &mut _| {
            let number = self.numbers.get(to.index()).copied().unwrap_or_default();
            let within = Out::position(out).saturating_sub(start) / SECTOR;
            // Blocks of a partition have 32 bits.
            let location = u32::try_from(base.saturating_add(within)).unwrap_or(u32::MAX);
            put_identifier(self.entry_ad(number), characteristics, name, location, out);
        };
        put(tree.parent(folder.node), FOLDER | PARENT, &[], out);
        for &child in tree.children(folder.node) {
            let hidden = if tree.meta(child).attributes.hidden { HIDDEN } else { 0 };
            let is_folder = if tree.is_folder(child) { FOLDER } else { 0 };
            put(child, hidden | is_folder, &cs0(tree.name(child)), out);
        }
    }

    /// Where the entry with this number is.
    fn entry_ad(&self, number: u32) -> LongAd {
        let mut ad = LongAd::new_zeroed();
        ad.len = u32::try_from(SECTOR_LEN).unwrap_or_default().into();
        ad.block = block(self.entries).saturating_add(number).into();
        ad.unique_id = unique_id(number).into();
        ad
    }

    fn file_set(&self, volume: &UdfVolume<'_>) -> Vec<u8> {
        let mut it = FileSet::new_zeroed();
        it.time = time(volume.newest);
        (it.interchange, it.max_interchange) = (3.into(), 3.into());
        (it.character_sets, it.max_character_sets) = (1.into(), 1.into());
        (it.volume_set, it.file_set) = (character_set(), character_set());
        it.logical_volume_id = dstring(volume.label);
        it.file_set_id = dstring(volume.label);
        it.root = self.entry_ad(0);
        it.domain = entity(DOMAIN, revision());
        sector(FILE_SET, 0, &it, &[])
    }

    /// Logical volume integrity descriptor and its end.
    fn integrity(&self, volume: &UdfVolume<'_>) -> Vec<u8> {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let (nodes, folders) = (count(self.order.len()), count(self.folders.len()));
        let mut it = Integrity::new_zeroed();
        it.time = time(volume.newest);
        it.state = CLOSED.into();
        it.unique_id = u64::from(unique_id(nodes)).into();
        it.partitions = 1.into();
        it.implementation_use_len = 46.into();
        it.size = volume.partition_len().into();
        it.implementation = implementation();
        it.files = nodes.saturating_sub(folders).into();
        it.folders = folders.into();
        let [low, high, ..] = revision();
        let revision = u16::from_le_bytes([low, high]);
        (it.min_read, it.min_write, it.max_write) =
            (revision.into(), revision.into(), revision.into());
        let mut bytes = sector(INTEGRITY, INTEGRITY_LBA.sector(), &it, &[]);
        bytes.extend(terminating(INTEGRITY_LBA.sector().saturating_add(1)));
        bytes
    }
}

/// The block of a sector of the partition.
fn block(lba: Lba) -> u32 {
    lba.sector().saturating_sub(PARTITION_START)
}

/// The unique id of the entry with this number; the root's is 0.
fn unique_id(number: u32) -> u32 {
    match number {
        0 => 0,
        _ => number.saturating_add(FIRST_UNIQUE_ID).saturating_sub(1),
    }
}

fn put_identifier(
    icb: LongAd,
    characteristics: u8,
    name: &[u8],
    location: u32,
    out: &mut impl Out,
) {
    let mut it = FileIdentifier::new_zeroed();
    it.version = 1.into();
    it.characteristics = characteristics;
    // Longer names were refused.
    it.name_len = u8::try_from(name.len()).unwrap_or(u8::MAX);
    it.icb = icb;
    let mut bytes = [it.as_bytes(), name].concat();
    bytes.pad_to_multiple(4);
    seal(FILE_IDENTIFIER, location, &mut bytes);
    out.put(&bytes);
}

/// A sealed descriptor, filled up to a sector.
fn sector(id: u16, location: u32, record: &(impl IntoBytes + Immutable), tail: &[u8]) -> Vec<u8> {
    let mut bytes = [record.as_bytes(), tail].concat();
    seal(id, location, &mut bytes);
    bytes.resize(SECTOR_LEN, 0);
    bytes
}

fn terminating(location: u32) -> Vec<u8> {
    sector(TERMINATING, location, &Terminating::new_zeroed(), &[])
}

fn anchor(location: u32) -> Vec<u8> {
    let len = SECTOR.saturating_mul(u64::from(SEQUENCE));
    let len = u32::try_from(len).unwrap_or_default();
    let extent = |lba: Lba| VolumeExtent { len: len.into(), lba: lba.sector().into() };
    let mut it = Anchor::new_zeroed();
    (it.main, it.reserve) = (extent(MAIN), extent(RESERVE));
    sector(ANCHOR, location, &it, &[])
}

/// One volume descriptor sequence, whole.
fn sequence(first: Lba, volume: &UdfVolume<'_>, set_id: &str) -> Vec<u8> {
    let at = |number: u32| first.sector().saturating_add(number);
    let mut bytes = sector(PRIMARY, at(0), &primary(volume, set_id), &[]);

    let mut info = VolumeInfo::new_zeroed();
    info.sequence = 1.into();
    info.id = entity(VOLUME_INFO, revision());
    info.character_set = character_set();
    info.logical_volume_id = dstring(volume.label);
    info.implementation = implementation();
    bytes.extend(sector(IMPLEMENTATION_USE, at(1), &info, &[]));

    let mut partition = Partition::new_zeroed();
    partition.sequence = 2.into();
    partition.flags = 1.into();
    partition.contents = entity(NSR02, [0; 8]);
    // Bit 1: protected, ECMA-167's own identifier.
    partition.contents.flags = 2;
    partition.access = READ_ONLY.into();
    partition.start = PARTITION_START.into();
    partition.len = volume.partition_len().into();
    partition.implementation = implementation();
    bytes.extend(sector(PARTITION, at(2), &partition, &[]));

    let mut logical = LogicalVolume::new_zeroed();
    logical.sequence = 3.into();
    logical.character_set = character_set();
    logical.id = dstring(volume.label);
    logical.block_size = u32::try_from(SECTOR_LEN).unwrap_or_default().into();
    logical.domain = entity(DOMAIN, revision());
    // File set descriptor and its end, the first two blocks.
    logical.file_set.len = u32::try_from(SECTOR.saturating_mul(2)).unwrap_or_default().into();
    logical.maps = 1.into();
    logical.implementation = implementation();
    logical.integrity.len = logical.file_set.len;
    logical.integrity.lba = INTEGRITY_LBA.sector().into();
    let map = PartitionMap { kind: 1, len: 6, volume_sequence: 1.into(), partition: 0.into() };
    logical.maps_len = u32::from(map.len).into();
    bytes.extend(sector(LOGICAL_VOLUME, at(3), &logical, map.as_bytes()));

    let mut space = UnallocatedSpace::new_zeroed();
    space.sequence = 4.into();
    bytes.extend(sector(UNALLOCATED_SPACE, at(4), &space, &[]));
    bytes.extend(terminating(at(5)));
    bytes.resize(SECTOR_LEN.saturating_mul(index(SEQUENCE)), 0);
    bytes
}

fn primary(volume: &UdfVolume<'_>, set_id: &str) -> Primary {
    let mut it = Primary::new_zeroed();
    it.volume_id = dstring(volume.label);
    (it.volume_sequence, it.max_volume_sequence) = (1.into(), 1.into());
    // A volume that is alone (3/11).
    (it.interchange, it.max_interchange) = (2.into(), 2.into());
    (it.character_sets, it.max_character_sets) = (1.into(), 1.into());
    it.volume_set_id = dstring(set_id);
    (it.descriptor_set, it.explanatory_set) = (character_set(), character_set());
    it.application = implementation();
    it.time = time(volume.newest);
    it.implementation = implementation();
    it
}

/// A number that tells this volume from others, made of its label, names, lengths and times: 64-bit
/// FNV-1a.
fn fingerprint(tree: &Tree, volume: &UdfVolume<'_>) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    };
    add(volume.label.as_bytes());
    add(&volume.sectors.to_le_bytes());
    for node in tree.walk() {
        let modified = tree.meta(node).modified;
        add(&modified.unix_seconds().to_le_bytes());
        // As exact as the volume records them: not every system tells nanoseconds of a file.
        let micros = modified.nanos() / 1000;
        add(&(micros.saturating_mul(1000)).to_le_bytes());
        add(&len64(tree.children(node).len()).to_le_bytes());
        add(&tree.data(node).map_or(u64::MAX, |data| data.len()).to_le_bytes());
        add(tree.name(node).as_bytes());
        // No name holds it.
        add(&[0]);
    }
    hash
}
