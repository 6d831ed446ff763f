//! A Windows of Wine's in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, bail};

use crate::context::{self, Cmd, Context};

/// Where Debian's `wine64` has it; other systems have it on the search path.
const DEBIAN: &str = "/usr/lib/wine/wine64";

/// What Rust's standard library draws random numbers from, and Debian's Wine lacks.
const RANDOM: &str = "bcryptprimitives.dll";
const RANDOM_SOURCE: &str = "xtask/src/windows/bcryptprimitives.c";

pub(crate) struct Wine {
    program: &'static str,
    /// `WINEPREFIX`: drive C and the registry.
    prefix: PathBuf,
    /// Does nothing, for as long as this lives: Wine's server ends some seconds after the last program,
    /// and one that starts at that moment fails.
    idle: Option<Child>,
}

impl Wine {
    /// Makes the Windows, or takes the one of an earlier run.
    pub(crate) fn start(context: &Context) -> Result<Self> {
        let on_path = ["wine64", "wine"].into_iter().find(|name| context.has_program(name));
        let program = if Path::new(DEBIAN).is_file() { Some(DEBIAN) } else { on_path };
        let program = program.context("Wine is not there; on Debian: apt-get install wine64")?;
        let mut wine = Self { program, prefix: context.target().join("windows"), idle: None };
        fs::create_dir_all(&wine.prefix)?;
        let first = wine.command("wineboot", &["--update"]).run();
        first.context("Wine cannot make a Windows in the target folder")?;
        if !wine.drive_c().join("windows/system32").is_dir() {
            bail!("Wine made no Windows in {}", wine.prefix.display());
        }
        wine.idle = Some(wine.command("cmd", &[]).start_waiting()?);
        wine.put_random(context)?;
        wine.share_drive_c()?;
        Ok(wine)
    }

    /// The program that runs programs of Windows.
    pub(crate) fn program(&self) -> &str {
        self.program
    }

    /// A command that runs such a program, or Wine itself, with this Windows.
    pub(crate) fn environment(&self, command: Cmd) -> Cmd {
        // No offers to install .NET and a browser, no debug output, no window.
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=d")
            .env("WINEDEBUG", "-all")
            .env("DISPLAY", "")
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Cmd {
        self.environment(Cmd::new(self.program).arg(program).args(args))
    }

    pub(crate) fn drive_c(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    fn put_random(&self, context: &Context) -> Result<()> {
        let place = self.drive_c().join("windows/system32").join(RANDOM);
        if place.exists() {
            return Ok(());
        }
        let compiler = context.command("x86_64-w64-mingw32-gcc").args(["-shared", "-O2", "-o"]);
        compiler.arg(&place).arg(RANDOM_SOURCE).arg("-ladvapi32").run()
    }

    /// Lets `\\localhost\C$` lead to drive C, as it does on Windows.
    fn share_drive_c(&self) -> Result<()> {
        let host = self.prefix.join("dosdevices/unc/localhost");
        fs::create_dir_all(&host)?;
        let share = host.join("c$");
        if share.symlink_metadata().is_err() {
            context::link(&self.drive_c(), &share)?;
        }
        Ok(())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // What still runs in this Windows, and no other's.
        let _ = self.command("wineboot", &["--kill"]).succeeds();
        if let Some(mut idle) = self.idle.take() {
            let _ = idle.kill().and_then(|()| idle.wait());
        }
    }
}
