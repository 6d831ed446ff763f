//! Whether a store starts a boot image as a RAM disk.

use crate::boot_store::Firmware;
use crate::device::{Device, Volume};
use crate::element::{ElementError, ElementType, ElementValue};
use crate::object::{ObjectId, ObjectKind};
use crate::store::Store;

/// What a store starts when nobody touches a key. Paths are on the device that the boot manager was
/// started from, and have backslashes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RamDiskBoot {
    /// The entry that is started.
    pub entry: ObjectId,
    /// The boot image.
    pub wim: String,
    /// The RAM disk's boot.sdi.
    pub sdi: String,
    /// The loader, inside the boot image.
    pub loader: String,
}

impl RamDiskBoot {
    /// Whether that is the boot image it starts; case is ignored, as everywhere in paths.
    pub fn starts(&self, wim: &str) -> bool {
        self.wim.to_lowercase() == wim.to_lowercase()
    }

    /// Which firmware the loader is for, by the end of its name.
    pub fn firmware(&self) -> Option<Firmware> {
        let loader = self.loader.to_lowercase();
        [Firmware::Bios, Firmware::Uefi]
            .into_iter()
            .find(|firmware| loader.ends_with(firmware.loader_suffix()))
    }
}

/// Why a store does not start a boot image on its medium as a RAM disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRamDiskBoot {
    /// A write of the hive did not end.
    #[error("the store was not closed properly; what it holds is not certain")]
    Dirty,
    /// Without that object nothing starts.
    #[error("there is no object {id}, {what}")]
    NoObject {
        /// Its name.
        id: ObjectId,
        /// What it is for.
        what: &'static str,
    },
    /// The boot manager does not say what to start.
    #[error("{{bootmgr}} names no entry: it has no default and no display order")]
    NoEntry,
    /// The entry is no loader of Windows.
    #[error("entry {entry} is no Windows loader, but: {found}")]
    NotALoader {
        /// The entry.
        entry: ObjectId,
        /// What it is.
        found: ObjectKind,
    },
    /// An element that is needed is not there.
    #[error("object {id} has no element {element}, {what}")]
    NoElement {
        /// Of the object.
        id: ObjectId,
        /// The element.
        element: ElementType,
        /// What it is for.
        what: &'static str,
    },
    /// An element cannot be read.
    #[error("object {id} has an element that cannot be read")]
    Element {
        /// Of the object.
        id: ObjectId,
        /// Why.
        #[source]
        source: ElementError,
    },
    /// The entry's device is no RAM disk.
    #[error("object {id}: its element {element} is no RAM disk, but: {found}")]
    NotARamDisk {
        /// Of the object.
        id: ObjectId,
        /// The element.
        element: ElementType,
        /// The device.
        found: Box<Device>,
    },
    /// A device that only the machine has where the store was made.
    #[error(
        "object {id}: its element {element} is on {found}, which only one machine has; [boot] is on every medium"
    )]
    OneMachine {
        /// Of the object.
        id: ObjectId,
        /// The element.
        element: ElementType,
        /// The device.
        found: Box<Device>,
    },
    /// The loader comes from another device than Windows.
    #[error("entry {entry}: device and osdevice differ")]
    TwoDevices {
        /// The entry.
        entry: ObjectId,
    },
    /// The RAM disk has no options, and so no boot.sdi.
    #[error("entry {entry}: its RAM disk names no object with its options")]
    NoOptions {
        /// The entry.
        entry: ObjectId,
    },
    /// The entry starts Windows as installed, not Windows PE.
    #[error("entry {entry}: it does not start Windows PE (element 26000022 is not yes)")]
    NotWindowsPe {
        /// The entry.
        entry: ObjectId,
    },
}

impl Store {
    /// What this store starts as a RAM disk from its own medium.
    ///
    /// The entry is the one of the boot manager's one-time sequence, else the default, else the
    /// first in the menu. Elements may be inherited.
    ///
    /// # Errors
    /// The first reason why it does not.
    pub fn ram_disk_boot(&self) -> Result<RamDiskBoot, NoRamDiskBoot> {
        if self.is_dirty() {
            return Err(NoRamDiskBoot::Dirty);
        }
        let entry = self.entry_started()?;
        let what = "the entry to be started";
        let object = self.object(entry).ok_or(NoRamDiskBoot::NoObject { id: entry, what })?;
        if object.kind() != ObjectKind::OsLoader {
            return Err(NoRamDiskBoot::NotALoader { entry, found: object.kind() });
        }
        let device = self.device(entry, ElementType::DEVICE, "the device of the loader")?;
        let os_device = self.device(entry, ElementType::OS_DEVICE, "the device of Windows")?;
        let Device::RamDisk { volume, path: wim, options } = device.clone() else {
            let (element, found) = (ElementType::DEVICE, Box::new(device));
            return Err(NoRamDiskBoot::NotARamDisk { id: entry, element, found });
        };
        if volume != Volume::Boot {
            let (element, found) = (ElementType::DEVICE, Box::new(device));
            return Err(NoRamDiskBoot::OneMachine { id: entry, element, found });
        }
        if os_device != device {
            return Err(NoRamDiskBoot::TwoDevices { entry });
        }
        let loader = self.text(entry, ElementType::PATH, "the path of the loader")?;
        self.text(entry, ElementType::SYSTEM_ROOT, "the folder of Windows")?;
        if self.value(entry, ElementType::WINPE)? != Some(ElementValue::Boolean(true)) {
            return Err(NoRamDiskBoot::NotWindowsPe { entry });
        }
        let options = options.ok_or(NoRamDiskBoot::NoOptions { entry })?;
        if self.object(options).is_none() {
            let what = "the options of the RAM disk";
            return Err(NoRamDiskBoot::NoObject { id: options, what });
        }
        let sdi = self.text(options, ElementType::SDI_PATH, "the path of boot.sdi")?;
        let sdi_device = self.device(options, ElementType::SDI_DEVICE, "the device of boot.sdi")?;
        if sdi_device != Device::Plain(Volume::Boot) {
            let (element, found) = (ElementType::SDI_DEVICE, Box::new(sdi_device));
            return Err(NoRamDiskBoot::OneMachine { id: options, element, found });
        }
        Ok(RamDiskBoot { entry, wim, sdi, loader })
    }

    fn entry_started(&self) -> Result<ObjectId, NoRamDiskBoot> {
        let manager = ObjectId::BOOT_MANAGER;
        if self.object(manager).is_none() {
            let what = "which says what to start";
            return Err(NoRamDiskBoot::NoObject { id: manager, what });
        }
        let choices =
            [ElementType::BOOT_SEQUENCE, ElementType::DEFAULT, ElementType::DISPLAY_ORDER];
        for element in choices {
            let entry = match self.value(manager, element)? {
                Some(ElementValue::Object(entry)) => Some(entry),
                Some(ElementValue::Objects(entries)) => entries.first().copied(),
                _ => None,
            };
            if let Some(entry) = entry {
                return Ok(entry);
            }
        }
        Err(NoRamDiskBoot::NoEntry)
    }

    fn value(
        &self,
        id: ObjectId,
        element: ElementType,
    ) -> Result<Option<ElementValue>, NoRamDiskBoot> {
        let Some((id, found)) = self.element(id, element) else { return Ok(None) };
        found.value(element).map(Some).map_err(|source| NoRamDiskBoot::Element { id, source })
    }

    fn device(
        &self,
        id: ObjectId,
        element: ElementType,
        what: &'static str,
    ) -> Result<Device, NoRamDiskBoot> {
        match self.value(id, element)? {
            Some(ElementValue::Device(device)) => Ok(device),
            _ => Err(NoRamDiskBoot::NoElement { id, element, what }),
        }
    }

    fn text(
        &self,
        id: ObjectId,
        element: ElementType,
        what: &'static str,
    ) -> Result<String, NoRamDiskBoot> {
        match self.value(id, element)? {
            Some(ElementValue::Text(text)) if !text.is_empty() => Ok(text),
            _ => Err(NoRamDiskBoot::NoElement { id, element, what }),
        }
    }
}
