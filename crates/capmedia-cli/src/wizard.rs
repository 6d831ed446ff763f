//! `capmedia wizard`: the pages that an administrator knows from Configuration Manager, on a terminal.
//!
//! ```text
//! pages ─► CaptureMediaRequest ─check─► plan ─► Summary ─(confirmed)─► what `create` does ─► result
//! ```
//!
//! The answers are a request and nothing else, but for the password, which is kept in memory, and
//! what may be done to drives. What is right, and what to do about what is wrong, the library says:
//! each answer is checked by it at once. Nothing is touched before the summary is confirmed.

mod ask;
mod boot_image;
mod boot_image_test;
mod capture;
mod completion;
mod drives;
mod line;
mod list;
mod media;
mod media_file;
mod media_type;
mod overview;
mod package;
mod path_text;
mod planned;
mod progress;
mod prompt;
mod save;
mod screen;
mod summary;
#[cfg(unix)]
mod suspend;
mod wait;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use anyhow::anyhow;
use capmedia::dp_content::Credentials;
use media_model::{CaptureMediaRequest, Problem, ProblemKind, RequestOption, Slot};

use crate::exit::{Code, Failure};
use crate::log::LogArgs;
use crate::request;
use crate::wizard::drives::Granted;
use crate::wizard::progress::Ended;
use crate::wizard::summary::Chosen;
use crate::wizard::wait::Ears;
use crate::{signals, terminal};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A request file whose answers are filled in, as capmedia create --request reads it
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
}

/// What is answered so far.
struct Wizard {
    request: CaptureMediaRequest,
    /// Answers that were taken out because they said nothing about the media: offered again where
    /// they do.
    aside: CaptureMediaRequest,
    /// The request file, which the media must not replace.
    file: Option<PathBuf>,
    /// The account that reads packages, with its password.
    account: Option<(String, Credentials)>,
    /// The answers as they stand in a request file.
    saved: Option<CaptureMediaRequest>,
    /// What may be done to single drives, beside erasing them.
    granted: Granted,
    /// Files that may be replaced by the media, and no others.
    replaced: BTreeSet<PathBuf>,
    /// Why the media was not made the last time, which changed nothing; and whether that was told.
    failed: Option<(Failure, bool)>,
    ears: Ears,
    log: LogArgs,
    /// Whether the boot image is a package; asked before its id.
    from_package: bool,
}

/// Where an answer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    On,
    Back,
    /// There was nothing to ask.
    Skip,
}

/// One question, or some that belong together.
struct Question {
    /// The options that it answers.
    options: &'static [&'static str],
    ask: fn(&mut Wizard) -> Result<Turn, Failure>,
}

struct Page {
    name: &'static str,
    questions: &'static [Question],
}

const SELECT_MEDIA_TYPE: &str = "Select media type";
const SUMMARY: &str = "Summary";
const PROGRESS: &str = "Progress";
const COMPLETION: &str = "Completion";

/// The pages that ask; behind them are [`SUMMARY`], [`PROGRESS`] and [`COMPLETION`].
const PAGES: [Page; 4] = [
    Page { name: SELECT_MEDIA_TYPE, questions: &media::QUESTIONS },
    Page { name: "Media type", questions: &media_type::QUESTIONS },
    Page { name: "Boot image", questions: &boot_image::QUESTIONS },
    Page { name: "Capture settings", questions: &capture::QUESTIONS },
];

/// All pages.
const STEPS: usize = PAGES.len() + 3;

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let error = anyhow!(
            "the wizard asks its questions on a terminal, and there is none; use capmedia create, \
             which takes all answers as options or from --request FILE"
        );
        return Err(Failure::new(Code::Request, error));
    }
    let request = request::answers(args.request.as_deref())?;
    // Before there is another thread.
    #[cfg(unix)]
    suspend::set_up();
    signals::watch_questions(|| Some(save::unchanged()));
    terminal::restore_on_panic();
    #[cfg(unix)]
    signals::watch_terminal();
    ask::set_up();
    let mut wizard = Wizard {
        from_package: boot_image::is_package(&request),
        aside: CaptureMediaRequest::default(),
        file: args.request.clone(),
        account: None,
        saved: args.request.is_some().then(|| save::to_save(&request)),
        granted: Granted::default(),
        replaced: replaced_by(&request),
        failed: None,
        ears: Ears::default(),
        log: args.log.clone(),
        request,
    };
    let ended = wizard.run();
    // Who cancels after that was told why, and the exit code tells, too.
    let ended = match wizard.failed.as_ref().map(|(failure, _)| failure.code()) {
        Some(code) => ended.map_err(|failure| match failure.code() {
            Code::Cancelled => failure.with_code(code),
            _ => failure,
        }),
        None => ended,
    };
    // What it says at the end fits into the terminal, too.
    Ok(ended.unwrap_or_else(screen::end))
}

impl Wizard {
    fn run(&mut self) -> Result<Code, Failure> {
        let mut at = 0;
        loop {
            let Some(page) = PAGES.get(at) else {
                match summary::show(self)? {
                    Chosen::Create(job) => {
                        // What comes of it counts, and no more what came before.
                        self.failed = None;
                        match progress::run(self, *job)? {
                            Ended::Made(code) => return Ok(code),
                            Ended::Untouched(failure) => {
                                self.ears = Ears::default();
                                self.failed = Some((failure, false));
                            }
                        }
                    }
                    Chosen::Page(page) => at = page,
                }
                continue;
            };
            screen::header(at.saturating_add(1), page.name);
            at = match self.walk(page.questions)? {
                Turn::Back if at == 0 => {
                    screen::note("This is the first page; Ctrl-C cancels.");
                    0
                }
                Turn::Back => at.saturating_sub(1),
                Turn::On | Turn::Skip => at.saturating_add(1),
            };
        }
    }

    /// Asks the questions of a page, forth and back.
    fn walk(&mut self, questions: &[Question]) -> Result<Turn, Failure> {
        let mut at = 0_usize;
        let mut forth = true;
        while let Some(question) = questions.get(at) {
            match (question.ask)(self)? {
                Turn::On => {
                    forth = true;
                    let problems = self.problems(question.options);
                    if problems.is_empty() {
                        at = at.saturating_add(1);
                    }
                    problems.iter().for_each(screen::problem);
                }
                Turn::Skip if forth => at = at.saturating_add(1),
                Turn::Skip | Turn::Back => {
                    forth = false;
                    match at.checked_sub(1) {
                        Some(before) => at = before,
                        None => return Ok(Turn::Back),
                    }
                }
            }
        }
        Ok(Turn::On)
    }

    /// What the library finds wrong with these options.
    fn problems(&self, options: &[&str]) -> Vec<Problem> {
        let found = self.request.check().err().unwrap_or_default();
        found.into_iter().filter(|problem| options.contains(&problem.option())).collect()
    }

    /// Takes out answers that say nothing about media of this kind, of those that `may_go`, and tells
    /// of each.
    fn take_out(&mut self, may_go: impl Fn(&RequestOption) -> bool) {
        let may_go: Vec<&str> =
            RequestOption::all().iter().filter(|it| may_go(it)).map(RequestOption::name).collect();
        // One may need another.
        for _ in 0..4 {
            let found = self.request.check().err().unwrap_or_default();
            let out = |problem: &&Problem| {
                problem.kind() == ProblemKind::NotApplicable && may_go.contains(&problem.option())
            };
            let out: Vec<&Problem> = found.iter().filter(out).collect();
            if out.is_empty() {
                return;
            }
            for problem in out {
                screen::note(&format!("Left out: --{} ({})", problem.option(), problem.what()));
                self.put_aside(problem.option());
            }
        }
    }

    /// Takes an answer out and remembers it.
    fn put_aside(&mut self, name: &str) {
        let given = self.request.options_mut();
        for ((option, from), (_, to)) in given.into_iter().zip(self.aside.options_mut()) {
            if option.name() == name {
                exchange(from, to);
            }
        }
    }
}

/// What a request lets be replaced.
fn replaced_by(request: &CaptureMediaRequest) -> BTreeSet<PathBuf> {
    request.path.iter().filter(|_| request.force).cloned().collect()
}

/// Moves an answer, and leaves none where it was; where there is none, what was moved before stays.
fn exchange(from: Slot<'_>, to: Slot<'_>) {
    match (from, to) {
        (Slot::Flag(from), Slot::Flag(to)) => *to |= std::mem::take(from),
        (Slot::Text(from), Slot::Text(to)) => *to = from.take().or(to.take()),
        (Slot::Path(from), Slot::Path(to)) => *to = from.take().or(to.take()),
        (Slot::Number(from), Slot::Number(to)) => *to = from.take().or(to.take()),
        (Slot::Paths(from), Slot::Paths(to)) if !from.is_empty() => *to = std::mem::take(from),
        (Slot::List(from), Slot::List(to)) if !from.is_empty() => *to = std::mem::take(from),
        // Nothing to move; both come from one list of options.
        _ => {}
    }
}

/// The page that asks for an option.
fn page_of(option: &str) -> Option<usize> {
    PAGES
        .iter()
        .position(|page| page.questions.iter().any(|question| question.options.contains(&option)))
}

/// What the library knows of an option.
fn option(name: &str) -> Option<RequestOption> {
    RequestOption::all().into_iter().find(|option| option.name() == name)
}

#[cfg(test)]
mod tests;
