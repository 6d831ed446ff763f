//! What is wrong with the structure of a medium, and what of it matters.
//!
//! A stick is used: it is pulled out, gets a label, folders of its owner and of the system, and was
//! perhaps formatted by somebody else. What breaks the rules of FAT then and costs no file is worth a
//! note. Damage to the volume is a fault, and so is whatever is wrong with that which is ours.

use std::collections::HashSet;

use disk_image::TableKind;
use fat32_image::check::{Fault, FaultKind, Severity};

use crate::medium::fold_path;
use crate::tree::manifest::Description;

/// Of many things of one kind, those that a note names.
const NAMED: usize = 3;

/// What is wrong with the structure of a medium, before anybody asks what the medium is.
pub(crate) enum Structure {
    Disc(Vec<String>),
    Disk(DiskStructure),
}

pub(crate) struct DiskStructure {
    pub(crate) table: TableKind,
    pub(crate) table_faults: Vec<disk_image::Fault>,
    /// First byte of the volume.
    pub(crate) start: u64,
    /// First sector of the volume.
    pub(crate) first_sector: u64,
    /// The same, as the volume says it.
    pub(crate) hidden: u32,
    pub(crate) volume_faults: Vec<Fault>,
    /// What a BIOS would start is there.
    pub(crate) has_bootmgr: bool,
}

/// What the medium says that it is.
#[derive(Default)]
pub(crate) struct Claims {
    /// A BIOS starts it by the boot code that `media.json` has the digest of.
    has_boot_code: bool,
    /// That boot code is there, byte for byte.
    is_code_there: bool,
    /// Folded paths of the files that are listed, and of the folders they are in.
    paths: HashSet<String>,
}

impl Claims {
    /// With what is there in place of the boot code.
    pub(crate) fn new(description: Option<&Description>, code: &[u8]) -> Self {
        let claimed = description.filter(|it| it.volume == 1).and_then(|it| it.boot_code.as_ref());
        let found = || extent_image::Digest::of(code).to_string();
        Self {
            has_boot_code: claimed.is_some(),
            is_code_there: claimed.is_some_and(|claimed| *claimed == found()),
            paths: HashSet::new(),
        }
    }

    pub(crate) fn with_files<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        for path in paths.into_iter().map(fold_path) {
            for (at, _) in path.match_indices('/') {
                if let Some(folder) = path.get(..at).filter(|it| !self.paths.contains(*it)) {
                    self.paths.insert(folder.to_owned());
                }
            }
            self.paths.insert(path);
        }
        self
    }

    /// Whether the entry with this path is a listed file, or leads to one.
    fn has(&self, path: &str) -> bool {
        self.paths.contains(&fold_path(path))
    }
}

/// What is wrong, in words.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) faults: Vec<String>,
    /// What harms nothing, and what to do about it.
    pub(crate) notes: Vec<String>,
}

impl Structure {
    pub(crate) fn judge(&self, claims: &Claims) -> Judged {
        match self {
            Self::Disc(faults) => Judged { faults: faults.clone(), notes: Vec::new() },
            Self::Disk(disk) => {
                let mut judged = Judged::default();
                disk.judge_table(claims, &mut judged);
                disk.judge_volume(claims, &mut judged);
                judged
            }
        }
    }

    /// A volume that says that it lies in a partition, without the disk around it: `/dev/sdb1` and
    /// not `/dev/sdb`. Neither the table nor the code in front of the volume is there to be looked at.
    pub(crate) fn is_partition_alone(&self, claims: &Claims) -> bool {
        match self {
            Self::Disc(_) => false,
            Self::Disk(disk) => disk.is_partition_alone(claims),
        }
    }
}

impl DiskStructure {
    fn is_partition_alone(&self, claims: &Claims) -> bool {
        self.table == TableKind::None && self.hidden != 0 && !claims.is_code_there
    }

    fn judge_table(&self, claims: &Claims, judged: &mut Judged) {
        let mut starts_nothing = Vec::new();
        for fault in &self.table_faults {
            match fault {
                // Others need none, and computers without a BIOS neither.
                disk_image::Fault::NoCode if !claims.has_boot_code && !self.has_bootmgr => {}
                disk_image::Fault::NoCode
                | disk_image::Fault::NoneActive
                | disk_image::Fault::SeveralActive { .. }
                | disk_image::Fault::NoSignature
                    if !claims.has_boot_code =>
                {
                    starts_nothing.push(fault.to_string());
                }
                _ => judged.faults.push(format!("partition table: {fault}")),
            }
        }
        let (hidden, first, start) = (self.hidden, self.first_sector, self.start);
        if self.is_partition_alone(claims) {
            judged.notes.push(format!(
                "the volume says that it begins at sector {hidden} of a disk: it is a partition alone, \
                 and the partition table and boot code in front of it were not looked at; give the \
                 whole drive or image for that"
            ));
        } else if u64::from(hidden) != first && claims.has_boot_code {
            judged.faults.push(format!(
                "boot sector at byte {start}: {hidden} hidden sectors, but the volume begins at \
                 sector {first}: a BIOS will not start it"
            ));
        } else if u64::from(hidden) != first && self.table != TableKind::Gpt {
            starts_nothing
                .push(format!("{hidden} hidden sectors, but the volume begins at sector {first}"));
        }
        if !starts_nothing.is_empty() {
            judged.notes.push(format!(
                "a BIOS may not start it ({}); the media does not say that one does, and UEFI needs \
                 none of this. To have one start it, have the stick formatted: create without \
                 --no-format",
                starts_nothing.join("; ")
            ));
        }
    }

    fn judge_volume(&self, claims: &Claims, judged: &mut Judged) {
        let start = self.start;
        // Whoever closes the volume properly clears the marks of use, and ours counts no more.
        let is_cut_off = self.volume_faults.iter().any(is_mark_of_update)
            && self.volume_faults.iter().any(|it| matches!(it.kind(), FaultKind::Dirty { .. }));
        let (mut leftovers, mut untidy) = (Vec::new(), Vec::new());
        for fault in &self.volume_faults {
            // Of this the table's part has told.
            if matches!(fault.kind(), FaultKind::HiddenSectors { .. }) {
                continue;
            }
            match place(fault, claims, is_cut_off) {
                Place::Update => {}
                Place::Leftover => leftovers.push(fault),
                Place::Untidy => untidy.push(fault),
                Place::Fault => judged.faults.push(format!("volume at byte {start}: {fault}")),
            }
        }
        if is_cut_off {
            judged.notes.push(format!(
                "volume at byte {start}: an update of the media was cut off, which harms no file; run \
                 create --no-format again to have it done and tidied up"
            ));
        }
        if !leftovers.is_empty() {
            judged.notes.push(format!(
                "volume at byte {start}: was in use when the stick was pulled out or the computer \
                 stopped, which harms no file ({}); chkdsk /f in Windows or fsck.fat -a in Linux tidies \
                 it up",
                list(&leftovers)
            ));
        }
        if !untidy.is_empty() {
            judged.notes.push(format!(
                "volume at byte {start}: breaks rules of FAT, and harms no file of the media by it ({})",
                list(&untidy)
            ));
        }
    }
}

/// What becomes of a fault of a volume.
enum Place {
    /// Goes with the update that was cut off.
    Update,
    Leftover,
    Untidy,
    Fault,
}

fn place(fault: &Fault, claims: &Claims, is_cut_off: bool) -> Place {
    let kind = fault.kind();
    if is_mark_of_update(fault) {
        return if is_cut_off { Place::Update } else { Place::Untidy };
    }
    // What it writes in two places: entries of the FAT, and the label, which the root and both boot
    // sectors have. It goes on from either half.
    if is_cut_off && (fault.is_leftover() || fault.is_half_written()) {
        return Place::Update;
    }
    if fault.is_leftover() {
        return Place::Leftover;
    }
    let is_ours = match kind {
        FaultKind::SlotField { path, .. } | FaultKind::Time { path, .. } => claims.has(path),
        // Of the root, which is everybody's, no.
        FaultKind::LongSlot { folder, .. } => claims.has(folder),
        // Of others' names every system makes something.
        FaultKind::ShortName { folder, name } | FaultKind::LongName { folder, name } => {
            return match claims.has(&join(folder, name)) {
                true => Place::Fault,
                false => Place::Untidy,
            };
        }
        FaultKind::BootField { .. }
        | FaultKind::BackupDiffers
        | FaultKind::FsInfoSignature { .. }
        | FaultKind::FsInfoReserved { .. } => claims.has_boot_code,
        _ => false,
    };
    match fault.severity() {
        Severity::Untidy if !is_ours => Place::Untidy,
        _ => Place::Fault,
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The mark that an update of ours leaves while it runs: a text in reserved bytes of FSInfo, of which
/// the check names the first.
fn is_mark_of_update(fault: &Fault) -> bool {
    matches!(fault.kind(), FaultKind::FsInfoReserved { found: b'b' }) && fault.position() % 512 == 4
}

fn list(faults: &[&Fault]) -> String {
    let mut shown: Vec<String> = faults.iter().take(NAMED).map(|fault| fault.to_string()).collect();
    if let Some(more) = faults.len().checked_sub(NAMED).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown.join("; ")
}
