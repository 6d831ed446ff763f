//! Local files into a file, on file systems that share blocks and on others.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use extent_image::{
    Digest, FileSource, Plan, PlanBuilder, Report, Source, StreamError, StreamOptions,
};

/// Lengths around the limits of sharing, each on a block boundary, then off one.
const LENGTHS: [usize; 7] = [1, 65_535, 65_536, 65_537, 69_632, 1 << 20, (3 << 20) + 100];

/// A file but for its first bytes.
struct Changed(FileSource);

const HEAD: &[u8] = &[9; 300];

impl Source for Changed {
    fn len(&self) -> u64 {
        Source::len(&self.0)
    }

    fn open(&self, from: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        let head = HEAD.get(from as usize..).unwrap_or_default();
        Ok(Box::new(head.chain(self.0.open(from.max(HEAD.len() as u64))?)))
    }

    fn describe(&self) -> String {
        Source::describe(&self.0)
    }

    fn open_local(&self) -> io::Result<Option<(File, u64)>> {
        self.0.open_local()
    }

    fn local_from(&self) -> u64 {
        HEAD.len() as u64
    }
}

fn plan(folder: &Path) -> (Plan, Vec<Arc<dyn Source>>) {
    let mut builder = PlanBuilder::new();
    let mut sources = Vec::new();
    for (boundary, step) in [(4096, 0), (4096, 2048)] {
        for (number, len) in LENGTHS.into_iter().enumerate() {
            let path = folder.join(format!("{step}-{number}"));
            let bytes: Vec<u8> = (0..len).map(|i| ((i * 7 + number + step) % 251) as u8).collect();
            fs::write(&path, bytes).unwrap();
            let source: Arc<dyn Source> = Arc::new(FileSource::new(path).unwrap());
            let at = builder.position().next_multiple_of(boundary) + step as u64;
            builder.zero_to("gap", at).unwrap();
            builder.source("data", Arc::clone(&source)).unwrap();
            sources.push(source);
        }
    }
    let path = folder.join("changed");
    fs::write(&path, vec![7; 1 << 20]).unwrap();
    let source: Arc<dyn Source> = Arc::new(Changed(FileSource::new(path).unwrap()));
    builder.zero_to("gap", builder.position().next_multiple_of(4096)).unwrap();
    builder.source("data", Arc::clone(&source)).unwrap();
    sources.push(source);
    builder.bytes("tail", "tail").unwrap();
    (builder.finish(), sources)
}

fn options(digests: bool) -> StreamOptions {
    StreamOptions::default().with_image_digest(digests).with_source_digests(digests)
}

/// Writes the plan with and without digests; the bytes are always those of the reader.
fn written_right(folder: &Path) -> Report {
    let (plan, sources) = plan(folder);
    let mut expected = Vec::new();
    plan.reader().read_to_end(&mut expected).unwrap();
    let mut last = Report::default();
    for digests in [true, false] {
        let out = folder.join("out");
        last = plan.write_file(&File::create(&out).unwrap(), &options(digests), &mut ()).unwrap();
        assert!(fs::read(&out).unwrap() == expected, "digests {digests}");
        assert_eq!(last.image_digest, digests.then(|| Digest::of(&expected)));
        for source in sources.iter().filter(|_| digests) {
            let mut bytes = Vec::new();
            source.open(0).unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(last.source_digests.of(source), Some(Digest::of(&bytes)));
        }
    }
    last
}

fn changes_are_seen(folder: &Path) {
    for digests in [true, false] {
        let (plan, _) = plan(folder);
        fs::write(folder.join("0-5"), vec![1; 1 << 20]).unwrap();
        let out = File::create(folder.join("out")).unwrap();
        let error = plan.write_file(&out, &options(digests), &mut ()).unwrap_err();
        assert!(matches!(error, StreamError::SourceChanged { .. }), "{error}");
    }
}

#[test]
fn local_files_are_written_right_here() {
    let folder = tempfile::tempdir().unwrap();
    let report = written_right(folder.path());
    assert!(report.written + report.shared <= report.len);
    changes_are_seen(folder.path());
}

/// A mounted XFS, gone with the value.
struct Xfs {
    folder: tempfile::TempDir,
}

impl Xfs {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (image, mount) = (folder.path().join("image"), folder.path().join("mount"));
        File::create(&image).unwrap().set_len(400 << 20).unwrap();
        fs::create_dir(&mount).unwrap();
        run(Command::new("mkfs.xfs").arg("-q").arg(&image));
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&mount));
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("mount")
    }
}

impl Drop for Xfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

#[test]
#[ignore = "needs root, loop devices, XFS and mkfs.xfs: cargo xtask oracles --mounts"]
fn blocks_are_shared_on_a_mounted_xfs() {
    let xfs = Xfs::mount();
    let report = written_right(&xfs.path());
    // 64 KiB, 64 KiB and a byte, 68 KiB, 1 MiB, 3 MiB and 100 bytes: whole blocks, on boundaries.
    // Of the file with another head all but the head's block.
    let changed = (1 << 20) - 4096;
    assert_eq!(report.shared, 65_536 + 65_536 + 69_632 + (1 << 20) + (3 << 20) + changed);
    changes_are_seen(&xfs.path());
}
