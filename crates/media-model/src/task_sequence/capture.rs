//! The built-in capture sequence (configmgr-media 3.3 and 3.4).

use super::model::{Group, Node, Sequence, Step, Variable, VariableList};
use super::secret::Secret;
use super::unconfirmed::{GROUP_NAME, WRITTEN_EMPTY};
use super::value::{
    CaptureAccount, CaptureDestination, ImageCreator, ImageDescription, ImageVersion,
};
use super::word::{RunIn, StepType};

/// The variable of the account's password, and its WMI property.
pub(super) const PASSWORD_VARIABLE: &str = "OSDCaptureAccountPassword";
const PASSWORD_PROPERTY: &str = "CapturePassword";

/// What the capture step is told. Everything may be left out: what is not here must be set as a task
/// sequence variable when the sequence runs, and [`Sequence::notices`] says so.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct CaptureOptions {
    destination: Option<CaptureDestination>,
    account: Option<CaptureAccount>,
    password: Option<Secret>,
    creator: Option<ImageCreator>,
    description: Option<ImageDescription>,
    version: Option<ImageVersion>,
}

impl CaptureOptions {
    /// Nothing told.
    pub fn new() -> Self {
        Self::default()
    }

    /// With where the image goes.
    pub fn with_destination(mut self, destination: CaptureDestination) -> Self {
        self.destination = Some(destination);
        self
    }

    /// With the account that may write there.
    pub fn with_account(mut self, account: CaptureAccount) -> Self {
        self.account = Some(account);
        self
    }

    /// With who made the image.
    pub fn with_creator(mut self, creator: ImageCreator) -> Self {
        self.creator = Some(creator);
        self
    }

    /// With what the image is.
    pub fn with_description(mut self, description: ImageDescription) -> Self {
        self.description = Some(description);
        self
    }

    /// With the version of the image.
    pub fn with_version(mut self, version: ImageVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// With the account's password, **which everybody who holds the media can then read**: it
    /// stands in the sequence as it is. Nothing else puts a password there.
    pub fn with_stored_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Whether a password will be in the sequence.
    pub fn stores_password(&self) -> bool {
        self.password.is_some()
    }

    /// Whether there is a password and no account it could belong to. In a request that is a
    /// conflict.
    pub fn has_password_without_account(&self) -> bool {
        self.password.is_some() && self.account.is_none()
    }

    /// The built-in sequence: prepare the client, prepare Windows, capture.
    pub fn sequence(&self) -> Sequence {
        let client = Step::new(
            StepType::PREPARE_CLIENT,
            "Prepare ConfigMgr Client for Capture",
            "osdpreparesmsclient.exe",
        );
        let windows = Step::new(
            StepType::PREPARE_WINDOWS,
            "Prepare Windows for Capture",
            "osdprepareos.exe /activate:%OSDKeepActivation% /bmsd:%OSDBuildStorageDriverList%",
        )
        .with_variable(variable("OSDBuildStorageDriverList", "BuildStorageDriverList", "false"))
        .with_variable(variable("OSDKeepActivation", "KeepActivation", "false"));
        let mut capture = Step::new(
            StepType::CAPTURE,
            "Capture Operating System Image",
            "osdcapturesystemimage.exe",
        );
        for (name, property) in WRITTEN_EMPTY {
            capture.variables.set(variable(name, property, ""));
        }
        let mut sequence = Sequence::new().with_node(
            Group::new(GROUP_NAME)
                .with_node(client.with_run_in(RunIn::FULL_OS))
                .with_node(windows.with_run_in(RunIn::FULL_OS))
                .with_node(capture.with_run_in(RunIn::WIN_PE)),
        );
        self.apply_to(&mut sequence);
        sequence
    }

    /// Puts the options that are given into every capture step of a sequence that is enabled, in
    /// place of what stands there, and leaves the others alone.
    ///
    /// Where another account takes the place of one and no password is given, the password of the
    /// one before goes: it is not the new one's.
    pub fn apply_to(&self, sequence: &mut Sequence) -> Applied {
        let shared = &sequence.global_variables;
        let shared = shared.value(CaptureAccount::VARIABLE).map(str::to_owned);
        let mut applied = Applied::default();
        self.apply_to_nodes(&mut sequence.nodes, shared.as_deref(), &mut applied);
        if applied.other_account && take_password(&mut sequence.global_variables) {
            applied.passwords_removed += 1;
        }
        applied
    }

    fn apply_to_nodes(&self, nodes: &mut [Node], shared: Option<&str>, applied: &mut Applied) {
        for node in nodes {
            match node {
                Node::Group(group) if group.disable != Some(true) => {
                    self.apply_to_nodes(&mut group.nodes, shared, applied);
                }
                Node::Step(step) if step.is_capture() && step.disable != Some(true) => {
                    applied.steps += 1;
                    if self.replaces_account(step, shared) {
                        applied.other_account = true;
                        applied.passwords_removed +=
                            usize::from(take_password(&mut step.variables));
                    }
                    self.apply_to_step(step);
                }
                Node::Group(_) | Node::Step(_) | Node::Other(_) => {}
            }
        }
    }

    /// Whether the step gets an account it did not have, and no password of it.
    fn replaces_account(&self, step: &Step, shared: Option<&str>) -> bool {
        let before = step.variables.value(CaptureAccount::VARIABLE).or(shared).unwrap_or_default();
        self.password.is_none()
            && self.account.as_ref().is_some_and(|new| !new.as_str().eq_ignore_ascii_case(before))
    }

    fn apply_to_step(&self, step: &mut Step) {
        let mut set = |name, property, value: Option<&str>| {
            if let Some(value) = value {
                step.variables.set(variable(name, property, value));
            }
        };
        let Self { destination, account, password, creator, description, version } = self;
        let destination = destination.as_ref().map(CaptureDestination::as_str);
        set(CaptureDestination::VARIABLE, CaptureDestination::PROPERTY, destination);
        let account = account.as_ref().map(CaptureAccount::as_str);
        set(CaptureAccount::VARIABLE, CaptureAccount::PROPERTY, account);
        let password = password.as_ref().map(Secret::expose);
        set(PASSWORD_VARIABLE, PASSWORD_PROPERTY, password);
        let creator = creator.as_ref().map(ImageCreator::as_str);
        set(ImageCreator::VARIABLE, ImageCreator::PROPERTY, creator);
        let description = description.as_ref().map(ImageDescription::as_str);
        set(ImageDescription::VARIABLE, ImageDescription::PROPERTY, description);
        let version = version.as_ref().map(ImageVersion::as_str);
        set(ImageVersion::VARIABLE, ImageVersion::PROPERTY, version);
    }
}

/// What [`CaptureOptions::apply_to`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// Capture steps that are enabled.
    pub steps: usize,
    /// Passwords taken out because they belonged to another account.
    pub passwords_removed: usize,
    other_account: bool,
}

/// Takes the capture account's password out, and says whether there was one.
fn take_password(list: &mut VariableList) -> bool {
    let mut held = false;
    list.variables.retain(|variable| {
        let is_it = variable.is_named(PASSWORD_VARIABLE);
        held |= is_it && !variable.value.trim().is_empty();
        !is_it
    });
    held
}

fn variable(name: &str, property: &str, value: &str) -> Variable {
    Variable::new(name, value).with_property(property)
}
