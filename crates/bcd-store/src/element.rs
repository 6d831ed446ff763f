//! Elements: the settings of an object (wim-format 4.1).

use std::fmt;

use crate::device::{Device, DeviceError};
use crate::element_names;
use crate::guid::GuidError;
use crate::hive::{ValueType, decode_text, decode_texts, encode_text, encode_texts};
use crate::object::{ObjectId, ObjectKind};

/// What an element is: four bits of class, four of format, and a number whose meaning depends on
/// the class and, for applications, on the object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementType(pub u32);

impl ElementType {
    /// Device that an application is on.
    pub const DEVICE: Self = Self(0x1100_0001);
    /// Path of an application on its device.
    pub const PATH: Self = Self(0x1200_0002);
    /// What menus show.
    pub const DESCRIPTION: Self = Self(0x1200_0004);
    /// Language of messages.
    pub const LOCALE: Self = Self(0x1200_0005);
    /// Objects whose elements count for this one too.
    pub const INHERIT: Self = Self(0x1400_0006);
    /// Memory found bad is used nevertheless: for the memory test.
    pub const BAD_MEMORY_ACCESS: Self = Self(0x1600_000B);
    /// Menus without graphics.
    pub const GRAPHICS_DISABLED: Self = Self(0x1600_0046);
    /// Signatures are not checked.
    pub const NO_INTEGRITY_CHECKS: Self = Self(0x1600_0048);
    /// Test signatures are accepted.
    pub const TEST_SIGNING: Self = Self(0x1600_0049);
    /// Resolution of graphics: 0, 1, 2.
    pub const GRAPHICS_RESOLUTION: Self = Self(0x1500_0052);
    /// The highest resolution that the firmware offers.
    pub const HIGHEST_MODE: Self = Self(0x1600_0054);

    /// Entries in the menu.
    pub const DISPLAY_ORDER: Self = Self(0x2400_0001);
    /// Entries to be started once, before all others.
    pub const BOOT_SEQUENCE: Self = Self(0x2400_0002);
    /// Entry started when the time is over.
    pub const DEFAULT: Self = Self(0x2300_0003);
    /// Seconds that the menu is shown.
    pub const TIMEOUT: Self = Self(0x2500_0004);
    /// Tools in the menu.
    pub const TOOLS_DISPLAY_ORDER: Self = Self(0x2400_0010);

    /// Device that Windows is on.
    pub const OS_DEVICE: Self = Self(0x2100_0001);
    /// Folder of Windows.
    pub const SYSTEM_ROOT: Self = Self(0x2200_0002);
    /// The loader finds the HAL.
    pub const DETECT_HAL: Self = Self(0x2600_0010);
    /// Windows PE.
    pub const WINPE: Self = Self(0x2600_0022);
    /// No graphics driver of the firmware's is used.
    pub const NO_VGA: Self = Self(0x2600_0043);
    /// Emergency management services in Windows.
    pub const EMS: Self = Self(0x2600_00B0);
    /// The menu's form: 0, 1.
    pub const BOOT_MENU_POLICY: Self = Self(0x2500_00C2);

    /// Device of the RAM disk's boot.sdi.
    pub const SDI_DEVICE: Self = Self(0x3100_0003);
    /// Path of the RAM disk's boot.sdi.
    pub const SDI_PATH: Self = Self(0x3200_0004);

    /// What values it has; `None` for a format that is not known.
    pub fn format(self) -> Option<Format> {
        Some(match (self.0 >> 24) & 0xF {
            1 => Format::Device,
            2 => Format::Text,
            3 => Format::Object,
            4 => Format::Objects,
            5 => Format::Integer,
            6 => Format::Boolean,
            7 => Format::Integers,
            _ => return None,
        })
    }

    /// What `bcdedit` calls it in an object of that kind.
    pub fn name(self, object: ObjectKind) -> Option<&'static str> {
        element_names::name(self.0, object)
    }
}

/// Eight digits, as stores have them.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The formats of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A device.
    Device,
    /// Text.
    Text,
    /// The name of an object.
    Object,
    /// Names of objects.
    Objects,
    /// A 64-bit number.
    Integer,
    /// Yes or no.
    Boolean,
    /// 64-bit numbers.
    Integers,
}

impl Format {
    /// What the registry calls values of the format.
    const fn value_type(self) -> ValueType {
        match self {
            Self::Device | Self::Integer | Self::Boolean | Self::Integers => ValueType::BINARY,
            Self::Text | Self::Object => ValueType::SZ,
            Self::Objects => ValueType::MULTI_SZ,
        }
    }
}

/// The value of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElementValue {
    /// A device.
    Device(Device),
    /// Text.
    Text(String),
    /// The name of an object.
    Object(ObjectId),
    /// Names of objects.
    Objects(Vec<ObjectId>),
    /// A 64-bit number.
    Integer(u64),
    /// Yes or no.
    Boolean(bool),
    /// 64-bit numbers.
    Integers(Vec<u64>),
}

impl ElementValue {
    /// The format it needs.
    pub fn format(&self) -> Format {
        match self {
            Self::Device(_) => Format::Device,
            Self::Text(_) => Format::Text,
            Self::Object(_) => Format::Object,
            Self::Objects(_) => Format::Objects,
            Self::Integer(_) => Format::Integer,
            Self::Boolean(_) => Format::Boolean,
            Self::Integers(_) => Format::Integers,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::Device(device) => device.to_bytes(),
            Self::Text(text) => encode_text(text),
            Self::Object(id) => encode_text(&id.guid().to_string()),
            Self::Objects(ids) => {
                let ids: Vec<String> = ids.iter().map(|id| id.guid().to_string()).collect();
                encode_texts(ids.iter().map(String::as_str))
            }
            Self::Integer(number) => number.to_le_bytes().to_vec(),
            Self::Boolean(yes) => vec![u8::from(*yes)],
            Self::Integers(numbers) => numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
        }
    }
}

/// An element as a store holds it. Its bytes are kept, so that reading and writing changes nothing;
/// what they mean is worked out when asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    value_type: ValueType,
    data: Vec<u8>,
}

/// Why an element has no value that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElementError {
    /// The format in its type is not known, or a value has another one.
    #[error("element {element}: its type does not have that format")]
    Format {
        /// Its type.
        element: ElementType,
    },
    /// Stored as another type of registry value.
    #[error("element {element}: it is stored as {found}; {expected} is expected")]
    ValueType {
        /// Its type.
        element: ElementType,
        /// As stored.
        found: ValueType,
        /// As its format asks for.
        expected: ValueType,
    },
    /// A number or boolean of another length.
    #[error("element {element}: {found} bytes; {expected} are expected")]
    Len {
        /// Its type.
        element: ElementType,
        /// Bytes there.
        found: usize,
        /// Bytes of a value; for a list, of one of its numbers.
        expected: usize,
    },
    /// Text that is no UTF-16, or that has a NUL inside.
    #[error("element {element}: its text is no UTF-16 without NUL")]
    Text {
        /// Its type.
        element: ElementType,
    },
    /// Text that is no name of an object.
    #[error("element {element}: it does not name an object")]
    Object {
        /// Its type.
        element: ElementType,
        /// What it is.
        #[source]
        source: GuidError,
    },
    /// A device that is not known, or damaged.
    #[error("element {element}: its device cannot be read")]
    Device {
        /// Its type.
        element: ElementType,
        /// Why.
        #[source]
        source: DeviceError,
    },
}

impl Element {
    /// The bytes of a value.
    ///
    /// # Errors
    /// When the type asks for another format, or a text has a NUL.
    pub fn new(element: ElementType, value: &ElementValue) -> Result<Self, ElementError> {
        let text = match value {
            ElementValue::Text(text) | ElementValue::Device(Device::RamDisk { path: text, .. }) => {
                text.as_str()
            }
            _ => "",
        };
        if element.format() != Some(value.format()) {
            return Err(ElementError::Format { element });
        }
        if text.contains('\0') {
            return Err(ElementError::Text { element });
        }
        Ok(Self { value_type: value.format().value_type(), data: value.data() })
    }

    /// With bytes of any kind.
    pub fn from_raw(value_type: ValueType, data: Vec<u8>) -> Self {
        Self { value_type, data }
    }

    /// How the registry stores it.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Its bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// What its bytes mean when it is of type `element`.
    ///
    /// # Errors
    /// When they mean nothing known.
    pub fn value(&self, element: ElementType) -> Result<ElementValue, ElementError> {
        let format = element.format().ok_or(ElementError::Format { element })?;
        let (found, expected) = (self.value_type, format.value_type());
        if found != expected {
            return Err(ElementError::ValueType { element, found, expected });
        }
        let data = self.data.as_slice();
        let len = |expected| ElementError::Len { element, found: data.len(), expected };
        let text = || ElementError::Text { element };
        let id =
            |text: &str| text.parse().map_err(|source| ElementError::Object { element, source });
        Ok(match format {
            Format::Device => ElementValue::Device(
                Device::from_bytes(data)
                    .map_err(|source| ElementError::Device { element, source })?,
            ),
            Format::Text => ElementValue::Text(decode_text(data).ok_or_else(text)?),
            Format::Object => ElementValue::Object(id(&decode_text(data).ok_or_else(text)?)?),
            Format::Objects => {
                let texts = decode_texts(data).ok_or_else(text)?;
                let ids: Result<_, _> = texts.iter().map(|text| id(text)).collect();
                ElementValue::Objects(ids?)
            }
            Format::Integer => {
                let number = data.try_into().map_err(|_| len(size_of::<u64>()))?;
                ElementValue::Integer(u64::from_le_bytes(number))
            }
            Format::Boolean => match data {
                [byte] => ElementValue::Boolean(*byte != 0),
                _ => return Err(len(1)),
            },
            Format::Integers => {
                let (numbers, rest) = data.as_chunks();
                if !rest.is_empty() {
                    return Err(len(size_of::<u64>()));
                }
                ElementValue::Integers(numbers.iter().map(|n| u64::from_le_bytes(*n)).collect())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Volume;

    #[test]
    fn values_and_their_bytes() {
        let id = ObjectId::BOOT_MANAGER;
        let utf16 =
            |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let name = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}";
        let cases = [
            (ElementType::TIMEOUT, ElementValue::Integer(30), 3, b"\x1E\0\0\0\0\0\0\0".to_vec()),
            (ElementType::WINPE, ElementValue::Boolean(true), 3, vec![1]),
            (ElementType::SYSTEM_ROOT, ElementValue::Text("A".into()), 1, b"A\0\0\0".to_vec()),
            (ElementType::DEFAULT, ElementValue::Object(id), 1, utf16(&format!("{name}\0"))),
            (
                ElementType::DISPLAY_ORDER,
                ElementValue::Objects(vec![id, id]),
                7,
                utf16(&format!("{name}\0{name}\0\0")),
            ),
            (
                ElementType(0x1700_000A),
                ElementValue::Integers(vec![1, 2]),
                3,
                b"\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec(),
            ),
            (
                ElementType::SDI_DEVICE,
                ElementValue::Device(Device::Plain(Volume::Boot)),
                3,
                Device::Plain(Volume::Boot).to_bytes(),
            ),
        ];
        for (element, value, value_type, data) in cases {
            let made = Element::new(element, &value).unwrap();
            assert_eq!(made.value_type(), ValueType(value_type), "{element}");
            assert_eq!(made.data(), data, "{element}");
            assert_eq!(made.value(element), Ok(value), "{element}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let element = ElementType::TIMEOUT;
        let no = Element::new(element, &ElementValue::Boolean(true));
        assert_eq!(no, Err(ElementError::Format { element }));
        let element = ElementType::PATH;
        let no = Element::new(element, &ElementValue::Text("a\0b".into()));
        assert_eq!(no, Err(ElementError::Text { element }));

        let said = |element: ElementType, value_type, data: &[u8]| {
            Element::from_raw(value_type, data.to_vec()).value(element).unwrap_err().to_string()
        };
        assert_eq!(
            said(ElementType::TIMEOUT, ValueType::DWORD, &[0; 4]),
            "element 25000004: it is stored as REG_DWORD; REG_BINARY is expected"
        );
        assert_eq!(
            said(ElementType::TIMEOUT, ValueType::BINARY, &[0; 4]),
            "element 25000004: 4 bytes; 8 are expected"
        );
        assert_eq!(
            said(ElementType::WINPE, ValueType::BINARY, &[]),
            "element 26000022: 0 bytes; 1 are expected"
        );
        assert_eq!(
            said(ElementType::DEFAULT, ValueType::SZ, b"A\0\0\0"),
            "element 23000003: it does not name an object"
        );
        assert_eq!(
            said(ElementType(0x2F00_0001), ValueType::SZ, b""),
            "element 2f000001: its type does not have that format"
        );
    }
}
