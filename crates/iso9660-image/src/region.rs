//! A part of the image whose bytes another plan gives, with files of the tree in it.

use std::sync::Arc;

use extent_image::{Content, Data, NodeId, Plan, SourceId, Tree};

use crate::error::PlanError;
use crate::units::{Lba, SECTOR, SectorCount};

/// Where a [`Region`] lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionPlace {
    /// From this sector on: behind the volume descriptors, with UDF from sector 259 on. Everything
    /// else lies before or behind it.
    At(Lba),
    /// On 4 KiB, before the first content of files and behind all that is about them.
    BeforeFiles,
}

/// A part of the image whose bytes another plan gives, such as a FAT volume that holds the same
/// files, so that one image is a disc and a disk.
///
/// Files of the tree that lie in it are not stored again: the records of all trees lead into the
/// region. The UDF partition reaches over it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Region {
    content: Arc<Plan>,
    place: RegionPlace,
    files: Vec<(NodeId, u64)>,
}

impl Region {
    /// A region that holds no file of the tree yet.
    pub fn new(content: impl Into<Arc<Plan>>, place: RegionPlace) -> Self {
        Self { content: content.into(), place, files: Vec::new() }
    }

    /// States that a file of the tree lies in the region, whole, from this offset in bytes on, which
    /// must be a multiple of 2048. [`plan`](crate::plan) holds it against the region's plan. Of two
    /// statements about one file the last one counts; an empty file lies nowhere, and what is stated
    /// about it is not looked at. Files that have the same source as a file in the region share its
    /// place.
    pub fn with_file(mut self, file: NodeId, offset: u64) -> Self {
        self.files.push((file, offset));
        self
    }

    /// The bytes.
    pub fn content(&self) -> &Plan {
        &self.content
    }

    /// Where it is to lie.
    pub fn place(&self) -> RegionPlace {
        self.place
    }

    /// Whole sectors.
    pub(crate) fn sectors(&self) -> SectorCount {
        SectorCount::for_bytes(self.content.len())
    }

    /// True for files that are said to lie in it.
    pub(crate) fn holds(&self, file: NodeId) -> bool {
        self.files.iter().any(|(held, _)| *held == file)
    }

    /// The files that lie in it, each with its content and its sector in the region.
    ///
    /// # Errors
    /// The plan of the region does not hold a file where that is stated.
    pub(crate) fn files<'t>(
        &self,
        tree: &'t Tree,
    ) -> Result<Vec<(NodeId, &'t Data, SectorCount)>, PlanError> {
        let mut files = Vec::with_capacity(self.files.len());
        for &(file, offset) in &self.files {
            let path = || tree.path(file);
            let Some(data) = tree.data(file) else {
                return Err(PlanError::RegionFileNotAFile { path: path() });
            };
            if data.is_empty() {
                continue;
            }
            if offset % SECTOR != 0 {
                let allowed = SECTOR;
                return Err(PlanError::RegionFileUnaligned { path: path(), offset, allowed });
            }
            self.find(data, offset).map_err(|(at, found)| PlanError::RegionFileElsewhere {
                path: path(),
                offset,
                at,
                found,
            })?;
            files.push((file, data, SectorCount::new(offset / SECTOR)));
        }
        Ok(files)
    }

    /// Succeeds if the plan holds `data`, whole, from `offset` on; else tells where it holds
    /// something else, and what.
    fn find(&self, data: &Data, offset: u64) -> Result<(), (u64, String)> {
        let mut at = offset;
        let end = offset.saturating_add(data.len());
        while at < end {
            let number = self.content.extent_at(at);
            let Some(extent) = self.content.extents().get(number) else {
                return Err((at, "the end of the region".to_owned()));
            };
            let same = match (extent.content(), data) {
                (Content::Source(held, from), Data::Source(wanted)) => {
                    let from = from.saturating_add(at.saturating_sub(extent.start()));
                    SourceId::of(held) == SourceId::of(wanted) && from == at.saturating_sub(offset)
                }
                (Content::Late(held), Data::Late(wanted)) => {
                    Arc::ptr_eq(held, wanted) && extent.start() == offset
                }
                _ => false,
            };
            if !same {
                return Err((at, format!("{} {}", extent.role(), extent.content())));
            }
            at = extent.end();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use extent_image::{BytesSource, Late, Meta, PlanBuilder, Source, Timestamp, TreeBuilder};

    use super::*;

    fn source(len: usize) -> Arc<dyn Source> {
        Arc::new(BytesSource::new("source", vec![1; len]))
    }

    #[test]
    fn claims_are_held_against_the_plan() {
        let (whole, parts, other) = (source(3000), source(5000), source(10));
        let late = Arc::new(Late::new("late", 7, |_| vec![0; 7].into()));
        let mut builder = PlanBuilder::new();
        builder.bytes("boot sector", vec![0; 2048]).unwrap();
        builder.source("file data", Arc::clone(&whole)).unwrap();
        builder.zero_to("slack", 6144).unwrap();
        builder.source_part("file data", Arc::clone(&parts), 0, 2048).unwrap();
        builder.source_part("file data", Arc::clone(&parts), 2048, 2952).unwrap();
        builder.zero_to("slack", 12288).unwrap();
        builder.data("file data", &Data::Late(Arc::clone(&late))).unwrap();
        let region = Region::new(builder.finish(), RegionPlace::BeforeFiles);

        let at = |data: &Data, offset| region.find(data, offset);
        let data = |source: &Arc<dyn Source>| Data::Source(Arc::clone(source));
        assert_eq!(at(&data(&whole), 2048), Ok(()));
        assert_eq!(at(&data(&parts), 6144), Ok(()));
        assert_eq!(at(&Data::Late(late), 12288), Ok(()));
        let boot = "boot sector ".to_owned();
        assert_eq!(at(&data(&whole), 0), Err((0, boot)));
        assert_eq!(at(&data(&whole), 2049), Err((2049, "file data source".into())));
        // The middle of the right source is not its beginning.
        assert_eq!(at(&data(&parts), 8192), Err((8192, "file data source from 2048".into())));
        assert_eq!(at(&data(&other), 6144), Err((6144, "file data source".into())));
        let end = (14336, "the end of the region".to_owned());
        assert_eq!(at(&data(&other), 14336), Err(end));
        // Equal length and name, but another maker.
        let twin = Late::new("late", 7, |_| vec![1; 7].into());
        assert!(at(&Data::Late(Arc::new(twin)), 12288).is_err());
    }

    #[test]
    fn only_files_on_sectors_can_lie_in_a_region() {
        let meta = Meta::at(Timestamp::FAT_EPOCH);
        let mut builder = TreeBuilder::new(meta);
        let source = source(4);
        let file = builder.file(NodeId::ROOT, "f", meta, Data::Source(Arc::clone(&source)));
        let empty = builder.file(NodeId::ROOT, "e", meta, Data::bytes("empty", "")).unwrap();
        let (file, tree) = (file.unwrap(), builder.finish().unwrap());
        let mut plan = PlanBuilder::new();
        plan.zero("head", 1024).unwrap();
        plan.source("file data", source).unwrap();
        let region = Region::new(plan.finish(), RegionPlace::At(Lba::new(300)));
        assert_eq!(region.sectors(), SectorCount::ONE);
        let error = |region: Region| region.files(&tree).err().unwrap();
        assert_eq!(
            error(region.clone().with_file(file, 1024)),
            PlanError::RegionFileUnaligned { path: "f".into(), offset: 1024, allowed: 2048 }
        );
        assert_eq!(
            error(region.clone().with_file(NodeId::ROOT, 0)),
            PlanError::RegionFileNotAFile { path: String::new() }
        );
        assert_eq!(
            error(region.clone().with_file(file, 0)).to_string(),
            "f: stated to lie at byte 0 of the region, but at byte 0 there is: head (zero); state \
             where the region's plan holds this very source"
        );
        assert!(region.with_file(empty, 5).files(&tree).unwrap().is_empty());
    }
}
