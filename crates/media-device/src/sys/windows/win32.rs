//! The calls themselves.

#![expect(unsafe_code, reason = "the functions of Windows that std does not offer")]

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::os::windows::io::AsRawHandle as _;
use std::ptr;
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Devices::DeviceAndDriverInstallation as setup;
use windows_sys::Win32::Devices::Properties::{
    DEVPKEY_Device_LastArrivalDate, DEVPROP_TYPE_FILETIME,
};
use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem as fs;
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl as ioctl;
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, RRF_RT_REG_MULTI_SZ, RRF_RT_REG_SZ, RegGetValueW,
};
use windows_sys::Win32::System::SystemInformation::GetSystemWindowsDirectoryW;

use super::calls::request::{self, Request};
use super::calls::{Access, Calls, Code, Connection, VolumeInformation};
use super::parse;

/// A path or name, with its zero: MAX_PATH + 1, as Windows documents for labels and names of file
/// systems; of volumes it wants 50.
const NAME: usize = 261;
/// Units of the longest path, and of the first try at a list.
const PATH: usize = 1 << 15;
/// Units of the longest list that is taken.
const LIST: usize = 1 << 22;
/// More volumes, or disks, than letters and slots for them.
const MANY: u32 = 10_000;
const PAUSE: Duration = Duration::from_millis(100);

/// What the logic takes for granted.
const _: () = {
    use std::mem::offset_of;
    assert!(request::FSCTL_LOCK_VOLUME.number() == ioctl::FSCTL_LOCK_VOLUME);
    assert!(request::FSCTL_DISMOUNT_VOLUME.number() == ioctl::FSCTL_DISMOUNT_VOLUME);
    assert!(
        request::IOCTL_DISK_GET_DRIVE_GEOMETRY_EX.number()
            == ioctl::IOCTL_DISK_GET_DRIVE_GEOMETRY_EX
    );
    assert!(
        request::IOCTL_DISK_GET_DRIVE_LAYOUT_EX.number() == ioctl::IOCTL_DISK_GET_DRIVE_LAYOUT_EX
    );
    assert!(request::IOCTL_DISK_IS_WRITABLE.number() == ioctl::IOCTL_DISK_IS_WRITABLE);
    assert!(request::IOCTL_DISK_UPDATE_PROPERTIES.number() == ioctl::IOCTL_DISK_UPDATE_PROPERTIES);
    assert!(request::IOCTL_STORAGE_CHECK_VERIFY2.number() == ioctl::IOCTL_STORAGE_CHECK_VERIFY2);
    assert!(
        request::IOCTL_STORAGE_GET_DEVICE_NUMBER.number() == ioctl::IOCTL_STORAGE_GET_DEVICE_NUMBER
    );
    assert!(request::IOCTL_STORAGE_QUERY_PROPERTY.number() == ioctl::IOCTL_STORAGE_QUERY_PROPERTY);
    assert!(
        request::IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES.number()
            == ioctl::IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES
    );
    assert!(
        request::IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS.number()
            == fs::IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS
    );
    type Descriptor = ioctl::STORAGE_DEVICE_DESCRIPTOR;
    assert!(offset_of!(Descriptor, RemovableMedia) == 10);
    assert!(offset_of!(Descriptor, VendorIdOffset) == 12);
    assert!(offset_of!(Descriptor, ProductIdOffset) == 16);
    assert!(offset_of!(Descriptor, SerialNumberOffset) == 24);
    assert!(offset_of!(Descriptor, BusType) == 28);
    assert!(offset_of!(ioctl::DISK_GEOMETRY, BytesPerSector) == 20);
    assert!(offset_of!(ioctl::DISK_GEOMETRY_EX, DiskSize) == 24);
    assert!(offset_of!(ioctl::STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR, BytesPerPhysicalSector) == 20);
    assert!(offset_of!(ioctl::DEVICE_TRIM_DESCRIPTOR, TrimEnabled) == 8);
    assert!(offset_of!(ioctl::VOLUME_DISK_EXTENTS, Extents) == 8);
    assert!(size_of::<ioctl::DISK_EXTENT>() == 24);
    assert!(offset_of!(ioctl::DISK_EXTENT, StartingOffset) == 8);
    assert!(offset_of!(ioctl::DRIVE_LAYOUT_INFORMATION_EX, PartitionCount) == 4);
    assert!(offset_of!(ioctl::DRIVE_LAYOUT_INFORMATION_EX, PartitionEntry) == 48);
    type Entry = ioctl::PARTITION_INFORMATION_EX;
    assert!(size_of::<Entry>() == 144);
    assert!(offset_of!(Entry, StartingOffset) == 8);
    assert!(offset_of!(Entry, PartitionLength) == 16);
    assert!(offset_of!(Entry, PartitionNumber) == 24);
    assert!(offset_of!(Entry, Anonymous) == 32);
    assert!(size_of::<ioctl::DEVICE_MANAGE_DATA_SET_ATTRIBUTES>() == 28);
    assert!(size_of::<ioctl::DEVICE_DATA_SET_RANGE>() == 16);
    assert!(size_of::<ioctl::STORAGE_PROPERTY_QUERY>() == 12);
};

/// This machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Win32;

impl Calls for Win32 {
    type Handle = File;

    fn open(&self, path: &str, access: Access) -> Result<File, Code> {
        let mut options = OpenOptions::new();
        match access {
            Access::Ask => options.access_mode(0),
            Access::Read => options.read(true),
            Access::Shared => options.read(true).write(true),
            Access::Alone => options
                .read(true)
                .write(true)
                .share_mode(fs::FILE_SHARE_READ)
                .custom_flags(fs::FILE_FLAG_NO_BUFFERING | fs::FILE_FLAG_WRITE_THROUGH),
        };
        Ok(options.open(path)?)
    }

    fn control(
        &self,
        handle: &File,
        request: Request,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code> {
        let too_long = |_| Code::INVALID_PARAMETER;
        let input_len = u32::try_from(input.len()).map_err(too_long)?;
        let output_len = u32::try_from(output.len()).map_err(too_long)?;
        let mut written = 0;
        // SAFETY: the handle is open as long as it is borrowed. Windows reads `input_len` bytes of
        // `input`, writes no more than `output_len` to `output` and one number to `written`, all of
        // which outlive the call: the handle is not overlapped, so that nothing goes on behind it. No
        // `Request` has addresses in its input.
        let done = unsafe {
            DeviceIoControl(
                handle.as_raw_handle(),
                request.number(),
                input.as_ptr().cast::<c_void>(),
                input_len,
                output.as_mut_ptr().cast::<c_void>(),
                output_len,
                &raw mut written,
                ptr::null_mut(),
            )
        };
        succeeded(done)?;
        Ok(output.len().min(usize::try_from(written).unwrap_or(usize::MAX)))
    }

    fn read(&self, handle: &File, offset: u64, bytes: &mut [u8]) -> Result<usize, Code> {
        Ok(handle.seek_read(bytes, offset)?)
    }

    fn write(&self, handle: &File, offset: u64, bytes: &[u8]) -> Result<usize, Code> {
        Ok(handle.seek_write(bytes, offset)?)
    }

    fn flush(&self, handle: &File) -> Result<(), Code> {
        Ok(handle.sync_all()?)
    }

    fn pause(&self) {
        thread::sleep(PAUSE);
    }

    fn device_names(&self) -> Result<Vec<u16>, Code> {
        list(|units, len| {
            // SAFETY: without a name, Windows writes no more than `len` units to `units`, which has
            // as many.
            let written = unsafe { fs::QueryDosDeviceW(ptr::null(), units, len) };
            if written == 0 { Err(last_error()) } else { Ok(()) }
        })
    }

    fn volumes(&self) -> Result<Vec<String>, Code> {
        let mut name = [0; NAME];
        // SAFETY: Windows writes no more than the given number of units to the array, which has as
        // many.
        let search = unsafe { fs::FindFirstVolumeW(name.as_mut_ptr(), len_of(&name)) };
        if search == INVALID_HANDLE_VALUE {
            return Err(last_error());
        }
        let search = VolumeSearch(search);
        let mut names = vec![parse::text(&name)];
        for _ in 0..MANY {
            // SAFETY: the handle is that of a search which is not closed yet; the array as above.
            let more = unsafe { fs::FindNextVolumeW(search.0, name.as_mut_ptr(), len_of(&name)) };
            if more == 0 {
                match last_error() {
                    Code::NO_MORE_FILES => break,
                    code => return Err(code),
                }
            }
            names.push(parse::text(&name));
        }
        Ok(names)
    }

    fn mount_points(&self, volume: &str) -> Result<Vec<u16>, Code> {
        let volume = wide(volume);
        list(|units, len| {
            let mut needed = 0;
            // SAFETY: `volume` ends with a zero. Windows writes no more than `len` units to `units`,
            // which has as many, and one number to `needed`.
            succeeded(unsafe {
                fs::GetVolumePathNamesForVolumeNameW(volume.as_ptr(), units, len, &raw mut needed)
            })
        })
    }

    fn volume_information(&self, root: &str) -> Result<VolumeInformation, Code> {
        let root = wide(root);
        let (mut label, mut file_system) = ([0; NAME], [0; NAME]);
        // SAFETY: `root` ends with a zero; Windows writes no more than the given numbers of units to
        // the two arrays, which have as many; what the null pointers are for it leaves out.
        succeeded(unsafe {
            fs::GetVolumeInformationW(
                root.as_ptr(),
                label.as_mut_ptr(),
                len_of(&label),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                file_system.as_mut_ptr(),
                len_of(&file_system),
            )
        })?;
        Ok(VolumeInformation { label: parse::text(&label), file_system: parse::text(&file_system) })
    }

    fn mount_point_of(&self, path: &str) -> Result<String, Code> {
        let path = wide(path);
        let mut point = vec![0; PATH];
        // SAFETY: `path` ends with a zero; Windows writes no more than the given number of units,
        // which there are.
        succeeded(unsafe {
            fs::GetVolumePathNameW(path.as_ptr(), point.as_mut_ptr(), len_of(&point))
        })?;
        Ok(parse::text(&point))
    }

    fn volume_at(&self, mount_point: &str) -> Result<String, Code> {
        let point = wide(mount_point);
        let mut name = [0; NAME];
        // SAFETY: `point` ends with a zero; Windows writes no more than the given number of units to
        // the array, which has as many.
        succeeded(unsafe {
            fs::GetVolumeNameForVolumeMountPointW(point.as_ptr(), name.as_mut_ptr(), len_of(&name))
        })?;
        Ok(parse::text(&name))
    }

    fn connections(&self) -> Vec<Connection> {
        let Some(set) = DeviceSet::of_disks() else { return Vec::new() };
        (0..MANY).map_while(|index| set.interface(index)).flatten().collect()
    }

    fn windows_folder(&self) -> Result<String, Code> {
        let mut folder = vec![0; PATH];
        // SAFETY: Windows writes no more than the given number of units, which there are.
        let len = unsafe { GetSystemWindowsDirectoryW(folder.as_mut_ptr(), len_of(&folder)) };
        if len == 0 { Err(last_error()) } else { Ok(parse::text(&folder)) }
    }

    fn other_folders(&self) -> Vec<String> {
        let names = ["ProgramData", "ProgramFiles", "ProgramFiles(x86)", "PUBLIC", "USERPROFILE"];
        names.into_iter().filter_map(|name| std::env::var(name).ok()).collect()
    }

    fn registry(&self, key: &str, value: &str) -> Result<Option<Vec<u16>>, Code> {
        let (key, value) = (wide(key), wide(value));
        let found = list(|units, len| {
            let mut bytes = len.saturating_mul(2);
            // SAFETY: `key` and `value` end with a zero. Windows reads and writes `bytes`, and writes
            // no more than as many bytes to `units`, which has half as many units; it keeps nothing.
            let code = unsafe {
                RegGetValueW(
                    HKEY_LOCAL_MACHINE,
                    key.as_ptr(),
                    value.as_ptr(),
                    RRF_RT_REG_SZ | RRF_RT_REG_MULTI_SZ,
                    ptr::null_mut(),
                    units.cast::<c_void>(),
                    &raw mut bytes,
                )
            };
            if code == 0 { Ok(()) } else { Err(Code(code)) }
        });
        match found {
            Ok(units) => Ok(Some(units)),
            Err(Code::FILE_NOT_FOUND) => Ok(None),
            Err(code) => Err(code),
        }
    }
}

/// Closes a search for volumes.
struct VolumeSearch(HANDLE);

impl Drop for VolumeSearch {
    fn drop(&mut self) {
        // SAFETY: the handle is that of a search, which nobody else closes. An error leaves nothing
        // to be done.
        unsafe { fs::FindVolumeClose(self.0) };
    }
}

/// The disks that Plug and Play knows.
struct DeviceSet(setup::HDEVINFO);

impl DeviceSet {
    /// `None` where it does not tell.
    fn of_disks() -> Option<Self> {
        let flags = setup::DIGCF_PRESENT | setup::DIGCF_DEVICEINTERFACE;
        let class = ioctl::GUID_DEVINTERFACE_DISK;
        // SAFETY: Windows reads the GUID; the null pointers are for what it is not asked.
        let set = unsafe {
            setup::SetupDiGetClassDevsW(&raw const class, ptr::null(), ptr::null_mut(), flags)
        };
        // INVALID_HANDLE_VALUE
        (set != -1).then_some(Self(set))
    }

    /// The disk with an index: `None` behind the last, `Some(None)` for one without a path.
    fn interface(&self, index: u32) -> Option<Option<Connection>> {
        let class = ioctl::GUID_DEVINTERFACE_DISK;
        let mut interface = setup::SP_DEVICE_INTERFACE_DATA {
            cbSize: size_of_u32::<setup::SP_DEVICE_INTERFACE_DATA>(),
            ..Default::default()
        };
        // SAFETY: the set is open; Windows reads the GUID and writes to the structure, which has its
        // own size in it.
        let found = unsafe {
            setup::SetupDiEnumDeviceInterfaces(
                self.0,
                ptr::null(),
                &raw const class,
                index,
                &raw mut interface,
            )
        };
        succeeded(found).ok()?;
        Some(self.connection(&interface))
    }

    fn connection(&self, interface: &setup::SP_DEVICE_INTERFACE_DATA) -> Option<Connection> {
        /// A path behind the structure's size.
        #[repr(C)]
        struct Detail {
            size: u32,
            path: [u16; 1022],
        }
        let size = size_of_u32::<setup::SP_DEVICE_INTERFACE_DETAIL_DATA_W>();
        let mut detail = Detail { size, path: [0; 1022] };
        let mut device = setup::SP_DEVINFO_DATA {
            cbSize: size_of_u32::<setup::SP_DEVINFO_DATA>(),
            ..Default::default()
        };
        // SAFETY: the set is open, and the interface is of it. `Detail` begins as
        // SP_DEVICE_INTERFACE_DETAIL_DATA_W does, whose last field it makes longer; Windows writes no
        // more than its size, as it is told. It writes to `device`, which has its own size in it.
        let found = unsafe {
            setup::SetupDiGetDeviceInterfaceDetailW(
                self.0,
                interface,
                (&raw mut detail).cast(),
                size_of_u32::<Detail>(),
                ptr::null_mut(),
                &raw mut device,
            )
        };
        succeeded(found).ok()?;
        let path = parse::text(&detail.path);
        Some(Connection { path, instance: self.instance(&device), arrived: self.arrived(&device) })
    }

    fn instance(&self, device: &setup::SP_DEVINFO_DATA) -> Option<String> {
        let mut id = [0; 1024];
        // SAFETY: the set is open, and the device is of it; Windows writes no more than the given
        // number of units to the array, which has as many.
        let found = unsafe {
            setup::SetupDiGetDeviceInstanceIdW(
                self.0,
                device,
                id.as_mut_ptr(),
                len_of(&id),
                ptr::null_mut(),
            )
        };
        succeeded(found).ok()?;
        Some(parse::text(&id))
    }

    fn arrived(&self, device: &setup::SP_DEVINFO_DATA) -> Option<u64> {
        let (key, mut kind, mut time) = (DEVPKEY_Device_LastArrivalDate, 0, [0; 8]);
        // SAFETY: the set is open, and the device is of it. Windows reads the key, and writes the
        // type, and no more than eight bytes to the array, which has as many.
        let found = unsafe {
            setup::SetupDiGetDevicePropertyW(
                self.0,
                device,
                &raw const key,
                &raw mut kind,
                time.as_mut_ptr(),
                8,
                ptr::null_mut(),
                0,
            )
        };
        succeeded(found).ok()?;
        (kind == DEVPROP_TYPE_FILETIME).then(|| u64::from_le_bytes(time))
    }
}

impl Drop for DeviceSet {
    fn drop(&mut self) {
        // SAFETY: the set is open, and nobody else closes it. An error leaves nothing to be done.
        unsafe { setup::SetupDiDestroyDeviceInfoList(self.0) };
    }
}

impl From<io::Error> for Code {
    /// What comes from Windows has a number; std refuses paths with a zero by itself.
    fn from(error: io::Error) -> Self {
        error.raw_os_error().map_or(Self::INVALID_PARAMETER, |code| Self(code.cast_unsigned()))
    }
}

fn last_error() -> Code {
    io::Error::last_os_error().into()
}

fn succeeded(done: windows_sys::core::BOOL) -> Result<(), Code> {
    if done == 0 { Err(last_error()) } else { Ok(()) }
}

/// Units with room for what `call` writes, more where it says that there is too little.
fn list(mut call: impl FnMut(*mut u16, u32) -> Result<(), Code>) -> Result<Vec<u16>, Code> {
    let mut len = PATH;
    loop {
        let mut units = vec![0; len];
        match call(units.as_mut_ptr(), len_of(&units)) {
            Ok(()) => return Ok(units),
            Err(Code::MORE_DATA | Code::INSUFFICIENT_BUFFER) if len < LIST => len *= 4,
            Err(code) => return Err(code),
        }
    }
}

/// With a zero behind it.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().take_while(|unit| *unit != 0).chain([0]).collect()
}

/// None has more than [`LIST`].
fn len_of(units: &[u16]) -> u32 {
    u32::try_from(units.len()).unwrap_or(0)
}

/// Of small structures.
fn size_of_u32<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(0)
}
