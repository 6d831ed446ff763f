//! The cache as one more location, which knows files but no packages.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use media_model::PackageId;

use crate::access::{AccessError, AccessKind};
use crate::cache::Cache;
use crate::error::ContentError;
use crate::location::{FileId, Listed, Location, Package};

pub(crate) struct Cached(pub(crate) Cache);

impl Location for Cached {
    fn describe(&self) -> String {
        format!("the cache {}", self.0.folder().display())
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        Ok(Vec::new())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        let location = self.describe();
        Err(ContentError::Missing { location, id: id.clone(), versions: Vec::new() })
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let what = || format!("{} in {}", file.path, self.describe());
        let entry = file.digest.as_ref().and_then(|digest| self.0.get(digest, file.len));
        let mut entry = entry.ok_or_else(|| AccessError::new(what(), AccessKind::NotFound))?;
        let start = entry.seek(SeekFrom::Start(range.start));
        start.map_err(|error| AccessError::of_io(&what(), &error))?;
        Ok(Box::new(entry.take(range.end.saturating_sub(range.start))))
    }
}

#[cfg(test)]
#[path = "cached_tests.rs"]
mod tests;
