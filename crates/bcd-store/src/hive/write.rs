//! Keys to a hive of version 1.3: one bin, `lf` lists, one security descriptor.
//!
//! ```text
//! base block | bin header | root key | descriptor | of each key: list of values, values with their
//! 4096 bytes                                        data, subkeys with all of theirs, list of
//!                                                   subkeys | one free cell to a multiple of 4096
//! ```
#![expect(
    clippy::arithmetic_side_effects,
    reason = "sums of lengths of slices in memory, each far below half of the address space"
)]

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

use super::error::HiveWriteError;
use super::limits::Limits;
use super::name;
use super::time::FileTime;
use super::tree::{KeyTree, ValueData};
use crate::cast::{to_u32, to_u64, to_usize};
use crate::disk::cells::{
    HintedEntry, KeyRecord, ListHead, NONE, SEGMENT, SecurityHead, ValueRecord, key_flag,
};
use crate::disk::file::{BLOCK, BaseBlock, BinHeader};

/// Most entries that Windows itself puts into one list: what a cell in a bin of 4096 bytes holds.
const LIST_ENTRIES: usize = 507;

/// Administrators and the system may do anything, and so below: what `bcdedit` gives a new store.
/// A self-relative descriptor: `O:BAG:SYD:(A;CI;KA;;;BA)(A;CI;KA;;;SY)`.
#[rustfmt::skip]
const DESCRIPTOR: [u8; 100] = [
    // Revision, control (self-relative, list present), owner, group, no audit list, access list.
    1, 0, 0x04, 0x80, 72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0,
    // The access list: revision 2, 52 bytes, two entries.
    2, 0, 52, 0, 2, 0, 0, 0,
    // Allowed, inherited by subkeys, 24 bytes, everything, S-1-5-32-544: Administrators.
    0, 2, 24, 0, 0x3F, 0, 0x0F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 0x02, 0, 0,
    // The same for S-1-5-18: the system.
    0, 2, 20, 0, 0x3F, 0, 0x0F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
    // Owner and group.
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 0x02, 0, 0,
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
];

impl KeyTree {
    /// The bytes of a hive whose root is this key; all its times are `time`. Equal trees give equal
    /// bytes, whatever the order of their subkeys.
    ///
    /// # Errors
    /// A name, count or length that a hive cannot hold.
    pub fn to_hive(&self, time: FileTime) -> Result<Vec<u8>, HiveWriteError> {
        let mut writer = Writer {
            bin: vec![0; size_of::<BinHeader>()],
            time: U64::new(time.ticks()),
            security: NONE,
            keys: 0,
            path: Vec::new(),
        };
        let root = writer.reserve_key(self)?;
        writer.security = writer.reserve(size_of::<SecurityHead>() + DESCRIPTOR.len())?;
        writer.fill_key(self, root, NONE)?;
        writer.fill_security();
        Ok(writer.finish(root))
    }
}

struct Writer<'t> {
    /// The bin, from its header on: positions in it are the hive's offsets.
    bin: Vec<u8>,
    time: U64,
    /// Cell of the descriptor.
    security: u32,
    /// Keys so far.
    keys: u32,
    /// Names of the keys from the root down to the one at work.
    path: Vec<&'t str>,
}

impl<'t> Writer<'t> {
    /// A new cell for that many bytes, zeros for now.
    fn reserve(&mut self, len: usize) -> Result<u32, HiveWriteError> {
        let size = (len + size_of::<i32>()).next_multiple_of(8);
        let limit = Limits::new().len;
        if to_u64(BLOCK + self.bin.len() + size).next_multiple_of(to_u64(BLOCK)) > limit {
            return Err(HiveWriteError::TooLarge { limit });
        }
        let offset = self.bin.len();
        // In use: negative. OK to negate: far below 2 GiB, by the limit.
        self.bin.extend(0_u32.wrapping_sub(to_u32(size)).to_le_bytes());
        self.bin.resize(offset + size, 0);
        Ok(to_u32(offset))
    }

    /// Puts the content of a cell in place, `at` bytes after its start.
    fn put(&mut self, cell: u32, at: usize, bytes: &[u8]) {
        let start = to_usize(cell) + size_of::<i32>() + at;
        if let Some(place) = self.bin.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn reserve_key(&mut self, key: &KeyTree) -> Result<u32, HiveWriteError> {
        let units = name::units(&key.name);
        if !(1..=255).contains(&units) || key.name.contains(['\\', '\0']) {
            let mut path = self.path();
            path.push('\\');
            path.push_str(&key.name);
            return Err(HiveWriteError::KeyName { path, units });
        }
        self.keys += 1;
        self.reserve(size_of::<KeyRecord>() + name::encode(&key.name).0.len())
    }

    /// Fills the cell of a key, and adds all that belongs to it.
    fn fill_key(&mut self, key: &'t KeyTree, cell: u32, parent: u32) -> Result<(), HiveWriteError> {
        let limit = Limits::new().depth;
        if self.path.len() > usize::from(limit) {
            return Err(HiveWriteError::TooDeep { limit });
        }
        self.path.push(&key.name);
        let value_list = self.add_values(&key.values)?;
        let subkey_list = self.add_subkeys(key, cell)?;
        self.path.pop();

        let (stored, latin1) = name::encode(&key.name);
        let mut flags = if latin1 { key_flag::LATIN1 } else { 0 };
        if parent == NONE {
            flags |= key_flag::HIVE_ENTRY | key_flag::NO_DELETE;
        }
        let longest =
            |lens: &mut dyn Iterator<Item = usize>| U32::new(to_u32(lens.max().unwrap_or(0)));
        let record = KeyRecord {
            signature: KeyRecord::SIGNATURE,
            flags: U16::new(flags),
            written: self.time,
            access: U32::ZERO,
            parent: U32::new(parent),
            subkeys: U32::new(to_u32(key.subkeys.len())),
            volatile_subkeys: U32::ZERO,
            subkey_list: U32::new(subkey_list),
            volatile_subkey_list: U32::new(NONE),
            values: U32::new(to_u32(key.values.len())),
            value_list: U32::new(value_list),
            security: U32::new(self.security),
            class: U32::new(NONE),
            longest_subkey: longest(&mut key.subkeys.iter().map(|key| 2 * name::units(&key.name))),
            longest_subkey_class: U32::ZERO,
            longest_value_name: longest(
                &mut key.values.iter().map(|value| 2 * name::units(&value.name)),
            ),
            longest_value: longest(&mut key.values.iter().map(|value| value.data.len())),
            work: U32::ZERO,
            name_len: stored_len(&stored),
            class_len: U16::ZERO,
        };
        self.put(cell, 0, record.as_bytes());
        self.put(cell, size_of::<KeyRecord>(), &stored);
        Ok(())
    }

    /// The values of a key and their list; the cell of the list.
    fn add_values(&mut self, values: &'t [ValueData]) -> Result<u32, HiveWriteError> {
        if let Some(name) = repeated(values.iter().map(|value| value.name.as_str())) {
            return Err(HiveWriteError::SameValue { path: self.path(), name: name.to_owned() });
        }
        if values.is_empty() {
            return Ok(NONE);
        }
        let list = self.reserve(size_of::<U32>() * values.len())?;
        for (at, value) in values.iter().enumerate() {
            let cell = self.add_value(value)?;
            self.put(list, at * size_of::<U32>(), &cell.to_le_bytes());
        }
        Ok(list)
    }

    fn add_value(&mut self, value: &ValueData) -> Result<u32, HiveWriteError> {
        let units = name::units(&value.name);
        if units > 16_383 || value.name.contains('\0') {
            return Err(HiveWriteError::ValueName { path: self.path(), units });
        }
        let len = to_u32(value.data.len());
        if len > SEGMENT {
            return Err(HiveWriteError::ValueTooLong {
                path: self.path(),
                name: value.name.clone(),
                found: to_u64(value.data.len()),
                limit: u64::from(SEGMENT),
            });
        }
        let (stored, latin1) = name::encode(&value.name);
        let mut record = ValueRecord {
            signature: ValueRecord::SIGNATURE,
            name_len: stored_len(&stored),
            data_len: U32::new(len),
            data: [0; 4],
            value_type: U32::new(value.value_type.0),
            flags: U16::new(if latin1 { ValueRecord::LATIN1 } else { 0 }),
            spare: U16::ZERO,
        };
        let cell = self.reserve(size_of::<ValueRecord>() + stored.len())?;
        match record.data.get_mut(..value.data.len()) {
            Some(place) => {
                place.copy_from_slice(&value.data);
                record.data_len = U32::new(len | ValueRecord::IN_PLACE);
            }
            None => {
                let data = self.reserve(value.data.len())?;
                self.put(data, 0, &value.data);
                record.data = data.to_le_bytes();
            }
        }
        self.put(cell, 0, record.as_bytes());
        self.put(cell, size_of::<ValueRecord>(), &stored);
        Ok(cell)
    }

    /// The subkeys of a key with all below them, and the lists of them; the cell of the first list.
    fn add_subkeys(&mut self, key: &'t KeyTree, cell: u32) -> Result<u32, HiveWriteError> {
        if let Some(name) = repeated(key.subkeys.iter().map(|key| key.name.as_str())) {
            return Err(HiveWriteError::SameKey { path: self.path(), name: name.to_owned() });
        }
        let mut subkeys: Vec<&KeyTree> = key.subkeys.iter().collect();
        subkeys.sort_by(|one, other| name::order(&one.name, &other.name));
        let mut entries = Vec::new();
        for subkey in subkeys {
            let subkey_cell = self.reserve_key(subkey)?;
            self.fill_key(subkey, subkey_cell, cell)?;
            entries.push(HintedEntry { key: U32::new(subkey_cell), hint: hint(&subkey.name) });
        }
        let mut lists = Vec::new();
        for entries in entries.chunks(LIST_ENTRIES) {
            lists.push(U32::new(self.add_list(*b"lf", entries.len(), entries.as_bytes())?));
        }
        match lists.as_slice() {
            [] => Ok(NONE),
            [list] => Ok(list.get()),
            lists => self.add_list(*b"ri", lists.len(), lists.as_bytes()),
        }
    }

    fn add_list(
        &mut self,
        signature: [u8; 2],
        count: usize,
        entries: &[u8],
    ) -> Result<u32, HiveWriteError> {
        // OK to saturate: a list has 507 entries, and 65,535 lists of 507 keys are over the limit
        // of a hive's length.
        let count = U16::new(u16::try_from(count).unwrap_or(u16::MAX));
        let cell = self.reserve(size_of::<ListHead>() + entries.len())?;
        self.put(cell, 0, ListHead { signature, count }.as_bytes());
        self.put(cell, size_of::<ListHead>(), entries);
        Ok(cell)
    }

    fn fill_security(&mut self) {
        let itself = U32::new(self.security);
        let head = SecurityHead {
            signature: SecurityHead::SIGNATURE,
            reserved: U16::ZERO,
            next: itself,
            previous: itself,
            uses: U32::new(self.keys),
            len: U32::new(to_u32(DESCRIPTOR.len())),
        };
        self.put(self.security, 0, head.as_bytes());
        self.put(self.security, size_of::<SecurityHead>(), &DESCRIPTOR);
    }

    fn finish(mut self, root: u32) -> Vec<u8> {
        let used = self.bin.len();
        let len = used.next_multiple_of(BLOCK);
        if used < len {
            // Free: positive.
            self.bin.extend(to_u32(len - used).to_le_bytes());
            self.bin.resize(len, 0);
        }
        let bin = BinHeader {
            signature: BinHeader::SIGNATURE,
            offset: U32::ZERO,
            len: U32::new(to_u32(len)),
            reserved: [0; 8],
            written: self.time,
            spare: U32::ZERO,
        };
        let mut base = BaseBlock {
            signature: BaseBlock::SIGNATURE,
            primary_sequence: U32::new(1),
            secondary_sequence: U32::new(1),
            written: self.time,
            major: U32::new(1),
            minor: U32::new(3),
            file_type: U32::ZERO,
            format: U32::new(1),
            root: U32::new(root),
            bins_len: U32::new(to_u32(len)),
            clustering: U32::new(1),
            name: [U16::ZERO; 32],
            reserved: [0; 396],
            checksum: U32::ZERO,
            rest: [0; 3584],
        };
        base.checksum = U32::new(base.computed_checksum());
        let mut hive = base.as_bytes().to_vec();
        hive.extend_from_slice(bin.as_bytes());
        hive.extend(self.bin.into_iter().skip(size_of::<BinHeader>()));
        hive
    }

    fn path(&self) -> String {
        self.path.join("\\")
    }
}

/// Lengths of names were checked.
fn stored_len(stored: &[u8]) -> U16 {
    U16::new(u16::try_from(stored.len()).unwrap_or(u16::MAX))
}

/// A name that comes twice, ignoring case.
fn repeated<'n>(names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_by(|one, other| name::order(one, other));
    names.windows(2).find_map(|pair| match pair {
        [one, other] if name::order(one, other).is_eq() => Some(*other),
        _ => None,
    })
}

/// The first four characters of a name, which save readers a look at the key; zeros where one has
/// no place in a byte.
fn hint(name: &str) -> [u8; 4] {
    let mut hint = [0; 4];
    for (place, c) in hint.iter_mut().zip(name.chars()) {
        match u8::try_from(c) {
            Ok(byte) => *place = byte,
            Err(_) => return [0; 4],
        }
    }
    hint
}
