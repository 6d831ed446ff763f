//! One place content can come from, and what it knows of packages.

use std::io::Read;
use std::ops::Range;

use extent_image::{Digest, Timestamp};
use media_model::PackageId;

use crate::access::AccessError;
use crate::access::patience::Patience;
use crate::error::ContentError;
use crate::library::package_hash::package_hash;
use crate::path::ContentPath;

/// One place content can come from: a distribution point, a library folder, a folder of expanded
/// packages.
pub trait Location: Send + Sync {
    /// What messages call it.
    fn describe(&self) -> String;

    /// All packages it has, ordered by id.
    ///
    /// # Errors
    /// [`ContentError`]: it cannot be reached or does not tell.
    fn packages(&self) -> Result<Vec<Listed>, ContentError>;

    /// What a package holds; its highest version where the id names none. Reads what describes the
    /// files, not the files.
    ///
    /// # Errors
    /// [`ContentError::Missing`] when it has no such package; others when that cannot be known, or
    /// the package cannot be used.
    fn package(&self, id: &PackageId) -> Result<Package, ContentError>;

    /// As [`packages`](Self::packages), each question asked again as `patience` says. Unless it is
    /// written anew, all of it counts as one question.
    ///
    /// # Errors
    /// [`ContentError`]
    fn packages_with(&self, patience: &Patience<'_>) -> Result<Vec<Listed>, ContentError> {
        patience.ask_whole(|| self.packages())
    }

    /// As [`package`](Self::package), each question asked again as `patience` says. Unless it is
    /// written anew, all of it counts as one question.
    ///
    /// # Errors
    /// [`ContentError`]
    fn package_with(
        &self,
        id: &PackageId,
        patience: &Patience<'_>,
    ) -> Result<Package, ContentError> {
        patience.ask_whole(|| self.package(id))
    }

    /// Whether the bytes of a file are there, may be read and have the right length, as far as that
    /// can be told without reading them. `thoroughly`: also where it costs a request that would not
    /// be needed if what describes the package is right. Tells nothing unless it is written anew.
    ///
    /// # Errors
    /// [`AccessError`], as of [`open`](Self::open).
    fn check(&self, file: &FileId, thoroughly: bool) -> Result<(), AccessError> {
        let _ = (file, thoroughly);
        Ok(())
    }

    /// Opens bytes `range` of a file; asks for nothing else. The file may have been listed by
    /// another location: it is the same file when its digest is.
    ///
    /// # Errors
    /// [`AccessError`]
    fn open(
        &self,
        file: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError>;
}

/// A package in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id, as the location writes it (`PS100005`); applications have ids of other forms.
    pub id: String,
    /// Its content ids, `PS100005.3`, the one that counts first.
    pub content_ids: Vec<String>,
    /// Why they are not known, where they are not.
    pub trouble: Option<String>,
}

/// What a location knows of a package before it reads any file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The id asked for, with the version that was found.
    pub id: PackageId,
    /// The content id: `PS100005.3`.
    pub content_id: String,
    /// The files, by path.
    pub files: Vec<PackageFile>,
    /// Folders, by path, those that hold files too.
    pub folders: Vec<ContentPath>,
    /// The package hash that the location declares; `None` where it is not known, and with a
    /// `computed_hash` there is a warning why, or `hash_trouble`.
    pub declared_hash: Option<Digest>,
    /// Why it is not known although it is there: what should declare it is damaged.
    pub hash_trouble: Option<String>,
    /// The package hash that follows from the files' hashes; `None` where one is not known.
    pub computed_hash: Option<Digest>,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

impl Package {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.id.len))
    }

    /// The package hash that follows from these digests of the files, such as those of the bytes
    /// that came; `None` when one is not known.
    pub fn hash_from(&self, digest: impl Fn(&FileId) -> Option<Digest>) -> Option<Digest> {
        let files = self.files.iter().map(|file| digest(&file.id).map(|of| (&file.id.path, of)));
        Some(package_hash(files.collect::<Option<Vec<_>>>()?, &self.folders))
    }
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    /// What it is opened by.
    pub id: FileId,
    /// The length that a listing gave, where that is not the length it must have: one of the two is
    /// wrong.
    pub listed_len: Option<u64>,
    /// Modification time, where it is known.
    pub modified: Option<Timestamp>,
    /// `FILE_ATTRIBUTE_*` of Windows; 0 where they are not known.
    pub attributes: u32,
}

/// What a file is opened by, at whatever location.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The package: `PS100005`.
    pub package_id: String,
    /// The content id: `PS100005.3`.
    pub content_id: String,
    /// The path in the package.
    pub path: ContentPath,
    /// Length in bytes.
    pub len: u64,
    /// SHA-256; `None` in a folder of expanded packages, where nobody tells.
    pub digest: Option<Digest>,
}
