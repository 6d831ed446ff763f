//! Fills the report on a boot image. Nothing of it fails: what cannot be told is said in its section.

use std::sync::Arc;

use bcd_store::Firmware;
use boot_image::{
    Architecture, BootFile, BootFileSearch, BootFiles, BootImage, BootImageError, BootManager,
    BootSet, Components, Found, Missing, RuntimeState, Shell,
};
use extent_image::Source;
use media_model::BootManagerChoice;
use wim_image::{ImageInfo, Wim};

use crate::boot::certificate;
use crate::boot::configuration;
use crate::boot::image_drivers::drivers_report;
use crate::boot::image_report::{
    ArchitectureReport, BootFileInspection, BootImageReport, BootManagerOption, BootManagerReport,
    ComponentEvidence, ComponentReport, ComponentsReport, ImageChoice, MediaReport,
    MissingInspection, OwnBootConfiguration, RuntimeReport, WimContent, WindowsReport,
};
use crate::boot::manager::{BootManagerError, Candidates};
use crate::error::chain;

/// What a WIM is beyond the list of its images.
pub(crate) struct Surveyed {
    pub(crate) content: WimContent,
    pub(crate) problems: Vec<String>,
    /// `None` when it is no boot image or cannot be read.
    pub(crate) boot_image: Option<SurveyedImage>,
}

/// A boot image, and what media would get of it.
pub(crate) struct SurveyedImage {
    /// When XML and boot manager agree.
    pub(crate) architecture: Option<String>,
    pub(crate) boot_files: Vec<BootFileInspection>,
    pub(crate) missing: Vec<MissingInspection>,
    pub(crate) report: BootImageReport,
}

/// Tells what a WIM is.
pub(crate) fn survey(wim: Wim) -> Surveyed {
    let mut found = Surveyed { content: WimContent::Data, problems: Vec::new(), boot_image: None };
    let Some((index, chosen)) = choose(&wim) else { return found };
    let by_xml = content_by_xml(&wim, index);
    let name = wim.describe();
    let image = match BootImage::with_index(wim, index) {
        Ok(image) => image,
        Err(error) => {
            found.content = by_xml.unwrap_or(WimContent::Unknown);
            found.problems.push(chain(&error));
            return found;
        }
    };
    found.content = by_xml.unwrap_or_else(|| content_by_files(&image));
    if found.content != WimContent::BootImage {
        return found;
    }
    if chosen != ImageChoice::BootIndex {
        found.problems.push(format!(
            "no image of {name} is marked bootable, so the boot manager would refuse it; give create \
             --boot-index {index} to have the media's copy start image {index}"
        ));
    }
    found.boot_image = Some(survey_image(&image, chosen, &mut found.problems));
    found
}

/// The image of a WIM that a report is about, and why; `None` for a WIM without images.
fn choose(wim: &Wim) -> Option<(u32, ImageChoice)> {
    if let Some(index) = wim.boot_index() {
        return Some((index, ImageChoice::BootIndex));
    }
    let windows_pe = (1..).zip(wim.infos()).filter(|(_, info)| is_windows_pe(info)).last();
    match (wim.image_count(), windows_pe) {
        (0, _) => None,
        (1, _) => Some((1, ImageChoice::OnlyImage)),
        (_, Some((index, _))) => Some((index, ImageChoice::LastWindowsPe)),
        (_, None) => Some((1, ImageChoice::First)),
    }
}

fn is_windows_pe(info: &ImageInfo) -> bool {
    let names = [&info.edition, &info.installation_type, &info.flags];
    names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case("WindowsPE"))
}

/// What a WIM is, by its XML alone.
fn content_by_xml(wim: &Wim, index: u32) -> Option<WimContent> {
    let info = wim.info(index);
    if info.is_some_and(is_windows_pe) || wim.boot_index().is_some() {
        return Some(WimContent::BootImage);
    }
    let edition = info.and_then(|info| info.edition.as_ref().or(info.installation_type.as_ref()));
    edition.map(|_| WimContent::Windows)
}

/// What a WIM is, by what lies in an image of it of which the XML does not tell.
fn content_by_files(image: &BootImage) -> WimContent {
    let has = |paths: &[&str]| paths.iter().any(|path| image.image().lookup(path).is_some());
    if has(&[r"Windows\System32\wpeinit.exe", r"Windows\System32\winpeshl.ini", r"sms\bin"]) {
        WimContent::BootImage
    } else if has(&[r"Windows\System32\config\SOFTWARE"]) {
        WimContent::Windows
    } else if has(&[r"Windows\Boot\EFI\bootmgfw.efi", r"Windows\Boot\PCAT\bootmgr"]) {
        WimContent::BootImage
    } else {
        WimContent::Data
    }
}

fn survey_image(
    image: &BootImage,
    chosen: ImageChoice,
    problems: &mut Vec<String>,
) -> SurveyedImage {
    let managers = image.boot_managers();
    let by_xml = image.info().and_then(ImageInfo::architecture);
    let by_pe = managers.iter().flatten().find_map(|manager| manager.architecture().ok());
    let media_for = image.architecture(None);
    let architecture = ArchitectureReport {
        xml: by_xml.map(|xml| xml.name().to_owned()),
        pe: by_pe.map(|pe| pe.name().to_owned()),
        agree: by_xml.zip(by_pe).map(|(xml, pe)| xml == pe),
        error: media_for.as_ref().err().map(|error| chain(error)),
    };
    let media_for = media_for.ok();
    // The boot manager that is there decides where it is of another architecture than the XML says.
    // Without either, most boot images are for x64 computers.
    let assumed = media_for.or(by_pe).or(by_xml).unwrap_or(Architecture::Amd64);
    let search = BootFileSearch::new(assumed);
    let candidates = Candidates::read(image, search);
    let asked = [BootManagerChoice::Auto, BootManagerChoice::Pca2011, BootManagerChoice::Ca2023];
    let (options, sets): (Vec<_>, Vec<_>) =
        asked.into_iter().map(|asked| boot_manager_option(&candidates, asked)).unzip();
    let has_manager = |set| {
        let mut managers = managers.iter().flatten();
        managers.any(|it| it.set == set && it.file == BootFile::EfiBootManager)
    };
    // Of a set that is refused it is told what it lacks, where there is no other.
    let only_ex = has_manager(BootSet::Ex) && !has_manager(BootSet::Classic);
    let fallback = if only_ex { BootSet::Ex } else { BootSet::Classic };
    let set = sets.into_iter().next().flatten().unwrap_or(fallback);
    let survey = image.survey(&search.with_set(set));
    let managers: Vec<_> = managers.into_iter().map(|it| manager_report(it, &candidates)).collect();
    let runtime = image.runtime(assumed);
    let components = image.components();

    problems.extend(architecture.error.clone());
    problems.extend(survey.unusable.iter().map(|error| chain(error)));
    SurveyedImage {
        architecture: media_for.map(|architecture| architecture.name().to_owned()),
        boot_files: survey.files.found.iter().map(found_file).collect(),
        missing: survey.files.missing.iter().map(missing_file).collect(),
        report: BootImageReport {
            image: image.index(),
            chosen,
            configuration_manager: runtime.state != RuntimeState::Absent,
            windows: windows(image, &components),
            components: components_report(components),
            runtime: runtime_report(runtime),
            drivers: drivers_report(image, assumed),
            media: media(assumed, architecture.error.as_ref(), &survey.files, options),
            architecture,
            boot_managers: managers,
        },
    }
}

fn windows(image: &BootImage, components: &Components) -> WindowsReport {
    let info = image.info();
    let text = |field: fn(&ImageInfo) -> &Option<String>| info.and_then(|info| field(info).clone());
    WindowsReport {
        version: info.and_then(|info| info.version).map(|version| version.to_string()),
        package_version: components.base_version.clone(),
        edition: text(|info| &info.edition),
        installation_type: text(|info| &info.installation_type),
        languages: info.map(|info| info.languages.clone()).unwrap_or_default(),
        default_language: text(|info| &info.default_language),
    }
}

fn manager_report(
    manager: Result<BootManager, BootImageError>,
    candidates: &Candidates,
) -> BootManagerReport {
    let mut report = BootManagerReport {
        path: String::new(),
        bytes: 0,
        set: BootSet::Classic,
        started_by_firmware: false,
        architecture: None,
        signatures: Vec::new(),
        secure_boot: None,
        error: None,
    };
    let manager = match manager {
        Ok(manager) => manager,
        Err(error) => return BootManagerReport { error: Some(chain(&error)), ..report },
    };
    report.path = manager.path().to_owned();
    report.bytes = Source::len(manager.source());
    report.set = manager.set;
    report.started_by_firmware = manager.file == BootFile::EfiBootManager;
    match manager.architecture() {
        Ok(architecture) => report.architecture = Some(architecture.name().to_owned()),
        Err(error) => report.error = Some(chain(&error)),
    }
    let looked = match candidates.looked(&Source::describe(manager.source())) {
        Some(looked) => Ok(looked.loader.clone()),
        None => {
            let source: Arc<dyn Source> = Arc::new(manager.source().clone());
            certificate::look_at_source(manager.path(), &source).map(|looked| looked.loader)
        }
    };
    match looked {
        Ok(loader) => {
            report.signatures = loader.signatures;
            report.secure_boot = Some(loader.secure_boot);
        }
        Err(error) => report.error = report.error.or(Some(chain(&error))),
    }
    report
}

fn components_report(components: Components) -> ComponentsReport {
    let required =
        |name: &str| Components::required().any(|needed| needed.eq_ignore_ascii_case(name));
    let installed = components.installed.into_iter().map(|component| ComponentReport {
        required: required(&component.name),
        name: component.name,
        version: component.version,
        architecture: component.architecture,
        languages: component.languages,
        found: component.found,
    });
    ComponentsReport {
        installed: installed.collect(),
        missing: components.missing.iter().map(|name| (*name).to_owned()).collect(),
        evidence: match components.has_manifests {
            true => ComponentEvidence::Packages,
            false => ComponentEvidence::Files,
        },
        more: components.more,
    }
}

fn runtime_report(runtime: boot_image::Runtime) -> RuntimeReport {
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    let starts = runtime.shell.starts_runtime();
    let (programs, error) = match runtime.shell {
        Shell::Programs(programs) => (programs, None),
        Shell::Unreadable(error) => (Vec::new(), Some(error)),
        _ => (Vec::new(), None),
    };
    RuntimeReport {
        state: runtime.state,
        folders: runtime.folders,
        present: runtime.present,
        missing: owned(runtime.missing),
        not_found: owned(runtime.not_found),
        starts,
        programs,
        boot_shell_ini: runtime.boot_shell_ini,
        error,
    }
}

/// What `create` would make of it; `wrong` is what keeps it from any media.
fn media(
    architecture: Architecture,
    wrong: Option<&String>,
    files: &BootFiles,
    mut options: Vec<BootManagerOption>,
) -> MediaReport {
    let firmware = [(BootFile::BcdBios, Firmware::Bios), (BootFile::BcdEfi, Firmware::Uefi)];
    let configurations = firmware.into_iter().filter_map(|(file, firmware)| {
        let found = files.found.iter().find(|found| found.file == file)?;
        Some(OwnBootConfiguration {
            firmware,
            found: found.source.describe(),
            problem: configuration::judge(found, firmware).err().map(|fault| chain(&fault)),
        })
    });
    for option in options.iter_mut().filter(|_| wrong.is_some()) {
        option.possible = false;
        option.error = option.error.take().or_else(|| wrong.cloned());
    }
    let auto = options.first();
    let possible = auto.is_some_and(|auto| auto.possible);
    // Without a choice there is an error that is more than files that are missing.
    let refused = auto.filter(|auto| auto.generation.is_none()).and_then(|auto| auto.error.clone());
    let error = wrong.cloned().or(refused);
    // Boot manager and RAM disk are needed, so that whole media starts under every firmware there is.
    let bios = architecture != Architecture::Arm64;
    let once_given = match possible || error.is_some() {
        true => Vec::new(),
        false if bios => vec![Firmware::Bios, Firmware::Uefi],
        false => vec![Firmware::Uefi],
    };
    MediaReport {
        bios: bios && possible,
        uefi: possible,
        once_given,
        error,
        boot_managers: options,
        boot_configurations: configurations.collect(),
    }
}

/// The choice of `create`, made for each way to ask for it.
fn boot_manager_option(
    candidates: &Candidates,
    asked: BootManagerChoice,
) -> (BootManagerOption, Option<BootSet>) {
    let mut option = BootManagerOption {
        asked: asked.as_str().to_owned(),
        possible: false,
        generation: None,
        reason: None,
        error: None,
        missing: Vec::new(),
    };
    match candidates.pick(asked) {
        Ok(pick) => {
            let needed = pick.needed();
            if !needed.is_empty() {
                option.error = Some(chain(&BootImageError::Missing(needed)));
            }
            option.possible = option.error.is_none();
            option.generation = Some(pick.generation().to_owned());
            option.reason = Some(pick.reason.to_owned());
            (option, Some(pick.set))
        }
        Err(error) => {
            if let BootManagerError::Incomplete { missing, .. } = &error {
                option.missing = missing.iter().map(|part| part.folder).collect();
            }
            option.error = Some(chain(&error));
            (option, None)
        }
    }
}

fn found_file(file: &Found) -> BootFileInspection {
    BootFileInspection {
        media: file.media.clone(),
        found: file.source.describe(),
        bytes: file.source.len(),
    }
}

fn missing_file(file: &Missing) -> MissingInspection {
    MissingInspection {
        media: file.media.clone(),
        needed: file.need,
        searched: file.searched.clone(),
    }
}
