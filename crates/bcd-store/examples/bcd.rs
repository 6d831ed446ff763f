//! `bcd bios|uefi FILE` writes the store of boot media; `bcd FILE` shows any store.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{Write, stdout};

use bcd_store::hive::FileTime;
use bcd_store::{BootStore, Firmware, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (firmware, file) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [file] => return show(file),
        ["bios", file] => (Firmware::Bios, file),
        ["uefi", file] => (Firmware::Uefi, file),
        _ => return Err("usage: bcd FILE | bcd bios|uefi FILE".into()),
    };
    let store = BootStore::new(firmware).with_memory_test(true).build()?;
    fs::write(file, store.to_bytes(FileTime::from_unix_seconds(0))?)?;
    Ok(())
}

fn show(file: &str) -> Result<(), Box<dyn Error>> {
    let store = Store::read(&fs::read(file)?)?;
    let mut out = stdout().lock();
    writeln!(out, "{store}")?;
    match store.ram_disk_boot() {
        Ok(boot) => writeln!(out, "starts {} with {} and {}", boot.wim, boot.sdi, boot.loader)?,
        Err(reason) => writeln!(out, "starts no boot image as a RAM disk: {reason}")?,
    }
    Ok(())
}
