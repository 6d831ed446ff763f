//! Content of Configuration Manager distribution points, wherever it is: a web server, a share, a
//! copied or mounted content library, a folder of expanded packages.
//!
//! ```text
//! ContentLocation (media-model) ─► Transport: list, read, open at an offset   http · smb · folder
//!                                    └─► Library: PkgLib, DataLib, FileLib ─► Location
//! Location ×n ─► Content: packages found, files as sources, resumed, verified, cached
//! ```
//!
//! Everything here is read-only: nothing is ever written to a distribution point.

mod access;
mod cache;
mod content;
mod error;
mod event;
mod expanded;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
mod http;
mod library;
mod listing;
mod location;
mod open;
mod path;
#[cfg(feature = "smb")]
mod smb;

pub use access::bandwidth::Bandwidth;
pub use access::credentials::{Credentials, Password};
pub use access::options::AccessOptions;
pub use access::patience::Patience;
pub use access::{AccessError, AccessKind, NamesBy, Transport, TransportEntry};
pub use cache::{Cache, CacheError, CacheWriter};
pub use content::options::{ContentOptions, Observer, Retries};
pub use content::preflight::{FoundFile, FoundPackage, Preflight, PreflightRow};
pub use content::{Content, LocationPackages};
pub use error::ContentError;
pub use event::{BadCopy, ContentEvent};
pub use expanded::Expanded;
pub use folder::{FolderTransport, content_folders, open_folder};
#[cfg(feature = "http")]
pub use http::HttpTransport;
pub use library::Library;
pub use library::ini::{ContentIni, FileIni, IniError, PackageIni, UsersIni};
pub use library::package_hash::package_hash;
pub use location::{FileId, Listed, Location, Package, PackageFile};
pub use media_model::PackageHashCheck;
pub use path::{ContentPath, ContentPathError};
#[cfg(feature = "smb")]
pub use smb::{SmbTransport, open_smb};
