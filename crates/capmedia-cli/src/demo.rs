//! `capmedia demo`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use capmedia::{create, sample, verify_file};
use media_model::CaptureMediaRequest;

use crate::exit::{Code, Failure};
use crate::print::size;
use crate::progress::Bar;

const WIM: &str = "boot.wim";
const DISC: &str = "capture.iso";
const STICK: &str = "capture.img";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where boot.wim, capture.iso and capture.img are written; they replace those of an earlier
    /// run.
    #[arg(default_value = "capmedia-demo")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let dir = &args.dir;
    let wim = dir.join(WIM);
    let sample = sample::boot_image()
        .context("cannot make the sample boot image")
        .map_err(|error| Failure::new(Code::Bug, error))?;
    refuse_foreign_files(dir, &sample).map_err(|error| Failure::new(Code::Request, error))?;
    write_sample(dir, &wim, &sample).map_err(|error| Failure::new(Code::Output, error))?;
    let mut to = io::stdout().lock();
    writeln!(to, "{}: sample boot image with our own boot programs", wim.display())?;
    for (kind, name) in [("cd-dvd", DISC), ("usb", STICK)] {
        let path = dir.join(name);
        let request = CaptureMediaRequest::new(&wim, kind, &path)
            .with_force(true)
            .with_checksum(true)
            .check()
            .map_err(Failure::problems)?;
        let made = create(&request, &mut Bar::new("Writing", false))?;
        let bytes = made.summary.volumes.iter().map(|volume| volume.bytes).sum();
        writeln!(to, "{}: {}", path.display(), size(bytes))?;
        if let Some(sha256) = &made.sha256 {
            writeln!(to, "    SHA-256 {sha256}")?;
        }
        let found = verify_file(&path, &mut Bar::new("Verifying", false))?;
        if let Some(fault) = found.faults.first() {
            let error = anyhow!("{} reads back with faults: {fault}", path.display());
            return Err(Failure::new(Code::Faults, error));
        }
        writeln!(to, "    read back: no faults")?;
    }
    let (iso, img) = (dir.join(DISC), dir.join(STICK));
    let (iso, img) = (iso.display(), img.display());
    writeln!(
        to,
        "\nTo see them boot (each stand-in says on the screen and on this terminal that it runs):\n\
         BIOS, disc:  qemu-system-x86_64 -serial stdio -cdrom {iso}\n\
         BIOS, stick: qemu-system-x86_64 -serial stdio -drive format=raw,file={img}\n\
         UEFI, disc:  qemu-system-x86_64 -serial stdio -bios /usr/share/ovmf/OVMF.fd -cdrom {iso}\n\
         UEFI, stick: qemu-system-x86_64 -serial stdio -bios /usr/share/ovmf/OVMF.fd -drive \
         format=raw,file={img}"
    )?;
    Ok(Code::Done)
}

/// An earlier demo may be replaced, somebody's own files not: what tells them apart is the sample.
fn refuse_foreign_files(dir: &Path, sample: &[u8]) -> anyhow::Result<()> {
    let ours = fs::read(dir.join(WIM)).is_ok_and(|found| found == sample);
    let foreign = [WIM, DISC, STICK].map(|name| dir.join(name));
    match foreign.iter().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) if !ours => bail!(
            "{} is there and not of an earlier demo; name another folder for the demo",
            path.display()
        ),
        _ => Ok(()),
    }
}

fn write_sample(dir: &Path, wim: &Path, sample: &[u8]) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    fs::write(wim, sample).with_context(|| format!("cannot write {}", wim.display()))?;
    // Its time goes onto the media: with a fixed one, everyone gets the same images.
    let seconds = u64::try_from(sample::TIME.unix_seconds()).unwrap_or(0);
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = File::options().write(true).open(wim);
    file.and_then(|file| file.set_modified(time))
        .with_context(|| format!("cannot set the time of {}", wim.display()))
}
