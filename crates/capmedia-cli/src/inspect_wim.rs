//! What `capmedia inspect` prints of a WIM, in the order of the questions: what is it, can it boot,
//! which firmware trusts it, has it what capture needs.

use std::io::{self, Write};

use capmedia::{
    BootFileInspection, BootImageReport, BootManagerReport, ComponentEvidence, ComponentsReport,
    DeviceRole, DriverOrigin, DriverReport, DriversReport, Firmware, ImageChoice, MediaReport,
    Need, RuntimeReport, RuntimeState, WimContent, WimImageInspection, WimInspection,
};

use crate::print::{WIDTH, line, size, wrapped};

/// Files that are named one by one.
const NAMED: usize = 12;
/// Drivers that were added; `--json` has all.
const SHOWN: usize = 30;
/// Columns for the paths of boot files, where none is longer.
const COLUMN: usize = 36;

pub(crate) fn print_wim(to: &mut impl Write, wim: &WimInspection) -> io::Result<()> {
    let chunks = match wim.chunk_size {
        0 => String::new(),
        bytes => format!(" in chunks of {}", size(u64::from(bytes))),
    };
    let checked = if wim.integrity_table { ", with checksums of itself" } else { "" };
    line(
        to,
        format_args!("WIM, {}, compression {}{chunks}{checked}", size(wim.bytes), wim.compression),
    )?;
    wim.images.iter().try_for_each(|image| print_image(to, image, wim.boot_index))?;
    match &wim.boot_image {
        Some(report) => print_report(to, wim, report)?,
        None => match wim.content {
            WimContent::BootImage | WimContent::Unknown => {}
            WimContent::Windows => line(to, "No boot image: a Windows that is to be installed")?,
            _ => line(to, "No boot image: no Windows PE and no boot manager in it")?,
        },
    }
    let mut problems = wim.problems.iter();
    problems.try_for_each(|problem| wrapped(to, "Problem: ", 4, problem))
}

fn print_image(
    to: &mut impl Write,
    image: &WimImageInspection,
    boot_index: Option<u32>,
) -> io::Result<()> {
    let boots = if boot_index == Some(image.index) { " (boots)" } else { "" };
    let name = image.name.as_deref().unwrap_or("(no name)");
    line(to, format_args!("Image {}{boots}: {name}", image.index))?;
    let kind = image.installation_type.clone().filter(|kind| image.edition.as_ref() != Some(kind));
    let languages = image.languages.iter().map(|language| {
        let default =
            image.languages.len() > 1 && image.default_language.as_ref() == Some(language);
        if default { format!("{language} (default)") } else { language.clone() }
    });
    let languages: Vec<_> = languages.collect();
    let facts = [
        ("description", image.description.clone()),
        ("architecture", image.architecture.clone()),
        ("version", image.version.clone()),
        ("edition", image.edition.clone()),
        ("installation type", kind),
        ("languages", Some(languages.join(", ")).filter(|text| !text.is_empty())),
        ("content", image.total_bytes.map(size)),
    ];
    for (fact, value) in facts {
        if let Some(value) = value {
            wrapped(to, &format!("    {fact}: "), 8, &value)?;
        }
    }
    Ok(())
}

fn print_report(
    to: &mut impl Write,
    wim: &WimInspection,
    report: &BootImageReport,
) -> io::Result<()> {
    line(to, "")?;
    print_what_it_is(to, wim, report)?;
    line(to, "")?;
    print_boot(to, wim, &report.media)?;
    line(to, "")?;
    print_trust(to, report)?;
    line(to, "")?;
    print_components(to, &report.components)?;
    print_runtime(to, &report.runtime)?;
    line(to, "")?;
    print_drivers(to, &report.drivers)?;
    if !wim.problems.is_empty() {
        line(to, "")?;
    }
    Ok(())
}

fn print_what_it_is(
    to: &mut impl Write,
    wim: &WimInspection,
    report: &BootImageReport,
) -> io::Result<()> {
    let windows = &report.windows;
    let version = windows.package_version.as_ref().or(windows.version.as_ref());
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    let maker = match (report.runtime.state, report.configuration_manager) {
        (RuntimeState::Ready, _) => ", made ready by Configuration Manager",
        (_, true) => ", with parts of Configuration Manager",
        _ => ", not made ready by Configuration Manager",
    };
    let chosen = match report.chosen {
        ImageChoice::BootIndex if wim.images.len() == 1 => String::new(),
        ImageChoice::OnlyImage => String::new(),
        ImageChoice::BootIndex => format!("; image {}, which boots", report.image),
        ImageChoice::LastWindowsPe => format!("; image {}, the last Windows PE", report.image),
        _ => format!("; image {}", report.image),
    };
    wrapped(to, "Boot image: ", 4, &format!("Windows PE{version}{maker}{chosen}"))?;
    if let (Some(xml), Some(package)) = (&windows.version, &windows.package_version)
        && xml != package
    {
        line(to, format_args!("    by its package; the WIM's XML says {xml}"))?;
    }
    let by = match (&report.architecture.xml, &report.architecture.pe) {
        (Some(_), Some(_)) => "by the XML and the boot manager",
        (Some(_), None) => "by the XML; no boot manager tells",
        _ => "by the boot manager; the XML does not tell",
    };
    match (&wim.architecture, &report.architecture) {
        (Some(architecture), _) => line(to, format_args!("For {architecture} computers, {by}")),
        (None, found) => {
            let told = |by: &Option<String>| by.clone().unwrap_or_else(|| "nothing".to_owned());
            let (xml, pe) = (told(&found.xml), told(&found.pe));
            let text = format!("not certain; the XML says {xml}, the boot manager {pe}");
            wrapped(to, "Architecture: ", 4, &text)
        }
    }
}

/// Can it boot, and what media would hold.
fn print_boot(to: &mut impl Write, wim: &WimInspection, media: &MediaReport) -> io::Result<()> {
    print_starts(to, wim, media)?;
    if !wim.boot_files.is_empty() {
        line(to, "Boot files, as media gets them:")?;
    }
    print_boot_files(to, &wim.boot_files)?;
    for own in &media.boot_configurations {
        let what = match &own.problem {
            None => "the image's own starts the media".to_owned(),
            Some(problem) => format!("made by capmedia; the image's own is of no use: {problem}"),
        };
        wrapped(
            to,
            &format!("Boot configuration for {}: ", firmware_name(own.firmware)),
            4,
            &what,
        )?;
    }
    for (need, what) in [
        (Need::Required, "Missing and needed; give with --boot-files:"),
        (Need::StartsDiscs, "Missing for discs, where capmedia has its own:"),
        (Need::Replaceable, "Missing, and made by capmedia:"),
        (Need::Optional, "Missing, but optional:"),
    ] {
        let missing = wim.missing.iter().filter(|file| file.needed == need);
        let missing: Vec<_> = missing.map(|file| &*file.media).collect();
        if !missing.is_empty() {
            line(to, what)?;
            wrapped(to, "    ", 4, &missing.join(", "))?;
        }
    }
    Ok(())
}

/// Whether media of it starts, as `create` makes it.
fn print_starts(to: &mut impl Write, wim: &WimInspection, media: &MediaReport) -> io::Result<()> {
    let starts = match (media.bios, media.uefi) {
        (true, true) => "BIOS and UEFI",
        (true, false) => "BIOS only",
        (false, true) => "UEFI only",
        (false, false) => return print_no_start(to, wim, media),
    };
    line(to, format_args!("Media of it can start under {starts}"))
}

fn print_no_start(to: &mut impl Write, wim: &WimInspection, media: &MediaReport) -> io::Result<()> {
    let lacking = media.boot_managers.first().map(|auto| &*auto.missing).unwrap_or_default();
    let Some(error) = &media.error else {
        let firmware = match &*media.once_given {
            [Firmware::Uefi] => "UEFI only",
            _ => "BIOS and UEFI",
        };
        let text = format!(
            "Media of it lacks files that are needed (below); once these are given, it can start \
             under {firmware}"
        );
        return wrapped(to, "", 4, &text);
    };
    let text = if wim.problems.contains(error) {
        "see the problem below".to_owned()
    } else if !lacking.is_empty() {
        format!(
            "its set of boot files for Windows UEFI CA 2023, the only one, lacks {}; give a folder \
             that has it with --boot-files, or use a boot image with the update of April 2024 or a \
             later one",
            lacking.join(", ")
        )
    } else {
        error.lines().map(str::trim).collect::<Vec<_>>().join(" ")
    };
    wrapped(to, "No media can be made of it: ", 4, &text)
}

/// Fonts are many and alike, and come from one folder.
fn print_boot_files(to: &mut impl Write, files: &[BootFileInspection]) -> io::Result<()> {
    let is_font = |file: &&BootFileInspection| file.media.to_ascii_lowercase().ends_with(".ttf");
    let (fonts, others): (Vec<_>, Vec<_>) = files.iter().partition(is_font);
    let longest = others.iter().map(|file| file.media.chars().count()).max();
    let column = longest.unwrap_or_default().max(COLUMN);
    for file in others {
        let from = in_image(&file.found);
        let text = format!("    {:<column$} {:>10}  {from}", file.media, size(file.bytes));
        if text.chars().count() <= WIDTH {
            line(to, text)?;
        } else {
            line(to, format_args!("    {:<column$} {:>10}", file.media, size(file.bytes)))?;
            line(to, format_args!("        from {from}"))?;
        }
    }
    let mut folders: Vec<_> = fonts.iter().map(|font| folder_of(&font.media)).collect();
    folders.sort_unstable();
    folders.dedup();
    if let (Some(first), Some(folder)) = (fonts.first(), folders.first()) {
        let each: Vec<_> = fonts.iter().filter(|font| folder_of(&font.media) == *folder).collect();
        let (count, bytes) = (each.len(), each.iter().map(|font| font.bytes).sum());
        let name = if count == 1 { "font" } else { "fonts" };
        line(to, format_args!("    {:<column$} {:>10}", format!("{count} {name}"), size(bytes)))?;
        line(to, format_args!("        from {}", folder_of(in_image(&first.found))))?;
        line(to, format_args!("        to {}", folders.join(", ")))?;
    }
    Ok(())
}

fn firmware_name(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "BIOS",
        Firmware::Uefi => "UEFI",
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('\\').map_or("", |(folder, _)| folder)
}

/// The path inside the boot image of what the library calls `boot.wim:\Windows\...`.
fn in_image(found: &str) -> &str {
    let path = found.rfind(":\\").and_then(|colon| found.get(colon..));
    path.map_or(found, |path| path.trim_start_matches(':'))
}

/// Which firmware trusts it.
fn print_trust(to: &mut impl Write, report: &BootImageReport) -> io::Result<()> {
    if report.boot_managers.is_empty() {
        return line(to, "Boot managers for UEFI: none");
    }
    line(to, "Boot managers for UEFI:")?;
    report.boot_managers.iter().try_for_each(|manager| print_manager(to, manager))?;
    if report.architecture.error.is_some() {
        return Ok(());
    }
    line(to, "Media gets, by --boot-manager:")?;
    for option in &report.media.boot_managers {
        let start = format!("    {:<5} ", option.asked);
        let text = match (&option.generation, &option.error) {
            (Some(generation), error) => {
                let reason = option.reason.as_deref().filter(|_| option.asked == "auto");
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                match error {
                    Some(_) if generation == "absent" => format!("refused{reason}"),
                    _ => format!("{}{reason}", generation_in_words(generation)),
                }
            }
            _ if !option.missing.is_empty() => {
                format!("refused; its set lacks {}", option.missing.join(", "))
            }
            (None, Some(error)) => format!("refused: {error}"),
            (None, None) => "refused".to_owned(),
        };
        wrapped(to, &start, 10, &text)?;
    }
    Ok(())
}

fn generation_in_words(generation: &str) -> String {
    match generation {
        "none" => "one that no machine with Secure Boot on starts".to_owned(),
        "absent" => "none".to_owned(),
        "other" => "one signed under other certificates".to_owned(),
        "mixed" => "two signed under certificates of different years".to_owned(),
        "2011 and 2023" => "one signed under certificates of 2011 and 2023".to_owned(),
        year => format!("one signed under a certificate of {year}"),
    }
}

fn print_manager(to: &mut impl Write, manager: &BootManagerReport) -> io::Result<()> {
    let architecture = manager.architecture.as_deref().unwrap_or("not a program");
    let path = if manager.path.is_empty() { "(no data)" } else { &manager.path };
    let chained = if manager.started_by_firmware { "" } else { ", for older loaders" };
    line(to, format_args!("    {path}, {architecture}, {}{chained}", size(manager.bytes)))?;
    if let Some(error) = &manager.error {
        wrapped(to, "        Problem: ", 12, error)?;
    }
    for signature in &manager.signatures {
        let nested = if signature.nested { "nested signature of " } else { "signature of " };
        let changed = match signature.intact {
            Some(true) => "",
            Some(false) => " (changed since)",
            None => " (not checked)",
        };
        wrapped(to, &format!("        {nested}"), 12, &format!("{}{changed}", signature.signer))?;
        wrapped(to, "            issuer: ", 16, &signature.issuer)?;
    }
    // Firmware does not start the others.
    match &manager.secure_boot {
        Some(words) if manager.started_by_firmware => wrapped(to, "        ", 8, words),
        _ => Ok(()),
    }
}

fn print_components(to: &mut impl Write, components: &ComponentsReport) -> io::Result<()> {
    let named = |required: bool| -> Vec<String> {
        let chosen = components.installed.iter().filter(|c| c.required == required);
        chosen.map(|component| component.name.clone()).collect()
    };
    let guess = match components.evidence {
        ComponentEvidence::Files => " (guessed by files; the image has no list of packages)",
        _ => "",
    };
    let list = |names: Vec<String>| match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    let required = list(named(true));
    wrapped(to, "Components that capture needs: ", 4, &format!("{required}{guess}"))?;
    if !components.missing.is_empty() {
        wrapped(to, "    missing: ", 8, &components.missing.join(", "))?;
    }
    let others = named(false);
    if !others.is_empty() {
        let more = match components.more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        wrapped(to, "    others: ", 8, &format!("{}{more}", others.join(", ")))?;
    }
    let mut languages: Vec<_> =
        components.installed.iter().flat_map(|component| &component.languages).cloned().collect();
    languages.sort();
    languages.dedup();
    match languages.is_empty() {
        true => Ok(()),
        false => wrapped(to, "    language packs: ", 8, &languages.join(", ")),
    }
}

fn print_runtime(to: &mut impl Write, runtime: &RuntimeReport) -> io::Result<()> {
    let files = runtime.present.len();
    let all = files.saturating_add(runtime.missing.len()).saturating_add(runtime.not_found.len());
    let counted = format!("{files} of {all} files in {}", runtime.folders.join(" and "));
    let state = match runtime.state {
        RuntimeState::Ready => format!("there, {counted}"),
        RuntimeState::Incomplete => format!("incomplete, {counted}"),
        _ => "not there; give the site's own with --runtime".to_owned(),
    };
    wrapped(to, "Task sequence runtime: ", 4, &state)?;
    if runtime.state != RuntimeState::Absent && !runtime.missing.is_empty() {
        wrapped(to, "    missing: ", 8, &runtime.missing.join(", "))?;
    }
    match runtime.not_found.len() {
        0 => {}
        _ if runtime.state == RuntimeState::Absent => {}
        few @ 1..=NAMED => {
            let text = format!("{} of version 2403: {}", few, runtime.not_found.join(", "));
            wrapped(to, "    without ", 8, &text)?;
        }
        more => {
            line(to, format_args!("    without {more} files of version 2403; --json names them"))?
        }
    }
    let starts = match (&runtime.error, runtime.starts, &*runtime.programs) {
        (Some(error), ..) => format!("winpeshl.ini cannot be read: {error}"),
        (None, true, _) => "the task sequence runtime, by winpeshl.ini".to_owned(),
        (None, false, []) => {
            "its own shell; there is no winpeshl.ini that names programs".to_owned()
        }
        (None, false, programs) => format!("{}, by winpeshl.ini", programs.join("; ")),
    };
    wrapped(to, "Windows PE starts: ", 4, &starts)
}

fn print_drivers(to: &mut impl Write, drivers: &DriversReport) -> io::Result<()> {
    let role = |role: DeviceRole| -> usize {
        let classes = drivers.classes.iter().filter(|class| class.role == Some(role));
        classes.map(|class| class.packages).sum()
    };
    let summary = match (drivers.packages.len(), drivers.store) {
        (0, false) => "none; there is no driver store".to_owned(),
        (0, true) => "none".to_owned(),
        (packages, _) => format!(
            "{packages} packages, {} for network adapters, {} for storage controllers",
            role(DeviceRole::Network),
            role(DeviceRole::Storage)
        ),
    };
    wrapped(to, "Drivers: ", 4, &summary)?;
    if !drivers.classes.is_empty() {
        let classes = drivers.classes.iter();
        let classes: Vec<_> = classes.map(|of| format!("{} {}", of.class, of.packages)).collect();
        wrapped(to, "    by class: ", 8, &classes.join(", "))?;
    }
    let added: Vec<_> =
        drivers.packages.iter().filter(|driver| driver.origin == DriverOrigin::Added).collect();
    if !added.is_empty() {
        line(to, format_args!("    added: {}", added.len()))?;
    }
    added.iter().take(SHOWN).try_for_each(|driver| print_driver(to, driver))?;
    if let Some(more @ 1..) = added.len().checked_sub(SHOWN) {
        line(to, format_args!("        and {more} more; --json has all"))?;
    }
    drivers.groups.iter().try_for_each(|group| {
        let start = if group.error { "    Problem: " } else { "    Warning: " };
        wrapped(to, start, 8, &group.text)
    })
}

fn print_driver(to: &mut impl Write, driver: &DriverReport) -> io::Result<()> {
    let name = driver.published.as_ref().unwrap_or(&driver.inf);
    let of = if *name == driver.inf { String::new() } else { format!(" ({})", driver.inf) };
    let facts = [&driver.class, &driver.provider, &driver.version, &driver.date];
    let facts: Vec<_> = facts.into_iter().flatten().map(String::as_str).collect();
    wrapped(to, &format!("        {name}{of}: "), 12, &facts.join(", "))
}
