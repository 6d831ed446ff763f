//! What can be wrong with an image.

use crate::report::TreeKind;

/// Most faults that are listed; an image of noise would have millions. A fault holds at most one
/// name, so all of them take no more than 10 MB.
const MAX_FAULTS: usize = 10_000;

/// Something that the standards do not allow, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Offset in the image of the byte, or of the first of the bytes, that are wrong.
    pub position: u64,
    /// What is wrong.
    pub kind: FaultKind,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "byte {}: {}", self.position, self.kind)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum FaultKind {
    #[error("{what}: little-endian half {little}, big-endian half {big}")]
    Halves { what: &'static str, little: u32, big: u32 },
    #[error("{what}: found {found}, must be {expected}")]
    Value { what: &'static str, found: u64, expected: u64 },
    #[error("{what} is reserved and not zero")]
    Reserved { what: &'static str },
    #[error("{what} holds a character that is not allowed there: {text:?}")]
    Text { what: &'static str, text: String },
    #[error("{what} is no date")]
    Date { what: &'static str },
    #[error("escape sequence of a supplementary volume descriptor: not one of Joliet")]
    Escape,
    #[error("the first volume descriptor is of type {found}, not 1")]
    PrimaryNotFirst { found: u8 },
    #[error("a further primary volume descriptor differs from the first")]
    PrimaryCopyDiffers,
    #[error("the volume descriptors have no terminator")]
    NoTerminator,
    #[error("a second terminator of the volume descriptors")]
    SecondTerminator,
    #[error("the volume has {stated} sectors, the image ends after {found}: it is cut off")]
    CutOff { stated: u64, found: u64 },
    #[error("{tree} path table: {stated} bytes stated, the folders take {expected}")]
    PathTableSize { tree: TreeKind, stated: u64, expected: u64 },
    #[error("{tree} path table: record {number} is broken or outside the image")]
    PathTableRecord { tree: TreeKind, number: u64 },
    #[error("{tree} path table: record {number} has parent {parent}, which is no earlier record")]
    PathTableParent { tree: TreeKind, number: u64, parent: u64 },
    #[error("{tree} path table: record {number} is no folder of the tree: {name:?}")]
    PathTableUnknown { tree: TreeKind, number: u64, name: String },
    #[error("{tree} path table: record {number} has LBA {found}, the folder is at {expected}")]
    PathTableExtent { tree: TreeKind, number: u64, found: u32, expected: u32 },
    #[error("{tree} path table: record {number} is out of order")]
    PathTableOrder { tree: TreeKind, number: u64 },
    #[error("{tree} path table: folder {name:?} is missing")]
    PathTableMissing { tree: TreeKind, name: String },
    #[error("{tree} path tables L and M differ at record {number}")]
    PathTablesDiffer { tree: TreeKind, number: u64 },
    #[error("directory record of {length} bytes with an identifier of {identifier}: broken")]
    Record { length: u8, identifier: u8 },
    #[error("{name}: directory of {len} bytes, not a multiple of 2048")]
    DirectoryLength { name: String, len: u64 },
    #[error("{name}: directory reached a second time, or over another")]
    DirectoryTwice { name: String },
    #[error("{path}... is longer than can be followed")]
    PathTooLong { path: String },
    #[error("first or second record of a directory is not of itself or its parent")]
    DotMissing,
    #[error("{what}: LBA {found} of {found_len} bytes, must be {expected} of {expected_len}")]
    Dot { what: &'static str, found: u32, found_len: u32, expected: u32, expected_len: u32 },
    #[error("{name}: the date in a directory's own record is not that of the one in its parent")]
    DatesDiffer { name: String },
    #[error("{name}: record out of order")]
    Order { name: String },
    #[error("{name}: identifier a second time in its directory")]
    Duplicate { name: String },
    #[error("{tree}: {name:?}: {why}")]
    Name { tree: TreeKind, name: String, why: &'static str },
    #[error("{name}: volume sequence number {found}, the volume is {expected}")]
    Sequence { name: String, found: u16, expected: u16 },
    #[error("{name}: LBA {lba}, {len} bytes: outside the volume of {sectors} sectors")]
    Outside { name: String, lba: u64, len: u64, sectors: u64 },
    #[error("{name}: interleaved")]
    Interleaved { name: String },
    #[error("{name}: a section of {len} bytes before the last, not a multiple of 2048")]
    SectionLength { name: String, len: u64 },
    #[error("{name}: the next section does not follow")]
    SectionMissing { name: String },
    #[error("sectors {first} to {last} are also those of what is described at byte {other}")]
    Overlap { first: u64, last: u64, other: u64 },
    #[error("the file at LBA {lba} has {joliet} bytes in Joliet and {primary} in ISO 9660")]
    SizesDiffer { lba: u32, primary: u64, joliet: u64 },
    #[error("{name}: an empty file at the LBA of the boot catalog")]
    EmptyOnCatalog { name: String },
    #[error("boot catalog: checksum, the words of the validation entry sum up to {sum}")]
    BootChecksum { sum: u16 },
    #[error("boot catalog: {what}")]
    BootCatalog { what: &'static str },
    #[error("boot image at LBA {lba}, {len} bytes: outside the volume of {sectors} sectors")]
    BootImageOutside { lba: u64, len: u64, sectors: u64 },
    #[error("boot image at LBA {lba} begins inside the volume's own structures")]
    BootImageOverlap { lba: u64 },
    #[error("boot info table: {what} {found}, must be {expected}")]
    BootInfo { what: &'static str, found: u32, expected: u32 },
    #[error("UDF: {what}")]
    Udf { what: &'static str },
    #[error("system use entry {signature:?} of {length} bytes: broken")]
    SystemUse { signature: String, length: u8 },
    #[error("Rock Ridge: {what}")]
    RockRidge { what: &'static str },
    #[error("unique id {id} of a UDF file entry, which that at byte {other} has too")]
    UdfUniqueId { id: u64, other: u64 },
    #[error("{name}: LBA {lba}, {len} bytes: in the {tree} tree and not in that of {other}")]
    OnlyIn { tree: TreeKind, other: TreeKind, name: String, lba: u32, len: u64 },
    #[error("{name}: another file in the UDF tree than in that of {tree}")]
    OtherFile { tree: TreeKind, name: String },
    #[error("{name}: a name of the UDF tree that is another in that of {tree}")]
    OtherName { tree: TreeKind, name: String },
    #[error("{name}: in the {tree} tree in another folder than in that of {other}")]
    OtherFolder { tree: TreeKind, other: TreeKind, name: String },
    #[error("{name}: a folder of the {tree} tree that has no like in that of {other}")]
    FolderOnlyIn { tree: TreeKind, other: TreeKind, name: String },
    #[error("{name}: in the {tree} tree the name of a file that has another in that of {other}")]
    NamesSwapped { tree: TreeKind, other: TreeKind, name: String },
    #[error("system area: {what}")]
    SystemArea { what: &'static str },
    #[error("{name}: more folders than the volume has sectors")]
    TooManyFolders { name: String },
    #[error("more faults than are listed")]
    More,
}

/// Collects faults, up to a limit.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, position: u64, kind: FaultKind) {
        match self.list.len() {
            len if len < MAX_FAULTS => self.list.push(Fault { position, kind }),
            MAX_FAULTS => self.list.push(Fault { position, kind: FaultKind::More }),
            _ => {}
        }
    }

    /// Adds a fault unless `found` is `expected`.
    pub(super) fn expect(
        &mut self,
        position: u64,
        what: &'static str,
        found: impl Into<u64>,
        expected: impl Into<u64>,
    ) {
        let (found, expected) = (found.into(), expected.into());
        if found != expected {
            self.add(position, FaultKind::Value { what, found, expected });
        }
    }

    /// Adds a fault at the first byte that is not zero.
    pub(super) fn expect_zero(&mut self, position: u64, what: &'static str, bytes: &[u8]) {
        if let Some((at, _)) = (0u64..).zip(bytes).find(|(_, byte)| **byte != 0) {
            self.add(position.saturating_add(at), FaultKind::Reserved { what });
        }
    }

    /// True when no more are kept.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() > MAX_FAULTS
    }

    pub(super) fn finish(self) -> Vec<Fault> {
        self.list
    }
}
