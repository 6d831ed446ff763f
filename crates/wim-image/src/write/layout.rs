//! Where everything of the WIM goes, and the one pass that writes it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use extent_image::Source;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromZeros, IntoBytes};

use super::{WimBuilder, WriteError, xml};
use crate::cast::{to_u32, to_u64, to_usize};
use crate::disk::{
    BlobEntry, Header, HeaderFlags, IntegrityHead, NO_HASH, ResourceFlags, ResourceHeader, Sha1Hash,
};
use crate::hash::Hasher;

/// Bytes under each hash of the integrity table; what everybody writes.
const INTEGRITY_CHUNK: u32 = 10 << 20;
/// Stored sizes have 56 bits.
const LARGEST: u64 = (1 << 56) - 1;
const BUFFER: usize = 128 << 10;

/// File data that is stored once.
struct Blob<'a> {
    source: &'a Arc<dyn Source>,
    len: u64,
    hash: Sha1Hash,
    references: u32,
}

pub(super) fn write(wim: &WimBuilder, to: &mut dyn Write) -> Result<u64, WriteError> {
    let count = to_u32(wim.images.len());
    if wim.boot_index > count {
        return Err(WriteError::BootIndex { index: wim.boot_index, count });
    }

    // What the data is.
    let mut blobs: Vec<Blob<'_>> = Vec::new();
    let mut known: HashMap<Sha1Hash, usize> = HashMap::new();
    let mut metadata = Vec::new();
    let mut sizes = Vec::new();
    for image in &wim.images {
        let mut hashes = Vec::new();
        let mut size = 0_u64;
        for source in image.root.files() {
            let (hash, len) = hash_source(source)?;
            hashes.push(hash);
            size = size.saturating_add(len);
            // Empty files have no blob.
            if hash != NO_HASH {
                let place = *known.entry(hash).or_insert(blobs.len());
                match blobs.get_mut(place) {
                    Some(blob) => blob.references = blob.references.saturating_add(1),
                    None => blobs.push(Blob { source, len, hash, references: 1 }),
                }
            }
        }
        metadata.push(image.root.metadata(&hashes, image.time));
        sizes.push(size);
    }

    // Where it goes: blobs, metadata, blob table, XML, integrity table.
    let mut at = Header::SIZE;
    let mut place = |len: u64, flags: u8, what: &'static str| {
        let header = ResourceHeader::uncompressed(at, len, flags);
        at = at.saturating_add(len);
        let limit = LARGEST;
        if at > limit { Err(WriteError::TooLarge { what, size: at, limit }) } else { Ok(header) }
    };
    let mut table = Vec::new();
    for blob in &blobs {
        let resource = place(blob.len, 0, "a WIM")?;
        table.push(entry(resource, blob.references, blob.hash));
    }
    let mut header = Header::new_zeroed();
    for (bytes, index) in metadata.iter().zip(1_u32..) {
        let resource = place(to_u64(bytes.len()), ResourceFlags::METADATA, "a WIM")?;
        table.push(entry(resource, 1, Hasher::of(bytes)));
        if index == wim.boot_index {
            header.boot_metadata = resource;
            header.boot_index = U32::new(index);
        }
    }
    let table_bytes = table.as_bytes();
    header.blob_table =
        place(to_u64(table_bytes.len()), ResourceFlags::METADATA, "the blob table")?;
    let covered = at_end(&header.blob_table).saturating_sub(Header::SIZE);
    let xml = xml::xml(&wim.images, &sizes, at_end(&header.blob_table));
    header.xml = place(to_u64(xml.len()), ResourceFlags::METADATA, "the XML")?;
    let hash_count = covered.div_ceil(u64::from(INTEGRITY_CHUNK));
    let integrity_size = hash_count.saturating_mul(20).saturating_add(12);
    if wim.integrity {
        header.integrity = place(integrity_size, 0, "the integrity table")?;
    }
    header.magic = Header::MAGIC;
    header.header_size = U32::new(208);
    header.version = U32::new(Header::VERSION);
    header.flags = U32::new(HeaderFlags::REPARSE_FIXUPS);
    header.guid = wim.guid.unwrap_or_else(|| guid(table_bytes, &xml));
    header.part_number = U16::new(1);
    header.total_parts = U16::new(1);
    header.image_count = U32::new(count);

    // The one pass.
    write_all(to, header.as_bytes())?;
    let mut out = Covered { to, hashes: Vec::new(), hasher: Hasher::new(), left: INTEGRITY_CHUNK };
    for blob in &blobs {
        let mut hasher = Hasher::new();
        let written = copy(blob.source, &mut |bytes| {
            hasher.update(bytes);
            out.put(bytes)
        })?;
        if written != blob.len || hasher.finish() != blob.hash {
            return Err(WriteError::Changed { name: blob.source.describe() });
        }
    }
    for bytes in &metadata {
        out.put(bytes)?;
    }
    out.put(table_bytes)?;
    let hashes = out.finish();
    write_all(to, &xml)?;
    if wim.integrity {
        let limit = u64::from(u32::MAX);
        let size = u32::try_from(integrity_size).map_err(|_| WriteError::TooLarge {
            what: "the integrity table",
            size: integrity_size,
            limit,
        })?;
        let head = IntegrityHead {
            size: U32::new(size),
            count: U32::new(to_u32(hashes.len())),
            chunk_size: U32::new(INTEGRITY_CHUNK),
        };
        write_all(to, head.as_bytes())?;
        write_all(to, hashes.as_bytes())?;
    }
    to.flush().map_err(|source| WriteError::Write { source })?;
    let last = if wim.integrity { &header.integrity } else { &header.xml };
    Ok(at_end(last))
}

fn at_end(resource: &ResourceHeader) -> u64 {
    resource.offset.get().saturating_add(resource.stored_size())
}

fn entry(resource: ResourceHeader, references: u32, hash: Sha1Hash) -> BlobEntry {
    BlobEntry { resource, part_number: U16::new(1), reference_count: U32::new(references), hash }
}

/// Every byte of the WIM but the header is behind these two, so equal content has an equal GUID.
fn guid(table: &[u8], xml: &[u8]) -> [u8; 16] {
    let mut hasher = Hasher::new();
    for part in [b"capmedia wim guid 1\0".as_slice(), table, xml] {
        hasher.update(part);
    }
    let hash = hasher.finish();
    let mut guid = [0; 16];
    for (byte, from) in guid.iter_mut().zip(hash) {
        *byte = from;
    }
    // Version 5 and variant 1 of RFC 9562; the first three fields are little-endian.
    let [_, _, _, _, _, _, _, version, variant, ..] = &mut guid;
    *version = *version & 0x0F | 0x50;
    *variant = *variant & 0x3F | 0x80;
    guid
}

fn hash_source(source: &Arc<dyn Source>) -> Result<(Sha1Hash, u64), WriteError> {
    let mut hasher = Hasher::new();
    let len = copy(source, &mut |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok((if len == 0 { NO_HASH } else { hasher.finish() }, len))
}

/// Reads a source to its end, which must be where it said.
fn copy(
    source: &Arc<dyn Source>,
    to: &mut dyn FnMut(&[u8]) -> Result<(), WriteError>,
) -> Result<u64, WriteError> {
    let failed = |source_error| WriteError::Read { name: source.describe(), source: source_error };
    let mut reader = source.open(0).map_err(failed)?;
    let mut buffer = vec![0; BUFFER];
    let mut len = 0_u64;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        len = len.saturating_add(to_u64(count));
        if len > source.len() {
            break;
        }
        to(buffer.get(..count).unwrap_or_default())?;
    }
    if len == source.len() { Ok(len) } else { Err(WriteError::Changed { name: source.describe() }) }
}

fn write_all(to: &mut dyn Write, bytes: &[u8]) -> Result<(), WriteError> {
    to.write_all(bytes).map_err(|source| WriteError::Write { source })
}

/// The bytes under the integrity table: hashed in chunks as they are written.
struct Covered<'a> {
    to: &'a mut dyn Write,
    hashes: Vec<Sha1Hash>,
    hasher: Hasher,
    /// Bytes left in the current chunk.
    left: u32,
}

impl Covered<'_> {
    fn put(&mut self, mut bytes: &[u8]) -> Result<(), WriteError> {
        write_all(self.to, bytes)?;
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(to_usize(u64::from(self.left))));
            self.hasher.update(now);
            self.left = self.left.saturating_sub(to_u32(now.len()));
            if self.left == 0 {
                self.hashes.push(std::mem::take(&mut self.hasher).finish());
                self.left = INTEGRITY_CHUNK;
            }
            bytes = rest;
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Sha1Hash> {
        if self.left < INTEGRITY_CHUNK {
            self.hashes.push(self.hasher.finish());
        }
        self.hashes
    }
}
