//! Opening a WIM and what its header, blob table and XML say.

use std::sync::Arc;

use extent_image::ReadAt;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::blobs::BlobTable;
use crate::cast::{to_u64, to_usize};
use crate::disk::{BlobEntry, Header, HeaderFlags, ResourceHeader};
use crate::error::{FileError, ImageError, OpenError, ReadError};
use crate::file::FileInWim;
use crate::image::{Entry, Image};
use crate::limits::Limits;
use crate::resource::{Compression, Resource, WimFile};
use crate::xml::{self, ImageInfo};

/// An open WIM. Clones share what was read.
#[derive(Clone)]
pub struct Wim {
    pub(crate) inner: Arc<Inner>,
}

/// What files inside the WIM keep alive.
pub(crate) struct Inner {
    pub(crate) file: WimFile,
    /// Of the first part, if there are several.
    pub(crate) header: Header,
    pub(crate) further: Vec<FurtherPart>,
    pub(crate) limits: Limits,
    pub(crate) blobs: BlobTable,
    images: Vec<ImageInfo>,
    warnings: Vec<Warning>,
}

/// A part of a split WIM behind the first.
pub(crate) struct FurtherPart {
    pub(crate) header: Header,
    /// Where it begins when all parts are laid end to end.
    pub(crate) base: u64,
}

/// One file, its header checked and its blob table read.
pub(crate) struct PartFile {
    pub(crate) file: WimFile,
    pub(crate) header: Header,
    pub(crate) table: Vec<u8>,
}

/// What a file with a WIM header is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A WIM that is not split.
    Whole,
    /// The same, or a part of one that is.
    Part,
    /// The frame of a WIM: its header, then at once its blob table.
    Frame,
}

impl PartFile {
    pub(crate) fn open(
        source: Arc<dyn ReadAt>,
        limits: Limits,
        kind: Kind,
    ) -> Result<Self, OpenError> {
        let header = read_header(&*source)?;
        let (compression, chunk_size) = match check_header(&header, kind) {
            Err(OpenError::Solid { .. }) if is_encrypted(&source, &header, limits) => {
                return Err(OpenError::EsdEncrypted);
            }
            checked => checked?,
        };
        let len = source.len();
        let file = WimFile { source, len, compression, chunk_size };
        let place = match kind {
            Kind::Whole | Kind::Part => header.blob_table,
            Kind::Frame => header.blob_table.moved_to(Header::SIZE),
        };
        let table = read_table(&file, &place, "the blob table", limits.table)
            .map_err(|source| OpenError::BlobTable { source })?;
        Ok(Self { file, header, table })
    }
}

/// Something about a WIM that does not keep it from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Boot loaders other than Microsoft's read 32 KiB chunks only.
    #[error(
        "chunks of {found} bytes; boot images are made with 32768 (export with `wimlib-imagex \
         export IN.wim all OUT.wim --compress=LZX --chunk-size=32K`)"
    )]
    ChunkSize {
        /// As the header says.
        found: u32,
    },
    /// A program that was adding to the WIM did not finish.
    #[error("the header says that writing is in progress: an interrupted change; verify the WIM")]
    WriteInProgress,
    /// The boot index is ignored.
    #[error("boot index {index}, but only {count} images: no image is marked bootable")]
    BootIndex {
        /// As the header says.
        index: u32,
        /// How many images there are.
        count: u32,
    },
    /// The header's copy of the boot image's metadata resource is not that of the boot image.
    #[error("the header points to other metadata than that of boot image {index}")]
    BootMetadata {
        /// The boot index.
        index: u32,
    },
    /// Metadata that no image uses.
    #[error("metadata of {found} images, but the header counts {header}")]
    ExtraMetadata {
        /// As the header says.
        header: u32,
        /// In the blob table.
        found: u32,
    },
}

/// The only chunk size boot images are known to be made with, in bytes.
const USUAL_CHUNK: u32 = 32_768;

impl Wim {
    /// Opens a WIM with the default [`Limits`]: reads its header, blob table and XML.
    ///
    /// # Errors
    /// It is not a WIM, is a kind of WIM that is not supported (each kind has its own error with
    /// the way out), or is damaged.
    pub fn open(source: Arc<dyn ReadAt>) -> Result<Self, OpenError> {
        Self::open_with_limits(source, Limits::new())
    }

    /// Opens a WIM with other limits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_limits(source: Arc<dyn ReadAt>, limits: Limits) -> Result<Self, OpenError> {
        let PartFile { file, header, table } = PartFile::open(source, limits, Kind::Whole)?;
        let blobs = BlobTable::parse(&table, header.part_number.get());
        Self::assemble(file, header, Vec::new(), blobs, limits)
    }

    /// The rest of opening: what depends on the blob table, and the XML.
    pub(crate) fn assemble(
        file: WimFile,
        header: Header,
        further: Vec<FurtherPart>,
        blobs: BlobTable,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let count = header.image_count.get();
        if count > blobs.metadata_count() {
            return Err(OpenError::ImageCount { header: count, found: blobs.metadata_count() });
        }
        if count > limits.images {
            return Err(OpenError::TooManyImages { found: count, limit: limits.images });
        }
        let xml = read_table(&file, &header.xml, "the XML", limits.xml)
            .map_err(|source| OpenError::Xml { source })?;
        let images = xml::parse(&xml, count)?;
        let warnings = warnings(&header, file.compression, &blobs);
        Ok(Self {
            inner: Arc::new(Inner { file, header, further, limits, blobs, images, warnings }),
        })
    }

    /// How resources are compressed.
    pub fn compression(&self) -> Compression {
        self.inner.file.compression
    }

    /// Bytes of a chunk before compression; 0 when nothing is compressed.
    pub fn chunk_size(&self) -> u32 {
        self.inner.file.chunk_size
    }

    /// How many files the WIM is in; above 1 only when opened by [`open_set`](Self::open_set).
    pub fn part_count(&self) -> u16 {
        self.inner.header.total_parts.get()
    }

    /// Number of images; they are counted from 1.
    pub fn image_count(&self) -> u32 {
        self.inner.header.image_count.get()
    }

    /// The image that boots, counted from 1. `None` when the header names none or one that does
    /// not exist.
    pub fn boot_index(&self) -> Option<u32> {
        let index = self.inner.header.boot_index.get();
        (1..=self.image_count()).contains(&index).then_some(index)
    }

    /// The GUID in the order of the file's bytes.
    pub fn guid(&self) -> [u8; 16] {
        self.inner.header.guid
    }

    /// Length of the file in bytes, of all parts together if there are several.
    pub fn file_len(&self) -> u64 {
        self.inner.file.len
    }

    /// True when the WIM, or a part of it, has an integrity table, which [`verify`](Self::verify)
    /// checks.
    pub fn has_integrity_table(&self) -> bool {
        self.headers().any(|(_, header)| !header.integrity.is_absent())
    }

    /// The parts' headers and where each part begins in the file, or in all parts laid end to end.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (u64, &Header)> {
        let further = self.inner.further.iter().map(|part| (part.base, &part.header));
        std::iter::once((0, &self.inner.header)).chain(further)
    }

    /// What the XML says of an image, counted from 1.
    pub fn info(&self, index: u32) -> Option<&ImageInfo> {
        self.inner.images.get(to_usize(u64::from(index.checked_sub(1)?)))
    }

    /// What the XML says of every image, in order.
    pub fn infos(&self) -> &[ImageInfo] {
        &self.inner.images
    }

    /// What is unusual about the WIM.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }

    /// What error messages call the WIM.
    pub fn describe(&self) -> String {
        self.inner.file.source.describe()
    }

    /// The first 208 bytes of the file with another boot index: with these in their place, and all
    /// other bytes as they are, the WIM boots image `index` (0: none). The integrity table does not
    /// cover the header, so it stays right.
    ///
    /// # Errors
    /// No such image.
    pub fn header_with_boot_index(&self, index: u32) -> Result<[u8; 208], ImageError> {
        let mut header = self.inner.header;
        header.boot_metadata = match index {
            0 => ResourceHeader::new_zeroed(),
            index => self.metadata_entry(index)?.resource,
        };
        header.boot_index.set(index);
        let mut bytes = [0; 208];
        bytes.copy_from_slice(header.as_bytes());
        Ok(bytes)
    }

    /// Reads the files and folders of an image, counted from 1. The SHA-1 of the metadata is
    /// checked before it is taken apart.
    ///
    /// # Errors
    /// No such image, or its metadata is damaged.
    pub fn image(&self, index: u32) -> Result<Image, ImageError> {
        let Inner { file, limits, blobs, .. } = &*self.inner;
        let entry = self.metadata_entry(index)?;
        let limit = limits.metadata.min(file.len.saturating_mul(512));
        let bytes = Resource::new(file, &entry.resource)
            .and_then(|resource| file.read_all(resource, Some(entry.hash), "metadata", limit))
            .map_err(|source| ImageError::Read { index, source })?;
        Image::parse(&bytes, blobs, limits).map_err(|source| ImageError::Metadata { index, source })
    }

    /// The data of a file as a source that can be put on media. `entry` is of an image of this WIM.
    ///
    /// # Errors
    /// It is not a file with data of its own, or its data cannot be where the blob table says.
    pub fn file(&self, entry: Entry<'_>) -> Result<FileInWim, FileError> {
        FileInWim::new(&self.inner, entry)
    }

    fn metadata_entry(&self, index: u32) -> Result<&BlobEntry, ImageError> {
        let count = self.image_count();
        let entry = self.inner.blobs.metadata(index).filter(|_| index <= count);
        entry.ok_or(ImageError::NoSuchImage { index, count })
    }
}

impl std::fmt::Debug for Wim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wim")
            .field("source", &self.describe())
            .field("compression", &self.compression())
            .field("chunk_size", &self.chunk_size())
            .field("image_count", &self.image_count())
            .field("boot_index", &self.boot_index())
            .finish_non_exhaustive()
    }
}

fn read_header(source: &dyn ReadAt) -> Result<Header, OpenError> {
    let mut bytes = [0; 208];
    let have = to_usize(source.len()).min(bytes.len());
    let head = bytes.get_mut(..have).unwrap_or_default();
    source.read_exact_at(head, 0).map_err(|source| OpenError::Header {
        source: ReadError::Io { offset: 0, len: to_u64(have), source },
    })?;
    let Ok(header) = Header::read_from_bytes(&bytes) else {
        return Err(OpenError::Truncated { found: source.len(), needed: Header::SIZE });
    };
    // A short file of another kind is first of all not a WIM.
    let magic_differs = have >= header.magic.len()
        && header.magic != Header::MAGIC
        && header.magic != Header::PIPABLE_MAGIC;
    if magic_differs {
        return Err(OpenError::NotWim { found: header.magic });
    }
    if have < bytes.len() {
        return Err(OpenError::Truncated { found: source.len(), needed: Header::SIZE });
    }
    Ok(header)
}

/// Refuses by name what is not supported; tells compression and chunk size of what is.
fn check_header(header: &Header, kind: Kind) -> Result<(Compression, u32), OpenError> {
    if header.magic == Header::PIPABLE_MAGIC {
        return Err(OpenError::Pipable);
    }
    let version = header.version.get();
    let flags = header.flags.get();
    match version {
        Header::VERSION_SOLID => return Err(OpenError::Solid { version }),
        0x0001_0900..=0x0001_0CFF => return Err(OpenError::Beta { version }),
        Header::VERSION => {}
        _ => return Err(OpenError::Version { version }),
    }
    let found = header.header_size.get();
    if u64::from(found) != Header::SIZE {
        return Err(OpenError::HeaderSize { found });
    }
    let (part, total) = (header.part_number.get(), header.total_parts.get());
    if part == 0 || part > total {
        return Err(OpenError::PartNumber { part, total });
    }
    if kind != Kind::Part && (total != 1 || flags & HeaderFlags::SPANNED != 0) {
        return Err(OpenError::Split { part, total });
    }
    let xpress = flags & (HeaderFlags::XPRESS | HeaderFlags::XPRESS_2) != 0;
    let lzx = flags & HeaderFlags::LZX != 0;
    let found = header.chunk_size.get();
    match (xpress, lzx) {
        _ if flags & HeaderFlags::LZMS != 0 => Err(OpenError::Solid { version }),
        (false, false) if flags & HeaderFlags::COMPRESSED == 0 => Ok((Compression::None, 0)),
        (true, false) => {
            if found.is_power_of_two() && (0x1000..=0x1_0000).contains(&found) {
                return Ok((Compression::Xpress, found));
            }
            Err(OpenError::ChunkSize { found, codec: Compression::Xpress.name() })
        }
        (false, true) => {
            if found.is_power_of_two() && (0x8000..=0x20_0000).contains(&found) {
                return Ok((Compression::Lzx, found));
            }
            Err(OpenError::ChunkSize { found, codec: Compression::Lzx.name() })
        }
        _ => Err(OpenError::Compression { flags }),
    }
}

/// An encrypted ESD says so in its XML, which is stored plainly. Anything that goes wrong on the way
/// there only means that the less particular error is given.
fn is_encrypted(source: &Arc<dyn ReadAt>, header: &Header, limits: Limits) -> bool {
    let file = WimFile {
        source: Arc::clone(source),
        len: source.len(),
        compression: Compression::None,
        chunk_size: 0,
    };
    read_table(&file, &header.xml, "the XML", limits.xml)
        .is_ok_and(|xml| matches!(xml::parse(&xml, 0), Err(OpenError::EsdEncrypted)))
}

/// A table that is nowhere is empty.
pub(crate) fn read_table(
    file: &WimFile,
    header: &ResourceHeader,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>, ReadError> {
    if header.is_absent() {
        return Ok(Vec::new());
    }
    file.read_all(Resource::new(file, header)?, None, what, limit.min(file.len))
}

fn warnings(header: &Header, compression: Compression, blobs: &BlobTable) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let chunk_size = header.chunk_size.get();
    if compression != Compression::None && chunk_size != USUAL_CHUNK {
        warnings.push(Warning::ChunkSize { found: chunk_size });
    }
    if header.flags.get() & HeaderFlags::WRITE_IN_PROGRESS != 0 {
        warnings.push(Warning::WriteInProgress);
    }
    let (index, count) = (header.boot_index.get(), header.image_count.get());
    if index > count {
        warnings.push(Warning::BootIndex { index, count });
    } else if let Some(boot) = blobs.metadata(index)
        && boot.resource != header.boot_metadata
    {
        warnings.push(Warning::BootMetadata { index });
    }
    if blobs.metadata_count() > count {
        warnings.push(Warning::ExtraMetadata { header: count, found: blobs.metadata_count() });
    }
    warnings
}
