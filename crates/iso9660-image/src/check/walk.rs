//! The files of an image, read as a careful reader would: what is broken is an error, what only
//! breaks a rule is not seen.

use std::collections::HashSet;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use extent_image::Timestamp;

use crate::check::date;
use crate::check::fault::Faults;
use crate::check::medium::{Medium, ReadError};
use crate::check::{name, record};
use crate::disk::directory_record::{ASSOCIATED, DIRECTORY, HIDDEN, MULTI_EXTENT};
use crate::report::TreeKind;
use crate::units::{Lba, SECTOR};

/// Longest path that is followed, in bytes of UTF-8. Windows ends at 32,767 UTF-16 units for all of
/// a path; images that nest deeper have been made to exhaust readers.
pub(super) const MAX_PATH: usize = 16 * 1024;

/// A file or directory of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    path: String,
    is_dir: bool,
    hidden: bool,
    modified: Option<Timestamp>,
    /// First sector and length in bytes of every section: one, but for files of 4 GiB and more.
    sections: Vec<(Lba, u32)>,
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

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        let lengths = self.sections.iter().map(|(_, len)| u64::from(*len));
        lengths.fold(0, u64::saturating_add)
    }

    /// First sector of the content.
    pub fn lba(&self) -> Lba {
        self.sections.first().map_or(Lba::new(0), |(lba, _)| *lba)
    }
}

/// An entry whose path is not yet spelt out.
struct Pending {
    parent: Arc<str>,
    name: String,
    entry: Entry,
}

/// Every file and directory of one tree, each directory before what it holds, in the order of the
/// records. The root itself is not among them.
pub struct Walk<'a, R> {
    medium: &'a mut Medium<R>,
    tree: TreeKind,
    pending: Vec<Pending>,
    seen: HashSet<Lba>,
    /// Directory sectors that may still be read: an image does not hold more than it has.
    budget: u64,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    pub(super) fn new(
        medium: &'a mut Medium<R>,
        tree: TreeKind,
        root: (Lba, u32),
    ) -> Result<Self, ReadError> {
        let budget = medium.len() / SECTOR;
        let mut walk = Self { medium, tree, pending: Vec::new(), seen: HashSet::new(), budget };
        walk.read(&Arc::from(""), root)?;
        Ok(walk)
    }

    /// Puts the entries of a directory before all others that wait.
    fn read(&mut self, path: &Arc<str>, (lba, len): (Lba, u32)) -> Result<(), ReadError> {
        let sectors = u64::from(len).div_ceil(SECTOR);
        let inside = self.medium.len() / SECTOR >= u64::from(lba.sector()).saturating_add(sectors);
        if !inside || !self.seen.insert(lba) || self.budget < sectors {
            let position = lba.byte_offset();
            return Err(ReadError::Directory { path: path.to_string(), position });
        }
        self.budget = self.budget.saturating_sub(sectors);
        let (tree, mut found) = (self.tree, Vec::<Pending>::new());
        let mut unfinished: Option<Vec<u8>> = None;
        let mut number = 0u64;
        let mut each = |record: record::Record<'_>, _: &mut Faults| {
            number = number.saturating_add(1);
            let (fixed, id) = (&record.fixed, record.identifier);
            // The directory's records of itself and its parent, wherever they stand.
            if matches!(id, [0] | [1]) || fixed.flags & ASSOCIATED != 0 {
                return;
            }
            let start = fixed.extent.little();
            let start = start.saturating_add(u32::from(fixed.extended_attribute_length));
            let section = (Lba::new(start), fixed.data_length.little());
            let continues = unfinished.as_deref() == Some(id);
            unfinished = (fixed.flags & MULTI_EXTENT != 0).then(|| id.to_vec());
            if let (true, Some(last)) = (continues, found.last_mut()) {
                last.entry.sections.push(section);
                return;
            }
            let entry = Entry {
                path: String::new(),
                is_dir: fixed.flags & DIRECTORY != 0,
                hidden: fixed.flags & HIDDEN != 0,
                modified: date::short(&fixed.date).known(),
                sections: vec![section],
            };
            let name = name::shown(tree, id);
            found.push(Pending { parent: Arc::clone(path), name, entry });
        };
        let from = u64::from(lba.sector());
        record::for_each(self.medium, from, u64::from(len), &mut Faults::default(), &mut each)?;
        self.pending.extend(found.into_iter().rev());
        Ok(())
    }

    fn step(&mut self, pending: Pending) -> Result<Entry, ReadError> {
        let Pending { parent, name, mut entry } = pending;
        entry.path = if parent.is_empty() { name } else { format!("{parent}/{name}") };
        if entry.path.len() > MAX_PATH {
            let path = entry.path.chars().take(100).collect();
            return Err(ReadError::PathTooLong { path, allowed: MAX_PATH });
        }
        if let (true, [section, ..]) = (entry.is_dir, entry.sections.as_slice()) {
            self.read(&Arc::from(entry.path.as_str()), *section)?;
        }
        Ok(entry)
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
    sections: Vec<(Lba, u32)>,
    /// Bytes read of the first of `sections`.
    at: u32,
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
        while let Some((lba, len)) = self.sections.last().copied() {
            let left = len.saturating_sub(self.at);
            if left == 0 {
                self.sections.pop();
                self.at = 0;
                continue;
            }
            let start = lba.byte_offset().saturating_add(u64::from(self.at));
            let read = self.medium.part(start, u64::from(left)).read(buf)?;
            // Not more than is left, which is 32 bits.
            self.at = self.at.saturating_add(u32::try_from(read).unwrap_or(left));
            return Ok(read);
        }
        Ok(0)
    }
}
