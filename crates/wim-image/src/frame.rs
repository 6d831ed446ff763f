//! What a WIM has beside its resources, and the WIM put together again byte for byte from that and
//! its parts.
//!
//! ```text
//! +--------+------------+---------------------------------------------------------+
//! | header | blob table | all else that is in no resource, in the order of the WIM |
//! +--------+------------+---------------------------------------------------------+
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use extent_image::{Plan, PlanBuilder, PlanError, Source, read_at};

use crate::blobs::BlobTable;
use crate::disk::{BlobEntry, Header, ResourceFlags};
use crate::error::OpenError;
use crate::hash::Sha1;
use crate::limits::Limits;
use crate::pieces::{Runs, pieces};
use crate::resource::Resource;
use crate::set::SetError;
use crate::split::{Content, SplitError};
use crate::wim::{Kind, PartFile, Wim};

/// Why a WIM cannot be put together again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The frame cannot be read.
    #[error("cannot read {name} as the frame of a WIM")]
    Frame {
        /// What it calls itself.
        name: String,
        /// Why.
        source: OpenError,
    },
    /// The frame's pieces do not fit together.
    #[error("{name} is damaged: no WIM can have its parts where it says, at {offset}")]
    Shape {
        /// What the frame calls itself.
        name: String,
        /// The first position in the WIM that cannot be.
        offset: u64,
    },
    /// The parts cannot be read.
    #[error(transparent)]
    Set(#[from] SetError),
    /// The GUIDs differ.
    #[error("{name} is not the frame of the WIM these parts are of")]
    Foreign {
        /// What the frame calls itself.
        name: String,
    },
    /// A resource of the WIM is in no part, or is stored in another way there.
    #[error(
        "resource {hash} is not in the parts as it was in the WIM: a part is damaged or remade"
    )]
    Missing {
        /// Its name.
        hash: Sha1,
    },
    /// The pieces make no plan.
    #[error("cannot plan the WIM")]
    Plan {
        /// Why.
        #[from]
        source: PlanError,
    },
}

/// The frame of a WIM: its header, its blob table and everything else that [`split`](crate::split)
/// does not copy, such as an integrity table. Kept beside the parts, it lets [`restore`] give back
/// the very bytes of the WIM. About 50 bytes for each file, unless the WIM has holes: space of
/// deleted images, which are part of the frame.
///
/// # Errors
/// The WIM is damaged, or cannot be split for another reason than a limit.
pub fn frame(wim: &Wim, source: &Arc<dyn Source>) -> Result<Plan, SplitError> {
    let content = Content::of(wim, source)?;
    let pieces = content.pieces(wim)?;
    let integrity = &wim.inner.header.integrity;
    if !integrity.is_absent() {
        Resource::new(&wim.inner.file, integrity)
            .map_err(|source| SplitError::IntegrityTable { source })?;
    }
    let mut plan = PlanBuilder::new();
    let mut runs = Runs::new(&mut plan);
    for piece in pieces.iter().filter(|piece| piece.entry.is_none()) {
        runs.copy(ROLE, source, piece.start, piece.len)?;
    }
    let mut at = 0;
    for piece in &pieces {
        runs.copy(ROLE, source, at, piece.start.saturating_sub(at))?;
        at = piece.end();
    }
    runs.copy(ROLE, source, at, wim.file_len().saturating_sub(at))?;
    runs.finish()?;
    Ok(plan.finish())
}

const ROLE: &str = "WIM frame";

/// The WIM that `frame` and `parts`, in any order, were made from: the same bytes, without
/// unpacking anything. Data is not read, so a digest of the WIM has to tell that none was damaged.
///
/// # Errors
/// The frame or a part cannot be read, is of another WIM, or is missing.
pub fn restore(frame: &Arc<dyn Source>, parts: &[Arc<dyn Source>]) -> Result<Plan, RestoreError> {
    let name = || frame.describe();
    let opened = PartFile::open(read_at(frame), Limits::new(), Kind::Frame);
    let PartFile { header, table, .. } =
        opened.map_err(|source| RestoreError::Frame { name: name(), source })?;
    let blobs = BlobTable::parse(&table, header.part_number.get());
    let shape = |offset| RestoreError::Shape { name: name(), offset };
    let pieces = pieces(&header, blobs.all_metadata().chain(blobs.all_data()))
        .map_err(|overlap| shape(overlap.offset))?;

    let (set, order) = Wim::open_in_order(parts.iter().map(read_at).collect(), Limits::new())?;
    if set.guid() != header.guid {
        return Err(RestoreError::Foreign { name: name() });
    }
    let in_parts = InParts::new(&set, &order, parts, &blobs);
    let mut plan = PlanBuilder::new();
    let mut runs = Runs::new(&mut plan);
    // In the WIM; of header and blob table in the frame; of all else in the frame.
    let (mut at, mut fixed, mut rest) = (0_u64, 0_u64, Header::SIZE);
    rest = rest.saturating_add(header.blob_table.stored_size());
    for piece in &pieces {
        let hole = piece.start.saturating_sub(at);
        if rest.saturating_add(hole) > frame.len() {
            return Err(shape(piece.start));
        }
        runs.copy(ROLE, frame, rest, hole)?;
        rest = rest.saturating_add(hole);
        match piece.entry {
            None => {
                runs.copy(ROLE, frame, fixed, piece.len)?;
                fixed = fixed.saturating_add(piece.len);
            }
            Some(entry) => {
                let missing = || RestoreError::Missing { hash: Sha1(entry.hash) };
                let (part, from) = in_parts.find(entry).ok_or_else(missing)?;
                runs.copy("WIM data", part, from, piece.len)?;
            }
        }
        at = piece.end();
    }
    runs.copy(ROLE, frame, rest, frame.len().saturating_sub(rest))?;
    runs.finish()?;
    // A frame that was cut short gives a WIM that is.
    for last in [&header.xml, &header.integrity].into_iter().filter(|last| !last.is_absent()) {
        let offset = last.offset.get();
        if offset.saturating_add(last.stored_size()) > plan.position() {
            return Err(shape(offset));
        }
    }
    Ok(plan.finish())
}

/// Finds resources of a WIM in its parts.
struct InParts<'a> {
    set: &'a Wim,
    /// Where each part begins when all are laid end to end, and the part.
    parts: Vec<(u64, &'a Arc<dyn Source>)>,
    /// That of every image, by its place in the WIM.
    metadata: HashMap<u64, &'a BlobEntry>,
}

impl<'a> InParts<'a> {
    /// `order` is that of the set's parts in `given`, `blobs` the table of the WIM.
    fn new(set: &'a Wim, order: &[usize], given: &'a [Arc<dyn Source>], blobs: &BlobTable) -> Self {
        let sources = order.iter().filter_map(|place| given.get(*place));
        let parts = set.headers().map(|(base, _)| base).zip(sources).collect();
        let places = blobs.all_metadata().map(|entry| entry.resource.offset.get());
        let metadata = places.zip(set.inner.blobs.all_metadata()).collect();
        Self { set, parts, metadata }
    }

    /// The part and the place in it, if the resource is stored there as `entry` says.
    fn find(&self, entry: &BlobEntry) -> Option<(&'a Arc<dyn Source>, u64)> {
        let inner = &self.set.inner;
        let found = if entry.resource.flags() & ResourceFlags::METADATA != 0 {
            *self.metadata.get(&entry.resource.offset.get())?
        } else {
            inner.blobs.find(&entry.hash)?
        };
        let offset = found.resource.offset.get();
        let inside = Resource::new(&inner.file, &found.resource).is_ok();
        if !inside || found.hash != entry.hash || found.resource != entry.resource.moved_to(offset)
        {
            return None;
        }
        let place = self.parts.partition_point(|(base, _)| *base <= offset).checked_sub(1)?;
        let (base, part) = self.parts.get(place)?;
        Some((part, offset.checked_sub(*base)?))
    }
}
