//! Errors, one kind per operation.

use std::io;

use crate::decompress::DecodeError;
use crate::hash::Sha1;

/// Why a resource of the file cannot be read. All positions are bytes from the start of the file
/// unless said otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The place the bytes come from failed.
    #[error("cannot read {len} bytes at {offset}")]
    Io {
        /// Where.
        offset: u64,
        /// How many bytes.
        len: u64,
        /// What it answered.
        source: io::Error,
    },
    /// The resource passes the end of the file.
    #[error(
        "a resource of {stored} bytes at {offset} does not fit a file of {file} bytes: the file is \
         cut short or damaged, copy it again"
    )]
    OutsideFile {
        /// Where it begins.
        offset: u64,
        /// Its stored size.
        stored: u64,
        /// Length of the file.
        file: u64,
    },
    /// The two sizes of the resource cannot both be right.
    #[error(
        "the resource at {offset} unpacks {stored} stored bytes to {original}, which cannot be"
    )]
    Sizes {
        /// Where it begins.
        offset: u64,
        /// Its stored size.
        stored: u64,
        /// Its uncompressed size.
        original: u64,
    },
    /// The resource is compressed, but the header names no codec.
    #[error("the resource at {offset} is compressed, but the header names no compression")]
    NoCodec {
        /// Where it begins.
        offset: u64,
    },
    /// The resource is solid or spans parts, which only other kinds of WIM may hold.
    #[error("the resource at {offset} is solid or spanned (flags {flags:#04x})")]
    Kind {
        /// Where it begins.
        offset: u64,
        /// Its flags.
        flags: u8,
    },
    /// More bytes than the limit allows.
    #[error("{what} of {size} bytes (limit {limit}); raise the limit if the file can be trusted")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The limit that applies.
        limit: u64,
    },
    /// Chunk offsets must ascend and stay inside the resource, and a chunk is never longer packed
    /// than unpacked.
    #[error("chunk {chunk} of the resource at {offset} lies at {start}..{end} of {data} bytes")]
    ChunkBounds {
        /// Where the resource begins.
        offset: u64,
        /// 0-based.
        chunk: u64,
        /// First byte, from the end of the chunk table.
        start: u64,
        /// First byte of the next chunk.
        end: u64,
        /// Bytes of packed chunks.
        data: u64,
    },
    /// A chunk cannot be unpacked.
    #[error("chunk {chunk} of the resource at {offset} is damaged")]
    Chunk {
        /// Where the resource begins.
        offset: u64,
        /// 0-based.
        chunk: u64,
        /// What is wrong in the chunk.
        source: DecodeError,
    },
    /// The data is not what its SHA-1 says.
    #[error("the data at {offset} has SHA-1 {found}, not {expected}: the WIM is damaged")]
    Digest {
        /// Where the resource begins.
        offset: u64,
        /// As the WIM says.
        expected: Sha1,
        /// Of what was read.
        found: Sha1,
    },
    /// An earlier read of the same stream failed, so nothing after it can be told to be right.
    #[error("an earlier read of the resource at {offset} failed")]
    AfterFailure {
        /// Where the resource begins.
        offset: u64,
    },
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        let kind = match &error {
            ReadError::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Why a file cannot be opened as a WIM.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The header cannot be read.
    #[error("cannot read the header")]
    Header {
        /// Why.
        source: ReadError,
    },
    /// Shorter than a header.
    #[error("only {found} bytes long; a WIM has a header of {needed}: copy the file again")]
    Truncated {
        /// Length of the file.
        found: u64,
        /// Length of a header.
        needed: u64,
    },
    /// Does not begin as a WIM does.
    #[error(
        "not a WIM: it begins with \"{}\" instead of \"MSWIM\"; name a boot image such as boot.wim",
        .found.escape_ascii()
    )]
    NotWim {
        /// The first eight bytes.
        found: [u8; 8],
    },
    /// wimlib's private form for pipes.
    #[error(
        "a pipable WIM, which only wimlib reads: convert it with \
         `wimlib-imagex export IN.wim all OUT.wim --not-pipable`"
    )]
    Pipable,
    /// A header of another size.
    #[error("the header says it has {found} bytes (208 are known): the file is damaged")]
    HeaderSize {
        /// As the header says.
        found: u32,
    },
    /// A format from before Windows Vista was released.
    #[error(
        "WIM version {version:#x} of a Windows Vista beta (0x10d00 is supported): capture the \
         image again with a current tool"
    )]
    Beta {
        /// As the header says.
        version: u32,
    },
    /// A version nobody has described.
    #[error("unknown WIM version {version:#x} (0x10d00 is supported): the file may be damaged")]
    Version {
        /// As the header says.
        version: u32,
    },
    /// Solid, LZMS: an ESD.
    #[error(
        "a solid or LZMS-compressed WIM (an ESD, version {version:#x}), which boot managers cannot \
         read either: export to LZX first with `wimlib-imagex export IN.esd all OUT.wim \
         --compress=LZX` or `dism /Export-Image /SourceImageFile:IN.esd /SourceIndex:1 \
         /DestinationImageFile:OUT.wim /Compress:max`"
    )]
    Solid {
        /// As the header says.
        version: u32,
    },
    /// An ESD as Microsoft distributes some, which needs a key.
    #[error(
        "an encrypted ESD: only its key holder can read it; use an ESD or WIM that is not encrypted"
    )]
    EsdEncrypted,
    /// One part of several.
    #[error(
        "part {part} of {total} of a split WIM: join the parts first with `wimlib-imagex join \
         OUT.wim PART1.swm PART2.swm ...`"
    )]
    Split {
        /// 1-based.
        part: u16,
        /// How many there are.
        total: u16,
    },
    /// Part numbers that cannot be.
    #[error("the header calls this part {part} of {total}: the file is damaged")]
    PartNumber {
        /// 1-based.
        part: u16,
        /// How many there are.
        total: u16,
    },
    /// Compressed, but with no codec or several.
    #[error(
        "unknown compression (header flags {flags:#010x}; XPRESS 0x20000 and LZX 0x40000 are \
         supported): export with `wimlib-imagex export IN.wim all OUT.wim --compress=LZX`"
    )]
    Compression {
        /// As the header says.
        flags: u32,
    },
    /// A chunk size the codec does not have.
    #[error("a chunk size of {found} bytes, which {codec} does not have: the file is damaged")]
    ChunkSize {
        /// As the header says.
        found: u32,
        /// The codec.
        codec: &'static str,
    },
    /// The blob table cannot be read.
    #[error("cannot read the blob table")]
    BlobTable {
        /// Why.
        source: ReadError,
    },
    /// The blob table does not hold the images the header counts.
    #[error("the header counts {header} images, the blob table holds {found}: the file is damaged")]
    ImageCount {
        /// As the header says.
        header: u32,
        /// Metadata resources in the blob table.
        found: u32,
    },
    /// More images than are kept.
    #[error("{found} images; at most {limit} are read")]
    TooManyImages {
        /// As the header says.
        found: u32,
        /// The limit.
        limit: u32,
    },
    /// The XML cannot be read.
    #[error("cannot read the XML")]
    Xml {
        /// Why.
        source: ReadError,
    },
    /// The XML is not XML.
    #[error("the XML is malformed at byte {at} of its text: {problem}")]
    XmlMalformed {
        /// Position in the text as UTF-8.
        at: u64,
        /// What the parser said.
        problem: String,
    },
}

/// Why an image of a WIM cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// No such image.
    #[error("no image {index}; the WIM holds {count}, counted from 1")]
    NoSuchImage {
        /// As asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// The metadata resource cannot be read.
    #[error("cannot read the metadata of image {index}")]
    Read {
        /// 1-based.
        index: u32,
        /// Why.
        source: ReadError,
    },
    /// The metadata resource makes no sense.
    #[error("the metadata of image {index} is damaged")]
    Metadata {
        /// 1-based.
        index: u32,
        /// What is wrong.
        source: MetadataError,
    },
}

/// What is wrong in an image's metadata. Positions are bytes from the start of the uncompressed
/// metadata resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The security block passes the end.
    #[error("the security block of {length} bytes does not fit the {size} bytes of metadata")]
    Security {
        /// As it says.
        length: u32,
        /// Bytes of metadata.
        size: u64,
    },
    /// An entry passes the end, or its names pass its own end.
    #[error("the entry at {at} with length {length} does not fit the {size} bytes of metadata")]
    Entry {
        /// Where.
        at: u64,
        /// As it says.
        length: u64,
        /// Bytes of metadata.
        size: u64,
    },
    /// The names do not fit into the entry, or have half a character.
    #[error("the entry at {at} with length {length} cannot hold names of {names} bytes")]
    Names {
        /// Where.
        at: u64,
        /// Length of the entry.
        length: u64,
        /// Bytes of both names.
        names: u64,
    },
    /// A name longer than NTFS has.
    #[error("the entry at {at} has a name of {units} UTF-16 units; {limit} are allowed")]
    NameLength {
        /// Where.
        at: u64,
        /// Length of the name in UTF-16 units.
        units: u64,
        /// Most units.
        limit: u64,
    },
    /// The first child of a folder is not aligned or not inside.
    #[error("the folder at {at} has its children at {offset} of {size} bytes, aligned to 8")]
    SubdirOffset {
        /// Where the folder's entry is.
        at: u64,
        /// As it says.
        offset: u64,
        /// Bytes of metadata.
        size: u64,
    },
    /// A folder that contains itself.
    #[error("the folder whose children are at {offset} contains itself")]
    Cycle {
        /// Where the children are.
        offset: u64,
    },
    /// Folders that hold the same entries.
    #[error("the entry at {at} lies in several folders")]
    Shared {
        /// Where.
        at: u64,
    },
    /// Folders in folders beyond the limit.
    #[error("folders nest deeper than {limit}; raise the limit if the file can be trusted")]
    TooDeep {
        /// The limit that applies.
        limit: u32,
    },
    /// More entries than the limit allows.
    #[error("more than {limit} files and folders; raise the limit if the file can be trusted")]
    TooManyEntries {
        /// The limit that applies.
        limit: u32,
    },
    /// The root is a file.
    #[error("the root at {at} is not a folder")]
    RootIsFile {
        /// Where.
        at: u64,
    },
}

/// Why an entry of an image is not a file that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A folder.
    #[error("{path} is a folder")]
    Folder {
        /// Path inside the image.
        path: String,
    },
    /// A link or another reparse point without data of its own.
    #[error("{path} is a reparse point (tag {tag:#010x}) without content; name what it leads to")]
    ReparsePoint {
        /// Path inside the image.
        path: String,
        /// What kind of reparse point.
        tag: u32,
    },
    /// Encrypted by the file system it was captured from.
    #[error("{path} is encrypted (EFS); capture it again from a folder that is not")]
    Encrypted {
        /// Path inside the image.
        path: String,
    },
    /// The WIM does not hold the data.
    #[error("the data of {path} (SHA-1 {hash}) is not in the WIM: it is damaged or incomplete")]
    MissingBlob {
        /// Path inside the image.
        path: String,
        /// What was looked for.
        hash: Sha1,
    },
    /// The data cannot be where the blob table says.
    #[error("the data of {path} cannot be read")]
    Blob {
        /// Path inside the image.
        path: String,
        /// Why.
        source: ReadError,
    },
}

/// Why a file could not be extracted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The WIM could not be read.
    #[error("cannot read {path}")]
    Read {
        /// What [`describe`](extent_image::Source::describe) says of the file.
        path: String,
        /// Why.
        source: ReadError,
    },
    /// The destination could not be written.
    #[error("cannot write what was extracted from {path}")]
    Write {
        /// What [`describe`](extent_image::Source::describe) says of the file.
        path: String,
        /// Why.
        source: io::Error,
    },
}
