//! What a sequence refers to, and whether it is at hand.

use std::collections::HashSet;
use std::fmt;

use super::check::{MAX_TOLD, first_of, problem};
use super::model::{Sequence, Step};
use super::text::ends_with;
use super::unconfirmed::{
    APPLICATION_PREFIX, PACKAGE_LIST_PROPERTY, PACKAGE_PROPERTY_SUFFIX, PACKAGE_SWITCHES,
};
use crate::config_mgr::ConfigMgrError;
use crate::package::PackageId;
use crate::problem::{Problem, ProblemKind};
use crate::text::shown;

impl Sequence {
    /// What the sequence refers to, each once: its reference list, then what steps that are enabled
    /// name beside it.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = References::default();
        for reference in &self.references.references {
            if !reference.package.trim().is_empty() {
                references.add(&reference.package, "the reference list");
            }
        }
        self.for_each_enabled_step(&mut |step| references.of_step(step));
        references.found
    }

    /// One problem that names every reference for which `on_media` says no; a boot image is never
    /// among the references of a sequence.
    pub fn check_references(&self, on_media: impl Fn(&Reference) -> bool) -> Option<Problem> {
        let missing: Vec<_> = self
            .references()
            .into_iter()
            .filter(|reference| !on_media(reference))
            .map(|reference| reference.to_string())
            .collect();
        (!missing.is_empty()).then(|| {
            problem(
                ProblemKind::Missing,
                format!(
                    "the task sequence needs what is not on the media: {}",
                    first_of(&missing, MAX_TOLD)
                ),
                "put these on the media, or take the steps that need them out".to_owned(),
            )
            .with_config_mgr_error(ConfigMgrError::MissingPackage)
        })
    }
}

/// What a [`Reference`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceKind {
    /// A package by its id; drivers, images and the client are packages too.
    Package,
    /// A boot image by its package id.
    BootImage,
    /// An application by its unique id.
    Application,
    /// Something else.
    Other,
}

/// Something a task sequence refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    kind: ReferenceKind,
    id: String,
    place: String,
}

impl Reference {
    pub(super) fn new(kind: ReferenceKind, id: &str, place: &str) -> Self {
        Self { kind, id: id.to_owned(), place: place.to_owned() }
    }

    /// What it is.
    pub fn kind(&self) -> ReferenceKind {
        self.kind
    }

    /// The id as it stands in the sequence.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The package id of a package or boot image.
    pub fn package_id(&self) -> Option<PackageId> {
        PackageId::new(&self.id).ok()
    }

    /// Where it was found first: the reference list or the name of a step.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ReferenceKind::Package => "package ",
            ReferenceKind::BootImage => "boot image ",
            ReferenceKind::Application => "application ",
            ReferenceKind::Other => "",
        };
        write!(f, "{kind}{} ({})", shown(&self.id), shown(&self.place))
    }
}

#[derive(Default)]
struct References {
    found: Vec<Reference>,
    seen: HashSet<String>,
}

impl References {
    fn add(&mut self, id: &str, place: &str) {
        let kind = if PackageId::new(id).is_ok() {
            ReferenceKind::Package
        } else if id.starts_with(APPLICATION_PREFIX) {
            ReferenceKind::Application
        } else {
            ReferenceKind::Other
        };
        if self.seen.insert(id.to_ascii_uppercase()) {
            self.found.push(Reference::new(kind, id, place));
        }
    }

    /// Ids that stand in the step itself. What is no id (empty, or a variable to be filled in when
    /// the sequence runs) is left out.
    fn of_step(&mut self, step: &Step) {
        for variable in &step.variables.variables {
            let property = variable.property.as_deref().unwrap_or(&variable.name).trim();
            let words = variable.value.split(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
            if ends_with(property, PACKAGE_PROPERTY_SUFFIX)
                || property.eq_ignore_ascii_case(PACKAGE_LIST_PROPERTY)
            {
                words.for_each(|word| self.add_package(word, &step.name));
            } else if property.eq_ignore_ascii_case("ApplicationName") {
                let ids = words.filter(|word| word.starts_with(APPLICATION_PREFIX));
                ids.for_each(|id| self.add(id, &step.name));
            }
        }
        let line = step.action.as_ref().map_or("", |action| action.line.as_str());
        // Same length, so places in one are places in the other.
        let lower = line.to_ascii_lowercase();
        for switch in PACKAGE_SWITCHES {
            for (at, found) in lower.match_indices(switch) {
                let rest = line.get(at + found.len()..).unwrap_or_default();
                let rest = rest.trim_start_matches('"');
                let id = rest.split(|c: char| matches!(c, '"' | ',' | ';') || c.is_whitespace());
                self.add_package(id.take(1).collect::<String>().as_str(), &step.name);
            }
        }
    }

    /// A package whose id may stand in braces or quotes.
    fn add_package(&mut self, id: &str, place: &str) {
        let id = id.trim_matches(|c: char| matches!(c, '{' | '}' | '"'));
        if PackageId::new(id).is_ok() {
            self.add(id, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_sequence::{StepType, Variable};

    #[test]
    fn every_form_of_a_package_in_a_step() {
        let step = |line: &str| Step::new(StepType::RUN_COMMAND_LINE, "s", line);
        let with = |property: &str, value: &str| {
            step("x").with_variable(Variable::new("v", value).with_property(property))
        };
        let ids = |step: Step| -> Vec<String> {
            let references = Sequence::new().with_node(step).references();
            references.into_iter().map(|reference| reference.id().to_owned()).collect()
        };
        for (found, expected) in [
            (step("a.exe \"/pkg:PS10000C\" /x"), &["PS10000C"][..]),
            (step("a.exe /PKG:\"PS10000D\""), &["PS10000D"]),
            (step("a.exe /Install:PS100009,x /pkg:%A%"), &["PS100009"]),
            (
                with("DownloadPackages", "PS100005,PS100006; PS100007"),
                &["PS100005", "PS100006", "PS100007"],
            ),
            (with("DriverPackageID", " {PS10000E} "), &["PS10000E"]),
            (with("PackageID", "%A%"), &[]),
            (with("ApplicationName", "ScopeId_1/Application_2, x"), &["ScopeId_1/Application_2"]),
        ] {
            assert_eq!(ids(found), expected);
        }
    }

    #[test]
    fn a_reference_to_nothing_is_a_problem_and_no_reference() {
        let sequence = Sequence::new().with_reference("PS100001").with_reference(" ");
        assert_eq!(sequence.references().len(), 1);
        let problems: Vec<_> = sequence.check().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|p| p.contains("<reference> 2 of the reference list")));
    }

    #[test]
    fn what_is_told_has_an_end() {
        let mut sequence = Sequence::new();
        for number in 0..5000 {
            sequence = sequence.with_reference(format!("PS1{number:05}"));
            sequence = sequence.with_node(Step::default());
        }
        let problem = sequence.check_references(|_| false).unwrap();
        assert!(problem.what().ends_with(" and 4900 more"), "{}", problem.what());
        let problems = sequence.check();
        assert_eq!(problems.len(), 101);
        assert!(problems[100].what().contains("4901 more problems"), "{}", problems[100]);
    }
}
