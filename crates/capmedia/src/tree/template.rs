//! The folder of `--template`: files that take the place of ours whose content is not confirmed.

use std::path::Path;

use extent_image::Data;
use extent_image::scan::host_folder;
use media_model::MediaPath;

use crate::tree::media_data::DataFile;
use crate::tree::media_data_error::MediaDataError;
use crate::tree::unconfirmed::TEMPLATE;

/// The templates that were found, by the path whose content they replace.
#[derive(Default)]
pub(crate) struct Template {
    files: Vec<(&'static str, DataFile)>,
}

impl Template {
    /// Looks through the folder, which is laid out like the media; case does not matter. Folders
    /// without a file in them are nobody's fault.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self, MediaDataError> {
        let Some(folder) = folder else { return Ok(Self::default()) };
        let entries = host_folder(folder).map_err(|source| MediaDataError::ScanFolder {
            option: "template",
            path: folder.to_path_buf(),
            source,
        })?;
        let mut found: Vec<(&'static str, DataFile)> = Vec::new();
        let mut unknown = Vec::new();
        for entry in entries {
            let Some(file) = entry.file else { continue };
            if is_of_a_desktop(&entry.path) {
                continue;
            }
            let same = |name: &&str| name.replace('\\', "/").eq_ignore_ascii_case(&entry.path);
            let name = TEMPLATE.into_iter().find(same);
            let Some((name, path)) = name.and_then(|name| Some((name, MediaPath::new(name).ok()?)))
            else {
                unknown.push(entry.path);
                continue;
            };
            if let Some((_, first)) = found.iter().find(|(known, _)| *known == name) {
                return Err(MediaDataError::TemplateTwice {
                    first: first.origin.clone().into(),
                    second: file.path().to_path_buf(),
                });
            }
            let origin = file.path().display().to_string();
            let data = Data::Source(file);
            found.push((name, DataFile { path, data, modified: entry.modified, origin }));
        }
        if unknown.is_empty() {
            Ok(Self { files: found })
        } else {
            Err(MediaDataError::UnknownTemplate { path: folder.to_path_buf(), names: unknown })
        }
    }

    /// The template for a file, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<DataFile> {
        let at = self.files.iter().position(|(known, _)| *known == name)?;
        Some(self.files.swap_remove(at).1)
    }
}

/// Whether a file was put there by macOS or Windows to remember how a folder is shown.
fn is_of_a_desktop(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [".DS_Store", "Thumbs.db", "desktop.ini"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn templates_are_found_whatever_their_case() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("sms/DATA")).unwrap();
        fs::create_dir_all(root.join("sms/empty")).unwrap();
        fs::write(root.join("sms/DATA/tsmbootstrap.INI"), "[x]").unwrap();
        fs::write(root.join("launchmedia.cmd"), "rem").unwrap();
        for name in [".DS_Store", "sms/Thumbs.db", "Desktop.ini"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let mut template = Template::read(Some(root)).unwrap();
        let ini = template.take(r"SMS\data\TsmBootstrap.ini").unwrap();
        // It gets the name it has on the media.
        assert_eq!((ini.path.to_slash(), ini.data.len()), ("SMS/data/TsmBootstrap.ini".into(), 3));
        assert!(template.take("LaunchMedia.cmd").is_some());
        assert!(template.take("LaunchMedia.cmd").is_none());
        assert!(template.take("autorun.inf").is_none());
        assert!(Template::read(None).unwrap().take("autorun.inf").is_none());
    }

    #[test]
    fn what_is_no_template_is_named_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["LaunchMedia.cmd", "MediaLabel.txt", "TsmBootstrap.ini"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let error = Template::read(Some(root)).err().unwrap().to_string();
        for part in ["MediaLabel.txt, TsmBootstrap.ini;", "--add", r"SMS\data\TsmBootstrap.ini"] {
            assert!(error.contains(part), "{error}");
        }
        let error = Template::read(Some(&root.join("none"))).err().unwrap();
        assert!(matches!(error, MediaDataError::ScanFolder { option: "template", .. }));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_templates_for_one_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["autorun.inf", "AutoRun.inf"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let error = Template::read(Some(folder.path())).err().unwrap();
        assert!(matches!(error, MediaDataError::TemplateTwice { .. }), "{error}");
    }
}
