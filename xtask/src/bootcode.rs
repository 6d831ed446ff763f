//! `cargo xtask bootcode`: assembles the boot code of `disk-image` anew and rewrites the checked-in
//! bytes, or only compares them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where sources and bytes are, from the workspace's root.
const FOLDER: &str = "crates/disk-image/boot";
/// Keeps the assembler's notes out of the bytes: those differ between versions of binutils.
const LINKER_SCRIPT: &str = "flat.ld";

struct Program {
    source: &'static str,
    bytes: &'static str,
    /// The address its first byte has when it runs.
    address: u32,
    machine: Machine,
}

#[derive(Clone, Copy)]
enum Machine {
    I386,
    X64,
}

impl Machine {
    fn assembler_flag(self) -> &'static str {
        match self {
            Self::I386 => "--32",
            Self::X64 => "--64",
        }
    }

    fn linker_emulation(self) -> &'static str {
        match self {
            Self::I386 => "elf_i386",
            Self::X64 => "elf_x86_64",
        }
    }
}

#[rustfmt::skip]
const PROGRAMS: &[Program] = &[
    Program { source: "mbr.s", bytes: "mbr.bin", address: 0x600, machine: Machine::I386 },
    Program { source: "fat32_boot_record.s", bytes: "fat32_boot_record.bin", address: 0x7C5A, machine: Machine::I386 },
    Program { source: "el_torito.s", bytes: "el_torito.bin", address: 0x7C00, machine: Machine::I386 },
    Program { source: "standins/etfsboot.s", bytes: "standins/etfsboot.bin", address: 0x7C00, machine: Machine::I386 },
    Program { source: "standins/bootmgr.s", bytes: "standins/bootmgr.bin", address: 0, machine: Machine::I386 },
    Program { source: "standins/bootx64.s", bytes: "standins/bootx64.efi", address: 0, machine: Machine::X64 },
];

/// Assembles every program with GNU `as` and `ld`. With `check`, nothing is written and a file that
/// is not what its source says is an error; without, the files are rewritten.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let folder = root.join(FOLDER);
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut differing = Vec::new();
    for program in PROGRAMS {
        let made = assemble(&folder, program, scratch.path())?;
        let path = folder.join(program.bytes);
        let there = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => Some(read.with_context(|| format!("cannot read {}", path.display()))?),
        };
        if there.as_ref() == Some(&made) {
            continue;
        }
        if !check {
            fs::write(&path, &made).with_context(|| format!("cannot write {}", path.display()))?;
            println!("made anew: {FOLDER}/{}", program.bytes);
        }
        differing.push(format!("{FOLDER}/{}", program.bytes));
    }
    if check && !differing.is_empty() {
        bail!(
            "not what the sources beside them assemble to: {}; run `cargo xtask bootcode` and look \
             at the difference",
            differing.join(", ")
        );
    }
    Ok(())
}

fn assemble(folder: &Path, program: &Program, scratch: &Path) -> Result<Vec<u8>> {
    let source = folder.join(program.source);
    let object = scratch.join("program.o");
    let flat = scratch.join("program.bin");
    let mut assembler = Command::new("as");
    assembler.arg(program.machine.assembler_flag()).arg("-o").arg(&object);
    // For `.include`, relative to the source.
    if let Some(beside) = source.parent() {
        assembler.arg("-I").arg(beside);
    }
    succeed(assembler.arg(&source))?;
    succeed(
        Command::new("ld")
            .args(["-m", program.machine.linker_emulation(), "--oformat", "binary", "-T"])
            .arg(folder.join(LINKER_SCRIPT))
            .arg(format!("-Ttext={:#x}", program.address))
            .arg("-o")
            .arg(&flat)
            .arg(&object),
    )?;
    fs::read(&flat).with_context(|| format!("cannot read {}", flat.display()))
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("`{name}` is not installed: it is in the Debian package binutils")
        }
        output => output.with_context(|| format!("cannot start `{name}`"))?,
    };
    if !output.status.success() {
        bail!("`{name}` failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs GNU as and ld"]
    fn the_checked_in_bytes_are_what_the_sources_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        run(root, true).unwrap();
    }
}
