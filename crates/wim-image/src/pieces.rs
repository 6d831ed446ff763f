//! The runs of bytes a WIM is made of, and plans of runs.

use std::sync::Arc;

use extent_image::{PlanBuilder, PlanError, Source};

use crate::disk::{BlobEntry, Header};

/// A run of bytes of a WIM, never empty.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// `None` for the header and the blob table.
    pub(crate) entry: Option<&'a BlobEntry>,
}

impl Piece<'_> {
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

/// Two pieces of a WIM cannot both be where they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) offset: u64,
    /// Where the piece before it ends.
    pub(crate) end: u64,
}

/// The header, the blob table and the resources in the order of the file. That they lie apart keeps
/// the length of all of them in proportion to the file's: a few lines of a hostile blob table could
/// otherwise make parts of any length out of a small file.
pub(crate) fn pieces<'a>(
    header: &Header,
    entries: impl Iterator<Item = &'a BlobEntry>,
) -> Result<Vec<Piece<'a>>, Overlap> {
    let table = &header.blob_table;
    let mut pieces = vec![
        Piece { start: 0, len: Header::SIZE, entry: None },
        Piece { start: table.offset.get(), len: table.stored_size(), entry: None },
    ];
    pieces.extend(entries.map(|entry| {
        let (start, len) = (entry.resource.offset.get(), entry.resource.stored_size());
        Piece { start, len, entry: Some(entry) }
    }));
    // What is empty lies nowhere.
    pieces.retain(|piece| piece.len > 0);
    pieces.sort_by_key(|piece| piece.start);
    let mut end = 0;
    for piece in &pieces {
        if piece.start < end {
            return Err(Overlap { offset: piece.start, end });
        }
        end = piece.end();
    }
    Ok(pieces)
}

/// Appends bytes of sources to a plan; those that touch in one source become one extent.
pub(crate) struct Runs<'a> {
    plan: &'a mut PlanBuilder,
    run: Option<Run<'a>>,
}

/// The extent that is being made.
struct Run<'a> {
    role: &'static str,
    source: &'a Arc<dyn Source>,
    from: u64,
    len: u64,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(plan: &'a mut PlanBuilder) -> Self {
        Self { plan, run: None }
    }

    pub(crate) fn copy(
        &mut self,
        role: &'static str,
        source: &'a Arc<dyn Source>,
        from: u64,
        len: u64,
    ) -> Result<(), PlanError> {
        if len == 0 {
            return Ok(());
        }
        if let Some(run) = &mut self.run
            && run.role == role
            && std::ptr::eq(run.source, source)
            && run.from.saturating_add(run.len) == from
        {
            run.len = run.len.saturating_add(len);
            return Ok(());
        }
        self.end_run()?;
        self.run = Some(Run { role, source, from, len });
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), PlanError> {
        self.end_run()
    }

    fn end_run(&mut self) -> Result<(), PlanError> {
        let Some(Run { role, source, from, len }) = self.run.take() else { return Ok(()) };
        self.plan.source_part(role, Arc::clone(source), from, len)
    }
}

#[cfg(test)]
mod tests {
    use extent_image::BytesSource;
    use zerocopy::FromZeros;

    use super::*;
    use crate::disk::ResourceHeader;

    fn entry(start: u64, len: u64) -> BlobEntry {
        let resource = ResourceHeader::uncompressed(start, len, 0);
        BlobEntry { resource, ..BlobEntry::new_zeroed() }
    }

    #[test]
    fn pieces_lie_apart() {
        let mut header = Header::new_zeroed();
        header.blob_table = ResourceHeader::uncompressed(300, 50, 0);
        let found = |entries: &[BlobEntry]| {
            let pieces = pieces(&header, entries.iter());
            pieces.map(|pieces| pieces.iter().map(|p| (p.start, p.entry.is_some())).collect())
        };
        let good = [entry(400, 10), entry(350, 50), entry(0, 0), entry(305, 0), entry(208, 92)];
        let expected = vec![(0, false), (208, true), (300, false), (350, true), (400, true)];
        assert_eq!(found(&good), Ok(expected));
        for (start, len, offset, end) in [
            (207, 1, 207, 208),
            (0, 1, 0, 208),
            (299, 2, 300, 301),
            (349, 1, 349, 350),
            (400, 1, 400, 410),
            (u64::MAX - 3, (1 << 56) - 1, u64::MAX - 2, u64::MAX),
        ] {
            let bad = [entry(400, 10), entry(start, len), entry(u64::MAX - 2, 2)];
            assert_eq!(found(&bad), Err::<Vec<_>, _>(Overlap { offset, end }), "{start} {len}");
        }
    }

    #[test]
    fn what_touches_is_one_extent() {
        let sources: [Arc<dyn Source>; 2] =
            [(); 2].map(|()| -> Arc<dyn Source> { Arc::new(BytesSource::new("x", vec![0; 100])) });
        let mut plan = PlanBuilder::new();
        let mut runs = Runs::new(&mut plan);
        let pieces =
            [(0, 5, 10), (0, 15, 20), (0, 90, 0), (0, 35, 1), (0, 40, 2), (1, 42, 3), (1, 45, 1)];
        for (source, from, len) in pieces {
            runs.copy("role", &sources[source], from, len).unwrap();
        }
        runs.finish().unwrap();
        let plan = plan.finish();
        let lengths: Vec<u64> = plan.extents().iter().map(|extent| extent.len()).collect();
        assert_eq!(lengths, [31, 2, 4]);
    }
}
