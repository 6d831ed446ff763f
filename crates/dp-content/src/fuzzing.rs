//! The parsers of what servers say, for `fuzz/` and the property tests: no part of the API.

use std::io::Read;

use crate::access::TransportEntry;
use crate::library::signature_tar;
use crate::listing;
use crate::listing::link::Page;
use crate::listing::multistatus;
use crate::path::ContentPath;

/// What is in `folder`, which is below `base`, by a page; an error as its text.
///
/// # Errors
/// The page is no listing of the folder.
pub fn listing(
    html: &[u8],
    base: &str,
    folder: &ContentPath,
) -> Result<Vec<TransportEntry>, String> {
    listing::parse(html, &Page::new(base, folder)).map_err(|error| error.to_string())
}

/// The same by a reply to PROPFIND.
///
/// # Errors
/// The reply does not tell what is in the folder.
pub fn multistatus(
    xml: &[u8],
    base: &str,
    folder: &ContentPath,
) -> Result<Vec<TransportEntry>, String> {
    multistatus::parse(xml, &Page::new(base, folder)).map_err(|error| error.to_string())
}

/// The names in a signature tar.
///
/// # Errors
/// The tar does not tell the names.
pub fn signature_names(tar: impl Read) -> Result<Vec<ContentPath>, String> {
    signature_tar::names(tar).map_err(|error| error.to_string())
}
