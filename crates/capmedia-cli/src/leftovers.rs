//! Files that a run leaves half made.

use std::path::Path;

/// Tells of them.
pub(crate) fn told(files: &[String]) -> Option<String> {
    let files = Some(files.join(", ")).filter(|files| !files.is_empty())?;
    Some(format!("left behind, for the next run to remove: {files}"))
}

/// What is being made in a folder: the names that begin with `.` and `stem`.
pub(crate) fn parts_in(folder: &Path, stem: &str) -> Vec<String> {
    /// Behind the name of everything that is being made.
    const PART: &str = ".capmedia-part";
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let parts = names.filter(|name| {
        let begins = name.strip_prefix('.').is_some_and(|name| name.starts_with(stem));
        name.ends_with(PART) && begins
    });
    parts.map(|name| folder.join(name).display().to_string()).collect()
}

/// What is being made beside the image `path`: of a set, each disc.
pub(crate) fn parts_of(path: &Path) -> Vec<String> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    parts_in(path.parent().unwrap_or(Path::new("")), &stem)
}

/// What is coming into a cache.
pub(crate) fn parts_in_cache(cache: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(cache).into_iter().flatten().flatten();
    folders.flat_map(|folder| parts_in(&folder.path(), "")).collect()
}
