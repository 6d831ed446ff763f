//! What a test of a boot image tells, topic by topic; [`test_boot_image`](crate::test_boot_image)
//! makes it.

use std::fmt;

use dp_content::{AccessKind, ContentError};
use media_model::ConfigMgrError;
use serde::Serialize;

use crate::boot::driver_check::DriverError;
use crate::boot::manager::BootManagerError;
use crate::content::packages::content_error;
use crate::error::{Error, causes};
use crate::plan::resolve::ResolveError;

/// What is tested of a boot image, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BootImageTopic {
    /// Whether the file, or the distribution points, can be reached and read.
    Access,
    /// Whether what is there is a boot image, whole and ready for task sequences.
    Content,
    /// Whether the computers that the media is for start it.
    Architecture,
    /// Its drivers, and those that the request requires.
    Drivers,
    /// What firmware starts, and under whose certificates.
    BootManager,
}

impl BootImageTopic {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Access, Self::Content, Self::Architecture, Self::Drivers, Self::BootManager];

    /// In words, such as `boot manager`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Content => "content",
            Self::Architecture => "architecture",
            Self::Drivers => "drivers",
            Self::BootManager => "boot manager",
        }
    }
}

impl fmt::Display for BootImageTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a test went, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TestOutcome {
    /// All is well.
    Ok,
    /// Media can be made, and the operator should know something.
    Warning,
    /// `create` refuses it.
    Failed,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootImageFinding {
    /// What it is about.
    pub topic: BootImageTopic,
    /// Whether it is good.
    pub outcome: TestOutcome,
    /// What was found; where `create` would say the same, in its words, which end with what to do.
    pub text: String,
    /// What led to it, each for the one before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// What to do, where `text` does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    /// What Configuration Manager calls it, where it has a name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_mgr_error: Option<ConfigMgrError>,
}

/// What a test of a boot image found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BootImageTest {
    /// By topic. A topic without findings was not tested, because one before it failed.
    pub findings: Vec<BootImageFinding>,
}

impl BootImageTest {
    /// Whether nothing failed, so that media can be made of it.
    pub fn is_usable(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome != TestOutcome::Failed)
    }

    /// The worst outcome of a topic; `None` where it was not tested.
    pub fn outcome(&self, topic: BootImageTopic) -> Option<TestOutcome> {
        let of_topic = self.findings.iter().filter(|finding| finding.topic == topic);
        of_topic.map(|finding| finding.outcome).max()
    }
}

/// What is about to be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootImageTestStep<'a> {
    /// The topic.
    pub topic: BootImageTopic,
    /// What is waited for meanwhile: a file, or the names of locations.
    pub waits_for: &'a str,
}

impl BootImageFinding {
    pub(crate) fn new(
        topic: BootImageTopic,
        outcome: TestOutcome,
        text: impl Into<String>,
    ) -> Self {
        Self {
            topic,
            outcome,
            text: text.into(),
            because: Vec::new(),
            remedy: None,
            config_mgr_error: None,
        }
    }

    /// What an error says that ended the test of `topic`.
    pub(crate) fn failures(topic: BootImageTopic, error: &Error) -> Vec<Self> {
        if let Error::Packages(missing) = error {
            return missing
                .rows()
                .iter()
                .flat_map(|row| Self::of_row(&row.location, &row.why))
                .collect();
        }
        vec![Self {
            because: causes(error),
            remedy: remedy(error),
            config_mgr_error: error.config_mgr_error(),
            ..Self::new(topic, TestOutcome::Failed, error.to_string())
        }]
    }

    /// What a location says that does not give the package.
    fn of_row(location: &str, why: &ContentError) -> Vec<Self> {
        let topic = topic_of(why);
        let failed = Self {
            because: causes(why),
            remedy: remedy_of_content(why),
            config_mgr_error: why.config_mgr_error(),
            ..Self::new(topic, TestOutcome::Failed, why.to_string())
        };
        let answers = (topic == BootImageTopic::Content).then(|| {
            Self::new(BootImageTopic::Access, TestOutcome::Ok, format!("{location} answers"))
        });
        answers.into_iter().chain([failed]).collect()
    }
}

/// Whether what a location says is about the way there.
pub(crate) fn topic_of(why: &ContentError) -> BootImageTopic {
    if why.is_of_content() { BootImageTopic::Content } else { BootImageTopic::Access }
}

/// What to do about errors that do not end with it.
fn remedy(error: &Error) -> Option<&'static str> {
    use boot_image::BootImageError;
    if let Some(why) = content_error(error) {
        return remedy_of_content(why);
    }
    let of_image = |error: &BootImageError| match error {
        BootImageError::Open { .. }
        | BootImageError::Image { .. }
        | BootImageError::File { .. }
        | BootImageError::Read { .. } => Some(
            "give a whole Windows PE boot image (a .wim file): copy it again, or have Configuration \
             Manager make it again (Update Distribution Points)",
        ),
        BootImageError::Folder { .. } => Some("check the folder of --boot-files"),
        BootImageError::NoSuchImage { .. } => {
            Some("choose one of them with --boot-index, or leave that out")
        }
        _ => None,
    };
    match error {
        Error::Resolve(ResolveError::Open { .. }) => {
            Some("check the path, and that this account may read the file")
        }
        Error::Resolve(ResolveError::BootFiles { .. }) => Some("check the folder of --boot-files"),
        Error::Resolve(ResolveError::BootImage(error)) => of_image(error),
        Error::Resolve(ResolveError::BootManager(error)) => match &**error {
            BootManagerError::BootImage(error) => of_image(error),
            _ => None,
        },
        Error::Resolve(ResolveError::Drivers(
            DriverError::ReadList { .. } | DriverError::List { .. },
        )) => Some("check the file of --hwids"),
        Error::AccessFile { .. } => Some("check its path, and that this account may read it"),
        _ => None,
    }
}

fn remedy_of_content(why: &ContentError) -> Option<&'static str> {
    let access = match why {
        ContentError::Missing { .. } => {
            return Some("distribute the content there, or name another distribution point");
        }
        ContentError::NoLibrary { .. } => {
            return Some("check the name, or give the share or folder of a distribution point");
        }
        why => why.access()?,
    };
    match access.kind() {
        AccessKind::Unreachable(_) | AccessKind::Lost(_) | AccessKind::Stalled { .. } => {
            Some("check the name, the network and firewalls, or name another distribution point")
        }
        AccessKind::Server { .. } => Some("try again later, or name another distribution point"),
        AccessKind::NotFound | AccessKind::NoShare => Some("check the name of the location"),
        AccessKind::Denied(_) => Some("give an account that may read there with --user"),
        AccessKind::WrongPassword | AccessKind::Account(_) => {
            Some("check the account and its password")
        }
        AccessKind::Tls(_) => {
            Some("give the authority that vouches for the distribution point with --ca-file")
        }
        _ => None,
    }
}
