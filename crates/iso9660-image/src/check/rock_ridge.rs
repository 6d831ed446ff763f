//! What Rock Ridge says of the records of a directory (RRIP 1.09 to 1.12), in any image.

use std::io::{Read, Seek};

use extent_image::Timestamp;
use zerocopy::FromBytes;

use crate::check::date::{self, Moment};
use crate::check::descriptor::both32;
use crate::check::fault::{FaultKind, Faults};
use crate::check::medium::{Medium, ReadError};
use crate::check::record::{self, Record};
use crate::check::susp::{Entry, Reader};
use crate::disk::both_endian::Both32;
use crate::disk::date::{LongDate, ShortDate};
use crate::disk::directory_record::{DIRECTORY, DirectoryRecord};
use crate::disk::rock_ridge::{
    CL, FOLDER, FORMAT, IDENTIFIERS, NAME_CONTINUES, NAME_CURRENT, NAME_PARENT, NM, PL, PX, RE,
    REGULAR, TF, TIME_CREATED, TIME_LONG, TIME_MODIFIED,
};
use crate::disk::system_use::{CHECK, ER, SP, SharingProtocol};
use crate::units::{SECTOR, len64};

/// Bytes that discs with CD-ROM XA attributes have before the first entry.
const XA: usize = 14;
/// Longest name that is kept, in bytes. No system has names beyond 1024.
const MAX_NAME: usize = 4096;

/// Rock Ridge is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RockRidge {
    /// Bytes before the first entry of every field but that of the root's own record.
    skip: usize,
    /// The same in the root's own record.
    root_skip: usize,
}

/// What Rock Ridge says of one record.
#[derive(Default)]
pub(super) struct Facts {
    /// Bytes in place of the identifier.
    pub(super) name: Option<Vec<u8>>,
    pub(super) mode: Option<u32>,
    pub(super) modified: Option<Timestamp>,
    /// First sector of the folder in whose place the record stands.
    pub(super) child: Option<u32>,
    /// Where that is said of the folder that a relocated one belongs to, and its first sector.
    pub(super) parent: Option<(u64, u32)>,
    /// The record is that of a relocated folder.
    pub(super) relocated: bool,
}

impl Facts {
    /// True for links and devices, which other trees leave out or have an empty file for.
    pub(super) fn is_special(&self) -> bool {
        self.mode.is_some_and(|mode| !matches!(mode & FORMAT, 0 | REGULAR | FOLDER))
    }

    /// The name as text, if there is one; what would make it another path is U+FFFD.
    pub(super) fn shown(&self) -> Option<String> {
        let name = String::from_utf8_lossy(self.name.as_deref()?);
        Some(match &*name {
            "" | "." | ".." => "\u{FFFD}".to_owned(),
            _ => name.replace(['/', '\0'], "\u{FFFD}"),
        })
    }
}

impl RockRidge {
    /// Looks at the root's own record. What it says there without being in use is a fault.
    pub(super) fn find<R: Read + Seek>(
        medium: &mut Medium<R>,
        root: &DirectoryRecord,
        faults: &mut Faults,
    ) -> Result<Option<Self>, ReadError> {
        let mut first = None;
        let each = |_: &mut Medium<R>, record: Record<'_>, _: &mut Faults| {
            let field = (record.system_use_position(), record.system_use.to_vec());
            first.get_or_insert(field);
            Ok(())
        };
        let lba = u64::from(root.extent.little());
        let lba = lba.saturating_add(u64::from(root.extended_attribute_length));
        record::for_each(medium, lba, SECTOR, &mut Faults::default(), each)?;
        let Some((position, field)) = first else { return Ok(None) };
        for root_skip in [0, XA] {
            let entries = field.get(root_skip..).unwrap_or_default();
            let Ok((protocol, _)) = SharingProtocol::read_from_prefix(entries) else { continue };
            if protocol.header.signature == SP && protocol.check == CHECK {
                let it = Self { skip: usize::from(protocol.skip), root_skip };
                let mut reader = Reader::new(SECTOR.saturating_mul(64));
                let found = reader.entries(medium, position, entries, &mut Faults::default())?;
                let uses = found.iter().any(|it| it.signature == PX || is_our_reference(it));
                return Ok(uses.then_some(it));
            }
        }
        // Whichever byte of SP is wrong: what else Rock Ridge has there is still to be seen.
        let told = field.windows(4).any(|it| {
            matches!(it, [b'P', b'X', 36 | 44, 1] | [b'E' | b'N', b'R' | b'M', 5..=255, 1])
        });
        if told || field.starts_with(&SP) {
            let what = "the root's own record has no valid SP entry in front";
            faults.add(position, FaultKind::RockRidge { what });
        }
        Ok(None)
    }

    /// What is said of one record. `is_root`: the root's own.
    pub(super) fn facts<R: Read + Seek>(
        self,
        medium: &mut Medium<R>,
        reader: &mut Reader,
        record: &Record<'_>,
        is_root: bool,
        faults: &mut Faults,
    ) -> Result<Facts, ReadError> {
        let skip = if is_root { self.root_skip } else { self.skip };
        let start = record.system_use_position().saturating_add(len64(skip));
        let field = record.system_use.get(skip..).unwrap_or_default();
        let entries = reader.entries(medium, start, field, faults)?;
        Ok(Interpreter { record, is_root, faults }.facts(&entries))
    }
}

/// The first record of the directory at `lba`: its length, when it is one.
pub(super) fn folder_len<R: Read + Seek>(
    medium: &mut Medium<R>,
    lba: u32,
) -> Result<Option<u32>, ReadError> {
    let mut first = None;
    let each = |_: &mut Medium<R>, record: Record<'_>, _: &mut Faults| {
        let own = record.identifier == [0] && record.fixed.extent.little() == lba;
        first.get_or_insert(own.then_some(record.fixed.data_length.little()));
        Ok(())
    };
    record::for_each(medium, u64::from(lba), SECTOR, &mut Faults::default(), each)?;
    Ok(first.flatten())
}

fn is_our_reference(entry: &Entry) -> bool {
    let [len, _, _, _, texts @ ..] = entry.data.as_slice() else { return false };
    let identifier = texts.get(..usize::from(*len)).unwrap_or_default();
    entry.signature == ER && IDENTIFIERS.contains(&identifier)
}

fn number(bytes: &[u8], at: usize) -> Option<Both32> {
    Both32::read_from_prefix(bytes.get(at..)?).ok().map(|(number, _)| number)
}

/// Reads the entries of one record.
struct Interpreter<'a> {
    record: &'a Record<'a>,
    is_root: bool,
    faults: &'a mut Faults,
}

impl Interpreter<'_> {
    fn facts(&mut self, entries: &[Entry]) -> Facts {
        let mut facts = Facts::default();
        let (mut references, mut attributes) = (0u32, 0u32);
        let mut open_name = None;
        for (number, entry) in entries.iter().enumerate() {
            match entry.signature {
                SP => self.protocol(entry, number),
                ER => {
                    references = references.saturating_add(u32::from(is_our_reference(entry)));
                    self.reference(entry);
                }
                PX => {
                    attributes = attributes.saturating_add(1);
                    facts.mode = self.attributes(entry).or(facts.mode);
                }
                NM => open_name = self.name(entry, open_name, &mut facts),
                TF => facts.modified = self.times(entry).or(facts.modified),
                CL => facts.child = self.link(entry, &mut facts.child.is_some()).or(facts.child),
                PL => {
                    let found = self.link(entry, &mut facts.parent.is_some());
                    facts.parent = found.map(|lba| (entry.position, lba)).or(facts.parent);
                }
                RE => {
                    self.length(entry, &[4]);
                    facts.relocated = true;
                }
                _ => {}
            }
        }
        let position = self.record.position;
        if self.is_root {
            self.require(position, references == 1, "ER is there once");
        }
        self.require(position, attributes == 1, "a record has one PX entry");
        if let Some(position) = open_name.filter(|(_, continues)| *continues).map(|(at, _)| at) {
            self.require(position, false, "a name that continues has a next NM entry");
        }
        self.placed_right(&facts);
        facts
    }

    fn require(&mut self, position: u64, holds: bool, what: &'static str) {
        if !holds {
            self.faults.add(position, FaultKind::RockRidge { what });
        }
    }

    /// The length of an entry is one of a few.
    fn length(&mut self, entry: &Entry, allowed: &[usize]) -> bool {
        let found = entry.data.len().saturating_add(4);
        let holds = allowed.contains(&found);
        if let (false, Some(expected)) = (holds, allowed.first()) {
            let (found, expected) = (len64(found), len64(*expected));
            let what = "length of a Rock Ridge entry";
            self.faults.expect(entry.position.saturating_add(2), what, found, expected);
        }
        holds
    }

    fn protocol(&mut self, entry: &Entry, number: usize) {
        let first = self.is_root && number == 0;
        self.require(entry.position, first, "SP is the first entry of the root's own record only");
        self.length(entry, &[7]);
    }

    fn reference(&mut self, entry: &Entry) {
        let place = "ER is in the root's own record only";
        self.require(entry.position, self.is_root, place);
        let [identifier, descriptor, source, version, texts @ ..] = entry.data.as_slice() else {
            self.length(entry, &[8]);
            return;
        };
        let lengths = [identifier, descriptor, source].map(|len| usize::from(*len));
        let total = lengths.iter().fold(0usize, |sum, len| sum.saturating_add(*len));
        let at = entry.position;
        self.require(
            at.saturating_add(4),
            total == texts.len(),
            "the lengths in ER sum up to its own",
        );
        let what = "version of an extension";
        if is_our_reference(entry) {
            self.faults.expect(at.saturating_add(7), what, *version, 1u8);
        }
    }

    fn attributes(&mut self, entry: &Entry) -> Option<u32> {
        if !self.length(entry, &[44, 36]) {
            return None;
        }
        let names =
            ["mode in PX", "links in PX", "user in PX", "group in PX", "serial number in PX"];
        for (at, what) in (0..).step_by(8).zip(names) {
            if let Some(found) = number(&entry.data, at) {
                let position = entry.position.saturating_add(4).saturating_add(len64(at));
                both32(position, what, found, self.faults);
            }
        }
        let mode = number(&entry.data, 0)?.little();
        Some(mode)
    }

    /// Adds to the name. `before` is the last entry of the name so far, and whether it goes on.
    fn name(
        &mut self,
        entry: &Entry,
        before: Option<(u64, bool)>,
        facts: &mut Facts,
    ) -> Option<(u64, bool)> {
        let position = entry.position;
        let Some((flags, part)) = entry.data.split_first() else {
            self.length(entry, &[5]);
            return before;
        };
        let legal = NAME_CONTINUES | NAME_CURRENT | NAME_PARENT;
        let what = "NM has the flags 1, 2 or 4";
        self.require(
            position.saturating_add(4),
            flags & !legal == 0 && flags.count_ones() <= 1,
            what,
        );
        self.require(
            position,
            before.is_none_or(|(_, continues)| continues),
            "a record has one name",
        );
        if flags & (NAME_CURRENT | NAME_PARENT) != 0 {
            self.require(position, part.is_empty(), "NM for . or .. has no name");
            return Some((position, false));
        }
        let text = position.saturating_add(5);
        self.require(
            text,
            !part.iter().any(|b| matches!(b, 0 | b'/')),
            "a name holds no / and no zero",
        );
        let name = facts.name.get_or_insert_default();
        let room = MAX_NAME.saturating_sub(name.len());
        self.require(text, part.len() <= room, "a name has at most 4096 bytes");
        name.extend(part.iter().take(room));
        let continues = flags & NAME_CONTINUES != 0;
        let whole = !continues && matches!(name.as_slice(), b"" | b"." | b"..");
        self.require(text, !whole, "a name is not empty, . or ..");
        Some((position, continues))
    }

    /// The time of modification.
    fn times(&mut self, entry: &Entry) -> Option<Timestamp> {
        let Some((flags, dates)) = entry.data.split_first() else {
            self.length(entry, &[5]);
            return None;
        };
        let is_long = flags & TIME_LONG != 0;
        let size = if is_long { size_of::<LongDate>() } else { size_of::<ShortDate>() };
        let count = (flags & !TIME_LONG).count_ones();
        let count = usize::try_from(count).unwrap_or_default();
        if !self.length(entry, &[count.saturating_mul(size).saturating_add(5)]) {
            return None;
        }
        let mut moments = Vec::with_capacity(count);
        let mut position = entry.position.saturating_add(5);
        for bytes in dates.chunks_exact(size) {
            let moment = match (ShortDate::read_from_bytes(bytes), LongDate::read_from_bytes(bytes))
            {
                (Ok(short), _) => date::short(&short),
                (_, Ok(long)) => date::long(&long),
                _ => Moment::Wrong,
            };
            if moment == Moment::Wrong {
                self.faults.add(position, FaultKind::Date { what: "a time in TF" });
            }
            moments.push(moment);
            position = position.saturating_add(len64(size));
        }
        let at = usize::from(flags & TIME_CREATED != 0);
        let modified = moments.get(at).filter(|_| flags & TIME_MODIFIED != 0)?;
        modified.known()
    }

    /// The sector that `CL` or `PL` names.
    fn link(&mut self, entry: &Entry, again: &mut bool) -> Option<u32> {
        self.require(entry.position, !*again, "CL and PL are there once");
        if !self.length(entry, &[12]) {
            return None;
        }
        let lba = number(&entry.data, 0)?;
        both32(entry.position.saturating_add(4), "sector in CL or PL", lba, self.faults);
        Some(lba.little())
    }

    /// Entries are on the records that they are for.
    fn placed_right(&mut self, facts: &Facts) {
        let position = self.record.position;
        let is_parent = self.record.identifier == [1];
        let is_child = !self.record.is_dot();
        let is_folder = self.record.fixed.flags & DIRECTORY != 0;
        if facts.child.is_some() {
            let what = "CL is in a record that is no folder's";
            self.require(position, is_child && !is_folder, what);
        }
        if facts.parent.is_some() {
            self.require(position, is_parent, "PL is in the record of the parent");
        }
        if facts.relocated {
            self.require(position, is_folder, "RE is in the record of a folder");
        }
        // genisoimage writes no mode into the parent record of its folder of relocated ones, and that
        // of the folder into the record in its place.
        if let (Some(mode), false, None) = (facts.mode, is_parent, facts.child) {
            let same = (mode & FORMAT == FOLDER) == is_folder;
            self.require(position, same, "PX and the record agree on what is a folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::{FromZeros, IntoBytes};

    use super::*;

    /// What the entries of a file's record say, and the faults as texts.
    fn read(entries: &[(&[u8; 2], &[u8])]) -> (Facts, Vec<String>) {
        let record = Record {
            position: 0,
            fixed: DirectoryRecord::new_zeroed(),
            identifier: b"A.;1",
            system_use: &[],
        };
        let entries: Vec<Entry> = (100..)
            .step_by(100)
            .zip(entries)
            .map(|(position, (signature, data))| Entry {
                position,
                signature: **signature,
                data: data.to_vec(),
            })
            .collect();
        let mut faults = Faults::default();
        let mut facts = Interpreter { record: &record, is_root: false, faults: &mut faults };
        let facts = facts.facts(&entries);
        (facts, faults.finish().iter().map(ToString::to_string).collect())
    }

    /// A regular file.
    fn attributes() -> Vec<u8> {
        [Both32::new(0o100_644).as_bytes(), Both32::new(1).as_bytes(), &[0; 16]].concat()
    }

    #[test]
    fn names_times_and_modes() {
        let time = [100, 2, 29, 12, 34, 56, 0];
        let times = [&[3][..], &[70, 1, 1, 0, 0, 0, 0], &time].concat();
        let (facts, faults) =
            read(&[(&PX, &attributes()), (&NM, b"\x01ab"), (&NM, b"\0c"), (&TF, &times)]);
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(facts.shown().as_deref(), Some("abc"));
        assert_eq!(facts.mode, Some(0o100_644));
        assert_eq!(facts.modified, Some(Timestamp::from_unix_seconds(951_827_696)));
    }

    #[test]
    fn what_is_wrong() {
        let px = attributes();
        let with = |entries: &[(&[u8; 2], &[u8])]| {
            let all = [&[(&PX, px.as_slice())], entries].concat();
            read(&all).1.concat()
        };
        assert_eq!(read(&[]).1, ["byte 0: Rock Ridge: a record has one PX entry"]);
        assert_eq!(with(&[(&PX, &px)]), "byte 0: Rock Ridge: a record has one PX entry");
        assert_eq!(with(&[(&NM, b"\x08a")]), "byte 204: Rock Ridge: NM has the flags 1, 2 or 4");
        assert_eq!(
            with(&[(&NM, b"\x01a")]),
            "byte 200: Rock Ridge: a name that continues has a next NM entry"
        );
        assert_eq!(
            with(&[(&NM, b"\0a"), (&NM, b"\0b")]),
            "byte 300: Rock Ridge: a record has one name"
        );
        assert_eq!(with(&[(&NM, b"\0..")]), "byte 205: Rock Ridge: a name is not empty, . or ..");
        assert_eq!(with(&[(&NM, b"\0a/b")]), "byte 205: Rock Ridge: a name holds no / and no zero");
        let length = "length of a Rock Ridge entry";
        assert_eq!(
            with(&[(&TF, &[0x0E, 0, 0])]),
            format!("byte 202: {length}: found 7, must be 26")
        );
        assert_eq!(with(&[(&TF, &[2, 0, 13, 0, 0, 0, 0, 0])]), "byte 205: a time in TF is no date");
        assert_eq!(with(&[(&RE, b"x")]).matches("byte").count(), 2);
        assert_eq!(with(&[(&CL, &[0; 7])]), format!("byte 202: {length}: found 11, must be 12"));
        assert_eq!(
            with(&[(&PL, &[0; 8])]),
            "byte 0: Rock Ridge: PL is in the record of the parent"
        );
        assert_eq!(with(&[(&CL, &[1, 0, 0, 0, 0, 0, 0, 2])]).matches("half").count(), 2);
    }
}
