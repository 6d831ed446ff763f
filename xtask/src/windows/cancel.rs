//! Ctrl-C: Wine turns the signal that a terminal would send into what a console of Windows sends.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::wine::Wine;

/// The folder of all that is made on Wine's drive C.
const FOLDER: &str = "cancel";

/// What a cancelled run answers.
const CANCELLED: i32 = 130;

/// A run that is cancelled ends with its own code, leaves the old image and nothing else.
pub(crate) fn run(wine: &Wine, program: &Path) -> Result<()> {
    let folder = wine.drive_c().join(FOLDER);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("out"))?;
    let program = program.to_str().context("the target folder has no Unicode path")?;
    let capmedia = |line: &str| {
        let args: Vec<&str> = line.split_whitespace().collect();
        wine.command(program, &args).dir(&folder)
    };
    capmedia("demo demo").read()?;
    // Takes no room, and long enough.
    File::create(folder.join("large"))?.set_len((4 << 30) - 1)?;
    let image = folder.join("out/capture.img");
    fs::write(&image, "old")?;
    let line = "create --boot-image demo/boot.wim --media-type usb --path out/capture.img --force \
                --add large=large --quiet";
    let mut child = capmedia(line).start()?;
    let part = folder.join("out/.capture.img.capmedia-part");
    let started = Instant::now();
    while !fs::metadata(&part).is_ok_and(|part| part.len() > 1 << 20) {
        if child.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(60) {
            bail!("the run ended, or wrote nothing, before it could be cancelled");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    crate::context::Cmd::new("kill").args(["-INT", &child.id().to_string()]).run()?;
    let mut said = String::new();
    child.stderr.take().context("it has a standard error")?.read_to_string(&mut said)?;
    let status = child.wait()?;
    let left = fs::read_dir(folder.join("out"))?.count();
    let old = fs::read(&image)?;
    fs::remove_dir_all(&folder)?;
    if status.code() != Some(CANCELLED) || !said.contains("cancelled") {
        bail!("a run that was cancelled ended with {status} and said:\n{said}");
    }
    if (left, &*old) != (1, b"old") {
        bail!("a run that was cancelled left {left} files, and {} bytes of the old", old.len());
    }
    println!("a run that is cancelled leaves the old image: {}", said.trim());
    Ok(())
}
