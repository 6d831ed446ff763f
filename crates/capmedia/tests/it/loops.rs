//! Loop devices as drives. Root alone makes them; there are few, so tests take turns.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Loop devices of one test, and the turn of that test.
pub(crate) struct Loops {
    nodes: Vec<PathBuf>,
    mounted: Vec<PathBuf>,
    _turn: File,
}

impl Loops {
    /// Waits until no other test has loop devices.
    pub(crate) fn new() -> Self {
        let lock = std::env::temp_dir().join("capmedia-loops.lock");
        let turn = File::options().create(true).append(true).open(lock).unwrap();
        turn.lock().unwrap();
        Self { nodes: Vec::new(), mounted: Vec::new(), _turn: turn }
    }

    /// A drive whose bytes are in the file at `backing`, made with `len` bytes of its own: as sticks
    /// are that were used before, there is something everywhere that matters.
    pub(crate) fn drive(&mut self, backing: &Path, len: u64, sector: u32) -> PathBuf {
        use std::os::unix::fs::FileExt as _;
        let file = File::create(backing).unwrap();
        file.set_len(len).unwrap();
        for at in [0, 4096, 1 << 20, len - 4096] {
            file.write_all_at(&[0xEE; 4096], at).unwrap();
        }
        drop(file);
        let (sector, backing) = (sector.to_string(), backing.display().to_string());
        let node = run("losetup", &["-f", "--show", "-b", &sector, &backing]);
        let node = PathBuf::from(node.trim());
        self.nodes.push(node.clone());
        node
    }

    /// Gives a drive back before the test ends.
    pub(crate) fn free(&mut self, node: &Path) {
        self.nodes.retain(|kept| kept != node);
        run("losetup", &["-d", &node.display().to_string()]);
    }

    /// Mounts something at the new folder `at` until the test ends.
    pub(crate) fn mount(&mut self, arguments: &[&str], at: &Path) {
        fs::create_dir_all(at).unwrap();
        let at_text = at.display().to_string();
        run("mount", &[arguments, &[&at_text]].concat());
        self.mounted.push(at.to_path_buf());
    }
}

impl Drop for Loops {
    fn drop(&mut self) {
        // First what lies on drives, then what drives lie on. A test may have unmounted some.
        let unmount = || {
            for mounted in self.mounted.iter().rev() {
                let _ = Command::new("umount").arg(mounted).stderr(Stdio::null()).status();
            }
        };
        unmount();
        for node in &self.nodes {
            let _ = Command::new("losetup").arg("-d").arg(node).status();
        }
        unmount();
    }
}

/// Runs a tool and answers what it says.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
