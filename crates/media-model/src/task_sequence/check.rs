//! What is to be said about a sequence before it goes onto media.

use std::fmt;

use super::capture::PASSWORD_VARIABLE;
use super::model::{Node, Sequence, Step, VariableList};
use super::value::{
    CaptureAccount, CaptureDestination, ImageCreator, ImageDescription, ImageVersion,
};
use super::word::StepType;
use crate::problem::{Problem, ProblemKind};
use crate::text::shown;

/// The option that gives a sequence.
const OPTION: &str = "task-sequence";

/// Problems or notices of one kind that are told one by one.
pub(super) const MAX_TOLD: usize = 100;

impl Sequence {
    /// Everything that makes the sequence useless for capture media, all at once: no capture step
    /// that is enabled, values of such steps over their limits, enabled steps without a command,
    /// references to nothing. Of more than a hundred the last one only says how many.
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
        for (index, reference) in self.references.references.iter().enumerate() {
            if reference.package.trim().is_empty() {
                problems.push(problem(
                    ProblemKind::Missing,
                    format!("<reference> {} of the reference list names nothing", index + 1),
                    "give its package, or take it out".to_owned(),
                ));
            }
        }
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
        if problems.len() > MAX_TOLD {
            let more = problems.len() - MAX_TOLD;
            problems.truncate(MAX_TOLD);
            problems.push(problem(
                ProblemKind::Malformed,
                format!("the task sequence has {more} more problems"),
                "mend those above first".to_owned(),
            ));
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
        let is_set = |list: &VariableList, name: &str| {
            list.value(name).is_some_and(|value| !value.is_empty())
        };
        let variables = [CaptureDestination::VARIABLE, CaptureAccount::VARIABLE, PASSWORD_VARIABLE];
        // Once: there may be as many of these variables as steps.
        let open = variables.map(|name| (name, !is_set(&self.global_variables, name)));
        for step in self.capture_steps() {
            for (variable, is_open) in open {
                if is_open && !is_set(&step.variables, variable) {
                    notices.push(Notice::SetAtRunTime { step: step.name.clone(), variable });
                }
            }
        }
        let mut notices = at_most(notices);
        notices.extend(self.secret_notices());
        notices
    }

    pub(super) fn for_each_enabled_step<'a>(&'a self, f: &mut dyn FnMut(&'a Step)) {
        enabled_steps(&self.nodes, f);
    }
}

/// The crate's problems, all about one option.
pub(super) fn problem(kind: ProblemKind, what: String, remedy: String) -> Problem {
    Problem::new(OPTION, kind, what, remedy)
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
    /// What may be a secret and cannot be told from other text: hidden variables, values that
    /// command lines give to variables, scripts, and texts with a word such as `password`.
    MaybeSecret {
        /// Each with the step it stands in.
        places: Vec<String>,
    },
    /// More of the kind before, which are not told one by one.
    More {
        /// How many.
        count: usize,
    },
}

/// The first hundred, and how many more there are.
pub(super) fn at_most(mut notices: Vec<Notice>) -> Vec<Notice> {
    let count = notices.len().saturating_sub(MAX_TOLD);
    if count > 0 {
        notices.truncate(MAX_TOLD);
        notices.push(Notice::More { count });
    }
    notices
}

/// The first few of a list, and how many more there are.
pub(super) fn first_of(list: &[String], most: usize) -> String {
    let first = list.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(", ");
    match list.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
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
            Self::MaybeSecret { places } => write!(
                f,
                "secrets may stand in the task sequence where they cannot be told from other text: \
                 {}; look at these, as everybody who holds the media can read them",
                first_of(places, 10)
            ),
            Self::More { count } => write!(f, "there are {count} more of this kind"),
        }
    }
}
