//! What one command used: its wall time, its processor time and its memory.
//!
//! The system tells a process what its children used, all together. So each measured command gets a
//! parent of its own: this program, started again with the hidden verb `measure`.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::context::search_path;

/// The hidden verb.
pub(crate) const VERB: &str = "measure";

/// What a command and everything it started used.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Usage {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of processors, in the programs and in the kernel for them.
    pub(super) cpu: f64,
    /// The most memory that one process held at a time, in MiB. What `xtask` itself holds, 4 or 5,
    /// is the least that is told.
    pub(super) peak: f64,
}

impl Usage {
    pub(super) const NEVER: Self =
        Self { wall: f64::INFINITY, cpu: f64::INFINITY, peak: f64::INFINITY };

    /// The least of each: a run with the least wall time need not be the one with the least work.
    pub(super) fn least(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            peak: self.peak.min(other.peak),
        }
    }
}

/// Runs a command; what it prints goes to the file `log`.
pub(super) fn measure(command: &[OsString], dir: &Path, log: &Path) -> Result<Usage> {
    let log_file = File::create(log).with_context(|| format!("cannot make {}", log.display()))?;
    let output = Command::new(env::current_exe().context("where this program is")?)
        .arg(VERB)
        .args(command)
        .current_dir(dir)
        .env("PATH", search_path())
        .env("LC_ALL", "C.UTF-8")
        .env("MTOOLS_SKIP_CHECK", "1")
        .stdin(Stdio::null())
        .stderr(log_file)
        .output()
        .context("cannot start this program again")?;
    if !output.status.success() {
        let said = std::fs::read(log).unwrap_or_default();
        bail!("{}", String::from_utf8_lossy(&said).trim());
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(line: &str) -> Result<Usage> {
    let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok([wall, cpu, peak]) => Ok(Usage { wall: *wall, cpu: *cpu, peak: *peak }),
        _ => bail!("`xtask {VERB}` printed {line:?}"),
    }
}

/// The hidden verb: runs the command and prints what it used.
#[cfg(unix)]
pub(crate) fn run(command: &[OsString]) -> Result<()> {
    use std::time::{Duration, Instant};

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;

    let [program, args @ ..] = command else { bail!("no command") };
    let start = Instant::now();
    // Standard output is for the numbers.
    let status = Command::new(program).args(args).stdout(Stdio::null()).status();
    let wall = start.elapsed().as_secs_f64();
    let status = status.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "{} ended with {status}", program.display());
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let cpu = Duration::from_micros(u64::try_from(cpu)?).as_secs_f64();
    // In KiB, but on macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = f64::from(u32::try_from(used.max_rss() * unit / (1 << 20))?);
    println!("{wall} {cpu} {peak}");
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn run(_command: &[OsString]) -> Result<()> {
    bail!("what a command used is asked of Unix only");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_the_least_taken() {
        let a = parse("1.250 0.75 12\n").unwrap();
        assert_eq!(a, Usage { wall: 1.25, cpu: 0.75, peak: 12.0 });
        let b = Usage { wall: 1.5, cpu: 0.5, peak: 13.0 };
        let least = Usage::NEVER.least(a).least(b);
        assert_eq!(least, Usage { wall: 1.25, cpu: 0.5, peak: 12.0 });
        for bad in ["", "1.0 2.0", "1,5 0 0", "1 2 3 4"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
