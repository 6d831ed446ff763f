//! Requests to block devices that rustix has no function for, by their numbers in linux/fs.h and
//! linux/loop.h.

#![expect(unsafe_code, reason = "rustix leaves these requests to its callers")]

use std::ffi::c_int;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, NoArg, Opcode, Setter, ioctl, opcode};

/// `_IO(0x12, 95)`
const BLKRRPART: Opcode = opcode::none(0x12, 95);
/// `_IO(0x12, 97)`
const BLKFLSBUF: Opcode = opcode::none(0x12, 97);
/// `_IO(0x12, 105)`: a struct blkpg_ioctl_arg of linux/blkpg.h.
const BLKPG: Opcode = opcode::none(0x12, 105);
const BLKPG_DEL_PARTITION: c_int = 2;
/// `_IO(0x12, 119)`: two numbers of 64 bits, start and length in bytes.
const BLKDISCARD: Opcode = opcode::none(0x12, 119);
/// `_IOR(0x12, 128, __u64)`, since Linux 5.15.
const BLKGETDISKSEQ: Opcode = opcode::read::<u64>(0x12, 128);
/// A number from before there were rules for them. `struct loop_info64`, 232 bytes: device, inode and
/// own device number of what is behind, 64 bits each, and more.
const LOOP_GET_STATUS64: Opcode = 0x4C05;

/// Has the kernel read the partition table.
pub(super) fn reread_partitions(drive: impl AsFd) -> io::Result<()> {
    // SAFETY: BLKRRPART takes no argument and touches no memory of ours.
    Ok(unsafe { ioctl(drive, NoArg::<BLKRRPART>::new()) }?)
}

/// `struct blkpg_ioctl_arg`
#[repr(C)]
struct BlkpgArgument {
    op: c_int,
    flags: c_int,
    len: c_int,
    data: *mut BlkpgPartition,
}

/// `struct blkpg_partition`
#[repr(C)]
struct BlkpgPartition {
    start: i64,
    len: i64,
    number: c_int,
    names: [[u8; 64]; 2],
}

/// Has the kernel forget a partition, which stays in the table.
pub(super) fn forget_partition(drive: impl AsFd, number: u32) -> io::Result<()> {
    let number = c_int::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut partition = BlkpgPartition { start: 0, len: 0, number, names: [[0; 64]; 2] };
    let len = c_int::try_from(size_of::<BlkpgPartition>()).unwrap_or(0);
    let argument =
        BlkpgArgument { op: BLKPG_DEL_PARTITION, flags: 0, len, data: &raw mut partition };
    // SAFETY: BLKPG reads a struct blkpg_ioctl_arg through the pointer, which is what it is given, and
    // through the pointer in there a struct blkpg_partition, which outlives the call. It keeps none.
    Ok(unsafe { ioctl(drive, Setter::<BLKPG, BlkpgArgument>::new(argument)) }?)
}

/// Writes what the cache holds of a drive, and drops it.
pub(super) fn drop_cache(drive: impl AsFd) -> io::Result<()> {
    // SAFETY: BLKFLSBUF takes no argument and touches no memory of ours.
    Ok(unsafe { ioctl(drive, NoArg::<BLKFLSBUF>::new()) }?)
}

/// Tells the drive that bytes hold nothing any more.
pub(super) fn discard(drive: impl AsFd, range: Range<u64>) -> io::Result<()> {
    let argument = [range.start, range.end.saturating_sub(range.start)];
    // SAFETY: BLKDISCARD reads an array of two u64 through the pointer, which is what it is given,
    // and keeps no pointer.
    Ok(unsafe { ioctl(drive, Setter::<BLKDISCARD, [u64; 2]>::new(argument)) }?)
}

/// What is behind a loop device.
pub(super) struct LoopBacking {
    /// The number of the file system.
    pub(super) device: u64,
    pub(super) inode: u64,
    /// That of a block device; 0 for a file.
    pub(super) rdev: u64,
}

/// What is behind an open loop device.
pub(super) fn loop_backing(device: impl AsFd) -> io::Result<LoopBacking> {
    // SAFETY: LOOP_GET_STATUS64 writes a struct loop_info64 through the pointer when it succeeds, and
    // nothing else. That is 232 bytes, as many as the array has, and less aligned than it is at most;
    // any bytes are numbers.
    let status = unsafe { ioctl(device, Getter::<LOOP_GET_STATUS64, [u64; 29]>::new()) }?;
    let [device, inode, rdev, ..] = status;
    Ok(LoopBacking { device, inode, rdev })
}

/// The number of the connection of an open drive.
pub(super) fn disk_sequence(drive: impl AsFd) -> io::Result<u64> {
    // SAFETY: BLKGETDISKSEQ writes one u64 through the pointer when it succeeds, and nothing else.
    Ok(unsafe { ioctl(drive, Getter::<BLKGETDISKSEQ, u64>::new()) }?)
}
