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
mod access_options;
mod bandwidth;
mod blocks;
mod cache;
mod cached;
mod content;
mod content_options;
mod contents;
mod credentials;
mod error;
mod event;
mod expanded;
mod file;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod gather;
#[cfg(feature = "http")]
mod http;
mod ini;
mod library;
mod link;
mod listing;
mod location;
mod multistatus;
mod open;
mod origin;
mod package_hash;
mod path;
mod patience;
mod place;
mod preflight;
mod proof;
mod reader;
mod resume;
mod settle;
mod signature_tar;
#[cfg(feature = "smb")]
mod smb;
mod verify;
mod walk;

pub use access::{AccessError, AccessKind, NamesBy, Transport, TransportEntry};
pub use access_options::AccessOptions;
pub use bandwidth::Bandwidth;
pub use cache::{Cache, CacheError, CacheWriter};
pub use content::{Content, LocationPackages};
pub use content_options::{ContentOptions, Observer, Retries};
pub use credentials::{Credentials, Password};
pub use error::ContentError;
pub use event::{BadCopy, ContentEvent};
pub use expanded::Expanded;
pub use folder::{FolderTransport, content_folders, open_folder};
#[cfg(feature = "http")]
pub use http::HttpTransport;
pub use ini::{ContentIni, FileIni, IniError, PackageIni, UsersIni};
pub use library::Library;
pub use location::{FileId, Listed, Location, Package, PackageFile};
pub use media_model::PackageHashCheck;
pub use package_hash::package_hash;
pub use path::{ContentPath, ContentPathError};
pub use patience::Patience;
pub use preflight::{FoundFile, FoundPackage, Preflight, PreflightRow};
#[cfg(feature = "smb")]
pub use smb::{SmbTransport, open_smb};
