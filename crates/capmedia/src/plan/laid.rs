//! Where the files of a volume lie, and what they are to the media. The writers of volumes say it; here
//! it is kept beside the plan, which holds neither names nor the tree.

use std::ops::Range;
use std::sync::Arc;

use extent_image::{NodeId, Tree};
use fat32_image::VolumePlan;
use iso9660_image::ImagePlan;

use crate::tree::compose::Composed;

/// A volume, laid out.
#[derive(Debug)]
pub(crate) struct Laid {
    pub(crate) tree: Arc<Tree>,
    /// In order of place; of files that share one, in order of data.
    places: Vec<FilePlace>,
    boot_image: Option<NodeId>,
    /// Files of packages and those that are added, in order.
    packages: Vec<NodeId>,
    /// The bytes of the FAT volume.
    pub(crate) fat: Option<Range<u64>>,
    /// Where El Torito's boot images begin.
    pub(crate) boot_programs: Vec<u64>,
    /// Whether it is a disc.
    pub(crate) is_disc: bool,
}

/// Where the content of a file lies, which is in one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilePlace {
    /// First byte.
    pub(crate) start: u64,
    /// Bytes of content, never 0.
    pub(crate) len: u64,
    pub(crate) node: NodeId,
}

impl FilePlace {
    /// The byte after the last.
    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.len)
    }
}

impl Laid {
    /// A stick whose volume begins at byte `start`.
    pub(crate) fn stick(composed: &Composed, volume: &VolumePlan, start: u64) -> Self {
        let place = |node| {
            let place = volume.placement(node)?;
            Some((start.saturating_add(place.offset()), place.len()))
        };
        let end = start.saturating_add(volume.plan().len());
        Self { fat: Some(start..end), ..Self::of(composed, place) }
    }

    /// A disc, in which there may be a FAT volume of so many bytes.
    pub(crate) fn disc(composed: &Composed, image: &ImagePlan, fat_len: Option<u64>) -> Self {
        let place = |node| {
            let place = image.file(node)?;
            Some((place.lba.byte_offset(), place.len))
        };
        let start = image.region().map(|lba| lba.byte_offset());
        let fat = start.zip(fat_len).map(|(start, len)| start..start.saturating_add(len));
        let programs = image.boot_entries().iter().map(|entry| entry.image.lba.byte_offset());
        let boot_programs = programs.collect();
        Self { fat, boot_programs, is_disc: true, ..Self::of(composed, place) }
    }

    fn of(composed: &Composed, place: impl Fn(NodeId) -> Option<(u64, u64)>) -> Self {
        let tree = Arc::clone(&composed.tree);
        let files = tree.data_order().into_iter().filter_map(|node| {
            let (start, len) = place(node)?;
            (len > 0).then_some(FilePlace { start, len, node })
        });
        let mut places: Vec<FilePlace> = files.collect();
        places.sort_by_key(|place| place.start);
        let mut packages = composed.packages.clone();
        packages.sort_unstable();
        let boot_image = composed.boot_image;
        let (fat, boot_programs, is_disc) = (None, Vec::new(), false);
        Self { tree, places, boot_image, packages, fat, boot_programs, is_disc }
    }

    /// The files that begin at the place of the one that holds byte `at`: more than one where they
    /// share their content.
    pub(crate) fn at(&self, at: u64) -> Option<&[FilePlace]> {
        let after = self.places.partition_point(|place| place.start <= at);
        let before = self.places.get(..after)?;
        let last = before.last().filter(|last| at < last.end())?;
        let first = before.partition_point(|place| place.start < last.start);
        before.get(first..)
    }

    pub(crate) fn is_boot_image(&self, node: NodeId) -> bool {
        self.boot_image == Some(node)
    }

    pub(crate) fn is_package(&self, node: NodeId) -> bool {
        self.packages.binary_search(&node).is_ok()
    }
}
