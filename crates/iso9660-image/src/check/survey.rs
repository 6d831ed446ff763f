//! One tree, directory by directory, every record held against the rules.

use std::collections::HashSet;
use std::io::{Read, Seek};

use crate::check::compare::Listing;
use crate::check::date::{self, Moment};
use crate::check::descriptor::{Found, both16, both32};
use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::name::{self, Rule};
use crate::check::record::{self, Record};
use crate::check::walk::MAX_PATH;
use crate::disk::directory_record::{ASSOCIATED, DIRECTORY, MULTI_EXTENT};
use crate::report::RecordTree;
use crate::units::SECTOR;

/// A directory as the record in its parent has it.
pub(super) struct Dir {
    pub(super) lba: u32,
    pub(super) len: u32,
    /// Position in [`Survey::dirs`]; the root is its own parent.
    pub(super) parent: usize,
    /// `[0]` for the root.
    pub(super) identifier: Vec<u8>,
    /// Where its record is.
    position: u64,
    path_len: usize,
    /// [`Listing::key`] of its path.
    path: u64,
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
        extents: &mut Extents,
        faults: &mut Faults,
    ) -> Result<Self, ReadError> {
        let root = &found.raw.root.record;
        let root = Dir {
            lba: root.extent.little(),
            len: root.data_length.little(),
            parent: 0,
            identifier: vec![0],
            position: found.position.saturating_add(156),
            path_len: 0,
            path: Listing::ROOT,
        };
        let mut this = Self { tree, dirs: vec![root], listing: Listing::default() };
        let sequence = found.raw.volume_sequence_number.little();
        let mut budget = extents.sectors();
        let mut seen = HashSet::new();
        let mut at = 0usize;
        while let Some(dir) = this.dirs.get(at) {
            let name = name::text(tree, &dir.identifier);
            let (lba, len) = (dir.lba, u64::from(dir.len));
            let sectors = len.div_ceil(SECTOR);
            if len == 0 || len % SECTOR != 0 {
                let name = name.clone();
                faults.add(dir.position, FaultKind::DirectoryLength { name, len });
            }
            let inside = extents.add(Use::Structure, dir.position, &name, lba, len, faults);
            let first_time = seen.insert(lba) && sectors <= budget;
            if inside && !first_time {
                faults.add(dir.position, FaultKind::DirectoryTwice { name });
            } else if inside {
                budget = budget.saturating_sub(sectors);
                this.directory(medium, at, sequence, extents, faults)?;
            }
            at = at.saturating_add(1);
        }
        Ok(this)
    }

    fn directory<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        at: usize,
        sequence: u16,
        extents: &mut Extents,
        faults: &mut Faults,
    ) -> Result<(), ReadError> {
        let Some(dir) = self.dirs.get(at) else { return Ok(()) };
        let Some(parent) = self.dirs.get(dir.parent) else { return Ok(()) };
        let (tree, own) = (self.tree, (dir.lba, dir.len));
        let mut found = Scan {
            tree,
            sequence,
            own,
            parent: (parent.lba, parent.len),
            parent_path: dir.path_len,
            path: dir.path,
            listing: &mut self.listing,
            at,
            number: 0,
            previous: None,
            rules: name::rules(tree).to_vec(),
            identifiers: HashSet::new(),
            chain: None,
            dirs: Vec::new(),
        };
        let (lba, len) = (u64::from(dir.lba), u64::from(dir.len));
        record::for_each(medium, lba, len, faults, |record, faults| {
            found.record(&record, extents, faults);
        })?;
        found.finish(lba.saturating_mul(SECTOR), extents, faults);
        let mut dirs = found.dirs;
        self.dirs.append(&mut dirs);
        Ok(())
    }
}

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
    /// LBA and length of the directory.
    own: (u32, u32),
    /// LBA and length of its parent.
    parent: (u32, u32),
    parent_path: usize,
    /// [`Listing::key`] of its path.
    path: u64,
    listing: &'a mut Listing,
    at: usize,
    number: u64,
    previous: Option<Vec<u8>>,
    /// The orders that all records so far are in.
    rules: Vec<Rule>,
    identifiers: HashSet<(Vec<u8>, bool)>,
    chain: Option<Chain>,
    dirs: Vec<Dir>,
}

impl Scan<'_> {
    fn record(&mut self, record: &Record<'_>, extents: &mut Extents, faults: &mut Faults) {
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
            (1, [0]) => self.dot(record, "record of the directory itself", self.own, faults),
            (2, [1]) => self.dot(record, "record of the parent directory", self.parent, faults),
            (1 | 2, _) => faults.add(position, FaultKind::DotMissing),
            _ => self.child(record, name, extents, faults),
        }
    }

    fn dot(&self, record: &Record<'_>, what: &'static str, must: (u32, u32), faults: &mut Faults) {
        let found = (record.fixed.extent.little(), record.fixed.data_length.little());
        if found != must {
            let ((found, found_len), (expected, expected_len)) = (found, must);
            let kind = FaultKind::Dot { what, found, found_len, expected, expected_len };
            faults.add(record.position.saturating_add(2), kind);
        }
        let what = "directory flag of a record of a directory";
        let flag = record.fixed.flags & DIRECTORY;
        faults.expect(record.position.saturating_add(25), what, flag, DIRECTORY);
    }

    fn child(
        &mut self,
        record: &Record<'_>,
        name: String,
        extents: &mut Extents,
        faults: &mut Faults,
    ) {
        let (fixed, position) = (&record.fixed, record.position);
        let is_dir = fixed.flags & DIRECTORY != 0;
        let name_position = position.saturating_add(33);
        if let Some(why) = name::problem(self.tree, record.identifier, is_dir) {
            let (tree, name) = (self.tree, name.clone());
            faults.add(name_position, FaultKind::Name { tree: tree.into(), name, why });
        }
        if fixed.file_unit_size != 0 || fixed.interleave_gap_size != 0 {
            let kind = FaultKind::Interleaved { name: name.clone() };
            faults.add(position.saturating_add(26), kind);
        }
        let chain = self.chain.take();
        let continues = chain.as_ref().is_some_and(|c| c.identifier == record.identifier);
        if let (Some(chain), false) = (&chain, continues) {
            let name = name::text(self.tree, &chain.identifier);
            extents.add(Use::File, chain.position, &name, chain.run.0, chain.run.1, faults);
            faults.add(chain.position, FaultKind::SectionMissing { name });
        }
        if !continues {
            self.order(record, &name, faults);
        }
        let (lba, len) = (fixed.extent.little(), fixed.data_length.little());
        if is_dir {
            self.folder(record, name, faults);
            return;
        }
        let xar = u32::from(fixed.extended_attribute_length);
        let data = lba.saturating_add(xar);
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
        let path = Listing::key(self.path, &name::shown(self.tree, record.identifier));
        self.listing.file(position, path, &name, first, total);
        extents.add_file(self.tree, position, &name, first, total, faults);
    }

    fn order(&mut self, record: &Record<'_>, name: &str, faults: &mut Faults) {
        let id = record.identifier;
        let position = record.position.saturating_add(33);
        let associated = record.fixed.flags & ASSOCIATED != 0;
        if !self.identifiers.insert((id.to_vec(), associated)) {
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

    fn folder(&mut self, record: &Record<'_>, name: String, faults: &mut Faults) {
        self.listing.folder();
        let separator = usize::from(self.parent_path > 0);
        let path_len = self.parent_path.saturating_add(separator).saturating_add(name.len());
        if path_len > MAX_PATH {
            faults.add(record.position, FaultKind::PathTooLong { path: name });
            return;
        }
        let path = Listing::key(self.path, &name::shown(self.tree, record.identifier));
        self.dirs.push(Dir {
            path,
            lba: record.fixed.extent.little(),
            len: record.fixed.data_length.little(),
            parent: self.at,
            identifier: record.identifier.to_vec(),
            position: record.position,
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
            extents.add_file(self.tree, chain.position, &name, chain.lba, chain.len, faults);
            faults.add(chain.position, FaultKind::SectionMissing { name });
        }
    }
}
