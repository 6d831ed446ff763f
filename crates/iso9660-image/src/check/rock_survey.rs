//! Rock Ridge over all directories of the primary tree: names, and folders that were moved.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use crate::check::extents::Extents;
use crate::check::fault::{FaultKind, Faults};
use crate::check::listing;
use crate::check::medium::{Medium, ReadError};
use crate::check::record::Record;
use crate::check::rock_ridge::{Facts, RockRidge};
use crate::check::susp::Reader;
use crate::disk::directory_record::{ASSOCIATED, MULTI_EXTENT};

/// A record that tells of a moved folder.
struct Told {
    /// Where the record, or its entry, is.
    position: u64,
    /// First sector of the directory that the record is in.
    within: u32,
    /// First sector of the folder that it leads to.
    folder: u32,
}

/// Collects what the directories say, one by one.
pub(super) struct RockSurvey {
    rock_ridge: RockRidge,
    reader: Reader,
    root: u32,
    /// Records with `CL`.
    places: Vec<Told>,
    /// Records with `RE`.
    moved: Vec<Told>,
    /// `PL` entries.
    parents: Vec<Told>,
    /// Hashes of the names of the directory whose turn it is.
    names: HashSet<u64>,
    /// Of the record before: hashes of its identifier and name, whether another section follows.
    before: Option<(u64, Option<u64>, bool)>,
}

impl RockSurvey {
    /// `root` is the first sector of the root directory.
    pub(super) fn new(rock_ridge: RockRidge, root: u32, image_len: u64) -> Self {
        let (places, moved, parents) = (Vec::new(), Vec::new(), Vec::new());
        let (reader, names) = (Reader::new(image_len), HashSet::new());
        Self { rock_ridge, reader, root, places, moved, parents, names, before: None }
    }

    /// What Rock Ridge says of a record, the `number`th from 1 on of the directory at `within`.
    pub(super) fn facts<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        (within, number): (u32, u64),
        record: &Record<'_>,
        faults: &mut Faults,
    ) -> Result<Facts, ReadError> {
        let is_root = within == self.root && number == 1;
        let facts = self.rock_ridge.facts(medium, &mut self.reader, record, is_root, faults)?;
        if number == 1 {
            self.names.clear();
            self.before = None;
        }
        if !record.is_dot() && record.fixed.flags & ASSOCIATED == 0 {
            self.check_name(record, &facts, faults);
        }
        if let Some(folder) = facts.child {
            self.places.push(Told { position: record.position, within, folder });
        }
        // The folder of moved ones may say so of itself, too.
        if facts.relocated && !record.is_dot() {
            let folder = record.fixed.extent.little();
            self.moved.push(Told { position: record.position, within, folder });
        }
        if let Some((position, folder)) = facts.parent {
            self.parents.push(Told { position, within, folder });
        }
        Ok(facts)
    }

    /// No name is there twice, and the sections of a file have the same.
    fn check_name(&mut self, record: &Record<'_>, facts: &Facts, faults: &mut Faults) {
        let identifier = listing::hash(record.identifier);
        let name = facts.name.as_deref();
        let hash = name.map(listing::hash);
        let goes_on = record.fixed.flags & MULTI_EXTENT != 0;
        let before = self.before.replace((identifier, hash, goes_on));
        match before.filter(|(other, _, goes_on)| *goes_on && *other == identifier) {
            Some((_, before, _)) if before != hash => {
                let what = "the sections of a file have different names";
                faults.add(record.position, FaultKind::RockRidge { what });
            }
            Some(_) => {}
            // Moved folders are listed elsewhere.
            None if facts.relocated => {}
            None => {
                if let Some(name) = name.filter(|name| !self.names.insert(listing::hash(*name))) {
                    // As long as a name may be on Linux; here it may be sixteen times as long.
                    let name = name.get(..255).unwrap_or(name);
                    let name = String::from_utf8_lossy(name).into_owned();
                    faults.add(record.position, FaultKind::Duplicate { name });
                }
            }
        }
    }

    /// Holds moved folders against the places where they belong, unless some were left out.
    pub(super) fn finish(mut self, is_whole: bool, extents: &mut Extents, faults: &mut Faults) {
        self.reader.finish(extents, faults);
        if !is_whole {
            return;
        }
        let moved: HashSet<u32> = self.moved.iter().map(|told| told.folder).collect();
        let parents: HashMap<u32, u32> =
            self.parents.iter().map(|told| (told.within, told.folder)).collect();
        let mut placed = HashSet::new();
        for place in &self.places {
            let back = parents.get(&place.folder) == Some(&place.within);
            let what = match (moved.contains(&place.folder), placed.insert(place.folder)) {
                (false, _) => "CL leads to no folder with RE",
                (true, false) => "two CL lead to the same folder",
                (true, true) if !back => "CL leads to a folder whose PL does not lead back",
                (true, true) => continue,
            };
            faults.add(place.position, FaultKind::RockRidge { what });
        }
        for told in &self.moved {
            // A folder of the root that is there for moved ones alone may be marked too, so that
            // nobody lists it.
            let holder = told.within == self.root && !parents.contains_key(&told.folder);
            if !placed.contains(&told.folder) && !holder {
                let what = "RE is in the record of a folder that no CL leads to";
                faults.add(told.position, FaultKind::RockRidge { what });
            }
        }
        for told in self.parents.iter().filter(|told| !moved.contains(&told.within)) {
            let what = "PL is in a folder without RE";
            faults.add(told.position, FaultKind::RockRidge { what });
        }
    }
}
