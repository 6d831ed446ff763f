//! The root directory, which stays where it is: which of its sectors are written when.
//!
//! Everything that must change at once lies in one sector, the switch. What may come before goes to
//! other sectors first, what may come after goes last. A set of slots, which is a long name and the
//! short slot behind it, is kept inside one sector, so that no write leaves half of one.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::directory::leaves_half;
use crate::disk::dir_entry::SLOT;
use crate::error::Problem;
use crate::units::len64;

use super::error::UpdateError;
use super::folder::{DELETED, Listing, Slot, deleted, is_long};
use super::layout::Layout;

/// What the root directory must become.
#[derive(Default)]
pub(super) struct Wanted {
    /// Short slots that change, and the names they belong to.
    pub(super) changed: Vec<(usize, String)>,
    pub(super) new: Vec<NewName>,
    /// Slots of names that go.
    pub(super) removed: Vec<Range<usize>>,
    /// A slot for a label that was not there.
    pub(super) has_new_label: bool,
}

/// A new name of the root directory.
pub(super) struct NewName {
    /// Its slots.
    pub(super) slots: usize,
    /// It must come with the switch.
    pub(super) with_switch: bool,
    /// How much it matters that it lies in the sector of the switch; the lower the more.
    pub(super) rank: usize,
    /// It keeps out of that sector, unless half of it stays free.
    pub(super) is_last: bool,
}

/// Where everything goes.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// First slot of each new name.
    pub(super) new: Vec<usize>,
    /// The slot of the new label, where there is room for one.
    pub(super) label: Option<usize>,
    /// The sector that is the switch, counted in the directory.
    switch: Option<usize>,
    /// Slots in use afterwards, and those that fill up to them.
    end: usize,
    /// Clusters by which the directory grows.
    pub(super) growth: u64,
}

struct Slots<'a> {
    /// False for those that are free; those behind the last are free too.
    taken: Vec<bool>,
    per_sector: usize,
    listing: &'a Listing,
    layout: &'a Layout,
}

impl Slots<'_> {
    fn is_free(&self, run: Range<usize>) -> bool {
        run.into_iter().all(|index| !self.taken.get(index).copied().unwrap_or(false))
    }

    fn take(&mut self, start: usize, len: usize) {
        let end = start.saturating_add(len);
        if self.taken.len() < end {
            self.taken.resize(end, false);
        }
        self.taken.get_mut(start..end).unwrap_or_default().fill(true);
    }

    fn sector(&self, sector: usize) -> Range<usize> {
        let start = sector.saturating_mul(self.per_sector);
        start..start.saturating_add(self.per_sector)
    }

    fn sector_of(&self, slot: usize) -> usize {
        slot.checked_div(self.per_sector).unwrap_or(0)
    }

    /// True where a set of `len` slots can begin. A short slot that stands alone may not follow
    /// slots of a long name that lost theirs: by chance they might fit it.
    fn can_begin(&self, start: usize, len: usize) -> bool {
        let before = start.checked_sub(1).and_then(|before| self.listing.slots.get(before));
        len > 1 || !before.is_some_and(is_long)
    }

    /// Takes the first free place for a set inside a sector.
    fn put_in(&mut self, sector: usize, len: usize) -> Option<usize> {
        let slots = self.sector(sector);
        let last = slots.end.checked_sub(len)?;
        let start = (slots.start..=last).find(|start| {
            self.is_free(*start..start.saturating_add(len)) && self.can_begin(*start, len)
        })?;
        self.take(start, len);
        Some(start)
    }

    /// Takes places in one sector for those sets that find room there, in this order.
    fn put_all_in(&mut self, sector: usize, lens: &[usize]) -> Vec<Option<usize>> {
        lens.iter().map(|len| self.put_in(sector, *len)).collect()
    }

    /// How many sets, from the first on, a sector has room for.
    fn room_for(&mut self, sector: usize, lens: &[usize]) -> usize {
        let places = self.put_all_in(sector, lens);
        for (start, len) in places.iter().zip(lens) {
            if let Some(start) = start {
                let set = *start..start.saturating_add(*len);
                self.taken.get_mut(set).unwrap_or_default().fill(false);
            }
        }
        places.iter().take_while(|place| place.is_some()).count()
    }

    /// Takes the first place for a set anywhere but in the switch.
    fn put_anywhere(&mut self, len: usize, switch: Option<usize>) -> usize {
        if len <= self.per_sector {
            let sectors = (0..).filter(|sector| Some(*sector) != switch);
            // Behind the last slot every sector is free.
            return sectors.into_iter().find_map(|s| self.put_in(s, len)).unwrap_or(usize::MAX);
        }
        let switch = switch.map_or(0..0, |sector| self.sector(sector));
        let fits = |start: &usize| {
            let run = *start..start.saturating_add(len);
            let apart = run.end <= switch.start || run.start >= switch.end;
            apart && self.is_free(run)
        };
        let start = (0..).find(fits).unwrap_or(usize::MAX);
        self.take(start, len);
        start
    }

    /// Slots of a sector that are in use.
    fn used(&self, sector: usize) -> usize {
        let taken = |slot: &usize| self.taken.get(*slot).copied().unwrap_or(false);
        self.sector(sector).filter(taken).count()
    }

    /// Longest run of free slots in a sector.
    fn longest(&self, sector: usize) -> usize {
        let mut longest = 0;
        let mut run: usize = 0;
        for slot in self.sector(sector) {
            run = match self.taken.get(slot) {
                Some(true) => 0,
                _ => run.saturating_add(1),
            };
            longest = longest.max(run);
        }
        longest
    }

    /// Sector of the volume, for messages; of one that the directory has yet to grow, the last.
    fn on_volume(&self, sector: usize) -> u64 {
        let at = sector_position(self.layout, &self.listing.runs, sector)
            .or_else(|| {
                let last = self.listing.slots.len().saturating_sub(1);
                sector_position(self.layout, &self.listing.runs, self.sector_of(last))
            })
            .unwrap_or(0);
        at.checked_div(self.layout.sector()).unwrap_or(0)
    }
}

/// Byte of the volume at which a sector of a directory begins.
pub(super) fn sector_position(layout: &Layout, runs: &[Range<u32>], sector: usize) -> Option<u64> {
    let byte = len64(sector).saturating_mul(layout.sector());
    let index = usize::try_from(byte.checked_div(layout.cluster())?).ok()?;
    let cluster = runs.iter().cloned().flatten().nth(index)?;
    Some(layout.cluster_start(cluster).saturating_add(byte.checked_rem(layout.cluster())?))
}

/// Finds a place for everything.
pub(super) fn place(
    layout: &Layout,
    listing: &Listing,
    wanted: &Wanted,
) -> Result<Places, UpdateError> {
    let used = listing.slots.get(..listing.end).unwrap_or_default();
    let taken = used.iter().map(|slot| slot.first() != Some(&DELETED)).collect();
    let mut slots = Slots { taken, per_sector: layout.slots_per_sector(), listing, layout };
    let sectors: BTreeSet<usize> =
        wanted.changed.iter().map(|(slot, _)| slots.sector_of(*slot)).collect();
    if sectors.len() > 1 {
        let place = |(slot, name): &(usize, String)| {
            (name.clone(), slots.on_volume(slots.sector_of(*slot)))
        };
        let entries = wanted.changed.iter().map(place).collect();
        return Err(UpdateError::Scattered { entries });
    }
    // Those that must come with the switch, then those that the next update is likeliest to change.
    let (mut order, last): (Vec<usize>, Vec<usize>) = (0..wanted.new.len())
        .partition(|index| wanted.new.get(*index).is_some_and(|new| !new.is_last));
    order.sort_by_key(|index| {
        wanted.new.get(*index).map(|new| (!new.with_switch, new.rank, *index))
    });
    let len_of = |index: &usize| wanted.new.get(*index).map_or(0, |new| new.slots);
    let lens: Vec<usize> = order.iter().map(len_of).collect();
    let with_switch = wanted.new.iter().filter(|new| new.with_switch).count();
    let mut switch = sectors.first().copied();
    let mut found = vec![None; wanted.new.len()];
    if !lens.is_empty() {
        // The last one begins behind all slots.
        let fresh = listing.end.div_ceil(slots.per_sector.max(1));
        let candidates = match switch {
            Some(sector) => sector..=sector,
            None => 0..=fresh,
        };
        let mut best = (*candidates.end(), 0);
        for sector in candidates {
            let room = slots.room_for(sector, &lens);
            if room > best.1 {
                best = (sector, room);
            }
            if room == lens.len() {
                break;
            }
        }
        let (sector, room) = best;
        if room < with_switch {
            return Err(UpdateError::SwitchRoom {
                sector: slots.on_volume(sector),
                needed: lens.iter().take(with_switch).sum(),
                free: slots.longest(sector),
            });
        }
        if room > 0 {
            // In the order of the tree, where all fit so.
            let mut in_order = order.clone();
            in_order.sort_unstable();
            let by_tree: Vec<usize> = in_order.iter().map(len_of).collect();
            let (order, lens) = match slots.room_for(sector, &by_tree) == by_tree.len() {
                true => (in_order, by_tree),
                false => (order, lens),
            };
            for (index, place) in order.iter().zip(slots.put_all_in(sector, &lens)) {
                if let Some(found) = found.get_mut(*index) {
                    *found = place;
                }
            }
            switch = Some(sector);
        }
    }
    for index in last {
        let (Some(sector), len) = (switch, len_of(&index)) else { break };
        if leaves_half(slots.used(sector).saturating_add(len), slots.per_sector)
            && let Some(found) = found.get_mut(index)
        {
            *found = slots.put_in(sector, len);
        }
    }
    let mut places = Places { switch, ..Places::default() };
    for (new, found) in wanted.new.iter().zip(found) {
        places.new.push(found.unwrap_or_else(|| slots.put_anywhere(new.slots, switch)));
    }
    places.end =
        slots.taken.iter().rposition(|taken| *taken).map_or(0, |last| last.saturating_add(1));
    places.end = places.end.max(listing.end);
    if len64(places.end) > Problem::MAX_SLOTS {
        let (found, limit) = (len64(places.end), Problem::MAX_SLOTS);
        return Err(UpdateError::FolderSize { path: String::new(), found, limit });
    }
    let room = listing.slots.len();
    let growth = places.end.saturating_sub(room).div_ceil(layout.slots_per_cluster().max(1));
    places.growth = len64(growth);
    if wanted.has_new_label {
        let room = room.saturating_add(growth.saturating_mul(layout.slots_per_cluster()));
        let mut free = 0..room.min(places.end.saturating_add(1));
        places.label = free
            .find(|slot| slots.is_free(*slot..slot.saturating_add(1)) && slots.can_begin(*slot, 1));
    }
    Ok(places)
}

/// One write to the root directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SectorWrite {
    /// First sector, counted in the directory.
    pub(super) sector: usize,
    pub(super) bytes: Vec<u8>,
}

/// The writes to the root directory, in the order in which they must reach the medium.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) before: Vec<SectorWrite>,
    pub(super) switch: Option<SectorWrite>,
    pub(super) after: Vec<SectorWrite>,
}

/// The content that goes to the places.
pub(super) struct Content {
    /// Changed short slots.
    pub(super) changed: Vec<(usize, Slot)>,
    /// The slots of each new name.
    pub(super) new: Vec<Vec<Slot>>,
    /// The slot of the label, whether it is a new one or not.
    pub(super) label: Option<(usize, Slot)>,
}

/// Works out the writes.
pub(super) fn writes(
    layout: &Layout,
    listing: &Listing,
    wanted: &Wanted,
    places: &Places,
    content: &Content,
) -> Writes {
    let per_sector = layout.slots_per_sector().max(1);
    let per_cluster = layout.slots_per_cluster().max(1);
    let sector_of = |slot: usize| slot.checked_div(per_sector).unwrap_or(0);
    let growth = usize::try_from(places.growth).unwrap_or(0).saturating_mul(per_cluster);
    let total = listing.slots.len().saturating_add(growth);
    let mut old = listing.slots.clone();
    old.resize(total, [0; SLOT]);
    let mut slots = old.clone();
    // New names, and what fills the gaps up to them.
    let mut covered = vec![false; total];
    let mut joined: BTreeSet<usize> = BTreeSet::new();
    for (start, set) in places.new.iter().zip(&content.new) {
        let end = start.saturating_add(set.len());
        if let Some(room) = slots.get_mut(*start..end) {
            room.copy_from_slice(set);
        }
        covered.get_mut(*start..end).unwrap_or_default().fill(true);
        joined.extend(sector_of(*start)..sector_of(end.saturating_sub(1)));
    }
    let gaps = listing.end..places.end.max(listing.end);
    for slot in gaps.clone().filter(|slot| !covered.get(*slot).copied().unwrap_or(true)) {
        if let Some(slot) = slots.get_mut(slot) {
            *slot = deleted(slot);
        }
    }
    for (slot, bytes) in &content.changed {
        if let Some(room) = slots.get_mut(*slot) {
            *room = *bytes;
        }
    }
    let delete = |slots: &mut [Slot], set: &Range<usize>| {
        for slot in slots.get_mut(set.clone()).unwrap_or_default() {
            *slot = deleted(slot);
        }
    };
    let within_switch = |set: &&Range<usize>| {
        let last = set.end.saturating_sub(1);
        Some(sector_of(set.start)) == places.switch && Some(sector_of(last)) == places.switch
    };
    wanted.removed.iter().filter(within_switch).for_each(|set| delete(&mut slots, set));

    let bytes = |slots: &[Slot], sectors: Range<usize>| SectorWrite {
        sector: sectors.start,
        bytes: slots
            .get(sectors.start.saturating_mul(per_sector)..sectors.end.saturating_mul(per_sector))
            .unwrap_or_default()
            .as_flattened()
            .to_vec(),
    };
    let one = |slots: &[Slot], sector: usize| bytes(slots, sector..sector.saturating_add(1));
    let mut writes = Writes::default();

    // The switch as it is before: full, so that readers go on to what is behind.
    let mut held = old.clone();
    if let Some(switch) = places.switch {
        let sector =
            switch.saturating_mul(per_sector)..switch.saturating_add(1).saturating_mul(per_sector);
        if places.end > sector.end {
            for slot in held.get_mut(sector).unwrap_or_default() {
                if slot.first() == Some(&0) {
                    *slot = deleted(slot);
                }
            }
        }
    }
    // Garbage behind the end would come to light.
    let is_grown = places.end > listing.end || places.label.is_some_and(|slot| slot >= listing.end);
    let garbage = listing.is_dirty_behind && is_grown;
    let sectors = total.checked_div(per_sector).unwrap_or(0);
    let mut from = 0;
    while from < sectors {
        let mut to = from.saturating_add(1);
        // A set that no sector holds is written at once, with all its sectors.
        while joined.contains(&to.saturating_sub(1)) && to < sectors {
            to = to.saturating_add(1);
        }
        let run = from.saturating_mul(per_sector)..to.saturating_mul(per_sector);
        let is_switch = Some(from) == places.switch;
        let now = if is_switch { &held } else { &slots };
        let unclean = garbage && run.end > listing.end;
        if now.get(run.clone()) != old.get(run) || unclean {
            writes.before.push(bytes(now, from..to));
        }
        from = to;
    }
    if garbage {
        // From behind, so that nothing is found behind an end that has moved already.
        writes.before.reverse();
    }
    if let Some(switch) = places.switch {
        let write = one(&slots, switch);
        if write != one(&old, switch) {
            writes.switch = Some(write);
        }
    }
    for set in wanted.removed.iter().filter(|set| !within_switch(set)) {
        delete(&mut slots, set);
        let last = sector_of(set.end.saturating_sub(1));
        writes.after.push(bytes(&slots, sector_of(set.start)..last.saturating_add(1)));
    }
    if let Some((slot, label)) = content.label {
        if let Some(room) = slots.get_mut(slot) {
            *room = label;
        }
        writes.after.push(one(&slots, sector_of(slot)));
    }
    writes
}
