//! The drivers in the boot image, and the devices that it must have drivers for.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use boot_image::{
    BootImage, DEVICE_LIST_LEN, Device, DeviceAnswer, DeviceList, DeviceListError, DriverFinding,
    Drivers, HardwareIdError,
};
use media_model::CheckedRequest;

use crate::boot::driver_groups::grouped;
use crate::report::{DeviceSummary, Warning};

/// The boot image does not suit the computers that it is for, or the list of their devices cannot be
/// used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The list of devices cannot be read.
    #[error("cannot read the list of devices {}", path.display())]
    ReadList {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of devices is none.
    #[error("cannot use the list of devices {}", path.display())]
    List {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: DeviceListError,
    },
    /// A device was named by something else than a hardware ID.
    #[error("a device that was required is none")]
    Id(#[from] HardwareIdError),
    /// Devices without driver, and drivers for other computers.
    #[error("{}", unsuitable(boot_image, wrong, missing))]
    Unsuitable {
        /// The boot image.
        boot_image: String,
        /// Drivers for another architecture.
        wrong: Vec<DriverFinding>,
        /// Devices without driver: what each is, and why it has none.
        missing: Vec<String>,
    },
}

fn unsuitable(boot_image: &str, wrong: &[DriverFinding], missing: &[String]) -> String {
    let mut text = String::new();
    if !missing.is_empty() {
        text.push_str(&format!(
            "{boot_image} has no driver for {} of the devices that are required:",
            missing.len()
        ));
        missing.iter().for_each(|device| text.push_str(&format!("\n  {device}")));
        text.push_str(
            "\nAdd the network and storage drivers that are missing to the boot image in the \
             Configuration Manager console (Properties, Drivers), and use the boot image it makes then",
        );
    }
    if !wrong.is_empty() {
        let lead = if missing.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{lead}{boot_image} holds drivers for other computers:"));
        wrong.iter().for_each(|finding| text.push_str(&format!("\n  {finding}")));
        text.push_str(
            "\nRemove them from the boot image in the Configuration Manager console (Properties, \
             Drivers), and use the boot image it makes then",
        );
    }
    text
}

/// Matches the devices that the request names to `drivers`, those in the boot image, and tells what is
/// odd about these.
pub(crate) fn check(
    request: &CheckedRequest,
    image: &BootImage,
    drivers: &Drivers,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<DeviceSummary>, DriverError> {
    let mut needed = Vec::new();
    for id in request.require_hwids() {
        needed.push(Device::from_id(&id.as_str().parse()?));
    }
    let mut others = Vec::new();
    if let Some(path) = request.hwids() {
        let list = read(path)?;
        if list.needed().is_empty() {
            warnings.push(Warning::new(format!(
                "{} lists {} devices and none of them is for network or storage, so it requires no \
                 driver; list all devices of the reference computer",
                path.display(),
                list.others().len()
            )));
        }
        needed.extend_from_slice(list.needed());
        others.extend_from_slice(list.others());
    }
    let (wrong, odd): (Vec<_>, Vec<_>) =
        drivers.findings().into_iter().partition(DriverFinding::is_error);
    let answers = drivers.answers(&needed);
    refuse(image, wrong, &answers)?;
    tell_doubts(&answers, warnings);
    let name = image.name();
    let groups = grouped(&odd).into_iter();
    warnings.extend(groups.map(|group| Warning::new(format!("{name}: {}", group.text))));
    tell_of_usb(&answers, warnings);
    let matched = answers.iter().map(|answer| DeviceSummary {
        device: answer.device.name.clone(),
        role: answer.device.role.map(|role| role.name().to_owned()),
        needed: true,
        driver: answer.driver.as_ref().ok().map(|found| found.package.clone()),
        matched_id: answer.driver.as_ref().ok().map(|found| found.id.clone()),
        note: answer.driver.as_ref().is_ok_and(|found| found.is_bus).then(|| BUS.to_owned()),
    });
    let others = others.into_iter().map(|device| DeviceSummary {
        device: device.name,
        role: None,
        needed: false,
        driver: None,
        matched_id: None,
        note: None,
    });
    Ok(matched.chain(others).collect())
}

fn refuse(
    image: &BootImage,
    wrong: Vec<DriverFinding>,
    answers: &[DeviceAnswer<'_>],
) -> Result<(), DriverError> {
    let missing: Vec<String> =
        answers.iter().filter(|answer| !answer.device.removable).filter_map(missing).collect();
    if wrong.is_empty() && missing.is_empty() {
        return Ok(());
    }
    let boot_image = image.name();
    Err(DriverError::Unsuitable { boot_image, wrong, missing })
}

/// What a card is whose driver makes a bus.
const BUS: &str = "a bus driver: what is on the card's bus needs a driver too";

/// A device without driver, and why it has none.
fn missing(answer: &DeviceAnswer<'_>) -> Option<String> {
    let reason = answer.driver.as_ref().err()?;
    let role = answer.device.role.map(|role| format!(", {role}")).unwrap_or_default();
    Some(format!("{}{role}: {reason}", answer.device.name))
}

/// Devices on USB that are told one by one.
const TOLD: usize = 8;

/// What was on USB when the list was made need not be part of the computer.
fn tell_of_usb(answers: &[DeviceAnswer<'_>], warnings: &mut Vec<Warning>) {
    let removable = answers.iter().filter(|answer| answer.device.removable);
    for text in removable.filter_map(missing).take(TOLD) {
        warnings.push(Warning::new(format!(
            "{text}; it is on USB, so media are made all the same: add its driver to the boot image \
             if the computers need it"
        )));
    }
}

/// Drivers that were found and that Windows PE may not take.
fn tell_doubts(answers: &[DeviceAnswer<'_>], warnings: &mut Vec<Warning>) {
    for answer in answers {
        let Ok(found) = &answer.driver else { continue };
        for doubt in &found.doubts {
            warnings.push(Warning::new(format!(
                "the only driver for {} is {}, and Windows PE may not take it: {doubt}",
                answer.device.name, found.package
            )));
        }
    }
}

fn read(path: &Path) -> Result<DeviceList, DriverError> {
    let in_read = |source| DriverError::ReadList { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    // One byte more than is allowed is enough to be refused.
    let limit = DEVICE_LIST_LEN.saturating_add(1);
    // Before it is opened: a pipe that nobody writes to would never open.
    if !fs::metadata(path).map_err(in_read)?.is_file() {
        let what = "it is no regular file; save the list as one";
        return Err(in_read(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    File::open(path).map_err(in_read)?.take(limit).read_to_end(&mut bytes).map_err(in_read)?;
    DeviceList::parse(&bytes)
        .map_err(|source| DriverError::List { path: path.to_path_buf(), source })
}
