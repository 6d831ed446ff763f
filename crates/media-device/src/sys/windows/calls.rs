//! What is asked of Windows, and nothing more: the logic above runs over a fake on any system.

use std::fmt::Debug;
use std::io;

use self::request::Request;

/// The ways of opening a drive or volume (CreateFileW).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// For questions about the device, which take no rights. Nothing is read.
    Ask,
    /// For reading, beside others: shows whether this user may.
    Read,
    /// For reading and writing, beside others: what locking a volume takes.
    Shared,
    /// For reading and writing past the cache; nobody else may open it for writing meanwhile.
    Alone,
}

/// What a call failed with: winerror.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(super) u32);

impl Code {
    pub(super) const INVALID_FUNCTION: Self = Self(1);
    pub(super) const FILE_NOT_FOUND: Self = Self(2);
    pub(super) const PATH_NOT_FOUND: Self = Self(3);
    pub(super) const ACCESS_DENIED: Self = Self(5);
    pub(super) const INVALID_DATA: Self = Self(13);
    #[cfg(windows)]
    pub(super) const NO_MORE_FILES: Self = Self(18);
    pub(super) const WRITE_PROTECT: Self = Self(19);
    pub(super) const NOT_READY: Self = Self(21);
    pub(super) const SHARING_VIOLATION: Self = Self(32);
    pub(super) const LOCK_VIOLATION: Self = Self(33);
    pub(super) const NOT_SUPPORTED: Self = Self(50);
    pub(super) const DEV_NOT_EXIST: Self = Self(55);
    pub(super) const INVALID_PARAMETER: Self = Self(87);
    pub(super) const INSUFFICIENT_BUFFER: Self = Self(122);
    pub(super) const MORE_DATA: Self = Self(234);
    pub(super) const NO_SUCH_DEVICE: Self = Self(433);
    pub(super) const UNRECOGNIZED_VOLUME: Self = Self(1005);
    pub(super) const NO_MEDIA_IN_DRIVE: Self = Self(1112);
    pub(super) const DEVICE_NOT_CONNECTED: Self = Self(1167);
    pub(super) const DEVICE_REMOVED: Self = Self(1617);

    /// Said where a drive, or its medium, is not there any more.
    pub(super) fn is_gone(self) -> bool {
        self.is_no_device() || matches!(self, Self::NOT_READY | Self::NO_MEDIA_IN_DRIVE)
    }

    /// Said where the device itself is not there any more, rather than a medium or an answer.
    pub(super) fn is_no_device(self) -> bool {
        matches!(
            self,
            Self::FILE_NOT_FOUND
                | Self::PATH_NOT_FOUND
                | Self::DEV_NOT_EXIST
                | Self::NO_SUCH_DEVICE
                | Self::DEVICE_NOT_CONNECTED
                | Self::DEVICE_REMOVED
        )
    }

    /// Said by devices that have no such request.
    pub(super) fn is_unknown(self) -> bool {
        matches!(self, Self::INVALID_FUNCTION | Self::NOT_SUPPORTED | Self::INVALID_PARAMETER)
    }
}

impl From<Code> for io::Error {
    fn from(code: Code) -> Self {
        Self::from_raw_os_error(code.0.cast_signed())
    }
}

/// Requests to devices (DeviceIoControl), by their numbers in winioctl.h. Where nothing else is said
/// they take no right to the device (FILE_ANY_ACCESS).
pub(super) mod request {
    /// One of the constants here, and nothing else: none of them has addresses in what it is asked
    /// with, so that no request has Windows write where it was not told to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Request(u32);

    impl Request {
        pub(in super::super) const fn number(self) -> u32 {
            self.0
        }
    }

    #[cfg(test)]
    impl From<Request> for u32 {
        fn from(request: Request) -> Self {
            request.0
        }
    }

    /// Nobody else may open a file there. Takes the right to read; fails while somebody has one open, and on volumes with a
    /// page file. Ends when the handle is closed.
    pub(in super::super) const FSCTL_LOCK_VOLUME: Request = Request(0x0009_0018);
    /// The file system forgets the volume.
    pub(in super::super) const FSCTL_DISMOUNT_VOLUME: Request = Request(0x0009_0020);
    /// `DISK_GEOMETRY_EX`
    pub(in super::super) const IOCTL_DISK_GET_DRIVE_GEOMETRY_EX: Request = Request(0x0007_00A0);
    /// `DRIVE_LAYOUT_INFORMATION_EX`
    pub(in super::super) const IOCTL_DISK_GET_DRIVE_LAYOUT_EX: Request = Request(0x0007_0050);
    /// Fails where the medium is write-protected.
    pub(in super::super) const IOCTL_DISK_IS_WRITABLE: Request = Request(0x0007_0024);
    /// Reads the partition table again.
    pub(in super::super) const IOCTL_DISK_UPDATE_PROPERTIES: Request = Request(0x0007_0140);
    /// Whether there is a medium; and how often it was changed.
    pub(in super::super) const IOCTL_STORAGE_CHECK_VERIFY2: Request = Request(0x002D_0800);
    /// `STORAGE_DEVICE_NUMBER`
    pub(in super::super) const IOCTL_STORAGE_GET_DEVICE_NUMBER: Request = Request(0x002D_1080);
    /// `STORAGE_PROPERTY_QUERY`, to one of several structures.
    pub(in super::super) const IOCTL_STORAGE_QUERY_PROPERTY: Request = Request(0x002D_1400);
    /// `DEVICE_MANAGE_DATA_SET_ATTRIBUTES`; takes the right to write.
    pub(in super::super) const IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES: Request =
        Request(0x002D_9404);
    /// `VOLUME_DISK_EXTENTS`
    pub(in super::super) const IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS: Request = Request(0x0056_0000);
}

/// A file system by name, as GetVolumeInformationW tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VolumeInformation {
    pub(super) label: String,
    /// `FAT32`
    pub(super) file_system: String,
}

/// A disk as Plug and Play knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Opens the disk.
    pub(super) path: String,
    /// `USBSTOR\Disk&Ven_SanDisk&..\4C530001&0`
    pub(super) instance: Option<String>,
    /// When it was put in last, in units of 100 ns since 1601.
    pub(super) arrived: Option<u64>,
}

/// Texts that Windows gives are decoded as UTF-16, what is none of it replaced.
pub(crate) trait Calls {
    type Handle: Debug + Send + Sync + 'static;

    fn open(&self, path: &str, access: Access) -> Result<Self::Handle, Code>;

    /// The number of bytes that were put into `output`.
    fn control(
        &self,
        handle: &Self::Handle,
        request: Request,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Code>;

    fn read(&self, handle: &Self::Handle, offset: u64, bytes: &mut [u8]) -> Result<usize, Code>;

    fn write(&self, handle: &Self::Handle, offset: u64, bytes: &[u8]) -> Result<usize, Code>;

    fn flush(&self, handle: &Self::Handle) -> Result<(), Code>;

    /// A moment for others to let go of a drive.
    fn pause(&self);

    /// All names below `\\.\`, one after the other, each with a zero (QueryDosDeviceW).
    fn device_names(&self) -> Result<Vec<u16>, Code>;

    /// The volumes of this machine: `\\?\Volume{..}\` (FindFirstVolumeW).
    fn volumes(&self) -> Result<Vec<String>, Code>;

    /// Where a volume is mounted, each with a zero: `E:\`, `C:\mnt\usb\`
    /// (GetVolumePathNamesForVolumeNameW).
    fn mount_points(&self, volume: &str) -> Result<Vec<u16>, Code>;

    /// What is in the volume that is mounted at a folder, or has this name.
    fn volume_information(&self, root: &str) -> Result<VolumeInformation, Code>;

    /// The folder that the volume which a path is on is mounted at (GetVolumePathNameW).
    fn mount_point_of(&self, path: &str) -> Result<String, Code>;

    /// The name of the volume that is mounted at a folder (GetVolumeNameForVolumeMountPointW).
    fn volume_at(&self, mount_point: &str) -> Result<String, Code>;

    /// The disks of Plug and Play; none where it does not tell.
    fn connections(&self) -> Vec<Connection>;

    /// `C:\Windows`
    fn windows_folder(&self) -> Result<String, Code>;

    /// Folders of programs and users, which may be elsewhere.
    fn other_folders(&self) -> Vec<String>;

    /// A value below HKEY_LOCAL_MACHINE that is a text or several, each with a zero; `None` where
    /// there is none.
    fn registry(&self, key: &str, value: &str) -> Result<Option<Vec<u16>>, Code>;
}
