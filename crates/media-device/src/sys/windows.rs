//! Windows: drives as their drivers, Plug and Play and the mount manager describe them.
//!
//! All but [`win32`], which makes the calls, is built and tested on every system, over a fake of
//! Windows.
//!
//! What tells one connection of a drive from the next is the time at which Plug and Play saw it come
//! (`DEVPKEY_Device_LastArrivalDate`, since Windows 8), with the number of times that its medium was
//! changed since.
//!
//! The crate's documentation lists what was never run on real Windows.

mod calls;
mod describe;
#[cfg(test)]
mod fake;
mod file;
#[cfg(windows)]
pub(crate) mod machine;
mod names;
mod parse;
#[cfg(test)]
mod safety_tests;
mod scan;
#[cfg(test)]
mod tests;
#[cfg(windows)]
mod win32;

use std::io;
use std::path::Path;

use self::calls::request::Request;
use self::calls::{Access, Calls, Code};
use self::names::Named;
use self::parse::{DISK, Extent};
use self::scan::Scan;
use crate::drive::{Bus, Drive};
use crate::error::{ListError, PathError};
use crate::system::System;

/// The longest answer that is taken from a driver: what all partitions of a GPT need, fifty times.
const ANSWER: usize = 1 << 20;

/// `FILE_DEVICE_CD_ROM`
const CD_ROM: u32 = 2;
/// `FILE_DEVICE_DVD`
const DVD: u32 = 0x33;

fn drives(calls: &impl Calls, system: &System) -> Result<Vec<Drive>, ListError> {
    let failed = |code: Code| ListError::Ask { what: "its devices", source: code.into() };
    let names = calls.device_names().map_err(failed)?;
    let mut numbers: Vec<u32> =
        parse::texts(&names).filter_map(|name| names::disk_number(&name)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let scan = Scan::read(calls, system.labels)?;
    let found = numbers.into_iter().filter_map(|number| describe::drive(calls, &scan, number));
    Ok(found.filter(|drive| drive.bus != Bus::Loop || system.loops).collect())
}

/// The drive that a path names, or that the volume which it names is on; with the number of the
/// partition where it names a volume or partition.
fn place(
    calls: &impl Calls,
    system: &System,
    path: &Path,
) -> Result<(Drive, Option<u32>), PathError> {
    let given = || path.to_path_buf();
    let missing = || PathError::Missing { path: given() };
    let not_a_drive = |what| PathError::NotADrive { path: given(), what };
    let failed = |code: Code| match code {
        code if code.is_gone() => missing(),
        code => PathError::Read { path: given(), source: code.into() },
    };
    let (number, start, partition) = match Named::of(path) {
        None => return Err(no_name(path)),
        Some(Named::Disk(number)) => (number, None, None),
        Some(Named::Volume(device)) => {
            let extents = match scan::extents(calls, &device) {
                // A folder as a letter (subst), or a share as one.
                Err(Code::ACCESS_DENIED) => Vec::new(),
                extents => extents.map_err(failed)?,
            };
            match extents.as_slice() {
                // A dynamic disk has volumes in several pieces.
                [Extent { disk, start }, rest @ ..]
                    if rest.iter().all(|part| part.disk == *disk) =>
                {
                    (*disk, Some(*start), None)
                }
                [] => return Err(not_a_drive(what_is(calls, &device))),
                _ => return Err(not_a_drive("a volume on several drives")),
            }
        }
        Some(Named::Device(device)) => {
            let handle = calls.open(&device, Access::Ask).map_err(failed)?;
            let found = scan::device_number(calls, &handle).map_err(failed)?;
            let found = found.filter(|found| found.kind == DISK);
            let Some(found) = found else { return Err(not_a_drive(what_is(calls, &device))) };
            let partition = Some(found.partition).filter(|number| !matches!(*number, 0 | u32::MAX));
            (found.number, None, partition)
        }
    };
    let scan = Scan::read(calls, system.labels)?;
    let drive = describe::drive(calls, &scan, number).ok_or_else(missing)?;
    let holds = |at: u64| {
        drive.partitions.iter().find(|part| at >= part.start && at - part.start < part.len)
    };
    let partition = partition.or_else(|| start.and_then(holds).map(|part| part.number));
    Ok((drive, partition))
}

/// The same, where a partition of the table is no name for its drive. A volume is: people know sticks
/// by their letters.
fn drive(calls: &impl Calls, system: &System, path: &Path) -> Result<Drive, PathError> {
    match (place(calls, system, path)?, Named::of(path)) {
        ((drive, Some(number)), Some(Named::Device(_))) => {
            Err(PathError::Partition { path: path.to_path_buf(), number, drive: drive.path })
        }
        ((drive, _), _) => Ok(drive),
    }
}

/// What a path leads to that names no drive.
fn no_name(path: &Path) -> PathError {
    let path = path.to_path_buf();
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => PathError::Folder { path },
        Ok(_) => PathError::File { path },
        Err(error) if error.kind() == io::ErrorKind::NotFound => PathError::Missing { path },
        Err(source) => PathError::Read { path, source },
    }
}

/// Whether a file lies on a drive, or would; or a path names the drive.
fn holds(calls: &impl Calls, drive: &Drive, path: &Path) -> bool {
    let number = drive.device.minor;
    let is_here = |extents: Result<Vec<Extent>, Code>| {
        extents.unwrap_or_default().iter().any(|extent| extent.disk == number)
    };
    match Named::of(path) {
        Some(Named::Disk(named)) => named == number,
        Some(Named::Volume(device)) => is_here(scan::extents(calls, &device)),
        Some(Named::Device(device)) => {
            let handle = calls.open(&device, Access::Ask);
            let found = handle.and_then(|handle| scan::device_number(calls, &handle));
            matches!(found, Ok(Some(found)) if found.kind == DISK && found.number == number)
        }
        None => {
            // Where links lead, as far as there is something; else where it would be.
            let there = path.ancestors().find_map(|at| std::fs::canonicalize(at).ok());
            [Some(path), there.as_deref()]
                .into_iter()
                .flatten()
                .any(|path| is_here(scan::extents_under(calls, &path.to_string_lossy())))
        }
    }
}

/// What a device is that is on no drive.
fn what_is(calls: &impl Calls, device: &str) -> &'static str {
    let handle = calls.open(device, Access::Ask);
    let found = handle.and_then(|handle| scan::device_number(calls, &handle)).ok().flatten();
    match found.map(|found| found.kind) {
        Some(CD_ROM | DVD) => "an optical drive",
        _ => "a letter for a share, a folder or memory",
    }
}

/// Asks a driver for an answer whose length is not known.
fn ask<C: Calls>(
    calls: &C,
    handle: &C::Handle,
    request: Request,
    input: &[u8],
    len: usize,
) -> Result<Vec<u8>, Code> {
    let mut len = len;
    loop {
        let mut answer = vec![0; len];
        match calls.control(handle, request, input, &mut answer) {
            Ok(written) => {
                answer.truncate(written);
                return Ok(answer);
            }
            Err(Code::MORE_DATA | Code::INSUFFICIENT_BUFFER) if len < ANSWER => len *= 8,
            Err(code) => return Err(code),
        }
    }
}
