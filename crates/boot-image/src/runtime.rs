//! The task sequence runtime in a boot image: what Configuration Manager puts there so that a task
//! sequence can run in Windows PE.
//!
//! The names are those of the injection list of version 2403 (configmgr-media, section 2.3); other
//! versions add and drop some, so only [`NEEDED`] counts as necessary: the programs that start each
//! other (section 2.4), and the one that captures (section 3.3). Unconfirmed is where `TSBootShell.ini`
//! lies (its content is published, its folder is not; it is searched beside the programs, in System32
//! and at the root), and that an arm64 boot image keeps the programs, which are x64 ones, in
//! `sms\bin\x64`; they are searched there and in `sms\bin\arm64`.

use std::collections::HashMap;

use wim_image::{Architecture, Entry, Image, Wim};

use crate::image::BootImage;
use crate::text::{Unmarked, decode};

/// Without these no task sequence starts, or none captures.
const NEEDED: &[&str] = &[
    "TsBootShell.exe",
    "TsmBootstrap.exe",
    "TsManager.exe",
    "TsCore.dll",
    "OsdCaptureSystemImage.exe",
];

/// The rest of the list.
const LISTED: &[&str] = &[
    "ccmcore.dll",
    "CcmGenCert.dll",
    "CcmUtilLib.dll",
    "CMTrace.exe",
    "CommonUtils.dll",
    "McsClient.exe",
    "msvcp140.dll",
    "OsdApplyOs.exe",
    "OsdCaptureCd.exe",
    "OsdCore.dll",
    "OsdDiskPart.exe",
    "OSDDownloadContent.exe",
    "OSDDriverClient.exe",
    "OsdGina.dll",
    "OsdMigrateUserState.exe",
    "OsdNetSettings.exe",
    "OSDOfflineBitlocker.exe",
    "OSDPrestartCheck.exe",
    "OSDRunPowerShellScript.exe",
    "OSDSetDynamicVariables.exe",
    "OsdSetupHook.exe",
    "OsdSetupWindows.exe",
    "OsdSmpClient.exe",
    "OsdWinSettings.exe",
    "smsboot.exe",
    "SmsCore.dll",
    "smsnetuse.exe",
    "smsswd.exe",
    "SmsTftp.exe",
    "smswdstc.dll",
    "TSD.exe",
    "TsEnv.exe",
    "TsMessaging.dll",
    "TsProgressUI.exe",
    "TsPxe.dll",
    "tsresnlc.dll",
    "vcruntime140.dll",
    "vcruntime140_1.dll",
];

/// From the ADK, beside the runtime; of no use to a task sequence. Firmware of arm64 computers starts
/// no `etfsboot.com`, and their media has no `bootfix.bin`.
const TOOLS: &[&str] = &["bcdboot.exe", "bootsect.exe", "efisys.bin", "oscdimg.exe", "wimgapi.dll"];
const TOOLS_OF_BIOS: &[&str] = &["bootfix.bin", "etfsboot.com"];

/// What Windows PE starts instead of its own shell.
const SHELL_INI: &str = r"Windows\System32\winpeshl.ini";
/// Folders, besides that of the programs, where `TSBootShell.ini` is looked for.
const BOOT_SHELL_INI: &[&str] = &[r"Windows\System32", ""];
/// Both are a few lines.
const MAX_INI: u64 = 64 << 10;
/// Programs that `winpeshl.ini` starts; more are not listed.
const MAX_PROGRAMS: usize = 32;

/// How much of the runtime is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuntimeState {
    /// None of it: not a boot image of Configuration Manager, or one it has not yet made ready.
    Absent,
    /// Some of it, but a task sequence cannot run or cannot capture.
    Incomplete,
    /// All that a task sequence needs to start and to capture.
    Ready,
}

/// The runtime, file by file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Runtime {
    /// Whether a task sequence can run.
    pub state: RuntimeState,
    /// Folders searched that are there, such as `\sms\bin\x64`.
    pub folders: Vec<String>,
    /// Files of the list that are there, by their paths in the image.
    pub present: Vec<String>,
    /// Files that a task sequence needs and that are not there.
    pub missing: Vec<&'static str>,
    /// Files of the list that are not there either; other versions than 2403 do without some.
    pub not_found: Vec<&'static str>,
    /// What Windows PE starts.
    pub shell: Shell,
    /// `TSBootShell.ini`, where it is.
    pub boot_shell_ini: Option<String>,
}

/// What Windows PE starts, by `winpeshl.ini`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shell {
    /// There is no such file: Windows PE runs `startnet.cmd`.
    Default,
    /// The programs it names, in order.
    Programs(Vec<String>),
    /// It cannot be read.
    Unreadable(String),
}

impl Shell {
    /// Whether the task sequence runtime is among the programs.
    pub fn starts_runtime(&self) -> bool {
        let Self::Programs(programs) = self else { return false };
        programs.iter().any(|program| program.to_ascii_lowercase().contains("tsbootshell"))
    }
}

impl BootImage {
    /// How much of Configuration Manager's task sequence runtime is there, for a boot image of
    /// `architecture`. Of the files only `winpeshl.ini` is read.
    pub fn runtime(&self, architecture: Architecture) -> Runtime {
        Runtime::of(self.wim(), self.image(), architecture)
    }
}

impl Runtime {
    fn of(wim: &Wim, image: &Image, architecture: Architecture) -> Self {
        let names: &[&str] = match architecture {
            Architecture::X86 => &["i386"],
            Architecture::Arm64 => &["arm64", "x64"],
            _ => &["x64"],
        };
        let folders: Vec<Entry<'_>> = names
            .iter()
            .filter_map(|name| image.lookup(&format!(r"sms\bin\{name}")))
            .filter(Entry::is_folder)
            .collect();
        let bios = architecture != Architecture::Arm64;
        let tools_of_bios = if bios { TOOLS_OF_BIOS } else { &[] };
        let listed = [LISTED, TOOLS, tools_of_bios].concat();
        // One pass that keeps what is in the list: a folder of an untrusted image can be very long.
        let wanted = NEEDED.iter().chain(&listed).chain(&["TSBootShell.ini"]);
        let mut files: HashMap<String, Option<Entry<'_>>> =
            wanted.map(|name| (name.to_ascii_lowercase(), None)).collect();
        for file in folders.iter().flat_map(Entry::children).filter(|file| !file.is_folder()) {
            if let Some(found) = files.get_mut(&file.name().to_ascii_lowercase()) {
                found.get_or_insert(file);
            }
        }
        let find = |name: &str| files.get(&name.to_ascii_lowercase()).and_then(Option::as_ref);
        let absent = |names: &[&'static str]| -> Vec<_> {
            names.iter().copied().filter(|name| find(name).is_none()).collect()
        };
        let missing = absent(NEEDED);
        let present: Vec<_> =
            NEEDED.iter().chain(&listed).filter_map(|name| find(name)).map(Entry::path).collect();
        // The tools of the ADK alone make no runtime, but one of its own files does.
        let some = NEEDED.iter().chain(LISTED).any(|name| find(name).is_some());
        let state = match (missing.is_empty(), some) {
            (true, _) => RuntimeState::Ready,
            (false, true) => RuntimeState::Incomplete,
            (false, false) => RuntimeState::Absent,
        };
        let beside = find("TSBootShell.ini").map(Entry::path);
        let elsewhere = || {
            let paths = BOOT_SHELL_INI.iter().map(|folder| format!(r"{folder}\TSBootShell.ini"));
            paths.filter_map(|path| image.lookup(&path)).next().map(|entry| entry.path())
        };
        Self {
            state,
            folders: folders.iter().map(Entry::path).collect(),
            present,
            missing,
            not_found: absent(&listed),
            shell: shell(wim, image),
            boot_shell_ini: beside.or_else(elsewhere),
        }
    }
}

fn shell(wim: &Wim, image: &Image) -> Shell {
    let Some(entry) = image.lookup(SHELL_INI) else { return Shell::Default };
    if entry.size() > MAX_INI {
        let bytes = entry.size();
        return Shell::Unreadable(format!("{bytes} bytes; at most {MAX_INI} are read"));
    }
    let bytes = match wim.file(entry) {
        Ok(file) => file.read_verified().map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    bytes.map_or_else(Shell::Unreadable, |bytes| {
        Shell::Programs(programs(&decode(&bytes, Unmarked::Ansi)))
    })
}

/// `[LaunchApps]` holds a program with its arguments in each line, `[LaunchApp]` one as `AppPath =`.
fn programs(text: &str) -> Vec<String> {
    let mut programs = Vec::new();
    let mut section = "";
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(';')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim();
        } else if section.eq_ignore_ascii_case("LaunchApps") && !line.is_empty() {
            programs.push(line.to_owned());
        } else if section.eq_ignore_ascii_case("LaunchApp")
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("AppPath")
        {
            programs.push(value.trim().to_owned());
        }
        if programs.len() == MAX_PROGRAMS {
            break;
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_pe_starts() {
        let ini = "; [LaunchApp]\r\n[LaunchApps]\r\n%SYSTEMDRIVE%\\sms\\bin\\x64\\TsBootShell.exe\r\n\
                   cmd.exe, /k x\r\n\r\n[Other]\r\nno\r\n[launchapp]\r\nAppPath = x.exe\r\nother=y\r\n";
        let told = programs(ini);
        assert_eq!(told, [r"%SYSTEMDRIVE%\sms\bin\x64\TsBootShell.exe", "cmd.exe, /k x", "x.exe"]);
        assert!(Shell::Programs(told).starts_runtime());
        assert!(!Shell::Programs(vec!["cmd.exe".into()]).starts_runtime());
        assert!(!Shell::Default.starts_runtime());

        let many = format!("[LaunchApps]\n{}", "x\n".repeat(100));
        assert_eq!(programs(&many).len(), MAX_PROGRAMS);
    }

    #[test]
    fn no_name_is_twice_in_the_list() {
        let mut names: Vec<_> = [NEEDED, LISTED, TOOLS, TOOLS_OF_BIOS]
            .concat()
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
