//! "Boot image": a file, or a package of a distribution point; tested before the next page.

use std::path::Path;

use capmedia::dp_content::{Credentials, Password};
use media_model::{CaptureMediaRequest, PackageId};

use crate::exit::Failure;
use crate::secret;
use crate::wizard::ask::{self, Answer, path, select, text};
use crate::wizard::media_type::some;
use crate::wizard::path_text::{shown, typed};
use crate::wizard::{Question, Turn, Wizard, boot_image_test, package, screen};

pub(super) const QUESTIONS: [Question; 7] = [
    Question { options: &[], ask: origin },
    Question { options: &["boot-image"], ask: file },
    Question { options: &[], ask: distribution_points },
    Question { options: &[], ask: account },
    Question { options: &[], ask: password },
    Question { options: &PACKAGE, ask: package::ask },
    Question { options: &[], ask: boot_image_test::ask },
];

/// What can be checked once it is known that something comes from distribution points.
const PACKAGE: [&str; 4] = ["distribution-point", "user", "password-file", "boot-image"];

/// Standard input as a file, on which the wizard asks.
const STDIN: &str = "-";

impl Wizard {
    /// Whether anything comes from distribution points.
    fn needs_content(&self) -> bool {
        self.from_package || !self.request.package.is_empty()
    }

    /// What was answered before, here or on a way that was left.
    fn before(&self, of: impl Fn(&media_model::CaptureMediaRequest) -> Option<String>) -> String {
        of(&self.request).or_else(|| of(&self.aside)).unwrap_or_default()
    }
}

fn origin(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let origins = vec!["A file (.wim)", "A package on a distribution point"];
    let at = usize::from(wizard.from_package);
    let Answer::Given(origin) = select("Boot image:", origins, at)? else {
        return Ok(Turn::Back);
    };
    wizard.from_package = origin != "A file (.wim)";
    if !wizard.needs_content() {
        wizard.put_aside("distribution-point");
    }
    Ok(Turn::On)
}

fn file(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if wizard.from_package {
        return Ok(Turn::Skip);
    }
    // The id of a package is no path.
    let before = wizard.request.boot_image.as_ref().filter(|path| package_id(path).is_none());
    let initial = before.map(shown).unwrap_or_default();
    let Answer::Given(given) = path("Boot image file:", "such as boot.x64.wim", &initial)? else {
        return Ok(Turn::Back);
    };
    wizard.request.boot_image = typed(&given);
    if !wizard.needs_content() {
        wizard.take_out(|option| option.is_of_content());
    }
    Ok(Turn::On)
}

/// Whether the boot image of a request file comes from a distribution point; where it names none, whatever
/// else could come from there tells.
pub(super) fn is_package(request: &CaptureMediaRequest) -> bool {
    let named = request.boot_image.as_deref().map(|path| package_id(path).is_some());
    !request.distribution_point.is_empty() && named.unwrap_or(request.package.is_empty())
}

pub(super) fn package_id(path: &Path) -> Option<PackageId> {
    PackageId::new(path.to_str()?).ok()
}

/// One line for each, the preferred one first, until one is empty.
fn distribution_points(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.needs_content() {
        return Ok(Turn::Skip);
    }
    let mut points = match &*wizard.request.distribution_point {
        [] => wizard.aside.distribution_point.clone(),
        points => points.to_vec(),
    };
    let mut at = 0_usize;
    loop {
        let initial = points.get(at).cloned().unwrap_or_default();
        let (question, about) = match at {
            0 => ("Distribution point:".to_owned(), r"http://dp, \\dp or a folder"),
            _ => {
                let number = at.saturating_add(1);
                (format!("Distribution point {number}:"), "if others fail; empty: none")
            }
        };
        match path(&question, about, &initial)? {
            Answer::Back => match at.checked_sub(1) {
                Some(before) => at = before,
                None => return Ok(Turn::Back),
            },
            Answer::Given(point) if point.is_empty() => {
                points.truncate(at);
                break;
            }
            Answer::Given(point) => {
                points.truncate(points.len().max(at));
                match points.get_mut(at) {
                    Some(slot) => *slot = point,
                    None => points.push(point),
                }
                at = at.saturating_add(1);
            }
        }
    }
    wizard.request.distribution_point = points;
    if wizard.request.distribution_point.is_empty() {
        screen::note("Give the distribution point that has the package.");
        return distribution_points(wizard);
    }
    let problems = wizard.content_problems("distribution-point");
    problems.iter().for_each(screen::problem);
    if problems.is_empty() { Ok(Turn::On) } else { distribution_points(wizard) }
}

fn account(wizard: &mut Wizard) -> Result<Turn, Failure> {
    if !wizard.needs_content() {
        return Ok(Turn::Skip);
    }
    let before = wizard.before(|request| request.user.clone());
    let about = r"DOMAIN\NAME that may read there; empty: none";
    let Answer::Given(user) = text("Account:", about, &before)? else { return Ok(Turn::Back) };
    wizard.request.user = some(user);
    let problems = wizard.content_problems("user");
    if !problems.is_empty() {
        problems.iter().for_each(screen::problem);
        return account(wizard);
    }
    if wizard.request.user.is_none() {
        wizard.put_aside("password-file");
    }
    Ok(Turn::On)
}

fn password(wizard: &mut Wizard) -> Result<Turn, Failure> {
    let Some(user) = wizard.request.user.clone().filter(|_| wizard.needs_content()) else {
        wizard.account = None;
        return Ok(Turn::Skip);
    };
    if wizard.request.password_file.as_deref() == Some(Path::new(STDIN)) {
        wizard.request.password_file = None;
    }
    match secret::not_asked_for(&user, wizard.request.password_file.as_deref()) {
        Ok(Some(found)) => {
            wizard.account = Some((user, found));
            return Ok(Turn::Skip);
        }
        Ok(None) => {}
        // It is asked for then.
        Err(failure) => failure.lines().iter().for_each(|line| screen::note(line)),
    }
    let known = wizard.account.as_ref().is_some_and(|(known, _)| *known == user);
    let same = if known { " (empty: as before)" } else { "" };
    loop {
        let question = format!("Password of {}{same}:", screen::clipped(&user, 40));
        match ask::password(&question)? {
            Answer::Back => return Ok(Turn::Back),
            Answer::Given(password) if password.is_empty() && known => return Ok(Turn::On),
            Answer::Given(password) if password.is_empty() => {
                screen::note("Give the password, or go back and leave the account empty.");
            }
            Answer::Given(password) => {
                let found = Credentials::new(&user, Password::new(password));
                wizard.account = Some((user, found));
                return Ok(Turn::On);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_file_tells_where_the_boot_image_is_from() {
        let of = |boot_image: &str| {
            let request = CaptureMediaRequest::new(boot_image, "usb", "a.img");
            request.with_distribution_point("http://dp").with_package("PS100012=Tools")
        };
        for (name, expected) in [("PS100005", true), ("./PS100005", false), ("boot.wim", false)] {
            assert_eq!(is_package(&of(name)), expected, "{name}");
        }
        assert!(!is_package(&CaptureMediaRequest::new("PS100005", "usb", "a.img")));
        let dp = "http://dp";
        assert!(is_package(&CaptureMediaRequest::default().with_distribution_point(dp)));
    }
}
