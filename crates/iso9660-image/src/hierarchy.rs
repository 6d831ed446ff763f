//! One directory tree of the image with its path tables and its volume descriptor. Like every part
//! it goes size ([`Hierarchy::new`], the `place` methods), descriptor, data (the `write` methods).

use extent_image::{NodeId, Tree};
use zerocopy::IntoBytes;

use crate::assembly::Assembly;
use crate::disk::both_endian::{Both16, Both32};
use crate::disk::date::ShortDate;
use crate::disk::directory_record::{DIRECTORY, DirectoryRecord, HIDDEN, MULTI_EXTENT, RootRecord};
use crate::disk::path_table_record::{PathRecordL, PathRecordM};
use crate::disk::volume_descriptor::VolumeDescriptor;
use crate::error::PlanError;
use crate::name::Names;
use crate::notices::Notices;
use crate::options::Joliet;
use crate::out::{Counter, Out};
use crate::report::{FileExtent, RecordTree};
use crate::rock_ridge::{Areas, RecordOf, RockRidge};
use crate::role;
use crate::units::{Cursor, Lba, SECTOR, SECTOR_LEN, SectorCount, index, len64};
use crate::volume::Volume;

/// Most sections of one file: Linux follows no more.
pub(crate) const MAX_SECTIONS: u64 = 100;
/// Bytes of every section but the last: the most that a record can count in whole sectors.
pub(crate) const SECTION: u64 = 0xFFFF_F800;
/// Largest number of a folder that may hold folders: a path table record has 16 bits for it.
const MAX_PARENT: u64 = 0xFFFF;
/// Deepest level of a folder in ECMA-119 6.8.2.1, the root being 1.
const MAX_LEVEL: u32 = 8;
/// Longest path of ECMA-119 6.8.2.1, in bytes.
const MAX_PATH: u32 = 255;
/// Longest path of Joliet: 240 bytes, in UTF-16 units.
const MAX_JOLIET_PATH: u32 = 120;
/// Longest record: its length has one byte and is even.
const MAX_RECORD: usize = 254;
/// The identifier of a folder's record of itself, and of the root everywhere.
const SELF_ID: &[u8] = &[0];
/// The identifier of a folder's record of its parent.
const PARENT_ID: &[u8] = &[1];

/// A folder, in path table order.
struct Folder {
    node: NodeId,
    /// Position of the parent among the folders; the root is its own.
    parent: u32,
    /// First child in `order`.
    first: usize,
    /// Position after the last child in `order`.
    end: usize,
    /// The root is level 1.
    level: u32,
    /// Length of the path in the units of the tree's limit.
    path_len: u32,
    lba: Lba,
    /// Bytes, whole sectors.
    len: u32,
}

/// One directory tree of the image.
pub(crate) struct Hierarchy {
    kind: RecordTree,
    /// The number of the volume in its set.
    sequence: u16,
    names: Names,
    /// By level, then by parent, then by identifier: the order of the path table.
    folders: Vec<Folder>,
    /// The children of each folder in record order, folder by folder.
    order: Vec<NodeId>,
    /// Position among `folders` by node; 0 for files.
    positions: Vec<u32>,
    /// Bytes, exact.
    table_len: u32,
    table_l: Lba,
    table_m: Lba,
    rock_ridge: Option<RockRidge>,
    /// Continuation areas of Rock Ridge.
    areas: Lba,
}

impl Hierarchy {
    /// Names everything and sorts it.
    pub(crate) fn new(
        kind: RecordTree,
        joliet: Joliet,
        tree: &Tree,
        sequence: u16,
        notices: &mut Notices,
    ) -> Result<Self, PlanError> {
        let nowhere = Lba::new(0);
        let root = Folder {
            node: NodeId::ROOT,
            parent: 0,
            first: 0,
            end: 0,
            level: 1,
            path_len: 0,
            lba: nowhere,
            len: 0,
        };
        let mut this = Self {
            kind,
            sequence,
            names: Names::new(kind, joliet, tree),
            folders: vec![root],
            order: Vec::with_capacity(tree.len().saturating_sub(1)),
            positions: vec![0; tree.len()],
            table_len: 0,
            table_l: nowhere,
            table_m: nowhere,
            rock_ridge: None,
            areas: nowhere,
        };
        // Visiting the folders in the order in which they are found gives the order of the path
        // table: level by level, within a level by parent, within a parent as sorted.
        let mut at = 0u32;
        while let Some(folder) = this.folders.get(index(at)) {
            let node = folder.node;
            this.add_children(tree, at, node, notices)?;
            at = at.saturating_add(1);
        }
        this.table_len = this.measure_table(tree)?;
        Ok(this)
    }

    /// Lets every record say what Rock Ridge has to say of it. Before anything is placed.
    pub(crate) fn add_rock_ridge(&mut self, rock_ridge: RockRidge) {
        self.rock_ridge = Some(rock_ridge);
    }

    fn add_children(
        &mut self,
        tree: &Tree,
        parent: u32,
        node: NodeId,
        notices: &mut Notices,
    ) -> Result<(), PlanError> {
        let kind = self.kind;
        self.names.name_children(tree, node, |child| notices.renamed(kind, child))?;
        let mut children = tree.children(node).to_vec();
        children.sort_by_cached_key(|child| self.names.sort_key(tree, *child));
        let first = self.order.len();
        let end = first.saturating_add(children.len());
        let Some(folder) = self.folders.get_mut(index(parent)) else { return Ok(()) };
        (folder.first, folder.end) = (first, end);
        let (level, path_len) = (folder.level.saturating_add(1), folder.path_len);
        for &child in &children {
            let path_len = self.path_len(tree, path_len, child, notices);
            if !tree.is_folder(child) {
                continue;
            }
            let number = u64::from(parent).saturating_add(1);
            if number > MAX_PARENT {
                let path = tree.path(node);
                return Err(PlanError::TooManyFolders {
                    tree: kind.into(),
                    path,
                    number,
                    allowed: MAX_PARENT,
                });
            }
            if kind == RecordTree::Primary && level == MAX_LEVEL.saturating_add(1) {
                notices.deep(child, level);
            }
            // A tree numbers its nodes with 32 bits, so this cannot saturate.
            let position = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
            if let Some(slot) = self.positions.get_mut(child.index()) {
                *slot = position;
            }
            let lba = Lba::new(0);
            self.folders.push(Folder {
                node: child,
                parent,
                first: 0,
                end: 0,
                level,
                path_len,
                lba,
                len: 0,
            });
        }
        self.order.append(&mut children);
        Ok(())
    }

    /// Length of a child's path: its names and one for every separator.
    fn path_len(&self, tree: &Tree, parent: u32, child: NodeId, notices: &mut Notices) -> u32 {
        let bytes = u32::try_from(self.names.identifier_len(tree, child)).unwrap_or(u32::MAX);
        let (own, allowed) = match self.kind {
            RecordTree::Primary => (bytes, MAX_PATH),
            RecordTree::Joliet => (bytes / 2, MAX_JOLIET_PATH),
        };
        let separator = u32::from(parent > 0);
        let length = parent.saturating_add(separator).saturating_add(own);
        if length > allowed && parent <= allowed {
            notices.long_path(self.kind, child, length, allowed);
        }
        length
    }

    fn measure_table(&self, tree: &Tree) -> Result<u32, PlanError> {
        let mut out = Counter::default();
        self.describe_table(tree, ByteOrder::Little, &mut out);
        u32::try_from(out.position())
            .map_err(|_| self.too_large(tree, NodeId::ROOT, out.position()))
    }

    fn too_large(&self, tree: &Tree, folder: NodeId, len: u64) -> PlanError {
        // Whole sectors in 32 bits.
        let allowed = u64::from(u32::MAX).saturating_sub(SECTOR.saturating_sub(1));
        PlanError::FolderTooLarge { tree: self.kind.into(), path: tree.path(folder), len, allowed }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// What is still of use when all is written.
    pub(crate) fn into_names(self) -> Names {
        self.names
    }

    /// Size of the path tables.
    pub(crate) fn place_tables(&mut self, cursor: &mut Cursor) {
        let sectors = SectorCount::for_bytes(u64::from(self.table_len));
        self.table_l = cursor.take(sectors);
        self.table_m = cursor.take(sectors);
    }

    /// Size of the folders, which touch, and of the continuation areas, which do too.
    pub(crate) fn place_folders(
        &mut self,
        tree: &Tree,
        file: &dyn Fn(NodeId) -> FileExtent,
        cursor: &mut Cursor,
    ) -> Result<(), PlanError> {
        let mut total = 0u64;
        let mut areas = Areas { first: self.areas, out: Counter::default() };
        for at in 0..self.folders.len() {
            let Some(folder) = self.folders.get(at) else { break };
            let mut out = Counter::default();
            // Where files and areas lie does not change the length of a record; how long they are
            // does.
            self.describe_folder(tree, folder, file, &mut areas, &mut out);
            let len = out.position();
            let short = u32::try_from(len).map_err(|_| self.too_large(tree, folder.node, len))?;
            total = total.saturating_add(len);
            if let Some(folder) = self.folders.get_mut(at) {
                folder.len = short;
            }
        }
        let mut lba = cursor.take(SectorCount::for_bytes(total));
        for folder in &mut self.folders {
            folder.lba = lba;
            lba = lba.after(SectorCount::for_bytes(u64::from(folder.len)));
        }
        self.areas = cursor.take(SectorCount::for_bytes(areas.out.position()));
        Ok(())
    }

    /// The volume descriptor of this tree.
    pub(crate) fn descriptor(&self, tree: &Tree, volume: &Volume<'_>) -> VolumeDescriptor {
        let mut descriptor = volume.descriptor(self.kind);
        descriptor.path_table_size = Both32::new(self.table_len);
        descriptor.path_table_l = self.table_l.sector().into();
        descriptor.path_table_m = self.table_m.sector().into();
        if let Some(root) = self.folders.first() {
            let mut record = self.folder_record(tree, root, DIRECTORY);
            record.length = 34;
            record.identifier_length = 1;
            descriptor.root = RootRecord { record, identifier: 0 };
        }
        descriptor
    }

    /// Data of the path tables.
    pub(crate) fn write_tables(
        &self,
        tree: &Tree,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        for (lba, order) in [(self.table_l, ByteOrder::Little), (self.table_m, ByteOrder::Big)] {
            image.seek(lba.byte_offset())?;
            let room = SectorCount::for_bytes(self.table_len.into()).bytes();
            let mut table = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
            self.describe_table(tree, order, &mut table);
            debug_assert_eq!(table.position(), u64::from(self.table_len));
            table.pad_to_multiple(SECTOR_LEN);
            image.bytes(role::PATH_TABLE, table)?;
        }
        Ok(())
    }

    /// Data of the folders: one extent, for they touch.
    pub(crate) fn write_folders(
        &self,
        tree: &Tree,
        file: &dyn Fn(NodeId) -> FileExtent,
        image: &mut Assembly<'_>,
    ) -> Result<(), PlanError> {
        let Some(root) = self.folders.first() else { return Ok(()) };
        image.seek(root.lba.byte_offset())?;
        let mut areas = Areas { first: self.areas, out: Vec::new() };
        // All in one go: growing step by step takes up to twice as much.
        let total = self.folders.iter().fold(0u64, |sum, f| sum.saturating_add(f.len.into()));
        let mut out = Vec::with_capacity(usize::try_from(total).unwrap_or_default());
        for folder in &self.folders {
            let start = len64(out.len());
            self.describe_folder(tree, folder, file, &mut areas, &mut out);
            debug_assert_eq!(len64(out.len()), start.saturating_add(u64::from(folder.len)));
        }
        image.bytes(role::DIRECTORY, out)?;
        if !areas.out.is_empty() {
            image.seek(self.areas.byte_offset())?;
            areas.out.pad_to_multiple(SECTOR_LEN);
            image.bytes(role::ROCK_RIDGE, areas.out)?;
        }
        Ok(())
    }

    /// The records of a folder, run once to measure and once to write: itself, its parent, then
    /// the children, none across the end of a sector, the last sector filled with zeros.
    fn describe_folder(
        &self,
        tree: &Tree,
        folder: &Folder,
        file: &dyn Fn(NodeId) -> FileExtent,
        areas: &mut Areas<impl Out>,
        out: &mut impl Out,
    ) {
        let is_root = folder.node == NodeId::ROOT;
        let own = if is_root { RecordOf::Root } else { RecordOf::Dot };
        let record = self.folder_record(tree, folder, DIRECTORY);
        self.put_record(record, SELF_ID, tree, folder.node, own, areas, out);
        if let Some(parent) = self.folders.get(index(folder.parent)) {
            let record = self.folder_record(tree, parent, DIRECTORY);
            self.put_record(record, PARENT_ID, tree, parent.node, RecordOf::Dot, areas, out);
        }
        for &child in self.order.get(folder.first..folder.end).unwrap_or_default() {
            let position = self.positions.get(child.index()).copied().unwrap_or_default();
            let identifier = self.names.identifier(tree, child);
            let mut put = |record| {
                self.put_record(record, &identifier, tree, child, RecordOf::Child, areas, out);
            };
            match self.folders.get(index(position)) {
                Some(folder) if position > 0 => {
                    put(self.folder_record(tree, folder, flags(tree, child)));
                }
                _ => self.for_each_section(tree, child, file(child), put),
            }
        }
        out.pad_to_multiple(SECTOR_LEN);
    }

    /// A record with its identifier, and what Rock Ridge has to say of `node`.
    #[expect(clippy::too_many_arguments, reason = "two outputs, and a record of six facts")]
    fn put_record(
        &self,
        mut record: DirectoryRecord,
        identifier: &[u8],
        tree: &Tree,
        node: NodeId,
        of: RecordOf,
        areas: &mut Areas<impl Out>,
        out: &mut impl Out,
    ) {
        // 33 bytes, the identifier of at most 206, and a zero where that makes the length even.
        let fixed = size_of::<DirectoryRecord>().saturating_add(identifier.len());
        let fixed = fixed.next_multiple_of(2);
        let room = MAX_RECORD.saturating_sub(fixed);
        let system_use = match &self.rock_ridge {
            Some(it) => it.system_use(tree, node, of, room).place(areas),
            None => Vec::new(),
        };
        let length = fixed.saturating_add(system_use.len()).next_multiple_of(2);
        record.length = u8::try_from(length).unwrap_or(u8::MAX);
        record.identifier_length = u8::try_from(identifier.len()).unwrap_or(u8::MAX);
        if out.room_in_sector() < length {
            out.pad_to_multiple(SECTOR_LEN);
        }
        out.put(record.as_bytes());
        out.put(identifier);
        out.pad_to_multiple(2);
        out.put(&system_use);
        out.pad_to_multiple(2);
    }

    /// The records of a path table, run once to measure and twice to write.
    fn describe_table(&self, tree: &Tree, order: ByteOrder, out: &mut impl Out) {
        for (at, folder) in self.folders.iter().enumerate() {
            let identifier =
                if at == 0 { SELF_ID.to_vec() } else { self.names.identifier(tree, folder.node) };
            // Identifiers have at most 128 bytes, and no parent a number beyond 16 bits.
            let identifier_length = u8::try_from(identifier.len()).unwrap_or(u8::MAX);
            let parent = u16::try_from(folder.parent.saturating_add(1)).unwrap_or(u16::MAX);
            let (extent, xar) = (folder.lba.sector(), 0);
            match order {
                ByteOrder::Little => out.put(
                    PathRecordL {
                        identifier_length,
                        extended_attribute_length: xar,
                        extent: extent.into(),
                        parent: parent.into(),
                    }
                    .as_bytes(),
                ),
                ByteOrder::Big => out.put(
                    PathRecordM {
                        identifier_length,
                        extended_attribute_length: xar,
                        extent: extent.into(),
                        parent: parent.into(),
                    }
                    .as_bytes(),
                ),
            }
            out.put(&identifier);
            out.pad_to_multiple(2);
        }
    }

    /// The records of a file: one, or one for each section (ECMA-119 6.5.1), which touch.
    fn for_each_section(
        &self,
        tree: &Tree,
        node: NodeId,
        extent: FileExtent,
        mut put: impl FnMut(DirectoryRecord),
    ) {
        let (mut lba, mut left, flags) = (extent.lba, extent.len, flags(tree, node));
        // A last section may be as long as a record can say.
        while left > u64::from(u32::MAX) {
            let len = u32::try_from(SECTION).unwrap_or(u32::MAX);
            put(self.record(tree, node, lba, len, flags | MULTI_EXTENT));
            lba = lba.after(SectorCount::for_bytes(SECTION));
            left = left.saturating_sub(SECTION);
        }
        let len = u32::try_from(left).unwrap_or(u32::MAX);
        put(self.record(tree, node, lba, len, flags));
    }

    fn folder_record(&self, tree: &Tree, folder: &Folder, flags: u8) -> DirectoryRecord {
        self.record(tree, folder.node, folder.lba, folder.len, flags)
    }

    fn record(&self, tree: &Tree, node: NodeId, lba: Lba, len: u32, flags: u8) -> DirectoryRecord {
        DirectoryRecord {
            length: 0,
            extended_attribute_length: 0,
            extent: Both32::new(lba.sector()),
            data_length: Both32::new(len),
            date: ShortDate::of(tree.meta(node).modified).unwrap_or(ShortDate::NONE),
            flags,
            file_unit_size: 0,
            interleave_gap_size: 0,
            volume_sequence_number: Both16::new(self.sequence),
            identifier_length: 0,
        }
    }
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

fn flags(tree: &Tree, node: NodeId) -> u8 {
    let hidden = if tree.meta(node).attributes.hidden { HIDDEN } else { 0 };
    let directory = if tree.is_folder(node) { DIRECTORY } else { 0 };
    hidden | directory
}
