//! The task sequence runtime on the media, `\SMS\bin\<arch>`: what the boot image holds in its own
//! `sms\bin\<arch>`, and over it the site's files that the operator gives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boot_image::{Architecture, BootImage, RuntimeState};
use extent_image::Data;
use extent_image::scan::host_folder;
use media_model::{MediaPath, MediaPathError};

use crate::boot::machines::Machines;
use crate::report::Warning;
use crate::tree::compose::Added;
use crate::tree::media_data::DataFile;
use crate::tree::media_data_error::{MediaDataError, first_of};
use crate::tree::unconfirmed::{
    ALL_RUNTIME_FOLDERS, STARTERS, is_tool, launch_folders, runtime_folders,
};

/// Where the runtimes lie on the media, and in a boot image whatever the case.
const BIN: [&str; 2] = ["SMS", "bin"];

/// The files of the runtime by path, and warnings for what it lacks.
pub(crate) fn runtime(
    image: &BootImage,
    machines: Machines,
    given: Option<&Path>,
    added: &[Added],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<DataFile>, MediaDataError> {
    let folders = runtime_folders(machines.image);
    // Never empty; the first is the architecture's own.
    let own = folders.first().copied().unwrap_or_default();
    let mut files = Vec::new();
    for folder in folders {
        of_boot_image(image, folder, &mut files)?;
    }
    let in_image = !files.is_empty();
    warnings.extend(lacking(image, machines));
    if let Some(given) = given {
        let over = of_folder(given, own, warnings)?;
        let mut paths: Vec<String> = over.iter().map(|file| file.path.folded()).collect();
        paths.sort_unstable();
        files.retain(|file| paths.binary_search(&file.path.folded()).is_err());
        files.extend(over);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let added = added.iter().filter(|added| added.data.is_some()).map(|added| &added.path);
    let starts = files
        .iter()
        .map(|file| &file.path)
        .chain(added)
        .any(|path| starts_capture(path, machines.target));
    if !in_image {
        warnings.push(without_runtime(image, own));
    } else if !starts {
        warnings.push(Warning::new(format!(
            "this media boots, but to be started from within Windows it needs {} in a folder of {}: {}; \
             name the folder of the site's own files with --runtime",
            STARTERS.join(" or "),
            BIN.join(r"\"),
            launch_folders(machines.target).join(", ")
        )));
    }
    Ok(files)
}

/// What a boot image alone lacks, whatever else goes onto the media.
pub(crate) fn doubts_about(image: &BootImage, machines: Machines) -> Vec<Warning> {
    let folders = runtime_folders(machines.image);
    let mut files = Vec::new();
    // What cannot be read there is an error of the media, not of the test.
    let read = folders.iter().try_for_each(|folder| of_boot_image(image, folder, &mut files));
    let none = read.is_ok() && files.is_empty();
    let own = folders.first().copied().unwrap_or_default();
    lacking(image, machines).into_iter().chain(none.then(|| without_runtime(image, own))).collect()
}

fn lacking(image: &BootImage, machines: Machines) -> Option<Warning> {
    let runtime = image.runtime(machines.image);
    // Windows PE runs its own, not that of the media.
    (runtime.state == RuntimeState::Incomplete).then(|| {
        Warning::new(format!(
            "{} lacks {} of the task sequence runtime, so what boots cannot run a task sequence that \
             captures; take the boot image from the site",
            image.name(),
            runtime.missing.join(", ")
        ))
    })
}

fn without_runtime(image: &BootImage, folder: &str) -> Warning {
    Warning::new(format!(
        "{} is no Configuration Manager boot image: it has no {}, so what boots runs no task \
         sequence; take the boot image from the site",
        image.name(),
        [&BIN[..], &[folder]].concat().join(r"\")
    ))
}

/// Whether a path is one where `LaunchMedia.cmd` looks, on such a computer, for a program that starts
/// the capture.
fn starts_capture(path: &MediaPath, computer: Architecture) -> bool {
    let mut names = path.components();
    let is = |name: Option<&str>, of: &[&str]| {
        name.is_some_and(|name| of.iter().any(|one| one.eq_ignore_ascii_case(name)))
    };
    BIN.iter().all(|folder| is(names.next(), &[folder]))
        && is(names.next(), launch_folders(computer))
        && is(names.next(), &STARTERS)
        && names.next().is_none()
}

/// The path of a file of the runtime for `folder`.
fn on_media<'a>(
    folder: &'a str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<MediaPath, MediaPathError> {
    MediaPath::from_names(BIN.into_iter().chain([folder]).chain(names))
}

fn of_boot_image(
    image: &BootImage,
    folder: &str,
    files: &mut Vec<DataFile>,
) -> Result<(), MediaDataError> {
    let top = [&BIN[..], &[folder]].concat().join(r"\");
    let Some(top) = image.image().lookup(&top).filter(|entry| entry.is_folder()) else {
        return Ok(());
    };
    let mut pending = vec![(top, Vec::new())];
    while let Some((parent, above)) = pending.pop() {
        for entry in parent.children() {
            let mut names = above.clone();
            names.push(entry.name());
            if entry.is_folder() {
                pending.push((entry, names));
                continue;
            }
            if above.is_empty() && is_tool(entry.name()) {
                continue;
            }
            let path = on_media(folder, names).map_err(|source| MediaDataError::RuntimeName {
                place: format!("{}:{}", image.name(), entry.path()),
                source,
            })?;
            let file = image.wim().file(entry);
            let file =
                file.map_err(|source| MediaDataError::RuntimeFile { name: image.name(), source })?;
            let data = Data::Source(Arc::new(file));
            let origin = data.describe();
            files.push(DataFile { path, data, modified: entry.modified(), origin });
        }
    }
    Ok(())
}

/// The files that the operator gives: `SMS\bin\<arch>`, `bin\<arch>` or `<arch>` in the folder, the
/// first of these that is there, else the folder itself for the boot image's architecture, `own`.
fn of_folder(
    given: &Path,
    own: &'static str,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<DataFile>, MediaDataError> {
    let in_find = |source| MediaDataError::ReadFolder {
        option: "runtime",
        path: given.to_path_buf(),
        source,
    };
    let top = || vec![given.to_path_buf()];
    let mut bins = below(top(), &BIN).map_err(in_find)?;
    if bins.is_empty() {
        bins = below(top(), &BIN[1..]).map_err(in_find)?;
    }
    let has_bin = !bins.is_empty();
    if !has_bin {
        bins = top();
    }
    let mut folders = Vec::new();
    for folder in ALL_RUNTIME_FOLDERS {
        let found = below(bins.clone(), &[folder]).map_err(in_find)?;
        folders.extend(found.into_iter().map(|path| (folder, path)));
    }
    if folders.is_empty() && !has_bin {
        folders.push((own, given.to_path_buf()));
    } else if !has_bin {
        let beside = files_beside(given).map_err(in_find)?;
        if !beside.is_empty() {
            warnings.push(Warning::new(format!(
                "{} is not put on the media: the folder {} has a folder for each architecture, and \
                 this lies beside them; move it into one",
                first_of(&beside),
                given.display()
            )));
        }
    }
    let mut files = Vec::new();
    for (folder, path) in folders {
        let entries = host_folder(&path).map_err(|source| MediaDataError::ScanFolder {
            option: "runtime",
            path: path.clone(),
            source,
        })?;
        for entry in entries {
            let Some(file) = entry.file else { continue };
            let origin = file.path().display().to_string();
            let path = on_media(folder, entry.path.split('/'))
                .map_err(|source| MediaDataError::RuntimeName { place: origin.clone(), source })?;
            if let Some(name) = path.reserved_component() {
                warnings.push(Warning::new(format!(
                    "{path}: Windows takes {name} for a device and will not open the file; rename it"
                )));
            }
            let data = Data::Source(file);
            files.push(DataFile { path, data, modified: entry.modified, origin });
        }
    }
    if files.is_empty() {
        return Err(MediaDataError::NoRuntime { path: given.to_path_buf() });
    }
    Ok(files)
}

/// The folders at a path below any of `tops`, ignoring case. Where names differ in case alone there are
/// several, and all count: files that then have one place on the media collide there.
fn below(tops: Vec<PathBuf>, path: &[&str]) -> io::Result<Vec<PathBuf>> {
    path.iter().try_fold(tops, |tops, name| {
        let mut found = Vec::new();
        for top in tops {
            for entry in fs::read_dir(top)? {
                let entry = entry?;
                let same = entry.file_name().to_str().is_some_and(|n| n.eq_ignore_ascii_case(name));
                let path = entry.path();
                if same && path.is_dir() {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    })
}

/// Names of the files in a folder.
fn files_beside(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(files: &[DataFile]) -> Vec<String> {
        files.iter().map(|file| file.path.to_slash()).collect()
    }

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn every_layout_of_a_runtime_is_known() {
        for (names, expected) in [
            // Media made elsewhere: only the runtime is taken of it.
            (
                &["bootmgr", "sms/data/Variables.dat", "sms/Bin/X64/a.exe", "sms/Bin/i386/b/c.exe"]
                    [..],
                &["SMS/bin/i386/b/c.exe", "SMS/bin/x64/a.exe"][..],
            ),
            (&["bin/x64/a.exe", "bin/readme.txt"], &["SMS/bin/x64/a.exe"]),
            (&["arm64/a.exe"], &["SMS/bin/arm64/a.exe"]),
            (&["a.exe", "00000409/b.dll"], &["SMS/bin/x64/00000409/b.dll", "SMS/bin/x64/a.exe"]),
        ] {
            let folder = folder(names);
            let mut warnings = Vec::new();
            let files = of_folder(folder.path(), "x64", &mut warnings).unwrap();
            assert_eq!(paths(&files), expected);
            assert_eq!(warnings, []);
        }
    }

    #[test]
    fn what_lies_beside_the_architectures_is_told() {
        let folder = folder(&["x64/a.exe", "b.exe"]);
        let mut warnings = Vec::new();
        let files = of_folder(folder.path(), "x64", &mut warnings).unwrap();
        assert_eq!(paths(&files), ["SMS/bin/x64/a.exe"]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].as_str().starts_with("b.exe is not put on the media"));
    }

    #[test]
    fn a_folder_without_a_runtime_is_refused() {
        for names in [&["bin/tools/a.exe"][..], &["SMS/bin/a.exe"], &[]] {
            let folder = folder(names);
            let error = of_folder(folder.path(), "x64", &mut Vec::new()).unwrap_err();
            assert!(matches!(error, MediaDataError::NoRuntime { .. }), "{error}");
        }
        let gone = folder(&[]).path().join("none");
        let error = of_folder(&gone, "x64", &mut Vec::new()).unwrap_err();
        assert!(matches!(error, MediaDataError::ReadFolder { .. }), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn folders_that_differ_in_case_alone_all_count() {
        let folder = folder(&["x64/a.exe", "X64/A.EXE", "X64/b.exe", "x64/con.dll"]);
        let mut warnings = Vec::new();
        let files = of_folder(folder.path(), "x64", &mut warnings).unwrap();
        let expected =
            ["SMS/bin/x64/A.EXE", "SMS/bin/x64/b.exe", "SMS/bin/x64/a.exe", "SMS/bin/x64/con.dll"];
        assert_eq!(paths(&files), expected, "the media has room for one a.exe, and says so");
        let [device] = &*warnings else { panic!("{warnings:?}") };
        assert!(device.as_str().contains("con.dll for a device"), "{device}");
        let folder = super::tests::folder(&["SMS/bin/x64/a.exe", "sms/BIN/x64/b.exe"]);
        let files = of_folder(folder.path(), "x64", &mut warnings).unwrap();
        assert_eq!(paths(&files).len(), 2);
    }

    #[test]
    fn the_starter_is_looked_for_where_launchmedia_does() {
        let starts =
            |path: &str, computer| starts_capture(&MediaPath::new(path).unwrap(), computer);
        use Architecture::{Amd64, Arm64, X86};
        for (path, computers) in [
            (r"sms\BIN\X64\tsmbautorun.EXE", &[Amd64, Arm64][..]),
            (r"SMS\bin\x64\OsdCaptureCd.exe", &[Amd64, Arm64]),
            (r"SMS\bin\i386\TSMBAutoRun.exe", &[X86, Amd64, Arm64]),
            (r"SMS\bin\arm64\TSMBAutoRun.exe", &[Arm64]),
            (r"SMS\bin\TSMBAutoRun.exe", &[]),
            (r"SMS\bin\x64\a\TSMBAutoRun.exe", &[]),
            (r"SMS\bin\ia64\TSMBAutoRun.exe", &[]),
        ] {
            for computer in [Amd64, Arm64, X86] {
                assert_eq!(starts(path, computer), computers.contains(&computer), "{path}");
            }
        }
    }
}
