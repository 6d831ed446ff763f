//! Opening all parts of a split WIM as one (wim-format 1.9).

use std::io;
use std::sync::Arc;

use extent_image::ReadAt;

use crate::blobs::BlobTable;
use crate::cast::{to_u64, to_usize};
use crate::error::OpenError;
use crate::limits::Limits;
use crate::resource::WimFile;
use crate::wim::{FurtherPart, Kind, PartFile, Wim};

/// Why files cannot be opened as the parts of one WIM.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// No files.
    #[error("no parts to open")]
    Empty,
    /// A file is no WIM that can be read.
    #[error("cannot open {name} as a part of a WIM")]
    Part {
        /// What the file calls itself.
        name: String,
        /// Why.
        source: OpenError,
    },
    /// Two files are of different WIMs: GUID, number of parts or compression differ.
    #[error("{name} and {first} are parts of different WIMs: take all parts from one set")]
    Foreign {
        /// What the file calls itself.
        name: String,
        /// What the file with the lowest part number calls itself.
        first: String,
    },
    /// Two files have one part number.
    #[error("{first} and {second} are both part {part}")]
    Twice {
        /// 1-based.
        part: u16,
        /// What one calls itself.
        first: String,
        /// What the other calls itself.
        second: String,
    },
    /// A part is not among the files.
    #[error("part {part} of {total} is missing")]
    Missing {
        /// 1-based.
        part: u16,
        /// How many there are.
        total: u16,
    },
}

impl Wim {
    /// Opens all parts of a split WIM, given in any order, as the one WIM they are. A WIM that is
    /// not split is a set of one part.
    ///
    /// # Errors
    /// A part is missing, given twice, of another WIM, or cannot be opened.
    pub fn open_set(parts: Vec<Arc<dyn ReadAt>>) -> Result<Self, SetError> {
        Self::open_set_with_limits(parts, Limits::new())
    }

    /// Opens a set with other limits; they hold for all parts together.
    ///
    /// # Errors
    /// As [`open_set`](Self::open_set).
    pub fn open_set_with_limits(
        parts: Vec<Arc<dyn ReadAt>>,
        limits: Limits,
    ) -> Result<Self, SetError> {
        Self::open_in_order(parts, limits).map(|(wim, _)| wim)
    }

    /// Opens a set, and tells the order: of part 1, part 2 and so on the place in `parts`.
    pub(crate) fn open_in_order(
        parts: Vec<Arc<dyn ReadAt>>,
        limits: Limits,
    ) -> Result<(Self, Vec<usize>), SetError> {
        let mut rest = limits;
        let mut opened = Vec::new();
        for (given, source) in parts.into_iter().enumerate() {
            let name = source.describe();
            let part = PartFile::open(source, rest, Kind::Part)
                .map_err(|source| SetError::Part { name, source })?;
            rest.table = rest.table.saturating_sub(to_u64(part.table.len()));
            opened.push((given, part));
        }
        // Stable, so that of two with one number the first given comes first.
        opened.sort_by_key(|(_, part)| part.header.part_number.get());
        let (order, opened): (Vec<usize>, Vec<PartFile>) = opened.into_iter().unzip();
        check(&opened)?;

        let mut laid = EndToEnd { parts: Vec::new(), len: 0 };
        let mut blobs = BlobTable::default();
        let mut headers = Vec::new();
        let total = opened.iter().map(|part| part.file.len).fold(0, u64::saturating_add);
        for PartFile { file, header, table } in &opened {
            let base = laid.len;
            blobs.add(table, header.part_number.get(), |resource| {
                let offset = resource.offset.get();
                let inside = offset.checked_add(resource.stored_size());
                // What is outside its own part is to be outside all of them.
                let base = if inside.is_some_and(|end| end <= file.len) { base } else { total };
                base.saturating_add(offset)
            });
            headers.push(FurtherPart { header: *header, base });
            laid.push(Arc::clone(&file.source));
        }
        let mut opened = opened.into_iter();
        let Some(PartFile { file, header, .. }) = opened.next() else {
            return Err(SetError::Empty);
        };
        let name = file.source.describe();
        let source: Arc<dyn ReadAt> = if opened.len() == 0 { file.source } else { Arc::new(laid) };
        let further = headers.into_iter().skip(1).collect();
        let file = WimFile { source, len: total, ..file };
        Self::assemble(file, header, further, blobs.finish(), limits)
            .map(|wim| (wim, order))
            .map_err(|source| SetError::Part { name, source })
    }
}

/// Sorted by part number: each of one set, and there once.
fn check(parts: &[PartFile]) -> Result<(), SetError> {
    let Some(first) = parts.first() else { return Err(SetError::Empty) };
    let total = first.header.total_parts.get();
    let of_set = |part: &PartFile| {
        let PartFile { header, file, .. } = part;
        (header.guid, header.total_parts, file.compression, file.chunk_size)
    };
    if let Some(part) = parts.iter().find(|part| of_set(part) != of_set(first)) {
        let (name, first) = (part.file.source.describe(), first.file.source.describe());
        return Err(SetError::Foreign { name, first });
    }
    for pair in parts.windows(2) {
        if let [first, second] = pair
            && first.header.part_number == second.header.part_number
        {
            let part = first.header.part_number.get();
            let (first, second) = (first.file.source.describe(), second.file.source.describe());
            return Err(SetError::Twice { part, first, second });
        }
    }
    // Sorted, each number once, none above `total`: the first that differs is where one is missing.
    let mut numbers = parts.iter().map(|part| part.header.part_number.get());
    match (1..=total).find(|part| numbers.next() != Some(*part)) {
        Some(part) => Err(SetError::Missing { part, total }),
        None => Ok(()),
    }
}

/// Files one after the other, read as one.
struct EndToEnd {
    /// Each with the position of its first byte, in order.
    parts: Vec<(u64, Arc<dyn ReadAt>)>,
    len: u64,
}

impl EndToEnd {
    fn push(&mut self, part: Arc<dyn ReadAt>) {
        let start = self.len;
        // Two files of 2^63 bytes each there are not.
        self.len = start.saturating_add(part.len());
        self.parts.push((start, part));
    }
}

impl ReadAt for EndToEnd {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut at = offset;
        let mut rest = buf;
        while !rest.is_empty() {
            let place = self.parts.partition_point(|(start, _)| *start <= at).checked_sub(1);
            let Some((start, part)) = place.and_then(|place| self.parts.get(place)) else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let inside = at.saturating_sub(*start);
            let here = to_usize(part.len().saturating_sub(inside)).min(rest.len());
            let Some((now, later)) = rest.split_at_mut_checked(here).filter(|_| here > 0) else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            part.read_exact_at(now, inside)?;
            at = at.saturating_add(to_u64(here));
            rest = later;
        }
        Ok(())
    }

    /// The name of the first part and how many follow.
    fn describe(&self) -> String {
        let first = self.parts.first().map(|(_, part)| part.describe()).unwrap_or_default();
        format!("{first} and {} further parts", self.parts.len().saturating_sub(1))
    }
}
