//! The package that the boot image is: one of those that are at the distribution points, or its id.

use std::collections::BTreeMap;
use std::path::PathBuf;

use capmedia::{ContentListing, list_content};
use media_model::{PackageId, Problem, Refusal as _};

use crate::exit::Failure;
use crate::wizard::ask::{Answer, select, text};
use crate::wizard::boot_image::package_id;
use crate::wizard::path_text::shown;
use crate::wizard::wait::wait;
use crate::wizard::{Turn, Wizard, screen};

const BY_ID: &str = "Type its package ID";
const LIST: &str = "List the packages there";

pub(super) fn ask(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.from_package {
        return Ok(Turn::Skip);
    }
    let before = wizard.request.boot_image.as_ref().filter(|path| package_id(path).is_some());
    let before = before.map(shown).unwrap_or_default();
    let mut at = 0;
    loop {
        let id = match select("Boot image package:", vec![BY_ID, LIST], at)? {
            Answer::Back => return Ok(Turn::Back),
            Answer::Given(LIST) => {
                at = 1;
                of_list(wizard, &before)?
            }
            Answer::Given(_) => {
                at = 0;
                typed(&before)?
            }
        };
        if let Some(id) = id {
            wizard.request.boot_image = Some(PathBuf::from(id));
            return Ok(Turn::On);
        }
    }
}

fn typed(before: &str) -> Result<Option<String>, Failure> {
    let mut initial = before.to_owned();
    loop {
        let question = "Package ID of the boot image:";
        let Answer::Given(id) = text(question, "such as PS100005", &initial)? else {
            return Ok(None);
        };
        match PackageId::new(&id) {
            Ok(_) => return Ok(Some(id)),
            Err(error) => {
                screen::note(&format!("{}; {}", error.what(), error.remedy()));
                initial = id;
            }
        }
    }
}

/// One of those that are there; a distribution point that cannot be listed is told of.
fn of_list(wizard: &Wizard, before: &str) -> Result<Option<String>, Failure> {
    let content = match wizard.request.check_content() {
        Ok(content) => content,
        Err(problems) => {
            problems.iter().for_each(screen::problem);
            return Ok(None);
        }
    };
    let access = wizard.access();
    let listed = wait("Looking for packages", &wizard.ears, move |work| {
        access(work).open(&content).map(|content| list_content(&content, &[], false))
    })?;
    let listing = match listed {
        Answer::Back => return Ok(None),
        Answer::Given(Ok(listing)) => listing,
        Answer::Given(Err(error)) => {
            screen::error(&error.into());
            return Ok(None);
        }
    };
    let faults = listing.locations.iter().filter_map(|location| location.fault.as_ref());
    faults.filter(|fault| !wizard.ears.has_told(fault)).for_each(|fault| screen::note(fault));
    let packages = packages(&listing);
    if packages.is_empty() {
        screen::note("No package is listed; one whose id is known may be there nevertheless.");
        return Ok(None);
    }
    let rows: Vec<String> = packages
        .iter()
        .map(|(id, versions)| match &**versions {
            [] => id.clone(),
            versions => format!("{id}: {}", versions.join(", ")),
        })
        .collect();
    let at = packages.keys().position(|id| id.eq_ignore_ascii_case(before)).unwrap_or(0);
    screen::note("Which of them are boot images, the console tells; the test that follows, too.");
    let Answer::Given(row) = select("Package of the boot image:", rows, at)? else {
        return Ok(None);
    };
    Ok(row.split(':').next().map(str::to_owned))
}

/// All that are at any location, and their versions at the first that has them. Applications are none.
fn packages(listing: &ContentListing) -> BTreeMap<String, Vec<String>> {
    let mut packages = BTreeMap::new();
    let all = listing.locations.iter().flat_map(|location| &location.packages);
    for package in all.filter(|package| PackageId::new(&package.id).is_ok()) {
        packages.entry(package.id.clone()).or_insert_with(|| package.versions.clone());
    }
    packages
}

impl Wizard {
    /// What is wrong with an answer about distribution points; whether anything needs them is not known
    /// yet.
    pub(super) fn content_problems(&self, option: &str) -> Vec<Problem> {
        let found = self.request.check_content().err().unwrap_or_default();
        found.into_iter().filter(|problem| problem.option() == option).collect()
    }
}
