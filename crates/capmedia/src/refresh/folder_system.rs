//! Whether a mounted folder is one that media can start from, as far as the system tells.

use std::path::Path;

use extent_image::host;
use media_model::ConfigMgrError;

use super::error::{RefreshError, TargetKind};

/// `f_type` of all kinds of FAT (linux/magic.h, MSDOS_SUPER_MAGIC).
const FAT: u64 = 0x4D44;
/// Least clusters of FAT32 (Microsoft's FAT specification); the kernel goes by the same rule.
const LEAST_CLUSTERS: u64 = 65_525;
/// Names of file systems by their `f_type` (linux/magic.h), for messages.
const NAMES: [(u64, &str); 9] = [
    (0x2011_BAB0, "exFAT"),
    (0x7366_746E, "NTFS"),
    // What ntfs-3g mounts is seen as this too.
    (0x6573_5546, "a FUSE file system"),
    (0xEF53, "ext4"),
    (0x0102_1994, "tmpfs"),
    (0x9123_683E, "Btrfs"),
    (0x5846_5342, "XFS"),
    (0x9660, "ISO 9660"),
    (0x1501_3346, "UDF"),
];

/// What is known of the file system of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct FolderSystem {
    pub(super) cluster: u64,
    /// Bytes that are free.
    pub(super) free: u64,
    /// Bytes that files can have at most.
    pub(super) len: u64,
}

impl FolderSystem {
    /// Asks the system; `None` where it does not tell.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, RefreshError> {
        let found = host::file_system(folder)
            .map_err(|source| RefreshError::io("look at", folder, source))?;
        found.map(|found| Self::judge(folder, &found)).transpose()
    }

    fn judge(folder: &Path, found: &host::FileSystem) -> Result<Self, RefreshError> {
        let target = || folder.display().to_string();
        if found.kind != FAT {
            let name = NAMES.iter().find(|(kind, _)| *kind == found.kind);
            let holds = match name {
                Some((_, name)) => (*name).to_owned(),
                None => format!("a file system of type {:#X}", found.kind),
            };
            let error = ConfigMgrError::UfdFsUnknown;
            return Err(RefreshError::FileSystem {
                target: target(),
                holds,
                error,
                kind: TargetKind::Folder,
            });
        }
        if found.blocks < LEAST_CLUSTERS {
            let holds = format!("FAT12 or FAT16 of {} clusters", found.blocks);
            let error = ConfigMgrError::UfdFsFat16;
            return Err(RefreshError::FileSystem {
                target: target(),
                holds,
                error,
                kind: TargetKind::Folder,
            });
        }
        if !found.is_root {
            return Err(RefreshError::NotMounted { folder: folder.to_path_buf() });
        }
        let cluster = found.block_size.max(1);
        let bytes = |clusters: u64| clusters.saturating_mul(cluster);
        Ok(Self { cluster, free: bytes(found.free), len: bytes(found.blocks) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fat32_where_it_is_mounted_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let Ok(Some(here)) = host::file_system(folder.path()) else { return };
        let fat32 = host::FileSystem { is_root: true, ..here };
        let mut fat32 = fat32;
        (fat32.kind, fat32.block_size, fat32.blocks, fat32.free) = (FAT, 4096, 65_525, 10);
        let judge = |found: &host::FileSystem| FolderSystem::judge(folder.path(), found);
        let taken = judge(&fat32).unwrap();
        assert_eq!((taken.cluster, taken.free), (4096, 40_960));

        let refused = |change: &dyn Fn(&mut host::FileSystem), says: &str, error| {
            let mut found = fat32;
            change(&mut found);
            let refused = judge(&found).unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
            assert_eq!(refused.config_mgr_error(), error, "{refused}");
        };
        let fat16 = Some(ConfigMgrError::UfdFsFat16);
        let unknown = Some(ConfigMgrError::UfdFsUnknown);
        refused(&|found| found.blocks = 65_524, "FAT12 or FAT16 of 65524 clusters", fat16);
        refused(&|found| found.kind = 0x2011_BAB0, "exFAT", unknown);
        refused(&|found| found.kind = 0xABC, "a file system of type 0xABC", unknown);
        refused(&|found| found.is_root = false, "is a folder in a file system", None);
        // No stick is mounted where tests run.
        assert!(FolderSystem::of(folder.path()).is_err());
        assert!(FolderSystem::of(&folder.path().join("missing")).is_err());
    }
}
