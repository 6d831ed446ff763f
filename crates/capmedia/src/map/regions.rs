//! The regions of a volume, from its plan and what its writers say of it: the roles of the extents and
//! the places of files. No byte of it is looked at.

use disk_image::role as disk;
use extent_image::{Content, Extent, Plan};
use fat32_image::role as fat;
use iso9660_image::role as iso;

use crate::map::{MapKind, MapRegion};
use crate::plan::laid::Laid;

/// A gap of so many bytes or more is no left-over of the file or structure before it: more than the
/// largest cluster has.
const GAP: u64 = 64 << 10;

/// The regions of a volume, which touch, from its first byte to its last.
pub(super) fn of(plan: &Plan, laid: &Laid) -> Vec<MapRegion> {
    let mut regions: Vec<MapRegion> = Vec::new();
    for extent in plan.extents() {
        let mut region = region(extent, laid);
        match regions.last_mut() {
            Some(last) if is_slack(extent) && extent.len() < GAP => {
                last.bytes = last.bytes.saturating_add(extent.len());
            }
            Some(last) if continues(last, &region, laid) => {
                last.bytes = last.bytes.saturating_add(extent.len());
            }
            _ => {
                region.name.shrink_to_fit();
                regions.push(region);
            }
        }
    }
    regions
}

/// Whether the extent is nothing of its own.
fn is_slack(extent: &Extent) -> bool {
    extent.role() == iso::SLACK || extent.role() == fat::SLACK
}

/// Whether `next` is more of the region before it: of the same file, or of structures that are alike.
fn continues(last: &MapRegion, next: &MapRegion, laid: &Laid) -> bool {
    let file = |at| laid.at(at).and_then(|places| places.first()).map(|place| place.start);
    let same = (last.kind, &last.name) == (next.kind, &next.name);
    same && file(last.start) == file(next.start)
}

/// The region that an extent is, or is a part of.
fn region(extent: &Extent, laid: &Laid) -> MapRegion {
    let (start, bytes) = (extent.start(), extent.len());
    let structure = |kind, name: &str| MapRegion {
        kind,
        name: name.to_owned(),
        start,
        bytes,
        content_bytes: None,
        shared_with: 0,
    };
    if let Some((first, others)) = laid.at(start).and_then(<[_]>::split_first) {
        let kind = match first.node {
            _ if laid.boot_programs.contains(&first.start) => MapKind::BootStructures,
            node if laid.is_boot_image(node) => MapKind::BootImage,
            node if laid.is_package(node) => MapKind::Packages,
            _ => MapKind::OtherFiles,
        };
        return MapRegion {
            content_bytes: Some(first.len),
            shared_with: u32::try_from(others.len()).unwrap_or(u32::MAX),
            ..structure(kind, &laid.tree.path(first.node))
        };
    }
    let in_fat = laid.fat.as_ref().is_some_and(|fat| fat.contains(&start));
    let known = match (in_fat, laid.is_disc) {
        (true, _) => of_fat(extent.role()),
        // Without a master boot record there is nothing in it.
        (false, true)
            if extent.role() == iso::SYSTEM_AREA && *extent.content() == Content::Zero =>
        {
            Some((MapKind::Padding, "unused system area"))
        }
        (false, true) => of_disc(extent.role(), laid.boot_programs.contains(&start)),
        (false, false) => of_disk(extent.role()),
    };
    match known {
        Some((kind, name)) if in_fat && laid.is_disc => {
            structure(kind, &format!("FAT volume: {name}"))
        }
        Some((kind, name)) => structure(kind, name),
        None if *extent.content() == Content::Free => structure(MapKind::Free, extent.role()),
        // A role that was added to a writer and not here: tests fail, and nothing is left out.
        None => structure(MapKind::Tables, extent.role()),
    }
}

/// What an extent of a FAT volume is.
fn of_fat(role: &str) -> Option<(MapKind, &'static str)> {
    Some(match role {
        fat::BOOT_SECTOR => (MapKind::BootStructures, "boot sector"),
        fat::BOOT_CODE => (MapKind::BootStructures, "boot code"),
        fat::FS_INFO => (MapKind::Tables, "FSInfo"),
        fat::PADDING => (MapKind::Padding, "reserved sectors"),
        fat::FAT_1 => (MapKind::Tables, "file allocation table"),
        fat::FAT_2 => (MapKind::Tables, "file allocation table, copy"),
        fat::DIRECTORY => (MapKind::Directories, "folders"),
        // Every file of the volume is one of the tree.
        fat::FILE_DATA => (MapKind::OtherFiles, "file data"),
        fat::SLACK => (MapKind::Padding, "unused"),
        fat::FREE => (MapKind::Free, "free clusters"),
        _ => return None,
    })
}

/// What an extent of a disc is.
fn of_disc(role: &str, is_boot_program: bool) -> Option<(MapKind, &'static str)> {
    Some(match role {
        // A master boot record, and what it starts.
        iso::SYSTEM_AREA => (MapKind::BootStructures, "system area"),
        iso::VOLUME_DESCRIPTOR => (MapKind::Tables, "volume descriptors"),
        iso::UDF_DESCRIPTOR => (MapKind::Tables, "UDF descriptors"),
        iso::UDF_FILE_SET => (MapKind::Tables, "UDF file set"),
        iso::UDF_FILE_ENTRY => (MapKind::Tables, "UDF file entries"),
        iso::UDF_DIRECTORY => (MapKind::Directories, "UDF folders"),
        iso::PATH_TABLE => (MapKind::Tables, "path tables"),
        iso::DIRECTORY => (MapKind::Directories, "folders"),
        iso::ROCK_RIDGE => (MapKind::Directories, "Rock Ridge names"),
        iso::BOOT_CATALOG => (MapKind::BootStructures, "boot catalog"),
        iso::EMPTY_FILES => (MapKind::OtherFiles, "empty files"),
        // What is in no tree: the program that El Torito starts, or the text of a stub.
        iso::FILE_DATA if is_boot_program => (MapKind::BootStructures, "El Torito program"),
        iso::FILE_DATA => (MapKind::OtherFiles, "text for readers without UDF"),
        iso::BOOT_INFO_TABLE => (MapKind::BootStructures, "boot info table"),
        iso::SLACK => (MapKind::Padding, "unused"),
        iso::PADDING => (MapKind::Padding, "end of the disc"),
        _ => return None,
    })
}

/// What an extent of a disk is that is not of its volume.
fn of_disk(role: &str) -> Option<(MapKind, &'static str)> {
    Some(match role {
        disk::MASTER_BOOT_RECORD => (MapKind::BootStructures, "master boot record"),
        disk::PROTECTIVE_RECORD => (MapKind::BootStructures, "protective master boot record"),
        disk::REST_OF_SECTOR_0 => (MapKind::Padding, "rest of sector 0"),
        disk::GPT => (MapKind::BootStructures, "GUID partition table"),
        disk::GPT_BACKUP => (MapKind::BootStructures, "GUID partition table, copy"),
        disk::GAP => (MapKind::Padding, "before the partition"),
        disk::UNPARTITIONED => (MapKind::Free, "not partitioned"),
        disk::END => (MapKind::Padding, "end of the disk"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_kind() {
        for role in fat::ALL {
            assert!(of_fat(role).is_some(), "{role}");
        }
        for role in iso::ALL {
            assert!(of_disc(role, false).is_some(), "{role}");
        }
        for role in disk::ALL {
            assert!(of_disk(role).is_some(), "{role}");
        }
    }
}
