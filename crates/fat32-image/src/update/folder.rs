//! The directories of the volume: slots, and the entries that they make.

use std::collections::HashMap;
use std::ops::Range;

use zerocopy::{FromBytes, IntoBytes};

use crate::disk::dir_entry::{DirEntry, LongEntry, SLOT, attribute, checksum};
use crate::error::Problem;
use crate::name::{LOWER_BASE, LOWER_EXTENSION, upcase};

use super::disk::Disk;
use super::error::UpdateError;
use super::layout::Layout;

/// First byte of a slot that is not in use any more.
pub(super) const DELETED: u8 = 0xE5;

/// 32 bytes of a directory.
pub(super) type Slot = [u8; SLOT];

/// A file, folder, label or dot entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its slots, those of the long name included; the last one is the short slot.
    pub(super) slots: Range<usize>,
    /// The long name where there is one, else the short one.
    pub(super) name: String,
    pub(super) short: [u8; 11],
    pub(super) attributes: u8,
    pub(super) cluster: u32,
    pub(super) size: u32,
}

impl Entry {
    pub(super) fn is_folder(&self) -> bool {
        self.attributes & attribute::DIRECTORY != 0
    }

    pub(super) fn is_label(&self) -> bool {
        self.attributes & (attribute::VOLUME | attribute::DIRECTORY) == attribute::VOLUME
    }

    /// `.` or `..`.
    pub(super) fn is_dot(&self) -> bool {
        matches!(&self.short, b".          " | b"..         ")
    }

    /// Index of the short slot.
    pub(super) fn short_slot(&self) -> usize {
        self.slots.end.saturating_sub(1)
    }

    /// The short name as text, in lower case where the bits of the case byte say so; what is not
    /// ASCII in it belongs to a code page that is not known.
    fn short_name(&self, case: u8) -> String {
        let (base, extension) = self.short.split_at(8);
        let part = |bytes: &[u8], lower: u8| {
            let text: String = bytes
                .iter()
                .map(|byte| match byte.is_ascii() {
                    true => char::from(*byte),
                    false => char::REPLACEMENT_CHARACTER,
                })
                .collect();
            match case & lower {
                0 => text.trim_end_matches(' ').to_owned(),
                _ => text.trim_end_matches(' ').to_ascii_lowercase(),
            }
        };
        let base = part(base, LOWER_BASE);
        match part(extension, LOWER_EXTENSION) {
            extension if extension.is_empty() => base,
            extension => format!("{base}.{extension}"),
        }
    }
}

/// A directory as it is on the volume.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Its clusters.
    pub(super) runs: Vec<Range<u32>>,
    /// The slots in use. Of the root directory all those of its clusters; behind the end they are zero
    /// here, whatever they are there.
    pub(super) slots: Vec<Slot>,
    /// The first slot behind the last one in use.
    pub(super) end: usize,
    /// True when slots behind the end are not zero on the volume.
    pub(super) is_dirty_behind: bool,
    pub(super) entries: Vec<Entry>,
    names: HashMap<String, usize>,
    aliases: HashMap<String, usize>,
}

impl Listing {
    /// Reads a directory from its clusters, with the slots in use alone: a stick may have many folders
    /// of few slots in large clusters.
    pub(super) fn read_used(
        disk: &Disk<'_>,
        layout: &Layout,
        runs: Vec<Range<u32>>,
    ) -> Result<Self, UpdateError> {
        let mut listing = Self::read(disk, layout, runs)?;
        listing.slots.truncate(listing.end);
        listing.slots.shrink_to_fit();
        Ok(listing)
    }

    /// Reads a directory from its clusters, with all slots.
    pub(super) fn read(
        disk: &Disk<'_>,
        layout: &Layout,
        runs: Vec<Range<u32>>,
    ) -> Result<Self, UpdateError> {
        let mut slots: Vec<Slot> = Vec::new();
        let most = usize::try_from(Problem::MAX_SLOTS).unwrap_or(usize::MAX);
        let mut bytes = vec![0; usize::try_from(layout.cluster_size).unwrap_or(0)];
        for cluster in runs.iter().cloned().flatten() {
            // The check refused longer directories.
            if slots.len() >= most {
                break;
            }
            disk.read(layout.cluster_start(cluster), &mut bytes)?;
            slots.extend_from_slice(bytes.as_chunks().0);
        }
        let end = slots.iter().position(|slot| slot.first() == Some(&0));
        let end = end.unwrap_or(slots.len());
        let behind = slots.get_mut(end..).unwrap_or_default();
        let is_dirty_behind = behind.iter().any(|slot| *slot != [0; SLOT]);
        behind.fill([0; SLOT]);
        let entries = decode(slots.get(..end).unwrap_or_default());
        let (mut names, mut aliases) = (HashMap::new(), HashMap::new());
        for (index, entry) in entries.iter().enumerate() {
            if !entry.is_label() && !entry.is_dot() {
                // Of several with one name the first counts, as it does for those who search.
                names.entry(upcase(&entry.name)).or_insert(index);
                aliases.entry(entry.short_name(0)).or_insert(index);
            }
        }
        Ok(Self { runs, slots, end, is_dirty_behind, entries, names, aliases })
    }

    /// The entry of a name, ignoring case.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.get(&upcase(name)).copied()
    }

    /// The entry that has this name for its short name only.
    pub(super) fn find_alias(&self, name: &str) -> Option<&Entry> {
        self.aliases.get(&upcase(name)).and_then(|index| self.entries.get(*index))
    }
}

/// The entries that slots make. Long-name slots that belong to none are passed over.
fn decode(slots: &[Slot]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut long: Option<Long> = None;
    for (index, slot) in slots.iter().enumerate() {
        let attributes = slot.get(0x0B).copied().unwrap_or(0);
        if slot.first() == Some(&DELETED) {
            long = None;
        } else if attributes & 0x3F == attribute::LONG_NAME {
            let part = LongEntry::read_from_bytes(slot).ok();
            long = part.and_then(|part| Long::with(long.take(), &part, index));
        } else if let Ok(short) = DirEntry::read_from_bytes(slot) {
            let whole = long.take().filter(|long| {
                long.next == 0 && long.checksum == checksum(&short.name) && !long.units.is_empty()
            });
            let first = whole.as_ref().map_or(index, |long| long.first);
            let [a, b] = short.cluster_low.to_bytes();
            let [c, d] = short.cluster_high.to_bytes();
            let mut entry = Entry {
                slots: first..index.saturating_add(1),
                name: String::new(),
                short: short.name,
                attributes,
                cluster: u32::from_le_bytes([a, b, c, d]),
                size: short.size.get(),
            };
            entry.name = match whole {
                Some(long) => String::from_utf16_lossy(&long.units),
                None => entry.short_name(short.case),
            };
            entries.push(entry);
        }
    }
    entries
}

/// The parts of a long name met so far.
struct Long {
    first: usize,
    checksum: u8,
    /// The ordinal that must come next; 0 when the name is whole.
    next: u8,
    units: Vec<u16>,
}

impl Long {
    /// What a further part makes of the parts before it; `None` when it does not follow them.
    fn with(before: Option<Self>, part: &LongEntry, index: usize) -> Option<Self> {
        let number = part.ordinal & 0x3F;
        let next = number.checked_sub(1).filter(|_| number <= 20)?;
        let all = part.units_1.iter().chain(&part.units_2).chain(&part.units_3);
        let mut units: Vec<u16> =
            all.map(|unit| unit.get()).take_while(|unit| *unit != 0).collect();
        if part.ordinal & LongEntry::LAST != 0 {
            return Some(Self { first: index, checksum: part.checksum, next, units });
        }
        let before = before.filter(|long| long.next == number && long.checksum == part.checksum)?;
        units.extend_from_slice(&before.units);
        Some(Self { first: before.first, checksum: before.checksum, next, units })
    }
}

/// True for a slot in use that holds part of a long name.
pub(super) fn is_long(slot: &Slot) -> bool {
    let attributes = slot.get(0x0B).copied().unwrap_or(0);
    !matches!(slot.first(), None | Some(&0 | &DELETED)) && attributes & 0x3F == attribute::LONG_NAME
}

/// The same slot with another first cluster.
pub(super) fn at_cluster(slot: &Slot, cluster: u32) -> Slot {
    let mut slot = *slot;
    let [a, b, c, d] = cluster.to_le_bytes();
    for (at, byte) in [(0x1A, a), (0x1B, b), (0x14, c), (0x15, d)] {
        if let Some(place) = slot.get_mut(at) {
            *place = byte;
        }
    }
    slot
}

/// A deleted slot: what was in it stays for those who undelete.
pub(super) fn deleted(slot: &Slot) -> Slot {
    let mut slot = *slot;
    if let Some(first) = slot.first_mut() {
        *first = DELETED;
    }
    slot
}

/// The slot of an entry as bytes.
pub(super) fn slot_of(entry: &DirEntry) -> Slot {
    let mut slot = [0; SLOT];
    slot.copy_from_slice(entry.as_bytes());
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::put_long;
    use crate::disk::dir_entry::FatTime;

    fn short(name: &[u8; 11]) -> Slot {
        let time = FatTime { date: 0x21, time: 0 };
        slot_of(&DirEntry::new(*name, attribute::ARCHIVE, time))
    }

    fn long(name: &str, short: &[u8; 11]) -> Vec<Slot> {
        let mut bytes = Vec::new();
        put_long(&mut bytes, name, short);
        bytes.as_chunks().0.to_vec()
    }

    #[test]
    fn names_of_slots() {
        let alias = b"ALONGN~1TXT";
        let name = "a long näme of three parts, or so.txt";
        let mut slots = vec![deleted(&short(b"GONE       "))];
        slots.extend(long(name, alias));
        slots.push(short(alias));
        // An orphan, and one of another short name.
        slots.extend(long("orphan", b"ORPHAN~1   "));
        slots.push(deleted(&short(b"GONE       ")));
        slots.extend(long("other", b"OTHER~1    "));
        slots.push(short(b"PLAIN   TXT"));
        let entries = decode(&slots);
        let found: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.slots.clone())).collect();
        assert_eq!(found, [(name, 1..5), ("PLAIN.TXT", 8..9)]);
        assert_eq!(entries[0].short_name(0), "ALONGN~1.TXT");
    }

    #[test]
    fn first_clusters() {
        let slot = at_cluster(&short(b"A          "), 0x0123_4567);
        assert_eq!(decode(&[slot])[0].cluster, 0x0123_4567);
        assert_eq!(at_cluster(&slot, 0), short(b"A          "));
    }
}
