//! The same requests on this system and on Wine's: every file that comes out must be the same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::wine::Wine;
use crate::context::Cmd;

/// The folder of all that is made on Wine's drive C.
const FOLDER: &str = "same-bytes";

/// Requests, as they are typed here; on Windows with `\` for `/`. Each makes the files of its name in
/// `out`.
const REQUESTS: [&str; 13] = [
    "--media-type cd-dvd --path out/bridge.iso --checksum --include-autorun",
    "--media-type cd-dvd --path out/plain.iso --file-system iso --label Lab",
    "--media-type cd-dvd --path out/udf.iso --file-system udf-stub --boot-prompt no",
    "--media-type cd-dvd --path out/tree.iso --add files=Tools/Lab --add files/deep=Tools/Deep",
    "--media-type cd-dvd --path out/set.iso --media-size 8MB --split-files --checksum --add files=Set",
    "--media-type usb --path out/usual.img --checksum --add files=Tools",
    "--media-type usb --path out/small.img --image-size 40MiB",
    "--media-type usb --path out/gpt.img --partition-table gpt",
    "--media-type usb --path out/esp.img --partition-table gpt --gpt-type efi-system",
    "--media-type usb --path out/4kn.img --sector-size 4096 --image-size 300MiB",
    "--media-type usb --path out/volume.img --partition-table none --image-size 40MiB",
    "--media-type hybrid --path out/hybrid.iso --checksum --add files=Tools",
    "--request requests/request.toml",
];

/// Runs one of the two programs, standard output into a file where one is given.
type Run<'a> = dyn Fn(&[String], Option<&Path>) -> Result<()> + 'a;

pub(crate) fn run(wine: &Wine, here: &Path, program: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = program.to_str().context("the target folder has no Unicode path")?;
    let ours = make(folder.path(), "", &|args, stdout| {
        to(Cmd::new(here).args(args).dir(folder.path()), stdout)
    })?;
    let there = wine.drive_c().join(FOLDER);
    let _ = fs::remove_dir_all(&there);
    fs::create_dir_all(&there)?;
    let drive = format!(r"C:\{FOLDER}\");
    let theirs = make(&there, &drive, &|args, stdout| {
        // In Windows' spelling.
        let args: Vec<String> = args.iter().map(|arg| arg.replace('/', r"\")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        to(wine.command(program, &args).dir(&there), stdout)
    })?;
    fs::remove_dir_all(&there)?;
    compare(&ours, &theirs)
}

fn to(command: Cmd, stdout: Option<&Path>) -> Result<()> {
    match stdout {
        Some(path) => command.write(File::create(path)?),
        None => command.read().map(drop),
    }
}

/// Everything that a program makes in `folder`, by its name: SHA-256 and length. Its paths start with
/// `drive`.
fn make(folder: &Path, drive: &str, run: &Run<'_>) -> Result<BTreeMap<String, (String, u64)>> {
    put_files(folder, drive)?;
    fs::create_dir(folder.join("out"))?;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    run(&words("demo out/demo"), None)?;
    // With the time that the demo gave it, which is on all media.
    let boot_image =
        "--boot-image out/demo/boot.wim --capture-destination \\\\server\\share\\image.wim";
    for request in REQUESTS {
        run(&words(&format!("create {boot_image} {request} --quiet")), None)?;
    }
    for kind in ["cd-dvd", "usb", "hybrid"] {
        let line = format!("create {boot_image} --media-type {kind} --path - --add files=Piped");
        run(&words(&line), Some(&folder.join(format!("out/piped-{kind}"))))?;
    }
    let out = folder.join("out");
    let mut discs: Vec<String> = names(&out)?;
    discs.retain(|name| name.starts_with("set-") && name.ends_with(".iso"));
    let discs: Vec<String> = discs.iter().map(|name| format!("out/{name}")).collect();
    run(&[words("join --to out/joined"), discs].concat(), None)?;
    let mut made = BTreeMap::new();
    collect(&out, "", &mut made)?;
    for name in made.keys().filter(|name| name.ends_with(".iso") || name.ends_with(".img")) {
        run(&words(&format!("verify --quiet out/{name}")), None)?;
    }
    Ok(made)
}

/// Files with fixed bytes and times, and names that are hard on one of the systems.
fn put_files(folder: &Path, drive: &str) -> Result<()> {
    let put = |name: &str, len: usize, seconds: u64, nanos: u32| -> Result<()> {
        let path = folder.join("files").join(name);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        // Of no pattern that would compress or be shared.
        let mut state = u64::try_from(len)?;
        let bytes = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_le_bytes()[7]
        });
        fs::write(&path, bytes.take(len).collect::<Vec<u8>>())?;
        // Windows keeps steps of 100 nanoseconds.
        let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
        File::options().write(true).open(&path)?.set_modified(time)?;
        Ok(())
    };
    put("read me.txt", 1000, 1_700_000_001, 123_456_789)?;
    put("grün ß 文件.bin", 70_000, 1_700_000_003, 999_999_999)?;
    put("UPPER.TXT", 0, 1_600_000_000, 0)?;
    put("upper2.txt", 1, 1_600_000_001, 500_000_000)?;
    put(&format!("{}.long", "n".repeat(60)), 5000, 1_600_000_002, 1)?;
    put("deep/a/b/c/d/e/f/g/h.txt", 10, 1_600_000_003, 99)?;
    put("large.bin", 12 << 20, 1_650_000_000, 100)?;
    // Relative paths start from the file's folder, others do not.
    fs::create_dir(folder.join("requests"))?;
    let s = if drive.is_empty() { '/' } else { '\\' };
    let root = if drive.is_empty() { "../" } else { drive };
    let text = format!(
        "version = 1\nmedia-type = 'cd-dvd'\npath = '{root}out{s}requested.iso'\n\
         add = ['..{s}files=From{s}File', '{root}files{s}deep=Deep']\n"
    );
    let mut file = File::create(folder.join("requests/request.toml"))?;
    file.write_all(text.replace('\n', if drive.is_empty() { "\n" } else { "\r\n" }).as_bytes())?;
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        names.push(name.map_err(|name| anyhow::anyhow!("{name:?} is no Unicode"))?);
    }
    names.sort();
    Ok(names)
}

fn collect(folder: &Path, at: &str, made: &mut BTreeMap<String, (String, u64)>) -> Result<()> {
    for name in names(folder)? {
        let path = folder.join(&name);
        let name = format!("{at}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), made)?;
            continue;
        }
        let mut hasher = Sha256::new();
        let (mut file, mut buffer, mut len) = (File::open(&path)?, vec![0; 1 << 20], 0);
        loop {
            let count = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            len += u64::try_from(count)?;
        }
        let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        made.insert(name, (digest, len));
    }
    Ok(())
}

fn compare(
    ours: &BTreeMap<String, (String, u64)>,
    theirs: &BTreeMap<String, (String, u64)>,
) -> Result<()> {
    let mut differ = Vec::new();
    for name in ours.keys().chain(theirs.keys().filter(|name| !ours.contains_key(*name))) {
        match (ours.get(name), theirs.get(name)) {
            (Some(one), Some(other)) if one == other => println!("{}  {name}", one.0),
            (one, other) => {
                println!("DIFFERS: {name}: here {one:?}, on Windows {other:?}");
                differ.push(name.as_str());
            }
        }
    }
    if !differ.is_empty() {
        bail!("{} files differ between the systems: {}", differ.len(), differ.join(", "));
    }
    println!("{} files are the same on both systems", ours.len());
    Ok(())
}
