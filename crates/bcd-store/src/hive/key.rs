//! Keys of a hive, their subkeys and values.

use std::collections::HashSet;
use std::fmt;
use std::iter::FusedIterator;
use std::slice;

use zerocopy::little_endian::U32;

use super::error::HiveError;
use super::name::StoredName;
use super::read::Hive;
use super::time::FileTime;
use super::value::Value;
use crate::cast::to_u64;
use crate::disk::cells::{HintedEntry, KeyRecord, ListHead, NONE, key_flag};

/// A key of a hive.
#[derive(Clone, Copy)]
pub struct Key<'h> {
    hive: &'h Hive<'h>,
    offset: u32,
    depth: u16,
    record: &'h KeyRecord,
    name: StoredName<'h>,
}

impl<'h> Key<'h> {
    pub(super) fn read_root(hive: &'h Hive<'h>, offset: u32) -> Result<Self, HiveError> {
        Self::read(hive, offset, 0)
    }

    fn read(hive: &'h Hive<'h>, offset: u32, depth: u16) -> Result<Self, HiveError> {
        let (record, after) = hive.record::<KeyRecord>(offset, "a key")?;
        if record.signature != KeyRecord::SIGNATURE {
            let what = "a key, `nk`,";
            return Err(HiveError::Kind { offset, what, found: record.signature });
        }
        let len = u32::from(record.name_len.get());
        let bytes = Hive::entries(offset, "a key's name", after, len)?;
        let latin1 = record.flags.get() & key_flag::LATIN1 != 0;
        Ok(Self { hive, offset, depth, record, name: StoredName { bytes, latin1 } })
    }

    pub(super) fn hive(&self) -> &'h Hive<'h> {
        self.hive
    }

    /// Its name; what is no Unicode becomes U+FFFD.
    pub fn name(&self) -> String {
        self.name.text()
    }

    /// Whether that is its name, ignoring case.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.is(name)
    }

    /// Where its cell is, counted from the end of the base block.
    pub fn offset(&self) -> u32 {
        self.offset
    }

    /// Keys above it; 0 for the root.
    pub fn depth(&self) -> u16 {
        self.depth
    }

    /// When it was last changed.
    pub fn written(&self) -> FileTime {
        FileTime::from_ticks(self.record.written.get())
    }

    /// Its subkeys, in the order of their lists: sorted by name.
    ///
    /// After an error there is nothing more.
    pub fn subkeys(&self) -> Subkeys<'h> {
        Subkeys { parent: *self, state: ListState::Start, found: 0, seen: HashSet::new() }
    }

    /// Its values, in the order of their list: as they were added.
    ///
    /// # Errors
    /// When there is no list of them where the key says, or there are too many.
    pub fn values(&self) -> Result<Values<'h>, HiveError> {
        let count = self.record.values.get();
        let limit = self.hive.limits().values;
        if count > limit {
            let (found, limit) = (u64::from(count), u64::from(limit));
            return Err(HiveError::TooMany { offset: self.offset, what: "values", found, limit });
        }
        let mut cells: &[U32] = &[];
        if count > 0 {
            let list = self.record.value_list.get();
            let what = "the list of values";
            cells = Hive::entries(list, what, self.hive.cell(list, what)?, count)?;
        }
        Ok(Values { hive: self.hive, cells: cells.iter() })
    }

    /// The subkey of that name, ignoring case. All are looked at: the lists' order is not trusted.
    ///
    /// # Errors
    /// Anything wrong with a subkey before it.
    pub fn subkey(&self, name: &str) -> Result<Option<Key<'h>>, HiveError> {
        self.subkeys().find(|key| key.as_ref().map_or(true, |key| key.is_named(name))).transpose()
    }

    /// The key at a path of names below this one, with backslashes between.
    ///
    /// # Errors
    /// Anything wrong with a key on the way.
    pub fn find(&self, path: &str) -> Result<Option<Key<'h>>, HiveError> {
        let mut key = *self;
        for name in path.split('\\') {
            match key.subkey(name)? {
                Some(subkey) => key = subkey,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }

    /// The value of that name, ignoring case; an empty name is the key's default value.
    ///
    /// # Errors
    /// Anything wrong with a value before it.
    pub fn value(&self, name: &str) -> Result<Option<Value<'h>>, HiveError> {
        let is_it = |value: &Value<'_>| value.is_named(name);
        self.values()?.find(|value| value.as_ref().map_or(true, is_it)).transpose()
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name()).field("offset", &self.offset).finish()
    }
}

/// The subkeys of a key; see [`Key::subkeys`].
pub struct Subkeys<'h> {
    parent: Key<'h>,
    state: ListState<'h>,
    /// Entries so far.
    found: u32,
    /// Their cells. Grows only with entries that are really there.
    seen: HashSet<u32>,
}

enum ListState<'h> {
    /// No list was opened yet.
    Start,
    /// In a list of keys, with lists still to come.
    In {
        leaf: Leaf<'h>,
        lists: slice::Iter<'h, U32>,
    },
    End,
}

enum Leaf<'h> {
    /// `li`
    Plain(slice::Iter<'h, U32>),
    /// `lf`, `lh`
    Hinted(slice::Iter<'h, HintedEntry>),
}

impl Leaf<'_> {
    fn next(&mut self) -> Option<u32> {
        match self {
            Leaf::Plain(entries) => entries.next().map(|entry| entry.get()),
            Leaf::Hinted(entries) => entries.next().map(|entry| entry.key.get()),
        }
    }
}

impl<'h> Subkeys<'h> {
    /// The next entry of the lists.
    fn next_cell(&mut self) -> Result<Option<u32>, HiveError> {
        loop {
            match &mut self.state {
                ListState::Start => {
                    let Key { hive, offset, depth, record, .. } = self.parent;
                    let count = record.subkeys.get();
                    if count == 0 {
                        return Ok(None);
                    }
                    if depth >= hive.limits().depth {
                        let limit = u64::from(hive.limits().depth);
                        let found = u64::from(depth).saturating_add(1);
                        return Err(HiveError::TooMany {
                            offset,
                            what: "depth of keys",
                            found,
                            limit,
                        });
                    }
                    // Each key needs a cell of its own.
                    let smallest = to_u64(size_of::<KeyRecord>().saturating_add(size_of::<i32>()));
                    let most = u64::from(hive.bins_len()).checked_div(smallest).unwrap_or(0);
                    if u64::from(count) > most {
                        let (found, limit) = (u64::from(count), most);
                        return Err(HiveError::TooMany { offset, what: "subkeys", found, limit });
                    }
                    self.state = first_list(hive, record.subkey_list.get())?;
                }
                ListState::In { leaf, lists } => match leaf.next() {
                    Some(cell) => return Ok(Some(cell)),
                    None => match lists.next() {
                        Some(list) => *leaf = leaf_at(self.parent.hive, list.get())?,
                        None => self.state = ListState::End,
                    },
                },
                ListState::End => return Ok(None),
            }
        }
    }

    fn next_key(&mut self) -> Result<Option<Key<'h>>, HiveError> {
        let Key { hive, offset: from, depth, record, .. } = self.parent;
        let expected = record.subkeys.get();
        let cell = self.next_cell()?;
        let found = self.found.saturating_add(u32::from(cell.is_some()));
        if found > expected || (cell.is_none() && found < expected) {
            return Err(HiveError::SubkeyCount { offset: from, found, expected });
        }
        let Some(offset) = cell else { return Ok(None) };
        self.found = found;
        let key = Key::read(hive, offset, depth.saturating_add(1))?;
        let parent = key.record.parent.get();
        if parent != from {
            return Err(HiveError::Parent { offset, from, parent });
        }
        // With one parent each, no repetition and the root below nobody, keys form a tree: a walk
        // reads each once.
        if !self.seen.insert(offset) || offset == hive.root_offset() {
            return Err(HiveError::Repeated { offset, from });
        }
        Ok(Some(key))
    }
}

impl<'h> Iterator for Subkeys<'h> {
    type Item = Result<Key<'h>, HiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, ListState::End) {
            return None;
        }
        let next = self.next_key();
        if !matches!(next, Ok(Some(_))) {
            self.state = ListState::End;
        }
        next.transpose()
    }
}

impl FusedIterator for Subkeys<'_> {}

impl fmt::Debug for Subkeys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parent, found, .. } = self;
        f.debug_struct("Subkeys").field("parent", parent).field("found", found).finish()
    }
}

const LIST: &str = "the list of subkeys";
const LIST_KIND: &str = "the list of subkeys, `lf`, `lh`, `li` or once `ri`,";

fn first_list<'h>(hive: &'h Hive<'h>, offset: u32) -> Result<ListState<'h>, HiveError> {
    let (head, after) = hive.record::<ListHead>(offset, LIST)?;
    if head.signature != *b"ri" {
        return Ok(ListState::In { leaf: leaf_at(hive, offset)?, lists: [].iter() });
    }
    let count = u32::from(head.count.get());
    let mut lists = Hive::entries::<U32>(offset, LIST, after, count)?.iter();
    let first = lists.next().map_or(NONE, |list| list.get());
    Ok(ListState::In { leaf: leaf_at(hive, first)?, lists })
}

/// A list of keys; it has at least one, so that lists of lists cannot keep a reader busy.
fn leaf_at<'h>(hive: &'h Hive<'h>, offset: u32) -> Result<Leaf<'h>, HiveError> {
    let (head, after) = hive.record::<ListHead>(offset, LIST)?;
    let count = u32::from(head.count.get());
    if count == 0 {
        return Err(HiveError::EmptyList { offset });
    }
    match &head.signature {
        b"lf" | b"lh" => Ok(Leaf::Hinted(Hive::entries(offset, LIST, after, count)?.iter())),
        b"li" => Ok(Leaf::Plain(Hive::entries(offset, LIST, after, count)?.iter())),
        found => Err(HiveError::Kind { offset, what: LIST_KIND, found: *found }),
    }
}

/// The values of a key; see [`Key::values`].
#[derive(Debug)]
pub struct Values<'h> {
    hive: &'h Hive<'h>,
    cells: slice::Iter<'h, U32>,
}

impl<'h> Iterator for Values<'h> {
    type Item = Result<Value<'h>, HiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        let cell = self.cells.next()?.get();
        Some(Value::read(self.hive, cell))
    }
}

impl ExactSizeIterator for Values<'_> {
    fn len(&self) -> usize {
        self.cells.len()
    }
}

impl FusedIterator for Values<'_> {}
