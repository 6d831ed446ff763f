//! `cargo xtask bench`: our images beside other people's tools, in one run on one machine.
//!
//! Contenders take turns, and the least of several runs counts: it is the one that the machine's
//! other work disturbed least. Nothing is asserted: the numbers depend on the machine, the ratios are
//! for people to read.

mod contenders;
mod material;
mod measure;
mod places;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::bench::contenders::{
    BRIDGE, CONTENT, CP, CP_COPYING, CURL, CURL_TO_DISK, Contender, DD, DD_LOOP, HTTP, ISO, LOOPS,
    STICK, TAR, USB,
};
use crate::bench::material::Material;
use crate::bench::measure::Usage;
use crate::bench::places::{Xfs, file_system};
use crate::bench::table::{Outcome, Quantity, Table, Target};
use crate::context::Context;
use crate::peers::{self, Peers};

pub(crate) use measure::{VERB as MEASURE, run as run_measure};

/// What `benches/README.md` holds between these lines is written by `--readme`.
const BEGIN_ISO: &str = "<!-- made by cargo xtask bench iso --readme -->\n";
const BEGIN_USB: &str = "<!-- made by cargo xtask bench usb --readme -->\n";
const END: &str = "<!-- end -->\n";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which images
    #[arg(value_enum)]
    what: What,
    /// How often each contender runs; a third as often on XFS, a ninth with a million files
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Where inputs and outputs are put, all on one file system
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Size of the big file, 1024 by itself, or of the one in the boot image, 400
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    big_mib: Option<u32>,
    /// Only our contenders and those that the ratios are against
    #[arg(long)]
    ours: bool,
    /// Seconds for one run of a contender of sticks, which is given up then
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    limit: u32,
    /// Put the tables of discs or sticks into benches/README.md
    #[arg(long)]
    readme: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq)]
enum What {
    /// Discs, beside tar, cp, hadris, genisoimage, xorriso and bsdtar
    Iso,
    /// Sticks, as images and on loop devices, beside tar, cp, dd, mtools, hadris and fatfs
    Usb,
    /// Media whose boot image comes over the loopback from nginx, Apache and Samba, beside curl
    Content,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    build(context, args.what)?;
    let parent = args.dir.clone().unwrap_or_else(|| context.target().join("bench"));
    fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&parent)?;
    let bench = Bench { context, args, contenders: contenders(args) };
    let text = match args.what {
        What::Usb => {
            let disk = bench.disk(folder.path(), STICK)?;
            let len = bench.big_len();
            disk + &bench.names(folder.path())? + &bench.shared(folder.path(), STICK, len)?
        }
        What::Content => bench.content(folder.path())?,
        What::Iso => {
            let disk = bench.disk(folder.path(), BRIDGE)?;
            disk + &bench.million(folder.path())? + &bench.shared(folder.path(), BRIDGE, 4 << 30)?
        }
    };
    let begin = match args.what {
        What::Iso => BEGIN_ISO,
        What::Usb => BEGIN_USB,
        What::Content => return Ok(()),
    };
    if args.readme {
        write_readme(&context.root().join("benches").join("README.md"), begin, &text)?;
    }
    Ok(())
}

/// Builds what is measured, and the peers that are crates.
fn build(context: &Context, what: What) -> Result<()> {
    let cargo = || context.cargo().args(["build", "--release"]);
    if what == What::Content {
        let packages = ["--package", "capmedia-cli", "--package", "benches"];
        return cargo().args(packages).args(["--bin", "capmedia", "--bin", "boot-package"]).run();
    }
    match what {
        What::Usb => cargo().args(["--package", "disk-image", "--example", "mkusb"]).run()?,
        _ => cargo().args(["--package", "iso9660-image", "--example", "mkiso"]).run()?,
    }
    cargo().args(["--package", "benches", "--bins"]).run()?;
    cargo()
        .args(["--locked", "--manifest-path", "benches/peers/Cargo.toml"])
        .env("CARGO_TARGET_DIR", context.target().join("peers"))
        .run()
}

fn contenders(args: &Args) -> Vec<&'static Contender> {
    let all = match args.what {
        What::Iso => ISO,
        What::Usb => USB,
        What::Content => CONTENT,
    };
    let wanted = |it: &&Contender| {
        let against = [TAR, CP, CP_COPYING, DD, DD_LOOP, CURL, CURL_TO_DISK];
        !args.ours || it.ours || against.contains(&it.name)
    };
    all.iter().filter(wanted).collect()
}

struct Bench<'a> {
    context: &'a Context,
    args: &'a Args,
    contenders: Vec<&'static Contender>,
}

impl Bench<'_> {
    /// Length of the one big file.
    fn big_len(&self) -> u64 {
        u64::from(self.args.big_mib.unwrap_or(1024)) << 20
    }

    /// The same with some of the contenders left out.
    fn without(&self, names: &[&str]) -> Self {
        let stays = |it: &&Contender| !names.contains(&it.name);
        Bench { contenders: self.contenders.iter().copied().filter(stays).collect(), ..*self }
    }

    /// Input and output on the disk that is there; `ours` is the row of the targets.
    fn disk(&self, folder: &Path, ours: &'static str) -> Result<String> {
        let disk = file_system(self.context, folder);
        let big = Material::one_big_file(&folder.join("big"), self.big_len())?;
        let targets = [Target { what: Quantity::Cpu, of: ours, against: CP, at_most: 1.0 }];
        let mut text = self.compare(&disk, self.args.runs, &big, CP, &targets)?;
        remove(&big.folder)?;
        let small = Material::small_files(&folder.join("small"))?;
        let targets = [
            Target { what: Quantity::Cpu, of: ours, against: TAR, at_most: 1.1 },
            Target { what: Quantity::Peak, of: ours, against: "", at_most: 64.0 },
        ];
        let bench = self.without(&[DD, DD_LOOP]);
        text += &bench.compare(&disk, self.args.runs, &small, TAR, &targets)?;
        remove(&small.folder)?;
        Ok(text)
    }

    /// Names that are the same to DOS but for a number: few enough for mtools, and more.
    fn names(&self, folder: &Path) -> Result<String> {
        let disk = file_system(self.context, folder);
        let bench = self.without(&[DD, DD_LOOP]);
        let mut text = String::new();
        for count in [2000, 16_000] {
            let names = Material::one_prefix(&folder.join(format!("names-{count}")), count)?;
            let targets = [Target { what: Quantity::Wall, of: STICK, against: "", at_most: 1.0 }];
            let runs = self.args.runs.div_ceil(3);
            text += &bench.compare(&disk, runs, &names, TAR, &targets)?;
            remove(&names.folder)?;
        }
        Ok(text)
    }

    fn million(&self, folder: &Path) -> Result<String> {
        let disk = file_system(self.context, folder);
        let million = Material::empty_files(&folder.join("million"))?;
        let targets = [Target { what: Quantity::Peak, of: BRIDGE, against: "", at_most: 1024.0 }];
        // `cp` would make a million files, which is another task.
        let bench = self.without(&[CP, CP_COPYING]);
        let text = bench.compare(&disk, self.args.runs.div_ceil(9), &million, TAR, &targets)?;
        remove(&million.folder)?;
        Ok(text)
    }

    /// A file of `len` bytes where blocks can be shared; `ours` is the row of the target.
    fn shared(&self, folder: &Path, ours: &'static str, len: u64) -> Result<String> {
        // mkfs.xfs makes none of less than 300 MiB.
        let xfs = match Xfs::mount(self.context, folder, (3 * len).max(1 << 30)) {
            Ok(xfs) => xfs,
            Err(error) => {
                let text =
                    format!("\nLeft out, one file of {} MiB on XFS: {error:#}.\n", len >> 20);
                print!("{text}");
                return Ok(text);
            }
        };
        let big = Material::one_big_file(&xfs.path().join("big"), len)?;
        let at_most = 0.01;
        let targets = [Target { what: Quantity::Cpu, of: ours, against: CP_COPYING, at_most }];
        let runs = self.args.runs.div_ceil(3);
        // A loop device shares nothing.
        self.without(&LOOPS).compare("XFS (reflink, in a file)", runs, &big, CP_COPYING, &targets)
    }

    /// A boot image that servers on this machine have.
    fn content(&self, folder: &Path) -> Result<String> {
        let place = file_system(self.context, folder);
        let peers = Peers::start(self.context)?;
        let folder = folder.join("boot");
        fs::create_dir(&folder)?;
        let program = self.context.target().join("release").join("boot-package");
        let package = self.context.command(program).arg(&folder);
        let mib = self.args.big_mib.unwrap_or(400).to_string();
        package.arg(mib).env(peers::VARIABLE, peers.folder()).run()?;
        let boot_image = Material::boot_image(&folder, peers.places(&folder)?)?;
        let targets = [
            Target { what: Quantity::Wall, of: HTTP, against: CURL, at_most: 1.15 },
            Target { what: Quantity::Wall, of: HTTP, against: CURL_TO_DISK, at_most: 1.15 },
            Target { what: Quantity::Peak, of: HTTP, against: "", at_most: 64.0 },
        ];
        self.compare(&place, self.args.runs, &boot_image, CURL, &targets)
    }

    /// Runs all contenders on one input; prints their table and gives it.
    fn compare(
        &self,
        place: &str,
        runs: u32,
        material: &Material,
        against: &'static str,
        targets: &[Target],
    ) -> Result<String> {
        let mut outcomes: Vec<(&Contender, Outcome)> =
            self.contenders.iter().map(|it| (*it, Outcome::Used(Usage::NEVER))).collect();
        for (contender, outcome) in &mut outcomes {
            if let Some(program) = contender.needs()
                && !self.context.has_program(program)
            {
                *outcome = Outcome::LeftOut(format!("{program} is not installed"));
            }
        }
        for round in 0..runs {
            // Each round begins with another, so that none always comes after the same.
            let first = usize::try_from(round)? % outcomes.len();
            outcomes.rotate_left(first);
            for (contender, outcome) in &mut outcomes {
                if let Outcome::Used(least) = outcome {
                    *outcome = match self.once(contender, material)? {
                        Ok(used) => Outcome::Used(least.least(used)),
                        Err(reason) => Outcome::LeftOut(reason),
                    };
                }
            }
            outcomes.rotate_right(first);
        }
        let rows = outcomes.into_iter().map(|(it, outcome)| (it.name, outcome)).collect();
        let runs = if runs == 1 { "one run".to_owned() } else { format!("least of {runs} runs") };
        let title = format!("{} on {place}, {runs}", material.title);
        let text = Table { title, against, rows }.markdown(targets);
        print!("{text}");
        Ok(text)
    }

    /// One run, from settled disks, into a path where nothing is; or the reason for which the
    /// contender cannot do it.
    fn once(&self, contender: &Contender, material: &Material) -> Result<Result<Usage, String>> {
        remove(&material.out())?;
        self.context.command("sync").read()?;
        let mut command = contender.command(self.context, material);
        if self.args.what == What::Usb {
            let limit = ["timeout", "-k", "5", &self.args.limit.to_string()].map(Into::into);
            command.splice(..0, limit);
        }
        let log = material.folder.with_extension("log");
        let used = measure::measure(&command, self.context.root(), &log);
        let made = material.out().metadata();
        let whole = made.is_ok_and(|made| made.is_dir() || made.len() >= material.len);
        remove(&material.out())?;
        Ok(match used {
            Ok(_) if !whole => Err("left content out".to_owned()),
            Ok(used) => Ok(used),
            Err(error) if format!("{error:#}").contains("timeout ended with exit status: 124") => {
                Err(format!("more than {} s, the limit", self.args.limit))
            }
            Err(error) => {
                let input = material.folder.to_string_lossy();
                let text = format!("{error:#}").replace(&*input, "");
                eprintln!("{}: {text}", contender.name);
                Err(text.lines().next().unwrap_or_default().to_owned())
            }
        })
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// Puts the tables between the marks.
fn write_readme(path: &Path, begin: &str, tables: &str) -> Result<()> {
    let old =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parts =
        old.split_once(begin).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.with_context(|| format!("{} has no marks", path.display()))?;
    fs::write(path, format!("{head}{begin}{tables}\n{END}{tail}"))
        .with_context(|| format!("cannot write {}", path.display()))
}
