//! Why bytes are no hive, and why keys make none.

/// What is wrong with a hive. Offsets count from the end of the 4096-byte base block, as everywhere
/// in a hive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HiveError {
    /// Longer than [`Limits`](super::Limits) allow.
    #[error("the hive has {found} bytes; at most {limit} are read")]
    TooLarge {
        /// Bytes of the file.
        found: u64,
        /// Most bytes.
        limit: u64,
    },
    /// The file ends too early.
    #[error("the hive has {found} bytes; its header asks for {needed}")]
    TooShort {
        /// Bytes of the file.
        found: u64,
        /// Bytes that there should be.
        needed: u64,
    },
    /// No hive at all.
    #[error("no registry hive: it begins with `{}` instead of `regf`", found.escape_ascii())]
    NotAHive {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// A version, kind of file or format that is not read.
    #[error(
        "a registry file of version {major}.{minor}, type {file_type}, format {format}; versions 1.3 to 1.6, type 0, format 1 are read"
    )]
    Unsupported {
        /// Version before the dot.
        major: u32,
        /// Version after the dot.
        minor: u32,
        /// 0: a hive; others are logs.
        file_type: u32,
        /// 1: in direct form.
        format: u32,
    },
    /// The header's checksum does not fit.
    #[error("the hive's header has checksum {found:#010x}; its bytes give {computed:#010x}")]
    Checksum {
        /// As stored.
        found: u32,
        /// As it should be.
        computed: u32,
    },
    /// The header of a bin is wrong.
    #[error("bin at {offset:#x}: {field} is {found:#x}; {expected:#x} was expected")]
    Bin {
        /// Of the bin.
        offset: u32,
        /// Which field of its header.
        field: &'static str,
        /// Its value.
        found: u32,
        /// What it should be; for a length, the room that is left.
        expected: u32,
    },
    /// A reference leads to no cell.
    #[error("{what} is said to be at {offset:#x}, where no cell can be; the bins have {len} bytes")]
    NoCell {
        /// What was looked for.
        what: &'static str,
        /// Where it is said to be.
        offset: u32,
        /// Bytes of all bins.
        len: u32,
    },
    /// A cell has no possible size.
    #[error(
        "cell at {offset:#x}: {what} in a cell of size {found}; {room} bytes are left in its bin"
    )]
    CellSize {
        /// Of the cell.
        offset: u32,
        /// What was looked for.
        what: &'static str,
        /// The size as stored: negative for a cell in use, a multiple of 8.
        found: i32,
        /// Bytes to the end of the bin.
        room: u32,
    },
    /// A cell is too small for what it should hold.
    #[error("cell at {offset:#x}: {what} needs {needed} bytes; the cell holds {found}")]
    CellTooSmall {
        /// Of the cell.
        offset: u32,
        /// What it should hold.
        what: &'static str,
        /// Bytes it has.
        found: u64,
        /// Bytes it should have.
        needed: u64,
    },
    /// A cell holds something else.
    #[error("cell at {offset:#x}: {what} begins with `{}`", found.escape_ascii())]
    Kind {
        /// Of the cell.
        offset: u32,
        /// What it should hold, and how that begins.
        what: &'static str,
        /// Its first two bytes.
        found: [u8; 2],
    },
    /// A count or length passes its limit.
    #[error("cell at {offset:#x}: {what}: {found}; at most {limit} are allowed")]
    TooMany {
        /// Of the cell that has the number.
        offset: u32,
        /// What is counted.
        what: &'static str,
        /// How many.
        found: u64,
        /// Most.
        limit: u64,
    },
    /// The lists of a key's subkeys hold more or fewer than the key says.
    #[error("key at {offset:#x}: it says it has {expected} subkeys; its lists hold {found}")]
    SubkeyCount {
        /// Of the key.
        offset: u32,
        /// In the lists; counting stops at one too many.
        found: u32,
        /// As the key says.
        expected: u32,
    },
    /// Values that need more room than there is: keys share them, as no sound hive has it.
    #[error("the values of the hive's keys have more than its {limit} bytes: cells are shared")]
    Overlap {
        /// Bytes of all bins.
        limit: u64,
    },
    /// A list of subkeys without any.
    #[error("cell at {offset:#x}: a list of subkeys that holds none")]
    EmptyList {
        /// Of the list.
        offset: u32,
    },
    /// A subkey says it belongs to another key: two keys share it, or keys form a circle.
    #[error(
        "key at {offset:#x}: reached from the key at {from:#x}, but says it is below {parent:#x}"
    )]
    Parent {
        /// Of the subkey.
        offset: u32,
        /// Of the key whose list named it.
        from: u32,
        /// Of the key that it names.
        parent: u32,
    },
    /// A key names a subkey twice, or the root.
    #[error("key at {offset:#x}: named again as a subkey, by the key at {from:#x}")]
    Repeated {
        /// Of the subkey.
        offset: u32,
        /// Of the key whose list named it.
        from: u32,
    },
}

/// Why a tree of keys makes no hive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HiveWriteError {
    /// A key's name is empty, too long, or has a backslash or NUL.
    #[error(
        "key {path:?}: a name of {units} UTF-16 units; 1 to 255 are allowed, without backslash and NUL"
    )]
    KeyName {
        /// Names from the root down, with backslashes.
        path: String,
        /// Length of the name.
        units: usize,
    },
    /// A value's name is too long or has a NUL.
    #[error(
        "key {path:?}: a value name of {units} UTF-16 units; at most 16,383 are allowed, without NUL"
    )]
    ValueName {
        /// Of the key.
        path: String,
        /// Length of the name.
        units: usize,
    },
    /// Two subkeys of one name, ignoring case.
    #[error("key {path:?}: two subkeys are called {name:?} (case is ignored)")]
    SameKey {
        /// Of the key above.
        path: String,
        /// The second one's name.
        name: String,
    },
    /// Two values of one name, ignoring case.
    #[error("key {path:?}: two values are called {name:?} (case is ignored)")]
    SameValue {
        /// Of the key.
        path: String,
        /// The second one's name.
        name: String,
    },
    /// Data that a hive of version 1.3 has no cell for.
    #[error("key {path:?}: value {name:?} has {found} bytes; at most {limit} are allowed")]
    ValueTooLong {
        /// Of the key.
        path: String,
        /// Of the value.
        name: String,
        /// Bytes.
        found: u64,
        /// Most bytes.
        limit: u64,
    },
    /// Keys below keys, too deep.
    #[error("keys are more than {limit} deep")]
    TooDeep {
        /// Most keys below the root on one path.
        limit: u16,
    },
    /// More than the reader would take.
    #[error("the keys need more than {limit} bytes")]
    TooLarge {
        /// Most bytes of a hive.
        limit: u64,
    },
}
