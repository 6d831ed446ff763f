//! Devices of the computer that boots the media: as its Windows or Linux lists them, or as an
//! operator names them.

use bcd_store::Guid;

use crate::driver_class::{DeviceRole, DriverClass};
use crate::hardware_id::{HardwareId, is_on_bus};

/// A device and the names it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// What it is called where it was found: its first ID, and a description where there is one.
    pub name: String,
    /// Its hardware and compatible IDs, the most specific first.
    pub ids: Vec<HardwareId>,
    /// What a driver for it is for, where that is known; any driver counts where it is not.
    pub role: Option<DeviceRole>,
    /// On USB, as a list tells it: an adapter or a telephone that may be there by chance, and that
    /// computers start without. One that is named by its ID is none of these.
    pub removable: bool,
}

impl Device {
    /// The device that an operator names by one ID. Its class is not known, unless the ID is one of
    /// a PCI class.
    pub fn from_id(id: &HardwareId) -> Self {
        let ids = id.with_less_specific();
        let role = pci_role(&ids);
        Self { name: id.to_string(), ids, role, removable: false }
    }

    /// A device of `lspci`, with the IDs that Windows would give it ("Identifiers for PCI Devices"):
    /// only what is known, so without subsystem where that is not told.
    pub(crate) fn from_pci(pci: &Pci<'_>) -> Self {
        // Everybody writes them in capitals, but for `lspci`.
        let chip = format!(r"PCI\VEN_{}&DEV_{}", pci.vendor, pci.device).to_ascii_uppercase();
        let subsystem = pci.subsystem.map(|(vendor, device)| format!("&SUBSYS_{device}{vendor}"));
        let revision = format!("&REV_{}", pci.revision);
        // `lspci` tells the programming interface only with `-v`. For the classes of controllers it
        // is the one that practically all have: NVM Express 2, AHCI 1, Ethernet and RAID 0.
        let interface = pci.interface.or(match pci.class {
            "0108" => Some("02"),
            "0106" => Some("01"),
            "0200" | "0104" => Some("00"),
            _ => None,
        });
        let mut classes = Vec::new();
        classes.extend(interface.map(|interface| format!("CC_{}{interface}", pci.class)));
        classes.push(format!("CC_{}", pci.class));
        let mut texts = Vec::new();
        if let Some(subsystem) = &subsystem {
            texts.push(format!("{chip}{subsystem}{revision}"));
            texts.push(format!("{chip}{subsystem}"));
        }
        texts.push(format!("{chip}{revision}"));
        texts.extend(classes.iter().map(|class| format!("{chip}&{class}")));
        texts.push(chip.clone());
        texts.extend(classes.iter().map(|class| format!(r"PCI\VEN_{}&{class}", pci.vendor)));
        texts.extend(classes.iter().map(|class| format!(r"PCI\{class}")));
        let ids: Vec<HardwareId> = texts.iter().filter_map(|id| id.parse().ok()).collect();
        let role = pci_role(&ids);
        let name = if pci.text.is_empty() { chip } else { format!("{chip} ({})", pci.text) };
        Self { name, ids, role, removable: false }
    }

    /// A device of `pnputil`.
    ///
    /// - What PCI calls a network or storage controller is one if its class is that, or is System, as
    ///   with cards whose driver makes a bus, or if it has none for want of a driver.
    /// - A network adapter by its class is one on any bus but those of software, Bluetooth, and SD,
    ///   where only Wi-Fi is. Storage controllers must be on a well-known bus: others are made by
    ///   other drivers.
    /// - Wi-Fi and mobile broadband are none.
    pub(crate) fn from_windows(windows: Windows<'_>) -> Self {
        let Windows { instance, ids, class, text } = windows;
        let (device, _) = instance.rsplit_once('\\').unwrap_or((instance, ""));
        let bus = device.split('\\').next().unwrap_or_default();
        let class = class.filter(|guid| *guid != Guid::new(0));
        let class = class.and_then(|guid| DriverClass::new(Some(guid), None));
        let role = match class.as_ref().map(|class| (class.role(), class.is("System"))) {
            _ if is_wireless(&ids) => None,
            None | Some((None, true)) => pci_role(&ids),
            Some((Some(DeviceRole::Network), _)) if !has_adapters(bus) => None,
            Some((Some(DeviceRole::Storage), _)) if !is_on_bus(device) => None,
            Some((role, _)) => role,
        };
        let first = ids.first().map_or(device, HardwareId::as_str);
        let name = if text.is_empty() { first.to_owned() } else { format!("{first} ({text})") };
        Self { name, ids, role, removable: bus.eq_ignore_ascii_case("USB") }
    }

    /// Whether PCI calls it a network or storage controller.
    pub(crate) fn is_pci_controller(&self) -> bool {
        pci_role(&self.ids).is_some()
    }
}

/// What `pnputil` tells of a device.
#[derive(Debug, Clone)]
pub(crate) struct Windows<'t> {
    /// `bus\device\instance`.
    pub(crate) instance: &'t str,
    pub(crate) ids: Vec<HardwareId>,
    pub(crate) class: Option<Guid>,
    /// What it is called.
    pub(crate) text: &'t str,
}

/// What a line of `lspci` and those below it tell. All numbers are hexadecimal digits, in any case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pci<'t> {
    /// Class and subclass.
    pub(crate) class: &'t str,
    pub(crate) interface: Option<&'t str>,
    pub(crate) vendor: &'t str,
    pub(crate) device: &'t str,
    pub(crate) revision: &'t str,
    /// Vendor and device.
    pub(crate) subsystem: Option<(&'t str, &'t str)>,
    /// What it is called.
    pub(crate) text: &'t str,
}

/// The role by PCI class: 01 storage, 02 network but for Wi-Fi.
fn pci_role(ids: &[HardwareId]) -> Option<DeviceRole> {
    let class = ids.iter().find_map(HardwareId::pci_class)?;
    match class.get(..2)? {
        "01" => Some(DeviceRole::Storage),
        "02" if !is_wireless(ids) => Some(DeviceRole::Network),
        _ => None,
    }
}

/// "Other network controller", as Wi-Fi cards call themselves. Windows PE has no Wi-Fi.
const WIRELESS: &str = "0280";

/// Mobile broadband on USB ("MBIM", USB communications class, subclass 14). Windows PE has none.
const MOBILE_BROADBAND: &str = r"USB\CLASS_02&SUBCLASS_0E";

fn is_wireless(ids: &[HardwareId]) -> bool {
    // Mellanox makes no Wi-Fi, and some of its cards call themselves so.
    let is_wired = ids.iter().any(|id| id.as_str().starts_with(r"PCI\VEN_15B3&"));
    let is_wifi = |id: &HardwareId| !is_wired && id.pci_class() == Some(WIRELESS);
    ids.iter().any(|id| is_wifi(id) || id.as_str().starts_with(MOBILE_BROADBAND))
}

/// Whether network adapters on this bus can be cards of the computer. Buses in braces are made by
/// Windows itself, for Wi-Fi Direct.
fn has_adapters(bus: &str) -> bool {
    !bus.starts_with('{') && !NO_ADAPTERS.iter().any(|known| known.eq_ignore_ascii_case(bus))
}

/// Software, Bluetooth, FireWire, and SD, where only Wi-Fi is.
const NO_ADAPTERS: &[&str] =
    &["ROOT", "SWD", "SW", "COMPOSITEBUS", "BTH", "BTHENUM", "BTHLE", "V1394", "SD"];
