//! The records of a FAT volume, byte for byte (fat-format 2, 4 and 6). Nothing here plans.

pub(crate) mod boot_sector;
pub(crate) mod dir_entry;
pub(crate) mod fs_info;
