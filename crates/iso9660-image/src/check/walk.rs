//! The files of an image, read as a careful reader would: what is broken is an error, what only
//! breaks a rule is not seen.

use std::collections::HashSet;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use extent_image::Timestamp;

use crate::check::date;
use crate::check::fault::Faults;
use crate::check::medium::{Medium, ReadError};
use crate::check::rock_ridge::{self, Facts, RockRidge};
use crate::check::susp::Reader;
use crate::check::udf_file::{self, Found};
use crate::check::udf_volume::Udf;
use crate::check::{name, record};
use crate::disk::directory_record::{ASSOCIATED, DIRECTORY, DirectoryRecord, HIDDEN, MULTI_EXTENT};
use crate::disk::udf_file::{HIDDEN as UDF_HIDDEN, PARENT};
use crate::report::RecordTree;
use crate::units::{Lba, SECTOR, len64};

/// Longest path that is followed, in bytes of UTF-8. Windows ends at 32,767 UTF-16 units for all of
/// a path; images that nest deeper have been made to exhaust readers.
pub(super) const MAX_PATH: usize = 16 * 1024;

/// A run of bytes of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    /// Offset of the first byte in the image.
    pub(super) start: u64,
    /// Bytes.
    pub(super) len: u64,
}

impl Section {
    fn of_record(lba: u32, len: u32) -> Self {
        Self { start: Lba::new(lba).byte_offset(), len: u64::from(len) }
    }

    fn lba(self) -> Lba {
        // Offsets come of 32-bit sector numbers.
        Lba::new(u32::try_from(self.start / SECTOR).unwrap_or(u32::MAX))
    }
}

/// A file or directory of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    path: String,
    is_dir: bool,
    hidden: bool,
    modified: Option<Timestamp>,
    mode: Option<u32>,
    /// In order; one, but for long files.
    sections: Vec<Section>,
}

impl Entry {
    /// Path from the root, `/` between names and none in front. Versions (`;1`) are left out; what
    /// would make a name another path (`/`, `..`) is U+FFFD.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True for a directory.
    pub fn is_dir(&self) -> bool {
        self.is_dir
    }

    /// Left out of ordinary listings.
    pub fn hidden(&self) -> bool {
        self.hidden
    }

    /// Time of the record, if there is one.
    pub fn modified(&self) -> Option<Timestamp> {
        self.modified
    }

    /// File type and permissions as POSIX has them in `st_mode`; only where Rock Ridge says so.
    pub fn mode(&self) -> Option<u32> {
        self.mode
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        let lengths = self.sections.iter().map(|section| section.len);
        lengths.fold(0, u64::saturating_add)
    }

    /// First sector of the content. In UDF an empty file has none: 0.
    pub fn lba(&self) -> Lba {
        self.sections.first().map_or(Lba::new(0), |section| section.lba())
    }
}

/// An entry whose path is not yet spelt out.
struct Pending<'a> {
    parent: Arc<str>,
    name: String,
    body: Body<'a>,
}

enum Body<'a> {
    Record {
        tree: RecordTree,
        entry: Entry,
        /// First sector of the folder in whose place the record stands.
        child: Option<u32>,
    },
    /// A file entry that is not read yet.
    Udf { udf: &'a Udf, block: u32, hidden: bool },
}

/// Every file and directory of one tree, each directory before what it holds, in the order of the
/// records. The root itself is not among them.
///
/// Memory: what waits is kept by name, some 200 bytes for each. In UDF an [`Entry`] may hold up to
/// 234 sections, 16 bytes each; it is read when its turn comes.
pub struct Walk<'a, R> {
    medium: &'a mut Medium<R>,
    pending: Vec<Pending<'a>>,
    /// First sectors of directories, or, in UDF, the blocks of their entries.
    seen: HashSet<u32>,
    /// Directory sectors that may still be read: an image does not hold more than it has.
    budget: u64,
    /// In its tree.
    rock_ridge: Option<(RockRidge, Reader)>,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    pub(super) fn records(
        medium: &'a mut Medium<R>,
        tree: RecordTree,
        rock_ridge: Option<RockRidge>,
        root: &DirectoryRecord,
    ) -> Result<Self, ReadError> {
        let mut walk = Self::new(medium);
        let reader = Reader::new(walk.medium.len());
        walk.rock_ridge = rock_ridge.map(|it| (it, reader));
        let start = root.extent.little();
        let start = start.saturating_add(u32::from(root.extended_attribute_length));
        let root = Section::of_record(start, root.data_length.little());
        walk.read_records(tree, &Arc::from(""), root)?;
        Ok(walk)
    }

    pub(super) fn udf(medium: &'a mut Medium<R>, udf: &'a Udf) -> Result<Self, ReadError> {
        let mut walk = Self::new(medium);
        let root = walk.udf_entry(udf, "", udf.root)?;
        walk.read_identifiers(udf, &Arc::from(""), udf.root, &root)?;
        Ok(walk)
    }

    fn new(medium: &'a mut Medium<R>) -> Self {
        let budget = medium.len() / SECTOR;
        Self { medium, pending: Vec::new(), seen: HashSet::new(), budget, rock_ridge: None }
    }

    /// Takes a directory from the budget; false when it was read before or lies outside.
    fn may_read(&mut self, key: u32, sections: &[Section]) -> bool {
        let len = self.medium.len();
        let inside = |s: &Section| s.start.checked_add(s.len).is_some_and(|end| end <= len);
        let sectors = sections.iter().map(|section| section.len.div_ceil(SECTOR));
        let sectors = sectors.fold(0, u64::saturating_add);
        let may = sections.iter().all(inside) && sectors <= self.budget && self.seen.insert(key);
        self.budget = self.budget.saturating_sub(if may { sectors } else { 0 });
        may
    }

    /// Puts the entries of a directory before all others that wait.
    fn read_records(
        &mut self,
        tree: RecordTree,
        path: &Arc<str>,
        section: Section,
    ) -> Result<(), ReadError> {
        if !self.may_read(section.lba().sector(), &[section]) {
            let position = section.start;
            return Err(ReadError::Directory { path: path.to_string(), position });
        }
        let rock_ridge = &mut self.rock_ridge;
        let mut found = Vec::<Pending<'_>>::new();
        let mut unfinished: Option<Vec<u8>> = None;
        let each = |medium: &mut Medium<R>, record: record::Record<'_>, faults: &mut Faults| {
            let (fixed, id) = (&record.fixed, record.identifier);
            // The directory's records of itself and its parent, wherever they stand.
            if record.is_dot() || fixed.flags & ASSOCIATED != 0 {
                return Ok(());
            }
            let facts = match rock_ridge {
                Some((it, reader)) => it.facts(medium, reader, &record, false, faults)?,
                None => Facts::default(),
            };
            if facts.relocated {
                // It is listed where it belongs.
                return Ok(());
            }
            let start = fixed.extent.little();
            let start = start.saturating_add(u32::from(fixed.extended_attribute_length));
            let section = Section::of_record(start, fixed.data_length.little());
            let continues = unfinished.as_deref() == Some(id);
            unfinished = (fixed.flags & MULTI_EXTENT != 0).then(|| id.to_vec());
            if let (true, Some(Body::Record { entry: last, .. })) =
                (continues, found.last_mut().map(|last| &mut last.body))
            {
                last.sections.push(section);
                return Ok(());
            }
            let entry = Entry {
                path: String::new(),
                is_dir: fixed.flags & DIRECTORY != 0 || facts.child.is_some(),
                hidden: fixed.flags & HIDDEN != 0,
                modified: facts.modified.or(date::short(&fixed.date).known()),
                mode: facts.mode,
                sections: vec![section],
            };
            let name = facts.shown().unwrap_or_else(|| name::shown(tree, id));
            found.push(Pending {
                parent: Arc::clone(path),
                name,
                body: Body::Record { tree, entry, child: facts.child },
            });
            Ok(())
        };
        let (from, len) = (section.start / SECTOR, section.len);
        record::for_each(self.medium, from, len, &mut Faults::default(), each)?;
        self.pending.extend(found.into_iter().rev());
        Ok(())
    }

    fn udf_entry(&mut self, udf: &Udf, path: &str, block: u32) -> Result<Found, ReadError> {
        let found = udf_file::entry(self.medium, udf, block, &mut Faults::default())?;
        found.ok_or_else(|| {
            let position = udf.sector(block).saturating_mul(SECTOR);
            ReadError::Udf { path: path.to_owned(), position }
        })
    }

    /// The same for a directory of UDF.
    fn read_identifiers(
        &mut self,
        udf: &'a Udf,
        path: &Arc<str>,
        block: u32,
        folder: &Found,
    ) -> Result<(), ReadError> {
        if !folder.is_folder || !self.may_read(block, &folder.sections) {
            let position = folder.position;
            return Err(ReadError::Directory { path: path.to_string(), position });
        }
        let before = self.pending.len();
        let (medium, pending) = (&mut *self.medium, &mut self.pending);
        udf_file::identifiers(medium, udf, folder, &mut Faults::default(), |_, it, _| {
            if it.characteristics & PARENT == 0 {
                let hidden = it.characteristics & UDF_HIDDEN != 0;
                let (parent, name) = (Arc::clone(path), udf_file::shown(it.name));
                let body = Body::Udf { udf, block: it.block, hidden };
                pending.push(Pending { parent, name, body });
            }
            Ok(())
        })?;
        // The next is the last.
        self.pending.get_mut(before..).unwrap_or_default().reverse();
        Ok(())
    }

    fn step(&mut self, pending: Pending<'a>) -> Result<Entry, ReadError> {
        let Pending { parent, name, body } = pending;
        let path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        if path.len() > MAX_PATH {
            let path = path.chars().take(100).collect();
            return Err(ReadError::PathTooLong { path, allowed: MAX_PATH });
        }
        match body {
            Body::Udf { udf, block, hidden } => {
                let found = self.udf_entry(udf, &path, block)?;
                if found.is_folder {
                    self.read_identifiers(udf, &Arc::from(path.as_str()), block, &found)?;
                }
                let (is_dir, modified) = (found.is_folder, found.modified.known());
                Ok(Entry { path, is_dir, hidden, modified, mode: None, sections: found.sections })
            }
            Body::Record { tree, entry, child } => {
                let mut entry = Entry { path, ..entry };
                if let Some(lba) = child {
                    let Some(len) = rock_ridge::folder_len(self.medium, lba)? else {
                        let position = Lba::new(lba).byte_offset();
                        return Err(ReadError::Directory { path: entry.path, position });
                    };
                    entry.sections = vec![Section::of_record(lba, len)];
                }
                if let (true, [section, ..]) = (entry.is_dir, entry.sections.as_slice()) {
                    self.read_records(tree, &Arc::from(entry.path.as_str()), *section)?;
                }
                Ok(entry)
            }
        }
    }
}

impl<R: Read + Seek> Iterator for Walk<'_, R> {
    type Item = Result<Entry, ReadError>;

    /// A directory that cannot be followed is an error in its place; the walk goes on after it.
    fn next(&mut self) -> Option<Self::Item> {
        let pending = self.pending.pop()?;
        Some(self.step(pending))
    }
}

/// The content of a file, section by section.
pub struct FileReader<'a, R> {
    medium: &'a mut Medium<R>,
    /// The next last.
    sections: Vec<Section>,
    /// Bytes read of the next.
    at: u64,
}

impl<'a, R: Read + Seek> FileReader<'a, R> {
    pub(super) fn new(medium: &'a mut Medium<R>, entry: &Entry) -> Self {
        let mut sections = entry.sections.clone();
        sections.reverse();
        Self { medium, sections, at: 0 }
    }
}

impl<R: Read + Seek> Read for FileReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(section) = self.sections.last().copied() {
            let left = section.len.saturating_sub(self.at);
            if left == 0 {
                self.sections.pop();
                self.at = 0;
                continue;
            }
            let start = section.start.saturating_add(self.at);
            let read = self.medium.part(start, left).read(buf)?;
            self.at = self.at.saturating_add(len64(read));
            return Ok(read);
        }
        Ok(0)
    }
}
