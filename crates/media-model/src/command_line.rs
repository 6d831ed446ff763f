//! A request as one command line, and that as text for a shell.

use std::ffi::{OsStr, OsString};

use crate::option::{Absent, Slot};
use crate::problem::Problem;
use crate::request::CaptureMediaRequest;

/// A request as the command that does the same; [`CaptureMediaRequest::command_line`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<OsString>,
}

/// Who reads a command line that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shell {
    /// A POSIX shell: sh, bash, dash, ksh, zsh.
    Posix,
    /// cmd and PowerShell alike: nobody can tell in which of them a program was started.
    Windows,
}

impl Shell {
    /// The shell of the system that this was built for.
    pub const fn of_target() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Posix }
    }

    /// One word of a command line, quoted where this would otherwise change it; `None` where there is no
    /// such text, of which [`CommandLine::quoted`] tells.
    pub fn quoted(self, word: impl AsRef<OsStr>) -> Option<String> {
        match self {
            Self::Posix => posix(word.as_ref()),
            Self::Windows => windows(word.as_ref()),
        }
    }
}

impl CaptureMediaRequest {
    /// The command that does the same from the same folder: `capmedia create` with the options in
    /// their order, without those that say what holds anyway. `source_date_epoch` is no option: it
    /// comes from the environment there, too.
    ///
    /// No password stands in it, because none stands in a request that has no problems.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check): of a request with problems nothing can be made.
    pub fn command_line(&self) -> Result<CommandLine, Vec<Problem>> {
        let mut request = self.clone();
        request.leave_out_defaults()?;
        let mut words: Vec<OsString> = vec!["capmedia".into(), "create".into()];
        for (option, slot) in request.options_mut() {
            let mut with_value = |value: &OsStr| push(&mut words, option.name(), value);
            match slot {
                Slot::Flag(false) => {}
                Slot::Flag(true) => words.push(format!("--{}", option.name()).into()),
                Slot::Text(text) => text.iter().for_each(|text| with_value(text.as_ref())),
                Slot::Path(path) => path.iter().for_each(|path| with_value(path.as_ref())),
                Slot::Paths(paths) => paths.iter().for_each(|path| with_value(path.as_ref())),
                Slot::Number(number) => {
                    number.iter().for_each(|number| with_value(number.to_string().as_ref()));
                }
                Slot::List(list) => list.iter().for_each(|text| with_value(text.as_ref())),
            }
        }
        Ok(CommandLine { words })
    }

    /// Takes out what changes nothing: a value that is the default, unless giving it means more
    /// than leaving it out, which only the checks know.
    fn leave_out_defaults(&mut self) -> Result<(), Vec<Problem>> {
        let checked = self.check()?;
        let options = self.options_mut().len();
        for at in 0..options {
            let mut shorter = self.clone();
            let found = shorter.options_mut().into_iter().nth(at);
            let Some((option, Slot::Text(text))) = found else { continue };
            let Absent::Is(default) = option.absent() else { continue };
            if text.as_deref() != Some(default) {
                continue;
            }
            *text = None;
            if shorter.check().as_ref() == Ok(&checked) {
                *self = shorter;
            }
        }
        Ok(())
    }
}

/// Adds an option; in one word with its value where that alone would be taken for an option, or
/// dropped because it is empty, as Windows PowerShell does.
fn push(words: &mut Vec<OsString>, name: &str, value: &OsStr) {
    let mut word = OsString::from(format!("--{name}"));
    let bytes = value.as_encoded_bytes();
    if bytes.is_empty() || (bytes.starts_with(b"-") && bytes != b"-") {
        word.push("=");
        word.push(value);
        words.push(word);
    } else {
        words.extend([word, value.to_owned()]);
    }
}

impl CommandLine {
    /// The words, as a program gets them: `capmedia`, `create`, then the options.
    pub fn words(&self) -> &[OsString] {
        &self.words
    }

    /// The words on one line, quoted where `shell` would otherwise change them.
    ///
    /// `None` where there is no such text. For [`Shell::Posix`] there always is, but for words that are
    /// not Unicode on another system than Unix. For [`Shell::Windows`] a word keeps from it that holds
    /// `"`, `%`, a backtick or what PowerShell takes for a quote, a `$` before what may be a name, or
    /// blanks and a backslash at its end: cmd and the versions of PowerShell do not agree about these.
    /// Save a request file then.
    pub fn quoted(&self, shell: Shell) -> Option<String> {
        self.quoted_words(shell).map(|words| words.join(" "))
    }

    /// The same word by word, for who breaks the line between them.
    pub fn quoted_words(&self, shell: Shell) -> Option<Vec<String>> {
        self.words.iter().map(|word| shell.quoted(word)).collect()
    }
}

/// POSIX.1-2024, Shell Command Language, sections 2.2.2 and 2.6.3.
fn posix(word: &OsStr) -> Option<String> {
    /// Special nowhere in a word; `~` is at its start, `{` and `!` are in some shells.
    fn is_plain(c: char) -> bool {
        c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c)
    }
    if let Some(text) = word.to_str() {
        // zsh expands `=NAME`.
        let plain = !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain);
        return Some(if plain { text.to_owned() } else { single_quoted(text) });
    }
    if !cfg!(unix) {
        return None;
    }
    // The bytes of the word, there. No text can hold those that are no characters, so printf makes
    // them; what it prints keeps its end because it is no end of a line.
    let mut quoted = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        if !chunk.valid().is_empty() {
            quoted.push_str(&single_quoted(chunk.valid()));
        }
        if !chunk.invalid().is_empty() {
            let octal: String =
                chunk.invalid().iter().map(|byte| format!("\\{byte:03o}")).collect();
            quoted.push_str(&format!("\"$(printf '{octal}')\""));
        }
    }
    Some(quoted)
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What cmd, PowerShell 5.1 and PowerShell 7 read alike, and what the C runtime of Windows, whose rules
/// Rust follows, makes of what they hand on.
fn windows(word: &OsStr) -> Option<String> {
    let text = word.to_str()?;
    // Quotes and the like; PowerShell takes typographic ones for plain ones.
    let differs = |c: char| {
        c.is_control() || matches!(c, '"' | '%' | '`' | '\u{201c}' | '\u{201d}' | '\u{201e}')
    };
    // Shares that are hidden end in a dollar sign, which stands for itself before these.
    let is_variable =
        |rest: &str| !(rest.is_empty() || rest.starts_with(['\\', '/', '.', '-', ' ']));
    if text.contains(differs) || text.split('$').skip(1).any(is_variable) {
        return None;
    }
    // A number such as 8GB is a value to PowerShell, and it divides `--a=b.c`.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || r"_-./:=\".contains(c);
    let starts_plainly = text.starts_with(|c: char| c.is_ascii_alphabetic() || r"/\.".contains(c));
    let is_option = text.starts_with('-') && !text.contains(['=', '.']);
    if (starts_plainly || is_option) && text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    // Without blanks PowerShell hands it on without quotes; a backslash at its end is one then, and
    // two for cmd.
    (!text.ends_with('\\')).then(|| format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> CaptureMediaRequest {
        CaptureMediaRequest::new("boot.wim", "cd-dvd", "out/a.iso")
    }

    fn told(request: &CaptureMediaRequest) -> String {
        request.command_line().unwrap().quoted(Shell::Posix).unwrap()
    }

    #[test]
    fn what_is_not_the_default_in_the_order_of_the_options() {
        let start = "capmedia create --boot-image boot.wim --media-type cd-dvd --path out/a.iso";
        assert_eq!(told(&request()), start);
        let defaults = request()
            .with_label("Configuration Manager")
            .with_media_size("unlimited")
            .with_file_system("bridge")
            .with_boot_manager("auto");
        assert_eq!(told(&defaults), start);
        let request = request()
            .with_force(true)
            .with_add("it's here=Tools")
            .with_add("b=-x")
            .with_label("-x")
            .with_boot_index(2)
            .with_capture_destination(r"\\server\share$\image.wim")
            .with_image_creator("");
        assert_eq!(
            told(&request),
            format!(
                "{start} --label=-x --boot-index 2 \
                 --capture-destination '\\\\server\\share$\\image.wim' --image-creator= \
                 --add 'it'\\''s here=Tools' --add b=-x --force"
            )
        );
    }

    /// What only looks like the default is not left out.
    #[test]
    fn a_default_that_means_more_stays() {
        let usb = CaptureMediaRequest::new("boot.wim", "usb", "a.img").with_sector_size("512");
        assert!(told(&usb).ends_with("--sector-size 512"));
    }

    #[test]
    fn no_password_and_no_problem() {
        let request = request().with_distribution_point("http://me:geheim@dp");
        let problems = request.command_line().unwrap_err();
        assert!(problems.iter().all(|problem| !problem.to_string().contains("geheim")));
        assert!(CaptureMediaRequest::default().command_line().is_err());
    }

    #[test]
    fn quotes_of_posix() {
        for (word, expected) in [
            ("", "''"),
            ("--label", "--label"),
            ("=ls", "'=ls'"),
            ("~", "'~'"),
            ("{a,b}", "'{a,b}'"),
            ("a b", "'a b'"),
            ("'", r"''\'''"),
            ("Größe", "'Größe'"),
            (r"\\dp", r"'\\dp'"),
        ] {
            assert_eq!(posix(word.as_ref()).unwrap(), expected, "{word}");
        }
        let file = std::path::Path::new("my job.toml");
        assert_eq!(Shell::Posix.quoted(file).as_deref(), Some("'my job.toml'"));
        assert_eq!(Shell::Windows.quoted(file).as_deref(), Some("\"my job.toml\""));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_characters() {
        use std::os::unix::ffi::OsStrExt as _;
        let quoted = posix(OsStr::from_bytes(b"a\xff\xfe'b")).unwrap();
        assert_eq!(quoted, r#"'a'"$(printf '\377')""$(printf '\376')"''\''b'"#);
    }

    #[test]
    fn quotes_of_windows() {
        for (word, expected) in [
            ("--label", Some("--label")),
            ("--label=", Some("\"--label=\"")),
            (r"\\server\share\image.wim", Some(r"\\server\share\image.wim")),
            (r"\\server\share$\image.wim", Some(r#""\\server\share$\image.wim""#)),
            (r"C:\Program Files\boot.wim", Some(r#""C:\Program Files\boot.wim""#)),
            (r"C:\tools\", Some(r"C:\tools\")),
            (r"C:\my tools\", None),
            (".\\a&b", Some("\".\\a&b\"")),
            ("8GB", Some("\"8GB\"")),
            ("it's", Some("\"it's\"")),
            ("100 %", None),
            ("$x", None),
            ("say \"x\"", None),
            ("„x“", None),
            ("`", None),
        ] {
            assert_eq!(windows(word.as_ref()).as_deref(), expected, "{word}");
        }
    }
}
