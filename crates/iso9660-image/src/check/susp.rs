//! Entries of system use fields and of the continuation areas that they lead to (SUSP 1.12), in any
//! image.

use std::io::{Read, Seek};

use zerocopy::FromBytes;

use crate::check::descriptor::both32;
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::disk::system_use::{CE, Continuation, Header, ST, VERSION};
use crate::units::{SECTOR, len64};

/// Most areas that belong to one record: Linux follows no more.
const MAX_AREAS: usize = 31;
/// Bytes that reading an area counts at least: a hostile image has tiny ones, and each costs a read.
const LEAST_COST: u64 = 32;

/// One entry.
pub(super) struct Entry {
    /// Where it begins in the image.
    pub(super) position: u64,
    pub(super) signature: [u8; 2],
    /// What stands behind the version.
    pub(super) data: Vec<u8>,
}

/// A continuation area that is in use.
struct Area {
    start: u64,
    len: u64,
    /// Where the entry is that leads to it.
    position: u64,
}

/// Reads system use fields, and keeps account of their continuation areas.
pub(super) struct Reader {
    /// Bytes of areas that may still be read. Areas do not overlap, so an image does not hold more
    /// than it has.
    budget: u64,
    areas: Vec<Area>,
}

impl Reader {
    pub(super) fn new(image_len: u64) -> Self {
        Self { budget: image_len, areas: Vec::new() }
    }

    /// The entries of a field that begins at `position`, and of the areas that belong to it.
    pub(super) fn entries<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        position: u64,
        field: &[u8],
        faults: &mut Faults,
    ) -> Result<Vec<Entry>, ReadError> {
        let mut found = Vec::new();
        let mut starts = Vec::new();
        let mut next = split(position, field, &mut found, faults);
        while let Some((from, continuation)) = next {
            let Some((start, area)) = self.area(medium, from, &continuation, faults)? else {
                break;
            };
            if starts.contains(&start) || starts.len() == MAX_AREAS {
                let what = "continuation areas lead back, or are more than 31 of one record";
                faults.add(from, FaultKind::RockRidge { what });
                break;
            }
            starts.push(start);
            next = split(start, &area, &mut found, faults);
        }
        Ok(found)
    }

    /// The bytes of an area and where they begin; `None` when they cannot be used.
    fn area<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        position: u64,
        it: &Continuation,
        faults: &mut Faults,
    ) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        let at = |offset: u64| position.saturating_add(offset);
        both32(at(4), "block of a continuation area", it.block, faults);
        both32(at(12), "offset of a continuation area", it.offset, faults);
        both32(at(20), "length of a continuation area", it.length, faults);
        let block = u64::from(it.block.little());
        let (offset, len) = (u64::from(it.offset.little()), u64::from(it.length.little()));
        if len == 0 || offset.saturating_add(len) > SECTOR {
            // Linux reads no others.
            let what = "a continuation area is empty, or crosses the end of its sector";
            faults.add(at(12), FaultKind::RockRidge { what });
            return Ok(None);
        }
        let cost = len.max(LEAST_COST);
        let Some(left) = self.budget.checked_sub(cost) else {
            let what = "continuation areas take more bytes than the image has";
            faults.add(position, FaultKind::RockRidge { what });
            return Ok(None);
        };
        self.budget = left;
        let Some(sector) = medium.sector(block)? else {
            let what = "a continuation area lies outside the image";
            faults.add(at(4), FaultKind::RockRidge { what });
            return Ok(None);
        };
        let start = block.saturating_mul(SECTOR).saturating_add(offset);
        self.areas.push(Area { start, len, position });
        let range =
            usize::try_from(offset).ok().zip(usize::try_from(offset.saturating_add(len)).ok());
        let bytes = range.and_then(|(from, to)| sector.get(from..to)).unwrap_or_default();
        Ok(Some((start, bytes.to_vec())))
    }

    /// The areas do not overlap; their sectors are used for nothing else. Sections of one file may
    /// share a whole one.
    pub(super) fn finish(&mut self, extents: &mut Extents, faults: &mut Faults) {
        self.areas.sort_by_key(|area| (area.start, area.len, area.position));
        let (mut end, mut sector) = (0u64, None);
        let mut before: Option<&Area> = None;
        for area in &self.areas {
            let shared = before.is_some_and(|it| (it.start, it.len) == (area.start, area.len));
            if area.start < end && !shared {
                let what = "two continuation areas overlap";
                faults.add(area.position, FaultKind::RockRidge { what });
            }
            end = end.max(area.start.saturating_add(area.len));
            before = Some(area);
            let number = area.start / SECTOR;
            if sector.replace(number) != Some(number) {
                // Comes of a 32-bit block number.
                let lba = u32::try_from(number).unwrap_or(u32::MAX);
                let name = "continuation area";
                extents.add(Use::Structure, area.position, name, lba, SECTOR, faults);
            }
        }
    }
}

/// Takes a field or area apart. The answer is its `CE` entry, and where that is.
fn split(
    start: u64,
    bytes: &[u8],
    found: &mut Vec<Entry>,
    faults: &mut Faults,
) -> Option<(u64, Continuation)> {
    let mut next = None;
    let (mut position, mut rest) = (start, bytes);
    // What is shorter than a header, or zero, is filling.
    while let Ok((header, _)) = Header::read_from_prefix(rest) {
        if header.length == 0 && rest.iter().all(|byte| *byte == 0) {
            break;
        }
        let parts = rest.split_at_checked(usize::from(header.length));
        let (Some((entry, after)), 4..) = (parts, header.length) else {
            let signature = String::from_utf8_lossy(&header.signature).into_owned();
            let length = header.length;
            faults.add(position, FaultKind::SystemUse { signature, length });
            break;
        };
        if is_known(header.signature) {
            let what = "version of a system use entry";
            faults.expect(position.saturating_add(3), what, header.version, VERSION);
        }
        match header.signature {
            CE => match Continuation::read_from_bytes(entry) {
                Ok(it) if next.is_none() => next = Some((position, it)),
                Ok(_) => {
                    let what = "a second CE entry in one field or area";
                    faults.add(position, FaultKind::RockRidge { what });
                }
                Err(_) => {
                    let what = "length of a CE entry";
                    faults.expect(position.saturating_add(2), what, header.length, 28u8);
                }
            },
            ST => break,
            signature => {
                let data = entry.get(size_of::<Header>()..).unwrap_or_default().to_vec();
                found.push(Entry { position, signature, data });
            }
        }
        position = position.saturating_add(len64(entry.len()));
        rest = after;
    }
    next
}

/// True for the signatures of SUSP and RRIP, whose versions are known.
fn is_known(signature: [u8; 2]) -> bool {
    const KNOWN: [&[u8; 2]; 17] = [
        b"CE", b"PD", b"SP", b"ST", b"ER", b"ES", b"PX", b"PN", b"SL", b"NM", b"CL", b"PL", b"RE",
        b"TF", b"RR", b"SF", b"ZF",
    ];
    KNOWN.contains(&&signature)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::check::fault::Fault;

    fn continuation(block: u8, offset: u8, length: u8) -> Vec<u8> {
        let both = |it: u8| [it, 0, 0, 0, 0, 0, 0, it];
        [&b"CE\x1C\x01"[..], &both(block), &both(offset), &both(length)].concat()
    }

    /// The entries of a field at byte 0 of an image whose second sector begins with `area`, and the
    /// positions of the faults.
    fn found(field: &[u8], area: &[u8]) -> (Vec<String>, Vec<u64>) {
        let mut image = vec![0; 4096];
        image[2048..2048 + area.len()].copy_from_slice(area);
        let mut medium = Medium::new(Cursor::new(image)).unwrap();
        let (mut reader, mut faults) = (Reader::new(4096), Faults::default());
        let entries = reader.entries(&mut medium, 0, field, &mut faults).unwrap();
        reader.finish(&mut Extents::new(2), &mut faults);
        let row = |it: &Entry| {
            let signature = String::from_utf8_lossy(&it.signature).into_owned();
            format!("{signature} {} {}", it.position, it.data.len())
        };
        let positions = faults.finish().iter().map(|fault: &Fault| fault.position).collect();
        (entries.iter().map(row).collect(), positions)
    }

    #[test]
    fn fields_and_areas() {
        let field = [&b"XX\x05\x09a"[..], &continuation(1, 0, 6), b"RE\x04\x01\0"].concat();
        let names = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
        let (rows, faults) = found(&field, b"YY\x06\x01bb");
        assert_eq!((rows, faults), (names(&["XX 0 1", "RE 33 0", "YY 2048 2"]), vec![]));
        // What stands behind ST is nobody's.
        let (rows, faults) = found(b"RE\x04\x01ST\x04\x01zzzzzz", b"");
        assert_eq!((rows, faults), (names(&["RE 0 0"]), vec![]));
    }

    #[test]
    fn what_is_broken() {
        assert_eq!(found(b"AA\x03\x01x", b"").1, [0]);
        assert_eq!(found(b"AA\x09\x01x", b"").1, [0]);
        assert_eq!(found(b"RE\x04\x02", b"").1, [3]);
        // Into itself, outside, over the end, empty, a second one.
        assert_eq!(found(&continuation(1, 0, 28), &continuation(1, 0, 28)).1, [2048]);
        assert_eq!(found(&continuation(9, 0, 28), b"").1, [4]);
        let mut long = continuation(1, 0, 28);
        (long[21], long[26]) = (8, 8);
        assert_eq!(found(&long, b"").1, [12]);
        assert_eq!(found(&continuation(1, 0, 0), b"").1, [12]);
        let two = [continuation(1, 0, 4), continuation(1, 4, 4)].concat();
        assert_eq!(found(&two, b"RE\x04\x01").1, [28]);
        let mut halves = continuation(1, 0, 4);
        halves[19] = 1;
        assert_eq!(found(&halves, b"RE\x04\x01").1, [12]);
    }

    #[test]
    fn areas_that_overlap() {
        let image = vec![0; 4096];
        let mut medium = Medium::new(Cursor::new(image)).unwrap();
        let (mut reader, mut faults) = (Reader::new(4096), Faults::default());
        for (at, offset) in [(100, 0), (200, 0), (300, 20), (400, 15)] {
            let field = continuation(1, offset, 10);
            reader.entries(&mut medium, at, &field, &mut faults).unwrap();
        }
        reader.finish(&mut Extents::new(2), &mut faults);
        let positions: Vec<u64> = faults.finish().iter().map(|fault| fault.position).collect();
        assert_eq!(positions, [300]);
    }
}
