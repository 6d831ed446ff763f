//! Reading one resource: a run of bytes of the file, plain or cut into packed chunks
//! (wim-format 1.5).

use std::io::{self, Read};
use std::sync::Arc;

use extent_image::ReadAt;

use crate::cast::{to_u64, to_usize};
use crate::decompress::{Lzx, Xpress};
use crate::disk::{ResourceFlags, ResourceHeader, Sha1Hash};
use crate::error::ReadError;
use crate::hash::{Hasher, Sha1};

/// How the compressed resources of a WIM are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Nothing is compressed.
    None,
    /// XPRESS with Huffman codes ("fast").
    Xpress,
    /// LZX ("maximum").
    Lzx,
}

impl Compression {
    /// `none`, `XPRESS` or `LZX`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Xpress => "XPRESS",
            Self::Lzx => "LZX",
        }
    }
}

/// The file and what its header says of all its resources.
pub(crate) struct WimFile {
    pub(crate) source: Arc<dyn ReadAt>,
    pub(crate) len: u64,
    pub(crate) compression: Compression,
    /// Bytes; a power of two when there is compression.
    pub(crate) chunk_size: u32,
}

impl WimFile {
    /// Positioned read; `offset + buf.len()` was checked against the length of the file.
    pub(crate) fn read(&self, buf: &mut [u8], offset: u64) -> Result<(), ReadError> {
        self.source.read_exact_at(buf, offset).map_err(|source| ReadError::Io {
            offset,
            len: to_u64(buf.len()),
            source,
        })
    }

    /// A whole resource in memory, checked against `hash` if there is one.
    pub(crate) fn read_all(
        &self,
        resource: Resource,
        hash: Option<Sha1Hash>,
        what: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>, ReadError> {
        let size = resource.original;
        let too_large = ReadError::TooLarge { what, size, limit };
        if size > limit {
            return Err(too_large);
        }
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| too_large)?];
        let mut reader = ResourceReader::new(self, resource, 0, hash)?;
        reader.fill(&mut bytes)?;
        reader.check_empty()?;
        Ok(bytes)
    }
}

/// A resource that lies inside the file and whose sizes are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) offset: u64,
    /// Bytes in the file.
    pub(crate) stored: u64,
    /// Bytes when unpacked.
    pub(crate) original: u64,
    /// `None` when stored plainly.
    chunks: Option<Chunks>,
}

/// The chunk table of a packed resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunks {
    /// Unpacked bytes of every chunk but the last.
    size: u64,
    /// Number of chunks, at least 1.
    count: u64,
    /// Bytes of one table entry. The table has one entry fewer than there are chunks.
    width: u64,
    /// Bytes of the table.
    table: u64,
}

impl Resource {
    /// Checks a resource header read from the file.
    pub(crate) fn new(file: &WimFile, header: &ResourceHeader) -> Result<Self, ReadError> {
        let offset = header.offset.get();
        let stored = header.stored_size();
        let original = header.original_size.get();
        let flags = header.flags();
        if flags & (ResourceFlags::SPANNED | ResourceFlags::SOLID) != 0 {
            return Err(ReadError::Kind { offset, flags });
        }
        if offset.checked_add(stored).is_none_or(|end| end > file.len) {
            return Err(ReadError::OutsideFile { offset, stored, file: file.len });
        }
        let sizes = ReadError::Sizes { offset, stored, original };
        if flags & ResourceFlags::COMPRESSED == 0 {
            if stored != original {
                return Err(sizes);
            }
            return Ok(Self { offset, stored, original, chunks: None });
        }
        let size = u64::from(file.chunk_size);
        if file.compression == Compression::None || size == 0 {
            return Err(ReadError::NoCodec { offset });
        }
        let count = original.div_ceil(size);
        let width = if u32::try_from(original).is_ok() { 4 } else { 8 };
        let table = count.checked_sub(1).and_then(|entries| entries.checked_mul(width));
        // Every chunk has at least one byte.
        match table {
            Some(table) if stored.checked_sub(table).is_some_and(|data| data >= count) => {
                let chunks = Some(Chunks { size, count, width, table });
                Ok(Self { offset, stored, original, chunks })
            }
            _ => Err(sizes),
        }
    }
}

/// Bytes read at once when reading begins, and at most; each read doubles the last.
const FIRST_WINDOW: usize = 64 << 10;
const LARGEST_WINDOW: usize = 1 << 20;
/// Chunk table entries read at once.
const TABLE_PIECE: u64 = 2048;

/// The unpacked bytes of a resource from some position to its end.
///
/// Reads of the file are few and bounded: they begin with 64 KiB, which holds all of a small file,
/// and grow to 1 MiB while reading goes on, so that a WIM read by ranges over a network costs one
/// request for each. When reading starts at the beginning, the SHA-1 is checked before the last
/// bytes are given out.
pub(crate) struct ResourceReader<'a> {
    file: &'a WimFile,
    resource: Resource,
    /// Unpacked position of the next byte to give out.
    at: u64,
    window: Window,
    packed: Packed,
    check: Option<(Hasher, Sha1Hash)>,
    failed: bool,
}

/// State of reading chunks; unused for plain resources.
struct Packed {
    decoder: Decoder,
    /// Index of the first entry in `table`.
    table_first: u64,
    table: Vec<u64>,
    /// The unpacked chunk that `at` is in, when it did not go to the caller's buffer at once.
    chunk: Vec<u8>,
    /// Bytes of `chunk` already given out.
    given: usize,
}

enum Decoder {
    None,
    Xpress(Box<Xpress>),
    Lzx(Box<Lzx>),
}

impl<'a> ResourceReader<'a> {
    /// `from` is at most the resource's unpacked size.
    pub(crate) fn new(
        file: &'a WimFile,
        resource: Resource,
        from: u64,
        hash: Option<Sha1Hash>,
    ) -> Result<Self, ReadError> {
        let decoder = match (resource.chunks, file.compression) {
            (None, _) => Decoder::None,
            (Some(_), Compression::Xpress) => Decoder::Xpress(Box::default()),
            (Some(_), Compression::Lzx) => match Lzx::new(file.chunk_size) {
                Some(lzx) => Decoder::Lzx(Box::new(lzx)),
                None => return Err(ReadError::NoCodec { offset: resource.offset }),
            },
            (Some(_), Compression::None) => {
                return Err(ReadError::NoCodec { offset: resource.offset });
            }
        };
        let check = hash.filter(|_| from == 0).map(|hash| (Hasher::new(), hash));
        Ok(Self {
            file,
            resource,
            at: from.min(resource.original),
            window: Window { bytes: Vec::new(), start: 0, ahead: FIRST_WINDOW },
            packed: Packed {
                decoder,
                table_first: 0,
                table: Vec::new(),
                chunk: Vec::new(),
                given: 0,
            },
            check,
            failed: false,
        })
    }

    /// Reads at least one byte, unless `buf` is empty or the end is reached.
    pub(crate) fn read_some(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        if self.failed {
            return Err(ReadError::AfterFailure { offset: self.resource.offset });
        }
        if buf.is_empty() || self.at >= self.resource.original {
            return Ok(0);
        }
        let count = match self.resource.chunks {
            None => self.read_plain(buf),
            Some(chunks) => self.read_packed(chunks, buf),
        };
        self.failed = count.is_err();
        count
    }

    /// Fills `buf`, which is at most as long as what is left.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> Result<(), ReadError> {
        let mut rest = buf;
        while !rest.is_empty() {
            let count = self.read_some(rest)?;
            // Only at the end of the resource is nothing read, and then nothing more will come.
            let step = if count == 0 { rest.len() } else { count };
            rest = rest.split_at_mut_checked(step).map(|(_, rest)| rest).unwrap_or_default();
        }
        Ok(())
    }

    /// For data of no bytes, of which no read will ever check the hash.
    pub(crate) fn check_empty(&mut self) -> Result<(), ReadError> {
        if self.resource.original == 0 { self.finish_check() } else { Ok(()) }
    }

    fn read_plain(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        let left = self.resource.original.saturating_sub(self.at);
        let position = self.resource.offset.saturating_add(self.at);
        let want = buf.len().min(to_usize(left));
        let out = buf.get_mut(..want).unwrap_or_default();
        let count = if want >= FIRST_WINDOW {
            self.file.read(out, position)?;
            want
        } else {
            let end = position.saturating_add(left);
            let have = self.window.fetch(self.file, position, 1, end)?;
            let count = want.min(have.len());
            let (out, have) = (out.get_mut(..count), have.get(..count));
            out.unwrap_or_default().copy_from_slice(have.unwrap_or_default());
            count
        };
        if let Some((hasher, _)) = &mut self.check {
            hasher.update(buf.get(..count).unwrap_or_default());
        }
        self.at = self.at.saturating_add(to_u64(count));
        if self.at >= self.resource.original {
            self.finish_check()?;
        }
        Ok(count)
    }

    fn read_packed(&mut self, chunks: Chunks, buf: &mut [u8]) -> Result<usize, ReadError> {
        let given = self.packed.given;
        let rest = self.packed.chunk.get(given..).unwrap_or_default();
        if !rest.is_empty() {
            let count = rest.len().min(buf.len());
            let (out, have) = (buf.get_mut(..count), rest.get(..count));
            out.unwrap_or_default().copy_from_slice(have.unwrap_or_default());
            self.packed.given = given.saturating_add(count);
            self.at = self.at.saturating_add(to_u64(count));
            return Ok(count);
        }
        let index = self.at.checked_div(chunks.size).unwrap_or(0);
        let start = index.saturating_mul(chunks.size);
        let len = to_usize(self.resource.original.saturating_sub(start).min(chunks.size));
        let skip = to_usize(self.at.saturating_sub(start));
        if skip == 0
            && let Some(out) = buf.get_mut(..len)
        {
            self.unpack(chunks, index, out)?;
            self.at = self.at.saturating_add(to_u64(len));
            return Ok(len);
        }
        let mut chunk = std::mem::take(&mut self.packed.chunk);
        chunk.resize(len, 0);
        self.unpack(chunks, index, &mut chunk)?;
        self.packed.chunk = chunk;
        self.packed.given = skip;
        self.read_packed(chunks, buf)
    }

    /// Unpacks chunk `index` so that `out` is full.
    fn unpack(&mut self, chunks: Chunks, index: u64, out: &mut [u8]) -> Result<(), ReadError> {
        let start = self.chunk_start(chunks, index)?;
        let end = self.chunk_start(chunks, index.saturating_add(1))?;
        let offset = self.resource.offset;
        let data = self.resource.stored.saturating_sub(chunks.table);
        let len = end.saturating_sub(start);
        if start >= end || end > data || len > to_u64(out.len()) {
            return Err(ReadError::ChunkBounds { offset, chunk: index, start, end, data });
        }
        let first = offset.saturating_add(chunks.table);
        let stop = first.saturating_add(data);
        let place = first.saturating_add(start);
        let have = self.window.fetch(self.file, place, to_usize(len), stop)?;
        let packed = have.get(..to_usize(len)).unwrap_or_default();
        let decoded = if packed.len() == out.len() {
            out.copy_from_slice(packed);
            Ok(())
        } else {
            match &mut self.packed.decoder {
                Decoder::Xpress(xpress) => xpress.decode(packed, out),
                Decoder::Lzx(lzx) => lzx.decode(packed, out),
                Decoder::None => return Err(ReadError::NoCodec { offset }),
            }
        };
        decoded.map_err(|source| ReadError::Chunk { offset, chunk: index, source })?;
        if let Some((hasher, _)) = &mut self.check {
            hasher.update(out);
        }
        if index.saturating_add(1) == chunks.count {
            self.finish_check()?;
        }
        Ok(())
    }

    /// Where chunk `index` starts, counted from the end of the chunk table; for the count of chunks,
    /// where the last one ends.
    fn chunk_start(&mut self, chunks: Chunks, index: u64) -> Result<u64, ReadError> {
        let Some(entry) = index.checked_sub(1) else { return Ok(0) };
        if index >= chunks.count {
            return Ok(self.resource.stored.saturating_sub(chunks.table));
        }
        let cached = |packed: &Packed| {
            let place = to_usize(entry.checked_sub(packed.table_first)?);
            packed.table.get(place).copied()
        };
        if let Some(start) = cached(&self.packed) {
            return Ok(start);
        }
        // The entry before is asked for as often as not: a chunk needs its start and its end.
        let left = chunks.count.saturating_sub(1).saturating_sub(entry);
        let count = left.min(TABLE_PIECE);
        let place = self.resource.offset.saturating_add(entry.saturating_mul(chunks.width));
        let len = to_usize(count.saturating_mul(chunks.width));
        let mut piece = Vec::new();
        // Data follows the table closely only at the beginning or in a small resource; elsewhere
        // reading ahead from the table would read what nobody asked for.
        let near = entry == 0 || self.resource.stored <= to_u64(FIRST_WINDOW);
        let bytes = if near {
            let end = self.resource.offset.saturating_add(self.resource.stored);
            self.window.fetch(self.file, place, len, end)?.get(..len).unwrap_or_default()
        } else {
            piece.resize(len, 0);
            self.file.read(&mut piece, place)?;
            piece.as_slice()
        };
        self.packed.table.clear();
        self.packed.table_first = entry;
        if chunks.width == 4 {
            let (entries, _) = bytes.as_chunks::<4>();
            self.packed.table.extend(entries.iter().map(|e| u64::from(u32::from_le_bytes(*e))));
        } else {
            let (entries, _) = bytes.as_chunks::<8>();
            self.packed.table.extend(entries.iter().map(|e| u64::from_le_bytes(*e)));
        }
        // `count` is at least one, so this is never the fallback.
        Ok(cached(&self.packed).unwrap_or(u64::MAX))
    }

    fn finish_check(&mut self) -> Result<(), ReadError> {
        let Some((hasher, expected)) = self.check.take() else { return Ok(()) };
        let found = hasher.finish();
        if found == expected {
            return Ok(());
        }
        let offset = self.resource.offset;
        Err(ReadError::Digest { offset, expected: Sha1(expected), found: Sha1(found) })
    }
}

impl Read for ResourceReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_some(buf).map_err(io::Error::from)
    }
}

/// A piece of the file in memory.
struct Window {
    bytes: Vec<u8>,
    /// Position of `bytes` in the file.
    start: u64,
    /// How much to read next time.
    ahead: usize,
}

impl Window {
    /// At least `len` bytes from `place`; reads ahead, but not past `end`. The caller has checked
    /// that `place + len <= end` and that `end` lies in the file.
    fn fetch(
        &mut self,
        file: &WimFile,
        place: u64,
        len: usize,
        end: u64,
    ) -> Result<&[u8], ReadError> {
        let mut skip = match place.checked_sub(self.start) {
            Some(skip) => to_usize(skip).min(self.bytes.len()),
            None => self.bytes.len(),
        };
        if self.bytes.len().saturating_sub(skip) < len {
            let ahead = self.ahead.min(to_usize(end.saturating_sub(place))).max(len);
            self.ahead = self.ahead.saturating_mul(2).min(LARGEST_WINDOW);
            self.bytes.drain(..skip);
            skip = 0;
            let keep = self.bytes.len();
            self.bytes.resize(ahead, 0);
            self.start = place;
            let missing = self.bytes.get_mut(keep..).unwrap_or_default();
            if let Err(error) = file.read(missing, place.saturating_add(to_u64(keep))) {
                self.bytes.clear();
                return Err(error);
            }
        }
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const CHUNK: u64 = 0x8000;
    /// More than 4 GiB of content, so that table entries have eight bytes.
    const COUNT: u64 = (1 << 17) + 3;
    const TABLE: u64 = (COUNT - 1) * 8;
    const START: u64 = 208;

    /// A resource of raw chunks that is nowhere stored: each content byte is the low byte of its
    /// chunk's number, and the table is what it must be.
    struct Huge(Mutex<Vec<usize>>);

    impl ReadAt for Huge {
        fn len(&self) -> u64 {
            START + TABLE + COUNT * CHUNK
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            self.0.lock().unwrap().push(buf.len());
            for (byte, at) in buf.iter_mut().zip(offset - START..) {
                *byte = if at < TABLE {
                    ((at / 8 + 1) * CHUNK).to_le_bytes()[(at % 8) as usize]
                } else {
                    ((at - TABLE) / CHUNK) as u8
                };
            }
            Ok(())
        }

        fn describe(&self) -> String {
            "huge".to_owned()
        }
    }

    #[test]
    fn beyond_4_gib() {
        let huge = Arc::new(Huge(Mutex::new(Vec::new())));
        let file = WimFile {
            len: ReadAt::len(&*huge),
            source: Arc::clone(&huge) as Arc<dyn ReadAt>,
            compression: Compression::Lzx,
            chunk_size: 0x8000,
        };
        let mut header =
            ResourceHeader::uncompressed(START, TABLE + COUNT * CHUNK, ResourceFlags::COMPRESSED);
        header.original_size.set(COUNT * CHUNK);
        let resource = Resource::new(&file, &header).unwrap();
        for chunk in [0, 1, 5000, 70_000, (1 << 17) - 1, 1 << 17, COUNT - 1] {
            let from = chunk * CHUNK + CHUNK - 1;
            let mut reader = ResourceReader::new(&file, resource, from, None).unwrap();
            let mut found = [0xEE; 2];
            let want = if chunk == COUNT - 1 { 1 } else { 2 };
            reader.fill(&mut found[..want]).unwrap();
            let expected = [chunk as u8, (chunk + 1) as u8];
            assert_eq!(found[..want], expected[..want], "{chunk}");
            let reads = std::mem::take(&mut *huge.0.lock().unwrap());
            assert!(reads.len() <= 4 && reads.iter().sum::<usize>() <= 256 << 10, "{reads:?}");
        }
        // The last 2 MiB, in small pieces from large reads.
        let from = COUNT * CHUNK - 64 * CHUNK;
        let mut reader = ResourceReader::new(&file, resource, from, None).unwrap();
        assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), 64 * CHUNK);
        let reads = std::mem::take(&mut *huge.0.lock().unwrap());
        assert!(reads.len() <= 8, "{reads:?}");
    }

    #[test]
    fn chunk_offsets_that_do_not_ascend() {
        // Three chunks of 4 KiB; the table has two entries.
        let read_chunk = |index: u64, first: u32, second: u32| {
            let mut bytes = vec![0; 208];
            bytes.extend(first.to_le_bytes());
            bytes.extend(second.to_le_bytes());
            bytes.resize(208 + 8 + 300, 0);
            let file = WimFile {
                len: 516,
                source: Arc::new(extent_image::BytesSource::new("x", bytes)),
                compression: Compression::Xpress,
                chunk_size: 0x1000,
            };
            let mut header = ResourceHeader::uncompressed(208, 308, ResourceFlags::COMPRESSED);
            header.original_size.set(3 * 0x1000);
            let resource = Resource::new(&file, &header).unwrap();
            let from = index * 0x1000;
            let mut reader = ResourceReader::new(&file, resource, from, None).unwrap();
            match reader.fill(&mut [0; 10]).unwrap_err() {
                ReadError::ChunkBounds { chunk, start, end, data: 300, .. } => (chunk, start, end),
                // Zeros are no chunk.
                ReadError::Chunk { chunk, .. } => (chunk, 0, 0),
                other => panic!("{other}"),
            }
        };
        assert_eq!(read_chunk(0, 0, 100), (0, 0, 0));
        assert_eq!(read_chunk(0, 301, 302), (0, 0, 301));
        assert_eq!(read_chunk(0, u32::MAX, 1), (0, 0, u64::from(u32::MAX)));
        assert_eq!(read_chunk(1, 100, 50), (1, 100, 50));
        assert_eq!(read_chunk(1, 100, 100), (1, 100, 100));
        assert_eq!(read_chunk(2, 100, 300), (2, 300, 300));
        assert_eq!(read_chunk(2, 100, 299), (2, 0, 0));
    }
}
