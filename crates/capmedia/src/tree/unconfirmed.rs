//! What nobody here could confirm about media made by Configuration Manager, in one place.
//!
//! The reference names no public source for these (it marks them [U]), so the values are our own and
//! do not claim to be the product's. [`TEMPLATE`] lists the files: each gives way to the file at its
//! path in the folder of `--template`, byte for byte. What task sequences leave open is in
//! [`media_model::task_sequence::unconfirmed`].

use std::collections::HashSet;

use boot_image::Architecture;
use media_model::MediaPath;

/// Starts the capture from within Windows. A file of this name is in the root of real media; what is
/// in it is not published.
pub(crate) const LAUNCH_MEDIA: &str = "LaunchMedia.cmd";

/// Written on request. Its content on real media is not published.
pub(crate) const AUTORUN: &str = "autorun.inf";

/// Tells the task sequence runtime what media it runs from. The section and the three keys are those
/// that public scripts read.
pub(crate) const BOOTSTRAP: &str = r"SMS\data\TsmBootstrap.ini";

/// Files whose content is ours: `--template` may bring others.
pub(crate) const TEMPLATE: [&str; 3] = [LAUNCH_MEDIA, AUTORUN, BOOTSTRAP];

/// The `MediaType` of capture media. That of stand-alone media is known to be `FullMedia`; this one is
/// from memory.
const MEDIA_TYPE: &str = "CaptureMedia";

/// The programs in `\SMS\bin\<arch>` that are taken to start the capture from within Windows, in the
/// order in which they are looked for. The first is documented for USB media of another kind and is in
/// no list of what boot images hold; the second is in boot images, and that it may be started without
/// the first is a guess: it is what that starts.
pub(crate) const STARTERS: [&str; 2] = ["TSMBAutoRun.exe", "OsdCaptureCD.exe"];

/// Where the packages lie that a task sequence refers to, as is widely said: `\SMS\pkg\<ID>`. Only a
/// hint for messages: see [`Packages`].
pub(crate) const PACKAGES: &str = r"SMS\pkg";

/// Files of the boot image's `sms\bin\<arch>` that make media and are not put on it: nothing that
/// runs from media is known to call them. All but these (`wimgapi.dll` too) is taken for the runtime.
const TOOLS: [&str; 7] = [
    "bcdboot.exe",
    "bootfix.bin",
    "bootsect.exe",
    "efisys.bin",
    "efisys_noprompt.bin",
    "etfsboot.com",
    "oscdimg.exe",
];

/// The content of [`LAUNCH_MEDIA`]: ASCII, lines end in CRLF. It looks for [`STARTERS`] in
/// [`launch_folders`].
pub(crate) fn launch_media() -> String {
    crlf(include_str!("LaunchMedia.cmd").lines())
}

/// The content of [`AUTORUN`]. Windows ignores `open` on removable drives since Windows 7, so only the
/// label is given.
pub(crate) fn autorun_inf(label: &str) -> String {
    crlf(["[autorun]", &format!("label={label}")])
}

/// The content of [`BOOTSTRAP`].
pub(crate) fn bootstrap_ini() -> String {
    let media_type = format!("MediaType={MEDIA_TYPE}");
    crlf(["[MediaInfo]", &media_type, "PasswordRequired=false", "Unattended=false"])
}

/// The folders of the runtime below `sms\bin`, in the boot image as on the media. Boot images for
/// arm64 have the tools of the ADK in `arm64` and programs of the site that are still for x64, in
/// which of the two folders is not said.
pub(crate) fn runtime_folders(architecture: Architecture) -> &'static [&'static str] {
    match architecture {
        Architecture::X86 => &["i386"],
        Architecture::Arm64 => &["arm64", "x64"],
        _ => &["x64"],
    }
}

/// The folders below `\SMS\bin` whose programs run on Windows of that architecture, the best first.
pub(crate) fn launch_folders(computer: Architecture) -> &'static [&'static str] {
    match computer {
        Architecture::X86 => &["i386"],
        Architecture::Arm64 => &["arm64", "x64", "i386"],
        _ => &["x64", "i386"],
    }
}

/// Every folder of runtimes that media can have.
pub(crate) const ALL_RUNTIME_FOLDERS: [&str; 3] = ["i386", "x64", "arm64"];

/// Whether a file of the boot image's runtime folder only makes media.
pub(crate) fn is_tool(name: &str) -> bool {
    TOOLS.iter().any(|tool| tool.eq_ignore_ascii_case(name))
}

/// The packages and applications on the media, by the names of folders that hold a file: a package's
/// files lie below a folder with its id as the name, or the id, a dot and a version. So the place is
/// the operator's choice, below [`PACKAGES`] or elsewhere.
pub(crate) struct Packages {
    /// In lower case, versions taken off too.
    folders: HashSet<String>,
}

impl Packages {
    /// Of the files at these paths.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a MediaPath>) -> Self {
        let mut folders = HashSet::new();
        for path in files {
            for name in path.components().rev().skip(1) {
                let name = name.to_ascii_lowercase();
                if folders.contains(&name) {
                    continue;
                }
                if let Some((id, version)) = name.rsplit_once('.')
                    && version.bytes().all(|b| b.is_ascii_digit())
                {
                    folders.insert(id.to_owned());
                }
                folders.insert(name);
            }
        }
        Self { folders }
    }

    /// Whether there is a file of the package or application `id`.
    pub(crate) fn hold(&self, id: &str) -> bool {
        // The unique id of an application is ScopeId_.../Application_..., and perhaps a revision.
        let mut parts = id.trim().split('/');
        let is_application = |part: &&str| {
            part.get(..APPLICATION.len()).is_some_and(|p| p.eq_ignore_ascii_case(APPLICATION))
        };
        let id = parts.clone().find(is_application).or_else(|| parts.next_back());
        id.is_some_and(|id| self.folders.contains(&id.trim().to_ascii_lowercase()))
    }
}

/// How the part of an application's unique id begins that its folder has as the name.
const APPLICATION: &str = "Application_";

fn crlf<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().flat_map(|line| [line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_found_wherever_they_were_put() {
        let holds = |path: &str, id: &str| Packages::of([&MediaPath::new(path).unwrap()]).hold(id);
        for path in [
            r"SMS\pkg\PS100005\setup.exe",
            r"sms\PKG\ps100005\a\b.txt",
            r"PS100005\x",
            r"Packages\PS100005.3\x",
        ] {
            assert!(holds(path, "PS100005"), "{path}");
        }
        for path in
            ["PS100005", r"SMS\pkg\PS1000055\x", r"SMS\pkg\PS100005.x\y", r"SMS\pkg\PS10000\x", "é"]
        {
            assert!(!holds(path, "PS100005"), "{path}");
        }
        for id in ["ScopeId_9/Application_1-2", "ScopeId_9/application_1-2/3", " Application_1-2"] {
            assert!(holds(r"SMS\pkg\Application_1-2\x", id), "{id}");
        }
        assert!(!holds(r"3\x", "ScopeId_9/Application_1-2/3"));
        assert!(!holds(r"a\x", "") && !holds(r"a\x", "b/"));
    }

    /// What is warned about before and what is done on the computer are the same.
    #[test]
    fn the_batch_file_looks_where_we_do() {
        let text = launch_media();
        for (machine, computer) in [
            ("AMD64", Architecture::Amd64),
            ("ARM64", Architecture::Arm64),
            ("x86", Architecture::X86),
        ] {
            let folders = launch_folders(computer);
            let line = format!(
                "if /i \"%MACHINE%\"==\"{machine}\" set \"OWN={}\" & set \"ALL={}\"\r\n",
                folders[0],
                folders.join(" ")
            );
            assert!(text.contains(&line), "{line}");
            assert!(runtime_folders(computer).iter().all(|folder| folders.contains(folder)));
        }
        let places: Vec<_> =
            STARTERS.iter().map(|name| text.find(&format!("%%F {name}"))).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    }

    #[test]
    fn texts() {
        assert_eq!(
            bootstrap_ini(),
            "[MediaInfo]\r\nMediaType=CaptureMedia\r\nPasswordRequired=false\r\n\
             Unattended=false\r\n"
        );
        assert_eq!(autorun_inf("Lab 7"), "[autorun]\r\nlabel=Lab 7\r\n");
    }

    /// What a command interpreter needs; `launches.rs` of the integration tests has one run it.
    #[test]
    fn the_batch_file_is_one() {
        let text = launch_media();
        assert!(text.is_ascii());
        assert!(text.ends_with("\r\n"));
        let mut labels = Vec::new();
        let mut jumps = Vec::new();
        for line in text.split_terminator("\r\n") {
            assert!(!line.contains(['\r', '\n', '\t']), "{line}");
            assert!(line.len() < 8191);
            // FOR puts its variable in after paths: `%F` in one would go. Wine loses any `%` of a path,
            // so this cannot be shown there.
            let is_loop = line.starts_with("for ");
            assert!(!is_loop || !line.contains("%MEDIA%") && !line.contains("%~"), "{line}");
            if let Some(label) = line.strip_prefix(':') {
                labels.push(label);
            }
            for (at, word) in line.match_indices("goto ") {
                let label = &line[at + word.len()..];
                jumps.push(label.split(' ').next().unwrap());
            }
        }
        assert!(!jumps.is_empty());
        for jump in jumps {
            assert!(labels.contains(&jump), "{jump}");
        }
        labels.sort_unstable();
        let count = labels.len();
        labels.dedup();
        assert_eq!(labels.len(), count, "a label twice");
    }
}
