//! What the extents of a volume are: the [roles](extent_image::Extent::role) in the plan of a
//! [`VolumePlan`](crate::VolumePlan).

/// The boot sector, and its copy on FAT32.
pub const BOOT_SECTOR: &str = "boot sector";
/// Further sectors of boot code, and their copies.
pub const BOOT_CODE: &str = "boot code";
/// FSInfo and its copy.
pub const FS_INFO: &str = "fsinfo";
/// Zeros between and behind the reserved sectors, up to the first FAT.
pub const PADDING: &str = "padding";
/// The first file allocation table.
pub const FAT_1: &str = "fat 1";
/// The second one.
pub const FAT_2: &str = "fat 2";
/// The slots of a folder.
pub const DIRECTORY: &str = "directory";
/// The content of a file.
pub const FILE_DATA: &str = "file data";
/// Zeros behind the content of a folder or file, in its last cluster.
pub const SLACK: &str = "slack";
/// Clusters without content.
pub const FREE: &str = "free space";

/// All of them.
pub const ALL: &[&str] =
    &[BOOT_SECTOR, BOOT_CODE, FS_INFO, PADDING, FAT_1, FAT_2, DIRECTORY, FILE_DATA, SLACK, FREE];
