//! What differs between operating systems.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{copy_range, file_system, forget_cached, shares_blocks};

#[cfg(not(target_os = "linux"))]
mod no_sharing;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_sharing::{copy_range, file_system, forget_cached, shares_blocks};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    FileId, FileIdentity, check_replaceable, file_id, free_space, is_same_file, metadata,
    read_exact_at, rename, sync_folder, write_all_at,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    FileId, FileIdentity, check_replaceable, file_id, free_space, is_same_file, metadata,
    read_exact_at, rename, sync_folder, write_all_at,
};
