//! One tree, directory by directory, every record held against the rules.

use std::collections::HashSet;
use std::io::{Read, Seek};

use zerocopy::IntoBytes;

use crate::check::date::{self, Moment};
use crate::check::descriptor::{Found, both16, both32};
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::listing::{self, Kind, Listing};
use crate::check::medium::{Medium, ReadError};
use crate::check::name::{self, Rule};
use crate::check::record::{self, Record};
use crate::check::rock_ridge::Facts;
use crate::check::rock_survey::RockSurvey;
use crate::check::walk::MAX_PATH;
use crate::disk::date::ShortDate;
use crate::disk::directory_record::{ASSOCIATED, DIRECTORY, MULTI_EXTENT};
use crate::report::{RecordTree, TreeKind};
use crate::units::SECTOR;

/// A directory as the record in its parent has it.
pub(super) struct Dir {
    /// First sector of its extent, which begins with an extended attribute record if there is one.
    pub(super) lba: u32,
    /// Sectors of the extended attribute record.
    pub(super) attributes: u8,
    /// Bytes of its records.
    pub(super) len: u32,
    /// Position in [`Survey::dirs`]; the root is its own parent.
    pub(super) parent: usize,
    /// `[0]` for the root.
    pub(super) identifier: Box<[u8]>,
    /// Where its record is.
    position: u64,
    /// Flags and date of its record, which its own record repeats.
    flags: u8,
    date: ShortDate,
    path_len: usize,
    /// Its number in the [`Listing`].
    node: usize,
}

impl Dir {
    /// First sector of its records.
    fn data(&self) -> u32 {
        self.lba.saturating_add(u32::from(self.attributes))
    }
}

/// The directories of one tree, each after its parent.
pub(super) struct Survey {
    pub(super) tree: RecordTree,
    pub(super) dirs: Vec<Dir>,
    pub(super) listing: Listing,
}

impl Survey {
    /// Reads every directory once and lists its faults; the extents of all files and directories
    /// go to `extents`.
    pub(super) fn take<R: Read + Seek>(
        medium: &mut Medium<R>,
        tree: RecordTree,
        found: &Found,
        mut rock_ridge: Option<RockSurvey>,
        extents: &mut Extents,
        faults: &mut Faults,
    ) -> Result<Self, ReadError> {
        let root = &found.raw.root.record;
        let root = Dir {
            lba: root.extent.little(),
            attributes: root.extended_attribute_length,
            len: root.data_length.little(),
            parent: 0,
            identifier: Box::new([0]),
            position: found.position.saturating_add(156),
            flags: root.flags,
            date: root.date,
            path_len: 0,
            node: listing::ROOT,
        };
        let kind = if rock_ridge.is_some() { TreeKind::RockRidge } else { tree.into() };
        let listing = Listing::new(kind, root.position);
        let mut this = Self { tree, dirs: vec![root], listing };
        let sequence = found.raw.volume_sequence_number.little();
        let mut budget = extents.sectors();
        let mut seen = HashSet::new();
        let mut at = 0usize;
        while let Some(dir) = this.dirs.get(at) {
            let name = name::text(tree, &dir.identifier);
            let (lba, len) = (dir.lba, u64::from(dir.len));
            let attributes = u64::from(dir.attributes).saturating_mul(SECTOR);
            let sectors = len.div_ceil(SECTOR);
            if len == 0 || len % SECTOR != 0 {
                let name = name.clone();
                faults.add(dir.position, FaultKind::DirectoryLength { name, len });
            }
            let whole = len.saturating_add(attributes);
            let inside = extents.add(Use::Structure, dir.position, &name, lba, whole, faults);
            let first_time = seen.insert(lba) && sectors <= budget;
            if inside && !first_time {
                faults.add(dir.position, FaultKind::DirectoryTwice { name });
            } else if inside {
                budget = budget.saturating_sub(sectors);
                this.directory(medium, at, sequence, &mut rock_ridge, extents, faults)?;
            }
            at = at.saturating_add(1);
        }
        let folders: Vec<_> = this.dirs.iter().map(|dir| (dir.lba, dir.node)).collect();
        this.listing.resolve(&folders);
        if let Some(rock_ridge) = rock_ridge {
            rock_ridge.finish(this.listing.is_whole, extents, faults);
        }
        Ok(this)
    }

    fn directory<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        at: usize,
        sequence: u16,
        rock_ridge: &mut Option<RockSurvey>,
        extents: &mut Extents,
        faults: &mut Faults,
    ) -> Result<(), ReadError> {
        let Some(dir) = self.dirs.get(at) else { return Ok(()) };
        let Some(parent) = self.dirs.get(dir.parent) else { return Ok(()) };
        let (tree, own) = (self.tree, (dir.lba, dir.len, dir.attributes));
        let same = (dir.flags, dir.date);
        self.listing.begin(dir.node);
        let most_dirs = usize::try_from(extents.sectors()).unwrap_or(usize::MAX);
        let mut found = Scan {
            tree,
            sequence,
            own,
            same,
            parent: (parent.lba, parent.len, parent.attributes),
            parent_path: dir.path_len,
            listing: &mut self.listing,
            room: most_dirs.saturating_sub(self.dirs.len()),
            at,
            number: 0,
            previous: None,
            rules: name::rules(tree).to_vec(),
            identifiers: HashSet::new(),
            chain: None,
            dirs: Vec::new(),
        };
        let (lba, len) = (u64::from(dir.data()), u64::from(dir.len));
        let within = dir.lba;
        record::for_each(medium, lba, len, faults, |medium, record, faults| {
            let number = found.number.saturating_add(1);
            let facts = match rock_ridge {
                Some(it) => it.facts(medium, (within, number), &record, faults)?,
                None => Facts::default(),
            };
            found.record(&record, &facts, extents, faults);
            Ok(())
        })?;
        found.finish(lba.saturating_mul(SECTOR), extents, faults);
        let mut dirs = found.dirs;
        self.dirs.append(&mut dirs);
        Ok(())
    }
}

const ATTRIBUTES: &str = "sectors of extended attributes in a record of a directory";

/// A file whose last section has not come yet.
struct Chain {
    identifier: Vec<u8>,
    position: u64,
    lba: u32,
    len: u64,
    /// The sections since the last gap: first sector, bytes.
    run: (u32, u64),
}

/// What is known in the middle of a directory.
struct Scan<'a> {
    tree: RecordTree,
    sequence: u16,
    /// LBA, length, and sectors of extended attributes of the directory.
    own: (u32, u32, u8),
    /// Flags and date of the directory's record in its parent.
    same: (u8, ShortDate),
    /// The same of its parent.
    parent: (u32, u32, u8),
    parent_path: usize,
    listing: &'a mut Listing,
    /// How many more directories can be: each has a sector of its own.
    room: usize,
    at: usize,
    number: u64,
    previous: Option<Vec<u8>>,
    /// The orders that all records so far are in.
    rules: Vec<Rule>,
    /// Hashes, which take less memory than the identifiers.
    identifiers: HashSet<u64>,
    chain: Option<Chain>,
    dirs: Vec<Dir>,
}

/// No record is interleaved.
fn interleaved(record: &Record<'_>, name: String, faults: &mut Faults) {
    let sizes = [record.fixed.file_unit_size, record.fixed.interleave_gap_size];
    if let Some(at) = (26..).zip(sizes).find_map(|(at, size)| (size != 0).then_some(at)) {
        faults.add(record.position.saturating_add(at), FaultKind::Interleaved { name });
    }
}

impl Scan<'_> {
    fn record(
        &mut self,
        record: &Record<'_>,
        facts: &Facts,
        extents: &mut Extents,
        faults: &mut Faults,
    ) {
        let (fixed, position) = (&record.fixed, record.position);
        let at = |offset: u64| position.saturating_add(offset);
        self.number = self.number.saturating_add(1);
        let name = name::text(self.tree, record.identifier);
        both32(at(2), "LBA of a directory record", fixed.extent, faults);
        both32(at(10), "length in a directory record", fixed.data_length, faults);
        both16(at(28), "volume of a directory record", fixed.volume_sequence_number, faults);
        if date::short(&fixed.date) == Moment::Wrong {
            faults.add(at(18), FaultKind::Date { what: "date of a directory record" });
        }
        let (found, expected) = (fixed.volume_sequence_number.little(), self.sequence);
        if found != expected {
            faults.add(at(28), FaultKind::Sequence { name: name.clone(), found, expected });
        }
        faults.expect_zero(at(25), "bits 5 and 6 of a record's flags", &[fixed.flags & 0x60]);
        match (self.number, record.identifier) {
            (1, [0]) => {
                self.dot(record, "record of the directory itself", self.own, faults);
                let (flags, date) = self.same;
                let what = "flags of a directory in its own record";
                faults.expect(at(25), what, fixed.flags, flags);
                // genisoimage gives the root the time of the image in one, of the folder in the other.
                if self.at != 0 && fixed.date.as_bytes() != date.as_bytes() {
                    faults.add(at(18), FaultKind::DatesDiffer { name });
                }
            }
            (2, [1]) => self.dot(record, "record of the parent directory", self.parent, faults),
            (1 | 2, _) => faults.add(position, FaultKind::DotMissing),
            _ => self.child(record, facts, name, extents, faults),
        }
    }

    fn dot(
        &self,
        record: &Record<'_>,
        what: &'static str,
        (lba, len, attributes): (u32, u32, u8),
        faults: &mut Faults,
    ) {
        let found = (record.fixed.extent.little(), record.fixed.data_length.little());
        let place = record.position.saturating_add(1);
        let found_attributes = record.fixed.extended_attribute_length;
        faults.expect(place, ATTRIBUTES, found_attributes, attributes);
        if found != (lba, len) {
            let ((found, found_len), (expected, expected_len)) = (found, (lba, len));
            let kind = FaultKind::Dot { what, found, found_len, expected, expected_len };
            faults.add(record.position.saturating_add(2), kind);
        }
        let what = "directory flag of a record of a directory";
        let flag = record.fixed.flags & DIRECTORY;
        faults.expect(record.position.saturating_add(25), what, flag, DIRECTORY);
        interleaved(record, name::text(self.tree, record.identifier), faults);
    }

    fn child(
        &mut self,
        record: &Record<'_>,
        facts: &Facts,
        name: String,
        extents: &mut Extents,
        faults: &mut Faults,
    ) {
        let (fixed, position) = (&record.fixed, record.position);
        let is_dir = fixed.flags & DIRECTORY != 0;
        let name_position = position.saturating_add(33);
        // A record in the place of a moved folder is that of a file, with the folder's name.
        let is_named_dir = is_dir || facts.child.is_some();
        if let Some(why) = name::problem(self.tree, record.identifier, is_named_dir) {
            let (tree, name) = (self.tree, name.clone());
            faults.add(name_position, FaultKind::Name { tree: tree.into(), name, why });
        }
        interleaved(record, name.clone(), faults);
        let chain = self.chain.take();
        let continues = chain.as_ref().is_some_and(|c| *c.identifier == *record.identifier);
        if let (Some(chain), false) = (&chain, continues) {
            let name = name::text(self.tree, &chain.identifier);
            extents.add(Use::File, chain.position, &name, chain.run.0, chain.run.1, faults);
            faults.add(chain.position, FaultKind::SectionMissing { name });
        }
        if !continues {
            self.order(record, &name, faults);
        }
        let (lba, len) = (fixed.extent.little(), fixed.data_length.little());
        let shown = facts.shown().unwrap_or_else(|| name::shown(self.tree, record.identifier));
        if is_dir {
            let kind = if facts.relocated { Kind::Moved } else { Kind::Folder };
            self.folder(record, kind, name, &shown, faults);
            return;
        }
        if let Some(folder) = facts.child {
            // Whatever it says of content is not its own.
            self.listing.add(Kind::Placeholder, position, &shown, (folder, 0));
            return;
        }
        let attributes = fixed.extended_attribute_length;
        let attributes_len = u64::from(attributes).saturating_mul(SECTOR);
        extents.add(Use::File, position, &name, lba, attributes_len, faults);
        let data = lba.saturating_add(u32::from(attributes));
        let len = u64::from(len);
        let before = chain.filter(|_| continues);
        let first = before.as_ref().map_or(data, |chain| chain.lba);
        let total = before.as_ref().map_or(0, |chain| chain.len).saturating_add(len);
        // Sections that touch are one run, so that trees that cut a file in other places share it.
        let mut run = (data, len);
        if let Some((start, before)) = before.map(|chain| chain.run) {
            let sectors = before.div_ceil(SECTOR);
            if u64::from(start).saturating_add(sectors) == u64::from(data) {
                run = (start, before.saturating_add(len));
            } else {
                extents.add(Use::File, position, &name, start, before, faults);
            }
        }
        if fixed.flags & MULTI_EXTENT != 0 {
            if len % SECTOR != 0 {
                let kind = FaultKind::SectionLength { name, len };
                faults.add(position.saturating_add(10), kind);
            }
            let identifier = record.identifier.to_vec();
            self.chain = Some(Chain { identifier, position, lba: first, len: total, run });
            return;
        }
        extents.add(Use::File, position, &name, run.0, run.1, faults);
        if self.path_len(&name) > MAX_PATH {
            faults.add(position, FaultKind::PathTooLong { path: name.clone() });
        }
        if fixed.flags & ASSOCIATED != 0 {
            return;
        }
        if facts.is_special() {
            self.listing.add(Kind::Special, position, &shown, (0, 0));
        } else {
            self.listing.add(Kind::File, position, &shown, (first, total));
        }
    }

    /// Bytes of the path of a child.
    fn path_len(&self, name: &str) -> usize {
        let separator = usize::from(self.parent_path > 0);
        self.parent_path.saturating_add(separator).saturating_add(name.len())
    }

    fn order(&mut self, record: &Record<'_>, name: &str, faults: &mut Faults) {
        let id = record.identifier;
        let position = record.position.saturating_add(33);
        let associated = record.fixed.flags & ASSOCIATED != 0;
        if !self.identifiers.insert(listing::hash((id, associated))) {
            faults.add(position, FaultKind::Duplicate { name: name.to_owned() });
        }
        if let Some(previous) = self.previous.replace(id.to_vec()) {
            let in_order = |rule: &Rule| name::compare(*rule, &previous, id).is_le();
            if !self.rules.iter().any(in_order) {
                faults.add(position, FaultKind::Order { name: name.to_owned() });
            } else {
                self.rules.retain(in_order);
            }
        }
    }

    fn folder(
        &mut self,
        record: &Record<'_>,
        kind: Kind,
        name: String,
        shown: &str,
        faults: &mut Faults,
    ) {
        let node = self.listing.add(kind, record.position, shown, (0, 0));
        let path_len = self.path_len(&name);
        if path_len > MAX_PATH {
            faults.add(record.position, FaultKind::PathTooLong { path: name });
            self.listing.is_whole = false;
            return;
        }
        if self.dirs.len() >= self.room {
            faults.add(record.position, FaultKind::TooManyFolders { name });
            self.listing.is_whole = false;
            return;
        }
        self.dirs.push(Dir {
            node,
            lba: record.fixed.extent.little(),
            attributes: record.fixed.extended_attribute_length,
            len: record.fixed.data_length.little(),
            parent: self.at,
            identifier: record.identifier.into(),
            position: record.position,
            flags: record.fixed.flags,
            date: record.fixed.date,
            path_len,
        });
    }

    fn finish(&mut self, start: u64, extents: &mut Extents, faults: &mut Faults) {
        if self.number < 2 {
            faults.add(start, FaultKind::DotMissing);
        }
        if let Some(chain) = self.chain.take() {
            let name = name::text(self.tree, &chain.identifier);
            extents.add(Use::File, chain.position, &name, chain.run.0, chain.run.1, faults);
            faults.add(chain.position, FaultKind::SectionMissing { name });
        }
    }
}
