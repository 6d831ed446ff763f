//! Finds what UEFI starts, to tell who signed it: on media the files `\EFI\Boot\boot*.efi`, and those
//! in the volume that is all UEFI sees of a disc, on the disc and before it is made.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use boot_image::authenticode::Generation;
use extent_image::{BytesSource, Digest, Source};
use fat32_image::check as fat;

use crate::boot::certificate::{self, LARGEST, Looked, UefiLoader, list};
use crate::boot::firmware;
use crate::boot::floppy::Floppy;
use crate::error::chain;
use crate::medium::{File, Medium, MediumError, is_damage};

/// The names that UEFI looks for (UEFI specification, "Removable Media Boot Behavior").
const NAMES: [&str; 4] = ["bootx64.efi", "bootia32.efi", "bootaa64.efi", "bootarm.efi"];
const FOLDER: &str = "EFI/Boot";
/// Volumes of a disc that are looked at; ours have one.
const VOLUMES: usize = 4;
/// Said of a volume, or of a loader in it.
const UNSEEN: &str = "its loader could not be looked at";

/// A loader in a file that is a volume.
pub(crate) struct Named {
    /// The name that UEFI looks for.
    pub(crate) name: &'static str,
    pub(crate) looked: Looked,
}

/// What UEFI starts from a medium.
#[derive(Default)]
pub(crate) struct Loaders {
    pub(crate) loaders: Vec<UefiLoader>,
    pub(crate) faults: Vec<String>,
    /// Worth knowing, and no fault.
    pub(crate) notes: Vec<String>,
}

/// One of them, as far as the others are held against it.
struct Seen {
    name: &'static str,
    digest: Digest,
    generations: Vec<Generation>,
}

/// Reads the loaders of a medium with these files. Of our media with `ours`: a disc whose volume
/// starts on other computers than the disc is for is a fault.
pub(crate) fn on_medium<R: Read + Seek>(
    medium: &mut Medium<R>,
    files: &[File],
    ours: bool,
) -> Result<Loaders, MediumError> {
    let mut found = Loaders::default();
    let mut seen = Vec::new();
    let mut own = Vec::new();
    for name in NAMES {
        let path = format!("{FOLDER}/{name}");
        let Some(file) = files.iter().find(|file| file.path.eq_ignore_ascii_case(&path)) else {
            continue;
        };
        own.push(name);
        if let Some(bytes) = read(medium.open_file(file), &file.path, &mut found.notes)? {
            let (digest, looked) = look(&file.path, None, bytes);
            seen.push(Seen { name, digest, generations: looked.generations.clone() });
            found.add(looked);
        }
    }
    let mut starts = BTreeSet::new();
    for entry in firmware::efi_entries(medium) {
        starts.insert(entry.lba.byte_offset());
    }
    let more = starts.len().saturating_sub(VOLUMES);
    if more > 0 {
        found.notes.push(format!("{more} more volumes that UEFI may start were not looked at"));
    }
    let mut started = Vec::new();
    for start in starts.into_iter().take(VOLUMES) {
        let Medium::Disc(image) = medium else { continue };
        let place = format!("UEFI's volume at byte {start}");
        for Inner { name, path, bytes } in
            in_volume(image.get_mut(), start, &place, &mut found.notes)?
        {
            started.push(name);
            let (digest, looked) = look(&path, Some(start), bytes);
            let file = seen.iter().find(|seen| seen.name == name);
            // Our own volume and the disc lead to the same bytes.
            if file.is_some_and(|file| file.digest == digest) {
                continue;
            }
            if let Some(file) = file {
                let first = format!("{name}: the one in {place}");
                found.notes.extend(mismatch(&first, &looked, "the disc's own", &file.generations));
            }
            found.add(looked);
        }
    }
    if !own.is_empty() && !started.is_empty() && !started.iter().any(|name| own.contains(name)) {
        let told = format!(
            "UEFI's volume holds {}, and the disc {}: no computer that it is for starts it under UEFI",
            started.join(" and "),
            own.join(" and ")
        );
        if ours { &mut found.faults } else { &mut found.notes }.push(told);
    }
    Ok(found)
}

/// The loaders in a file that is a volume which UEFI starts, each with the name that UEFI looks for,
/// and notes. The file lies at `path` on the media, and is read to its end.
///
/// # Errors
/// It cannot be read, or is damaged where it comes from.
pub(crate) fn in_file(path: &str, file: &dyn Source) -> io::Result<(Vec<Named>, Vec<String>)> {
    let place = file.describe();
    let mut volume = Vec::new();
    file.open(0)?.take(LARGEST + 1).read_to_end(&mut volume)?;
    if volume.len() as u64 > LARGEST {
        let note = format!("{place}: {UNSEEN}: it has more than {LARGEST} bytes");
        return Ok((Vec::new(), vec![note]));
    }
    let mut notes = Vec::new();
    let found = in_volume(&mut Cursor::new(volume), 0, &place, &mut notes)?;
    let looked = found.into_iter().map(|Inner { name, path: inner, bytes }| {
        let (_, looked) = look(&format!("{path}:/{inner}"), None, bytes);
        Named { name, looked }
    });
    Ok((looked.collect(), notes))
}

impl Loaders {
    fn add(&mut self, looked: Looked) {
        self.loaders.push(looked.loader);
        self.faults.extend(looked.fault);
    }
}

/// What follows for a disc where its two loaders are not signed alike: `first`, in words, is what
/// UEFI starts, and that starts `second`, which firmware starts under the certificates `then`. Of two
/// that nobody has signed, and of a fault, nothing is said.
pub(crate) fn mismatch(
    first: &str,
    looked: &Looked,
    second: &str,
    then: &[Generation],
) -> Option<String> {
    let (told, first) = (first, &*looked.generations);
    let names = |of: &[&Generation]| -> Vec<_> { of.iter().map(ToString::to_string).collect() };
    let all = |of: &[Generation]| list(&names(&of.iter().collect::<Vec<_>>()));
    if looked.unsigned && !then.is_empty() {
        return Some(format!(
            "{told} is not signed, {second} is, under {}: with Secure Boot on no machine starts the disc",
            all(then)
        ));
    }
    let subset = |a: &[Generation], b: &[Generation]| a.iter().all(|it| b.contains(it));
    let nobody = first.is_empty() || then.is_empty();
    if nobody || (subset(first, then) && subset(then, first)) {
        return None;
    }
    let both: Vec<_> = first.iter().filter(|it| then.contains(it)).collect();
    let one = first.iter().filter(|it| !then.contains(it));
    let one: Vec<_> = one.chain(then.iter().filter(|it| !first.contains(it))).collect();
    let follows = match &*both {
        [] => "the disc starts only where both are trusted".to_owned(),
        both => format!(
            "the disc starts on machines that trust {}, and not on those that trust only {}",
            names(both).join(" or "),
            names(&one).join(" or ")
        ),
    };
    Some(format!(
        "{told} is signed under {}, {second} under {}: with Secure Boot on {follows}",
        all(first),
        all(then)
    ))
}

fn look(path: &str, volume: Option<u64>, bytes: Vec<u8>) -> (Digest, Looked) {
    let digest = Digest::of(&bytes);
    (digest, certificate::look(path, volume, &BytesSource::new("loader", bytes)))
}

/// The bytes of a program; of one that is damaged or very large none, and why.
fn read(from: impl Read, path: &str, notes: &mut Vec<String>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match from.take(LARGEST + 1).read_to_end(&mut bytes) {
        Err(error) if !is_damage(&error) => return Err(error),
        Err(error) => notes.push(format!("{path}: its signatures cannot be told: {error}")),
        Ok(_) if bytes.len() as u64 > LARGEST => notes.push(format!(
            "{path}: its signatures were not looked at, it has more than {LARGEST} bytes"
        )),
        Ok(_) => return Ok(Some(bytes)),
    }
    Ok(None)
}

/// A loader in a volume in a disc.
struct Inner {
    name: &'static str,
    path: String,
    bytes: Vec<u8>,
}

/// The loaders in the FAT volume that begins at byte `start` and that notes call `place`. Of damage,
/// other than that it hides them, is told elsewhere.
fn in_volume<R: Read + Seek>(
    image: &mut R,
    start: u64,
    place: &str,
    notes: &mut Vec<String>,
) -> io::Result<Vec<Inner>> {
    let mut found = Vec::new();
    let mut unseen = |why: &str| notes.push(format!("{place}: {UNSEEN}: {why}"));
    let len = image.seek(SeekFrom::End(0))?.saturating_sub(start);
    let mut volume = match fat::Volume::open(&mut *image, start, len) {
        Ok(volume) => volume,
        Err(fat::OpenError::Fat12 { .. }) => return in_floppy(image, start, unseen),
        Err(fat::OpenError::Read(error)) if !is_damage(&error) => return Err(error),
        Err(error) => {
            unseen(&chain(&error));
            return Ok(found);
        }
    };
    let entries = match volume.walk() {
        Ok(entries) => entries,
        Err(error) if is_damage(&error) => {
            unseen(&chain(&error));
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    for name in NAMES {
        let path = format!("{FOLDER}/{name}");
        let is_it =
            |entry: &&fat::Entry| !entry.is_folder() && entry.path().eq_ignore_ascii_case(&path);
        let Some(entry) = entries.iter().find(is_it) else { continue };
        let path = entry.path();
        if let Some(bytes) = read(volume.open_file(entry), &path, notes)? {
            found.push(Inner { name, path, bytes });
        }
    }
    Ok(found)
}

fn in_floppy<R: Read + Seek>(
    image: &mut R,
    start: u64,
    mut unseen: impl FnMut(&str),
) -> io::Result<Vec<Inner>> {
    let mut found = Vec::new();
    let Some(mut floppy) = Floppy::open(image, start)? else {
        unseen("its boot sector cannot be followed");
        return Ok(found);
    };
    for name in NAMES {
        let path = format!("{FOLDER}/{name}");
        match floppy.read(&path, LARGEST) {
            Ok(Some(bytes)) => found.push(Inner { name, path, bytes }),
            Ok(None) => {}
            Err(error) if is_damage(&error) => unseen(&format!("{path}: {error}")),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
