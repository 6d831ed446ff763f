//! The FSInfo sector (fat-format 4).

use std::mem::offset_of;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Free-space hints, at sector 1 and in the backup at sector 7.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct FsInfo {
    /// `RRaA`.
    pub(crate) lead_signature: U32,
    /// 0.
    pub(crate) reserved_1: [u8; 480],
    /// `rrAa`.
    pub(crate) signature: U32,
    /// Free clusters; FFFFFFFFh is unknown.
    pub(crate) free_clusters: U32,
    /// First cluster to try; FFFFFFFFh is unknown.
    pub(crate) next_free: U32,
    /// 0.
    pub(crate) reserved_2: [u8; 12],
    /// `00 00 55 AA`.
    pub(crate) trail_signature: U32,
}

impl FsInfo {
    /// The value for "unknown".
    pub(crate) const UNKNOWN: u32 = 0xFFFF_FFFF;

    pub(crate) fn new(free_clusters: u32, next_free: u32) -> Self {
        Self {
            lead_signature: U32::new(0x4161_5252),
            reserved_1: [0; 480],
            signature: U32::new(0x6141_7272),
            free_clusters: U32::new(free_clusters),
            next_free: U32::new(next_free),
            reserved_2: [0; 12],
            trail_signature: U32::new(0xAA55_0000),
        }
    }
}

const _: () = assert!(size_of::<FsInfo>() == 512);
const _: () = assert!(offset_of!(FsInfo, signature) == 0x1E4);
const _: () = assert!(offset_of!(FsInfo, free_clusters) == 0x1E8);
const _: () = assert!(offset_of!(FsInfo, next_free) == 0x1EC);
const _: () = assert!(offset_of!(FsInfo, reserved_2) == 0x1F0);
const _: () = assert!(offset_of!(FsInfo, trail_signature) == 0x1FC);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_by_hand() {
        let info = FsInfo::new(0x0001_0203, 7);
        let bytes = info.as_bytes();
        assert_eq!(&bytes[..4], b"RRaA");
        assert!(bytes[4..0x1E4].iter().all(|b| *b == 0));
        assert_eq!(&bytes[0x1E4..0x1F0], b"rrAa\x03\x02\x01\x00\x07\x00\x00\x00");
        assert_eq!(&bytes[0x1F0..], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x55, 0xAA]);
    }
}
