//! Device setup classes: what kind of device a driver is for.

use std::fmt;

use bcd_store::Guid;

/// The class of a driver package. Windows goes by the GUID; the name is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverClass {
    /// `ClassGuid` of the INF, or the GUID of a well-known `Class`.
    pub guid: Option<Guid>,
    /// The class's usual name, else `Class` of the INF.
    pub name: Option<String>,
}

/// What a boot image must have drivers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeviceRole {
    /// A network adapter: class Net; PCI class 02.
    Network,
    /// A storage controller: classes SCSIAdapter and HDC; PCI class 01.
    Storage,
}

impl DeviceRole {
    /// `network` or `storage`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Storage => "storage",
        }
    }
}

impl fmt::Display for DeviceRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// "System-Defined Device Setup Classes Available to Vendors" and "... Reserved for System Use"
/// (learn.microsoft.com, windows-hardware, drivers/install): those that matter here.
const KNOWN: &[(&str, u128)] = &[
    ("CDROM", 0x4d36e965_e325_11ce_bfc1_08002be10318),
    ("DiskDrive", 0x4d36e967_e325_11ce_bfc1_08002be10318),
    ("Display", 0x4d36e968_e325_11ce_bfc1_08002be10318),
    ("HDC", 0x4d36e96a_e325_11ce_bfc1_08002be10318),
    ("Keyboard", 0x4d36e96b_e325_11ce_bfc1_08002be10318),
    ("Mouse", 0x4d36e96f_e325_11ce_bfc1_08002be10318),
    ("Net", 0x4d36e972_e325_11ce_bfc1_08002be10318),
    ("NetClient", 0x4d36e973_e325_11ce_bfc1_08002be10318),
    ("NetService", 0x4d36e974_e325_11ce_bfc1_08002be10318),
    ("NetTrans", 0x4d36e975_e325_11ce_bfc1_08002be10318),
    ("Printer", 0x4d36e979_e325_11ce_bfc1_08002be10318),
    ("SCSIAdapter", 0x4d36e97b_e325_11ce_bfc1_08002be10318),
    ("System", 0x4d36e97d_e325_11ce_bfc1_08002be10318),
    ("USB", 0x36fc9e60_c465_11cf_8056_444553540000),
    ("USBDevice", 0x88bae032_5a81_49f0_bc3d_a4ff138216d6),
    ("UCM", 0xe6f1aa1c_7f3b_4473_b2e8_c97d8ac71d53),
    ("HIDClass", 0x745a17a0_74d3_11d0_b6fe_00a0c90f57da),
    ("SDHost", 0xa0a588a4_c46f_4b37_b7ea_c82fe89870c6),
    ("Extension", 0xe2f84ce7_8efa_411c_aa69_97454ca4cb57),
];

impl DriverClass {
    /// Of what an INF says. Its GUID is trusted over its name.
    pub(crate) fn new(guid: Option<Guid>, name: Option<String>) -> Option<Self> {
        let by_guid =
            KNOWN.iter().find(|(_, known)| guid.is_some_and(|guid| guid == Guid::new(*known)));
        let by_name = || {
            let name = name.as_deref().filter(|_| guid.is_none())?;
            KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        match by_guid.or_else(by_name) {
            Some((name, guid)) => {
                Some(Self { guid: Some(Guid::new(*guid)), name: Some((*name).to_owned()) })
            }
            None if guid.is_none() && name.is_none() => None,
            None => Some(Self { guid, name }),
        }
    }

    /// Whether it is the well-known class of that name.
    pub(crate) fn is(&self, name: &str) -> bool {
        let known = KNOWN.iter().find(|(known, _)| *known == name);
        known.is_some_and(|(_, guid)| self.guid == Some(Guid::new(*guid)))
    }

    /// Whether drivers of this class are what a boot image needs, and for what. Protocols and
    /// services (NetTrans, NetService, NetClient) are no adapters.
    pub fn role(&self) -> Option<DeviceRole> {
        if self.is("Net") {
            Some(DeviceRole::Network)
        } else if self.is("SCSIAdapter") || self.is("HDC") {
            Some(DeviceRole::Storage)
        } else {
            None
        }
    }

    /// Whether it is of use in a boot image: network and storage, what these may depend on, and
    /// input: Microsoft has keyboards of Surface devices added.
    pub(crate) fn suits_boot_image(&self) -> bool {
        const OTHERS: [&str; 8] =
            ["System", "USB", "USBDevice", "UCM", "SDHost", "HIDClass", "Keyboard", "Mouse"];
        self.role().is_some() || OTHERS.iter().any(|name| self.is(name))
    }
}

impl fmt::Display for DriverClass {
    /// The name, else the GUID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.guid) {
            (Some(name), _) => f.write_str(name),
            (None, Some(guid)) => guid.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guid_is_trusted_over_the_name() {
        let net = "{4D36E972-E325-11CE-BFC1-08002BE10318}".parse().ok();
        let class = DriverClass::new(net, Some("Display".to_owned())).unwrap();
        assert_eq!((class.to_string().as_str(), class.role()), ("Net", Some(DeviceRole::Network)));
        let class = DriverClass::new(None, Some("hdc".to_owned())).unwrap();
        assert_eq!((class.to_string().as_str(), class.role()), ("HDC", Some(DeviceRole::Storage)));
        let own = DriverClass::new(Some(Guid::new(7)), Some("Net".to_owned())).unwrap();
        assert_eq!((own.to_string().as_str(), own.role()), ("Net", None));
        let class = DriverClass::new(None, Some("NetTrans".to_owned())).unwrap();
        assert_eq!(class.role(), None);
        assert_eq!(DriverClass::new(None, None), None);
    }
}
