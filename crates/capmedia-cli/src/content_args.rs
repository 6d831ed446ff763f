//! Where packages come from, for verbs that make no media: those options of a request, under the same
//! names, and what all of these verbs share.

use capmedia::dp_content::{Content, ContentEvent};
use capmedia::{ContentAccess, DriveTargets, MediaPlan, RefreshTarget, Target};
use clap::{ArgMatches, Command};
use media_model::{CaptureMediaRequest, CheckedContent, CheckedRequest};

use crate::events;
use crate::exit::Failure;
use crate::log::{Log, LogArgs};
use crate::progress::Waiting;
use crate::request::{arg, set};
use crate::secret::credentials;
use crate::signals::{catch_signals, ended_at_once, is_cancelled};
use crate::told::Told;

/// The options that all content verbs have.
#[derive(clap::Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) locations: LocationArgs,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing but the result and errors.
    #[arg(long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// Where packages come from.
pub(crate) struct LocationArgs {
    matches: ArgMatches,
}

impl clap::Args for LocationArgs {
    fn augment_args(command: Command) -> Command {
        let mut request = CaptureMediaRequest::default();
        let options =
            request.options_mut().into_iter().filter(|(option, _)| option.is_of_content());
        command.args(options.map(|(option, slot)| arg(&option, &slot)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for LocationArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.matches = matches.clone();
        Ok(())
    }
}

impl LocationArgs {
    /// What the options say, and the same as text for a log.
    pub(crate) fn check(&self) -> Result<(CheckedContent, String), Failure> {
        let mut request = CaptureMediaRequest::default();
        let mut problems = Vec::new();
        for (option, slot) in request.options_mut() {
            if option.is_of_content()
                && let Err(problem) = set(&self.matches, &option, slot)
            {
                problems.push(problem);
            }
        }
        let checked = match request.check_content() {
            Ok(checked) if problems.is_empty() => checked,
            Ok(_) => return Err(Failure::problems(problems)),
            Err(others) => {
                problems.extend(others);
                return Err(Failure::problems(problems));
            }
        };
        Ok((checked, request.to_toml().map_err(Failure::problems)?))
    }
}

impl Common {
    /// Whether the result goes to a program.
    pub(crate) fn for_programs(&self) -> bool {
        self.json || events::is_on()
    }

    /// What is told of a run.
    pub(crate) fn told(&self, log: &Log) -> Told {
        Told::new(log, !self.for_programs() && !self.quiet)
    }
}

/// The content of a request: asks for the password where there is an account, and tells of events as
/// they come.
pub(crate) fn open(content: &CheckedContent, told: &Told) -> Result<Content, Failure> {
    open_with(content, told, ContentAccess::new(), |_| true)
}

/// The same for a run whose result has what is wrong with each location: no event tells that before.
pub(crate) fn open_for_list(content: &CheckedContent, told: &Told) -> Result<Content, Failure> {
    let hears = |event: &ContentEvent| !matches!(event, ContentEvent::Unusable { .. });
    open_with(content, told, ContentAccess::new(), hears)
}

fn open_with(
    content: &CheckedContent,
    told: &Told,
    access: ContentAccess,
    hears: fn(&ContentEvent) -> bool,
) -> Result<Content, Failure> {
    let user = content.user().map(ToString::to_string);
    let found = credentials(user.as_deref(), content.password_file())?;
    // Not before the password was asked for: a signal must end the question.
    catch_signals();
    let told = told.clone();
    let tell = move |event: &ContentEvent| {
        if hears(event) {
            told.event(event)
        }
    };
    let mut access = access.with_observer(tell).with_cancelled(is_cancelled);
    if let Some(found) = found {
        access = access.with_credentials(found);
    }
    Ok(access.open(content)?)
}

/// Shows on a terminal that packages are looked for, unless `quiet`.
pub(crate) fn looking(content: &Content, quiet: bool) -> Waiting {
    let locations = content.locations().join(", ");
    let clean: String = locations.chars().filter(|c| !c.is_control()).collect();
    Waiting::new(format!("Looking for packages at {clean}"), quiet)
}

/// The plan of the media, for `drives` where it goes onto some, with its content where it has some;
/// the terminal shows what is done unless `quiet`.
pub(crate) fn plan(
    request: &CheckedRequest,
    drives: Option<&DriveTargets>,
    told: &Told,
    quiet: bool,
) -> Result<MediaPlan, Failure> {
    let plan = |content: Option<&Content>| match (drives, content) {
        (Some(drives), content) => MediaPlan::for_drives(request, content, drives),
        (None, Some(content)) => MediaPlan::with_content(request, content),
        (None, None) => MediaPlan::new(request),
    };
    // What went into a pipe cannot be written again.
    let pipe = drives.is_none() && Target::of(request).is_none_or(|target| target.is_stream());
    planned(request, pipe, told, quiet, plan)
}

/// The plan of media that is put onto `target` without formatting.
pub(crate) fn plan_refresh(
    request: &CheckedRequest,
    target: &RefreshTarget,
    told: &Told,
    quiet: bool,
) -> Result<MediaPlan, Failure> {
    let plan = |content: Option<&Content>| MediaPlan::for_refresh(request, content, target);
    planned(request, false, told, quiet, plan)
}

fn planned(
    request: &CheckedRequest,
    check_cache_first: bool,
    told: &Told,
    quiet: bool,
    plan: impl Fn(Option<&Content>) -> Result<MediaPlan, capmedia::Error>,
) -> Result<MediaPlan, Failure> {
    events::plan();
    let Some(content) = request.content() else { return Ok(plan(None)?) };
    let access = ContentAccess::new().with_cache_checked_first(check_cache_first);
    let content = open_with(content, told, access, |_| true)?;
    let _bar = looking(&content, quiet);
    // It asks between two questions to a location, and not while it looks at files of this machine.
    Ok(ended_at_once(|| plan(Some(&content)))?)
}
