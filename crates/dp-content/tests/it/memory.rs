//! Memory does not grow with a file's length.

use std::env;
use std::io::Read;
use std::ops::Range;
use std::process::Command;
use std::sync::Arc;

use dp_content::{
    AccessError, Content, ContentError, ContentOptions, FileId, Listed, Location, Package,
};
use extent_image::{Digest, Hasher};
use media_model::PackageId;

use crate::doubles::{id, package};

/// Set for the process that does nothing else.
const ALONE: &str = "DP_CONTENT_TEST_ALONE";

const SHORT: u64 = 32 << 20;
const LONG: u64 = 400 << 20;

/// A location whose file is one byte over and over.
struct Repeat {
    len: u64,
    digest: Digest,
}

impl Location for Repeat {
    fn describe(&self) -> String {
        "repeat".to_owned()
    }

    fn packages(&self) -> Result<Vec<Listed>, ContentError> {
        Ok(Vec::new())
    }

    fn package(&self, _: &PackageId) -> Result<Package, ContentError> {
        let mut package = package(&[("boot.wim", b"", true)]);
        package.files[0].id.len = self.len;
        package.files[0].id.digest = Some(self.digest);
        Ok(package)
    }

    fn open(
        &self,
        _: &FileId,
        range: Range<u64>,
    ) -> Result<Box<dyn Read + Send + '_>, AccessError> {
        Ok(Box::new(std::io::repeat(7).take(range.end - range.start)))
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn digest(len: u64) -> Digest {
    let piece = vec![7; 256 * 1024];
    let mut hasher = Hasher::new();
    for _ in 0..len / piece.len() as u64 {
        hasher.update(&piece);
    }
    hasher.finish()
}

/// In a process of its own: tests beside it would count too.
#[test]
fn a_file_of_400_mib_takes_a_few_mib() {
    if env::var_os(ALONE).is_none() {
        let mut alone = Command::new(env::current_exe().unwrap());
        alone.args(["--exact", "memory::a_file_of_400_mib_takes_a_few_mib", "--nocapture"]);
        let output = alone.env(ALONE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    let mut buf = vec![0; 1 << 20];
    let (short, long) = (digest(SHORT), digest(LONG));
    let before = resident();
    read(SHORT, short, &mut buf);
    let for_short = resident() - before;
    read(LONG, long, &mut buf);
    let more = resident() - before - for_short;
    println!("{for_short} bytes of memory, and {more} more for a file of 400 MiB");
    // Buffers on their way to the thread that hashes, read-ahead, and the pages of the program that are
    // now used for the first time, which the system counts too: they are most of it in debug builds.
    assert!(for_short < 16 << 20, "{for_short} bytes for a file");
    // A state of the hash for every 256 KiB, of some hundred bytes.
    assert!(more < 1 << 20, "{more} bytes more for a longer one");
}

fn read(len: u64, digest: Digest, buf: &mut [u8]) {
    let location = Repeat { len, digest };
    let content = Content::with_locations(vec![Arc::new(location)], ContentOptions::new());
    let found = content.find(&[id()]).unwrap();
    let source = found[0].files()[0].source();
    let mut reader = source.open(0).unwrap();
    let mut read = 0;
    loop {
        match reader.read(buf).unwrap() {
            0 => break,
            count => read += count as u64,
        }
    }
    assert_eq!(read, len);
    content.settle().unwrap();
}
