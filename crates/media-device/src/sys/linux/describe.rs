//! One drive, by its folder in /sys.

use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags};
use rustix::io::Errno;

use super::attribute::{self, bytes, flag, number, text};
use super::ioctl;
use super::usage::{self, Usage};
use crate::drive::{Backing, Bus, Drive, FileSystem, Holder, Mount, Partition, SystemUse};
use crate::file_system;
use crate::locks::Locks;
use crate::system::System;

/// /sys counts in these, whatever the drive's own sectors.
const SECTOR: u64 = 512;

/// Folders whose file systems a running system cannot do without.
const SYSTEM_FOLDERS: [&str; 20] = [
    "/",
    "/home",
    "/opt",
    "/root",
    "/srv",
    "/sysroot",
    "/var",
    "/var/cache",
    "/var/home",
    "/var/lib",
    "/var/log",
    "/var/tmp",
    "/nix",
    "/gnu",
    // What live systems run from: Debian, Ubuntu, Fedora, Arch.
    "/run/live/medium",
    "/lib/live/mount/medium",
    "/cdrom",
    "/run/initramfs/live",
    "/run/archiso/bootmnt",
    "/run/initramfs/isoscan",
];
/// The same, with all that is mounted below.
const SYSTEM_TREES: [&str; 4] = ["/boot", "/efi", "/etc", "/usr"];

/// What a block device is, by its name and folder.
pub(super) enum What {
    Drive,
    Loop,
    /// Something else; in words.
    Other(&'static str),
}

pub(super) fn what(name: &str, folder: &Path) -> What {
    let numbered = |kind: &str| {
        name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let card_area = name
        .strip_prefix("mmcblk")
        .is_some_and(|rest| rest.contains("boot") || rest.contains("rpmb") || rest.contains("gp"));
    // The type of SCSI: 5 is a CD or DVD drive, 0 a disk, 14 a simplified one.
    let optical = attribute::text(folder, "device/type").as_deref() == Some("5");
    match () {
        () if folder.join("dm").is_dir() => What::Other("a device-mapper device"),
        () if folder.join("md").is_dir() => What::Other("a RAID device"),
        () if optical || numbered("sr") => What::Other("an optical drive"),
        () if numbered("ram") || numbered("zram") => What::Other("a memory disk"),
        () if numbered("fd") => What::Other("a floppy drive"),
        () if numbered("mtdblock") => What::Other("flash memory"),
        () if numbered("bcache") => What::Other("a cached device"),
        () if card_area => What::Other("a special area of a memory card"),
        () if flag(folder, "hidden") => What::Other("one way to a drive of several"),
        () if numbered("loop") => What::Loop,
        () => What::Drive,
    }
}

/// The drive in `folder`, which has no links in it; `None` when it is just going away.
pub(super) fn drive(system: &System, usage: &Usage, folder: PathBuf) -> Option<Drive> {
    let name = folder.file_name()?.to_str()?.to_owned();
    let device = attribute::device_number(&folder)?;
    let len = number(&folder, "size")?.checked_mul(SECTOR)?;
    let bus = bus(system, &name, &folder);
    let (vendor, model) = title(&folder, bus);
    let path = node(system, &name);
    let mut partitions: Vec<Partition> = usage::partitions(&folder)
        .into_iter()
        .filter_map(|(name, folder)| partition(system, usage, name, &folder))
        .collect();
    partitions.sort_by_key(|partition| (partition.start, partition.number));
    let mut drive = Drive {
        vendor,
        model,
        serial: serial(&folder),
        len,
        logical_block_size: block_size(&folder, "queue/logical_block_size"),
        physical_block_size: block_size(&folder, "queue/physical_block_size"),
        bus,
        removable: flag(&folder, "removable") || is_card(bus, &folder),
        read_only: flag(&folder, "ro"),
        file_system: look(system, &path, len),
        mounts: usage.mounts(&name, device),
        swap: usage.is_swap(&name),
        holders: usage.holders(&folder),
        partitions,
        system: Vec::new(),
        disk_sequence: number(&folder, "diskseq"),
        lost_volumes: Vec::new(),
        denied: system.real && is_denied(&path),
        backing: backing(system, &folder, &path),
        backing_file: attribute::path(&folder, "loop/backing_file"),
        device,
        name,
        path,
        folder,
        locks: Locks::default(),
    };
    drive.system = system_uses(usage, &drive);
    Some(drive)
}

/// Whether this user may not open a node for reading and writing, which is seen without opening it.
/// What else is wrong with it, opening tells.
fn is_denied(node: &Path) -> bool {
    let both = Access::READ_OK | Access::WRITE_OK;
    // As open does: not by whom the process was started.
    let found = rustix::fs::accessat(rustix::fs::CWD, node, both, AtFlags::EACCESS);
    matches!(found, Err(Errno::ACCESS | Errno::PERM))
}

/// What is behind a loop device: the kernel's word where the device may be opened, else what is at the
/// path, which may have been renamed.
fn backing(system: &System, folder: &Path, node: &Path) -> Option<Backing> {
    let path = attribute::path(folder, "loop/backing_file")?;
    let asked = || {
        let file = File::open(node).ok().filter(|_| system.real)?;
        let right =
            usage::number(file.metadata().ok()?.rdev()) == attribute::device_number(folder)?;
        ioctl::loop_backing(&file).ok().filter(|_| right)
    };
    let found = || {
        let found = fs::metadata(&path).ok()?;
        let rdev = if found.file_type().is_block_device() { found.rdev() } else { 0 };
        Some(ioctl::LoopBacking { device: found.dev(), inode: found.ino(), rdev })
    };
    let ioctl::LoopBacking { device, inode, rdev } = asked().or_else(found)?;
    Some(if rdev == 0 { Backing::File { device, inode } } else { Backing::Device(path) })
}

fn partition(system: &System, usage: &Usage, name: String, folder: &Path) -> Option<Partition> {
    let device = attribute::device_number(folder)?;
    let len = number(folder, "size")?.checked_mul(SECTOR)?;
    let path = node(system, &name);
    Some(Partition {
        number: number(folder, "partition")?.try_into().ok()?,
        start: number(folder, "start")?.checked_mul(SECTOR)?,
        len,
        file_system: look(system, &path, len),
        mounts: usage.mounts(&name, device),
        swap: usage.is_swap(&name),
        holders: usage.holders(folder),
        device,
        name,
        path,
    })
}

/// The kernel writes `!` for the slash of cciss/c0d0.
pub(super) fn node(system: &System, name: &str) -> PathBuf {
    system.root.join("dev").join(name.replace('!', "/"))
}

fn look(system: &System, node: &Path, len: u64) -> Option<FileSystem> {
    if system.labels { file_system::look_at(node, len) } else { None }
}

/// 512 where the kernel says nothing that a drive could have.
fn block_size(folder: &Path, name: &str) -> u32 {
    let said = number(folder, name).and_then(|size| u32::try_from(size).ok());
    said.filter(|size| size.is_power_of_two() && (512..=1 << 20).contains(size)).unwrap_or(512)
}

/// The way from the processor to the drive is its path.
fn bus(system: &System, name: &str, folder: &Path) -> Bus {
    let devices = system.root.join("sys/devices");
    let devices = devices.canonicalize().unwrap_or(devices);
    let way = folder.strip_prefix(devices).unwrap_or(folder);
    let parts = || {
        way.components().filter_map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
    };
    let numbered = |kind: &str| {
        parts().any(|part| {
            let number = part.strip_prefix(kind).unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    match () {
        () if numbered("usb") => Bus::Usb,
        () if parts().any(|part| part == "mmc_host") => Bus::Mmc,
        () if parts().any(|part| part == "nvme" || part == "nvme-subsystem") => Bus::Nvme,
        () if numbered("virtio") => Bus::Virtio,
        () if numbered("ata") => Bus::Sata,
        () if numbered("host") => Bus::Scsi,
        () if name.starts_with("loop") => Bus::Loop,
        () => Bus::Other,
    }
}

/// Cards do not set the bit that sticks set; soldered eMMC says `MMC`.
fn is_card(bus: Bus, folder: &Path) -> bool {
    bus == Bus::Mmc && text(folder, "device/type").as_deref() == Some("SD")
}

/// Vendor and model.
fn title(folder: &Path, bus: Bus) -> (Option<String>, Option<String>) {
    let vendor = match bus {
        // A number of the bus, not a name.
        Bus::Virtio | Bus::Nvme | Bus::Mmc => None,
        _ => text(folder, "device/vendor"),
    };
    let model = text(folder, "device/model").or_else(|| text(folder, "device/name"));
    if vendor.is_none() && model.is_none() && bus == Bus::Usb {
        let device = usb_device(folder);
        let said = |name| device.and_then(|device| text(device, name));
        return (said("manufacturer"), said("product"));
    }
    (vendor, model)
}

/// What the drive says is its number, wherever its kind keeps it.
pub(super) fn serial(folder: &Path) -> Option<String> {
    // NVMe, MMC and some others; virtio.
    let own = || text(folder, "device/serial").or_else(|| text(folder, "serial"));
    let usb = || text(usb_device(folder)?, "serial");
    // After T10's pattern, it may be no more than vendor and model.
    let wwid = |name| text(folder, name).filter(|id| !id.starts_with("t10."));
    let other = || text(folder, "device/cid").or_else(|| wwid("device/wwid"));
    // A stick's number is the USB device's; what a bridge says for the disk behind it may be the same
    // for all bridges.
    usb().or_else(own).or_else(|| unit_serial(folder)).or_else(other).or_else(|| wwid("wwid"))
}

/// The nearest folder upwards that describes a USB device.
fn usb_device(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join("idVendor").is_file())
}

/// What a SCSI or SATA drive answers to "unit serial number": four bytes (kind, page 80, length),
/// then the text. SPC-4, section 7.8.15.
fn unit_serial(folder: &Path) -> Option<String> {
    let page = bytes(folder, "device/vpd_pg80")?;
    let [_, 0x80, high, low, text @ ..] = page.as_slice() else { return None };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    crate::text::ascii(text.get(..len).unwrap_or(text))
}

/// What of the running system is on a drive.
fn system_uses(usage: &Usage, drive: &Drive) -> Vec<SystemUse> {
    let mut uses = Vec::new();
    let own = (&drive.name, drive.device, &drive.mounts, drive.swap, &drive.holders);
    let parts = drive.partitions.iter();
    let parts = parts.map(|part| (&part.name, part.device, &part.mounts, part.swap, &part.holders));
    for (on, device, mounts, swap, holders) in std::iter::once(own).chain(parts) {
        let mut add = |device, mounts: &[Mount], swap: bool, through: Option<&Holder>| {
            let folders = mounts.iter().map(|mount| mount.path.clone());
            let mut paths: Vec<_> =
                folders.filter(|path| is_system_folder(path)).map(Some).collect();
            paths.extend(usage.is_root(device).then(|| Some(PathBuf::from("/"))));
            paths.extend(swap.then_some(None));
            let through = through.map(ToString::to_string);
            for path in paths {
                let used = SystemUse { path, on: on.clone(), through: through.clone() };
                if !uses.contains(&used) {
                    uses.push(used);
                }
            }
        };
        add(device, mounts, swap, None);
        for holder in holders {
            add(holder.device, &holder.mounts, holder.swap, Some(holder));
        }
    }
    uses
}

fn is_system_folder(path: &Path) -> bool {
    SYSTEM_FOLDERS.iter().any(|folder| path == Path::new(folder))
        || SYSTEM_TREES.iter().any(|tree| path.starts_with(tree))
}
