//! Names of devices: hardware IDs, and what Windows makes of them.

use std::fmt;
use std::str::FromStr;

/// A hardware or compatible ID such as `PCI\VEN_8086&DEV_15F3`. IDs that differ only in case are
/// equal; it is kept in upper case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareId(String);

/// A text that is no hardware ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is no hardware ID; one looks like PCI\\VEN_8086&DEV_15F3 (in quotes on a command \
     line): a bus and a backslash, or a star in front, at most 199 characters, none of them a space \
     or a comma"
)]
pub struct HardwareIdError {
    /// The text, cut if it is long.
    pub found: String,
}

/// Windows' `MAX_DEVICE_ID_LEN` without its NUL.
const LEN: usize = 199;

impl HardwareId {
    /// The ID in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first backslash: `PCI`, `USB`, `VMBUS`. Empty without one.
    pub fn bus(&self) -> &str {
        self.0.split_once('\\').map_or("", |(bus, _)| bus)
    }

    /// Class and subclass in four hexadecimal digits, where it is an ID of a PCI class.
    pub(crate) fn pci_class(&self) -> Option<&str> {
        let class = self.pci_part("CC_")?.get(..4)?;
        class.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(class)
    }

    /// Vendor and device of a PCI ID: `PCI\VEN_8086&DEV_15F3`.
    pub(crate) fn pci_chip(&self) -> Option<String> {
        let (vendor, device) = (self.pci_part("VEN_")?, self.pci_part("DEV_")?);
        let chip = format!(r"VEN_{vendor}&DEV_{device}");
        is_pci(&chip).then(|| format!(r"PCI\{chip}"))
    }

    fn pci_part(&self, name: &str) -> Option<&str> {
        let parts = self.0.strip_prefix(r"PCI\")?;
        parts.split('&').find_map(|part| part.strip_prefix(name))
    }

    /// This ID and the less specific ones that the bus driver reports with it ("Identifiers for PCI
    /// Devices", "Identifiers for USB Devices"), the most specific first. A subsystem that is not in
    /// it is not made up.
    ///
    /// ```
    /// use boot_image::HardwareId;
    ///
    /// let id: HardwareId = r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03".parse()?;
    /// let all: Vec<_> = id.with_less_specific().iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     all,
    ///     [
    ///         r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03",
    ///         r"PCI\VEN_8086&DEV_15F3&SUBSYS_00008086",
    ///         r"PCI\VEN_8086&DEV_15F3&REV_03",
    ///         r"PCI\VEN_8086&DEV_15F3",
    ///     ]
    /// );
    /// # Ok::<(), boot_image::HardwareIdError>(())
    /// ```
    pub fn with_less_specific(&self) -> Vec<HardwareId> {
        let mut all = vec![self.clone()];
        let mut add = |id: String| {
            let id = Self(id);
            if !all.contains(&id) {
                all.push(id);
            }
        };
        match self.bus() {
            "PCI" => {
                if let Some(chip) = self.pci_chip() {
                    let [subsystem, revision, class] =
                        ["SUBSYS_", "REV_", "CC_"].map(|name| self.pci_part(name));
                    if let Some(subsystem) = subsystem {
                        add(format!("{chip}&SUBSYS_{subsystem}"));
                    }
                    if let Some(revision) = revision {
                        add(format!("{chip}&REV_{revision}"));
                    }
                    for len in [6, 4] {
                        if let Some(class) = class.and_then(|class| class.get(..len)) {
                            add(format!("{chip}&CC_{class}"));
                        }
                    }
                    add(chip);
                }
            }
            "USB" => {
                let kept = self.0.split('&').filter(|part| !part.starts_with("REV_"));
                let kept: Vec<&str> = kept.collect();
                add(kept.join("&"));
            }
            _ => {}
        }
        all
    }
}

impl FromStr for HardwareId {
    type Err = HardwareIdError;

    /// Takes what `media_model::HardwareId` takes: an ID with a bus, of PCI with a vendor and a device
    /// or with a class, or one with a star in front. Also the path of a device instance, as Device
    /// Manager shows it for `PCI` and `USB` (`PCI\VEN_8086&DEV_15F3\3&11583659&0&FE`), of which it
    /// leaves the instance out.
    fn from_str(text: &str) -> Result<Self, HardwareIdError> {
        let good = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        let mut id = text.to_ascii_uppercase();
        let has_form = match id.split_once('\\') {
            Some((bus, rest)) => !bus.is_empty() && (bus != "PCI" || is_pci(rest)),
            None => id.starts_with('*'),
        };
        if !has_form || text.len() > LEN || !text.bytes().all(good) {
            return Err(HardwareIdError { found: text.chars().take(LEN).collect() });
        }
        if id.starts_with(r"PCI\") || id.starts_with(r"USB\") {
            let instance = id.match_indices('\\').nth(1).map(|(at, _)| at);
            id.truncate(instance.unwrap_or(id.len()));
        }
        Ok(Self(id))
    }
}

impl fmt::Display for HardwareId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// `VEN_8086&DEV_15F3`, `VEN_8086&CC_0200` or `CC_0200`, and what may follow.
fn is_pci(id: &str) -> bool {
    let hex = |part: Option<&str>, name: &str, lengths: &[usize]| {
        let digits = part.and_then(|part| part.strip_prefix(name));
        digits.is_some_and(|digits| {
            lengths.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    let class = |part| hex(part, "CC_", &[4, 6]);
    // The path of an instance may follow.
    let mut parts = id.split('\\').next().unwrap_or_default().split('&');
    let (first, second) = (parts.next(), parts.next());
    class(first) || (hex(first, "VEN_", &[4]) && (hex(second, "DEV_", &[4]) || class(second)))
}

/// Whether an ID names hardware of a bus, and no device that software makes (`ROOT\`, `SWD\`).
pub(crate) fn is_on_bus(id: &str) -> bool {
    let bus = id.split_once('\\').map_or("", |(bus, _)| bus);
    BUSES.iter().any(|known| known.eq_ignore_ascii_case(bus))
}

/// Where network and storage adapters are found, real and virtual. Not named: Bluetooth, printers,
/// and the many buses of drivers' own.
const BUSES: &[&str] =
    &["PCI", "USB", "VMBUS", "ACPI", "SD", "PCMCIA", "XENBUS", "XENVIF", "XENVBD", "VIRTIO"];

#[cfg(test)]
mod tests {
    use super::*;

    fn all(id: &str) -> Vec<String> {
        let id: HardwareId = id.parse().unwrap();
        id.with_less_specific().into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn less_specific_ids() {
        assert_eq!(all(r"pci\ven_8086&dev_15f3"), [r"PCI\VEN_8086&DEV_15F3"]);
        assert_eq!(
            all(r"PCI\VEN_8086&DEV_15F3&CC_020000"),
            [
                r"PCI\VEN_8086&DEV_15F3&CC_020000",
                r"PCI\VEN_8086&DEV_15F3&CC_0200",
                r"PCI\VEN_8086&DEV_15F3"
            ]
        );
        assert_eq!(
            all(r"USB\VID_0BDA&PID_8153&REV_3000&MI_00"),
            [r"USB\VID_0BDA&PID_8153&REV_3000&MI_00", r"USB\VID_0BDA&PID_8153&MI_00"]
        );
        assert_eq!(all(r"PCI\CC_0200"), [r"PCI\CC_0200"]);
        assert_eq!(all("*pnp0a08"), ["*PNP0A08"]);
        assert_eq!(all(r"PCI\CC_0200&VEN_&DEV_"), [r"PCI\CC_0200&VEN_&DEV_"]);
    }

    #[test]
    fn the_instance_is_left_out() {
        let id: HardwareId = r"PCI\VEN_8086&DEV_15F3\3&11583659&0&FE".parse().unwrap();
        assert_eq!(id.as_str(), r"PCI\VEN_8086&DEV_15F3");
        let id: HardwareId = r"SWD\A\B".parse().unwrap();
        assert_eq!(id.as_str(), r"SWD\A\B");
    }

    #[test]
    fn parts_of_an_id() {
        let id: HardwareId = r"PCI\CC_010802".parse().unwrap();
        assert_eq!((id.bus(), id.pci_class()), ("PCI", Some("0108")));
        let id: HardwareId = r"VMBUS\{f8615163-df3e-46c5-913f-f2d2f965ed0e}".parse().unwrap();
        assert_eq!((id.bus(), id.pci_class()), ("VMBUS", None));
        assert!(is_on_bus(id.as_str()) && !is_on_bus(r"ROOT\SPACEPORT") && !is_on_bus("MS_X"));
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "*".repeat(LEN + 1);
        for text in ["", "  ", r"A\a b", r"A\a,b", r"A\ä", " *A", "8086:15f3", "PCIVEN_8086", &long]
        {
            assert!(text.parse::<HardwareId>().is_err(), "{text}");
        }
    }
}
