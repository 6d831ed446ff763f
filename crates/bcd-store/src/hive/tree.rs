//! Keys and values in memory: what the writer takes, and what a whole hive reads into.

use super::error::HiveError;
use super::key::Key;
use super::value::{Value, ValueType};
use crate::cast::to_u64;
use crate::disk::cells::ValueRecord;

/// A key with all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTree {
    pub(super) name: String,
    pub(super) values: Vec<ValueData>,
    pub(super) subkeys: Vec<KeyTree>,
}

impl KeyTree {
    /// A key without values and subkeys.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), values: Vec::new(), subkeys: Vec::new() }
    }

    /// Adds a value after those that are there; an empty name is the key's default value.
    #[must_use]
    pub fn with_value(
        mut self,
        name: impl Into<String>,
        value_type: ValueType,
        data: impl Into<Vec<u8>>,
    ) -> Self {
        self.values.push(ValueData { name: name.into(), value_type, data: data.into() });
        self
    }

    /// Adds a subkey. The writer sorts them.
    #[must_use]
    pub fn with_subkey(mut self, key: KeyTree) -> Self {
        self.subkeys.push(key);
        self
    }

    /// Reads a key with all below it. What it keeps is in proportion to the hive's length; calls
    /// are as deep as [`Limits::with_depth`](super::Limits::with_depth) lets keys be.
    ///
    /// # Errors
    /// The first fault found.
    pub fn read(key: &Key<'_>) -> Result<Self, HiveError> {
        Self::read_within(key, &mut Room::of(key))
    }

    fn read_within(key: &Key<'_>, room: &mut Room) -> Result<Self, HiveError> {
        let mut tree = Self::new(key.name());
        for value in key.values()? {
            tree.values.push(room.read(&value?)?);
        }
        for subkey in key.subkeys() {
            tree.subkeys.push(Self::read_within(&subkey?, room)?);
        }
        Ok(tree)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its values.
    pub fn values(&self) -> &[ValueData] {
        &self.values
    }

    /// Its subkeys.
    pub fn subkeys(&self) -> &[KeyTree] {
        &self.subkeys
    }
}

/// A value with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueData {
    pub(crate) name: String,
    pub(crate) value_type: ValueType,
    pub(crate) data: Vec<u8>,
}

impl ValueData {
    /// Its name; empty for the key's default value.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its data means.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// Bytes that values of one hive may still have together. A sound hive stores each once; in a hostile
/// one a million keys could have the same long value.
pub(crate) struct Room {
    left: u64,
    limit: u64,
}

impl Room {
    /// All of the key's hive.
    pub(crate) fn of(key: &Key<'_>) -> Self {
        let limit = u64::from(key.hive().bins_len());
        Self { left: limit, limit }
    }

    /// Reads a value.
    pub(crate) fn read(&mut self, value: &Value<'_>) -> Result<ValueData, HiveError> {
        let (name, data) = (value.name(), value.data()?);
        // Short data may stand in the record.
        let apart = if data.len() > size_of::<u32>() { data.len() } else { 0 };
        let size = to_u64(size_of::<ValueRecord>().saturating_add(apart));
        self.left = self.left.checked_sub(size).ok_or(HiveError::Overlap { limit: self.limit })?;
        Ok(ValueData { name, value_type: value.value_type(), data: data.into_owned() })
    }
}
