//! The boot configurations on a medium, read back: each must start a boot image that is there.

use std::collections::HashSet;
use std::io::{Read, Seek};

use bcd_store::Firmware;
use boot_image::BootFile;

use crate::boot::configuration::{BcdFault, OF_FIRMWARE, boot, read};
use crate::error::chain;
use crate::medium::{File, Medium, MediumError, is_damage};
use crate::tree::sequence::SEQUENCE;

use super::Findings;

/// Looks at the configurations of a medium; `ours` where we made it, so that each must start it. The
/// media of our first versions has no task sequence, and a text in place of a configuration where
/// none was found. One that needs a file the medium does not have starts nobody's.
pub(super) fn look<R: Read + Seek>(
    medium: &mut Medium<R>,
    files: &[File],
    ours: bool,
) -> Result<Findings, MediumError> {
    let mut findings = Findings::default();
    let stores = files.iter().filter_map(|file| {
        let path = file.path.to_lowercase();
        let is_it =
            |file: BootFile| file.path_on_media().is_some_and(|it| in_lower_case(it) == path);
        let (_, firmware) = OF_FIRMWARE.iter().find(|(file, _)| is_it(*file))?;
        Some((file, *firmware))
    });
    let stores: Vec<_> = stores.collect();
    if stores.is_empty() {
        return Ok(findings);
    }
    let paths: HashSet<String> = files.iter().map(|file| file.path.to_lowercase()).collect();
    let ours = ours && paths.contains(&in_lower_case(SEQUENCE));
    for (file, firmware) in stores {
        let fault = match starts(medium, file, firmware, &paths) {
            Ok(()) => continue,
            Err(BcdFault::Read(error)) if !is_damage(&error) => return Err(error.into()),
            Err(fault) => fault,
        };
        let text = format!("{}: {}", file.path, chain(&fault));
        if ours || matches!(fault, BcdFault::NoFile { .. }) {
            findings.faults.push(text);
        } else {
            findings.notes.push(text);
        }
    }
    Ok(findings)
}

/// A path of Windows as this module compares them.
fn in_lower_case(path: &str) -> String {
    path.replace('\\', "/").to_lowercase()
}

fn starts<R: Read + Seek>(
    medium: &mut Medium<R>,
    file: &File,
    firmware: Firmware,
    paths: &HashSet<String>,
) -> Result<(), BcdFault> {
    let store = read(&mut medium.open_file(file), file.size)?;
    let boot = boot(&store, firmware)?;
    for found in [boot.wim, boot.sdi] {
        let path = in_lower_case(&found);
        if !paths.contains(path.trim_start_matches('/')) {
            return Err(BcdFault::NoFile { found });
        }
    }
    Ok(())
}
