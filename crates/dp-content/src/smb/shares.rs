//! A distribution point by its shares: the content library, and where that is no help the packages
//! that lie expanded in `SMSPKG<drive>$`.

use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use media_model::{PackageId, SmbLocation};

use super::{LIBRARY_SHARE, SmbTransport, drives, starts_with};
use crate::access::options::AccessOptions;
use crate::access::patience::Patience;
use crate::access::{AccessError, AccessKind, Transport};
use crate::error::ContentError;
use crate::expanded::Expanded;
use crate::library::Library;
use crate::location::{FileId, Listed, Location, Package};
use crate::path::ContentPath;

/// A share of expanded packages is this, the letter of its drive, and `$`.
const PACKAGE_SHARE: &str = "SMSPKG";

/// Opens a file server as a location. Where it names no share it is a distribution point: its
/// content library, and second the shares of expanded packages, which have no hashes. A share that
/// is named is the only one: a content library, or expanded packages.
///
/// Nothing is connected yet.
///
/// # Errors
/// [`ContentError::Access`] when the system gives no thread.
pub fn open_smb(
    location: &SmbLocation,
    options: &AccessOptions,
) -> Result<Arc<dyn Location>, ContentError> {
    let Some(name) = location.share() else {
        let library = SmbTransport::new(location, LIBRARY_SHARE, options)?;
        let packages = drives(PACKAGE_SHARE).map(|name| Arc::new(library.sibling(name)) as _);
        return Ok(Arc::new(DistributionPoint {
            name: location.to_string(),
            expanded: packages.map(Expanded::new).collect(),
            library: Library::new(Arc::new(library)),
        }));
    };
    let share = SmbTransport::new(location, name, options)?;
    Ok(if starts_with(name, PACKAGE_SHARE) {
        Arc::new(Expanded::new(Arc::new(share)))
    } else if starts_with(name, "SCCMContentLib") {
        Arc::new(Library::new(Arc::new(share)))
    } else {
        Arc::new(NamedShare { share: Arc::new(share), found: OnceLock::new() })
    })
}

/// A share by whose name it cannot be told what it holds: it is looked into when something is asked
/// for, and again until that has worked.
struct NamedShare {
    share: Arc<SmbTransport>,
    found: OnceLock<Box<dyn Location>>,
}

impl NamedShare {
    fn location(&self) -> Result<&dyn Location, AccessError> {
        if let Some(found) = self.found.get() {
            return Ok(&**found);
        }
        let mut entries = self.share.list(&ContentPath::ROOT)?.into_iter();
        let is_library =
            entries.any(|entry| entry.is_folder && entry.name.eq_ignore_ascii_case("PkgLib"));
        let transport = Arc::clone(&self.share) as Arc<dyn Transport>;
        Ok(&**self.found.get_or_init(|| {
            if is_library {
                Box::new(Library::new(transport))
            } else {
                Box::new(Expanded::new(transport))
            }
        }))
    }
}

impl Location for NamedShare {
    fn describe(&self) -> String {
        self.share.describe()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.packages_with(&Patience::none())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.package_with(id, &Patience::none())
    }

    fn packages_with(&self, patience: &Patience<'_>) -> Result<Vec<Listed>, ContentError> {
        patience.ask(|| self.location())??.packages_with(patience)
    }

    fn package_with(
        &self,
        id: &PackageId,
        patience: &Patience<'_>,
    ) -> Result<Package, ContentError> {
        patience.ask(|| self.location())??.package_with(id, patience)
    }

    fn check(&self, file: &FileId, thoroughly: bool) -> Result<(), AccessError> {
        self.location()?.check(file, thoroughly)
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        self.location()?.open(file, range)
    }
}

struct DistributionPoint {
    name: String,
    library: Library,
    /// One for each drive that could be; which are there is found out when they are asked for.
    expanded: Vec<Expanded>,
}

impl Location for DistributionPoint {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        self.packages_with(&Patience::none())
    }

    fn package(&self, id: &PackageId) -> Result<Package, ContentError> {
        self.package_with(id, &Patience::none())
    }

    fn packages_with(&self, patience: &Patience<'_>) -> Result<Vec<Listed>, ContentError> {
        let refused = match self.library.packages_with(patience) {
            Err(error) if is_no_help(&error) => error,
            packages => return packages,
        };
        let mut all: Option<Vec<Listed>> = None;
        for expanded in &self.expanded {
            match expanded.packages_with(patience) {
                Ok(packages) => all.get_or_insert_default().extend(packages),
                Err(error) if is_no_help(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let mut all = all.ok_or(refused)?;
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    fn package_with(
        &self,
        id: &PackageId,
        patience: &Patience<'_>,
    ) -> Result<Package, ContentError> {
        let refused = match self.library.package_with(id, patience) {
            Err(error) if is_no_help(&error) => error,
            package => return package,
        };
        for expanded in &self.expanded {
            match expanded.package_with(id, patience) {
                Ok(mut package) => {
                    if let Some(error) = refused.access() {
                        package.warnings.push(format!("{}: {}", LIBRARY_SHARE, error.kind()));
                    }
                    return Ok(package);
                }
                Err(error) if is_no_help(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    fn check(&self, file: &FileId, _: bool) -> Result<(), AccessError> {
        self.open(file, 0..0).map(drop)
    }

    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        let refused = match self.library.open(file, range.clone()) {
            Err(error) if is_absent(&error) => error,
            reader => return reader,
        };
        let mut trouble = None;
        for expanded in &self.expanded {
            match expanded.open(file, range.clone()) {
                Err(error) if is_absent(&error) => {}
                // It may have it, and the others take as long to say nothing.
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => trouble = trouble.or(Some(error)),
                reader => return reader,
            }
        }
        Err(trouble.unwrap_or(refused))
    }
}

/// Whether the package shares may know better.
fn is_no_help(error: &ContentError) -> bool {
    match error {
        ContentError::Missing { .. } => true,
        ContentError::Access(error) => {
            is_absent(error) || matches!(error.kind(), AccessKind::Denied(_))
        }
        _ => false,
    }
}

fn is_absent(error: &AccessError) -> bool {
    matches!(error.kind(), AccessKind::NotFound | AccessKind::NoShare)
}
