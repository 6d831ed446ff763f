//! The UDF tree, directory by directory, held against the rules.

use std::collections::{HashMap, HashSet};
use std::io::{Read, Seek};

use crate::check::extents::{Extents, Use};
use crate::check::fault::{FaultKind, Faults};
use crate::check::listing::{self, Kind, Listing};
use crate::check::medium::{Medium, ReadError};
use crate::check::udf_file::{self, Found, Identifier};
use crate::check::udf_volume::Udf;
use crate::check::walk::{MAX_PATH, Section};
use crate::disk::udf_file::{FOLDER, PARENT};
use crate::report::TreeKind;
use crate::units::SECTOR;

/// An entry that was read.
struct Known {
    position: u64,
    is_folder: bool,
    is_special: bool,
    stated_links: u16,
    /// Identifiers that lead to it.
    links: u64,
    unique_id: u64,
    /// First sector of the content, and its length.
    lba: u32,
    len: u64,
}

/// A directory that is still to be read.
struct Waiting {
    block: u32,
    /// Of its parent; the root is its own.
    parent: u32,
    /// Where the identifier is that leads to it.
    position: u64,
    name: String,
    /// Its number in the [`Listing`].
    node: usize,
    path_len: usize,
    /// Bytes of its identifiers.
    len: u64,
}

/// What is known in the middle of the tree.
struct Survey<'a> {
    udf: &'a Udf,
    extents: &'a mut Extents,
    known: HashMap<u32, Known>,
    /// Position of the entry by unique id.
    unique_ids: HashMap<u64, u64>,
    waiting: Vec<Waiting>,
    listing: Listing,
    files: u64,
    /// Runs of content behind the first of their entry that are still kept. Files do not overlap, so
    /// there are no more than sectors.
    more_runs: u64,
}

/// Reads every directory and entry once and lists its faults; what they use goes to `extents`.
pub(super) fn take<R: Read + Seek>(
    medium: &mut Medium<R>,
    udf: &Udf,
    extents: &mut Extents,
    faults: &mut Faults,
) -> Result<Listing, ReadError> {
    udf.check(extents, faults);
    let mut budget = medium.len();
    let known = HashMap::new();
    let (unique_ids, waiting) = (HashMap::new(), Vec::new());
    let listing = Listing::new(TreeKind::Udf, udf.sector(udf.root).saturating_mul(SECTOR));
    let more_runs = extents.sectors();
    let mut this =
        Survey { udf, extents, known, unique_ids, waiting, listing, files: 0, more_runs };
    if let Some(found) = this.entry(medium, udf.root, "root", faults)? {
        if found.is_folder {
            let (position, name, len) = (found.position, "root".to_owned(), found.len);
            let (block, parent) = (udf.root, udf.root);
            let node = listing::ROOT;
            let root = Waiting { block, parent, position, name, node, path_len: 0, len };
            this.waiting.push(root);
        } else {
            faults.add(found.position, FaultKind::Udf { what: "the root is no directory" });
        }
    }
    while let Some(folder) = this.waiting.pop() {
        if folder.len > budget {
            let name = folder.name;
            faults.add(folder.position, FaultKind::DirectoryTwice { name });
            this.listing.is_whole = false;
            continue;
        }
        budget = budget.saturating_sub(folder.len);
        // Again, for its sections: those of all that wait would take more than their entries do.
        let found = udf_file::entry(medium, udf, folder.block, &mut Faults::default())?;
        let Some(found) = found else { continue };
        this.directory(medium, &folder, &found, faults)?;
    }
    // What was left out has links and counts of its own.
    if this.listing.is_whole {
        this.totals(faults);
    }
    Ok(this.listing)
}

impl Survey<'_> {
    /// Reads an entry that is met for the first time.
    fn entry<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        block: u32,
        name: &str,
        faults: &mut Faults,
    ) -> Result<Option<Found>, ReadError> {
        let Some(found) = udf_file::entry(medium, self.udf, block, faults)? else {
            return Ok(None);
        };
        let position = found.position;
        let sector = u32::try_from(position / SECTOR).unwrap_or(u32::MAX);
        self.extents.add(Use::Structure, position, name, sector, SECTOR, faults);
        let used_for = if found.is_folder { Use::Structure } else { Use::File };
        let lba = |section: &Section| u32::try_from(section.start / SECTOR).unwrap_or(u32::MAX);
        if !found.inline {
            for (number, run) in joined(&found.sections).into_iter().enumerate() {
                let cost = u64::from(number > 0);
                let Some(left) = self.more_runs.checked_sub(cost) else {
                    let what = "file entries with more extents than the volume has sectors";
                    faults.add(position, FaultKind::Udf { what });
                    break;
                };
                self.more_runs = left;
                self.extents.add(used_for, position, name, lba(&run), run.len, faults);
            }
        }
        if let Some(other) = self.unique_ids.insert(found.unique_id, position) {
            let kind = FaultKind::UdfUniqueId { id: found.unique_id, other };
            faults.add(found.unique_id_at, kind);
        }
        // Numbers below 16 are kept for the root, which has 0 (UDF 1.02, 3.2.1.1).
        let (id, root) = (found.unique_id, block == self.udf.root);
        if root && id != 0 || !root && id < 16 {
            let what = if root { "unique id of the root" } else { "unique id of a file entry" };
            faults.expect(found.unique_id_at, what, id, if root { 0u8 } else { 16 });
        }
        let known = Known {
            position,
            is_folder: found.is_folder,
            is_special: found.is_special,
            stated_links: found.links,
            links: 0,
            unique_id: found.unique_id,
            lba: found.sections.first().map_or(0, lba),
            len: found.len,
        };
        self.known.insert(block, known);
        Ok(Some(found))
    }

    fn directory<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        folder: &Waiting,
        found: &Found,
        faults: &mut Faults,
    ) -> Result<(), ReadError> {
        self.listing.begin(folder.node);
        // Hashes, which take less memory than the names.
        let mut names = HashSet::new();
        let (mut parents, mut number) = (0u64, 0u64);
        let udf = self.udf;
        udf_file::identifiers(medium, udf, found, faults, |medium, identifier, faults| {
            number = number.saturating_add(1);
            let position = identifier.position;
            if identifier.characteristics & PARENT != 0 {
                parents = parents.saturating_add(1);
                if number != 1 {
                    let what = "an identifier of the parent that is not the first";
                    faults.add(position, FaultKind::Udf { what });
                }
                let what = "block of the parent in a file identifier";
                let place = position.saturating_add(24);
                faults.expect(place, what, identifier.block, folder.parent);
                self.link(identifier, faults);
                return Ok(());
            }
            let name = udf_file::shown(identifier.name);
            let name_position = position.saturating_add(38);
            if let Some(why) = udf_file::problem(identifier.name) {
                let kind = FaultKind::Name { tree: TreeKind::Udf, name: name.clone(), why };
                faults.add(name_position, kind);
            }
            if !names.insert(listing::hash(identifier.name)) {
                faults.add(name_position, FaultKind::Duplicate { name: name.clone() });
            }
            self.child(medium, folder, identifier, name, faults)
        })?;
        if parents == 0 {
            let what = "a directory without an identifier of its parent";
            faults.add(found.position, FaultKind::Udf { what });
        }
        Ok(())
    }

    fn child<R: Read + Seek>(
        &mut self,
        medium: &mut Medium<R>,
        folder: &Waiting,
        identifier: &Identifier<'_>,
        name: String,
        faults: &mut Faults,
    ) -> Result<(), ReadError> {
        let position = identifier.position;
        let new = match self.known.contains_key(&identifier.block) {
            true => None,
            false => self.entry(medium, identifier.block, &name, faults)?,
        };
        self.link(identifier, faults);
        let Some(known) = self.known.get(&identifier.block) else { return Ok(()) };
        if known.is_folder != (identifier.characteristics & FOLDER != 0) {
            let what = "a file identifier and its entry differ about being a directory";
            faults.add(position.saturating_add(18), FaultKind::Udf { what });
        }
        if !known.is_folder {
            self.files = self.files.saturating_add(1);
            if folder.path_len.saturating_add(name.len()) > MAX_PATH {
                faults.add(position, FaultKind::PathTooLong { path: name.clone() });
            }
            let kind = if known.is_special { Kind::Special } else { Kind::File };
            self.listing.add(kind, position, &name, (known.lba, known.len));
            return Ok(());
        }
        let Some(found) = new else {
            faults.add(position, FaultKind::DirectoryTwice { name });
            return Ok(());
        };
        let node = self.listing.add(Kind::Folder, position, &name, (0, 0));
        let path_len = folder.path_len.saturating_add(name.len()).saturating_add(1);
        if path_len > MAX_PATH {
            faults.add(position, FaultKind::PathTooLong { path: name });
            self.listing.is_whole = false;
            return Ok(());
        }
        let (block, parent) = (identifier.block, folder.block);
        let waiting = Waiting { block, parent, position, name, node, path_len, len: found.len };
        self.waiting.push(waiting);
        Ok(())
    }

    /// Counts an identifier for the entry it leads to.
    fn link(&mut self, identifier: &Identifier<'_>, faults: &mut Faults) {
        let Some(known) = self.known.get_mut(&identifier.block) else { return };
        known.links = known.links.saturating_add(1);
        // Up to UDF 1.50 the copy may be left out.
        let own = known.unique_id & u64::from(u32::MAX);
        if identifier.unique_id != 0 && u64::from(identifier.unique_id) != own {
            let what = "unique id in a file identifier";
            let place = identifier.position.saturating_add(32);
            faults.expect(place, what, identifier.unique_id, own);
        }
    }

    fn totals(&self, faults: &mut Faults) {
        let mut known: Vec<&Known> = self.known.values().collect();
        known.sort_by_key(|known| known.position);
        for known in &known {
            let what = "link count of a UDF file entry";
            let place = known.position.saturating_add(48);
            faults.expect(place, what, known.stated_links, known.links);
        }
        let Some((position, integrity)) = &self.udf.integrity else { return };
        let at = |offset: u64| position.saturating_add(offset);
        if integrity.implementation_use_len.get() < 46 {
            return;
        }
        let folders = known.iter().filter(|known| known.is_folder).count();
        let entries = known.len().saturating_sub(folders);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let stated = u64::from(integrity.files.get());
        // Several names of one file are counted by some.
        if stated != count(entries) {
            let what = "number of files in the integrity descriptor";
            faults.expect(at(120), what, stated, self.files);
        }
        let what = "number of directories in the integrity descriptor";
        faults.expect(at(124), what, integrity.folders.get(), count(folders));
        let last = known.iter().map(|known| known.unique_id).max().unwrap_or(0);
        if integrity.unique_id.get() <= last {
            let what = "next unique id in the integrity descriptor";
            faults.expect(at(40), what, integrity.unique_id.get(), last.saturating_add(1));
        }
    }
}

/// The sections with those that touch made one.
fn joined(sections: &[Section]) -> Vec<Section> {
    let mut runs: Vec<Section> = Vec::new();
    for section in sections {
        match runs.last_mut() {
            Some(last) if last.start.saturating_add(last.len) == section.start => {
                last.len = last.len.saturating_add(section.len);
            }
            _ => runs.push(*section),
        }
    }
    runs
}
