//! What is told while media is made and read back: stages, and files with the bytes that are theirs.

use std::fs;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use capmedia::{MediaPlan, Target, join, media_model::CaptureMediaRequest, verify_set};
use extent_image::{Digest, Phase, Progress, Stage};

use crate::sets;
use crate::support::{Workshop, noise, small_wim};

/// All that was told.
#[derive(Default)]
struct Recorder {
    stages: Vec<Stage>,
    /// Files with the number of their stage.
    files: Vec<(usize, String, Range<u64>)>,
    done: u64,
    total: u64,
    work: Option<(u64, u64)>,
}

impl Progress for Recorder {
    fn advance(&mut self, done: u64, total: u64) -> ControlFlow<()> {
        assert!(self.done <= done && done <= total, "{} {done} {total}", self.done);
        (self.done, self.total) = (done, total);
        ControlFlow::Continue(())
    }

    fn work(&mut self, done: u64, total: u64) {
        assert!(self.work.is_none_or(|(before, of)| before <= done && of == total));
        self.work = Some((done, total));
    }

    fn begin(&mut self, stage: Stage) {
        // Volumes that are written count on.
        let counts_on = stage.phase() == Phase::Write && stage.volume().is_some_and(|it| it.0 > 1);
        if !counts_on {
            self.done = 0;
        }
        self.stages.push(stage);
    }

    fn file(&mut self, path: &str, place: Range<u64>) {
        assert!(self.done < place.end, "{path} is behind");
        self.files.push((self.stages.len(), path.to_owned(), place));
    }
}

impl Recorder {
    fn phases(&self) -> Vec<Phase> {
        self.stages.iter().map(|stage| stage.phase()).collect()
    }

    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(_, path, _)| &**path).collect()
    }
}

/// Makes media, and looks whether each file that was told lies where it was said to be.
fn made(request: &CaptureMediaRequest) -> (Recorder, Vec<PathBuf>) {
    let request = request.check().unwrap();
    let media = MediaPlan::new(&request).unwrap();
    let mut told = Recorder::default();
    let made = media.publish(&Target::of(&request).unwrap(), &mut told).unwrap();
    assert_eq!(told.done, told.total);
    // All but the holes is work, and is written.
    let (done, total) = told.work.unwrap_or((told.done, told.total));
    assert_eq!((done, total), (made.written_bytes, made.written_bytes));
    let images: Vec<PathBuf> = made.images.iter().map(|image| PathBuf::from(&image.path)).collect();
    let bytes: Vec<u8> = images.iter().flat_map(|image| fs::read(image).unwrap()).collect();
    assert_eq!(told.total, bytes.len() as u64);
    let sums = String::from_utf8_lossy(&bytes);
    for (_, path, place) in &told.files {
        let range = usize::try_from(place.start).unwrap()..usize::try_from(place.end).unwrap();
        let digest = Digest::of(&bytes[range]);
        // The manifest cannot have itself.
        let is_listed = sums.contains(&format!("{digest}  {path}\n"));
        assert!(is_listed || path == "SHA256SUMS", "{path} is not at {place:?}");
    }
    (told, images)
}

/// Files that are longer than a buffer, so that each of them must be told.
fn workshop() -> (Workshop, Vec<&'static str>) {
    let workshop = Workshop::with_boot_image(&small_wim());
    let names = vec!["apps/a.bin", "apps/b.bin", "apps/c/d.bin"];
    for (seed, name) in (1..).zip(&names) {
        workshop.put(name, noise((1 << 20) + 777, seed));
    }
    (workshop, names)
}

#[test]
fn files_of_every_kind_of_image_are_told_where_they_lie() {
    let (workshop, names) = workshop();
    for kind in ["cd-dvd", "usb", "hybrid"] {
        let mut request =
            workshop.request(kind).with_force(true).with_add(workshop.add("apps", "apps"));
        request.image_size = None;
        let (told, _) = made(&request);
        assert_eq!(told.phases(), [Phase::Write], "{kind}");
        for name in &names {
            assert_eq!(
                told.names().iter().filter(|told| *told == name).count(),
                1,
                "{kind} {name}"
            );
        }
    }
}

#[test]
fn a_set_is_written_verified_and_joined() {
    let workshop = sets::workshop();
    let (told, discs) = made(&sets::request(&workshop));
    let count = u32::try_from(discs.len()).unwrap();
    assert!(count > 1);
    let volumes: Vec<_> = told.stages.iter().map(|stage| stage.volume()).collect();
    assert_eq!(volumes, (1..=count).map(|number| Some((number, count))).collect::<Vec<_>>());
    for stage in 1..=discs.len() {
        assert!(told.files.iter().any(|(at, ..)| *at == stage), "{stage}");
    }

    let mut read = Recorder::default();
    assert!(verify_set(&discs, &mut read).unwrap().is_clean());
    assert_eq!(read.phases(), vec![Phase::Verify; discs.len()]);
    let mut joined = Recorder::default();
    let folder = workshop.path("joined");
    let _ = join(&discs, &folder, &mut joined).unwrap();
    assert_eq!((joined.phases(), joined.done), (vec![Phase::Write], joined.total));
    for (_, path, place) in &joined.files {
        assert_eq!(
            fs::metadata(folder.join(path)).unwrap().len(),
            place.end - place.start,
            "{path}"
        );
    }
    for name in ["apps/setup.bin", "docs/read me.txt"] {
        assert!(read.names().contains(&name) && joined.names().contains(&name), "{name}");
    }
}

#[test]
fn a_stick_is_compared_written_and_verified() {
    use capmedia::media_device::System;
    use capmedia::{Consent, RefreshTarget};

    let (workshop, names) = workshop();
    let request = workshop.request("usb").with_image_size("64MiB");
    made(&request.clone().with_add(workshop.add("apps/a.bin", "apps/a.bin")));
    let mut request = request.with_add(workshop.add("apps", "apps")).with_no_format(true);
    request.image_size = None;
    let request = request.check().unwrap();
    let consent = Consent::new();
    for is_new in [true, false] {
        let target = RefreshTarget::open(&request, &System::new(), &consent).unwrap();
        let media = MediaPlan::for_refresh(&request, None, &target).unwrap();
        let mut told = Recorder::default();
        let made = media.refresh(&request, &target, &mut told).unwrap();
        assert_eq!(made.files_written > 0, is_new);
        let mut phases = told.phases();
        phases.dedup();
        assert_eq!(phases, [Phase::Compare, Phase::Write, Phase::Verify]);
        let of = |phase: Phase, name: &str| {
            told.files
                .iter()
                .any(|(at, path, _)| told.stages[*at - 1].phase() == phase && path == name)
        };
        for name in &names[1..] {
            assert_eq!(of(Phase::Write, name), is_new, "{name}");
            assert_eq!(of(Phase::Verify, name), is_new, "{name}");
            assert_eq!(of(Phase::Compare, name), !is_new, "{name}");
        }
    }
}
