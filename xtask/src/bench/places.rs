//! Where inputs and outputs lie: the disk that is there, and a file system made for the run that can
//! let files share blocks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::context::Context;
use crate::tools;

/// An XFS in a file, mounted until the value goes. Its blocks come from the disk below only when
/// they are written.
pub(super) struct Xfs<'a> {
    context: &'a Context,
    folder: PathBuf,
}

impl<'a> Xfs<'a> {
    /// Makes one of `len` bytes.
    ///
    /// # Errors
    /// The reason for which this machine cannot, to be shown in place of numbers.
    pub(super) fn mount(context: &'a Context, parent: &Path, len: u64) -> Result<Self> {
        ensure!(tools::is_root(context), "only root can mount");
        ensure!(context.has_program("mkfs.xfs"), "mkfs.xfs is not installed (package xfsprogs)");
        let image = parent.join("xfs.image");
        let folder = parent.join("xfs");
        File::create(&image)?.set_len(len)?;
        fs::create_dir(&folder)?;
        context.command("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&image).read()?;
        let mount = context.command("mount").args(["-o", "loop"]);
        mount.arg(&image).arg(&folder).read().context("no loop device, or no XFS in the kernel")?;
        Ok(Self { context, folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Xfs<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.context.command("umount").arg(&self.folder).read() {
            eprintln!("{error:#}");
        }
    }
}

/// The name of the file system that holds `path`, as in "ext4".
pub(super) fn file_system(context: &Context, path: &Path) -> String {
    let name = context.command("stat").args(["-f", "-c", "%T"]).arg(path).read();
    match name.as_deref().map(str::trim) {
        Ok("ext2/ext3") => "ext4".to_owned(),
        Ok(name) => name.to_owned(),
        Err(_) => "disk".to_owned(),
    }
}
