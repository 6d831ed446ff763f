//! Whether packages can be had, without keeping any of them.

use std::ops::ControlFlow;

use dp_content::Content;
use media_model::PackageId;
use serde::Serialize;

use crate::content::fetch::{FetchError, FetchStep, Pass, Sink};
use crate::content::packages;
use crate::error::chain;
use crate::report::{PackageSummary, ReportedEvent, Warning};

/// What was found of packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ContentCheck {
    /// The packages that were found, in the order asked for.
    pub packages: Vec<PackageSummary>,
    /// What cannot be had: packages by location, and files.
    pub faults: Vec<ContentFault>,
    /// Whether every byte was read.
    pub read: bool,
    /// What happened on the way.
    pub events: Vec<ReportedEvent>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// A package that one location does not give, or a file that none gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ContentFault {
    /// The package.
    pub package: String,
    /// The location that does not give it; `None` for a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The file's path in the package; `None` for the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why.
    pub what: String,
}

impl ContentCheck {
    /// Whether all of it can be had.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Looks for packages at all locations, and reads them whole where `read`, each file from the first
/// location that gives it. Goes on after a fault, so that all are known.
///
/// # Errors
/// [`FetchError::Cancelled`]
pub fn check_content(
    content: &Content,
    ids: &[PackageId],
    read: bool,
    progress: &mut dyn FnMut(FetchStep<'_>) -> ControlFlow<()>,
) -> Result<ContentCheck, FetchError> {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for id in ids {
        match content.find(std::slice::from_ref(id)) {
            Ok(packages) => found.extend(packages),
            Err(missing) if missing.is_cancelled() => return Err(missing.into()),
            Err(missing) => faults.extend(missing.rows().iter().map(|row| ContentFault {
                package: row.package.to_string(),
                location: Some(row.location.clone()).filter(|location| !location.is_empty()),
                file: None,
                what: chain(&row.why),
            })),
        }
    }
    if read {
        let total = found.iter().map(|package| package.bytes()).fold(0, u64::saturating_add);
        let mut pass = Pass::new(total, progress);
        for package in &found {
            for file in package.files() {
                match pass.file(file, &mut Sink::Nowhere) {
                    Ok(_) => {}
                    Err(FetchError::Read { source, .. }) => faults.push(ContentFault {
                        package: package.package().content_id.clone(),
                        location: None,
                        file: Some(file.file().id.path.to_string()),
                        what: chain(&source),
                    }),
                    Err(error) => return Err(error),
                }
            }
        }
    }
    let events = packages::events(content);
    // What is a fault is told as one.
    let is_told = |text: &str| faults.iter().any(|fault| fault.what == text);
    let warnings = packages::warnings(&events).filter(|it| !is_told(it.as_str())).collect();
    let summary = |package| {
        let mut summary = packages::summary(package, None);
        summary.came_from = content.came_from(&summary.content_id);
        summary
    };
    let packages = found.iter().map(summary).collect();
    Ok(ContentCheck { packages, faults, read, events, warnings })
}
