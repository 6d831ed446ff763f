//! `capmedia inspect`.

use std::io::{self, Write};
use std::path::PathBuf;

use capmedia::{
    DiscInspection, DiskInspection, Inspection, PartitionInspection, TreeInspection, WimInspection,
};

use crate::exit::{Code, Failure};
use crate::print::{self, line, size};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A WIM, an ISO image or a disk image.
    file: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
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
        other => print::json(&mut text, other)?,
    }
    to.write_all(&text)?;
    Ok(Code::Done)
}

fn print_wim(to: &mut impl Write, wim: &WimInspection) -> io::Result<()> {
    let chunks = match wim.chunk_size {
        0 => String::new(),
        bytes => format!(" in chunks of {}", size(u64::from(bytes))),
    };
    let checked = if wim.integrity_table { ", with checksums of itself" } else { "" };
    line(
        to,
        format_args!("WIM, {}, compression {}{chunks}{checked}", size(wim.bytes), wim.compression),
    )?;
    for image in &wim.images {
        let boots = if wim.boot_index == Some(image.index) { " (boots)" } else { "" };
        let name = image.name.as_deref().unwrap_or("(no name)");
        line(to, format_args!("Image {}{boots}: {name}", image.index))?;
        let facts = [
            ("description", image.description.clone()),
            ("architecture", image.architecture.clone()),
            ("version", image.version.clone()),
            ("edition", image.edition.clone()),
            ("languages", Some(image.languages.join(", ")).filter(|text| !text.is_empty())),
            ("content", image.total_bytes.map(size)),
        ];
        for (fact, value) in facts {
            if let Some(value) = value {
                line(to, format_args!("    {fact}: {value}"))?;
            }
        }
    }
    if let Some(architecture) = &wim.architecture {
        line(to, format_args!("For {architecture} computers, by the XML and the boot manager"))?;
    }
    if !wim.boot_files.is_empty() {
        line(to, "Boot files:")?;
    }
    for file in &wim.boot_files {
        line(to, format_args!("    {:<44} {:>12}  {}", file.media, size(file.bytes), file.found))?;
    }
    if !wim.missing.is_empty() {
        line(to, "Boot files that are missing:")?;
    }
    for file in &wim.missing {
        let need = match file.needed {
            "always" => "needed",
            "discs" => "needed for discs",
            _ => "optional",
        };
        line(
            to,
            format_args!("    {:<44} {need}; searched {}", file.media, file.searched.join(", ")),
        )?;
    }
    wim.problems.iter().try_for_each(|problem| line(to, format_args!("Problem: {problem}")))
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
    line(
        to,
        format_args!(
            "Disk image, {}, signature {}, boot code: {}",
            size(disk.bytes),
            disk.signature,
            disk.boot_code
        ),
    )?;
    print_partitions(to, &disk.partitions)?;
    let label = disk.label.as_deref().unwrap_or("(none)");
    line(
        to,
        format_args!(
            "FAT32 volume: label {label}, serial {}, clusters of {}",
            disk.volume_id,
            size(u64::from(disk.cluster_size))
        ),
    )?;
    print_tree(to, &disk.tree)?;
    print_problems(to, &disk.problems)
}

fn print_partitions(to: &mut impl Write, partitions: &[PartitionInspection]) -> io::Result<()> {
    for partition in partitions {
        let active = if partition.active { ", active" } else { "" };
        line(
            to,
            format_args!(
                "Partition {}: type {}, {} from byte {}{active}",
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
