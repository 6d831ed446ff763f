//! `capmedia inspect`.

use std::io::{self, Write};
use std::path::PathBuf;

use capmedia::{DiscInspection, DiskInspection, Inspection, TreeInspection, WimInspection};

use crate::exit::{Code, Failure};
use crate::print::{self, size};

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
    writeln!(text, "{}", args.file.display())?;
    match &found {
        Inspection::Wim(wim) => print_wim(&mut text, wim)?,
        Inspection::Disc(disc) => print_disc(&mut text, disc)?,
        Inspection::Disk(disk) => print_disk(&mut text, disk)?,
        other => print::json(&mut text, other)?,
    }
    print::plain(&mut to, &String::from_utf8_lossy(&text))?;
    Ok(Code::Done)
}

fn print_wim(to: &mut impl Write, wim: &WimInspection) -> io::Result<()> {
    let chunks = match wim.chunk_size {
        0 => String::new(),
        bytes => format!(" in chunks of {}", size(u64::from(bytes))),
    };
    let checked = if wim.integrity_table { ", with checksums of itself" } else { "" };
    writeln!(to, "WIM, {}, compression {}{chunks}{checked}", size(wim.bytes), wim.compression)?;
    for image in &wim.images {
        let boots = if wim.boot_index == Some(image.index) { " (boots)" } else { "" };
        let name = image.name.as_deref().unwrap_or("(no name)");
        writeln!(to, "Image {}{boots}: {name}", image.index)?;
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
                writeln!(to, "    {fact}: {value}")?;
            }
        }
    }
    if let Some(architecture) = &wim.architecture {
        writeln!(to, "For {architecture} computers, by the XML and the boot manager")?;
    }
    if !wim.boot_files.is_empty() {
        writeln!(to, "Boot files:")?;
    }
    for file in &wim.boot_files {
        writeln!(to, "    {:<44} {:>12}  {}", file.media, size(file.bytes), file.found)?;
    }
    if !wim.missing.is_empty() {
        writeln!(to, "Boot files that are missing:")?;
    }
    for file in &wim.missing {
        let need = match file.needed {
            "always" => "needed",
            "discs" => "needed for discs",
            _ => "optional",
        };
        writeln!(to, "    {:<44} {need}; searched {}", file.media, file.searched.join(", "))?;
    }
    wim.problems.iter().try_for_each(|problem| writeln!(to, "Problem: {problem}"))
}

fn print_disc(to: &mut impl Write, disc: &DiscInspection) -> io::Result<()> {
    let bytes = u64::from(disc.sectors) * 2048;
    writeln!(to, "ISO 9660 image, {} ({} sectors)", size(bytes), disc.sectors)?;
    writeln!(to, "Label: {}", disc.label)?;
    if let Some(label) = &disc.joliet_label {
        writeln!(to, "Label in Joliet: {label}")?;
    }
    if let Some(label) = &disc.udf_label {
        writeln!(to, "Label in UDF: {label}")?;
    }
    if disc.volumes > 1 {
        writeln!(to, "Volume {} of {}", disc.volume, disc.volumes)?;
    }
    for entry in &disc.boot_entries {
        let off = if entry.bootable { "" } else { ", switched off" };
        writeln!(
            to,
            "Boots under {}: sector {}, {} sectors of 512 bytes{off}",
            entry.platform, entry.lba, entry.sectors
        )?;
    }
    print_tree(to, &disc.tree)?;
    disc.problems.iter().try_for_each(|problem| writeln!(to, "Problem: {problem}"))
}

fn print_disk(to: &mut impl Write, disk: &DiskInspection) -> io::Result<()> {
    writeln!(
        to,
        "Disk image, {}, signature {}, boot code: {}",
        size(disk.bytes),
        disk.signature,
        disk.boot_code
    )?;
    for partition in &disk.partitions {
        let active = if partition.active { ", active" } else { "" };
        writeln!(
            to,
            "Partition {}: type {}, {} from byte {}{active}",
            partition.number,
            partition.r#type,
            size(partition.bytes),
            partition.start
        )?;
    }
    let label = disk.label.as_deref().unwrap_or("(none)");
    writeln!(
        to,
        "FAT32 volume: label {label}, serial {}, clusters of {}",
        disk.volume_id,
        size(u64::from(disk.cluster_size))
    )?;
    print_tree(to, &disk.tree)?;
    disk.problems.iter().try_for_each(|problem| writeln!(to, "Problem: {problem}"))
}

fn print_tree(to: &mut impl Write, tree: &[TreeInspection]) -> io::Result<()> {
    tree.iter().try_for_each(|entry| match entry.bytes {
        Some(bytes) => writeln!(to, "{bytes:>14}  {}", entry.path),
        None => writeln!(to, "{:>14}  {}/", "", entry.path),
    })
}
