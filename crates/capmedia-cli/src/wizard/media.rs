//! "Select media type": capture media; the other kinds are Configuration Manager's own.

use std::fmt;

use crate::exit::Failure;
use crate::wizard::ask::{Answer, select};
use crate::wizard::{Question, Turn, Wizard, screen};

pub(super) const QUESTIONS: [Question; 1] = [Question { options: &[], ask: media }];

#[derive(Clone, Copy)]
struct Media {
    name: &'static str,
    is_made_here: bool,
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.is_made_here { "" } else { " (not made here)" };
        write!(f, "{}{not}", self.name)
    }
}

fn media(_: &mut Wizard) -> Result<Turn, Failure> {
    screen::note(
        "Capture media captures the operating system of a reference computer into a WIM file. \
         Nothing is written before the summary is confirmed.",
    );
    loop {
        let media = [
            ("Capture media", true),
            ("Stand-alone media", false),
            ("Bootable media", false),
            ("Prestaged media", false),
        ];
        let media = media.map(|(name, is_made_here)| Media { name, is_made_here });
        match select("Select the type of media:", media.to_vec(), 0)? {
            Answer::Given(Media { is_made_here: true, .. }) => return Ok(Turn::On),
            Answer::Given(Media { name, .. }) => screen::note(&format!(
                "{name} needs a site server: make it in the Configuration Manager console, or with \
                 New-CM{}; capmedia makes capture media.",
                name.replace(['-', ' '], "").replace("media", "Media")
            )),
            Answer::Back => return Ok(Turn::Back),
        }
    }
}
