//! `LaunchMedia.cmd`, run by Wine's command interpreter in place of Windows'.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::places::media_data;

/// Where Debian's `wine64` has it; other systems have it on the search path.
const WINE: &str = "/usr/lib/wine/wine64";

struct Computer {
    folder: tempfile::TempDir,
}

/// What a run answered.
struct Answer {
    code: Option<i32>,
    text: String,
}

impl Computer {
    /// A Windows, and a medium whose path is a hard one for a batch file.
    fn new() -> Self {
        let computer = Self { folder: tempfile::tempdir().unwrap() };
        let [(name, text), ..] = media_data();
        computer.put(&format!("{MEDIUM}/{name}"), &text);
        let ready = computer.run("exit 3");
        assert_eq!(ready.code, Some(3), "{}", ready.text);
        computer
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Puts one of Wine's programs onto the medium: `reg`, which ends with 1 and a complaint when it
    /// is told nothing, or `hostname`, which ends with 0.
    fn put_program(&self, program: &str, path: &str) {
        let program = format!("windows/drive_c/windows/system32/{program}.exe");
        let program = fs::read(self.folder.path().join(program)).unwrap();
        self.put(&format!("{MEDIUM}/{path}"), &program);
    }

    fn take(&self, path: &str) {
        fs::remove_file(self.folder.path().join(MEDIUM).join(path)).unwrap();
    }

    /// Runs these lines of a batch file. One that runs another ends with its code: Wine's `call`
    /// would lose it.
    fn run(&self, lines: &str) -> Answer {
        self.put("run.cmd", format!("@{lines}\r\n").as_bytes());
        let wine = if Path::new(WINE).is_file() { WINE } else { "wine" };
        let mut command = Command::new(wine);
        command.args(["cmd", "/c"]).arg(dos(&self.folder.path().join("run.cmd")));
        command.env("WINEPREFIX", self.folder.path().join("windows"));
        // No offers to install .NET and a browser, no debug output.
        command.env("WINEDLLOVERRIDES", "mscoree,mshtml=").env("WINEDEBUG", "-all");
        let output = command.stdin(Stdio::null()).output().expect("wine is needed for this test");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Answer { code: output.status.code(), text }
    }

    /// Runs the batch file of the medium on a computer of that architecture.
    fn launch(&self, architecture: &str) -> Answer {
        let file = dos(&self.folder.path().join(MEDIUM).join("LaunchMedia.cmd"));
        let set = format!("set PROCESSOR_ARCHITECTURE={architecture}");
        self.run(&format!("{set}\r\n@set PROCESSOR_ARCHITEW6432=\r\n@\"{file}\""))
    }
}

const MEDIUM: &str = "the medium (1) & co!";

/// The path as Wine shows it to programs.
fn dos(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

#[test]
#[ignore = "needs wine"]
fn the_batch_file_starts_what_is_there_or_says_what_is_missing() {
    let computer = Computer::new();
    for (architecture, folder) in [("AMD64", "x64"), ("ARM64", "arm64"), ("x86", "i386")] {
        let answer = computer.launch(architecture);
        assert_eq!(answer.code, Some(2), "{}", answer.text);
        let missing = format!(r"\{MEDIUM}\SMS\bin\{folder}\TSMBAutoRun.exe");
        assert!(answer.text.contains(&missing), "{}", answer.text);
        assert!(answer.text.contains("--runtime"), "{}", answer.text);
    }
    let answer = computer.launch("IA64");
    assert_eq!(answer.code, Some(50), "{}", answer.text);
    assert!(answer.text.contains("\"IA64\""), "{}", answer.text);

    // A 32-bit program sees x86 and the truth beside it.
    computer.put_program("reg", "SMS/bin/x64/TSMBAutoRun.exe");
    let file = dos(&computer.folder.path().join(MEDIUM).join("LaunchMedia.cmd"));
    let answer = computer.run(&format!(
        "set PROCESSOR_ARCHITECTURE=x86\r\n@set PROCESSOR_ARCHITEW6432=AMD64\r\n@\"{file}\""
    ));
    let started = |answer: &Answer, path: &str| {
        assert!(answer.text.contains(&format!("Starting \"{}", dos(computer.folder.path()))));
        assert!(answer.text.contains(&format!(r"\{MEDIUM}\SMS\bin\{path}")), "{}", answer.text);
    };
    started(&answer, r"x64\TSMBAutoRun.exe");
    assert_eq!(answer.code, Some(1), "the program's own code; {}", answer.text);

    // Windows for ARM64 runs programs for x64, Windows for x86 does not.
    started(&computer.launch("ARM64"), r"x64\TSMBAutoRun.exe");
    assert_eq!(computer.launch("x86").code, Some(2));

    // The starter for another architecture comes before the wizard for this one.
    computer.put_program("hostname", "SMS/bin/i386/OsdCaptureCD.exe");
    computer.put_program("hostname", "SMS/bin/x64/OsdCaptureCD.exe");
    started(&computer.launch("AMD64"), r"x64\TSMBAutoRun.exe");
    computer.take("SMS/bin/x64/TSMBAutoRun.exe");
    let answer = computer.launch("AMD64");
    started(&answer, r"x64\OsdCaptureCD.exe");
    assert_eq!(answer.code, Some(0), "{}", answer.text);
    started(&computer.launch("x86"), r"i386\OsdCaptureCD.exe");
}
