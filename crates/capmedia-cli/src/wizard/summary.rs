//! "Summary": the plan, and what may be done with it. Behind it media is made.

use std::fmt;
use std::io;

use capmedia::{Error, PublishError, map_text};
use media_model::{Problem, Shell};

use crate::consent::{Connected, Prompt};
use crate::drives;
use crate::exit::{Code, Failure};
use crate::picture;
use crate::print;
use crate::refreshed;
use crate::unicode;
use crate::wizard::ask::{self, Answer, cancelled, discard_input, select};
use crate::wizard::media_file::may_be_replaced;
use crate::wizard::planned::{self, Job, Place};
use crate::wizard::{PAGES, SUMMARY, Wizard, drives as choice_of_drives, page_of, save, screen};

/// Where the summary leads.
pub(super) enum Chosen {
    Create(Box<Job>),
    /// A page to go back to.
    Page(usize),
}

/// The page before.
const LAST: Chosen = Chosen::Page(PAGES.len() - 1);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Create,
    CommandLine,
    Save,
    Again,
    Page(usize),
    Cancel,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("Create the media"),
            Self::CommandLine => f.write_str("Show this job as one command line"),
            Self::Save => f.write_str("Save this job as a request file"),
            Self::Again => f.write_str("Try again"),
            Self::Page(at) => {
                write!(f, "Go back to the page: {}", PAGES.get(*at).map_or("", |page| page.name))
            }
            Self::Cancel => f.write_str("Cancel"),
        }
    }
}

pub(super) fn show(wizard: &mut Wizard) -> Result<Chosen, Failure> {
    loop {
        screen::header(PAGES.len() + 1, SUMMARY);
        let request = match wizard.request.check() {
            Ok(checked) => checked,
            Err(problems) => return with_problems(wizard, &problems),
        };
        let text = match wizard.request.to_toml() {
            Ok(text) => text,
            Err(problems) => return with_problems(wizard, &problems),
        };
        let request = match &wizard.file {
            Some(file) => request.with_read_file(file),
            None => request,
        };
        if !choice_of_drives::may_still_be_written(wizard)? {
            return Ok(Chosen::Page(page_of("path").unwrap_or_default()));
        }
        let job = match planned::plan(wizard, request, text)? {
            Answer::Back => return Ok(LAST),
            Answer::Given(Ok(job)) => job,
            Answer::Given(Err(failure)) => match without_plan(wizard, &failure)? {
                Some(chosen) => return Ok(chosen),
                None => continue,
            },
        };
        match may_begin(wizard, &job)? {
            May::Begin => {}
            May::PlanAgain => continue,
            May::GoBack => return Ok(LAST),
        }
        show_job(&job)?;
        if let Some(failure) = &wizard.failed {
            show_failed(failure);
        }
        let Some(chosen) = menu(wizard, job)? else { continue };
        return Ok(chosen);
    }
}

/// What can be done with media that is planned; nothing where it is to be planned again.
fn menu(wizard: &mut Wizard, job: Job) -> Result<Option<Chosen>, Failure> {
    use Choice::{Cancel, CommandLine, Create, Save};
    let mut job = Some(job);
    // Enter that is pressed once too often makes nothing.
    let mut at = 1;
    loop {
        discard_input()?;
        match select("What is to be done?", vec![Create, CommandLine, Save, Cancel], at)? {
            Answer::Back => return Ok(Some(LAST)),
            Answer::Given(CommandLine) => (at = 1, show_command_line(wizard)).1,
            Answer::Given(Save) => {
                save::ask(wizard)?;
                at = 2;
            }
            Answer::Given(Create) => {
                let Some(planned) = job.take() else { return Ok(None) };
                if agreed(wizard, &planned)? {
                    return Ok(Some(Chosen::Create(Box::new(planned))));
                }
                job = Some(planned);
                at = 1;
            }
            Answer::Given(_) => return Err(cancelled()),
        }
    }
}

/// Answers that do not go together.
fn with_problems(wizard: &mut Wizard, problems: &[Problem]) -> Result<Chosen, Failure> {
    screen::note("There is no plan yet, because of these answers:");
    problems.iter().for_each(screen::problem);
    let mut pages: Vec<usize> =
        problems.iter().filter_map(|problem| page_of(problem.option())).collect();
    pages.sort_unstable();
    pages.dedup();
    if pages.is_empty() {
        screen::note("They are of the request file: correct it there, and run the wizard again.");
    }
    let choices = pages.into_iter().map(Choice::Page).chain([Choice::Save, Choice::Cancel]);
    let choices: Vec<Choice> = choices.collect();
    loop {
        discard_input()?;
        match select("What is to be done?", choices.clone(), 0)? {
            Answer::Given(Choice::Page(page)) => return Ok(Chosen::Page(page)),
            Answer::Given(Choice::Save) => save::ask(wizard)?,
            Answer::Given(_) => return Err(cancelled()),
            Answer::Back => return Ok(LAST),
        }
    }
}

/// The answers are good, and the media cannot be made.
fn without_plan(wizard: &mut Wizard, failure: &Failure) -> Result<Option<Chosen>, Failure> {
    screen::note("The media cannot be made like this:");
    screen::failure(failure);
    use Choice::{Again, Cancel, CommandLine, Page, Save};
    let pages = [1, 2].map(Page);
    let choices: Vec<Choice> =
        { pages }.into_iter().chain([Again, CommandLine, Save, Cancel]).collect();
    loop {
        discard_input()?;
        match select("What is to be done?", choices.clone(), 0)? {
            Answer::Given(Page(page)) => return Ok(Some(Chosen::Page(page))),
            Answer::Given(Again) => return Ok(None),
            Answer::Given(CommandLine) => show_command_line(wizard),
            Answer::Given(Save) => save::ask(wizard)?,
            Answer::Given(_) => return Err(cancelled()),
            Answer::Back => return Ok(Some(LAST)),
        }
    }
}

enum May {
    Begin,
    PlanAgain,
    GoBack,
}

/// Whether the images could be put in place, or what is there may be replaced.
fn may_begin(wizard: &mut Wizard, job: &Job) -> Result<May, Failure> {
    let Place::Images(target) = &job.place else { return Ok(May::Begin) };
    let error = match job.media.check_target(target) {
        Ok(()) => return Ok(May::Begin),
        Err(error) => error,
    };
    discard_input()?;
    if let Error::Publish(PublishError::Exists { path }) = &error {
        return Ok(match may_be_replaced(wizard, path)? {
            true => May::PlanAgain,
            false => May::GoBack,
        });
    }
    match without_plan(wizard, &error.into())? {
        None => Ok(May::PlanAgain),
        Some(_) => Ok(May::GoBack),
    }
}

/// The plan: what is made, of what, what is lost by it, and what the operator should know.
fn show_job(job: &Job) -> io::Result<()> {
    let summary = job.media.summary();
    let mut text = Vec::new();
    print::summary(&mut text, summary)?;
    if let Place::Stick(planned) = &job.place {
        refreshed::show_planned(&mut text, planned)?;
    }
    screen::text(&text);
    screen::lines([""]);
    let is_unicode = unicode::is_shown(&io::stderr());
    screen::text(map_text(&job.media.map(), print::WIDTH, is_unicode).as_bytes());
    if let Place::Drives(drives) = &job.place {
        screen::lines(picture::unused(drives));
    }
    screen::lines([""]);
    match &job.place {
        Place::Drives(drives) => {
            screen::lines(["All that is on these drives will be erased:"]);
            let about = drives.drives().iter().flat_map(drives::about);
            screen::lines(about.map(|line| format!("  {line}")));
        }
        Place::Images(target) => {
            let paths = target.paths(job.media.volumes().count());
            screen::lines(paths.iter().map(|path| match path.exists() {
                true => format!("{} will be replaced, when all is whole.", path.display()),
                false => format!("{} will be made.", path.display()),
            }));
        }
        Place::Stick(_) => screen::lines(["Nothing but old media on the stick is replaced."]),
    }
    for warning in &summary.warnings {
        screen::warning(warning.as_str());
    }
    Ok(())
}

/// Why the media was not made when it was tried before.
fn show_failed(failure: &Failure) {
    screen::lines([""]);
    screen::note("The media was not made, and what was there is as it was:");
    let exists = failure.error().and_then(|error| match error.downcast_ref() {
        Some(Error::Publish(PublishError::Exists { path })) => Some(path),
        _ => None,
    });
    match exists {
        // Planned again, it was asked whether it may be replaced.
        Some(path) => screen::note(&format!("{} has come there meanwhile.", path.display())),
        None => screen::failure(failure),
    }
}

fn show_command_line(wizard: &Wizard) {
    let line = match wizard.request.command_line() {
        Ok(line) => line,
        Err(problems) => return problems.iter().for_each(screen::problem),
    };
    let shell = Shell::of_target();
    let options = wizard.consent().words();
    let with_options = |words: Vec<String>| -> Vec<String> {
        words.into_iter().chain(options.iter().map(ToString::to_string)).collect()
    };
    match line.quoted_words(shell).map(with_options) {
        Some(words) => {
            // The shells of Windows do not agree about how a line goes on: there the terminal breaks
            // it.
            match shell {
                Shell::Windows => screen::whole(&[words.join(" ")]),
                _ => screen::whole(&screen::continued(&words)),
            }
            if wizard.request.force {
                screen::note("--force replaces the media that exists, without a question.");
            }
            choice_of_drives::say_how_to_agree(wizard);
        }
        None => screen::note(
            "The answers hold characters that the shells here do not agree about; save a request \
             file, and give it to capmedia create --request.",
        ),
    }
}

/// Whether what will be erased may be.
fn agreed(wizard: &mut Wizard, job: &Job) -> Result<bool, Failure> {
    let Place::Drives(drives) = &job.place else { return Ok(true) };
    // What is mounted now may not have been when it was planned.
    if !choice_of_drives::may_still_be_written(wizard)? {
        return Ok(false);
    }
    let all = capmedia::media_device::System::new().drives();
    let all = all.map_err(|error| Failure::new(Code::Output, anyhow::Error::from(error)))?;
    let connected = Connected { erased: drives.drives(), all: &all };
    let mut prompt = Asking::default();
    let given = wizard.consent().obtain(connected, job.request.force(), &mut prompt);
    if let Some(failure) = prompt.ended {
        return Err(failure);
    }
    match given {
        Ok(_) => Ok(true),
        Err(error) => {
            screen::error(&error);
            Ok(false)
        }
    }
}

/// Asks for the names of drives.
#[derive(Default)]
struct Asking {
    /// Ctrl-C, or a terminal that is gone.
    ended: Option<Failure>,
}

impl Prompt for Asking {
    fn is_there(&self) -> bool {
        true
    }

    fn show(&mut self, lines: &[String]) -> io::Result<()> {
        screen::lines(lines);
        Ok(())
    }

    fn way_out(&self) -> &'static str {
        "Create the media again, or go back and choose another drive"
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        let asked = discard_input().and_then(|()| ask::text(question.trim_end(), "erases it", ""));
        match asked {
            Ok(Answer::Given(text)) => Ok(Some(text)),
            Ok(Answer::Back) => Ok(None),
            Err(failure) => {
                self.ended = Some(failure);
                Ok(None)
            }
        }
    }
}
