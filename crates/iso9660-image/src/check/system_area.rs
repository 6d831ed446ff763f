//! The first sixteen sectors, where firmware that takes the image for a disk finds partitions.
//!
//! They may hold anything. A table of partitions is there when the signature and at least one
//! partition are; then its numbers must be right. That partitions overlap is no fault: images that
//! start as disc and as disk have one over all of the volume and another inside.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::fault::{FaultKind, Faults};
use crate::check::gpt;
use crate::check::medium::{Medium, ReadError};
use crate::disk::partition_table::{BLOCK, MbrPartition, PARTITIONS, PROTECTIVE, SIGNATURE};
use crate::units::len64;

/// Holds the tables of partitions, if there are any, against the length of the image.
pub(super) fn check<R: Read + Seek>(
    medium: &mut Medium<R>,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let mut bytes = [0; 512];
    medium.read_at(0, &mut bytes)?;
    let blocks = medium.len() / BLOCK;
    let table = bytes.get(PARTITIONS..PARTITIONS.saturating_add(64)).unwrap_or_default();
    let partitions = <[MbrPartition]>::ref_from_bytes(table).unwrap_or_default();
    let signed = bytes.ends_with(&SIGNATURE);
    let mut protected = false;
    if signed && partitions.iter().any(|partition| partition.kind != 0) {
        for (number, partition) in partitions.iter().enumerate() {
            let at = |offset: usize| {
                len64(PARTITIONS.saturating_add(number.saturating_mul(16)).saturating_add(offset))
            };
            let mut fault = |at: u64, what| faults.add(at, FaultKind::SystemArea { what });
            if !matches!(partition.status, 0 | 0x80) {
                fault(at(0), "the first byte of a partition is neither 80 nor 00");
            }
            if partition.kind == 0 {
                continue;
            }
            protected |= partition.kind == PROTECTIVE;
            let (first, count) = (partition.first.get(), partition.blocks.get());
            let end = u64::from(first).saturating_add(u64::from(count));
            // To the end of the disk, however large.
            let open = partition.kind == PROTECTIVE && count == u32::MAX;
            if count == 0 {
                fault(at(12), "a partition has a type and no blocks");
            } else if end > blocks && !open {
                fault(at(8), "a partition ends behind the image");
            }
        }
    }
    let found = gpt::check(medium, blocks, faults)?;
    if protected && !found {
        let what = "a protective partition, and no GUID partition table behind it";
        faults.add(BLOCK, FaultKind::SystemArea { what });
    }
    Ok(())
}
