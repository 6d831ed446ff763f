//! The records of a directory, sector by sector.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::disk::directory_record::DirectoryRecord;
use crate::units::{SECTOR, len64};

/// Bytes of a record before its identifier.
const FIXED: usize = size_of::<DirectoryRecord>();

/// A record that is whole.
pub(super) struct Record<'a> {
    /// Where it begins in the image.
    pub(super) position: u64,
    pub(super) fixed: DirectoryRecord,
    pub(super) identifier: &'a [u8],
    /// What follows the identifier and the byte that makes it even.
    pub(super) system_use: &'a [u8],
}

impl Record<'_> {
    /// True for a directory's records of itself and its parent.
    pub(super) fn is_dot(&self) -> bool {
        matches!(self.identifier, [0] | [1])
    }

    /// Where [`system_use`](Self::system_use) begins in the image.
    pub(super) fn system_use_position(&self) -> u64 {
        let length = usize::from(self.fixed.length).saturating_sub(self.system_use.len());
        self.position.saturating_add(len64(length))
    }
}

/// Gives every whole record, one at a time, of the directory in `len` bytes from `lba` on, and lists what lies
/// between them.
///
/// A broken record ends its sector. The directory ends where the image does.
pub(super) fn for_each<R: Read + Seek>(
    medium: &mut Medium<R>,
    lba: u64,
    len: u64,
    faults: &mut Faults,
    mut each: impl FnMut(&mut Medium<R>, Record<'_>, &mut Faults) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    for number in 0..len.div_ceil(SECTOR) {
        let sector = lba.saturating_add(number);
        let Some(bytes) = medium.sector(sector)? else { break };
        // The last sector may be used in part only.
        let used = len.saturating_sub(number.saturating_mul(SECTOR)).min(SECTOR);
        let used = usize::try_from(used).unwrap_or(usize::MAX);
        let bytes = bytes.get(..used).unwrap_or(&bytes);
        let start = sector.saturating_mul(SECTOR);
        in_sector(start, bytes, faults, &mut |record, faults| each(medium, record, faults))?;
    }
    Ok(())
}

fn in_sector(
    start: u64,
    sector: &[u8],
    faults: &mut Faults,
    each: &mut impl FnMut(Record<'_>, &mut Faults) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut at = 0usize;
    while let Some(rest) = sector.get(at..).filter(|rest| !rest.is_empty()) {
        let position = start.saturating_add(len64(at));
        let length = rest.first().copied().unwrap_or(0);
        if length == 0 {
            faults.expect_zero(position, "rest of a directory's sector", rest);
            return Ok(());
        }
        let Some((fixed, identifier)) = split(rest, length) else {
            let identifier = rest.get(32).copied().unwrap_or(0);
            faults.add(position, FaultKind::Record { length, identifier });
            return Ok(());
        };
        // The byte after an identifier of even length.
        let pad = FIXED.saturating_add(identifier.len());
        if length % 2 != 0 {
            faults.add(
                position,
                FaultKind::Value {
                    what: "length of a directory record",
                    found: u64::from(length),
                    expected: u64::from(length.saturating_add(1)),
                },
            );
        } else if identifier.len() % 2 == 0 {
            let pad_position = position.saturating_add(len64(pad));
            let pad = rest.get(pad..pad.saturating_add(1)).unwrap_or_default();
            faults.expect_zero(pad_position, "byte after an identifier", pad);
        }
        let odd = pad.saturating_add(usize::from(identifier.len() % 2 == 0));
        let system_use = rest.get(odd..usize::from(length)).unwrap_or_default();
        each(Record { position, fixed, identifier, system_use }, faults)?;
        at = at.saturating_add(usize::from(length));
    }
    Ok(())
}

/// The identifier of the record that the bytes begin with; empty when it is not whole.
pub(super) fn identifier_of(bytes: &[u8]) -> &[u8] {
    let length = bytes.first().copied().unwrap_or(0);
    split(bytes, length).map_or(&[], |(_, identifier)| identifier)
}

/// The fixed part and the identifier, when both fit into the record and the record into the sector.
fn split(rest: &[u8], length: u8) -> Option<(DirectoryRecord, &[u8])> {
    let record = rest.get(..usize::from(length))?;
    let (fixed, after) = DirectoryRecord::read_from_prefix(record).ok()?;
    let identifier = after.get(..usize::from(fixed.identifier_length))?;
    (!identifier.is_empty()).then_some((fixed, identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sector: &[u8]) -> (Vec<Vec<u8>>, Vec<u64>) {
        let (mut names, mut faults) = (Vec::new(), Faults::default());
        let mut each = |r: Record<'_>, _: &mut Faults| {
            names.push(r.identifier.to_vec());
            Ok(())
        };
        in_sector(0, sector, &mut faults, &mut each).unwrap();
        (names, faults.finish().into_iter().map(|fault| fault.position).collect())
    }

    fn record(length: u8, identifier: &[u8]) -> Vec<u8> {
        let mut record = vec![0; usize::from(length)];
        record[0] = length;
        record[32] = u8::try_from(identifier.len()).unwrap();
        record[33..33 + identifier.len()].copy_from_slice(identifier);
        record
    }

    #[test]
    fn records_and_what_breaks_them() {
        let two = [record(34, b"A"), record(36, b"BB"), vec![0; 100]].concat();
        assert_eq!(found(&two), (vec![b"A".to_vec(), b"BB".to_vec()], vec![]));

        let mut dirty = two.clone();
        dirty[80] = 1;
        assert_eq!(found(&dirty).1, [80]);
        let mut pad = two.clone();
        pad[34 + 35] = 9;
        assert_eq!(found(&pad).1, [34 + 35]);
        let mut name_too_long = two.clone();
        name_too_long[34 + 32] = 4;
        assert_eq!(found(&name_too_long), (vec![b"A".to_vec()], vec![34]));
        assert_eq!(found(&two[..60]), (vec![b"A".to_vec()], vec![34]));
        assert_eq!(found(&[5]).1, [0]);
    }
}
