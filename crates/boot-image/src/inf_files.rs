//! The driver files of an INF ("INF SourceDisksFiles Section", "INF CopyFiles Directive").

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use wim_image::Architecture;

use crate::inf_models::{Installs, Models, Target};
use crate::inf_text::{InfText, key_and_value};

/// A `.sys` that a package should hold for an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SysFile {
    pub(crate) name: Box<str>,
    /// Whether that is sure, and not a file of other devices, architectures or versions of Windows.
    pub(crate) is_sure: bool,
}

/// Names that are kept of an INF for one architecture. The largest INFs of Windows name some dozens.
pub(crate) const FILES: usize = 256;
/// A name has at most 255 characters on NTFS.
pub(crate) const NAME_LEN: usize = 255;
/// Values of `CopyFiles` that are looked at for one architecture.
const COPIED: usize = 50_000;

/// The sections of an INF that a section that installs a device may stand for, by name without
/// decoration: `INSTALL` for `INSTALL.NTAMD64`.
pub(crate) struct InstallSections<'s>(HashMap<&'s str, Vec<(Option<Target>, &'s str)>>);

impl<'s> InstallSections<'s> {
    pub(crate) fn new(text: &'s InfText<'_>) -> Self {
        let mut sections: HashMap<&str, Vec<_>> = HashMap::new();
        for name in text.section_names() {
            let decorated = name.rfind(".NT").and_then(|at| {
                Some((name.get(..at)?, Target::parse(name.get(at.checked_add(1)?..)?)?))
            });
            match decorated {
                Some((base, target)) => {
                    sections.entry(base).or_default().push((Some(target), name));
                }
                None => sections.entry(name).or_default().push((None, name)),
            }
        }
        Self(sections)
    }

    /// The sections that Windows takes one of: those for the architecture, else those for all
    /// architectures, else the one without decoration.
    fn of(&self, install: &str, architecture: Architecture) -> Vec<&'s str> {
        let rank = |target: &Option<Target>| match target {
            Some(target) => match target.architecture {
                Some(found) => (found == architecture).then_some(2),
                None => Some(1),
            },
            None => Some(0),
        };
        let sections = self.0.get(install).into_iter().flatten();
        let mut sections: Vec<(i32, &str)> =
            sections.filter_map(|(target, name)| Some((rank(target)?, *name))).collect();
        sections.sort_unstable_by_key(|(rank, name)| (Reverse(*rank), *name));
        let best = sections.first().map(|(rank, _)| *rank);
        let best = sections.iter().filter(|(rank, _)| Some(*rank) == best);
        best.map(|(_, name)| *name).collect()
    }
}

/// The `.sys` files for an architecture: those that the list of files on the source disks names and
/// that are copied there. The list without decoration is for all architectures, so where the INF does
/// not tell what is copied, only the decorated one is sure. Without a list it is all that is copied.
pub(crate) fn sys_files(
    text: &InfText<'_>,
    sections: &InstallSections<'_>,
    architecture: Architecture,
    models: &[Models],
    installs: &Installs,
) -> Vec<SysFile> {
    let mut versions = models.iter().filter(|models| models.architecture == architecture);
    let since = versions.next().map(|models| models.since);
    // What is copied for another version of Windows may not be in the package.
    let is_one_version = versions.all(|models| Some(models.since) == since);
    let copied = copied(text, sections, architecture, installs.get(&architecture));
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut is_listed = false;
    let decorated = match architecture {
        Architecture::X86 => "SourceDisksFiles.x86",
        Architecture::Amd64 => "SourceDisksFiles.amd64",
        Architecture::Arm64 => "SourceDisksFiles.arm64",
        Architecture::Arm => "SourceDisksFiles.arm",
        Architecture::Ia64 => "SourceDisksFiles.ia64",
        _ => return Vec::new(),
    };
    // What is for one architecture goes first: it is sure.
    for (section, is_decorated) in [(decorated, true), ("SourceDisksFiles", false)] {
        for line in text.lines(section) {
            let (Some(name), _) = key_and_value(line) else { continue };
            is_listed = true;
            let name = text.expanded(name);
            let is_sure = match &copied {
                Some(copied) => match copied.get(&name.to_uppercase()) {
                    Some((_, is_sure)) => *is_sure && is_one_version,
                    None => continue,
                },
                None => is_decorated,
            };
            if is_sys(&name) && files.len() < FILES && seen.insert(name.to_uppercase()) {
                files.push(SysFile { name: name.into(), is_sure });
            }
        }
    }
    if !is_listed {
        let mut copied: Vec<(String, bool)> =
            copied.unwrap_or_default().into_values().filter(|(name, _)| is_sys(name)).collect();
        // Maps have no order.
        copied.sort_unstable();
        let files = copied.into_iter().take(FILES);
        return files
            .map(|(name, is_sure)| SysFile {
                name: name.into(),
                is_sure: is_sure && is_one_version,
            })
            .collect();
    }
    files
}

/// The `.sys` files that are copied for an architecture: their names in the package, by these in upper
/// case, and whether each is copied whatever the Windows. `None` where the INF does not tell.
fn copied(
    text: &InfText<'_>,
    sections: &InstallSections<'_>,
    architecture: Architecture,
    installs: Option<&HashSet<String>>,
) -> Option<HashMap<String, (String, bool)>> {
    let mut is_told = false;
    let mut left = COPIED;
    let mut lists: HashMap<String, bool> = HashMap::new();
    let mut files: HashMap<String, (String, bool)> = HashMap::new();
    let mut add = |name: &str, is_sure: bool| {
        if is_sys(name) && files.len() < COPIED {
            let file = files.entry(name.to_uppercase());
            file.or_insert_with(|| (name.to_owned(), false)).1 |= is_sure;
        }
    };
    let mut install_sections: HashMap<&str, bool> = HashMap::new();
    for install in installs.into_iter().flatten() {
        let found = sections.of(install, architecture);
        for section in &found {
            *install_sections.entry(section).or_default() |= found.len() == 1;
        }
    }
    let mut install_sections: Vec<_> = install_sections.into_iter().collect();
    install_sections.sort_unstable();
    for (section, is_sure) in install_sections {
        for value in text.values(section, "CopyFiles") {
            is_told = true;
            for part in text.fields(value) {
                left = left.checked_sub(1)?;
                match part.strip_prefix('@') {
                    Some(name) => add(name, is_sure),
                    None => *lists.entry(part.to_uppercase()).or_default() |= is_sure,
                }
            }
        }
    }
    // In an order, as there is a limit.
    let mut lists: Vec<_> = lists.into_iter().collect();
    lists.sort_unstable();
    for (list, is_sure) in lists {
        for line in text.lines(&list) {
            // The name there, and where it differs the name in the package.
            let mut names = text.fields(line);
            let name = names.next().unwrap_or_default();
            let in_package = names.next().filter(|name| !name.is_empty());
            add(&in_package.unwrap_or(name), is_sure);
        }
    }
    is_told.then_some(files)
}

fn is_sys(name: &str) -> bool {
    let end = name.len().checked_sub(4).and_then(|at| name.get(at..));
    name.len() <= NAME_LEN && end.is_some_and(|end| end.eq_ignore_ascii_case(".sys"))
}
