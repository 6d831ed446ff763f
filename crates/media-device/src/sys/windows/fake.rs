//! A Windows of three drives' worth, for tests: what is documented of the calls, and nothing that
//! only a real one would know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::calls::request::*;
use super::calls::{Access, Calls, Code, Connection, VolumeInformation};

pub(super) const MIB: u64 = 1 << 20;
/// 2026-11-23 09:00 in units of 100 ns since 1601.
pub(super) const ARRIVED: u64 = 134_085_060_000_000_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Fake(Arc<Mutex<Machine>>);

#[derive(Debug, Default)]
pub(super) struct Machine {
    pub(super) disks: BTreeMap<u32, Disk>,
    pub(super) volumes: Vec<FakeVolume>,
    /// Where Windows cannot be found, why.
    pub(super) windows: Option<Code>,
    pub(super) folders: Vec<String>,
    pub(super) registry: BTreeMap<String, String>,
    /// Without the rights of an administrator.
    pub(super) denied: bool,
    /// What was asked of handles that may write.
    pub(super) log: Vec<String>,
    pub(super) pauses: u32,
    /// After how many pauses nobody has files of a volume open any more.
    pub(super) let_go: Option<(u32, String)>,
    /// Where the registry cannot be read, why.
    pub(super) no_registry: Option<Code>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    /// By request; of properties by their number.
    pub(super) answers: BTreeMap<u32, Result<Vec<u8>, Code>>,
    pub(super) instance: String,
    pub(super) arrived: Option<u64>,
    pub(super) bytes: BTreeMap<u64, Vec<u8>>,
    /// Handles that write.
    pub(super) writers: u32,
}

#[derive(Debug, Clone)]
pub(super) struct FakeVolume {
    /// `\\?\Volume{1}`
    pub(super) path: String,
    /// Further names that open it: `\\.\E:`.
    pub(super) names: Vec<String>,
    pub(super) points: Vec<String>,
    pub(super) extents: Result<Vec<u8>, Code>,
    /// Type and number of its device; none of a volume on several drives.
    pub(super) device: Result<(u32, u32), Code>,
    /// Where it cannot be said where it is mounted, why.
    pub(super) no_points: Option<Code>,
    pub(super) information: Result<VolumeInformation, Code>,
    /// Somebody has a file open.
    pub(super) in_use: bool,
    pub(super) locked: bool,
}

#[derive(Debug)]
pub(super) struct FakeHandle {
    fake: Fake,
    path: String,
    access: Access,
    locks: Mutex<bool>,
}

impl Drop for FakeHandle {
    fn drop(&mut self) {
        let mut machine = self.fake.machine();
        if let (Some(disk), Access::Alone) = (machine.disk(&self.path), self.access) {
            disk.writers -= 1;
        }
        if *self.locks.lock().unwrap() {
            machine.log.push(format!("unlock {}", self.path));
            machine.volume(&self.path).unwrap().locked = false;
        }
    }
}

impl Machine {
    fn disk(&mut self, path: &str) -> Option<&mut Disk> {
        let number = path.strip_prefix(r"\\.\PhysicalDrive").or(path.strip_prefix("interface"))?;
        self.disks.get_mut(&number.parse().ok()?)
    }

    pub(super) fn volume(&mut self, path: &str) -> Option<&mut FakeVolume> {
        self.volumes.iter_mut().find(|volume| {
            volume.path == path.trim_end_matches('\\') || volume.names.iter().any(|n| n == path)
        })
    }
}

/// `VOLUME_DISK_EXTENTS`
pub(super) fn extents(parts: &[(u32, u64)]) -> Vec<u8> {
    let mut bytes = Vec::from(u64::try_from(parts.len()).unwrap().to_le_bytes());
    for (disk, start) in parts {
        bytes.extend(u64::from(*disk).to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend(MIB.to_le_bytes());
    }
    bytes
}

/// `STORAGE_DEVICE_DESCRIPTOR`
pub(super) fn descriptor(
    bus: u32,
    removable: bool,
    vendor: &str,
    model: &str,
    serial: &str,
) -> Vec<u8> {
    let mut bytes = vec![0; 36];
    bytes[10] = u8::from(removable);
    bytes[28..32].copy_from_slice(&bus.to_le_bytes());
    for (at, text) in [(12, vendor), (16, model), (24, serial)] {
        if !text.is_empty() {
            let start = u32::try_from(bytes.len()).unwrap();
            bytes[at..at + 4].copy_from_slice(&start.to_le_bytes());
            bytes.extend(text.bytes().chain([0]));
        }
    }
    bytes
}

/// `DISK_GEOMETRY_EX`
pub(super) fn geometry(len: u64, sector: u32) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    bytes.extend(sector.to_le_bytes());
    bytes.extend(len.to_le_bytes());
    bytes
}

/// `DRIVE_LAYOUT_INFORMATION_EX` with an MBR of four entries.
pub(super) fn layout(parts: &[(u64, u64)]) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[4] = 4;
    for at in 0..4 {
        let mut entry = [0; 144];
        if let Some((start, len)) = parts.get(at) {
            entry[8..16].copy_from_slice(&start.to_le_bytes());
            entry[16..24].copy_from_slice(&len.to_le_bytes());
            entry[24] = u8::try_from(at + 1).unwrap();
            entry[32] = 0x0C;
        }
        bytes.extend(entry);
    }
    bytes
}

impl Fake {
    /// A machine with Windows on an NVMe drive of 500 MiB.
    pub(super) fn new() -> Self {
        let nvme = descriptor(17, false, "NVMe", "Samsung SSD", "S6XP");
        let parts = [(MIB, 100 * MIB), (200 * MIB, 300 * MIB)];
        let fake = Self::default().with_disk(0, 500 * MIB, nvme, &parts, r"SCSI\Disk&Ven_NVMe\5&1");
        let fake = fake.with_volume("1", 0, MIB, &[], "FAT32", "SYSTEM");
        let fake = fake.with_volume("2", 0, 200 * MIB, &[r"C:\"], "NTFS", "Windows");
        fake.change(|machine| {
            machine.volume(r"\\?\Volume{1}").unwrap().names =
                vec![r"\\?\GLOBALROOT\Device\V1".into()];
            machine.registry.insert("SystemPartition".into(), "\\Device\\V1\0".into());
            machine
                .registry
                .insert("ExistingPageFiles".into(), "\\??\\C:\\pagefile.sys\0\0".into());
        })
    }

    /// A disk, with its MBR.
    pub(super) fn with_disk(
        self,
        number: u32,
        len: u64,
        descriptor: Vec<u8>,
        parts: &[(u64, u64)],
        instance: &str,
    ) -> Self {
        let device = [7, number, 0].into_iter().flat_map(u32::to_le_bytes).collect();
        let answers = [
            (0, descriptor),
            (IOCTL_STORAGE_GET_DEVICE_NUMBER.into(), device),
            (IOCTL_DISK_GET_DRIVE_GEOMETRY_EX.into(), geometry(len, 512)),
            (IOCTL_DISK_GET_DRIVE_LAYOUT_EX.into(), layout(parts)),
            (IOCTL_DISK_IS_WRITABLE.into(), Vec::new()),
            (IOCTL_STORAGE_CHECK_VERIFY2.into(), vec![1, 0, 0, 0]),
            (IOCTL_DISK_UPDATE_PROPERTIES.into(), Vec::new()),
            (IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES.into(), Vec::new()),
        ];
        let disk = Disk {
            answers: answers.map(|(request, bytes)| (request, Ok(bytes))).into(),
            instance: instance.into(),
            arrived: Some(ARRIVED + u64::from(number) * 10_000_000),
            ..Disk::default()
        };
        self.change(|machine| {
            machine.disks.insert(number, disk);
        })
    }

    /// A stick of 64 MiB with a volume `E:` of FAT32.
    pub(super) fn with_stick(self, number: u32, letter: &str) -> Self {
        let said = descriptor(7, true, "SanDisk ", "Cruzer Blade", "bridge");
        let instance = format!(r"USBSTOR\Disk&Ven_SanDisk&Prod_Cruzer\4C53000{number}&0");
        let fake = self.with_disk(number, 64 * MIB, said, &[(MIB, 60 * MIB)], &instance);
        let name = (number * 10).to_string();
        fake.with_volume(&name, number, MIB, &[&format!(r"{letter}\")], "FAT32", "HOLIDAY")
    }

    pub(super) fn with_volume(
        self,
        name: &str,
        disk: u32,
        start: u64,
        points: &[&str],
        file_system: &str,
        label: &str,
    ) -> Self {
        let letters = points.iter().filter(|point| point.len() == 3);
        let names = letters.map(|point| format!(r"\\.\{}", &point[..2])).collect();
        let (label, file_system) = (label.to_owned(), file_system.to_owned());
        let volume = FakeVolume {
            path: format!(r"\\?\Volume{{{name}}}"),
            names,
            points: points.iter().map(ToString::to_string).collect(),
            extents: Ok(extents(&[(disk, start)])),
            device: Ok((7, disk)),
            no_points: None,
            information: Ok(VolumeInformation { label, file_system }),
            in_use: false,
            locked: false,
        };
        self.change(|machine| machine.volumes.push(volume))
    }

    /// What a disk says instead, to a request or for a property.
    pub(super) fn with_answer(
        self,
        disk: u32,
        request: impl Into<u32>,
        answer: Result<Vec<u8>, Code>,
    ) -> Self {
        self.change(|machine| {
            machine.disks.get_mut(&disk).unwrap().answers.insert(request.into(), answer);
        })
    }

    pub(super) fn change(self, change: impl FnOnce(&mut Machine)) -> Self {
        change(&mut self.machine());
        self
    }

    pub(super) fn machine(&self) -> std::sync::MutexGuard<'_, Machine> {
        self.0.lock().unwrap()
    }

    pub(super) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.machine().log)
    }
}

impl Calls for Fake {
    type Handle = FakeHandle;

    fn open(&self, path: &str, access: Access) -> Result<FakeHandle, Code> {
        let mut machine = self.machine();
        let denied = machine.denied && access != Access::Ask;
        if let Some(disk) = machine.disk(path) {
            match access {
                _ if denied => return Err(Code::ACCESS_DENIED),
                Access::Alone if disk.writers > 0 => return Err(Code::SHARING_VIOLATION),
                Access::Alone => disk.writers += 1,
                _ => {}
            }
        } else if machine.volume(path).is_none() {
            return Err(Code::FILE_NOT_FOUND);
        } else if denied {
            return Err(Code::ACCESS_DENIED);
        }
        let path = path.to_owned();
        Ok(FakeHandle { fake: self.clone(), path, access, locks: Mutex::new(false) })
    }

    fn control(
        &self,
        handle: &FakeHandle,
        request: Request,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code> {
        let mut machine = self.machine();
        if matches!(handle.access, Access::Alone | Access::Shared) {
            machine.log.push(format!("{:#x} {}", request.number(), handle.path));
        }
        let answer = if let Some(disk) = machine.disk(&handle.path) {
            let key = match request {
                IOCTL_STORAGE_QUERY_PROPERTY => u32::from_le_bytes(*input.first_chunk().unwrap()),
                request => request.number(),
            };
            if request == IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES {
                disk.bytes.insert(u64::MAX, input.to_vec());
            }
            disk.answers.get(&key).cloned().unwrap_or(Err(Code::NOT_SUPPORTED))
        } else {
            let volume = machine.volume(&handle.path).ok_or(Code::DEVICE_NOT_CONNECTED)?;
            match request {
                IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS => volume.extents.clone(),
                IOCTL_STORAGE_GET_DEVICE_NUMBER => {
                    let bytes = |(kind, number)| [kind, number, 1].map(u32::to_le_bytes).concat();
                    volume.device.map(bytes)
                }
                FSCTL_LOCK_VOLUME if volume.in_use || volume.locked => Err(Code::ACCESS_DENIED),
                FSCTL_LOCK_VOLUME => {
                    volume.locked = true;
                    *handle.locks.lock().unwrap() = true;
                    Ok(Vec::new())
                }
                FSCTL_DISMOUNT_VOLUME => Ok(Vec::new()),
                _ => Err(Code::INVALID_FUNCTION),
            }
        }?;
        // As drivers do: short of room, they write what fits.
        let len = answer.len().min(output.len());
        output[..len].copy_from_slice(&answer[..len]);
        if len < answer.len() { Err(Code::MORE_DATA) } else { Ok(len) }
    }

    /// Sectors of 512 bytes, at most 4 KiB at a time.
    fn read(&self, handle: &FakeHandle, offset: u64, bytes: &mut [u8]) -> Result<usize, Code> {
        let mut machine = self.machine();
        let disk = machine.disk(&handle.path).ok_or(Code::DEVICE_NOT_CONNECTED)?;
        let len = bytes.len().min(4096);
        for (at, sector) in (offset..).step_by(512).zip(bytes[..len].chunks_exact_mut(512)) {
            sector.copy_from_slice(disk.bytes.get(&at).unwrap_or(&vec![0; 512]));
        }
        Ok(len)
    }

    /// Refused below volumes that are not locked, as Windows does since Vista.
    fn write(&self, handle: &FakeHandle, offset: u64, bytes: &[u8]) -> Result<usize, Code> {
        let mut machine = self.machine();
        let number = handle.path.trim_start_matches(r"\\.\PhysicalDrive").parse::<u8>().unwrap();
        let of_disk = |volume: &&FakeVolume| volume.extents.as_ref().unwrap()[8] == number;
        let open = machine.volumes.iter().filter(of_disk).any(|volume| !volume.locked);
        if open && offset >= MIB {
            return Err(Code::ACCESS_DENIED);
        }
        let disk = machine.disk(&handle.path).ok_or(Code::DEVICE_NOT_CONNECTED)?;
        let len = bytes.len().min(4096);
        for (at, sector) in (offset..).step_by(512).zip(bytes[..len].chunks_exact(512)) {
            disk.bytes.insert(at, sector.to_vec());
        }
        Ok(len)
    }

    fn flush(&self, _: &FakeHandle) -> Result<(), Code> {
        Ok(())
    }

    fn pause(&self) {
        let mut machine = self.machine();
        machine.pauses += 1;
        if let Some((pauses, volume)) = machine.let_go.clone()
            && pauses == machine.pauses
        {
            machine.volume(&volume).unwrap().in_use = false;
        }
    }

    fn device_names(&self) -> Result<Vec<u16>, Code> {
        let names: Vec<String> =
            self.machine().disks.keys().map(|number| format!("PhysicalDrive{number}\0")).collect();
        Ok(format!("C:\0{}PhysicalDriveX\0COM1\0\0", names.concat()).encode_utf16().collect())
    }

    fn volumes(&self) -> Result<Vec<String>, Code> {
        Ok(self.machine().volumes.iter().map(|volume| format!(r"{}\", volume.path)).collect())
    }

    fn mount_points(&self, volume: &str) -> Result<Vec<u16>, Code> {
        let mut machine = self.machine();
        let volume = machine.volume(volume).ok_or(Code::FILE_NOT_FOUND)?;
        let points = match volume.no_points {
            Some(code) => return Err(code),
            None => volume.points.join("\0"),
        };
        Ok(format!("{points}\0\0").encode_utf16().collect())
    }

    fn volume_information(&self, root: &str) -> Result<VolumeInformation, Code> {
        self.machine().volume(root).ok_or(Code::FILE_NOT_FOUND)?.information.clone()
    }

    fn mount_point_of(&self, path: &str) -> Result<String, Code> {
        let machine = self.machine();
        let points = machine.volumes.iter().flat_map(|volume| &volume.points);
        let longest =
            points.filter(|point| path.starts_with(*point)).max_by_key(|point| point.len());
        longest.cloned().ok_or(Code::INVALID_FUNCTION)
    }

    fn volume_at(&self, mount_point: &str) -> Result<String, Code> {
        let machine = self.machine();
        let has = |volume: &&FakeVolume| volume.points.iter().any(|point| point == mount_point);
        let found = machine.volumes.iter().find(has).ok_or(Code::INVALID_PARAMETER)?;
        Ok(format!(r"{}\", found.path))
    }

    fn connections(&self) -> Vec<Connection> {
        let machine = self.machine();
        let connection = |(number, disk): (&u32, &Disk)| Connection {
            path: format!("interface{number}"),
            instance: Some(disk.instance.clone()),
            arrived: disk.arrived,
        };
        machine.disks.iter().map(connection).collect()
    }

    fn windows_folder(&self) -> Result<String, Code> {
        self.machine().windows.map_or(Ok(r"C:\Windows".to_owned()), Err)
    }

    fn other_folders(&self) -> Vec<String> {
        self.machine().folders.clone()
    }

    fn registry(&self, _: &str, value: &str) -> Result<Option<Vec<u16>>, Code> {
        let machine = self.machine();
        let found = || machine.registry.get(value).map(|text| text.encode_utf16().collect());
        machine.no_registry.map_or_else(|| Ok(found()), Err)
    }
}
