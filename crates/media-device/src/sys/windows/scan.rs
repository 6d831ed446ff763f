//! What Windows has on its drives, as far as it concerns more than one of them: volumes, what the
//! running system needs, and how the drives are connected.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::calls::request::{
    IOCTL_STORAGE_GET_DEVICE_NUMBER, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS,
};
use super::calls::{Access, Calls, Code, Connection};
use super::parse::{self, DISK, DeviceNumber, Extent};
use super::{CD_ROM, DVD, ask, names};
use crate::drive::{FileSystem, Mount};
use crate::error::ListError;
use crate::shown::shown;
use crate::text;

/// As Windows names the file systems that it mounts.
const FILE_SYSTEMS: [&str; 8] = ["FAT32", "FAT", "exFAT", "NTFS", "ReFS", "CSVFS", "UDF", "CDFS"];

/// The value with the device of the partition that the machine starts from.
const SETUP: (&str, &str) = (r"SYSTEM\Setup", "SystemPartition");
/// The value with the page files in use, as the session manager made them.
const PAGE_FILES: (&str, &str) =
    (r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management", "ExistingPageFiles");

/// One moment of a machine.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) volumes: Vec<Volume>,
    /// Volumes that may be on any drive, but not where another one is.
    pub(super) lost: Vec<LostVolume>,
    pub(super) system: Vec<SystemPlace>,
    /// What the system needs and may be on any drive.
    pub(super) lost_system: Vec<LostVolume>,
    /// By the numbers of disks.
    pub(super) connections: BTreeMap<u32, Connection>,
}

/// A volume that is on a drive.
#[derive(Debug)]
pub(super) struct Volume {
    /// What opens it: `\\?\Volume{..}`.
    pub(super) path: String,
    /// More than one where it is spread over drives.
    pub(super) extents: Vec<Extent>,
    pub(super) file_system: Option<FileSystem>,
    pub(super) mounts: Vec<Mount>,
}

/// A volume, or something on one, of which Windows does not tell what it is on.
#[derive(Debug)]
pub(super) struct LostVolume {
    /// A volume's first letter or folder, else its own name.
    pub(super) name: String,
    /// Why.
    pub(super) code: Code,
}

impl fmt::Display for LostVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", shown(Path::new(&self.name)), io::Error::from(self.code))
    }
}

/// Something that the running system needs.
#[derive(Debug)]
pub(super) struct SystemPlace {
    pub(super) path: PathBuf,
    pub(super) extents: Vec<Extent>,
}

impl Scan {
    /// `labels`: whether to look into volumes that are not mounted.
    pub(super) fn read(calls: &impl Calls, labels: bool) -> Result<Self, ListError> {
        let failed = |what| move |code: Code| ListError::Ask { what, source: code.into() };
        let (mut volumes, mut lost) = (Vec::new(), Vec::new());
        for name in calls.volumes().map_err(failed("its volumes"))? {
            match volume(calls, &name, labels) {
                Ok(volume) => volumes.extend(volume),
                // Taken out since.
                Err(code) if code.is_no_device() => {}
                Err(code) => lost.push(LostVolume { name: shown_name(calls, &name), code }),
            }
        }
        let windows = calls.windows_folder().map_err(failed("where Windows is"))?;
        // Where that cannot be said, no drive is known not to be the system's.
        let extents =
            extents_under(calls, &windows).map_err(failed("the drive that Windows is on"))?;
        let mut system = vec![SystemPlace { path: windows.into(), extents }];
        // Without rights to ask this the drives can still be listed; none is written.
        let mut lost_system = Vec::new();
        for found in system_partition(calls).into_iter().chain(page_files(calls)) {
            match found {
                Ok(place) => system.push(place),
                Err(lost) => lost_system.push(lost),
            }
        }
        // These are what the environment says: perhaps on a server, or nowhere. Windows locks no
        // volume that has open files, and what is on a lost volume keeps other drives from being
        // written.
        for folder in calls.other_folders() {
            let extents = extents_under(calls, &folder).unwrap_or_default();
            system.push(SystemPlace { path: folder.into(), extents });
        }
        Ok(Self { volumes, lost, system, lost_system, connections: connections(calls) })
    }

    /// The volumes with a part on a drive.
    pub(super) fn volumes_on(&self, disk: u32) -> impl Iterator<Item = &Volume> {
        self.volumes.iter().filter(move |volume| volume.is_on(disk))
    }
}

impl Volume {
    fn is_on(&self, disk: u32) -> bool {
        self.extents.iter().any(|extent| extent.disk == disk)
    }

    /// Where only a part of it is on a drive: spanned, striped, mirrored.
    pub(super) fn is_on_others_than(&self, disk: u32) -> bool {
        self.extents.iter().any(|extent| extent.disk != disk)
    }
}

/// `None` for what is on no drive: discs and memory disks.
fn volume(calls: &impl Calls, name: &str, labels: bool) -> Result<Option<Volume>, Code> {
    let path = name.strip_suffix('\\').unwrap_or(name).to_owned();
    let extents = extents(calls, &path)?;
    if extents.is_empty() {
        return Ok(None);
    }
    let points: Vec<String> = match calls.mount_points(name) {
        Ok(points) => parse::texts(&points).collect(),
        Err(code) if code.is_no_device() => return Err(code),
        // It may have a letter, and counts as mounted.
        Err(_) => vec![name.to_owned()],
    };
    let information = if labels || !points.is_empty() {
        calls.volume_information(name)
    } else {
        Err(Code::NOT_READY)
    };
    // Removable drives get a letter also where nothing can be mounted.
    let is_raw = information == Err(Code::UNRECOGNIZED_VOLUME);
    let kind = information.as_ref().map_or("", |found| &found.file_system);
    let mount = |point: &String| Mount {
        path: point.into(),
        file_system: text::label(kind).unwrap_or_default(),
        id: 0,
    };
    let mounts = points.iter().filter(|_| !is_raw).map(mount).collect();
    let kind = FILE_SYSTEMS.into_iter().find(|known| known.eq_ignore_ascii_case(kind));
    let file_system = kind
        .zip(information.as_ref().ok())
        .map(|(kind, found)| FileSystem { kind, label: text::label(&found.label) });
    let file_system = file_system.filter(|_| labels);
    Ok(Some(Volume { path, extents, file_system, mounts }))
}

/// What people know a volume as.
fn shown_name(calls: &impl Calls, name: &str) -> String {
    let points = calls.mount_points(name).unwrap_or_default();
    parse::texts(&points).next().unwrap_or_else(|| name.to_owned())
}

/// The drives behind a volume. None for volumes of devices without any: memory disks, network drives.
///
/// Drivers of removable drives may have no answer without a medium, but know their number, which also
/// tells discs. A volume on several drives has no such number.
pub(super) fn extents(calls: &impl Calls, volume: &str) -> Result<Vec<Extent>, Code> {
    let handle = calls.open(volume, Access::Ask)?;
    let code = match ask(calls, &handle, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, &[], 512) {
        Ok(bytes) => match parse::extents(&bytes) {
            Some(extents) => return Ok(extents),
            None => Code::INVALID_DATA,
        },
        Err(Code::INVALID_FUNCTION | Code::NOT_SUPPORTED) => return Ok(Vec::new()),
        Err(code) => code,
    };
    match device_number(calls, &handle) {
        Ok(Some(found)) if found.kind == DISK => Ok(vec![Extent { disk: found.number, start: 0 }]),
        Ok(Some(found)) if matches!(found.kind, CD_ROM | DVD) => Ok(Vec::new()),
        _ => Err(code),
    }
}

/// The drives behind a file or folder.
pub(super) fn extents_under(calls: &impl Calls, path: &str) -> Result<Vec<Extent>, Code> {
    let point = calls.mount_point_of(path)?;
    // Windows PE runs from a memory disk, whose volume has no other name.
    let device = match names::letter_device(&point) {
        Some(device) => device,
        None => calls.volume_at(&point)?.trim_end_matches('\\').to_owned(),
    };
    extents(calls, &device)
}

/// Where the boot manager of the running system is: `\Device\HarddiskVolume1`. The kernel writes it down
/// at each start.
fn system_partition(calls: &impl Calls) -> Option<Result<SystemPlace, LostVolume>> {
    let (key, value) = SETUP;
    let device = match calls.registry(key, value) {
        Ok(units) => parse::text(&units?),
        Err(code) => return Some(Err(LostVolume { name: "the system partition".into(), code })),
    };
    if device.is_empty() {
        return None;
    }
    Some(match extents(calls, &format!(r"\\?\GLOBALROOT{device}")) {
        Ok(extents) => Ok(SystemPlace { path: device.into(), extents }),
        // Windows PE does without the stick that it was started from: none of what is there now.
        Err(code) if code.is_no_device() && device.starts_with(r"\Device\") => return None,
        Err(code) => Err(LostVolume { name: device, code }),
    })
}

/// `C:\pagefile.sys`
fn page_files(calls: &impl Calls) -> Vec<Result<SystemPlace, LostVolume>> {
    let (key, value) = PAGE_FILES;
    let listed = match calls.registry(key, value) {
        Ok(listed) => listed.unwrap_or_default(),
        Err(code) => return vec![Err(LostVolume { name: "a page file".into(), code })],
    };
    // The prefix is that of the kernel's names; what has no letter keeps one.
    let path = |text: String| match text.strip_prefix(r"\??\") {
        Some(name) if name.starts_with("Volume{") => format!(r"\\?\{name}"),
        Some(path) => path.to_owned(),
        None => text,
    };
    let place = |file: String| match extents_under(calls, &file) {
        Ok(extents) => Ok(SystemPlace { path: file.into(), extents }),
        Err(code) => Err(LostVolume { name: file, code }),
    };
    parse::texts(&listed).map(path).map(place).collect()
}

fn connections(calls: &impl Calls) -> BTreeMap<u32, Connection> {
    let with_number = |connection: Connection| {
        let handle = calls.open(&connection.path, Access::Ask).ok()?;
        let number = device_number(calls, &handle).ok()??;
        (number.kind == DISK).then_some((number.number, connection))
    };
    calls.connections().into_iter().filter_map(with_number).collect()
}

pub(super) fn device_number<C: Calls>(
    calls: &C,
    handle: &C::Handle,
) -> Result<Option<DeviceNumber>, Code> {
    let bytes = ask(calls, handle, IOCTL_STORAGE_GET_DEVICE_NUMBER, &[], 64)?;
    Ok(parse::device_number(&bytes))
}
