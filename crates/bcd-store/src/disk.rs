//! The records of a registry hive and of the devices in a boot configuration, byte for byte
//! (wim-format 4.3 and 4.4). Nothing here reads or lays out.

pub(crate) mod cells;
pub(crate) mod device;
pub(crate) mod file;
