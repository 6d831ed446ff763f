//! What a boot configuration holds and starts.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use bcd_store::hive::ValueType;
use bcd_store::{Element, ElementType, ElementValue, ObjectId, RamDiskBoot, Store};
use serde::Serialize;

use crate::boot::configuration::{name, read};
use crate::error::chain;
use crate::inspect::InspectError;

/// A boot configuration (BCD).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BcdInspection {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The boot image that it starts from its own medium, where it starts one.
    pub starts: Option<BcdStart>,
    /// Why it starts none.
    pub problem: Option<String>,
    /// Everything in it, by name.
    pub objects: Vec<BcdObject>,
    /// The same for people, in the manner of `bcdedit`.
    #[serde(skip)]
    pub text: String,
}

/// What a boot configuration starts when nobody touches a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BcdStart {
    /// The entry's GUID.
    pub entry: String,
    /// The boot image, on the medium.
    pub boot_image: String,
    /// The RAM disk's boot.sdi, on the medium.
    pub boot_sdi: String,
    /// The loader, inside the boot image.
    pub loader: String,
    /// `BIOS` or `UEFI`, by the loader.
    pub firmware: Option<String>,
}

/// An object of a boot configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BcdObject {
    /// Its GUID.
    pub id: String,
    /// What `bcdedit` calls it, such as `{bootmgr}`.
    pub name: Option<String>,
    /// Eight hexadecimal digits.
    pub r#type: String,
    /// What that type is.
    pub kind: String,
    /// Its elements, by number.
    pub elements: Vec<BcdElement>,
}

/// An element of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BcdElement {
    /// Eight hexadecimal digits.
    pub r#type: String,
    /// What `bcdedit` calls it.
    pub name: Option<String>,
    /// Its value.
    pub value: BcdValue,
}

/// The value of an element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum BcdValue {
    /// A text, a GUID, or a device as `bcdedit` writes it.
    Text(String),
    /// GUIDs.
    Texts(Vec<String>),
    /// A number.
    Integer(u64),
    /// Numbers.
    Integers(Vec<u64>),
    /// Yes or no.
    Boolean(bool),
    /// What is not known or damaged.
    Raw {
        /// The registry's type.
        registry: String,
        /// Its bytes in hexadecimal digits, at most 256 of them.
        hex: String,
        /// How many bytes there are.
        bytes: usize,
    },
}

/// Bytes shown of what is not known.
const RAW: usize = 256;

pub(crate) fn inspect_bcd(
    path: &Path,
    mut file: impl Read + Seek,
) -> Result<BcdInspection, InspectError> {
    let io_error = |source| InspectError::Io { path: path.to_path_buf(), source };
    let bytes = file.seek(SeekFrom::End(0)).map_err(io_error)?;
    file.rewind().map_err(io_error)?;
    let store = read(&mut file, bytes).map_err(|source| InspectError::Bcd {
        path: path.to_path_buf(),
        source: Box::new(source),
    })?;
    Ok(inspect_store(&store, bytes))
}

fn inspect_store(store: &Store, bytes: u64) -> BcdInspection {
    let boot = store.ram_disk_boot();
    let objects = store.objects().map(|(id, object)| BcdObject {
        id: guid(id),
        name: id.alias().map(str::to_owned),
        r#type: format!("{:08x}", object.object_type().0),
        kind: object.kind().to_string(),
        elements: object
            .elements()
            .map(|(element, stored)| BcdElement {
                r#type: element.to_string(),
                name: element.name(object.kind()).map(str::to_owned),
                value: value(element, stored),
            })
            .collect(),
    });
    BcdInspection {
        bytes,
        objects: objects.collect(),
        text: store.to_string(),
        problem: boot.as_ref().err().map(|error| chain(error)),
        starts: boot.ok().map(start),
    }
}

fn start(boot: RamDiskBoot) -> BcdStart {
    let firmware = boot.firmware().map(|firmware| name(firmware).to_owned());
    let RamDiskBoot { entry, wim, sdi, loader, .. } = boot;
    BcdStart { entry: guid(entry), boot_image: wim, boot_sdi: sdi, loader, firmware }
}

fn guid(id: ObjectId) -> String {
    id.guid().to_string()
}

fn value(element: ElementType, stored: &Element) -> BcdValue {
    match stored.value(element) {
        Ok(ElementValue::Device(device)) => BcdValue::Text(device.to_string()),
        Ok(ElementValue::Text(text)) => BcdValue::Text(text),
        Ok(ElementValue::Object(id)) => BcdValue::Text(guid(id)),
        Ok(ElementValue::Objects(ids)) => BcdValue::Texts(ids.into_iter().map(guid).collect()),
        Ok(ElementValue::Integer(number)) => BcdValue::Integer(number),
        Ok(ElementValue::Integers(numbers)) => BcdValue::Integers(numbers),
        Ok(ElementValue::Boolean(yes)) => BcdValue::Boolean(yes),
        _ => raw(stored.value_type(), stored.data()),
    }
}

fn raw(registry: ValueType, data: &[u8]) -> BcdValue {
    let hex = data.iter().take(RAW).map(|byte| format!("{byte:02x}")).collect();
    BcdValue::Raw { registry: registry.to_string(), hex, bytes: data.len() }
}

#[cfg(test)]
mod tests {
    use bcd_store::{BootStore, Firmware, Object, ObjectType};

    use super::*;

    #[test]
    fn a_store_tells_what_it_starts_and_holds() {
        let store = BootStore::new(Firmware::Uefi).build().unwrap();
        let found = inspect_store(&store, 8192);
        let starts = found.starts.unwrap();
        assert_eq!(starts.boot_image, r"\sources\boot.wim");
        assert_eq!(starts.boot_sdi, r"\boot\boot.sdi");
        assert_eq!(starts.firmware.as_deref(), Some("UEFI"));
        assert_eq!((found.problem, found.objects.len()), (None, 4));
        let manager = found.objects.iter().find(|o| o.name.as_deref() == Some("{bootmgr}"));
        let timeout = manager.unwrap().elements.iter().find(|e| e.r#type == "25000004").unwrap();
        assert_eq!(timeout.name.as_deref(), Some("timeout"));
        assert_eq!(timeout.value, BcdValue::Integer(30));
        let json = serde_json::to_value(&manager.unwrap().elements).unwrap();
        assert_eq!(json[0]["value"], "Windows Boot Manager");
    }

    #[test]
    fn what_is_not_known_is_shown_as_it_is() {
        let element = ElementType(0x1F00_0001);
        let raw = Element::from_raw(ValueType::BINARY, vec![0xAB; 300]);
        let object = Object::new(ObjectType(0)).with_raw(element, raw);
        let found = inspect_store(&Store::new().with_object(ObjectId::new(1), object), 1);
        assert!(found.starts.is_none() && found.problem.unwrap().contains("{bootmgr}"));
        let BcdValue::Raw { hex, bytes, .. } = &found.objects[0].elements[0].value else {
            panic!("known")
        };
        assert_eq!((hex.len(), *bytes), (512, 300));
    }
}
