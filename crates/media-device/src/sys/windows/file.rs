//! The open drive.

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::calls::request::{
    FSCTL_DISMOUNT_VOLUME, FSCTL_LOCK_VOLUME, IOCTL_DISK_UPDATE_PROPERTIES,
    IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES,
};
use super::calls::{Access, Calls, Code};
use super::describe::{self, Facts, Table};
use super::parse::{self, DISK};
use super::scan::{Scan, Volume, device_number};
use crate::aligned::{Pool, len};
use crate::drive::Drive;
use crate::error::{ListError, OpenError, UnmountError};
use crate::locks::Lock;
use crate::refusal::{Permissions, Refusal};

/// As on Linux: a process that is killed ends only between two requests.
const DISCARD: u64 = 1 << 30;
/// Virus scanners and the search service look at what was just put in.
const PAUSES: u32 = 49;
/// `StorageDeviceTrimProperty`
const TRIM_PROPERTY: u32 = 8;

#[derive(Debug)]
pub(crate) struct DriveFile<C: Calls> {
    calls: C,
    handle: C::Handle,
    number: u32,
    media_changes: Option<u32>,
    pool: Pool,
    /// Dropped behind the drive: nobody mounts what is being written.
    _locks: Vec<Lock>,
}

impl<C: Calls> DriveFile<C> {
    pub(super) fn open_with(calls: C, drive: &Drive) -> Result<Self, OpenError> {
        let mut locks = drive.locks.take();
        match Self::open_locked(&calls, drive, &mut locks) {
            Ok((handle, media_changes)) => {
                let (number, pool) = (drive.device.minor, Pool::default());
                Ok(Self { calls, handle, number, media_changes, pool, _locks: locks })
            }
            Err(error) => {
                // What was unmounted stays so, for the next try.
                drive.locks.put(locks);
                Err(error)
            }
        }
    }

    /// Opens the drive and locks what is on it and is not locked yet. With how often its medium was
    /// changed.
    fn open_locked(
        calls: &C,
        drive: &Drive,
        locks: &mut Vec<Lock>,
    ) -> Result<(C::Handle, Option<u32>), OpenError> {
        let number = drive.device.minor;
        let mut patience = Patience::default();
        let refused = |code| refused(drive, code);
        // A writer would be noticed neither by the lock of a volume nor by us. Readers do no harm, and
        // Windows itself reads what is put in.
        let in_use = [Code::SHARING_VIOLATION, Code::LOCK_VIOLATION];
        let open = || calls.open(&describe(drive), Access::Alone);
        let handle = patience.until(calls, &in_use, open).map_err(refused)?;
        let failed = |source: ListError| OpenError::Failed {
            drive: describe(drive),
            source: io::Error::other(source),
        };
        let scan = Scan::read(calls, false).map_err(failed)?;
        let facts = Facts::read(calls, &handle);
        let found = device_number(calls, &handle).map_err(refused)?;
        check_same(drive, found, &facts, &scan)?;
        let table = Table::read(calls, &handle);
        // No lock of Windows keeps a part of several drives from being written.
        if !describe::holders(&scan, number, &table.pools).is_empty() {
            return Err(OpenError::Busy { drive: describe(drive) });
        }
        let volumes = describe::lost_volumes(&scan, number, &table.entries);
        if !volumes.is_empty() {
            let refusal = Refusal::LostVolumes { drive: describe(drive), volumes };
            let source = io::Error::other(refusal);
            return Err(OpenError::Failed { drive: describe(drive), source });
        }
        for volume in scan.volumes_on(number) {
            if locks.iter().any(|lock| lock.volume == volume.path) {
                continue;
            }
            // Mounted since it was listed, or never unmounted.
            if !volume.mounts.is_empty() {
                return Err(OpenError::Busy { drive: describe(drive) });
            }
            locks.push(lock(calls, &mut patience, volume).map_err(|code| match code {
                // Of volumes of this very drive, which may be written: somebody is at it.
                Code::ACCESS_DENIED => OpenError::Busy { drive: describe(drive) },
                code => refused(code),
            })?);
        }
        Ok((handle, facts.media_changes))
    }

    pub(crate) fn is_direct(&self) -> bool {
        true
    }

    pub(crate) fn is_present(&self, _: &Drive) -> bool {
        let found = device_number(&self.calls, &self.handle);
        found.is_ok_and(|found| found.is_some_and(|found| found.number == self.number))
            && describe::media_changes(&self.calls, &self.handle).ok() == self.media_changes
    }

    pub(crate) fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.pool.read(offset, bytes, |offset, bytes| self.read_all(offset, bytes))
    }

    pub(crate) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.pool.write(offset, bytes, |offset, bytes| self.write_all(offset, bytes))
    }

    fn read_all(&self, mut offset: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let done = self.calls.read(&self.handle, offset, bytes)?;
            offset = offset.saturating_add(len(bytes.get(..done).unwrap_or_default()));
            bytes = match bytes.get_mut(done..) {
                Some(rest) if done > 0 => rest,
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        Ok(())
    }

    fn write_all(&self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let done = self.calls.write(&self.handle, offset, bytes)?;
            offset = offset.saturating_add(len(bytes.get(..done).unwrap_or_default()));
            bytes = match bytes.get(done..) {
                Some(rest) if done > 0 => rest,
                _ => return Err(io::ErrorKind::WriteZero.into()),
            };
        }
        Ok(())
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        Ok(self.calls.flush(&self.handle)?)
    }

    /// Nothing that goes through this handle is in the system's cache.
    pub(crate) fn forget_cached(&self) -> io::Result<()> {
        self.flush()
    }

    pub(crate) fn discard(&self, range: Range<u64>) -> io::Result<bool> {
        let trim = describe::property(&self.calls, &self.handle, TRIM_PROPERTY);
        if !trim.is_some_and(|bytes| parse::knows_trim(&bytes)) {
            return Ok(false);
        }
        let mut start = range.start;
        while start < range.end {
            let end = start.saturating_add(DISCARD).min(range.end);
            let request = IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES;
            match self.calls.control(&self.handle, request, &trim_request(start..end), &mut []) {
                Ok(_) => start = end,
                Err(code) if code.is_unknown() => return Ok(start > range.start),
                Err(code) => return Err(code.into()),
            }
        }
        Ok(true)
    }

    /// Nothing: its volumes are locked until the drive is closed, and looking at an empty drive would
    /// have Windows offer to format it.
    pub(crate) fn forget_partitions(&self, _: &Drive) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn reread_partitions(&self, _: &Drive) -> io::Result<()> {
        self.calls.control(&self.handle, IOCTL_DISK_UPDATE_PROPERTIES, &[], &mut [])?;
        Ok(())
    }
}

/// `DEVICE_MANAGE_DATA_SET_ATTRIBUTES` with one `DEVICE_DATA_SET_RANGE`, which begins on a multiple of
/// eight bytes.
fn trim_request(range: Range<u64>) -> Vec<u8> {
    /// `DeviceDsmAction_Trim`
    const TRIM: u32 = 1;
    /// `DEVICE_DSM_FLAG_TRIM_NOT_FS_ALLOCATED`: there is no file system to be asked.
    const NOT_ALLOCATED: u32 = 0x8000_0000;
    // Its size; action; flags; place and length of parameters; place and length of the ranges.
    let head: [u32; 8] = [28, TRIM, NOT_ALLOCATED, 0, 0, 32, 16, 0];
    let ranges = [range.start, range.end.saturating_sub(range.start)];
    let head = head.into_iter().flat_map(u32::to_le_bytes);
    head.chain(ranges.into_iter().flat_map(u64::to_le_bytes)).collect()
}

/// Locks the volumes of a drive, has their file systems forget them, and keeps them locked until the
/// drive is opened and closed again.
pub(super) fn unmount(calls: &impl Calls, drive: &Drive) -> Result<Vec<PathBuf>, UnmountError> {
    let scan = Scan::read(calls, false)?;
    let number = drive.device.minor;
    let Some(now) = describe::drive(calls, &scan, number) else { return Ok(Vec::new()) };
    // Another one's mounts are none of ours; opening says that it is another one.
    if !is_same(&now, drive) {
        return Ok(Vec::new());
    }
    if now.is_system() {
        return Err(UnmountError::System { drive: describe(drive) });
    }
    // Before anything is taken away from anybody: opening would refuse it.
    let everything = Permissions { allow_fixed: true, unmount: true, needed_len: 0 };
    let stays =
        |refusal: &Refusal| matches!(refusal, Refusal::InUse { .. } | Refusal::LostVolumes { .. });
    if let Some(refusal) = now.refusals(&everything).into_iter().find(stays) {
        return Err(refusal.into());
    }
    let mut patience = Patience::default();
    let mut unmounted = Vec::new();
    for volume in scan.volumes_on(number).filter(|volume| !drive.locks.has(&volume.path)) {
        let name =
            || volume.mounts.first().map_or_else(|| (&volume.path).into(), |m| m.path.clone());
        let failed = |code: Code| UnmountError::Failed { mount: name(), source: code.into() };
        let lock = lock(calls, &mut patience, volume).map_err(failed)?;
        // At once, so that it stays where the next volume fails.
        drive.locks.put(vec![lock]);
        unmounted.extend(volume.mounts.iter().map(|mount| mount.path.clone()));
    }
    Ok(unmounted)
}

/// Whether one drive is as another was. A drive may say neither its number nor when it came.
fn is_same(now: &Drive, listed: &Drive) -> bool {
    let said = |drive: &Drive| {
        let numbers = (drive.disk_sequence, drive.len, drive.logical_block_size);
        (numbers, drive.serial.clone(), drive.vendor.clone(), drive.model.clone())
    };
    said(now) == said(listed)
}

/// Locks a volume, which fails while anybody has a file open there, and has its file system forget it.
fn lock<C: Calls>(calls: &C, patience: &mut Patience, volume: &Volume) -> Result<Lock, Code> {
    let handle = calls.open(&volume.path, Access::Shared)?;
    let lock = || calls.control(&handle, FSCTL_LOCK_VOLUME, &[], &mut []);
    patience.until(calls, &[Code::ACCESS_DENIED, Code::SHARING_VIOLATION], lock)?;
    calls.control(&handle, FSCTL_DISMOUNT_VOLUME, &[], &mut [])?;
    Ok(Lock { volume: volume.path.clone(), _handle: Box::new(handle) })
}

/// How long to wait for others to let go of a drive: about five seconds for all of its volumes, as
/// nothing ends that earlier.
struct Patience {
    pauses: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { pauses: PAUSES }
    }
}

impl Patience {
    /// Tries again what cannot be done as long as others look at the drive.
    fn until<T>(
        &mut self,
        calls: &impl Calls,
        busy: &[Code],
        request: impl Fn() -> Result<T, Code>,
    ) -> Result<T, Code> {
        loop {
            match request() {
                Err(code) if busy.contains(&code) && self.pauses > 0 => {
                    self.pauses -= 1;
                    calls.pause();
                }
                outcome => return outcome,
            }
        }
    }
}

/// What Windows means by refusing.
fn refused(drive: &Drive, code: Code) -> OpenError {
    let name = || describe(drive);
    match code {
        Code::SHARING_VIOLATION | Code::LOCK_VIOLATION => OpenError::Busy { drive: name() },
        Code::ACCESS_DENIED => OpenError::NotAllowed { drive: name() },
        Code::WRITE_PROTECT => OpenError::ReadOnly { drive: name() },
        code if code.is_gone() => OpenError::Gone { drive: name() },
        code => OpenError::Failed { drive: name(), source: code.into() },
    }
}

/// Names go to the next drive that is put in.
fn check_same(
    drive: &Drive,
    found: Option<parse::DeviceNumber>,
    facts: &Facts,
    scan: &Scan,
) -> Result<(), OpenError> {
    let compare = |what, listed: String, found: String| {
        if listed == found {
            return Ok(());
        }
        Err(OpenError::Changed { drive: describe(drive), what, listed, found })
    };
    let unknown = || "unknown".to_owned();
    let number = |number: Option<u64>| number.map_or_else(unknown, |number| number.to_string());
    let device = |kind: u32, number: u32| format!("{kind}:{number}");
    let now = found.map_or_else(unknown, |found| device(found.kind, found.number));
    compare("device number", device(DISK, drive.device.minor), now)?;
    if facts.geometry.is_none() {
        return Err(OpenError::Gone { drive: describe(drive) });
    }
    compare("length", drive.len.to_string(), facts.len().to_string())?;
    compare("block size", drive.logical_block_size.to_string(), facts.sector().to_string())?;
    let connection = scan.connections.get(&drive.device.minor);
    let sequence = facts.sequence(connection);
    compare("number of the connection", number(drive.disk_sequence), number(sequence))?;
    if facts.read_only {
        return Err(OpenError::ReadOnly { drive: describe(drive) });
    }
    let said = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    compare("serial number", said(drive.serial.clone()), said(facts.serial(connection)))?;
    compare("model", said(drive.model.clone()), said(facts.descriptor.model.clone()))
}

fn describe(drive: &Drive) -> String {
    drive.path.display().to_string()
}
