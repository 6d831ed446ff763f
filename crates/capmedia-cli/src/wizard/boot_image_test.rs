//! The boot image is tested: access, content, architecture, drivers, boot manager.

use std::ops::ControlFlow;

use capmedia::{BootImageFinding, BootImageTest, ContentAccess, TestOutcome, test_boot_image};

use crate::exit::Failure;
use crate::wizard::ask::{Answer, select};
use crate::wizard::wait::{Work, wait};
use crate::wizard::{Turn, Wizard, screen};

pub(super) fn ask(wizard: &mut Wizard) -> Result<Turn, Failure> {
    loop {
        let checked = match wizard.request.check() {
            Ok(checked) => checked,
            Err(problems) => {
                screen::note("The boot image was not tested, because of other answers:");
                problems.iter().for_each(screen::problem);
                return go_on_or_back();
            }
        };
        let access = wizard.access();
        let tested = wait("Testing the boot image", &wizard.ears, move |work| {
            test_boot_image(&checked, &access(work), &mut |step| {
                work.at(&format!("{}: {}", step.topic, step.waits_for));
                if work.is_left() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        })?;
        let test = match tested {
            Answer::Back => {
                screen::note("The test was left.");
                return Ok(Turn::Back);
            }
            Answer::Given(Ok(test)) => test,
            Answer::Given(Err(error)) => {
                screen::error(&error.into());
                return go_on_or_back();
            }
        };
        show(&test);
        if test.is_usable() {
            return Ok(Turn::On);
        }
        let choices = vec![AGAIN, GO_ON];
        match select("The boot image cannot be used as it is:", choices, 0)? {
            Answer::Given(AGAIN) => {}
            Answer::Given(_) => return Ok(Turn::On),
            Answer::Back => return Ok(Turn::Back),
        }
    }
}

const AGAIN: &str = "Test it again";
const GO_ON: &str = "Go on nevertheless";

fn go_on_or_back() -> Result<Turn, Failure> {
    Ok(match select("The boot image was not tested:", vec![GO_ON], 0)? {
        Answer::Given(_) => Turn::On,
        Answer::Back => Turn::Back,
    })
}

impl Wizard {
    /// The way to distribution points, for work that ends when nobody waits for it.
    pub(super) fn access(&self) -> impl Fn(&Work) -> ContentAccess + Send + 'static {
        let (ears, account) = (self.ears.clone(), self.account.clone());
        move |work| {
            let (ears, work) = (ears.clone(), work.clone());
            let access = ContentAccess::new()
                .with_observer(move |event| ears.event(event))
                .with_cancelled(move || work.is_left());
            match &account {
                Some((_, account)) => access.with_credentials(account.clone()),
                None => access,
            }
        }
    }
}

fn show(test: &BootImageTest) {
    for finding in &test.findings {
        screen::lines(lines(finding));
    }
}

/// A finding in lines: how it went, what it is about, what was found, why, and what to do.
fn lines(finding: &BootImageFinding) -> Vec<String> {
    let word = match finding.outcome {
        TestOutcome::Ok => "ok",
        TestOutcome::Warning => "warning",
        _ => "FAILED",
    };
    let name = finding.config_mgr_error.map(|name| format!(" [{name}]")).unwrap_or_default();
    let start = format!("  {word:<8} ");
    let mut lines =
        screen::folded(&format!("{}: {}{name}", finding.topic, finding.text), &start, INDENT);
    for cause in &finding.because {
        lines.extend(screen::folded(&format!("because: {cause}"), &" ".repeat(INDENT), INDENT));
    }
    if let Some(remedy) = finding.remedy {
        lines.extend(screen::folded(remedy, &" ".repeat(INDENT), INDENT));
    }
    lines
}

/// Columns before what was found.
const INDENT: usize = 11;
