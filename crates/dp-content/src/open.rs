//! Which transport and which layout a location has.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use media_model::{ContentLocation, PackageId};

use crate::access::options::AccessOptions;
use crate::access::{AccessError, AccessKind};
use crate::error::ContentError;
use crate::folder::open_folder;
use crate::location::{FileId, Listed, Location, Package};

/// Prepares a location. Folders of this machine are looked at; servers are asked nothing. One that cannot be used says so to every question:
/// others may do without it, and a pre-flight lists it with the rest.
pub(crate) fn open(location: &ContentLocation, options: &AccessOptions) -> Arc<dyn Location> {
    prepare(location, options)
        .unwrap_or_else(|error| Arc::new(Unusable { name: location.to_string(), error }))
}

struct Unusable {
    name: String,
    error: ContentError,
}

impl Location for Unusable {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        Err(self.error.clone())
    }

    fn package(&self, _: &PackageId) -> Result<Package, ContentError> {
        Err(self.error.clone())
    }

    fn open(&self, file: &FileId, _: Range<u64>) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let what = format!("{} at {}", file.path, self.name);
        let unusable = || AccessError::new(what, AccessKind::NotFound);
        Err(self.error.access().cloned().unwrap_or_else(unusable))
    }
}

#[cfg_attr(
    not(any(feature = "http", feature = "smb")),
    expect(unused_variables, reason = "folders have no options")
)]
fn prepare(
    location: &ContentLocation,
    options: &AccessOptions,
) -> Result<Arc<dyn Location>, ContentError> {
    match location {
        ContentLocation::Folder(path) => open_folder(path),
        #[cfg(feature = "http")]
        ContentLocation::Http(location) => {
            let server = crate::http::HttpTransport::new(location, options)?;
            Ok(Arc::new(crate::library::Library::new(Arc::new(server))))
        }
        #[cfg(feature = "smb")]
        ContentLocation::Smb(location) => crate::smb::open_smb(location, options),
        other => Err(ContentError::NotOpened { location: other.to_string() }),
    }
}
