//! Where the repository is, and how commands are run in it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::metadata::Metadata;

/// The repository a task works on.
pub(crate) struct Context {
    root: PathBuf,
    metadata: Metadata,
}

impl Context {
    /// Finds the repository this program was started from.
    pub(crate) fn find() -> Result<Self> {
        // `cargo run` sets it anew at every start; what was compiled in may be of another checkout
        // that shares the target folder.
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
        let root = Path::new(&manifest_dir)
            .parent()
            .with_context(|| format!("{} has no parent folder", manifest_dir.display()))?
            .to_path_buf();
        let json = Cmd::new(cargo_program())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .dir(&root)
            .read()?;
        Ok(Self { root, metadata: Metadata::parse(&json)? })
    }

    /// The repository's root folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What cargo knows of the workspace.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Where cargo builds, and where tasks keep what they make.
    pub(crate) fn target(&self) -> &Path {
        &self.metadata.target_directory
    }

    /// `cargo`, started in the root folder, with the folders of system tools on the path.
    pub(crate) fn cargo(&self) -> Cmd {
        self.command(cargo_program())
    }

    /// True when a program of that name can be found.
    pub(crate) fn has_program(&self, name: &str) -> bool {
        env::split_paths(&search_path()).any(|folder| is_program(&folder.join(name)))
    }

    /// Any program, started in the root folder.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Cmd {
        Cmd::new(program).dir(&self.root).env("PATH", search_path())
    }
}

/// The cargo that runs this program, without the detour through rustup.
fn cargo_program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// PATH and the folders in which Debian keeps fsck.fat, mkfs.fat and sfdisk, which are not on an
/// ordinary user's path.
pub(crate) fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    for folder in ["/usr/sbin", "/sbin"].map(PathBuf::from) {
        if cfg!(unix) && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    env::join_paths(folders).unwrap_or(path)
}

/// Makes `at` lead to the folder `to`.
pub(crate) fn link(to: &Path, at: &Path) -> Result<()> {
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(to, at);
    #[cfg(not(unix))]
    let made = Err::<(), _>(std::io::Error::from(std::io::ErrorKind::Unsupported));
    made.with_context(|| format!("cannot link {} to {}", at.display(), to.display()))
}

/// A file that can be started.
pub(crate) fn is_program(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let executable = true;
    metadata.is_file() && executable
}

/// A command that says what it runs and whose failure is an error.
pub(crate) struct Cmd {
    command: Command,
    shown: String,
}

impl Cmd {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let shown = Path::new(program).file_name().unwrap_or(program);
        let shown = shown.to_string_lossy().into_owned();
        let mut command = Command::new(program);
        // No task asks a question, and no tool may.
        command.stdin(Stdio::null());
        Self { command, shown }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        let text = arg.to_string_lossy();
        self.shown.push(' ');
        if text.is_empty() || text.contains([' ', '\t', '\n', '\'', '"', '$', '(', ';']) {
            self.shown.push_str(&format!("'{}'", text.replace('\'', r"'\''")));
        } else {
            self.shown.push_str(&text);
        }
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Prints the command line and runs it with our own output.
    pub(crate) fn run(mut self) -> Result<()> {
        eprintln!("$ {}", self.shown);
        let status = self.command.status().with_context(|| cannot_start(&self.shown))?;
        if !status.success() {
            bail!("`{}` ended with {status}", self.shown);
        }
        Ok(())
    }

    /// Runs silently and gives the standard output. What it says on standard error is shown when it
    /// fails.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self.command.output().with_context(|| cannot_start(&self.shown))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` ended with {}:\n{}", self.shown, output.status, said.trim_end());
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("`{}` printed bytes that are not UTF-8", self.shown))
    }

    /// Runs with the standard output into a file. What it says on standard error is shown when it
    /// fails.
    pub(crate) fn write(mut self, to: File) -> Result<()> {
        let output = self.command.stdout(to).output().with_context(|| cannot_start(&self.shown))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` ended with {}:\n{}", self.shown, output.status, said.trim_end());
        }
        Ok(())
    }

    /// Starts it with its standard error in a pipe.
    pub(crate) fn start(mut self) -> Result<Child> {
        self.command.stdout(Stdio::null()).stderr(Stdio::piped());
        self.command.spawn().with_context(|| cannot_start(&self.shown))
    }

    /// Starts it silently, with a standard input on which nothing comes.
    pub(crate) fn start_waiting(mut self) -> Result<Child> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.command.spawn().with_context(|| cannot_start(&self.shown))
    }

    /// Runs silently; true when it can be started and succeeds.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }
}

fn cannot_start(shown: &str) -> String {
    format!("cannot start `{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo() -> Cmd {
        Cmd::new(cargo_program())
    }

    #[test]
    fn failure_is_an_error_that_names_the_command() {
        let error = cargo().args(["no-such-verb", "a b"]).run().unwrap_err().to_string();
        assert!(error.starts_with("`cargo no-such-verb 'a b'` ended with exit status: 101"));
        assert!(!cargo().arg("no-such-verb").succeeds());
        let error = Cmd::new("no-such-program").read().unwrap_err().to_string();
        assert_eq!(error, "cannot start `no-such-program`");
    }

    #[test]
    fn output_is_read() {
        assert!(cargo().arg("--version").read().unwrap().starts_with("cargo "));
    }
}
