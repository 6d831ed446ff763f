//! Lists drives; writes and reads back a pattern on one.
//!
//! ```text
//! drives                  the removable drives
//! drives --all            all, loop devices too
//! drives --json           what is known of them
//! drives PATH             why it may not be written
//! drives PATH --write IDENTITY [--unmount] [--allow-fixed]
//!                         fills its first and last 2 MiB; all that was there is lost
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program on a terminal")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use media_device::{Drive, OpenDrive, Permissions, System};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PIECE: usize = 1 << 20;
/// Pieces at either end.
const PIECES: u64 = 2;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("caused by: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let system = System::new().with_labels(true).with_loops(has("--all"));
    let Some(path) = arguments.first().filter(|first| !first.starts_with('-')) else {
        let drives = system.drives()?;
        let drives = drives.into_iter().filter(|drive| drive.removable || has("--all"));
        let drives: Vec<Drive> = drives.collect();
        if has("--json") {
            println!("{}", serde_json::to_string_pretty(&drives)?);
        } else {
            drives.iter().for_each(show);
        }
        return Ok(());
    };
    let drive = system.drive(Path::new(path))?;
    show(&drive);
    let permissions = Permissions {
        allow_fixed: has("--allow-fixed"),
        unmount: has("--unmount"),
        needed_len: 2 * PIECES * PIECE as u64,
    };
    let refusals = drive.refusals(&permissions);
    for refusal in &refusals {
        println!("refused ({}): {refusal}", refusal.code());
    }
    let wanted = arguments.iter().skip_while(|argument| *argument != "--write").nth(1);
    let Some(wanted) = wanted else { return Ok(()) };
    if !refusals.is_empty() {
        return Err("the drive is refused".into());
    }
    if !drive.is_named(wanted) {
        return Err(format!("the drive is {}, not {wanted}", drive.identity()).into());
    }
    for mount in system.unmount(&drive)? {
        println!("unmounted {}", mount.display());
    }
    write(&OpenDrive::open(&drive)?)
}

fn show(drive: &Drive) {
    println!(
        "{} {} bytes, blocks of {}, {}{}{}: {}, identity {}",
        drive.path.display(),
        drive.len,
        drive.logical_block_size,
        drive.bus,
        if drive.removable { ", removable" } else { "" },
        if drive.read_only { ", read-only" } else { "" },
        drive.title().as_deref().unwrap_or("without a name"),
        drive.identity(),
    );
    for part in &drive.partitions {
        let kind = part.file_system.as_ref();
        println!(
            "  {} {} bytes at {}, {} {:?}",
            part.name,
            part.len,
            part.start,
            kind.map_or("unknown", |found| found.kind),
            kind.and_then(|found| found.label.as_deref()).unwrap_or(""),
        );
    }
    for mount in drive.all_mounts() {
        println!("  mounted at {} ({})", mount.path.display(), mount.file_system);
    }
    for used in &drive.system {
        println!("  the system has {used}");
    }
}

fn write(drive: &OpenDrive) -> Outcome<()> {
    let start = Instant::now();
    // Nothing is lost where the drive cannot.
    match drive.discard(0..drive.len()) {
        Ok(true) => println!("discarded"),
        Ok(false) => {}
        Err(error) => println!("not discarded: {error}"),
    }
    let end = drive.len() - PIECES * PIECE as u64;
    let offsets = || {
        (0..PIECES)
            .map(|piece| piece * PIECE as u64)
            .chain((0..PIECES).map(|piece| end + piece * PIECE as u64))
    };
    for offset in offsets() {
        drive.write_at(offset, &pattern(offset)).map_err(|error| at(drive, offset, error))?;
    }
    drive.flush()?;
    drive.forget_cached()?;
    let mut found = vec![0; PIECE];
    for offset in offsets() {
        drive.read_at(offset, &mut found).map_err(|error| at(drive, offset, error))?;
        if found != pattern(offset) {
            return Err(format!("other bytes came back from {offset}").into());
        }
    }
    let how = if drive.is_direct() { "directly" } else { "through the cache" };
    println!("wrote and read back {} MiB {how} in {:?}", 2 * PIECES, start.elapsed());
    match drive.reread_partitions() {
        Ok(()) => println!("partitions read again"),
        Err(error) => println!("partitions not read again: {error}"),
    }
    Ok(())
}

fn at(drive: &OpenDrive, offset: u64, error: std::io::Error) -> Box<dyn Error> {
    let gone = if drive.is_present() { "" } else { "; the drive was taken out" };
    format!("{} failed in the MiB at {offset}: {error}{gone}", drive.describe()).into()
}

/// Differs from piece to piece, and within each.
fn pattern(offset: u64) -> Vec<u8> {
    let words =
        (0..PIECE as u64 / 8).map(|word| (offset + word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    words.flat_map(u64::to_le_bytes).collect()
}
