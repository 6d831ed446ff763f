//! Lists of devices that an operator hands over: what `pnputil` or `lspci` print, or plain IDs.

use std::ops::ControlFlow;

use crate::device::{Device, Pci, Windows};
use crate::hardware_id::{HardwareId, HardwareIdError};
use crate::text::{Unmarked, decode, lines};

/// Why a list of devices cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceListError {
    /// Too long to be one.
    #[error("the list has {found} bytes; at most {limit} are read")]
    TooLarge {
        /// Bytes.
        found: u64,
        /// Most bytes.
        limit: u64,
    },
    /// Nothing in it.
    #[error(
        "the list names no device; it should hold what `pnputil /enum-devices /connected /ids` \
         (newer: /deviceids) or `lspci -nn` print, or one hardware ID a line"
    )]
    Empty,
    /// More devices than any computer has.
    #[error("the list names more than the {limit} devices that are read")]
    TooManyDevices {
        /// Most devices.
        limit: usize,
    },
    /// A line of `lspci` without numbers.
    #[error(
        "line {line}: {text:?} does not tell vendor and device; list the devices with `lspci -nn` \
         (better `lspci -nnv`)"
    )]
    NoNumbers {
        /// The line, from 1.
        line: usize,
        /// What it says, cut.
        text: String,
    },
    /// A device of `pnputil` without the IDs that drivers go by.
    #[error(
        "line {line}: the hardware and compatible IDs of {device} are not told; run it again as \
         `pnputil /enum-devices /connected /ids` (newer: /deviceids)"
    )]
    NoIds {
        /// The line with its instance, from 1.
        line: usize,
        /// Its instance, cut.
        device: String,
    },
    /// A line that is no ID.
    #[error("line {line}")]
    Id {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: HardwareIdError,
    },
}

/// Who wrote a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceListForm {
    /// `pnputil /enum-devices /connected /ids` on Windows (newer: `/deviceids`), in any language.
    Pnputil,
    /// `lspci -nn` or `lspci -n`, with or without `-v` and `-k`.
    Lspci,
    /// One ID a line; `#` begins a comment.
    Plain,
}

/// A list of devices.
///
/// Those of network and storage are needed; the rest of a computer works without a driver in the
/// boot image. In a list by `pnputil` a device is of network or storage by the GUID of its class
/// (Net, SCSIAdapter, HDC), or where it is of class System or has none yet, by the PCI class in its
/// IDs (`PCI\CC_02..`, `PCI\CC_01..`); adapters that software makes are not. In one by `lspci` the
/// PCI class tells. Wi-Fi (PCI class 0280, anything on SD) and mobile broadband (USB class 02,
/// subclass 0e) are not needed, since Windows PE has neither. What is on USB may be there by chance:
/// [`Device::removable`]. In a list of plain IDs every one is needed.
///
/// ```
/// use boot_image::{DeviceList, DeviceRole};
///
/// let list = DeviceList::parse(
///     b"00:02.0 VGA compatible controller [0300]: Intel Corporation Xe [8086:9a49] (rev 01)\n\
///       00:1f.6 Ethernet controller [0200]: Intel Corporation I219-V [8086:15fc] (rev 20)\n",
/// )?;
/// let [card] = list.needed() else { panic!() };
/// assert_eq!(card.role, Some(DeviceRole::Network));
/// assert_eq!(card.ids[0].as_str(), r"PCI\VEN_8086&DEV_15FC&REV_20");
/// assert_eq!(list.others().len(), 1);
/// # Ok::<(), boot_image::DeviceListError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceList {
    form: DeviceListForm,
    needed: Vec<Device>,
    others: Vec<Device>,
}

/// Most bytes of a list; a computer's has some 100 KiB.
pub const DEVICE_LIST_LEN: u64 = 16 << 20;
/// Devices of a list; a computer has some 200.
const DEVICES: usize = 4096;

impl DeviceList {
    /// Reads a list: UTF-8, UTF-16 as PowerShell writes it, or the machine's code page.
    ///
    /// # Errors
    /// It is too large or names no device or too many, a line of `lspci` or of a plain list is none,
    /// or a device of `pnputil` lacks the IDs that drivers go by.
    pub fn parse(bytes: &[u8]) -> Result<Self, DeviceListError> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found > DEVICE_LIST_LEN {
            return Err(DeviceListError::TooLarge { found, limit: DEVICE_LIST_LEN });
        }
        let text = decode(bytes, Unmarked::Utf8);
        // `\r\n` gives an empty line too many, and one more where that was translated twice; numbers
        // are those of an editor.
        let text = text.replace("\r\r\n", "\n").replace("\r\n", "\n");
        let form = form(&text);
        let mut devices = Devices::default();
        match form {
            DeviceListForm::Pnputil => pnputil(&text, &mut devices)?,
            DeviceListForm::Lspci => lspci(&text, &mut devices)?,
            DeviceListForm::Plain => plain(&text, &mut devices)?,
        }
        let devices = devices.0;
        if devices.is_empty() {
            return Err(DeviceListError::Empty);
        }
        let is_needed = |device: &Device| form == DeviceListForm::Plain || device.role.is_some();
        let (needed, others) = devices.into_iter().partition(is_needed);
        Ok(Self { form, needed, others })
    }

    /// Who wrote it.
    pub fn form(&self) -> DeviceListForm {
        self.form
    }

    /// Devices that the boot image must have a driver for.
    pub fn needed(&self) -> &[Device] {
        &self.needed
    }

    /// The rest.
    pub fn others(&self) -> &[Device] {
        &self.others
    }
}

/// Devices found so far.
#[derive(Default)]
struct Devices(Vec<Device>);

impl Devices {
    fn add(&mut self, device: Device) -> Result<(), DeviceListError> {
        if self.0.len() == DEVICES {
            return Err(DeviceListError::TooManyDevices { limit: DEVICES });
        }
        self.0.push(device);
        Ok(())
    }
}

/// By the first line that can only be of one of them: an ID, a slot of `lspci`, or an instance behind
/// a label of `pnputil`.
fn form(text: &str) -> DeviceListForm {
    let found = lines(text).try_for_each(|line| {
        let line = line.trim_end();
        if line.trim_start().starts_with('#') {
            ControlFlow::Continue(())
        } else if slot(line).is_some() || is_record_of_lspci(line) {
            ControlFlow::Break(DeviceListForm::Lspci)
        } else if uncommented(line).parse::<HardwareId>().is_ok() {
            ControlFlow::Break(DeviceListForm::Plain)
        } else if labelled(line).is_some_and(is_instance) {
            ControlFlow::Break(DeviceListForm::Pnputil)
        } else {
            ControlFlow::Continue(())
        }
    });
    found.break_value().unwrap_or(DeviceListForm::Plain)
}

/// `Slot:   00:1f.6`, with which a device begins in `lspci -vmm`.
fn is_record_of_lspci(line: &str) -> bool {
    let place = line.strip_prefix("Slot:").map(|place| format!("{} ", place.trim()));
    place.is_some_and(|place| slot(&place).is_some())
}

/// Whether a value looks like an ID with a bus: no space, and a backslash behind a name.
fn is_id(value: &str) -> bool {
    let bus = value.split_once('\\').map_or("", |(bus, _)| bus);
    !bus.is_empty() && value.parse::<HardwareId>().is_ok()
}

/// The value behind a label and its colon, which Asian languages write wide. `None` without one,
/// and for indented lines.
fn labelled(line: &str) -> Option<&str> {
    if line.starts_with([' ', '\t']) {
        return None;
    }
    let (_, value) = line.split_once([':', '：'])?;
    Some(value.trim())
}

/// Labels are in the language of the machine, so values tell what they are: a GUID in braces is the
/// class, and the IDs are the texts with a bus and one backslash, and the indented lines that follow
/// an ID. Texts with two backslashes are instances: the device's own comes first, and others are its
/// relations. An empty line ends a device.
///
/// ```text
/// Instanz-ID:                 PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03\6&102e3adf&0&0000F0
/// Gerätebeschreibung:         Intel(R) Ethernet Controller I225-V
/// Klassenname:                Net
/// Klassen-GUID:               {4d36e972-e325-11ce-bfc1-08002be10318}
/// Hardware-IDs:               PCI\VEN_8086&DEV_15F3&SUBSYS_00008086&REV_03
///                             PCI\VEN_8086&DEV_15F3&SUBSYS_00008086
/// Kompatible IDs:             PCI\VEN_8086&DEV_15F3&REV_03
/// ```
fn pnputil(text: &str, devices: &mut Devices) -> Result<(), DeviceListError> {
    let mut block = Block::default();
    let mut first_line = None;
    let mut has_ids = false;
    for (index, line) in lines(text).chain([""]).enumerate() {
        if !line.trim().is_empty() {
            block.line(index.saturating_add(1), line);
            continue;
        }
        let block = std::mem::take(&mut block);
        let Some((number, instance)) = block.instance else { continue };
        first_line = first_line.or(Some((number, instance)));
        has_ids |= !block.ids.is_empty();
        let device = Device::from_windows(Windows {
            instance,
            ids: block.ids,
            class: block.class,
            text: block.description.unwrap_or_default(),
        });
        let has_class = || device.ids.iter().any(|id| id.pci_class().is_some());
        let is_pci = instance.get(..4).is_some_and(|bus| bus.eq_ignore_ascii_case(r"PCI\"));
        if device.role.is_some() && (device.ids.is_empty() || (is_pci && !has_class())) {
            return Err(no_ids(number, instance));
        }
        devices.add(device)?;
    }
    // Not told by the devices that have no driver yet, and so neither class nor IDs.
    match first_line {
        Some((number, instance)) if !has_ids => Err(no_ids(number, instance)),
        _ => Ok(()),
    }
}

fn no_ids(line: usize, instance: &str) -> DeviceListError {
    DeviceListError::NoIds { line, device: instance.chars().take(TOLD).collect() }
}

/// The lines of one device so far.
#[derive(Default)]
struct Block<'t> {
    /// The line's number, and the instance.
    instance: Option<(usize, &'t str)>,
    description: Option<&'t str>,
    class: Option<bcd_store::Guid>,
    ids: Vec<HardwareId>,
    /// Whether the last line with a label held an ID, so that indented ones go on with it.
    in_ids: bool,
}

impl<'t> Block<'t> {
    fn line(&mut self, number: usize, line: &'t str) {
        let value = match labelled(line) {
            Some(value) => {
                self.in_ids = false;
                if self.instance.is_none() {
                    // Whatever comes before an instance is no part of a device.
                    self.instance = is_instance(value).then_some((number, value));
                    return;
                }
                value
            }
            None => line.trim(),
        };
        let is_parent = is_instance(value);
        if let Ok(guid) = value.parse() {
            self.class = self.class.or(Some(guid));
        } else if self.in_ids || (is_id(value) && !is_parent) || value.starts_with('*') {
            self.in_ids = true;
            let id = value.parse::<HardwareId>().ok().filter(|_| self.ids.len() < IDS);
            self.ids.extend(id.filter(|id| !self.ids.contains(id)));
        } else if self.description.is_none() {
            self.description = Some(value);
        }
    }
}

/// IDs of one device; real ones have about 20.
const IDS: usize = 1000;

/// `bus\device\instance`; instances may hold spaces.
fn is_instance(value: &str) -> bool {
    let mut parts = value.splitn(3, '\\');
    let mut named = || parts.next().is_some_and(|part| !part.is_empty());
    named() && named() && named()
}

/// What follows the place of a device: `00:1f.6`, `0000:00:1f.6`.
fn slot(line: &str) -> Option<&str> {
    let (place, rest) = line.split_once(' ')?;
    let (bus, function) = place.rsplit_once('.')?;
    let hex = |text: &str, len| text.len() == len && is_hex(text);
    let parts: Vec<&str> = bus.split(':').collect();
    let fits = match *parts.as_slice() {
        [bus, device] => hex(bus, 2) && hex(device, 2),
        [domain, bus, device] => {
            (4..=8).contains(&domain.len()) && is_hex(domain) && hex(bus, 2) && hex(device, 2)
        }
        _ => false,
    };
    (fits && hex(function, 1)).then_some(rest.trim())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// ```text
/// 00:1f.6 Ethernet controller [0200]: Intel Corporation I219-V [8086:15fc] (rev 20)
///         Subsystem: Grey Box Ltd. Board [1028:09be]
/// 00:1f.6 0200: 8086:15fc (rev 20)
///         Subsystem: 1028:09be
/// ```
fn lspci(text: &str, devices: &mut Devices) -> Result<(), DeviceListError> {
    let mut current: Option<Pci<'_>> = None;
    for (index, line) in lines(text).enumerate() {
        let no_numbers = || DeviceListError::NoNumbers {
            line: index.saturating_add(1),
            text: line.chars().take(TOLD).collect(),
        };
        if line.starts_with([' ', '\t']) {
            let subsystem = line.trim().strip_prefix("Subsystem:").and_then(pair);
            if let (Some(pci), Some(subsystem)) = (&mut current, subsystem) {
                pci.subsystem = Some(subsystem);
            }
        } else if let Some(rest) = slot(line) {
            if let Some(pci) = current.replace(pci(rest).ok_or_else(no_numbers)?) {
                devices.add(Device::from_pci(&pci))?;
            }
        } else if is_record_of_lspci(line) {
            return Err(no_numbers());
        }
    }
    match current {
        Some(pci) => devices.add(Device::from_pci(&pci)),
        None => Ok(()),
    }
}

/// Characters of a line that an error repeats.
const TOLD: usize = 80;

fn pci(rest: &str) -> Option<Pci<'_>> {
    let (class, text) = match rest.split_once("]: ") {
        Some((class, text)) => (class.rsplit_once('[')?.1, text),
        None => rest.split_once(": ")?,
    };
    if class.len() != 4 || !is_hex(class) {
        return None;
    }
    let (vendor, device) = pair(text)?;
    let after = |start: &str, len| {
        let (_, rest) = text.rsplit_once(start)?;
        rest.get(..len).filter(|digits| is_hex(digits))
    };
    // Where it is 00, `lspci` leaves it out.
    let revision = after("(rev ", 2).unwrap_or("00");
    let interface = after("(prog-if ", 2);
    let text = text.split(['[', '(']).next().unwrap_or_default().trim();
    // With `-n` that is the numbers again.
    let text = if pair(text).is_some() { "" } else { text };
    Some(Pci { class, interface, vendor, device, revision, subsystem: None, text })
}

/// The last `8086:15fc` in a text, in brackets or bare.
fn pair(text: &str) -> Option<(&str, &str)> {
    let words = text.rsplit([' ', '[', ']', '(', ')']);
    words.filter_map(|word| word.split_once(':')).find(|(vendor, device)| {
        [vendor, device].iter().all(|number| number.len() == 4 && is_hex(number))
    })
}

fn plain(text: &str, devices: &mut Devices) -> Result<(), DeviceListError> {
    for (index, line) in lines(text).enumerate() {
        let line = uncommented(line);
        if line.is_empty() {
            continue;
        }
        let in_line = |source| DeviceListError::Id { line: index.saturating_add(1), source };
        let id: HardwareId = line.parse().map_err(in_line)?;
        devices.add(Device::from_id(&id))?;
    }
    Ok(())
}

/// A line of a plain list without its comment.
fn uncommented(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
#[path = "device_list_tests.rs"]
mod tests;
