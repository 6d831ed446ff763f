//! Cutting a WIM into parts (SWM) without unpacking anything (wim-format 1.9).

use std::sync::Arc;

use extent_image::{Plan, PlanBuilder, PlanError, Source};
use zerocopy::little_endian::U16;
use zerocopy::{FromZeros, IntoBytes};

use crate::cast::{to_u64, to_usize32};
use crate::disk::{BlobEntry, Header, HeaderFlags, ResourceFlags, ResourceHeader, Sha1Hash};
use crate::error::ReadError;
use crate::hash::Sha1;
use crate::pieces::{Overlap, Piece, Runs, pieces};
use crate::resource::Resource;
use crate::wim::Wim;

/// Why a WIM cannot be split.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The WIM was opened as a set of parts.
    #[error("split into {parts} parts already; join them first to split them anew")]
    AlreadySplit {
        /// How many there are.
        parts: u16,
    },
    /// The source is not the file the WIM was opened from.
    #[error("{name} has {found} bytes, but the WIM was opened from a file of {expected}")]
    OtherSource {
        /// What the source calls itself.
        name: String,
        /// Length of the source.
        found: u64,
        /// Length of the WIM.
        expected: u64,
    },
    /// A resource is not where the blob table says.
    #[error("the WIM is damaged: resource {hash} cannot be copied")]
    Damaged {
        /// Its name.
        hash: Sha1,
        /// Why.
        source: ReadError,
    },
    /// The integrity table is not where the header says; only a [`frame`](crate::frame()) needs it.
    #[error("the WIM is damaged: its integrity table cannot be copied")]
    IntegrityTable {
        /// Why.
        source: ReadError,
    },
    /// Two of header, blob table and resources lie over one another, so at most one can be right.
    #[error(
        "the WIM is damaged: what is at {offset} lies over something else that ends at {end}; \
         export it anew with `wimlib-imagex export IN.wim all OUT.wim`"
    )]
    Overlap {
        /// Where it begins in the file.
        offset: u64,
        /// Where the one before it ends.
        end: u64,
    },
    /// What must be in part 1 does not fit there.
    #[error(
        "part 1 may have {limit} bytes, but holds the metadata of all images and so needs at least \
         {needed}"
    )]
    FirstPart {
        /// The limit of part 1 in bytes.
        limit: u64,
        /// Bytes without any file data.
        needed: u64,
    },
    /// A part would hold no file data.
    #[error(
        "part {part} may have {limit} bytes, which is too few for any of the data that is left: at \
         least {needed} are needed"
    )]
    EmptyPart {
        /// 1-based.
        part: u16,
        /// Its limit in bytes.
        limit: u64,
        /// Length of the part with the smallest piece of data that is left.
        needed: u64,
    },
    /// The data of a file is not cut, and is larger than a part.
    #[error(
        "{} of {stored} bytes in the WIM does not fit a part of {limit} bytes, and cannot be cut; \
         allow parts of at least {needed} bytes", name_of(path.as_deref(), *hash)
    )]
    LargeFile {
        /// The first file that has the data, as `image 1: \folder\file`, if one is found.
        path: Option<String>,
        /// Name of the data.
        hash: Sha1,
        /// Its bytes in the WIM.
        stored: u64,
        /// The limit of this and all later parts in bytes.
        limit: u64,
        /// Length of a part with nothing else in it.
        needed: u64,
    },
    /// Part numbers have 16 bits.
    #[error("more than {} parts; allow larger ones", u16::MAX)]
    TooManyParts,
    /// The parts make no plan.
    #[error("cannot plan a part")]
    Plan {
        /// Why.
        #[from]
        source: PlanError,
    },
}

fn name_of(path: Option<&str>, hash: Sha1) -> String {
    match path {
        Some(path) => format!("the data of {path} (SHA-1 {hash})"),
        None => format!("the data with SHA-1 {hash}"),
    }
}

/// One part of a split WIM.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct SwmPart {
    number: u16,
    plan: Plan,
}

impl SwmPart {
    /// 1-based.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The bytes of the part; nearly all of them are of the WIM's source.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The name imaging tools expect: `install.swm` for part 1 of a WIM with the stem `install`,
    /// then `install2.swm`, `install3.swm`.
    pub fn file_name(&self, stem: &str) -> String {
        match self.number {
            1 => format!("{stem}.swm"),
            number => format!("{stem}{number}.swm"),
        }
    }
}

impl std::fmt::Debug for SwmPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SwmPart").field("number", &self.number).field("plan", &self.plan).finish()
    }
}

/// Cuts a WIM into the parts (`.swm`) that imaging tools read, without unpacking anything: the data
/// of every file is copied as it is, from `source`, which is the file `wim` was opened from.
///
/// `limits` are the most bytes of part 1, part 2 and so on; the last is also that of all further
/// parts, and with none there is one part. Part 1 holds the metadata of all images. Each part
/// then takes what fits of the data that is left, in the order of the file, so that parts are filled
/// although data is never cut. The parts have the GUID, the flags and the XML of the WIM; the boot
/// index is in part 1.
///
/// An integrity table is not carried over: it hashes the bytes of a part, which are read only when
/// the part is written. All data can still be checked by its SHA-1 ([`Wim::verify`]). With the
/// [`frame`](crate::frame()) of the WIM kept beside the parts, [`restore`](crate::restore()) gives
/// back the WIM byte for byte.
///
/// Only where a file is too large is the WIM read, to name the file.
///
/// ```
/// # use std::sync::Arc;
/// # use extent_image::{BytesSource, Source, Timestamp};
/// # use wim_image::write::{ImageBuilder, WimBuilder};
/// # use wim_image::Wim;
/// # let image = ImageBuilder::new("Sample", Timestamp::FAT_EPOCH)
/// #     .with_bytes("a", vec![1; 3000])?.with_bytes("b", vec![2; 3000])?;
/// # let bytes = WimBuilder::new().with_image(image).to_vec()?;
/// # let file = BytesSource::new("install.wim", bytes);
/// let wim = Wim::open(Arc::new(file.clone()))?;
/// let source: Arc<dyn Source> = Arc::new(file);
/// // Part 1 shares its disc with other files; a disc has room for 6000 bytes.
/// let parts = wim_image::split(&wim, &source, &[2000, 6000])?;
/// let names: Vec<_> = parts.iter().map(|part| part.file_name("install")).collect();
/// assert_eq!(names, ["install.swm", "install2.swm", "install3.swm"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Something does not fit the limits, or the WIM is damaged where that shows without reading its
/// data.
pub fn split(
    wim: &Wim,
    source: &Arc<dyn Source>,
    limits: &[u64],
) -> Result<Vec<SwmPart>, SplitError> {
    let content = Content::of(wim, source)?;
    let limit_of = |part: u16| {
        let place = usize::from(part.saturating_sub(1));
        limits.get(place).or(limits.last()).copied().unwrap_or(u64::MAX)
    };
    let last_limit = u16::try_from(limits.len()).unwrap_or(u16::MAX);

    let mut left: Vec<&BlobEntry> = content.data.iter().collect();
    let mut parts = Vec::new();
    while parts.is_empty() || !left.is_empty() {
        let number = next_number(parts.len()).ok_or(SplitError::TooManyParts)?;
        let limit = limit_of(number);
        let fixed = if number == 1 { content.first_part } else { content.other_part };
        let Some(room) = limit.checked_sub(fixed) else {
            return Err(if number == 1 {
                SplitError::FirstPart { limit, needed: fixed }
            } else {
                content.nothing_fits(wim, &left, number, limit, number >= last_limit)
            });
        };
        let before = left.len();
        let taken = take_what_fits(&mut left, room);
        if number > 1 && left.len() == before {
            return Err(content.nothing_fits(wim, &left, number, limit, number >= last_limit));
        }
        parts.push(taken);
    }

    let total = u16::try_from(parts.len()).map_err(|_| SplitError::TooManyParts)?;
    (1..=total)
        .zip(parts)
        .map(|(number, data)| {
            let plan = content.plan(wim, source, number, total, &data)?;
            Ok(SwmPart { number, plan })
        })
        .collect()
}

fn next_number(parts: usize) -> Option<u16> {
    u16::try_from(parts).ok()?.checked_add(1)
}

/// Bytes that a resource takes in a part: its own and those of its entry in the blob table.
fn cost(entry: &BlobEntry) -> u64 {
    // A size has 56 bits.
    entry.resource.stored_size().saturating_add(ENTRY)
}

const ENTRY: u64 = to_u64(size_of::<BlobEntry>());

/// Takes from `left`, in order, everything that still fits.
fn take_what_fits<'a>(left: &mut Vec<&'a BlobEntry>, room: u64) -> Vec<&'a BlobEntry> {
    let mut room = room;
    let mut taken = Vec::new();
    left.retain(|entry| match room.checked_sub(cost(entry)) {
        Some(rest) => {
            room = rest;
            taken.push(*entry);
            false
        }
        None => true,
    });
    taken
}

/// What there is to put into parts: resources in use that lie inside the file and apart.
pub(crate) struct Content {
    /// In the order of the images.
    metadata: Vec<BlobEntry>,
    /// In the order of the file.
    data: Vec<BlobEntry>,
    /// Bytes of part 1 without file data.
    first_part: u64,
    /// Bytes of any other part without file data.
    other_part: u64,
}

impl Content {
    pub(crate) fn of(wim: &Wim, source: &Arc<dyn Source>) -> Result<Self, SplitError> {
        let parts = wim.part_count();
        if parts != 1 {
            return Err(SplitError::AlreadySplit { parts });
        }
        let (found, expected) = (source.len(), wim.file_len());
        if found != expected {
            return Err(SplitError::OtherSource { name: source.describe(), found, expected });
        }
        let blobs = &wim.inner.blobs;
        let metadata: Vec<BlobEntry> = blobs.all_metadata().copied().collect();
        let mut data: Vec<BlobEntry> = blobs.all_data().copied().collect();
        // Entries of one place, which are refused below, still come in one order.
        data.sort_by_key(|entry| (entry.resource.offset.get(), entry.hash));
        for entry in metadata.iter().chain(&data) {
            let hash = Sha1(entry.hash);
            Resource::new(&wim.inner.file, &entry.resource)
                .map_err(|source| SplitError::Damaged { hash, source })?;
        }
        let other_part = Header::SIZE.saturating_add(wim.inner.header.xml.stored_size());
        let first_part = metadata.iter().map(cost).fold(other_part, u64::saturating_add);
        let content = Self { metadata, data, first_part, other_part };
        content.pieces(wim)?;
        Ok(content)
    }

    /// What the WIM is made of, in the order of the file.
    pub(crate) fn pieces(&self, wim: &Wim) -> Result<Vec<Piece<'_>>, SplitError> {
        let entries = self.metadata.iter().chain(&self.data);
        pieces(&wim.inner.header, entries)
            .map_err(|Overlap { offset, end }| SplitError::Overlap { offset, end })
    }

    /// Nothing of `left`, which is not empty, fits part `number`.
    fn nothing_fits(
        &self,
        wim: &Wim,
        left: &[&BlobEntry],
        number: u16,
        limit: u64,
        and_never_will: bool,
    ) -> SplitError {
        let needed = |entry: &BlobEntry| self.other_part.saturating_add(cost(entry));
        if !and_never_will {
            let needed = left.iter().map(|entry| needed(entry)).min().unwrap_or(self.other_part);
            return SplitError::EmptyPart { part: number, limit, needed };
        }
        match left.iter().max_by_key(|entry| cost(entry)) {
            Some(entry) => SplitError::LargeFile {
                path: path_of(wim, entry.hash),
                hash: Sha1(entry.hash),
                stored: entry.resource.stored_size(),
                limit,
                needed: needed(entry),
            },
            None => SplitError::EmptyPart { part: number, limit, needed: self.other_part },
        }
    }

    fn plan(
        &self,
        wim: &Wim,
        source: &Arc<dyn Source>,
        number: u16,
        total: u16,
        data: &[&BlobEntry],
    ) -> Result<Plan, PlanError> {
        let old = &wim.inner.header;
        let metadata = if number == 1 { self.metadata.as_slice() } else { &[] };

        // Where everything goes: data, metadata, blob table, XML. The table lists metadata first.
        let mut at = Header::SIZE;
        let mut place = |entry: &BlobEntry| {
            let resource = entry.resource.moved_to(at);
            at = at.saturating_add(resource.stored_size());
            BlobEntry { resource, part_number: U16::new(number), ..*entry }
        };
        let data_table: Vec<BlobEntry> = data.iter().map(|entry| place(entry)).collect();
        let mut table: Vec<BlobEntry> = metadata.iter().map(place).collect();
        let boot = wim.boot_index().filter(|_| number == 1).and_then(|index| {
            Some((index, table.get(to_usize32(index.checked_sub(1)?))?.resource))
        });

        let mut header = *old;
        header.part_number.set(number);
        header.total_parts.set(total);
        if total > 1 {
            header.flags.set(old.flags.get() | HeaderFlags::SPANNED);
        }
        let (boot_index, boot_metadata) = boot.unwrap_or((0, ResourceHeader::new_zeroed()));
        header.boot_index.set(boot_index);
        header.boot_metadata = boot_metadata;
        header.integrity = ResourceHeader::new_zeroed();
        table.extend(data_table);
        let table_len = to_u64(table.as_bytes().len());
        header.blob_table = ResourceHeader::uncompressed(at, table_len, ResourceFlags::METADATA);
        header.xml = old.xml.moved_to(at.saturating_add(table_len));

        let mut plan = PlanBuilder::new();
        plan.bytes("WIM header", header.as_bytes().to_vec())?;
        let mut runs = Runs::new(&mut plan);
        for BlobEntry { resource, .. } in data.iter().copied() {
            runs.copy("WIM data", source, resource.offset.get(), resource.stored_size())?;
        }
        for BlobEntry { resource, .. } in metadata {
            runs.copy("WIM metadata", source, resource.offset.get(), resource.stored_size())?;
        }
        runs.finish()?;
        plan.bytes("WIM blob table", table.as_bytes().to_vec())?;
        let xml = &old.xml;
        plan.source_part("WIM XML", Arc::clone(source), xml.offset.get(), xml.stored_size())?;
        Ok(plan.finish())
    }
}

/// The first file with this data, for an error message; damaged images are passed over.
fn path_of(wim: &Wim, hash: Sha1Hash) -> Option<String> {
    (1..=wim.image_count()).find_map(|index| {
        let image = wim.image(index).ok()?;
        let entry = image.walk().find(|entry| entry.sha1() == Some(Sha1(hash)))?;
        Some(format!("image {index}: {}", entry.path()))
    })
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
