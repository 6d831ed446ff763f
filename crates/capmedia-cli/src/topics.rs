//! What `capmedia help TOPIC` tells: things that several options share. Numbers and names come from the
//! tables that the code itself goes by.

use media_model::{BootManagerChoice, MediaSize};

use crate::exit::CODES;
use crate::page::Block;
use crate::secret;

/// A help topic.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    /// What it is about; no full stop.
    pub(crate) about: &'static str,
    pub(crate) text: fn() -> Vec<Block>,
}

pub(crate) const ALL: [Topic; 6] = [
    Topic { name: "media-sizes", about: "how large a disc or a USB image is", text: media_sizes },
    Topic {
        name: "boot-managers",
        about: "which computers with Secure Boot start the media",
        text: boot_managers,
    },
    Topic { name: "drives", about: "which drives are written, and who must agree", text: drives },
    Topic { name: "locations", about: "where packages come from", text: locations },
    Topic {
        name: "passwords",
        about: "where passwords are read, and where they go",
        text: passwords,
    },
    Topic { name: "exit-codes", about: "what the exit code of a run means", text: exit_codes },
];

/// The names, for the end of a sentence.
pub(crate) fn names() -> String {
    ALL.map(|topic| topic.name).join(", ")
}

fn paragraph(text: impl Into<String>) -> Block {
    Block::Paragraph(text.into())
}

fn terms<T: Into<String>>(terms: impl IntoIterator<Item = (T, String)>) -> Block {
    Block::Terms(terms.into_iter().map(|(term, meaning)| (term.into(), meaning)).collect())
}

fn media_sizes() -> Vec<Block> {
    let sector = MediaSize::SECTOR;
    let mut sizes: Vec<(&str, String)> = Vec::new();
    for named in MediaSize::NAMED {
        let (sectors, bytes) = (named.size.sectors(), named.size.bytes());
        let (sectors, bytes) = (grouped(sectors.unwrap_or(0)), grouped(bytes.unwrap_or(0)));
        sizes.push((named.name, format!("{sectors} sectors, {bytes} bytes: for {}", named.disc)));
    }
    sizes
        .push(("<n>MB", "n times 1,048,576 bytes, as the wizard counts, such as 700MB".to_owned()));
    let [unlimited, none] = MediaSize::NO_LIMIT;
    sizes.push((unlimited, format!("one disc, however large; the default ({none} is the same)")));
    vec![
        paragraph(format!(
            "--media-size says how large a disc may be. What does not fit one goes onto several: \
             OUT-1, OUT-2 and so on, before the extension. A sector of a disc has {sector} bytes."
        )),
        terms(sizes),
        paragraph(
            "--image-size, the length of a USB image, counts otherwise: MB and GB are powers of 10, \
             as sticks are sold; MiB and GiB are powers of 2. Without it the image is as small as its \
             content allows; a drive is always filled.",
        ),
    ]
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn boot_managers() -> Vec<Block> {
    let choices = BootManagerChoice::ALL.iter().map(|word| {
        let choice = BootManagerChoice::new(word).unwrap_or_default();
        let word = match choice == BootManagerChoice::default() {
            true => format!("{word} (default)"),
            false => (*word).to_owned(),
        };
        (word, taken_by(choice).to_owned())
    });
    vec![
        paragraph(
            "No boot manager passes every Secure Boot: some computers trust only Microsoft's \
             certificates of 2011, some only those of 2023. --boot-manager chooses, by signature and \
             not by folder:",
        ),
        terms(choices),
        paragraph(
            "Boot images have the _EX set since the cumulative update of April 2024. `capmedia inspect \
             boot.wim` tells what each choice would give, and `capmedia plan` what was chosen, why, and \
             which computers refuse it.",
        ),
    ]
}

fn taken_by(choice: BootManagerChoice) -> &'static str {
    match choice {
        BootManagerChoice::Auto => {
            "the classic set (Windows\\Boot\\EFI, Fonts, DVD) where it has a sound boot manager, else the \
             whole _EX set"
        }
        BootManagerChoice::Pca2011 => {
            "the classic set; no media where there is none, or where its boot manager is signed, but \
             not under a certificate of 2011"
        }
        BootManagerChoice::Ca2023 => {
            "the whole _EX set (EFI_EX, Fonts_EX, DVD_EX), else the classic set if that is signed under \
             a certificate of 2023; else no media"
        }
        // A test sees that there is none.
        _ => "",
    }
}

fn drives() -> Vec<Block> {
    vec![
        paragraph(
            "`capmedia drives` lists removable drives, and says why one would not be written. With \
             --media-type usb, --path takes them (such as /dev/sdb), one --path for each.",
        ),
        terms([
            (
                "refused, always",
                "a drive that the running system lies on; one that is read-only, empty, too small, or \
                 in use as swap or by another layer; a partition in place of a drive; a drive that \
                 holds what the media is made of"
                    .to_owned(),
            ),
            (
                "refused, unless",
                "it is not removable (--allow-fixed lets it be written), or mounted (--unmount)"
                    .to_owned(),
            ),
        ]),
        paragraph(
            "Before a drive is erased its name is asked for at the terminal, when all is planned and \
             checked. A script gives --yes and, for each drive, --drive-serial with what `capmedia \
             drives` shows: its serial, or diskseq:N. No request file can agree, and --force is for \
             files.",
        ),
        paragraph(
            "--no-format erases nothing: it puts the media beside what is on a FAT32 stick, and asks \
             nothing. What was written to a drive is read back unless --no-verify is given.",
        ),
    ]
}

fn locations() -> Vec<Block> {
    vec![
        paragraph(
            "--distribution-point says where packages come from. It may be repeated: each package is \
             taken from the first location that has it.",
        ),
        terms([
            (
                "http://dp, https://dp:port/path",
                "a distribution point's web server: SMS_DP_SMSPKG$; on https with an account \
                 NOCERT_SMS_DP_SMSPKG$ first"
                    .to_owned(),
            ),
            (
                r"\\dp, \\dp\share, smb://dp:port",
                "its shares: SCCMContentLib$ and those of further drives, then SMSPKG<drive>$; with a \
                 share named, only that"
                    .to_owned(),
            ),
            (
                "a folder",
                "a content library, the folder that holds SCCMContentLib, or expanded packages in \
                 folders called by their ids"
                    .to_owned(),
            ),
        ]),
        paragraph(
            "--boot-image and --package then take package ids: PS100005 is the highest version there, \
             PS100005.3 that one. `capmedia content list` shows what a location has, `capmedia content \
             check` whether packages can be had. Nothing is ever written to a location.",
        ),
    ]
}

fn passwords() -> Vec<Block> {
    let variable = secret::VARIABLE;
    vec![
        paragraph("No password is taken from the command line or a request file, shown, or logged."),
        terms([
            (
                "--user".to_owned(),
                format!(
                    "the account that may read packages. Its password is the only line of \
                     --password-file (- is standard input), else what {variable} holds, else it is \
                     asked for"
                ),
            ),
            (
                "--capture-account".to_owned(),
                "the account that may write the captured image. Its password is asked for on the \
                 reference computer; --capture-password-file puts it onto the media, only with \
                 --store-password"
                    .to_owned(),
            ),
            (
                "--store-password".to_owned(),
                "lets passwords stand on the media, where everybody who holds it can read them. \
                 Without it what looks like a password is taken out of a task sequence, and a warning \
                 says so"
                    .to_owned(),
            ),
        ]),
    ]
}

/// What each number means; manual pages have it too.
pub(crate) fn exit_codes() -> Vec<Block> {
    let codes = CODES.iter().map(|meaning| {
        let more =
            if meaning.more.is_empty() { String::new() } else { format!(" {}", meaning.more) };
        ((meaning.code as u8).to_string(), format!("{}.{more}", capital(meaning.short)))
    });
    vec![terms(codes)]
}

/// With a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::WIDTH;

    fn text_of(blocks: &[Block]) -> String {
        let mut text = Vec::new();
        crate::page::print(&mut text, blocks).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn topics_fit_a_terminal() {
        for topic in &ALL {
            let text = text_of(&(topic.text)());
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            assert!(text.is_ascii() && !topic.about.ends_with('.'), "{}", topic.name);
        }
    }

    #[test]
    fn numbers_are_those_of_the_table() {
        let text = text_of(&media_sizes());
        assert!(
            text.contains("  650MB      332,800 sectors, 681,574,400 bytes: for a CD"),
            "{text}"
        );
        assert_eq!([grouped(7), grouped(1000), grouped(123_456)], ["7", "1,000", "123,456"]);
        let guide = include_str!("../../../docs/options.md");
        let row = guide.lines().find(|line| line.starts_with("| `--media-size ")).unwrap();
        assert!(MediaSize::NAMED.iter().all(|named| row.contains(named.name)), "{row}");
    }

    #[test]
    fn every_choice_of_a_boot_manager_is_told() {
        for word in BootManagerChoice::ALL {
            assert!(!taken_by(BootManagerChoice::new(word).unwrap()).is_empty(), "{word}");
        }
    }
}
