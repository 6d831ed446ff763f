//! What lies at a byte of a stick: of which file it is, or of which structure.

use std::fmt;

use extent_image::{NodeId, Plan, Tree};
use fat32_image::VolumePlan;
use serde::Serialize;

/// What a byte of a stick belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MediaPlace {
    /// A file or folder of the media by its path with `/`; otherwise what the structure is:
    /// `fat 1`, `boot sector`.
    pub name: String,
    /// Whether it is the content of a file.
    pub is_file: bool,
    /// The byte in it, from 0.
    pub byte: u64,
}

impl fmt::Display for MediaPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of {}", self.byte, self.name)
    }
}

/// What lies at byte `at` of a stick whose volume begins at byte `start`, and around it `disk`.
///
/// Nothing is kept for this but the plans that there are: it is asked once in a lifetime of a stick.
pub(crate) fn find(
    tree: &Tree,
    volume: &VolumePlan,
    start: u64,
    disk: &Plan,
    at: u64,
) -> MediaPlace {
    let in_volume = at.checked_sub(start).and_then(|at| in_tree(tree, volume, at));
    in_volume.or_else(|| in_plan(disk, at)).unwrap_or(MediaPlace {
        name: "the disk behind the media".to_owned(),
        is_file: false,
        byte: at.saturating_sub(disk.len()),
    })
}

/// The file or folder at byte `at` of the volume.
fn in_tree(tree: &Tree, volume: &VolumePlan, at: u64) -> Option<MediaPlace> {
    let at_node = |id: NodeId| {
        let place = volume.placement(id)?;
        let byte = at.checked_sub(place.offset()).filter(|byte| *byte < place.len())?;
        let is_file = !tree.is_folder(id);
        let name = match (is_file, id) {
            (true, _) => tree.path(id),
            (false, NodeId::ROOT) => "the root folder".to_owned(),
            (false, _) => format!("the folder {}", tree.path(id)),
        };
        Some(MediaPlace { name, is_file, byte })
    };
    std::iter::once(NodeId::ROOT).chain(tree.walk()).find_map(at_node)
}

/// The structure at byte `at`.
fn in_plan(plan: &Plan, at: u64) -> Option<MediaPlace> {
    let extent = plan.extents().get(plan.extent_at(at))?;
    let (name, byte) = (extent.role().to_owned(), at.saturating_sub(extent.start()));
    Some(MediaPlace { name, is_file: false, byte })
}

#[cfg(test)]
mod tests {
    use extent_image::{Data, Meta, PlanBuilder, Timestamp, TreeBuilder};
    use fat32_image::VolumeOptions;

    use super::*;

    #[test]
    fn every_byte_is_of_something() {
        let meta = Meta::at(Timestamp::FAT_EPOCH);
        let mut tree = TreeBuilder::new(meta);
        let folder = tree.folder(NodeId::ROOT, "sources", meta).unwrap();
        let file = tree.file(folder, "boot.wim", meta, Data::bytes("a", vec![1; 5000])).unwrap();
        tree.file(NodeId::ROOT, "empty", meta, Data::bytes("b", "")).unwrap();
        let tree = tree.finish().unwrap();
        let volume = fat32_image::plan(&tree, &VolumeOptions::new()).unwrap();
        let mut disk = PlanBuilder::new();
        disk.bytes("master boot record", vec![0; 512]).unwrap();
        disk.zero_to("gap", 1 << 20).unwrap();
        disk.plan(volume.plan()).unwrap();
        let disk = disk.finish();
        let place = |at| find(&tree, &volume, 1 << 20, &disk, at).to_string();
        let offset = |id| (1 << 20) + volume.placement(id).unwrap().offset();
        assert_eq!(place(offset(file) + 4999), "byte 4999 of sources/boot.wim");
        assert_eq!(place(offset(file) + 5000), "byte 0 of slack");
        assert_eq!(place(offset(folder) + 33), "byte 33 of the folder sources");
        assert_eq!(place(offset(NodeId::ROOT)), "byte 0 of the root folder");
        assert_eq!(place(7), "byte 7 of master boot record");
        assert_eq!(place((1 << 20) + 1), "byte 1 of boot sector");
        assert_eq!(place(disk.len() + 3), "byte 3 of the disk behind the media");
    }
}
