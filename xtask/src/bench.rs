//! `cargo xtask bench`: our images beside other people's tools, in one run on one machine.
//!
//! Every contender is a line of shell, so that all pay the same start; bash's `time` tells its wall
//! time and its processor time with that of its children. Contenders take turns, and the least of
//! several runs counts: it is the one that the machine's other work disturbed least. Nothing is
//! asserted: the numbers depend on the machine, the ratios are for people to read.

mod material;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::bench::material::Material;
use crate::context::Context;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each contender runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Where inputs and outputs are put, all on one file system
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Size of the big file
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    big_mib: u32,
}

/// A way to turn the folder `$IN` into `$OUT`.
struct Contender {
    name: &'static str,
    script: &'static str,
    /// The program without which it is left out; empty for ours, which are built.
    needs: &'static str,
}

/// What every ratio is against: one pass over the files into one file.
const LIMIT: &str = "tar";

#[rustfmt::skip]
const CONTENDERS: &[Contender] = &[
    Contender { name: LIMIT, script: r#"tar -cf "$OUT" -C "$IN" ."#, needs: "tar" },
    Contender { name: "cp -r", script: r#"cp -r "$IN" "$OUT""#, needs: "cp" },
    Contender { name: "our ISO (mkiso)", script: r#""$MKISO" "$IN" "$OUT""#, needs: "" },
    Contender { name: "our USB image (mkusb)", script: r#""$MKUSB" "$IN" "$OUT""#, needs: "" },
    Contender {
        name: "xorriso -as mkisofs -J",
        script: r#"xorriso -as mkisofs -quiet -J -o "$OUT" "$IN""#,
        needs: "xorriso",
    },
    Contender {
        name: "mkfs.fat + mcopy",
        script: r#"mkfs.fat -C -F 32 -s 8 "$OUT" "$FAT_KIB" && mcopy -s -i "$OUT" "$IN"/* ::"#,
        needs: "mcopy",
    },
];

/// Seconds.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Times {
    wall: f64,
    /// In the program and in the kernel for it.
    cpu: f64,
}

impl Times {
    const NEVER: Self = Self { wall: f64::INFINITY, cpu: f64::INFINITY };

    /// The least of each: a run with the least wall time need not be the one with the least work.
    fn least(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), cpu: self.cpu.min(other.cpu) }
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<()> {
    context
        .cargo()
        .args(["build", "--release", "--package", "disk-image", "--example", "mkusb"])
        .args(["--package", "iso9660-image", "--example", "mkiso"])
        .run()?;
    let parent = args.dir.clone().unwrap_or_else(|| context.target().join("bench"));
    fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&parent)?;
    println!("in {}: least of {} runs, cached input, digests off", parent.display(), args.runs);
    let big = u64::from(args.big_mib) << 20;
    compare(context, args.runs, &Material::one_big_file(&folder.path().join("big"), big)?)?;
    compare(context, args.runs, &Material::small_files(&folder.path().join("small"))?)
}

/// Runs all contenders on one input and prints their table.
fn compare(context: &Context, runs: u32, material: &Material) -> Result<()> {
    let mut least = Vec::new();
    for contender in CONTENDERS {
        if contender.needs.is_empty() || context.has_program(contender.needs) {
            least.push((contender, Times::NEVER));
        } else {
            println!("{}: left out, {} is not installed", contender.name, contender.needs);
        }
    }
    for round in 0..runs {
        // Each round begins with another, so that none always comes after the same.
        let first = usize::try_from(round)? % least.len();
        least.rotate_left(first);
        for (contender, best) in &mut least {
            *best = best.least(time(context, contender, material)?);
        }
        least.rotate_right(first);
    }
    print_table(material, &least);
    Ok(())
}

/// One run, from settled disks, into a path where nothing is.
fn time(context: &Context, contender: &Contender, material: &Material) -> Result<Times> {
    let out = material.folder.with_extension("out");
    remove(&out)?;
    context.command("sync").read()?;
    let examples = context.target().join("release").join("examples");
    // The braces keep what the contender says apart from what `time` says.
    let timed =
        format!("TIMEFORMAT='%R %U %S'; time {{ {}; }} >/dev/null 2>\"$LOG\"", contender.script);
    let log = material.folder.with_extension("log");
    let command = context
        .command("bash")
        .args(["-c", &format!("{{ {timed} ; }} 2>&1")])
        .env("LC_ALL", "C")
        .env("MTOOLS_SKIP_CHECK", "1")
        .env("LOG", &log)
        .env("IN", &material.folder)
        .env("OUT", &out)
        .env("MKISO", examples.join("mkiso"))
        .env("MKUSB", examples.join("mkusb"))
        .env("FAT_KIB", material.fat_kib().to_string());
    let printed = command.read();
    let said = fs::read_to_string(&log).unwrap_or_default();
    let printed = printed.with_context(|| format!("{} failed: {}", contender.name, said.trim()))?;
    ensure!(out.exists(), "{} made nothing: {}", contender.name, said.trim());
    remove(&out)?;
    parse_times(&printed)
}

fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

/// The line that TIMEFORMAT asks for: wall, user and system seconds.
fn parse_times(line: &str) -> Result<Times> {
    let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok([wall, user, system]) => Ok(Times { wall: *wall, cpu: user + system }),
        _ => bail!("bash's time printed {line:?}"),
    }
}

fn print_table(material: &Material, rows: &[(&Contender, Times)]) {
    let limit = rows.iter().find(|(contender, _)| contender.name == LIMIT);
    let limit = limit.map_or(Times::NEVER, |(_, times)| *times);
    println!("\n{}", material.title);
    println!("{:24}{:>9}{:>9}{:>12}{:>12}", "", "wall s", "cpu s", "wall / tar", "cpu / tar");
    for (contender, times) in rows {
        let (wall, cpu) = (times.wall / limit.wall, times.cpu / limit.cpu);
        println!(
            "{:24}{:>9.3}{:>9.3}{wall:>12.2}{cpu:>12.2}",
            contender.name, times.wall, times.cpu
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_the_least_taken() {
        let a = parse_times("1.250 0.500 0.250\n").unwrap();
        assert_eq!(a, Times { wall: 1.25, cpu: 0.75 });
        let b = Times { wall: 1.5, cpu: 0.5 };
        assert_eq!(Times::NEVER.least(a).least(b), Times { wall: 1.25, cpu: 0.5 });
        for bad in ["", "1.0 2.0", "1,5 0 0", "1 2 3 4"] {
            assert!(parse_times(bad).is_err(), "{bad}");
        }
    }
}
