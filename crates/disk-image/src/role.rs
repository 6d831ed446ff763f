//! What the extents of a disk are: the [roles](extent_image::Extent::role) in the plan that
//! [`disk`](crate::disk) makes. Those of the volume are its own plan's.

/// Sector 0 of a disk with an MBR.
pub const MASTER_BOOT_RECORD: &str = "master boot record";
/// Sector 0 of a disk with a GPT, which guards it.
pub const PROTECTIVE_RECORD: &str = "protective master boot record";
/// Zeros behind the guarding record, where sectors are longer than it.
pub const REST_OF_SECTOR_0: &str = "rest of sector 0";
/// Header and entries of the GPT.
pub const GPT: &str = "GPT";
/// Zeros up to the partition.
pub const GAP: &str = "gap before the partition";
/// What lies behind the partition and in none.
pub const UNPARTITIONED: &str = "unpartitioned";
/// Zeros at the end of the disk.
pub const END: &str = "end of the disk";
/// The copy of the GPT.
pub const GPT_BACKUP: &str = "GPT backup";

/// All of them.
pub const ALL: &[&str] = &[
    MASTER_BOOT_RECORD,
    PROTECTIVE_RECORD,
    REST_OF_SECTOR_0,
    GPT,
    GAP,
    UNPARTITIONED,
    END,
    GPT_BACKUP,
];
