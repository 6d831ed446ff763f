//! What is mounted, swapped to and built upon.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::attribute::{self, parse_device_number};
use crate::drive::{DeviceNumber, Holder, HolderKind, Mount};
use crate::error::ListError;
use crate::system::System;
use crate::text;

/// Devices upon devices: deeper is a fault.
const DEPTH: usize = 16;

/// What this process sees in use on the whole machine.
///
/// What is mounted for other processes only (containers) is not seen; the kernel refuses to open
/// such a drive exclusively.
pub(super) struct Usage {
    mounts: Vec<Mounted>,
    /// Kernel names.
    swaps: Vec<String>,
    /// Kernel names of the devices of each btrfs of several devices.
    btrfs: Vec<Vec<String>>,
    /// Of the file system at `/`.
    root: Option<DeviceNumber>,
    blocks: PathBuf,
}

/// A line of /proc/self/mountinfo.
struct Mounted {
    number: DeviceNumber,
    /// Kernel names of the devices that the source names, where the number does not.
    sources: Vec<String>,
    mount: Mount,
}

impl Usage {
    pub(super) fn read(system: &System) -> Result<Self, ListError> {
        let proc = system.root.join("proc");
        let path = proc.join("self/mountinfo");
        let mountinfo = fs::read(&path).map_err(|source| ListError::Read { path, source })?;
        let path = proc.join("swaps");
        let swaps = match fs::read(&path) {
            Ok(swaps) => swaps,
            // A kernel without swap.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(ListError::Read { path, source }),
        };
        let root =
            if system.real { fs::metadata("/").ok().map(|root| number(root.dev())) } else { None };
        Ok(Self {
            mounts: lines(&mountinfo).filter_map(|line| mounted(&system.root, line)).collect(),
            swaps: lines(&swaps).skip(1).filter_map(|line| swap(&system.root, line)).collect(),
            btrfs: btrfs(&system.root.join("sys/fs/btrfs")),
            root,
            blocks: system.root.join("sys/class/block"),
        })
    }

    /// Where a device is mounted, in the order in which it was.
    pub(super) fn mounts(&self, name: &str, number: DeviceNumber) -> Vec<Mount> {
        let on = |mounted: &&Mounted| {
            let siblings = |source: &String| {
                let both = |names: &&Vec<String>| {
                    names.contains(source) && names.iter().any(|n| n == name)
                };
                self.btrfs.iter().any(|names| both(&names))
            };
            mounted.number == number
                || mounted.sources.iter().any(|source| source == name || siblings(source))
        };
        self.mounts.iter().filter(on).map(|mounted| mounted.mount.clone()).collect()
    }

    /// The one of some mounts that was made last.
    pub(super) fn last_of(&self, mounts: &[&Mount]) -> Option<Mount> {
        let mut all = self.mounts.iter().rev().map(|mounted| &mounted.mount);
        all.find(|mount| mounts.contains(mount)).cloned()
    }

    pub(super) fn is_swap(&self, name: &str) -> bool {
        self.swaps.iter().any(|swap| swap == name)
    }

    /// Whether the root file system says that it is on this device.
    pub(super) fn is_root(&self, number: DeviceNumber) -> bool {
        self.root == Some(number)
    }

    /// All that is built upon the device in `folder`, directly or not.
    pub(super) fn holders(&self, folder: &Path) -> Vec<Holder> {
        let mut holders = Vec::new();
        self.gather(folder, DEPTH, &mut BTreeSet::new(), &mut holders);
        holders
    }

    fn gather(
        &self,
        folder: &Path,
        depth: usize,
        seen: &mut BTreeSet<String>,
        holders: &mut Vec<Holder>,
    ) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for name in attribute::names(&folder.join("holders")).unwrap_or_default() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let folder = self.blocks.join(&name);
            let device = attribute::device_number(&folder).unwrap_or_default();
            let mut mounts = self.mounts(&name, device);
            let mut swap = self.is_swap(&name);
            // A RAID may be divided.
            let parts = partitions(&folder);
            for (part, part_folder) in &parts {
                let number = attribute::device_number(part_folder).unwrap_or_default();
                mounts.extend(self.mounts(part, number));
                swap |= self.is_swap(part);
            }
            let (kind, title) = what_holds(&folder);
            holders.push(Holder { name, kind, title, mounts, swap, device });
            self.gather(&folder, depth, seen, holders);
            for (_, part_folder) in &parts {
                self.gather(part_folder, depth, seen, holders);
            }
        }
    }
}

/// Name and folder of each partition of the device in `folder`.
pub(super) fn partitions(folder: &Path) -> Vec<(String, PathBuf)> {
    let names = attribute::names(folder).unwrap_or_default();
    let folders = names.into_iter().map(|name| (folder.join(&name), name));
    let parts = folders.filter(|(folder, _)| folder.join("partition").is_file());
    parts.map(|(folder, name)| (name, folder)).collect()
}

fn what_holds(folder: &Path) -> (HolderKind, Option<String>) {
    if folder.join("dm").is_dir() {
        // What made a device writes its name first: `CRYPT-LUKS2-..`, `LVM-..`, `mpath-..`.
        let id = attribute::text(folder, "dm/uuid").unwrap_or_default();
        let kind = match id.split('-').next() {
            Some("CRYPT") => HolderKind::Crypt,
            Some("LVM") => HolderKind::Lvm,
            Some("mpath") => HolderKind::Multipath,
            _ => HolderKind::DeviceMapper,
        };
        return (kind, attribute::text(folder, "dm/name"));
    }
    let kind = if folder.join("md").is_dir() { HolderKind::Raid } else { HolderKind::Other };
    (kind, None)
}

pub(super) fn number(device: u64) -> DeviceNumber {
    DeviceNumber { major: rustix::fs::major(device), minor: rustix::fs::minor(device) }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// `27 1 254:0 / /mnt\040point rw,relatime shared:1 - ext4 /dev/vda1 rw`, see proc(5). Between the
/// sixth field and the dash there may be any number of others.
fn mounted(root: &Path, line: &[u8]) -> Option<Mounted> {
    // Carriage returns and form feeds are not escaped, and may stand in a path.
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let number = parse_device_number(std::str::from_utf8(fields.nth(1)?).ok()?)?;
    let path = path(fields.nth(1)?);
    let mut behind = fields.skip_while(|field| field != b"-").skip(1);
    let file_system = text::ascii(behind.next()?)?;
    // btrfs and file systems of user space have numbers of no device.
    let source = behind.next().filter(|_| number.major == 0).unwrap_or_default();
    let source = text::unescape(source);
    // bcachefs names several.
    let sources = source.split(|byte| *byte == b':').filter_map(|source| kernel_name(root, source));
    Some(Mounted { number, sources: sources.collect(), mount: Mount { path, file_system, id } })
}

/// `/dev/sda3 partition 8388604 0 -2`, or a file.
fn swap(root: &Path, line: &[u8]) -> Option<String> {
    let node = line.split(|byte| matches!(byte, b' ' | b'\t')).next()?;
    kernel_name(root, &text::unescape(node))
}

/// `/dev/mapper/vg0-root` is `dm-0`.
fn kernel_name(root: &Path, node: &[u8]) -> Option<String> {
    let below = Path::new(OsStr::from_bytes(node)).strip_prefix("/").ok()?;
    if !below.starts_with("dev") {
        return None;
    }
    let node = root.join(below);
    let node = fs::canonicalize(&node).unwrap_or(node);
    let dev = root.join("dev");
    let dev = fs::canonicalize(&dev).unwrap_or(dev);
    // The kernel writes `!` for the slash of cciss/c0d0.
    Some(node.strip_prefix(dev).ok()?.to_str()?.replace('/', "!"))
}

fn path(field: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(&text::unescape(field)))
}

/// The devices of each btrfs that is mounted, by /sys/fs/btrfs/UUID/devices.
fn btrfs(folder: &Path) -> Vec<Vec<String>> {
    let ids = attribute::names(folder).unwrap_or_default();
    let devices =
        ids.iter().filter_map(|id| attribute::names(&folder.join(id).join("devices")).ok());
    devices.filter(|names| names.len() > 1).collect()
}
