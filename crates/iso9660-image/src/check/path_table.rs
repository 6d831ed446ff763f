//! The path tables of a tree against its directories.

use std::collections::HashMap;
use std::io::{BufReader, ErrorKind, Read, Seek};

use zerocopy::{FromBytes, IntoBytes};

use crate::check::descriptor::Found;
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::name::{self, Rule};
use crate::check::survey::Survey;
use crate::disk::path_table_record::{PathRecordL, PathRecordM};
use crate::units::{SECTOR, len64};

/// A record of either table.
struct Record {
    position: u64,
    attributes: u8,
    lba: u32,
    parent: u64,
    identifier: Vec<u8>,
}

/// Holds both tables, and the optional copies, against the tree.
pub(super) fn check<R: Read + Seek>(
    medium: &mut Medium<R>,
    found: &Found,
    survey: &Survey,
    extents: &mut Extents,
    faults: &mut Faults,
) -> Result<(), ReadError> {
    let (raw, tree) = (&found.raw, survey.tree);
    let stated = u64::from(raw.path_table_size.little());
    let lengths = survey.dirs.iter().map(|dir| len64(record_len(dir.identifier.len())));
    let expected = lengths.fold(0, u64::saturating_add);
    if stated != expected && survey.listing.is_whole {
        let position = found.position.saturating_add(132);
        faults.add(position, FaultKind::PathTableSize { tree: tree.into(), stated, expected });
    }
    let mut children: HashMap<(usize, &[u8]), usize> = HashMap::new();
    for (at, dir) in survey.dirs.iter().enumerate().skip(1) {
        children.entry((dir.parent, &dir.identifier)).or_insert(at);
    }
    let tables = [
        (140, raw.path_table_l.get(), false),
        (148, raw.path_table_m.get(), true),
        (144, raw.optional_path_table_l.get(), false),
        (152, raw.optional_path_table_m.get(), true),
    ];
    let mut first: Option<Vec<usize>> = None;
    for (offset, lba, big) in tables {
        if lba == 0 && matches!(offset, 144 | 152) {
            continue;
        }
        let position = found.position.saturating_add(offset);
        if !extents.add(Use::Structure, position, "path table", lba, stated, faults) {
            continue;
        }
        let order = check_table(medium, survey, &children, (lba, stated, big), faults)?;
        match &first {
            None => first = Some(order),
            Some(first) if *first == order => {}
            Some(first) => {
                let same = first.iter().zip(&order).take_while(|(a, b)| a == b).count();
                let number = len64(same).saturating_add(1);
                faults.add(position, FaultKind::PathTablesDiffer { tree: tree.into(), number });
            }
        }
    }
    Ok(())
}

fn record_len(identifier: usize) -> usize {
    size_of::<PathRecordL>().saturating_add(identifier).next_multiple_of(2)
}

/// Reads one table; returns the directory of each record.
fn check_table<R: Read + Seek>(
    medium: &mut Medium<R>,
    survey: &Survey,
    children: &HashMap<(usize, &[u8]), usize>,
    (lba, stated, big): (u32, u64, bool),
    faults: &mut Faults,
) -> Result<Vec<usize>, ReadError> {
    let tree = survey.tree;
    let start = u64::from(lba).saturating_mul(SECTOR);
    let mut reader = BufReader::new(medium.part(start, stated));
    let mut order: Vec<usize> = Vec::new();
    let mut rules = name::rules(tree).to_vec();
    let mut previous: Option<(u64, Vec<u8>)> = None;
    let mut at = 0u64;
    let mut broken = false;
    while at < stated {
        let number = len64(order.len()).saturating_add(1);
        let position = start.saturating_add(at);
        let record = match read_record(&mut reader, position, big) {
            Ok(Some(record)) => record,
            Ok(None) => {
                faults.add(position, FaultKind::PathTableRecord { tree: tree.into(), number });
                broken = true;
                break;
            }
            Err(source) => return Err(ReadError::Io { position, source }),
        };
        at = at.saturating_add(len64(record_len(record.identifier.len())));
        let Some(dir) = identify(survey, children, &order, number, &record, faults) else {
            broken = true;
            break;
        };
        let expected = survey.dirs.get(dir).map_or(0, |dir| dir.lba);
        let attributes = survey.dirs.get(dir).map_or(0, |dir| dir.attributes);
        let what = "sectors of extended attributes in a path table";
        faults.expect(record.position.saturating_add(1), what, record.attributes, attributes);
        if record.lba != expected {
            let found = record.lba;
            let kind = FaultKind::PathTableExtent { tree: tree.into(), number, found, expected };
            faults.add(record.position.saturating_add(2), kind);
        }
        if let Some((parent, identifier)) = &previous {
            let in_order = |rule: &Rule| {
                let names = || name::compare(*rule, identifier, &record.identifier);
                parent.cmp(&record.parent).then_with(names).is_lt()
            };
            if number > 2 && !rules.iter().any(in_order) {
                faults
                    .add(record.position, FaultKind::PathTableOrder { tree: tree.into(), number });
            } else if number > 2 {
                rules.retain(in_order);
            }
        }
        previous = Some((record.parent, record.identifier));
        order.push(dir);
    }
    let end = start.saturating_add(stated);
    let unused = end.next_multiple_of(SECTOR).saturating_sub(end);
    let mut rest = vec![0; usize::try_from(unused).unwrap_or(0)];
    medium.read_at(end, &mut rest)?;
    faults.expect_zero(end, "rest of a path table's last sector", &rest);
    if broken {
        // The rest may be there and cannot be told apart.
        return Ok(order);
    }
    let mut listed = vec![false; survey.dirs.len()];
    for dir in &order {
        if let Some(slot) = listed.get_mut(*dir) {
            *slot = true;
        }
    }
    for (dir, _) in survey.dirs.iter().zip(&listed).filter(|(_, listed)| !**listed) {
        let name = name::text(tree, &dir.identifier);
        faults.add(start, FaultKind::PathTableMissing { tree: tree.into(), name });
    }
    Ok(order)
}

/// The directory that a record stands for.
fn identify(
    survey: &Survey,
    children: &HashMap<(usize, &[u8]), usize>,
    order: &[usize],
    number: u64,
    record: &Record,
    faults: &mut Faults,
) -> Option<usize> {
    let (tree, parent) = (survey.tree, record.parent);
    let unknown = || FaultKind::PathTableUnknown {
        tree: tree.into(),
        number,
        name: name::text(tree, &record.identifier),
    };
    if number == 1 {
        if record.identifier != [0] {
            faults.add(record.position.saturating_add(8), unknown());
        }
        if parent != 1 {
            let kind = FaultKind::PathTableParent { tree: tree.into(), number, parent };
            faults.add(record.position.saturating_add(6), kind);
        }
        return Some(0);
    }
    let earlier = parent.checked_sub(1).and_then(|at| usize::try_from(at).ok());
    let Some(dir) = earlier.and_then(|at| order.get(at)).copied() else {
        let kind = FaultKind::PathTableParent { tree: tree.into(), number, parent };
        faults.add(record.position.saturating_add(6), kind);
        return None;
    };
    let child = children.get(&(dir, record.identifier.as_slice())).copied();
    // It may be one that was left out.
    if child.is_none() && survey.listing.is_whole {
        faults.add(record.position, unknown());
    }
    child
}

/// The next record; `None` when it is broken.
fn read_record(
    reader: &mut impl Read,
    position: u64,
    big: bool,
) -> Result<Option<Record>, std::io::Error> {
    let mut raw = PathRecordL {
        identifier_length: 0,
        extended_attribute_length: 0,
        extent: 0.into(),
        parent: 0.into(),
    };
    if !fill(reader, raw.as_mut_bytes())? {
        return Ok(None);
    }
    let length = usize::from(raw.identifier_length);
    let (lba, parent) = if big {
        match PathRecordM::read_from_bytes(raw.as_bytes()) {
            Ok(raw) => (raw.extent.get(), raw.parent.get()),
            Err(_) => return Ok(None),
        }
    } else {
        (raw.extent.get(), raw.parent.get())
    };
    let mut identifier = vec![0; length.next_multiple_of(2)];
    if length == 0 || !fill(reader, &mut identifier)? {
        return Ok(None);
    }
    // The byte that makes the length even.
    if identifier.get(length).is_some_and(|pad| *pad != 0) {
        return Ok(None);
    }
    identifier.truncate(length);
    let attributes = raw.extended_attribute_length;
    Ok(Some(Record { position, attributes, lba, parent: u64::from(parent), identifier }))
}

/// False when the table ends before.
fn fill(reader: &mut impl Read, buf: &mut [u8]) -> std::io::Result<bool> {
    match reader.read_exact(buf) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
