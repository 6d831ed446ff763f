//! What the extents of an image are: the [roles](extent_image::Extent::role) in the plan of an
//! [`ImagePlan`](crate::ImagePlan). Those of a [region](crate::Region) are its own plan's.

/// The first 16 sectors.
pub const SYSTEM_AREA: &str = "system area";
/// A volume descriptor of ISO 9660.
pub const VOLUME_DESCRIPTOR: &str = "volume descriptor";
/// Descriptors of UDF: recognition, the two sequences, integrity, anchors.
pub const UDF_DESCRIPTOR: &str = "udf descriptor";
/// The file set descriptor of UDF.
pub const UDF_FILE_SET: &str = "udf file set";
/// The file entries of UDF.
pub const UDF_FILE_ENTRY: &str = "udf file entry";
/// The directories of UDF.
pub const UDF_DIRECTORY: &str = "udf directory";
/// A path table.
pub const PATH_TABLE: &str = "path table";
/// The directories of ISO 9660 or of Joliet.
pub const DIRECTORY: &str = "directory";
/// The continuation areas of Rock Ridge.
pub const ROCK_RIDGE: &str = "Rock Ridge";
/// The boot catalog of El Torito.
pub const BOOT_CATALOG: &str = "boot catalog";
/// The sector that empty files share.
pub const EMPTY_FILES: &str = "empty files";
/// The content of a file, or of a hidden boot image.
pub const FILE_DATA: &str = "file data";
/// The boot info table in the content of a boot image.
pub const BOOT_INFO_TABLE: &str = "boot info table";
/// Zeros between two parts.
pub const SLACK: &str = "slack";
/// Zeros at the end of the volume.
pub const PADDING: &str = "padding";

/// All of them.
pub const ALL: &[&str] = &[
    SYSTEM_AREA,
    VOLUME_DESCRIPTOR,
    UDF_DESCRIPTOR,
    UDF_FILE_SET,
    UDF_FILE_ENTRY,
    UDF_DIRECTORY,
    PATH_TABLE,
    DIRECTORY,
    ROCK_RIDGE,
    BOOT_CATALOG,
    EMPTY_FILES,
    FILE_DATA,
    BOOT_INFO_TABLE,
    SLACK,
    PADDING,
];
