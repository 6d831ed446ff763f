//! A store: objects and their elements, in a hive (wim-format 4.1).

use std::collections::BTreeMap;

use crate::element::{Element, ElementError, ElementType, ElementValue};
use crate::hive::{
    FileTime, Hive, HiveError, HiveWriteError, Key, KeyTree, Limits, Room, ValueData, ValueType,
    encode_text,
};
use crate::object::{ObjectId, ObjectKind, ObjectType};

/// Names in the hive.
const DESCRIPTION: &str = "Description";
const OBJECTS: &str = "Objects";
const ELEMENTS: &str = "Elements";
const ELEMENT: &str = "Element";
const TYPE: &str = "Type";
const KEY_NAME: &str = "KeyName";

/// A store of boot configuration data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Values of the store's own `Description`.
    description: Vec<ValueData>,
    objects: BTreeMap<ObjectId, Object>,
    dirty: bool,
}

/// An object of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    object_type: ObjectType,
    elements: BTreeMap<ElementType, Element>,
}

/// Why a hive is no store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The hive cannot be read.
    #[error("the boot configuration is no sound registry hive")]
    Hive(#[from] HiveError),
    /// A key or value that every store has is not there.
    #[error("the boot configuration has no {what}")]
    Missing {
        /// Where it should be, from the root.
        what: String,
    },
    /// A key whose name is no GUID (objects) or no eight digits (elements).
    #[error("the boot configuration has a key {path:?}; {expected} is expected there")]
    Name {
        /// Of the key, from the root.
        path: String,
        /// What should be there.
        expected: &'static str,
    },
    /// Two keys for one object or element.
    #[error("the boot configuration has {path:?} twice")]
    Twice {
        /// Of the second key, from the root.
        path: String,
    },
}

impl Store {
    /// Most bytes of a hive that is read as a store, 4 MiB. Stores of media have 12 to 32 KiB.
    pub const MAX_LEN: u64 = 4 << 20;

    /// A store without objects.
    pub fn new() -> Self {
        // What every store of Microsoft's is called.
        let name = ValueData {
            name: KEY_NAME.to_owned(),
            value_type: ValueType::SZ,
            data: encode_text("BCD00000000"),
        };
        Self { description: vec![name], objects: BTreeMap::new(), dirty: false }
    }

    /// Reads any store. Elements that are not known are kept as they are.
    ///
    /// # Errors
    /// When the bytes are no sound hive of at most [`MAX_LEN`](Self::MAX_LEN) bytes, or hold
    /// something else.
    pub fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        // A store is three keys deep and has one value a key; the rest is room for other tools.
        let limits = Limits::new()
            .with_len(Self::MAX_LEN)
            .with_depth(8)
            .with_values(64)
            .with_value_len(64 << 10);
        let hive = Hive::open_with(bytes, limits)?;
        let root = hive.root()?;
        let mut room = Room::of(&root);
        let mut description = Vec::new();
        if let Some(key) = root.subkey(DESCRIPTION)? {
            for value in key.values()? {
                description.push(room.read(&value?)?);
            }
        }
        let missing = || StoreError::Missing { what: OBJECTS.to_owned() };
        let mut objects = BTreeMap::new();
        for key in root.subkey(OBJECTS)?.ok_or_else(missing)?.subkeys() {
            let key = key?;
            let path = format!(r"{OBJECTS}\{}", key.name());
            let Ok(id) = key.name().parse() else {
                return Err(StoreError::Name { path, expected: "a GUID" });
            };
            let object = Object::read(&key, &path, &mut room)?;
            if objects.insert(id, object).is_some() {
                return Err(StoreError::Twice { path });
            }
        }
        Ok(Self { description, objects, dirty: hive.is_dirty() })
    }

    /// The bytes of a hive with this store, all its times being `time`. Equal stores give equal
    /// bytes. A store that was read [dirty](Self::is_dirty) becomes clean.
    ///
    /// # Errors
    /// When an element is longer than a hive can hold.
    pub fn to_bytes(&self, time: FileTime) -> Result<Vec<u8>, HiveWriteError> {
        let mut description = KeyTree::new(DESCRIPTION);
        for ValueData { name, value_type, data } in &self.description {
            description = description.with_value(name, *value_type, data.as_slice());
        }
        let mut objects = KeyTree::new(OBJECTS);
        for (id, object) in &self.objects {
            objects = objects.with_subkey(object.to_key(*id));
        }
        // What `bcdedit` calls the root of a store it makes.
        KeyTree::new("NewStoreRoot").with_subkey(description).with_subkey(objects).to_hive(time)
    }

    /// Whether the store was read from a hive in which a write did not end; see [`Hive::is_dirty`].
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// All objects, by name.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.objects.iter().map(|(id, object)| (*id, object))
    }

    /// One object.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.objects.get(&id)
    }

    /// Puts an object in, in place of one of its name.
    #[must_use]
    pub fn with_object(mut self, id: ObjectId, object: Object) -> Self {
        self.objects.insert(id, object);
        self
    }

    /// The element that counts for an object: its own, or else one that it inherits, the first
    /// found. With the object that has it.
    pub fn element(&self, id: ObjectId, element: ElementType) -> Option<(ObjectId, &Element)> {
        // Objects still to be looked at, the next one last, and those that were: inheritance may
        // go in circles.
        let mut next = vec![id];
        let mut seen = Vec::new();
        while let Some(id) = next.pop() {
            let Some(object) = self.object(id) else { continue };
            if seen.contains(&id) || seen.len() >= 64 {
                continue;
            }
            seen.push(id);
            if let Some(element) = object.elements.get(&element) {
                return Some((id, element));
            }
            if let Ok(Some(ElementValue::Objects(inherited))) = object.value(ElementType::INHERIT) {
                next.extend(inherited.into_iter().rev());
            }
        }
        None
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::new()
    }
}

impl Object {
    /// An object without elements.
    pub fn new(object_type: ObjectType) -> Self {
        Self { object_type, elements: BTreeMap::new() }
    }

    /// Sets an element.
    ///
    /// # Errors
    /// As [`Element::new`].
    pub fn with(
        mut self,
        element: ElementType,
        value: &ElementValue,
    ) -> Result<Self, ElementError> {
        self.elements.insert(element, Element::new(element, value)?);
        Ok(self)
    }

    /// Sets an element to bytes of any kind.
    #[must_use]
    pub fn with_raw(mut self, element: ElementType, raw: Element) -> Self {
        self.elements.insert(element, raw);
        self
    }

    /// What it is.
    pub fn object_type(&self) -> ObjectType {
        self.object_type
    }

    /// What kind of object it is.
    pub fn kind(&self) -> ObjectKind {
        self.object_type.kind()
    }

    /// Its own elements, by number.
    pub fn elements(&self) -> impl Iterator<Item = (ElementType, &Element)> {
        self.elements.iter().map(|(element, value)| (*element, value))
    }

    /// The value of one of its own elements.
    ///
    /// # Errors
    /// When it is there and means nothing known.
    pub fn value(&self, element: ElementType) -> Result<Option<ElementValue>, ElementError> {
        self.elements.get(&element).map(|value| value.value(element)).transpose()
    }

    fn read(key: &Key<'_>, path: &str, room: &mut Room) -> Result<Self, StoreError> {
        let missing = |what: &str| StoreError::Missing { what: format!(r"{path}\{what}") };
        let description = key.subkey(DESCRIPTION)?.ok_or_else(|| missing(DESCRIPTION))?;
        let object_type = description.value(TYPE)?.and_then(|value| value.dword());
        let object_type = object_type.ok_or_else(|| missing(r"Description, Type (REG_DWORD)"))?;
        let mut object = Self::new(ObjectType(object_type));
        let Some(elements) = key.subkey(ELEMENTS)? else { return Ok(object) };
        for key in elements.subkeys() {
            let key = key?;
            let name = key.name();
            let path = || format!(r"{path}\{ELEMENTS}\{name}");
            let digits = name.len() == 8 && name.bytes().all(|digit| digit.is_ascii_hexdigit());
            let Some(number) = digits.then(|| u32::from_str_radix(&name, 16).ok()).flatten() else {
                return Err(StoreError::Name { path: path(), expected: "a number of 8 digits" });
            };
            let value = key.value(ELEMENT)?;
            let missing = || StoreError::Missing { what: format!("{}, {ELEMENT}", path()) };
            let value = room.read(&value.ok_or_else(missing)?)?;
            let element = Element::from_raw(value.value_type, value.data);
            if object.elements.insert(ElementType(number), element).is_some() {
                return Err(StoreError::Twice { path: path() });
            }
        }
        Ok(object)
    }

    fn to_key(&self, id: ObjectId) -> KeyTree {
        let object_type = self.object_type.0.to_le_bytes();
        let description = KeyTree::new(DESCRIPTION).with_value(TYPE, ValueType::DWORD, object_type);
        let mut elements = KeyTree::new(ELEMENTS);
        for (element, value) in &self.elements {
            elements = elements.with_subkey(KeyTree::new(element.to_string()).with_value(
                ELEMENT,
                value.value_type(),
                value.data(),
            ));
        }
        KeyTree::new(id.guid().to_string()).with_subkey(description).with_subkey(elements)
    }
}
