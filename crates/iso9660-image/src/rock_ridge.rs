//! What Rock Ridge says of each file beside its record (RRIP 1.12): mode, time, and the name as it
//! is. It is part of the primary tree; where it does not fit a record it goes on in a continuation
//! area, of which none crosses the end of a sector.
//!
//! Folders stay where they are, at any depth, so none of the entries for relocated folders is
//! written. There is no `NM` for a folder's records of itself and its parent, whose names are known.

use extent_image::{NodeId, Tree};
use zerocopy::IntoBytes;

use crate::disk::both_endian::Both32;
use crate::disk::date::ShortDate;
use crate::disk::rock_ridge::{
    FOLDER, Flagged, IEEE_P1282, NAME_CONTINUES, NM, NumberedAttributes, PX, PosixAttributes,
    REGULAR, TF, TIME_MODIFIED,
};
use crate::disk::system_use::{
    CE, CHECK, Continuation, ER, ExtensionReference, Header, SP, SharingProtocol,
};
use crate::error::PlanError;
use crate::notices::Notices;
use crate::out::Out;
use crate::units::{Lba, SECTOR, SECTOR_LEN, SectorCount, index, len64};

/// Longest name in bytes: `NAME_MAX` of POSIX systems.
const MAX_NAME: usize = 255;
/// Longest name that Linux reads: it drops the `NM` entry that goes beyond.
const MAX_LINUX_NAME: u32 = 253;
/// Longest part of a name in one entry, whose length has one byte.
const MAX_PART: usize = 250;
/// Everybody may read, everybody may start or enter, nobody may write. The disc cannot be written
/// to, a tree does not know what is a program, and this is what Linux shows of the other trees.
const PERMISSIONS: u32 = 0o555;

/// Which record of a node it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordOf {
    /// The root's own record, where everything of the volume is said.
    Root,
    /// Another record of a folder itself, or of the parent of one.
    Dot,
    /// The record in the folder that holds the node.
    Child,
}

/// The system use field of a record.
pub(crate) struct SystemUse {
    /// What stands in the record.
    field: Vec<u8>,
    /// What stands in the continuation area; nothing if there is none.
    area: Vec<u8>,
}

impl SystemUse {
    /// Puts the area, if there is one, and gives the field with the entry that leads to it.
    pub(crate) fn place(self, areas: &mut Areas<impl Out>) -> Vec<u8> {
        let mut field = self.field;
        if !self.area.is_empty() {
            field.extend_from_slice(areas.put(&self.area).as_bytes());
        }
        field
    }
}

/// Continuation areas, one after the other.
pub(crate) struct Areas<O> {
    /// First sector of all areas.
    pub(crate) first: Lba,
    pub(crate) out: O,
}

impl<O: Out> Areas<O> {
    fn put(&mut self, area: &[u8]) -> Continuation {
        if self.out.room_in_sector() < area.len() {
            self.out.pad_to_multiple(SECTOR_LEN);
        }
        let position = self.out.position();
        self.out.put(area);
        let sectors = SectorCount::new(position / SECTOR);
        // An offset in a sector, and an area of less than one.
        let small = |number: u64| Both32::new(u32::try_from(number).unwrap_or(u32::MAX));
        Continuation {
            header: header::<Continuation>(CE, 0),
            block: Both32::new(self.first.after(sectors).sector()),
            offset: small(position % SECTOR),
            length: small(len64(area.len())),
        }
    }
}

/// Rock Ridge of one tree.
pub(crate) struct RockRidge {
    /// Serial numbers by node: places in the order of [`Tree::walk`], the root being 1. Nodes have
    /// no number of their own that would be the same for equal trees.
    serials: Vec<u32>,
    /// Links by node. Counted once, for every folder asks again for its parent's.
    links: Vec<u32>,
}

impl RockRidge {
    /// Numbers everything; refuses names that are too long.
    pub(crate) fn new(tree: &Tree, notices: &mut Notices) -> Result<Self, PlanError> {
        let (mut serials, mut links) = (vec![0; tree.len()], vec![1u32; tree.len()]);
        // A tree numbers its nodes with 32 bits.
        for (serial, node) in (1u32..).zip(tree.walk()) {
            if let Some(slot) = serials.get_mut(node.index()) {
                *slot = serial;
            }
            if let (true, Some(slot)) = (tree.is_folder(node), links.get_mut(node.index())) {
                // Its name, its record of itself, and each of its folders' record of the parent.
                let folders = tree.children(node).iter().filter(|child| tree.is_folder(**child));
                *slot = u32::try_from(folders.count().saturating_add(2)).unwrap_or(u32::MAX);
            }
            let len = tree.name(node).len();
            if len > MAX_NAME {
                let (path, allowed) = (tree.path(node), MAX_NAME);
                return Err(PlanError::RockRidgeName { path, found: len, allowed });
            }
            if len > index(MAX_LINUX_NAME) {
                notices.long_name(node, MAX_LINUX_NAME);
            }
        }
        Ok(Self { serials, links })
    }

    /// What a record of `node` says in its system use field, which has room for `room` bytes.
    pub(crate) fn system_use(
        &self,
        tree: &Tree,
        node: NodeId,
        of: RecordOf,
        room: usize,
    ) -> SystemUse {
        let (mut field, mut area) = (Vec::new(), Vec::new());
        if of == RecordOf::Root {
            let header = header::<SharingProtocol>(SP, 0);
            field.extend_from_slice(SharingProtocol { header, check: CHECK, skip: 0 }.as_bytes());
            put_reference(&mut area);
        }
        field.extend_from_slice(self.attributes(tree, node).as_bytes());
        // Without the entry the date of the record counts, and that says "not specified".
        if let Some(date) = ShortDate::of(tree.meta(node).modified) {
            put_flagged(TF, TIME_MODIFIED, date.as_bytes(), &mut field);
        }
        if of == RecordOf::Child {
            let mut name = Vec::new();
            put_name(tree.name(node).as_bytes(), &mut name);
            let fits = field.len().saturating_add(name.len()) <= room;
            if fits { &mut field } else { &mut area }.extend_from_slice(&name);
        }
        // The longest field without a name, that of the root, has 63 bytes and 28 for what leads to
        // the area; the longest identifier leaves 188.
        SystemUse { field, area }
    }

    fn attributes(&self, tree: &Tree, node: NodeId) -> NumberedAttributes {
        let format = if tree.is_folder(node) { FOLDER } else { REGULAR };
        let of_node = |numbers: &[u32]| numbers.get(node.index()).copied().unwrap_or_default();
        let attributes = PosixAttributes {
            header: header::<NumberedAttributes>(PX, 0),
            mode: Both32::new(format | PERMISSIONS),
            links: Both32::new(of_node(&self.links)),
            user: Both32::new(0),
            group: Both32::new(0),
        };
        NumberedAttributes { attributes, serial: Both32::new(of_node(&self.serials)) }
    }
}

/// The header of an entry of a fixed part `T` and `more` bytes.
fn header<T>(signature: [u8; 2], more: usize) -> Header {
    // No entry here is longer than 255 bytes: the tests have the longest.
    let length = size_of::<T>().saturating_add(more);
    Header::new(signature, u8::try_from(length).unwrap_or(u8::MAX))
}

fn put_flagged(signature: [u8; 2], flags: u8, content: &[u8], out: &mut Vec<u8>) {
    let header = header::<Flagged>(signature, content.len());
    out.extend_from_slice(Flagged { header, flags }.as_bytes());
    out.extend_from_slice(content);
}

/// A name in as many entries as it needs, all but the last with the flag that it goes on.
fn put_name(name: &[u8], out: &mut Vec<u8>) {
    let mut parts = name.chunks(MAX_PART).peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { NAME_CONTINUES } else { 0 };
        put_flagged(NM, flags, part, out);
    }
}

/// Which extension is in use.
fn put_reference(out: &mut Vec<u8>) {
    let texts = IEEE_P1282;
    let [identifier, descriptor, source] = texts.map(<[u8]>::len);
    let total = identifier.saturating_add(descriptor).saturating_add(source);
    let short = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
    let reference = ExtensionReference {
        header: header::<ExtensionReference>(ER, total),
        identifier_length: short(identifier),
        descriptor_length: short(descriptor),
        source_length: short(source),
        extension_version: 1,
    };
    out.extend_from_slice(reference.as_bytes());
    for text in texts {
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use extent_image::{Data, Meta, Timestamp, TreeBuilder};

    use super::*;

    /// 2000-02-29 12:34:56.
    const LEAP_DAY: Timestamp = Timestamp::from_unix_seconds(951_827_696);
    const TIME: [u8; 12] = [b'T', b'F', 12, 1, 2, 100, 2, 29, 12, 34, 56, 0];

    fn attributes(mode: u16, links: u8, serial: u8) -> Vec<u8> {
        let [high, low] = mode.to_be_bytes();
        let mut bytes = b"PX\x2C\x01".to_vec();
        bytes.extend([low, high, 0, 0, 0, 0, high, low]);
        bytes.extend([links, 0, 0, 0, 0, 0, 0, links]);
        bytes.extend([0; 16]);
        bytes.extend([serial, 0, 0, 0, 0, 0, 0, serial]);
        bytes
    }

    fn one_file(name: &str, modified: Timestamp) -> (Tree, NodeId) {
        let meta = Meta::at(modified);
        let mut builder = TreeBuilder::new(meta);
        let folder = builder.folder(NodeId::ROOT, "d", meta).unwrap();
        let file = builder.file(folder, name, meta, Data::bytes("t", "")).unwrap();
        (builder.finish().unwrap(), file)
    }

    fn planned(tree: &Tree, node: NodeId, of: RecordOf, room: usize) -> (Vec<u8>, Vec<u8>) {
        let rock_ridge = RockRidge::new(tree, &mut Notices::default()).unwrap();
        let it = rock_ridge.system_use(tree, node, of, room);
        (it.field, it.area)
    }

    #[test]
    fn entries_by_hand() {
        let (tree, file) = one_file("ä", LEAP_DAY);
        let (field, area) = planned(&tree, NodeId::ROOT, RecordOf::Root, 220);
        let root = attributes(0o040_555, 3, 1);
        assert_eq!(field, [&b"SP\x07\x01\xBE\xEF\x00"[..], &root, &TIME].concat());
        assert_eq!(area[..18], *b"ER\xB9\x01\x0A\x49\x5E\x01IEEE_P1282");
        assert_eq!(area.len(), 0xB9);
        assert!(area.ends_with(b"USA FOR THE P1282 SPECIFICATION."));

        let (field, area) = planned(&tree, NodeId::ROOT, RecordOf::Dot, 220);
        assert_eq!((field, area), ([&root[..], &TIME].concat(), vec![]));

        let (field, area) = planned(&tree, file, RecordOf::Child, 188);
        let own = attributes(0o100_555, 1, 3);
        let name = b"NM\x07\x01\x00\xC3\xA4";
        assert_eq!((field, area), ([&own[..], &TIME, name].concat(), vec![]));
    }

    #[test]
    fn names_that_do_not_fit_go_on_elsewhere() {
        let room = 44 + 12 + 5 + 100;
        let (tree, file) = one_file(&"n".repeat(100), LEAP_DAY);
        assert!(planned(&tree, file, RecordOf::Child, room).1.is_empty());
        let (tree, file) = one_file(&"n".repeat(101), LEAP_DAY);
        let (field, area) = planned(&tree, file, RecordOf::Child, room);
        assert_eq!(field.len(), 44 + 12);
        assert_eq!((&area[..5], area.len()), (&b"NM\x6A\x01\x00"[..], 106));

        let (tree, file) = one_file(&"n".repeat(255), LEAP_DAY);
        let (_, area) = planned(&tree, file, RecordOf::Child, room);
        let expected =
            [&b"NM\xFF\x01\x01"[..], &[b'n'; 250], b"NM\x0A\x01\x00", &[b'n'; 5]].concat();
        assert_eq!(area, expected);
    }

    #[test]
    fn times_that_cannot_be_written_are_left_out() {
        let (tree, file) = one_file("a", Timestamp::from_unix_seconds(i64::MAX / 2));
        let (field, _) = planned(&tree, file, RecordOf::Child, 188);
        assert_eq!(field, [&attributes(0o100_555, 1, 3)[..], b"NM\x06\x01\x00a"].concat());
    }

    #[test]
    fn long_names_are_told_or_refused() {
        for (len, told) in [(253, 0), (254, 1), (255, 1)] {
            let (tree, _) = one_file(&"n".repeat(len), LEAP_DAY);
            let mut notices = Notices::default();
            RockRidge::new(&tree, &mut notices).unwrap();
            assert_eq!(notices.len(), told, "{len}");
        }
        let name = "ü".repeat(128);
        let (tree, _) = one_file(&name, LEAP_DAY);
        let path = format!("d/{name}");
        let error = RockRidge::new(&tree, &mut Notices::default()).err();
        let expected = PlanError::RockRidgeName { path, found: 256, allowed: 255 };
        assert_eq!(error, Some(expected));
    }

    #[test]
    fn areas_stay_inside_their_sectors() {
        let mut areas = Areas { first: Lba::new(40), out: Vec::new() };
        let mut places = Vec::new();
        for len in [1000, 1000, 48, 1, 2047, 2] {
            let it = areas.put(&vec![1; len]);
            places.push((it.block.get(), it.offset.get(), it.length.get()));
        }
        let place = |block, offset, length| (Some(block), Some(offset), Some(length));
        assert_eq!(
            places,
            [
                place(40, 0, 1000),
                place(40, 1000, 1000),
                place(40, 2000, 48),
                place(41, 0, 1),
                place(41, 1, 2047),
                place(42, 0, 2),
            ]
        );
        let field = SystemUse { field: b"PX".to_vec(), area: vec![1; 3] }.place(&mut areas);
        let entry = b"CE\x1C\x01\x2A\0\0\0\0\0\0\x2A\x02\0\0\0\0\0\0\x02\x03\0\0\0\0\0\0\x03";
        assert_eq!(field, [&b"PX"[..], entry].concat());
    }
}
