//! `capmedia inspect`.

use std::io::{self, Write};
use std::path::PathBuf;

use capmedia::{
    BcdInspection, DiscInspection, DiskInspection, Inspection, PartitionInspection, TreeInspection,
};

use crate::exit::{Code, Failure};
use crate::inspect_sequence::print_sequence;
use crate::inspect_wim::print_wim;
use crate::print::{self, line, size};
use crate::usage;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A WIM, an ISO image, a disk image, a drive, a boot configuration (BCD) or a task sequence (.xml,
    /// .zip).
    #[arg(value_parser = usage::file())]
    file: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let found = capmedia::inspect(&args.file)?;
    let mut to = io::stdout().lock();
    if args.json {
        print::json(&mut to, &found)?;
        return Ok(Code::Done);
    }
    let mut text = Vec::new();
    line(&mut text, args.file.display())?;
    match &found {
        Inspection::Wim(wim) => print_wim(&mut text, wim)?,
        Inspection::Disc(disc) => print_disc(&mut text, disc)?,
        Inspection::Disk(disk) => print_disk(&mut text, disk)?,
        Inspection::Bcd(bcd) => print_bcd(&mut text, bcd)?,
        Inspection::TaskSequence(sequence) => print_sequence(&mut text, sequence)?,
        other => print::json(&mut text, other)?,
    }
    to.write_all(&text)?;
    Ok(Code::Done)
}

fn print_disc(to: &mut impl Write, disc: &DiscInspection) -> io::Result<()> {
    let bytes = u64::from(disc.sectors) * 2048;
    line(to, format_args!("ISO 9660 image, {} ({} sectors)", size(bytes), disc.sectors))?;
    line(to, format_args!("Label: {}", disc.label))?;
    if let Some(label) = &disc.joliet_label {
        line(to, format_args!("Label in Joliet: {label}"))?;
    }
    if let Some(label) = &disc.udf_label {
        line(to, format_args!("Label in UDF: {label}"))?;
    }
    if disc.volumes > 1 {
        line(to, format_args!("Volume {} of {}", disc.volume, disc.volumes))?;
    }
    for entry in &disc.boot_entries {
        let off = if entry.bootable { "" } else { ", switched off" };
        line(
            to,
            format_args!(
                "Boots under {}: sector {}, {} sectors of 512 bytes{off}",
                entry.platform, entry.lba, entry.sectors
            ),
        )?;
    }
    print_partitions(to, &disc.partitions)?;
    print_tree(to, &disc.tree)?;
    print_problems(to, &disc.problems)
}

fn print_disk(to: &mut impl Write, disk: &DiskInspection) -> io::Result<()> {
    let table = match (&disk.signature, &disk.guid) {
        (Some(signature), _) => {
            format!("MBR, signature {signature}, boot code: {}", disk.boot_code)
        }
        (None, Some(guid)) => format!("GPT, GUID {guid}"),
        (None, None) => "no partition table".to_owned(),
    };
    let sectors = match disk.sector_size {
        512 => String::new(),
        bytes => format!(", sectors of {bytes} bytes"),
    };
    line(to, format_args!("Disk image, {}{sectors}, {table}", size(disk.bytes)))?;
    print_partitions(to, &disk.partitions)?;
    let label = disk.label.as_deref().unwrap_or("(none)");
    line(
        to,
        format_args!(
            "{} volume: label {label}, serial {}, clusters of {}",
            disk.file_system,
            disk.volume_id,
            size(u64::from(disk.cluster_size))
        ),
    )?;
    print_tree(to, &disk.tree)?;
    for note in &disk.notes {
        line(to, format_args!("Note: {note}"))?;
    }
    print_problems(to, &disk.problems)
}

fn print_bcd(to: &mut impl Write, bcd: &BcdInspection) -> io::Result<()> {
    line(to, format_args!("Boot configuration (BCD), {}", size(bcd.bytes)))?;
    if let Some(starts) = &bcd.starts {
        let under = match &starts.firmware {
            Some(firmware) => format!(" under {firmware}"),
            None => String::new(),
        };
        line(to, format_args!("Starts {}{under}", starts.boot_image))?;
        line(to, format_args!("    RAM disk: {}", starts.boot_sdi))?;
        line(to, format_args!("    loader: {}", starts.loader))?;
    }
    if let Some(problem) = &bcd.problem {
        line(to, format_args!("Problem: starts no boot image: {problem}"))?;
    }
    line(to, "")?;
    print::plain(to, &bcd.text)
}

fn print_partitions(to: &mut impl Write, partitions: &[PartitionInspection]) -> io::Result<()> {
    for partition in partitions {
        let active = if partition.active { ", active" } else { "" };
        let name = match &partition.name {
            Some(name) => format!(", \"{name}\""),
            None => String::new(),
        };
        line(
            to,
            format_args!(
                "Partition {}: type {}, {} from byte {}{active}{name}",
                partition.number,
                partition.r#type,
                size(partition.bytes),
                partition.start
            ),
        )?;
    }
    Ok(())
}

/// A damaged disc can have thousands.
fn print_problems(to: &mut impl Write, problems: &[String]) -> io::Result<()> {
    const SHOWN: usize = 20;
    for problem in problems.iter().take(SHOWN) {
        line(to, format_args!("Problem: {problem}"))?;
    }
    match problems.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => line(to, format_args!("and {more} more; capmedia verify tells all")),
    }
}

fn print_tree(to: &mut impl Write, tree: &[TreeInspection]) -> io::Result<()> {
    tree.iter().try_for_each(|entry| match entry.bytes {
        Some(bytes) => line(to, format_args!("{bytes:>14}  {}", entry.path)),
        None => line(to, format_args!("{:>14}  {}/", "", entry.path)),
    })
}
