//! A package that was fetched before.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use dp_content::FoundPackage;
use extent_image::Hasher;

use crate::content::fetch::{FetchError, Pass, host_path, io_error};

const BUFFER: usize = 1 << 20;

/// Whether `folder` has the names and lengths of the package and nothing else, and its files can be
/// compared with digests.
pub(crate) fn looks_kept(package: &FoundPackage, folder: &Path) -> Result<bool, FetchError> {
    let about = package.package();
    if about.files.iter().any(|file| file.id.digest.is_none()) {
        return Ok(false);
    }
    let mut folders: HashSet<PathBuf> =
        about.folders.iter().map(|below| host_path(folder, below)).collect();
    for file in &about.files {
        let path = host_path(folder, &file.id.path);
        let below = path.ancestors().skip(1).take_while(|above| *above != folder);
        folders.extend(below.map(Path::to_path_buf));
        // Never what a link leads to.
        let found = fs::symlink_metadata(&path);
        if !found.is_ok_and(|found| found.is_file() && found.len() == file.id.len) {
            return Ok(false);
        }
    }
    let mut files = about.files.len();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        let entries = fs::read_dir(&folder).map_err(|source| io_error("read", &folder, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| io_error("read", &folder, source))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|source| io_error("look at", &path, source))?;
            if kind.is_dir() && folders.remove(&path) {
                left.push(path);
            } else if !kind.is_dir() && files > 0 {
                files -= 1;
            } else {
                return Ok(false);
            }
        }
    }
    Ok(files == 0 && folders.is_empty())
}

/// Reads the files of `folder`: whether each has its digest.
pub(crate) fn is_kept(
    pass: &mut Pass<'_>,
    package: &FoundPackage,
    folder: &Path,
) -> Result<bool, FetchError> {
    let mut buffer = vec![0; BUFFER];
    for file in &package.package().files {
        let path = host_path(folder, &file.id.path);
        let in_read = |source| io_error("read", &path, source);
        let mut from = File::open(&path).map_err(in_read)?;
        let mut hasher = Hasher::new();
        let mut done = 0;
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(in_read(error)),
            };
            hasher.update(buffer.get(..count).unwrap_or_default());
            done += count as u64;
            if let ControlFlow::Break(()) = pass.came(&file.id, done, count as u64) {
                return Err(pass.cancelled());
            }
        }
        if Some(hasher.finish()) != file.id.digest {
            return Ok(false);
        }
    }
    Ok(true)
}
