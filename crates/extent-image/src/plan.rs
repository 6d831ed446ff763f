//! A whole output as touching extents, first byte to last.

use std::sync::Arc;

use bytes::Bytes;

use crate::sink::SMALLEST_HOLE;
use crate::source::{Source, SourceId};
use crate::tree::{Data, Late};

/// What fills an extent.
#[derive(Clone)]
pub enum Content {
    /// Bytes that are part of the plan: headers, tables, directories.
    Bytes(Bytes),
    /// Bytes of a source, from the offset on.
    Source(Arc<dyn Source>, u64),
    /// Bytes made when the stream reaches them.
    Late(Arc<Late>),
    /// Zeros that must be there.
    Zero,
    /// Room whose value does not matter. It reads as zero everywhere; only writing over a drive may
    /// leave what was there.
    Free,
}

impl PartialEq for Content {
    /// Bytes are equal by value; sources when they are the same one or
    /// [known to be equal](Source::equals); late content by name and length, since what it is made
    /// of is the rest of the plan.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Source(a, from_a), Self::Source(b, from_b)) => {
                from_a == from_b && (SourceId::of(a) == SourceId::of(b) || a.equals(&**b))
            }
            (Self::Late(a), Self::Late(b)) => (a.name(), a.len()) == (b.name(), b.len()),
            (Self::Zero, Self::Zero) | (Self::Free, Self::Free) => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Content {
    /// Where the bytes come from; nothing for bytes that are part of the plan.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(_) => Ok(()),
            Self::Source(source, 0) => write!(f, "{}", source.describe()),
            Self::Source(source, from) => write!(f, "{} from {from}", source.describe()),
            Self::Late(late) => write!(f, "{} (made while streaming)", late.name()),
            Self::Zero => write!(f, "(zero)"),
            Self::Free => write!(f, "(free)"),
        }
    }
}

/// One run of bytes of a plan.
#[derive(Clone, PartialEq)]
pub struct Extent {
    start: u64,
    len: u64,
    role: &'static str,
    content: Content,
}

impl Extent {
    /// Offset of the first byte in the plan.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Length in bytes, never 0.
    #[expect(clippy::len_without_is_empty, reason = "an extent is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Offset after the last byte.
    pub fn end(&self) -> u64 {
        // The builder checked the sum.
        self.start.saturating_add(self.len)
    }

    /// What the extent is in its format: "boot sector", "file data".
    pub fn role(&self) -> &'static str {
        self.role
    }

    /// Whether [`Plan::write_file`] leaves a hole for it and neither reads nor writes anything: zeros and
    /// free room of 64 KiB and more. Shorter ones are cheaper to write.
    pub fn is_hole(&self) -> bool {
        matches!(self.content, Content::Zero | Content::Free) && self.len >= SMALLEST_HOLE
    }

    /// What fills it.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

impl std::fmt::Display for Extent {
    /// `start len role what`, the line of `capmedia plan --extents`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { start, len, role, content } = self;
        write!(f, "{start:>14} {len:>14} {role}")?;
        match content {
            Content::Bytes(_) => Ok(()),
            Content::Zero | Content::Free => write!(f, " {content}"),
            Content::Source(..) | Content::Late(_) => write!(f, ": {content}"),
        }
    }
}

/// The whole output, first byte to last: extents that touch, in order, none empty.
///
/// A plan is made by a [`PlanBuilder`], which cannot make any other. It opens nothing; it is
/// printed, compared, embedded into another plan, or streamed: [`write_to`](Plan::write_to),
/// [`write_file`](Plan::write_file), [`reader`](Plan::reader).
#[derive(Clone, PartialEq, Default)]
#[must_use]
pub struct Plan {
    extents: Vec<Extent>,
    len: u64,
}

impl Plan {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The extents, in order.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// The index of the extent that holds the byte at `offset`, or the number of extents past the
    /// end.
    pub fn extent_at(&self, offset: u64) -> usize {
        self.extents.partition_point(|extent| extent.end() <= offset)
    }

    /// The same plan with [`Content::Zero`] in place of [`Content::Free`] in its last `len` bytes: on
    /// a used drive they are then written, and nothing that stood there can be found again.
    pub fn with_zero_tail(mut self, len: u64) -> Self {
        let from = self.len.saturating_sub(len);
        let free = |extent: &Extent| extent.content == Content::Free;
        let Some(last) = self.extents.pop_if(|last| free(last) && last.end() > from) else {
            return self;
        };
        let split = last.start.max(from);
        if split > last.start {
            self.extents.push(Extent { len: split - last.start, ..last.clone() });
        }
        let content = Content::Zero;
        self.extents.push(Extent { start: split, len: last.end() - split, content, ..last });
        self
    }

    /// True when some extent's bytes depend on the digests of sources.
    pub fn has_late(&self) -> bool {
        self.extents.iter().any(|extent| matches!(extent.content, Content::Late(_)))
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.extents.iter().map(|e| format!("{e}"))).finish()
    }
}

/// What a caller asked of a [`PlanBuilder`] that no plan can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Something was to be put where the plan already has bytes.
    #[error("{role}: offset {wanted} is behind the end of the plan so far, {position}")]
    Behind {
        /// What was to be added.
        role: &'static str,
        /// The offset asked for.
        wanted: u64,
        /// Where the plan ends.
        position: u64,
    },
    /// The plan would not fit 64-bit offsets.
    #[error("{role}: {len} bytes at {position} pass the largest offset of 2^64 - 1")]
    TooLong {
        /// What was to be added.
        role: &'static str,
        /// Its length.
        len: u64,
        /// Where the plan ends.
        position: u64,
    },
    /// A part of a source was asked for that the source does not have.
    #[error("{name}: bytes {from} to {from}+{len} asked for, it has {available}")]
    OutsideSource {
        /// The source.
        name: String,
        /// First byte asked for.
        from: u64,
        /// Number of bytes asked for.
        len: u64,
        /// Length of the source.
        available: u64,
    },
}

/// Appends extents at the end of a plan. Empty ones are dropped, so a caller needs no special case.
#[derive(Default)]
pub struct PlanBuilder {
    plan: Plan,
}

impl PlanBuilder {
    /// An empty plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next extent begins.
    pub fn position(&self) -> u64 {
        self.plan.len
    }

    /// Bytes that are part of the plan.
    ///
    /// # Errors
    /// [`PlanError::TooLong`], as in every method that appends.
    pub fn bytes(&mut self, role: &'static str, bytes: impl Into<Bytes>) -> Result<(), PlanError> {
        let bytes = bytes.into();
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.push(role, len, Content::Bytes(bytes))
    }

    /// A whole source.
    ///
    /// # Errors
    /// [`PlanError::TooLong`].
    pub fn source(&mut self, role: &'static str, source: Arc<dyn Source>) -> Result<(), PlanError> {
        let len = source.len();
        self.push(role, len, Content::Source(source, 0))
    }

    /// `len` bytes of a source, from `from` on.
    ///
    /// # Errors
    /// [`PlanError::OutsideSource`], [`PlanError::TooLong`].
    pub fn source_part(
        &mut self,
        role: &'static str,
        source: Arc<dyn Source>,
        from: u64,
        len: u64,
    ) -> Result<(), PlanError> {
        let available = source.len();
        if from.checked_add(len).is_none_or(|end| end > available) {
            return Err(PlanError::OutsideSource { name: source.describe(), from, len, available });
        }
        self.push(role, len, Content::Source(source, from))
    }

    /// The whole content of a file of a tree.
    ///
    /// # Errors
    /// [`PlanError::TooLong`].
    pub fn data(&mut self, role: &'static str, data: &Data) -> Result<(), PlanError> {
        match data {
            Data::Source(source) => self.source(role, Arc::clone(source)),
            Data::Late(late) => self.push(role, late.len(), Content::Late(Arc::clone(late))),
        }
    }

    /// `len` zeros that must be there.
    ///
    /// # Errors
    /// [`PlanError::TooLong`].
    pub fn zero(&mut self, role: &'static str, len: u64) -> Result<(), PlanError> {
        self.push(role, len, Content::Zero)
    }

    /// Zeros up to the offset `to`.
    ///
    /// # Errors
    /// [`PlanError::Behind`] when the plan already reaches further.
    pub fn zero_to(&mut self, role: &'static str, to: u64) -> Result<(), PlanError> {
        let len = self.room_to(role, to)?;
        self.push(role, len, Content::Zero)
    }

    /// Room whose value does not matter, up to the offset `to`.
    ///
    /// # Errors
    /// [`PlanError::Behind`] when the plan already reaches further.
    pub fn free_to(&mut self, role: &'static str, to: u64) -> Result<(), PlanError> {
        let len = self.room_to(role, to)?;
        self.push(role, len, Content::Free)
    }

    /// Another plan, flattened: its extents become extents of this one.
    ///
    /// # Errors
    /// [`PlanError::TooLong`].
    pub fn plan(&mut self, inner: &Plan) -> Result<(), PlanError> {
        self.plan.extents.reserve(inner.extents.len());
        for extent in &inner.extents {
            self.push(extent.role, extent.len, extent.content.clone())?;
        }
        Ok(())
    }

    /// The finished plan.
    pub fn finish(mut self) -> Plan {
        self.plan.extents.shrink_to_fit();
        self.plan
    }

    fn room_to(&self, role: &'static str, to: u64) -> Result<u64, PlanError> {
        let position = self.plan.len;
        to.checked_sub(position).ok_or(PlanError::Behind { role, wanted: to, position })
    }

    fn push(&mut self, role: &'static str, len: u64, content: Content) -> Result<(), PlanError> {
        if len == 0 {
            return Ok(());
        }
        let start = self.plan.len;
        let end =
            start.checked_add(len).ok_or(PlanError::TooLong { role, len, position: start })?;
        self.plan.extents.push(Extent { start, len, role, content });
        self.plan.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::BytesSource;

    #[test]
    fn extents_touch_and_empty_ones_vanish() {
        let mut builder = PlanBuilder::new();
        builder.bytes("head", "abc").unwrap();
        builder.zero("pad", 0).unwrap();
        builder.zero_to("pad", 8).unwrap();
        builder.zero_to("pad", 8).unwrap();
        builder.free_to("room", 10).unwrap();
        let inner = builder.finish();
        let mut outer = PlanBuilder::new();
        outer.bytes("table", "xy").unwrap();
        outer.plan(&inner).unwrap();
        let plan = outer.finish();
        let rows: Vec<_> = plan.extents().iter().map(|e| (e.start(), e.end(), e.role())).collect();
        assert_eq!(rows, [(0, 2, "table"), (2, 5, "head"), (5, 10, "pad"), (10, 12, "room")]);
        assert_eq!(plan.extent_at(0), 0);
        assert_eq!(plan.extent_at(5), 2);
        assert_eq!(plan.extent_at(11), 3);
        assert_eq!(plan.extent_at(12), 4);
    }

    #[test]
    fn a_free_tail_becomes_zero() {
        let plan = |free_to| {
            let mut builder = PlanBuilder::new();
            builder.bytes("head", "abc").unwrap();
            builder.free_to("room", free_to).unwrap();
            builder.finish()
        };
        let rows = |plan: Plan| -> Vec<_> {
            plan.extents().iter().map(|e| (e.start(), e.end(), e.content().to_string())).collect()
        };
        let head = (0, 3, String::new());
        let (free, zero) = (|a, b| (a, b, "(free)".to_owned()), |a, b| (a, b, "(zero)".to_owned()));
        assert_eq!(rows(plan(10).with_zero_tail(4)), [head.clone(), free(3, 6), zero(6, 10)]);
        assert_eq!(rows(plan(10).with_zero_tail(99)), [head.clone(), zero(3, 10)]);
        assert_eq!(rows(plan(10).with_zero_tail(0)), [head.clone(), free(3, 10)]);
        assert_eq!(rows(plan(3).with_zero_tail(2)), [head]);
    }

    #[test]
    fn wrong_plans_cannot_be_built() {
        let mut builder = PlanBuilder::new();
        builder.bytes("head", "abc").unwrap();
        let behind = PlanError::Behind { role: "pad", wanted: 2, position: 3 };
        assert_eq!(builder.zero_to("pad", 2).unwrap_err(), behind);
        let long = PlanError::TooLong { role: "pad", len: u64::MAX, position: 3 };
        assert_eq!(builder.zero("pad", u64::MAX).unwrap_err(), long);
        let source: Arc<dyn Source> = Arc::new(BytesSource::new("src", "12345"));
        let outside =
            PlanError::OutsideSource { name: "src".into(), from: 4, len: 2, available: 5 };
        assert_eq!(builder.source_part("data", source, 4, 2).unwrap_err(), outside);
        assert_eq!(builder.position(), 3);
    }

    #[test]
    fn an_extent_is_small() {
        assert!(size_of::<Extent>() <= 72);
    }
}
