//! What is at distribution points.

use std::collections::BTreeMap;

use dp_content::{Content, ContentError, LocationPackages, Package};
use media_model::PackageId;
use serde::Serialize;

use crate::error::chain;

/// What is at each location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ContentListing {
    /// The locations, the preferred one first.
    pub locations: Vec<LocationListing>,
}

/// What is at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LocationListing {
    /// The location.
    pub location: String,
    /// Its packages, by id.
    pub packages: Vec<PackageListing>,
    /// Why they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A package at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PackageListing {
    /// The package id.
    pub id: String,
    /// Content ids, such as `PS100005.3`; the one that counts first.
    pub versions: Vec<String>,
    /// Files of that one, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Bytes of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The files, of a package that was named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<FileListing>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct FileListing {
    /// Its path in the package, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, in lower case, where the location tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When it was modified, where the location tells: `2024-08-05T09:53:43Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// All packages of each location, with files and bytes of each where `sizes`; or, of the packages
/// `ids`, their files. Faults are part of the result.
pub fn list_content(content: &Content, ids: &[PackageId], sizes: bool) -> ContentListing {
    let locations = if ids.is_empty() { all(content, sizes) } else { named(content, ids) };
    ContentListing { locations }
}

fn all(content: &Content, sizes: bool) -> Vec<LocationListing> {
    let mut locations = Vec::new();
    for (number, LocationPackages { location, packages, .. }) in
        content.list().into_iter().enumerate()
    {
        let mut listing = LocationListing { location, packages: Vec::new(), fault: None };
        match packages {
            Err(error) => listing.fault = Some(chain(&error)),
            Ok(packages) => {
                for package in packages {
                    let mut row = row(package.id, package.content_ids);
                    row.fault = package.trouble;
                    // Applications have ids of other forms and are no packages.
                    if let (true, Ok(id)) = (sizes, PackageId::new(&row.id)) {
                        count(&mut row, &content.package_at(number, &id));
                    }
                    listing.packages.push(row);
                }
            }
        }
        locations.push(listing);
    }
    locations
}

fn named(content: &Content, ids: &[PackageId]) -> Vec<LocationListing> {
    let mut locations = Vec::new();
    for (number, location) in content.locations().into_iter().enumerate() {
        let mut packages = BTreeMap::new();
        for id in ids {
            let mut row = row(id.to_string(), Vec::new());
            let package = content.package_at(number, id);
            count(&mut row, &package);
            if let Ok(package) = package {
                row.id = package.id.id().to_owned();
                row.versions.push(package.content_id);
                row.listed = package
                    .files
                    .iter()
                    .map(|file| FileListing {
                        path: file.id.path.to_string(),
                        bytes: file.id.len,
                        sha256: file.id.digest.map(|digest| digest.to_string()),
                        modified: file.modified.map(|time| time.to_string()),
                    })
                    .collect();
            }
            packages.insert(id, row);
        }
        let packages = packages.into_values().collect();
        locations.push(LocationListing { location, packages, fault: None });
    }
    locations
}

fn row(id: String, versions: Vec<String>) -> PackageListing {
    PackageListing { id, versions, files: None, bytes: None, listed: Vec::new(), fault: None }
}

fn count(row: &mut PackageListing, package: &Result<Package, ContentError>) {
    match package {
        Ok(package) => {
            row.files = Some(package.files.len() as u64);
            row.bytes = Some(package.bytes());
        }
        Err(error) => row.fault = Some(chain(error)),
    }
}
