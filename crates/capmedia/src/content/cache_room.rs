//! Room for an image on the file system that the cache fills, too.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use dp_content::{Cache, Content};
use extent_image::{Progress, Stage};

use crate::publish::part_file::folder_of;

/// Progress that keeps the cache from taking the room of what is still to be written.
pub(crate) struct Reserving<'a> {
    cache: Option<&'a Cache>,
    progress: &'a mut dyn Progress,
}

impl<'a> Reserving<'a> {
    /// For an image of `len` bytes at `path`.
    pub(crate) fn new(
        content: Option<&'a Content>,
        path: &Path,
        len: u64,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let cache = content.and_then(Content::cache);
        let cache = cache.filter(|cache| on_one_file_system(cache.folder(), folder_of(path)));
        let new = Self { cache, progress };
        new.reserve(len);
        new
    }

    fn reserve(&self, left: u64) {
        if let Some(cache) = self.cache {
            cache.leave_free(Cache::DEFAULT_LEAVE_FREE.saturating_add(left));
        }
    }
}

impl Progress for Reserving<'_> {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        self.reserve(total.saturating_sub(done));
        self.progress.advance(done, total)
    }

    fn work(&mut self, done: u64, total: u64) {
        self.progress.work(done, total);
    }

    fn begin(&mut self, stage: Stage) {
        self.progress.begin(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        self.progress.file(path, place);
    }
}

impl Drop for Reserving<'_> {
    fn drop(&mut self) {
        self.reserve(0);
    }
}

/// Whether two folders share their free space, as far as it shows.
fn on_one_file_system(one: &Path, other: &Path) -> bool {
    let place = |path| fs::canonicalize(path).ok().and_then(|path| file_system(&path));
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

#[cfg(unix)]
fn file_system(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|found| found.dev())
}

/// Its drive or share. What is mounted in a folder of a drive passes for the drive.
#[cfg(not(unix))]
fn file_system(path: &Path) -> Option<std::ffi::OsString> {
    path.components().next().map(|first| first.as_os_str().to_os_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_to_write_stays_free() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache"), 1000).unwrap();
        let digest = extent_image::Digest::of(b"hello");
        let options = dp_content::ContentOptions::new().with_cache(cache.clone());
        let content = Content::with_locations(Vec::new(), options);
        let image = folder.path().join("image.iso");
        let mut nothing = ();
        // More than any disk has.
        let mut room = Reserving::new(Some(&content), &image, u64::MAX, &mut nothing);
        assert!(cache.writer(&digest, 5).is_none());
        assert!(room.advance(1, u64::MAX).is_continue());
        let warnings = cache.take_warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("make room"), "{warnings:?}");
    }
}
