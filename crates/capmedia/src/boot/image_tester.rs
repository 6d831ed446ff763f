//! Tests a boot image as [`MediaPlan`](crate::MediaPlan) would use it, by the same steps: nothing is
//! decided here. A topic that fails ends those that need it, and no other.

use std::ops::ControlFlow;
use std::path::Path;

use boot_image::{BootImage, DeviceRole, DriverOrigin, DriverPackage, Drivers};
use dp_content::{Content, ContentError, ContentEvent};
use media_model::{BootImageSource, CheckedRequest, PackageId};

use crate::boot::driver_check;
use crate::boot::image_test::{
    BootImageFinding, BootImageTest, BootImageTestStep, BootImageTopic, TestOutcome, topic_of,
};
use crate::boot::index::{self, Opened};
use crate::boot::machines::Machines;
use crate::content::access::ContentAccess;
use crate::content::packages::{self, content_error};
use crate::error::{Blame, Error};
use crate::plan::inputs::BootImageFile;
use crate::plan::resolve::{Boot, ResolveError, look_at_boot_files};
use crate::plan::stick::DiskShape;
use crate::report::{ReportedEvent, Warning};
use crate::tree::runtime;

/// Looks at the boot image of a request, and at nothing else of it, before media is made: whether it can
/// be had, what it is, and whether computers start it. `told` hears what is tested next and waited for;
/// [`ContentAccess::with_observer`] hears what locations do meanwhile. Nothing is written, but for the
/// cache that the request may have.
///
/// The test ends when `told` breaks it off, and where a location is waited for when
/// [`ContentAccess::with_cancelled`] says so: give both the same answer.
///
/// # Errors
/// [`Error`] of [`Blame::Cancelled`] when it was told to end. Whatever else goes wrong is a finding.
pub fn test_boot_image(
    request: &CheckedRequest,
    access: &ContentAccess,
    told: &mut dyn FnMut(BootImageTestStep<'_>) -> ControlFlow<()>,
) -> Result<BootImageTest, Error> {
    let mut test = Test { request, told, findings: Vec::new(), failures: Vec::new() };
    let outcome = match (request.boot_image(), request.content()) {
        (BootImageSource::Package(id), Some(locations)) => match access.open(locations) {
            Ok(content) => {
                // As for media, another copy is taken where one is damaged.
                let outcome = packages::with_other_copies(&content, || test.package(&content, id));
                test.events(&content);
                outcome
            }
            Err(error) => Err(error),
        },
        // A request checked for a package names a location.
        (BootImageSource::File(path), _) => test.file(path),
        _ => Err(ContentError::NoLocation.into()),
    };
    test.end(outcome)
}

struct Test<'a> {
    request: &'a CheckedRequest,
    told: &'a mut dyn FnMut(BootImageTestStep<'_>) -> ControlFlow<()>,
    findings: Vec<BootImageFinding>,
    /// What failed so far; the first is handed on, since another copy may do without it.
    failures: Vec<(BootImageTopic, Option<Error>)>,
}

impl Test<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Error> {
        use BootImageTopic::Access;
        let shown = path.display().to_string();
        self.begin(Access, &shown)?;
        let file = look_at_boot_files(self.request).and_then(|()| BootImageFile::local(path));
        let Some(file) = self.try_of(Access, file)? else { return self.first_failure() };
        self.ok(Access, format!("{shown} can be read: {} bytes", file.source.len()));
        self.boot_image(&file, &shown)
    }

    fn package(&mut self, content: &Content, id: &PackageId) -> Result<(), Error> {
        use BootImageTopic::{Access, Content};
        self.findings.clear();
        self.failures.clear();
        let locations = content.locations().join(", ");
        self.begin(Access, &locations)?;
        if self.try_of(Access, look_at_boot_files(self.request))?.is_none() {
            return self.first_failure();
        }
        let found = content.find(std::slice::from_ref(id));
        let Some(package) = self.try_of(Access, found)?.and_then(|found| found.into_iter().next())
        else {
            return self.first_failure();
        };
        let (files, bytes) = (package.files().len(), package.bytes());
        let (location, content_id) = (package.location(), &package.package().content_id);
        self.ok(Access, format!("{location} answers and has {content_id}"));
        self.begin(Content, location)?;
        let mut warnings = Vec::new();
        let file = self.try_of(Content, packages::boot_image(&package, &mut warnings))?;
        self.warn(Content, warnings);
        let Some(file) = file else { return self.first_failure() };
        self.ok(Content, format!("{content_id} has {files} files, {bytes} bytes"));
        let outcome = self.boot_image(&file, location);
        if outcome.is_err() {
            // Whether a damaged copy is to blame is found by reading all of it.
            self.begin(Content, location)?;
        }
        outcome
    }

    /// All but the way to it.
    fn boot_image(&mut self, file: &BootImageFile, waits_for: &str) -> Result<(), Error> {
        use BootImageTopic::{Architecture, BootManager, Content, Drivers};
        let request = self.request;
        self.begin(Content, waits_for)?;
        let opened = index::open(file, request.boot_index()).map_err(ResolveError::from);
        let Some(Opened { image, warnings, .. }) = self.try_of(Content, opened)? else {
            return self.first_failure();
        };
        self.ok(Content, about(&image));
        self.warn(Content, warnings);

        self.begin(Architecture, waits_for)?;
        let machines = Machines::of(request, &image).map_err(ResolveError::from);
        let Some(machines) = self.try_of(Architecture, machines)? else {
            return self.first_failure();
        };
        self.ok(
            Architecture,
            format!(
                "{} is for {} computers, the media for {}",
                image.name(),
                machines.image,
                machines.target
            ),
        );
        self.warn(Content, runtime::doubts_about(&image, machines));

        self.begin(Drivers, waits_for)?;
        self.drivers(&image, machines)?;

        self.begin(BootManager, waits_for)?;
        let mut warnings = Vec::new();
        let shape = DiskShape::of_image(request);
        let boot = Boot::of(request, &shape, &image, machines, file.modified, &mut warnings);
        if let Some(boot) = self.try_of(BootManager, boot)? {
            let uefi = boot.starts.uefi;
            let firmware = boot.starts.bios.then_some("BIOS").into_iter().chain(uefi);
            let firmware = firmware.collect::<Vec<_>>().join(" and ");
            if !firmware.is_empty() {
                self.ok(BootManager, format!("the media starts by {firmware}"));
            }
            let manager = boot.boot_manager;
            for (place, loader) in manager.found.iter().zip(&manager.loaders) {
                let told = format!("{place}: {}", loader.secure_boot);
                match loader.signatures.is_empty() {
                    false => self.ok(BootManager, told),
                    // `create` takes it, and its report says the same.
                    true => self.warn(BootManager, [Warning::new(told)]),
                }
            }
            for note in manager.notes {
                self.ok(BootManager, note);
            }
        }
        self.warn(BootManager, warnings);
        self.first_failure()
    }

    fn drivers(&mut self, image: &BootImage, machines: Machines) -> Result<(), Error> {
        let topic = BootImageTopic::Drivers;
        let mut warnings = Vec::new();
        let drivers = image.drivers(machines.image);
        let devices = driver_check::check(self.request, image, &drivers, &mut warnings);
        if let Some(devices) = self.try_of(topic, devices.map_err(ResolveError::from))? {
            let needed = devices.iter().filter(|device| device.needed).count();
            self.ok(topic, counted(&drivers, needed));
        }
        self.warn(topic, warnings);
        Ok(())
    }

    /// What locations told on the way that somebody has to do something about.
    fn events(&mut self, content: &Content) {
        for event in content.events() {
            let topic = match &event {
                ContentEvent::NotThere { why, .. } => topic_of(why),
                ContentEvent::Unusable { .. } | ContentEvent::Cache { .. } => {
                    BootImageTopic::Access
                }
                _ => BootImageTopic::Content,
            };
            let event = ReportedEvent::from(&event);
            if event.is_warning() && self.findings.iter().all(|known| known.text != event.text) {
                self.warn(topic, [Warning::new(event.text)]);
            }
        }
    }

    fn end(mut self, outcome: Result<(), Error>) -> Result<BootImageTest, Error> {
        if let Err(error) = outcome {
            if error.blame() == Blame::Cancelled {
                return Err(error);
            }
            match self.failures.iter_mut().find(|(_, failure)| failure.is_none()) {
                // That a copy is damaged explains what was found wrong with it, whatever that was.
                Some(first) if content_error(&error).is_none() => first.1 = Some(error),
                Some(first) => *first = (BootImageTopic::Content, Some(error)),
                None => self.failures.push((BootImageTopic::Access, Some(error))),
            }
        }
        for (topic, error) in &self.failures {
            let findings = error.iter().flat_map(|error| BootImageFinding::failures(*topic, error));
            self.findings.extend(findings);
        }
        // Stable: within a topic they stay in order.
        self.findings.sort_by_key(|finding| finding.topic);
        Ok(BootImageTest { findings: self.findings })
    }

    fn begin(&mut self, topic: BootImageTopic, waits_for: &str) -> Result<(), Error> {
        match (self.told)(BootImageTestStep { topic, waits_for }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ContentError::Cancelled.into()),
        }
    }

    fn ok(&mut self, topic: BootImageTopic, text: impl Into<String>) {
        self.findings.push(BootImageFinding::new(topic, TestOutcome::Ok, text));
    }

    fn warn(&mut self, topic: BootImageTopic, warnings: impl IntoIterator<Item = Warning>) {
        let finding = |it: Warning| BootImageFinding::new(topic, TestOutcome::Warning, it.as_str());
        self.findings.extend(warnings.into_iter().map(finding));
    }

    /// `None` for an error, which is kept; one that was cancelled ends the test.
    fn try_of<T>(
        &mut self,
        topic: BootImageTopic,
        outcome: Result<T, impl Into<Error>>,
    ) -> Result<Option<T>, Error> {
        match outcome.map_err(Into::into) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.blame() == Blame::Cancelled => Err(error),
            Err(error) => {
                self.failures.push((topic, Some(error)));
                Ok(None)
            }
        }
    }

    fn first_failure(&mut self) -> Result<(), Error> {
        match self.failures.first_mut().and_then(|(_, error)| error.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What a boot image is.
fn about(image: &BootImage) -> String {
    let (name, index, images) = (image.name(), image.index(), image.wim().image_count());
    let version = image.info().and_then(|info| info.version);
    let version = version.map(|version| format!(", Windows PE {version}")).unwrap_or_default();
    format!("{name}: image {index} of {images} boots{version}")
}

fn counted(drivers: &Drivers, needed: usize) -> String {
    let count = |is: &dyn Fn(&DriverPackage) -> bool| {
        drivers.packages().iter().filter(|package| is(package)).count()
    };
    let of = |role| {
        count(&|package| package.class.as_ref().and_then(|class| class.role()) == Some(role))
    };
    let (network, storage) = (of(DeviceRole::Network), of(DeviceRole::Storage));
    let added = count(&|package| package.origin == DriverOrigin::Added);
    let all = drivers.packages().len();
    let text = format!(
        "{all} drivers, {added} of them added: {network} for network, {storage} for storage"
    );
    match needed {
        0 => text,
        needed => format!("{text}; those that {needed} required devices need are there"),
    }
}
