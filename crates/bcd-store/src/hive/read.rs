//! The frame of a hive: base block, bins, cells.

use std::fmt;

use zerocopy::FromBytes;

use super::error::HiveError;
use super::key::Key;
use super::limits::Limits;
use super::time::FileTime;
use crate::cast::{to_u32, to_u64, to_usize};
use crate::disk::cells::{BigData, SEGMENT};
use crate::disk::file::{BLOCK, BaseBlock, BinHeader};

/// A hive in memory, its frame checked. Keys are read when asked for.
#[derive(Clone)]
pub struct Hive<'a> {
    base: &'a BaseBlock,
    bins: &'a [u8],
    /// Where each bin begins, ascending.
    starts: Vec<u32>,
    limits: Limits,
}

impl<'a> Hive<'a> {
    /// With the default [`Limits`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(bytes: &'a [u8]) -> Result<Self, HiveError> {
        Self::open_with(bytes, Limits::new())
    }

    /// Checks the base block (signature, version, checksum) and the headers of all bins. Bytes
    /// after the last bin are ignored, as Windows does.
    ///
    /// # Errors
    /// The first fault found.
    pub fn open_with(bytes: &'a [u8], limits: Limits) -> Result<Self, HiveError> {
        let found = to_u64(bytes.len());
        if found > limits.len {
            return Err(HiveError::TooLarge { found, limit: limits.len });
        }
        if let Some(first) = bytes.first_chunk()
            && *first != BaseBlock::SIGNATURE
        {
            return Err(HiveError::NotAHive { found: *first });
        }
        let Ok((base, rest)) = BaseBlock::ref_from_prefix(bytes) else {
            return Err(HiveError::TooShort { found, needed: to_u64(BLOCK) });
        };
        let computed = base.computed_checksum();
        if base.checksum.get() != computed {
            return Err(HiveError::Checksum { found: base.checksum.get(), computed });
        }
        let [major, minor] = [base.major.get(), base.minor.get()];
        let [file_type, format] = [base.file_type.get(), base.format.get()];
        if major != 1 || !(3..=6).contains(&minor) || file_type != 0 || format != 1 {
            return Err(HiveError::Unsupported { major, minor, file_type, format });
        }
        let bins_len = base.bins_len.get();
        let needed = to_u64(BLOCK).saturating_add(u64::from(bins_len));
        let Some(bins) = rest.get(..to_usize(bins_len)) else {
            return Err(HiveError::TooShort { found, needed });
        };
        Ok(Self { base, bins, starts: bin_starts(bins)?, limits })
    }

    /// The key that holds all others.
    ///
    /// # Errors
    /// When there is no key where the base block says.
    pub fn root(&self) -> Result<Key<'_>, HiveError> {
        Key::read_root(self, self.root_offset())
    }

    /// Whether a write was begun and not ended: the last changes may be missing, or in log files
    /// that are not read here.
    pub fn is_dirty(&self) -> bool {
        let (primary, secondary) = self.sequences();
        primary != secondary
    }

    /// How many writes were begun and how many ended; equal in a clean hive.
    pub fn sequences(&self) -> (u32, u32) {
        (self.base.primary_sequence.get(), self.base.secondary_sequence.get())
    }

    /// When it was last written.
    pub fn written(&self) -> FileTime {
        FileTime::from_ticks(self.base.written.get())
    }

    /// The version, 1.3 to 1.6; what follows the dot.
    pub fn minor_version(&self) -> u32 {
        self.base.minor.get()
    }

    /// The end of its path on the machine that wrote it, often empty.
    pub fn name(&self) -> String {
        let units = self.base.name.iter().map(|unit| unit.get()).take_while(|unit| *unit != 0);
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn root_offset(&self) -> u32 {
        self.base.root.get()
    }

    /// Bytes of all bins.
    pub(super) fn bins_len(&self) -> u32 {
        to_u32(self.bins.len())
    }

    /// The content of the cell in use at `offset`, which should hold `what`.
    pub(super) fn cell(&self, offset: u32, what: &'static str) -> Result<&[u8], HiveError> {
        let no_cell = || HiveError::NoCell { what, offset, len: self.bins_len() };
        let next = self.starts.partition_point(|start| *start <= offset);
        let start = next.checked_sub(1).and_then(|bin| self.starts.get(bin));
        let start = start.copied().ok_or_else(no_cell)?;
        let end = self.starts.get(next).map_or(self.bins_len(), |end| *end);
        let in_bin = offset.saturating_sub(start);
        if !offset.is_multiple_of(8) || to_usize(in_bin) < size_of::<BinHeader>() {
            return Err(no_cell());
        }
        let room = self.bins.get(to_usize(offset)..to_usize(end)).ok_or_else(no_cell)?;
        let (size, _) = room.split_first_chunk().ok_or_else(no_cell)?;
        let size = i32::from_le_bytes(*size);
        let content = (size < 0 && size % 8 == 0)
            .then(|| room.get(size_of::<i32>()..to_usize(size.unsigned_abs())))
            .flatten();
        content.ok_or(HiveError::CellSize { offset, what, found: size, room: to_u32(room.len()) })
    }

    /// The record at the start of a cell, and what follows it.
    pub(super) fn record<T>(
        &self,
        offset: u32,
        what: &'static str,
    ) -> Result<(&T, &[u8]), HiveError>
    where
        T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable + zerocopy::Unaligned,
    {
        let cell = self.cell(offset, what)?;
        T::ref_from_prefix(cell).map_err(|_| HiveError::CellTooSmall {
            offset,
            what,
            found: to_u64(cell.len()),
            needed: to_u64(size_of::<T>()),
        })
    }

    /// `count` entries of a list in a cell, which follow a record.
    pub(super) fn entries<'h, T>(
        offset: u32,
        what: &'static str,
        bytes: &'h [u8],
        count: u32,
    ) -> Result<&'h [T], HiveError>
    where
        T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable + zerocopy::Unaligned,
    {
        let entries = <[T]>::ref_from_prefix_with_elems(bytes, to_usize(count));
        entries.map(|(entries, _)| entries).map_err(|_| HiveError::CellTooSmall {
            offset,
            what,
            found: to_u64(bytes.len()),
            needed: u64::from(count).saturating_mul(to_u64(size_of::<T>())),
        })
    }

    /// Whether data of that length is divided into segments.
    pub(super) fn is_big(&self, len: u32) -> bool {
        self.minor_version() >= 4 && len > SEGMENT
    }

    /// The data at `offset`, put together from its segments.
    pub(super) fn big_data(&self, offset: u32, len: u32) -> Result<Vec<u8>, HiveError> {
        let (head, _) = self.record::<BigData>(offset, "divided data")?;
        if head.signature != BigData::SIGNATURE {
            let what = "divided data, `db`,";
            return Err(HiveError::Kind { offset, what, found: head.signature });
        }
        let needed = len.div_ceil(SEGMENT);
        let (found, limit) = (u64::from(head.count.get()), u64::from(needed));
        if found > limit {
            return Err(HiveError::TooMany { offset, what: "segments", found, limit });
        }
        let list = head.list.get();
        let what = "the list of segments";
        let cells = Self::entries(list, what, self.cell(list, what)?, u32::from(head.count.get()))?;
        let mut data = Vec::new();
        let mut left = len;
        for cell in cells {
            let cell: &zerocopy::little_endian::U32 = cell;
            let part = left.min(SEGMENT);
            let content = self.cell(cell.get(), "a segment of data")?;
            let content = content.get(..to_usize(part)).ok_or(HiveError::CellTooSmall {
                offset: cell.get(),
                what: "a segment of data",
                found: to_u64(content.len()),
                needed: u64::from(part),
            })?;
            data.extend_from_slice(content);
            left = left.saturating_sub(part);
        }
        if left > 0 {
            let what = "the list of segments";
            let found = to_u64(data.len());
            return Err(HiveError::CellTooSmall { offset, what, found, needed: u64::from(len) });
        }
        Ok(data)
    }
}

impl fmt::Debug for Hive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hive")
            .field("name", &self.name())
            .field("version", &format_args!("1.{}", self.minor_version()))
            .field("bins_len", &self.bins.len())
            .finish_non_exhaustive()
    }
}

/// Checks the headers of all bins.
fn bin_starts(bins: &[u8]) -> Result<Vec<u32>, HiveError> {
    let mut starts = Vec::new();
    let mut rest = bins;
    while !rest.is_empty() {
        let offset = to_u32(bins.len().saturating_sub(rest.len()));
        let room = to_u32(rest.len());
        let bin = |field, found, expected| HiveError::Bin { offset, field, found, expected };
        let Ok((header, _)) = BinHeader::ref_from_prefix(rest) else {
            return Err(bin("the length of all bins", offset, to_u32(BLOCK)));
        };
        if header.signature != BinHeader::SIGNATURE {
            let [found, expected] =
                [header.signature, BinHeader::SIGNATURE].map(u32::from_be_bytes);
            return Err(bin("the signature", found, expected));
        }
        if header.offset.get() != offset {
            return Err(bin("its offset", header.offset.get(), offset));
        }
        let len = to_usize(header.len.get());
        match rest.get(len..) {
            Some(after) if len >= BLOCK && len.is_multiple_of(BLOCK) => rest = after,
            _ => return Err(bin("its length", header.len.get(), room)),
        }
        starts.push(offset);
    }
    Ok(starts)
}
