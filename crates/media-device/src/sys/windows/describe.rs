//! One drive, as its driver describes it.

use super::calls::request::{
    IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, IOCTL_DISK_IS_WRITABLE,
    IOCTL_STORAGE_CHECK_VERIFY2, IOCTL_STORAGE_QUERY_PROPERTY,
};
use super::calls::{Access, Calls, Code, Connection};
use super::parse::{self, BUS_SD, DISK, Descriptor, Geometry, Pool, TableEntry};
use super::scan::{LostVolume, Scan, Volume, device_number};
use super::{ask, names};
use crate::drive::{self, Bus, Drive, Holder, HolderKind, Mount, Partition, SystemUse};
use crate::locks::Locks;
use crate::text;

/// `StorageDeviceProperty`
const DEVICE_PROPERTY: u32 = 0;
/// `StorageAccessAlignmentProperty`
const ALIGNMENT_PROPERTY: u32 = 6;
/// 1980-01-01 in microseconds since 1601, when Windows begins to count: the numbers that are left are
/// exact in JSON for longer than anybody will ask.
const EPOCH: u64 = 11_960_006_400_000_000;

/// What an open drive says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) descriptor: Descriptor,
    /// `None` without a medium.
    pub(super) geometry: Option<Geometry>,
    physical_sector: Option<u32>,
    /// How often its medium was changed.
    pub(super) media_changes: Option<u32>,
    pub(super) read_only: bool,
}

impl Facts {
    pub(super) fn read<C: Calls>(calls: &C, handle: &C::Handle) -> Self {
        let property = |id| property(calls, handle, id);
        let geometry = ask(calls, handle, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, &[], 256);
        let writable = calls.control(handle, IOCTL_DISK_IS_WRITABLE, &[], &mut []);
        Self {
            descriptor: property(DEVICE_PROPERTY)
                .and_then(|bytes| parse::descriptor(&bytes))
                .unwrap_or_default(),
            geometry: geometry.ok().and_then(|bytes| parse::geometry(&bytes)),
            physical_sector: property(ALIGNMENT_PROPERTY)
                .and_then(|bytes| parse::physical_sector(&bytes)),
            media_changes: media_changes(calls, handle).ok(),
            read_only: writable == Err(Code::WRITE_PROTECT),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.geometry.map_or(0, |geometry| geometry.len)
    }

    pub(super) fn sector(&self) -> u32 {
        self.geometry.map_or(512, |geometry| geometry.sector)
    }

    /// What the drive says is its number. As on Linux, a stick's is that of the USB device: what a
    /// bridge says for the disk behind it may be the same for all bridges.
    pub(super) fn serial(&self, connection: Option<&Connection>) -> Option<String> {
        let usb = connection.and_then(|connection| usb_serial(connection.instance.as_deref()?));
        usb.or_else(|| self.descriptor.serial.clone())
    }

    /// When the drive was put in, in microseconds since 1980, plus how often its medium was changed
    /// since: what Linux has a number of its own for.
    pub(super) fn sequence(&self, connection: Option<&Connection>) -> Option<u64> {
        let arrived = (connection?.arrived? / 10).checked_sub(EPOCH)?;
        arrived.checked_add(u64::from(self.media_changes.unwrap_or(0)))
    }
}

/// How a drive is divided.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<TableEntry>,
    pub(super) pools: Vec<Pool>,
}

impl Table {
    pub(super) fn read<C: Calls>(calls: &C, handle: &C::Handle) -> Self {
        // An error is no partition: a new drive has none.
        let bytes = ask(calls, handle, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, &[], 32 << 10);
        let bytes = bytes.unwrap_or_default();
        Self { entries: parse::layout(&bytes), pools: parse::pools(&bytes) }
    }
}

/// Whether there is a medium, and how often it was changed.
pub(super) fn media_changes<C: Calls>(calls: &C, handle: &C::Handle) -> Result<u32, Code> {
    let bytes = ask(calls, handle, IOCTL_STORAGE_CHECK_VERIFY2, &[], 4)?;
    Ok(parse::media_changes(&bytes).unwrap_or(0))
}

/// A `STORAGE_PROPERTY_QUERY` of the standard kind.
pub(super) fn property<C: Calls>(calls: &C, handle: &C::Handle, id: u32) -> Option<Vec<u8>> {
    let mut query = [0; 12];
    query.first_chunk_mut().map(|first: &mut [u8; 4]| *first = id.to_le_bytes())?;
    ask(calls, handle, IOCTL_STORAGE_QUERY_PROPERTY, &query, 1024).ok()
}

/// The serial number in `USBSTOR\Disk&Ven_..\4C530001&0`, before the number of the unit. Where the
/// device has none, Windows makes up something with an ampersand as its second character.
fn usb_serial(instance: &str) -> Option<String> {
    let (kind, rest) = instance.split_once('\\')?;
    let (_, id) = rest.rsplit_once('\\')?;
    let (serial, _) = id.rsplit_once('&')?;
    let is_own = kind.eq_ignore_ascii_case("USBSTOR") && !serial.contains('&');
    text::ascii(serial.as_bytes()).filter(|_| is_own)
}

/// The drive with a number; `None` when there is none.
pub(super) fn drive(calls: &impl Calls, scan: &Scan, number: u32) -> Option<Drive> {
    let path = names::disk_path(number);
    let handle = calls.open(&path, Access::Ask).ok()?;
    // A name is taken over by the next drive.
    let found = device_number(calls, &handle).ok()??;
    if (found.kind, found.number) != (DISK, number) {
        return None;
    }
    let facts = Facts::read(calls, &handle);
    let Table { entries, pools } = match facts.geometry {
        Some(_) => Table::read(calls, &handle),
        None => Table::default(),
    };
    drop(handle);
    let connection = scan.connections.get(&number);
    let on_itself: Vec<&Volume> = scan
        .volumes_on(number)
        .filter(|volume| volume.starts_on(number).all(|start| entry_at(&entries, start).is_none()))
        .collect();
    let partition = |entry: &TableEntry| partition(scan, number, entry, &entries);
    let bus = parse::bus(facts.descriptor.bus);
    Some(Drive {
        name: names::disk_name(number),
        serial: facts.serial(connection),
        len: facts.len(),
        logical_block_size: facts.sector(),
        physical_block_size: facts.physical_sector.unwrap_or(facts.sector()),
        bus,
        removable: facts.descriptor.removable || facts.descriptor.bus == BUS_SD,
        read_only: facts.read_only,
        partitions: entries.iter().map(partition).collect(),
        file_system: on_itself.iter().find_map(|volume| volume.file_system.clone()),
        mounts: mounts(&on_itself, number),
        swap: false,
        holders: holders(scan, number, &pools),
        lost_volumes: lost_volumes(scan, number, &entries),
        system: system_uses(scan, number, &entries),
        disk_sequence: facts.sequence(connection),
        backing_file: None,
        denied: matches!(calls.open(&path, Access::Read), Err(Code::ACCESS_DENIED)),
        backing: None,
        device: drive::DeviceNumber { major: DISK, minor: number },
        folder: path.clone().into(),
        locks: Locks::default(),
        // A number of the bus, or an emptiness, is no name.
        vendor: facts.descriptor.vendor.filter(|_| !matches!(bus, Bus::Nvme | Bus::Mmc)),
        model: facts.descriptor.model,
        path: path.into(),
    })
}

fn partition(scan: &Scan, disk: u32, entry: &TableEntry, entries: &[TableEntry]) -> Partition {
    let is_here = |volume: &&Volume| {
        volume.starts_on(disk).any(|start| entry_at(entries, start) == Some(entry))
    };
    let volumes: Vec<&Volume> = scan.volumes.iter().filter(is_here).collect();
    let name = names::partition_name(disk, entry.number);
    Partition {
        path: format!(r"\\.\{name}").into(),
        name,
        number: entry.number,
        start: entry.start,
        len: entry.len,
        file_system: volumes.iter().find_map(|volume| volume.file_system.clone()),
        mounts: mounts(&volumes, disk),
        swap: false,
        // Of the drive: Windows tells what stands on drives, not on their partitions.
        holders: Vec::new(),
        device: drive::DeviceNumber { major: DISK, minor: disk },
    }
}

/// Where volumes are mounted that are on this drive alone; holders have the mounts of others.
fn mounts(volumes: &[&Volume], disk: u32) -> Vec<Mount> {
    let own = volumes.iter().filter(|volume| !volume.is_on_others_than(disk));
    own.flat_map(|volume| volume.mounts.clone()).collect()
}

/// What writing this drive would take a part away of.
pub(super) fn holders(scan: &Scan, disk: u32, pools: &[Pool]) -> Vec<Holder> {
    let holder = |name: String, kind, title, mounts| {
        let device = drive::DeviceNumber { major: DISK, minor: disk };
        Holder { name, kind, title, mounts, swap: false, device }
    };
    let pools = pools.iter().map(|pool| match pool {
        Pool::StorageSpaces => ("Storage Spaces", HolderKind::StorageSpaces),
        Pool::DynamicDisks => ("the Logical Disk Manager", HolderKind::DynamicDisk),
    });
    let pools = pools.map(|(name, kind)| holder(name.to_owned(), kind, None, Vec::new()));
    let spanned = scan.volumes_on(disk).filter(|volume| volume.is_on_others_than(disk));
    let spanned = spanned.map(|volume| {
        let title = Some("a volume on several drives".to_owned());
        holder(volume.name(), HolderKind::SpannedVolume, title, volume.mounts.clone())
    });
    pools.chain(spanned).collect()
}

/// Volumes that Windows does not tell the drives of, where one of them may be here. None can be where
/// each partition has a known volume, or the drive itself has: two volumes share no place. What the
/// system needs may be lost by its name alone.
pub(super) fn lost_volumes(scan: &Scan, disk: u32, entries: &[TableEntry]) -> Vec<String> {
    let mut starts = scan.volumes_on(disk).flat_map(|volume| volume.starts_on(disk));
    let is_known = if entries.is_empty() {
        starts.next().is_some()
    } else {
        let starts: Vec<u64> = starts.collect();
        let has_volume = |entry| starts.iter().any(|at| entry_at(entries, *at) == Some(entry));
        entries.iter().all(has_volume)
    };
    let lost = scan.lost.iter().filter(|_| !is_known);
    scan.lost_system.iter().chain(lost).map(LostVolume::to_string).collect()
}

/// What of the running system is on a drive.
fn system_uses(scan: &Scan, disk: u32, entries: &[TableEntry]) -> Vec<SystemUse> {
    let mut uses = Vec::new();
    for place in &scan.system {
        for extent in place.extents.iter().filter(|extent| extent.disk == disk) {
            let on = match entry_at(entries, extent.start) {
                Some(entry) => names::partition_name(disk, entry.number),
                None => names::disk_name(disk),
            };
            let used = SystemUse { path: Some(place.path.clone()), on, through: None };
            if !uses.contains(&used) {
                uses.push(used);
            }
        }
    }
    uses
}

impl Volume {
    /// What people know it as.
    pub(super) fn name(&self) -> String {
        self.mounts.first().map_or_else(|| self.path.clone(), Mount::place)
    }

    /// Where its parts on a drive begin.
    fn starts_on(&self, disk: u32) -> impl Iterator<Item = u64> {
        self.extents.iter().filter(move |extent| extent.disk == disk).map(|extent| extent.start)
    }
}

/// The partition that holds a byte.
pub(super) fn entry_at(entries: &[TableEntry], at: u64) -> Option<&TableEntry> {
    entries.iter().find(|entry| at >= entry.start && at - entry.start < entry.len)
}
