//! What is to be said about a sequence before it goes onto media.

use std::collections::HashSet;
use std::fmt;

use super::capture::PASSWORD_VARIABLE;
use super::extra::{Content, Element, Extra};
use super::model::{Node, Sequence, Step, Variable, VariableList};
use super::text::ends_with;
use super::unconfirmed::{APPLICATION_PREFIX, PACKAGE_PROPERTY_SUFFIX, PACKAGE_SWITCH};
use super::value::{
    CaptureAccount, CaptureDestination, ImageCreator, ImageDescription, ImageVersion,
};
use super::word::StepType;
use crate::package::PackageId;
use crate::problem::{Problem, ProblemKind};
use crate::text::shown;

/// The option that gives a sequence.
const OPTION: &str = "task-sequence";

impl Sequence {
    /// Everything that makes the sequence useless for capture media, all at once: no capture step
    /// that is enabled, values of such steps over their limits, enabled steps without a command.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut captures = 0_usize;
        self.for_each_enabled_step(&mut |step| {
            if step.action.is_none() {
                problems.push(problem(
                    ProblemKind::Missing,
                    format!("the step '{}' has no command (<action>)", shown(&step.name)),
                    "give it one, disable it or take it out".to_owned(),
                ));
            }
            if step.is_capture() {
                captures += 1;
                problems.extend(beyond_limits(step));
            }
        });
        if captures == 0 {
            problems.insert(
                0,
                problem(
                    ProblemKind::Missing,
                    "the task sequence has no capture step that is enabled".to_owned(),
                    format!("add one ({}), or leave the option out", StepType::CAPTURE),
                ),
            );
        }
        problems
    }

    /// Whether a step that is enabled captures an image.
    pub fn has_capture_step(&self) -> bool {
        !self.capture_steps().is_empty()
    }

    /// The capture steps that are enabled, in the order they run.
    pub fn capture_steps(&self) -> Vec<&Step> {
        let mut steps = Vec::new();
        self.for_each_enabled_step(&mut |step| {
            if step.is_capture() {
                steps.push(step);
            }
        });
        steps
    }

    /// What somebody has to know who makes media with it; nothing of this is wrong.
    pub fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        for step in self.capture_steps() {
            let is_set = |name: &str| {
                let lists = [&step.variables, &self.global_variables];
                lists.iter().any(|list| list.value(name).is_some_and(|value| !value.is_empty()))
            };
            for variable in
                [CaptureDestination::VARIABLE, CaptureAccount::VARIABLE, PASSWORD_VARIABLE]
            {
                if !is_set(variable) {
                    notices.push(Notice::SetAtRunTime { step: step.name.clone(), variable });
                }
            }
        }
        // What would be taken out is what is there.
        self.clone().take_passwords(&mut |place, variable| {
            let (place, variable) = (place.to_owned(), variable.to_owned());
            notices.push(Notice::PasswordStored { place, variable });
        });
        notices
    }

    /// Takes every variable out that holds a password, also of disabled steps and unknown elements;
    /// returns how many there were. Conditions and command lines are not looked into: what stands
    /// there cannot be told from other text.
    pub fn remove_stored_passwords(&mut self) -> usize {
        let mut removed = 0;
        self.take_passwords(&mut |_, _| removed += 1);
        removed
    }

    /// What the sequence refers to, each once: its reference list, then what steps that are enabled
    /// name beside it.
    pub fn references(&self) -> Vec<Reference> {
        let mut references = References::default();
        for reference in &self.references.references {
            references.add(&reference.package, "the reference list");
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
                format!("the task sequence needs what is not on the media: {}", missing.join(", ")),
                "put these on the media, or take the steps that need them out".to_owned(),
            )
        })
    }

    fn for_each_enabled_step<'a>(&'a self, f: &mut dyn FnMut(&'a Step)) {
        enabled_steps(&self.nodes, f);
    }

    fn take_passwords(&mut self, gone: Gone<'_>) {
        take_from_extra(&mut self.references.extra, "the reference list", gone);
        take_from_list(&mut self.global_variables, "the shared variables", gone);
        take_from_nodes(&mut self.nodes, gone);
    }
}

/// The crate's problems, all about one option.
fn problem(kind: ProblemKind, what: String, remedy: String) -> Problem {
    Problem { option: OPTION, kind, what, remedy }
}

fn beyond_limits(step: &Step) -> Vec<Problem> {
    let limits = [
        (CaptureDestination::VARIABLE, CaptureDestination::WHAT, CaptureDestination::MAX),
        (CaptureAccount::VARIABLE, CaptureAccount::WHAT, CaptureAccount::MAX),
        (ImageCreator::VARIABLE, ImageCreator::WHAT, ImageCreator::MAX),
        (ImageDescription::VARIABLE, ImageDescription::WHAT, ImageDescription::MAX),
        (ImageVersion::VARIABLE, ImageVersion::WHAT, ImageVersion::MAX),
    ];
    let mut problems = Vec::new();
    for (variable, what, max) in limits {
        let units = step.variables.value(variable).unwrap_or_default().encode_utf16().count();
        if units > max {
            let name = shown(&step.name);
            problems.push(problem(
                ProblemKind::OutOfRange,
                format!(
                    "the {what} of the step '{name}' has {units} UTF-16 units where {max} are allowed"
                ),
                format!("shorten {variable}"),
            ));
        }
    }
    problems
}

fn enabled_steps<'a>(nodes: &'a [Node], f: &mut dyn FnMut(&'a Step)) {
    for node in nodes {
        match node {
            Node::Group(group) if group.disable != Some(true) => enabled_steps(&group.nodes, f),
            Node::Step(step) if step.disable != Some(true) => f(step),
            Node::Group(_) | Node::Step(_) | Node::Other(_) => {}
        }
    }
}

/// Something to know about a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A variable of the capture step is not set, so it must be when the sequence runs.
    SetAtRunTime {
        /// The step.
        step: String,
        /// The variable.
        variable: &'static str,
    },
    /// A password stands in the sequence, for everybody to read who holds the media.
    PasswordStored {
        /// The step, or what else it stands in.
        place: String,
        /// The variable.
        variable: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAtRunTime { step, variable } => write!(
                f,
                "{variable} is not in the step '{}': it must be set when the task sequence runs",
                shown(step)
            ),
            Self::PasswordStored { place, variable } => write!(
                f,
                "a PASSWORD stands in the task sequence ({}, {}): everybody who holds the media \
                 can read it",
                shown(variable),
                shown(place)
            ),
        }
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
            let property = variable.property.as_deref().unwrap_or(&variable.name);
            if ends_with(property, PACKAGE_PROPERTY_SUFFIX) {
                if PackageId::new(variable.value.trim()).is_ok() {
                    self.add(variable.value.trim(), &step.name);
                }
            } else if property.eq_ignore_ascii_case("ApplicationName") {
                for id in variable.value.split(',').map(str::trim) {
                    if id.starts_with(APPLICATION_PREFIX) {
                        self.add(id, &step.name);
                    }
                }
            }
        }
        let line = step.action.as_ref().map_or("", |action| action.line.as_str());
        for word in line.split_ascii_whitespace() {
            let id = word.get(PACKAGE_SWITCH.len()..).unwrap_or_default();
            let is_switch = word
                .get(..PACKAGE_SWITCH.len())
                .is_some_and(|switch| switch.eq_ignore_ascii_case(PACKAGE_SWITCH));
            if is_switch && PackageId::new(id).is_ok() {
                self.add(id, &step.name);
            }
        }
    }
}

/// What is called with the place and the name of each variable that goes.
type Gone<'f> = &'f mut dyn FnMut(&str, &str);

fn take_from_nodes(nodes: &mut Vec<Node>, gone: Gone<'_>) {
    nodes.retain_mut(|node| match node {
        Node::Group(group) => {
            if let Some(action) = &mut group.action {
                take_from_extra(&mut action.extra, &group.name, gone);
            }
            take_from_nodes(&mut group.nodes, gone);
            true
        }
        Node::Step(step) => {
            take_from_list(&mut step.variables, &step.name, gone);
            take_from_extra(&mut step.extra, &step.name, gone);
            if let Some(action) = &mut step.action {
                take_from_extra(&mut action.extra, &step.name, gone);
            }
            true
        }
        Node::Other(element) => {
            let place = element.name.clone();
            stays(element, &place, gone)
        }
    });
}

fn take_from_list(list: &mut VariableList, place: &str, gone: Gone<'_>) {
    list.variables.retain_mut(|variable| {
        take_from_extra(&mut variable.extra, place, gone);
        let goes = holds_password(variable);
        if goes {
            gone(place, &variable.name);
        }
        !goes
    });
    take_from_extra(&mut list.extra, place, gone);
}

fn take_from_extra(extra: &mut Extra, place: &str, gone: Gone<'_>) {
    extra.elements.retain_mut(|element| stays(element, place, gone));
}

/// Takes passwords out of an unknown element, and says whether it may stay itself.
fn stays(element: &mut Element, place: &str, gone: Gone<'_>) -> bool {
    if let Some(variable) = as_variable(element).filter(holds_password) {
        gone(place, &variable.name);
        return false;
    }
    element.content.retain_mut(|content| match content {
        Content::Element(element) => stays(element, place, gone),
        Content::Text(_) => true,
    });
    // What stood on either side of an element that went is one text.
    element.content.dedup_by(|content, before| match (before, content) {
        (Content::Text(before), Content::Text(text)) => {
            before.push_str(text);
            true
        }
        _ => false,
    });
    true
}

fn holds_password(variable: &Variable) -> bool {
    variable.is_secret() && !variable.value.is_empty()
}

/// An unknown element read as a variable, if it is one by its attributes.
fn as_variable(element: &Element) -> Option<Variable> {
    let attribute =
        |name: &str| element.attributes.iter().find(|a| a.name == name).map(|a| a.value.clone());
    let text = element.content.iter().filter_map(|content| match content {
        Content::Text(text) => Some(text.as_str()),
        Content::Element(_) => None,
    });
    let mut variable = Variable::new(attribute("name")?, text.collect::<String>());
    variable.property = attribute("property");
    Some(variable)
}
