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
    Arm64,
}

impl Machine {
    /// What the names of its tools begin with, and the Debian package that brings them.
    fn tools(self) -> (&'static str, &'static str) {
        match self {
            Self::I386 | Self::X64 => ("", "binutils"),
            Self::Arm64 => ("aarch64-linux-gnu-", "binutils-aarch64-linux-gnu"),
        }
    }

    fn assembler_flag(self) -> Option<&'static str> {
        match self {
            Self::I386 => Some("--32"),
            Self::X64 => Some("--64"),
            Self::Arm64 => None,
        }
    }

    fn linker_emulation(self) -> &'static str {
        match self {
            Self::I386 => "elf_i386",
            Self::X64 => "elf_x86_64",
            Self::Arm64 => "aarch64linux",
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
    Program { source: "standins/bootia32.s", bytes: "standins/bootia32.efi", address: 0, machine: Machine::I386 },
    Program { source: "standins/bootaa64.s", bytes: "standins/bootaa64.efi", address: 0, machine: Machine::Arm64 },
];

/// Assembles every program with GNU `as`, `ld` and `objcopy`. With `check`, nothing is written and a file that
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
    let linked = scratch.join("program.elf");
    let flat = scratch.join("program.bin");
    let machine = program.machine;
    let mut assembler = tool(machine, "as");
    assembler.args(machine.assembler_flag()).arg("-o").arg(&object);
    // For `.include`, relative to the source.
    if let Some(beside) = source.parent() {
        assembler.arg("-I").arg(beside);
    }
    succeed(assembler.arg(&source), machine)?;
    let mut linker = tool(machine, "ld");
    linker.args(["-m", machine.linker_emulation(), "-T"]).arg(folder.join(LINKER_SCRIPT));
    linker.arg(format!("-Ttext={:#x}", program.address)).arg("-o").arg(&linked);
    succeed(linker.arg(&object), machine)?;
    // Not the linker's part: for arm64 it writes nothing but ELF.
    let mut flatten = tool(machine, "objcopy");
    succeed(flatten.args(["-O", "binary"]).args([&linked, &flat]), machine)?;
    fs::read(&flat).with_context(|| format!("cannot read {}", flat.display()))
}

fn tool(machine: Machine, name: &str) -> Command {
    Command::new(format!("{}{name}", machine.tools().0))
}

fn succeed(command: &mut Command, machine: Machine) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("`{name}` is not installed: it is in the Debian package {}", machine.tools().1)
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
    #[ignore = "needs GNU as, ld and objcopy, for arm64 too"]
    fn the_checked_in_bytes_are_what_the_sources_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        run(root, true).unwrap();
    }
}
