//! What objects of a store are called and what they are.

use std::fmt;
use std::str::FromStr;

use crate::guid::{Guid, GuidError};

/// The name of an object in a store. It prints as `{bootmgr}` where `bcdedit` has a name for it,
/// else as the GUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(Guid);

impl ObjectId {
    /// The Windows boot manager.
    pub const BOOT_MANAGER: Self = Self::new(0x9dea862c_5cdd_4e70_acc1_f32b344d4795);
    /// The firmware's boot manager.
    pub const FIRMWARE_BOOT_MANAGER: Self = Self::new(0xa5a30fa2_3d06_4e9f_b5f4_a01df9d1fcba);
    /// The memory test.
    pub const MEMORY_TEST: Self = Self::new(0xb2721d73_1db4_4c62_bf78_c548a880142d);
    /// The entry that Windows media starts.
    pub const MEDIA_ENTRY: Self = Self::new(0x7619dcc9_fafe_11d9_b411_000476eba25f);
    /// The options of that entry's RAM disk.
    pub const MEDIA_RAM_DISK: Self = Self::new(0x7619dcc8_fafe_11d9_b411_000476eba25f);
    /// Options of a RAM disk, the name that `bcdedit` knows.
    pub const RAM_DISK_OPTIONS: Self = Self::new(0xae5534e0_a924_466c_b836_758539a3ee3a);
    /// Settings that all others inherit.
    pub const GLOBAL_SETTINGS: Self = Self::new(0x7ea2e1ac_2e61_4728_aaa3_896d9d0a9f0e);
    /// Settings that loaders inherit.
    pub const LOADER_SETTINGS: Self = Self::new(0x6efb52bf_1766_41db_a6b3_0ee5eff72bd7);
    /// Settings that resume loaders inherit.
    pub const RESUME_SETTINGS: Self = Self::new(0x1afa9c49_16ab_4a5c_901b_212802da9460);
    /// Settings of the debugger.
    pub const DEBUGGER_SETTINGS: Self = Self::new(0x4636856e_540f_4170_a130_a84776f4c654);
    /// Settings of the serial console.
    pub const EMS_SETTINGS: Self = Self::new(0x0ce4991b_e6b3_4b16_b23c_5e0d9250e5d9);
    /// Memory known as bad.
    pub const BAD_MEMORY: Self = Self::new(0x5189b25c_5558_4bf2_bca4_289b11bd29e2);
    /// Settings of the hypervisor.
    pub const HYPERVISOR_SETTINGS: Self = Self::new(0x7ff607e0_4395_11db_b0de_0800200c9a66);
    /// The loader of Windows before Vista.
    pub const NTLDR: Self = Self::new(0x466f5a88_0af2_4f76_9038_095b170dc21c);

    const ALIASES: &[(Self, &str)] = &[
        (Self::BOOT_MANAGER, "{bootmgr}"),
        (Self::FIRMWARE_BOOT_MANAGER, "{fwbootmgr}"),
        (Self::MEMORY_TEST, "{memdiag}"),
        (Self::RAM_DISK_OPTIONS, "{ramdiskoptions}"),
        (Self::GLOBAL_SETTINGS, "{globalsettings}"),
        (Self::LOADER_SETTINGS, "{bootloadersettings}"),
        (Self::RESUME_SETTINGS, "{resumeloadersettings}"),
        (Self::DEBUGGER_SETTINGS, "{dbgsettings}"),
        (Self::EMS_SETTINGS, "{emssettings}"),
        (Self::BAD_MEMORY, "{badmemory}"),
        (Self::HYPERVISOR_SETTINGS, "{hypervisorsettings}"),
        (Self::NTLDR, "{ntldr}"),
    ];

    /// From the digits of its GUID read as one number.
    pub const fn new(digits: u128) -> Self {
        Self(Guid::new(digits))
    }

    /// Its GUID.
    pub const fn guid(self) -> Guid {
        self.0
    }

    /// What `bcdedit` calls it, where it has a name.
    pub fn alias(self) -> Option<&'static str> {
        Self::ALIASES.iter().find(|(id, _)| *id == self).map(|(_, alias)| *alias)
    }
}

impl From<Guid> for ObjectId {
    fn from(guid: Guid) -> Self {
        Self(guid)
    }
}

impl FromStr for ObjectId {
    type Err = GuidError;

    /// From a GUID in braces; the names of `bcdedit` are not in stores and not taken here.
    fn from_str(text: &str) -> Result<Self, GuidError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alias() {
            Some(alias) => f.write_str(alias),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an object is: four bits of kind, then for applications the kind of image and which
/// application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectType(pub u32);

impl ObjectType {
    /// The Windows boot manager.
    pub const BOOT_MANAGER: Self = Self(0x1010_0002);
    /// A loader of Windows.
    pub const OS_LOADER: Self = Self(0x1020_0003);
    /// The memory test.
    pub const MEMORY_TEST: Self = Self(0x1020_0005);
    /// Settings that any object may inherit.
    pub const SETTINGS: Self = Self(0x2010_0000);
    /// Settings that loaders may inherit.
    pub const LOADER_SETTINGS: Self = Self(0x2020_0003);
    /// Options of a device.
    pub const DEVICE: Self = Self(0x3000_0000);

    /// What kind of object this is, where known.
    pub fn kind(self) -> ObjectKind {
        match (self.0 >> 28, self.0 & 0x000F_FFFF) {
            (1, 1) => ObjectKind::FirmwareBootManager,
            (1, 2) => ObjectKind::BootManager,
            (1, 3) => ObjectKind::OsLoader,
            (1, 4) => ObjectKind::Resume,
            (1, 5) => ObjectKind::MemoryTest,
            (1, _) => ObjectKind::OtherApplication,
            (2, _) => ObjectKind::Settings,
            (3, _) => ObjectKind::Device,
            _ => ObjectKind::Unknown,
        }
    }
}

/// The kinds of objects, in the order in which a store is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// The firmware's boot manager, as Windows sees it.
    FirmwareBootManager,
    /// The Windows boot manager.
    BootManager,
    /// A loader of Windows.
    OsLoader,
    /// A loader of a hibernated Windows.
    Resume,
    /// The memory test.
    MemoryTest,
    /// Another application.
    OtherApplication,
    /// Settings that others inherit.
    Settings,
    /// Options of a device.
    Device,
    /// None of these.
    Unknown,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirmwareBootManager => "Firmware Boot Manager",
            Self::BootManager => "Windows Boot Manager",
            Self::OsLoader => "Windows Boot Loader",
            Self::Resume => "Resume from Hibernate",
            Self::MemoryTest => "Windows Memory Tester",
            Self::OtherApplication => "Other application",
            Self::Settings => "Inherited settings",
            Self::Device => "Device options",
            Self::Unknown => "Unknown object",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects() {
        assert_eq!(ObjectId::BOOT_MANAGER.to_string(), "{bootmgr}");
        let entry = "{7619dcc9-fafe-11d9-b411-000476eba25f}";
        assert_eq!(ObjectId::MEDIA_ENTRY.to_string(), entry);
        assert_eq!(entry.parse(), Ok(ObjectId::MEDIA_ENTRY));
        assert!("{bootmgr}".parse::<ObjectId>().is_err());
    }

    #[test]
    fn kinds_of_objects() {
        assert_eq!(ObjectType::BOOT_MANAGER.kind(), ObjectKind::BootManager);
        // As Cobbler writes its entries.
        assert_eq!(ObjectType(0x1320_0003).kind(), ObjectKind::OsLoader);
        assert_eq!(ObjectType(0x1030_0006).kind(), ObjectKind::OtherApplication);
        assert_eq!(ObjectType::SETTINGS.kind(), ObjectKind::Settings);
        assert_eq!(ObjectType::DEVICE.kind(), ObjectKind::Device);
        assert_eq!(ObjectType(0).kind(), ObjectKind::Unknown);
    }
}
