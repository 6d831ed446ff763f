//! Checking a whole WIM.

use std::collections::HashSet;
use std::ops::ControlFlow;

use zerocopy::FromBytes;

use crate::cast::{to_u64, to_usize};
use crate::disk::{Header, IntegrityHead, ResourceFlags, Sha1Hash};
use crate::error::{FileError, ImageError, ReadError};
use crate::hash::{Hasher, Sha1};
use crate::resource::{Resource, ResourceReader};
use crate::wim::{Wim, read_table};

/// Something that is wrong in a WIM. Positions in a set of parts count through all parts in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The integrity table cannot be read.
    #[error("the integrity table cannot be read")]
    IntegrityTable {
        /// Why.
        source: ReadError,
    },
    /// The integrity table's own numbers do not fit together or do not fit the file.
    #[error(
        "an integrity table of {size} bytes with {count} hashes of {chunk_size} bytes does not \
         cover {covered} bytes"
    )]
    IntegrityShape {
        /// Its size as it says.
        size: u32,
        /// Hashes as it says.
        count: u32,
        /// Bytes under each hash as it says.
        chunk_size: u32,
        /// Bytes it should cover.
        covered: u64,
    },
    /// A part of the file does not have the SHA-1 the integrity table gives.
    #[error(
        "bytes {start}..{end} of the file have SHA-1 {found}, not {expected} (integrity table)"
    )]
    Integrity {
        /// First byte in the file.
        start: u64,
        /// First byte after.
        end: u64,
        /// As the table says.
        expected: Sha1,
        /// Of what was read.
        found: Sha1,
    },
    /// A part of the file that the integrity table covers cannot be read.
    #[error("bytes {start}..{end} of the file cannot be read")]
    IntegrityRead {
        /// First byte in the file.
        start: u64,
        /// First byte after.
        end: u64,
        /// Why.
        source: ReadError,
    },
    /// A blob is damaged.
    #[error("blob {hash} is damaged")]
    Blob {
        /// Its name.
        hash: Sha1,
        /// What is wrong.
        source: ReadError,
    },
    /// An image cannot be read.
    #[error("image {index} is damaged")]
    Image {
        /// 1-based.
        index: u32,
        /// What is wrong.
        source: ImageError,
    },
    /// Two entries of the blob table lie over one another, so at most one of them can be right.
    #[error("blob {hash} at {offset} lies over another that ends at {end}; it was not read")]
    Overlap {
        /// Its name.
        hash: Sha1,
        /// Where it begins in the file.
        offset: u64,
        /// Where the one before it ends.
        end: u64,
    },
    /// An image uses the metadata of an earlier one.
    #[error("image {index} has the same metadata as an earlier image; it was not read again")]
    SameMetadata {
        /// 1-based.
        index: u32,
    },
    /// The list was cut.
    #[error("and more; only the first {limit} faults are listed")]
    More {
        /// How many are.
        limit: usize,
    },
    /// A file's data is not in the WIM, or cannot be where it should be.
    #[error("a file of image {index} has no data")]
    File {
        /// 1-based.
        index: u32,
        /// What is wrong.
        source: FileError,
    },
}

/// The caller's progress function answered [`ControlFlow::Break`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled after {done} of {total} bytes")]
pub struct Cancelled {
    /// Bytes checked until then.
    pub done: u64,
    /// Bytes to check.
    pub total: u64,
}

const BUFFER: usize = 1 << 20;
/// Faults that are listed; a hostile WIM can have any number.
const LISTED: usize = 10_000;

impl Wim {
    /// Checks everything: the integrity table if there is one (in a set, that of every part), the
    /// SHA-1 of every blob, the tree of every image and that the data of every file is there.
    /// Returns all faults, none for a sound WIM.
    ///
    /// Data that lies over other data is told and read once, so the work stays in proportion to what
    /// the WIM unpacks to. At most some ten thousand faults are listed.
    ///
    /// `progress` hears, about every MiB, how many bytes are done of how many; uncompressed bytes of
    /// blobs and metadata and bytes of the file that the integrity table covers count alike.
    ///
    /// # Errors
    /// `progress` cancelled.
    pub fn verify(
        &self,
        progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<Vec<Fault>, Cancelled> {
        let inner = &*self.inner;
        let mut faults = Faults::default();
        let mut integrity = Vec::new();
        for (base, header) in self.headers() {
            match self.integrity(base, header) {
                Ok(table) => integrity.extend(table),
                Err(fault) => faults.push(fault),
            }
        }

        let entries = inner.blobs.entries();
        let mut blobs = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.resource.flags() & ResourceFlags::METADATA != 0 {
                continue;
            }
            match Resource::new(&inner.file, &entry.resource) {
                Ok(resource) => blobs.push((resource, entry.hash)),
                Err(source) => faults.push(Fault::Blob { hash: Sha1(entry.hash), source }),
            }
        }
        // In the order of the file, as disks and networks like it.
        blobs.sort_by_key(|(resource, _)| resource.offset);

        let mut end = 0;
        blobs.retain(|(resource, hash)| {
            let (offset, hash) = (resource.offset, Sha1(*hash));
            // An empty blob lies nowhere.
            let apart = offset >= end || resource.stored == 0;
            if apart {
                end = offset.saturating_add(resource.stored).max(end);
            } else {
                faults.push(Fault::Overlap { hash, offset, end });
            }
            apart
        });
        let images: Vec<u64> =
            (1..=self.image_count()).map(|index| self.metadata_len(index)).collect();

        let total = blobs
            .iter()
            .map(|(resource, _)| resource.original)
            .chain(images.iter().copied())
            .chain(integrity.iter().map(|table| table.end.saturating_sub(table.start)))
            .fold(0_u64, u64::saturating_add);
        let mut meter = Meter { done: 0, total, progress };
        let mut buffer = vec![0; BUFFER];
        for table in &integrity {
            self.verify_integrity(table, &mut buffer, &mut meter, &mut faults)?;
        }
        for (resource, hash) in blobs {
            if let Err(source) = self.verify_blob(resource, hash, &mut buffer, &mut meter)? {
                faults.push(Fault::Blob { hash: Sha1(hash), source });
            }
        }
        let mut seen = HashSet::new();
        for (index, len) in (1..).zip(images) {
            let place = inner.blobs.metadata(index).map(|entry| entry.resource.offset.get());
            if seen.insert(place) {
                self.verify_image(index, &mut faults);
            } else {
                faults.push(Fault::SameMetadata { index });
            }
            meter.advance(len)?;
        }
        Ok(faults.list)
    }

    /// Unpacked bytes of an image's metadata, as the blob table says.
    fn metadata_len(&self, index: u32) -> u64 {
        let entry = self.inner.blobs.metadata(index);
        let limit = self.inner.limits.metadata;
        entry.map_or(0, |entry| entry.resource.original_size.get().min(limit))
    }

    /// The integrity table of the file, or of the part that begins at `base`.
    fn integrity(&self, base: u64, header: &Header) -> Result<Option<Integrity>, Fault> {
        let Wim { inner } = self;
        let place = base.saturating_add(header.integrity.offset.get());
        let bytes = read_table(
            &inner.file,
            &header.integrity.moved_to(place),
            "the integrity table",
            inner.limits.table,
        )
        .map_err(|source| Fault::IntegrityTable { source })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        // `read_table` has found the blob table inside the file when the WIM was opened.
        let table = &header.blob_table;
        let start = base.saturating_add(Header::SIZE);
        let end = base.saturating_add(table.offset.get()).saturating_add(table.stored_size());
        let end = end.max(start);
        let covered = end.saturating_sub(start);
        let shape =
            |size, count, chunk_size| Fault::IntegrityShape { size, count, chunk_size, covered };
        let (head, rest) = IntegrityHead::read_from_prefix(&bytes).map_err(|_| shape(0, 0, 0))?;
        let (size, count, chunk) = (head.size.get(), head.count.get(), head.chunk_size.get());
        let (hashes, _) = rest.as_chunks::<20>();
        let needed = match u64::from(chunk) {
            0 => None,
            chunk => Some(covered.div_ceil(chunk)),
        };
        let fits = needed == Some(u64::from(count))
            && u64::from(size) == u64::from(count).saturating_mul(20).saturating_add(12)
            && u64::from(size) <= to_u64(bytes.len());
        match hashes.get(..to_usize(u64::from(count))) {
            Some(hashes) if fits => {
                let (chunk, hashes) = (u64::from(chunk), hashes.to_vec());
                Ok(Some(Integrity { chunk, hashes, start, end }))
            }
            _ => Err(shape(size, count, chunk)),
        }
    }

    fn verify_integrity(
        &self,
        table: &Integrity,
        buffer: &mut [u8],
        meter: &mut Meter<'_>,
        faults: &mut Faults,
    ) -> Result<(), Cancelled> {
        let mut start = table.start;
        for expected in &table.hashes {
            let end = start.saturating_add(table.chunk).min(table.end);
            let mut hasher = Hasher::new();
            let mut at = start;
            let mut failure = None;
            while at < end {
                let count = to_usize(end.saturating_sub(at)).min(buffer.len());
                let piece = buffer.get_mut(..count).unwrap_or_default();
                if let Err(source) = self.inner.file.read(piece, at) {
                    failure = Some(source);
                    break;
                }
                hasher.update(piece);
                at = at.saturating_add(to_u64(count));
                meter.advance(to_u64(count))?;
            }
            let found = hasher.finish();
            match failure {
                Some(source) => faults.push(Fault::IntegrityRead { start, end, source }),
                None if found != *expected => {
                    let (expected, found) = (Sha1(*expected), Sha1(found));
                    faults.push(Fault::Integrity { start, end, expected, found });
                }
                None => {}
            }
            start = end;
        }
        Ok(())
    }

    fn verify_blob(
        &self,
        resource: Resource,
        hash: Sha1Hash,
        buffer: &mut [u8],
        meter: &mut Meter<'_>,
    ) -> Result<Result<(), ReadError>, Cancelled> {
        let mut reader = match ResourceReader::new(&self.inner.file, resource, 0, Some(hash)) {
            Ok(reader) => reader,
            Err(error) => return Ok(Err(error)),
        };
        let before = meter.done;
        let mut unheard = 0_u64;
        let read = loop {
            match reader.read_some(buffer) {
                Ok(0) => break reader.check_empty(),
                Ok(count) => {
                    unheard = unheard.saturating_add(to_u64(count));
                    if unheard >= to_u64(BUFFER) {
                        meter.advance(std::mem::take(&mut unheard))?;
                    }
                }
                Err(error) => break Err(error),
            }
        };
        // What a damaged blob leaves unread is done all the same.
        let read_bytes = meter.done.saturating_sub(before);
        meter.advance(resource.original.saturating_sub(read_bytes))?;
        Ok(read)
    }

    fn verify_image(&self, index: u32, faults: &mut Faults) {
        let image = match self.image(index) {
            Ok(image) => image,
            Err(source) => return faults.push(Fault::Image { index, source }),
        };
        for entry in image.walk() {
            if let Some(hash) = entry.sha1()
                && self.inner.blobs.find(&hash.0).is_none()
            {
                let source = FileError::MissingBlob { path: entry.path(), hash };
                faults.push(Fault::File { index, source });
            }
        }
    }
}

/// What was found, up to a limit.
#[derive(Default)]
struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    fn push(&mut self, fault: Fault) {
        match self.list.len() {
            len if len < LISTED => self.list.push(fault),
            LISTED => self.list.push(Fault::More { limit: LISTED }),
            _ => {}
        }
    }
}

struct Integrity {
    chunk: u64,
    hashes: Vec<Sha1Hash>,
    /// First byte covered, in the file.
    start: u64,
    /// End of the bytes covered, in the file.
    end: u64,
}

struct Meter<'a> {
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>,
}

impl Meter<'_> {
    fn advance(&mut self, count: u64) -> Result<(), Cancelled> {
        self.done = self.done.saturating_add(count).min(self.total);
        match (self.progress)(self.done, self.total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled { done: self.done, total: self.total }),
        }
    }
}
