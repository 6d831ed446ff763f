//! What a word that is not known may have been meant as: typing mistakes, and the words of
//! `New-CMCaptureMedia` and of other programs.

use clap::builder::PossibleValue;
use clap::{Arg, Command};

/// How alike two words must be, of 1; clap asks for as much.
const ALIKE: f64 = 0.7;

/// The known word that is most like `word`.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let likeness = |known: &str| {
        let known = plain(known);
        // The beginning of a word, or a part of one, says enough.
        let part = word.len() >= 3 && known.contains(&*word);
        if part { 1.0 } else { strsim::jaro(&word, &known) }
    };
    let all = known.into_iter().map(|known| (likeness(known), known));
    let best = all.filter(|(likeness, _)| *likeness > ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, known)| known)
}

/// Letters and digits alone, small: `BootImage`, `bootimage` and `boot-image` are one word.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A tip about a word at the place of an option, for the verb that it was given to.
pub(crate) fn option(word: &str, verb: &Command) -> Option<String> {
    let name = name_of(word);
    let bare = name.trim_start_matches(['-', '/']);
    if matches!(bare, "?" | "h") {
        return Some("for help write --help".to_owned());
    }
    let bare = plain(bare);
    let find = |name: &str| verb.get_arguments().find(|arg| arg.get_long() == Some(name));
    let called = |long: &str, arg: &Arg| {
        let values = arg.get_possible_values();
        let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        let values = match &*values {
            [] => String::new(),
            values => format!(" ({})", values.join(", ")),
        };
        format!("here {name} is called --{long}{values}")
    };
    for arg in verb.get_arguments() {
        let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
        if let Some(long) = longs.into_iter().find(|long| plain(long) == bare) {
            return Some(called(long, arg));
        }
    }
    let (_, meant) = OPTIONS.iter().find(|(words, _)| words.contains(&&*bare))?;
    match meant {
        Meant::Option(option) => Some(called(option, find(option)?)),
        Meant::Told { option, tip } => find(option).map(|_| (*tip).to_owned()),
    }
}

/// What stands before a value: `/path:x`, `-Force:$true`, `--path=x`.
pub(crate) fn name_of(word: &str) -> &str {
    word.split([':', '=']).next().unwrap_or(word)
}

/// Whether the word is an option of that verb, or nearly.
pub(crate) fn is_option(word: &str, verb: &Command) -> bool {
    let bare = name_of(word).trim_start_matches(['-', '/']);
    let known = verb.get_arguments().any(|arg| arg.get_long() == Some(bare));
    word.starts_with(['-', '/']) && (known || option(word, verb).is_some())
}

/// A tip about a word at the place of a verb.
pub(crate) fn verb(word: &str) -> Option<String> {
    if matches!(word, "/?" | "/h" | "/help" | "?") {
        return Some("for help write capmedia --help".to_owned());
    }
    let word = plain(word);
    let (_, verb) = VERBS.iter().find(|(words, _)| words.contains(&&*word))?;
    Some(format!("that is: capmedia {verb}"))
}

enum Meant {
    /// An option of ours.
    Option(&'static str),
    /// None, or not quite; told where this option is.
    Told { option: &'static str, tip: &'static str },
}

const fn told(option: &'static str, tip: &'static str) -> Meant {
    Meant::Told { option, tip }
}

/// Parameters of `New-CMCaptureMedia` with their aliases, of the older `New-CMTaskSequenceMedia`, and
/// what other programs call such things; as [`plain`] makes them.
const OPTIONS: &[(&[&str], Meant)] = &[
    (
        &["bootimagepackage", "bootimageid", "bootimagename", "wim", "image", "i", "input"],
        Meant::Option("boot-image"),
    ),
    (
        &[
            "distributionpoints",
            "distributionpointservername",
            "bootimagedistributionpoint",
            "bootimagedistributionpointservername",
            "dp",
            "server",
        ],
        Meant::Option("distribution-point"),
    ),
    (&["mediainputtype", "type", "kind"], Meant::Option("media-type")),
    (
        &[
            "mediapath",
            "outputpath",
            "drivename",
            "output",
            "out",
            "o",
            "iso",
            "drive",
            "device",
            "disk",
        ],
        Meant::Option("path"),
    ),
    (
        &["temporaryfolder", "temporarydirectory", "stagingarea", "tempfolder", "temp"],
        told(
            "cache",
            "nothing is staged here; --cache DIR keeps what was fetched, for the next media",
        ),
    ),
    (
        &["formatmedia", "format"],
        told("no-format", "a stick is formatted unless --no-format is given; leave it out"),
    ),
    (
        &["noautorun", "autorun"],
        told(
            "include-autorun",
            "there is no autorun.inf on the media unless --include-autorun is given",
        ),
    ),
    (
        &["whatif", "wi", "dryrun", "n"],
        told("boot-image", "capmedia plan, with the same options, shows what would be written"),
    ),
    (
        &["confirm", "cf"],
        told("boot-image", "leave it out: before a drive is erased its name is asked for"),
    ),
    (
        &["overwrite", "f"],
        told(
            "force",
            "--force replaces an image file; for drives there are --yes and --drive-serial",
        ),
    ),
    (
        &[
            "sitecode",
            "allowuacprompt",
            "disablewildcardhandling",
            "forcewildcardhandling",
            "capturemedia",
            "capturemediaoption",
        ],
        told("boot-image", "leave it out: it says nothing that is needed here"),
    ),
    (&["credential", "username", "account", "u"], Meant::Option("user")),
    (
        &["password", "pass", "pw", "p"],
        told(
            "password-file",
            "a password is read from --password-file, from CAPMEDIA_PASSWORD, or asked for",
        ),
    ),
    (
        &["size", "s"],
        told("media-size", "--media-size is that of a disc, --image-size that of a USB image"),
    ),
    (&["volumelabel", "medialabel", "volid", "l"], Meant::Option("label")),
    (&["configfile", "config", "request", "requestfile", "c"], Meant::Option("request")),
];

/// What other programs call such a thing, with the verb.
const VERBS: &[(&[&str], &str)] = &[
    (
        &[
            "newcmcapturemedia",
            "newcmtasksequencemedia",
            "make",
            "new",
            "build",
            "burn",
            "write",
            "iso",
            "usb",
            "format",
            "capture",
        ],
        "create",
    ),
    (&["info", "show", "dump"], "inspect FILE"),
    (&["check", "test", "validate", "verifymedia"], "verify FILE"),
    (&["disks", "devices", "list", "listdrives", "lsblk"], "drives"),
    (&["fetch", "download", "packages"], "content fetch"),
    (&["dryrun", "whatif"], "plan"),
    (&["completion", "complete"], "completions SHELL"),
    (&["manual", "manpages"], "man DIR"),
    (&["version", "v"], "--version"),
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn create() -> Command {
        let mut command = crate::Cli::command();
        command.build();
        command.find_subcommand("create").unwrap().clone()
    }

    #[test]
    fn words_that_are_near() {
        let known = ["media-sizes", "boot-managers", "exit-codes", "create"];
        for (word, near) in [
            ("mediasize", Some("media-sizes")),
            ("sizes", Some("media-sizes")),
            ("Exit_Codes", Some("exit-codes")),
            ("creat", Some("create")),
            ("bootmanger", Some("boot-managers")),
            ("xyzzy", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
    }

    #[test]
    fn parameters_of_the_cmdlet_have_their_option() {
        let create = create();
        for (word, says) in [
            ("-BootImage", "--boot-image"),
            ("-BootImagePackage", "--boot-image"),
            ("--bootimage", "--boot-image"),
            ("--BOOT_IMAGE=x", "--boot-image"),
            ("-DistributionPoint", "--distribution-point"),
            ("-MediaType", "--media-type"),
            ("-MediaInputType", "--media-type"),
            ("-Path", "--path"),
            ("/path:out.iso", "--path"),
            ("-Force:$true", "--force"),
            ("-FormatMedia", "--no-format"),
            ("-NoAutoRun", "--include-autorun"),
            ("-TemporaryFolder", "--cache"),
            ("-StagingFolder", "--staging-folder"),
            ("-SiteCode", "leave it out"),
            ("-AllowUacPrompt", "leave it out"),
            ("-DisableWildcardHandling", "leave it out"),
            ("-ForceWildcardHandling", "leave it out"),
            ("-WhatIf", "capmedia plan"),
            ("-Confirm", "leave it out"),
            ("-MediaSize", "--media-size"),
            ("/?", "--help"),
            ("-?", "--help"),
            ("--password", "--password-file"),
        ] {
            let tip = option(word, &create);
            assert!(tip.as_ref().is_some_and(|tip| tip.contains(says)), "{word}: {tip:?}");
        }
        assert_eq!(option("--colour", &create), None);
        // Only where there is such an option.
        let command = crate::Cli::command();
        assert_eq!(option("-MediaType", command.find_subcommand("verify").unwrap()), None);
    }

    /// A word that is an option's own name needs no row.
    #[test]
    fn rows_lead_to_options_and_verbs() {
        let create = create();
        let longs: Vec<&str> = create.get_arguments().filter_map(clap::Arg::get_long).collect();
        for (words, meant) in OPTIONS {
            let (Meant::Option(option) | Meant::Told { option, .. }) = meant;
            assert!(longs.contains(option), "{option}");
            for word in *words {
                assert_eq!(plain(word), *word);
            }
        }
        let command = crate::Cli::command();
        for (words, line) in VERBS {
            let first = line.split(' ').next().unwrap();
            assert!(first == "--version" || command.find_subcommand(first).is_some(), "{line}");
            assert!(words.iter().all(|word| command.find_subcommand(word).is_none()), "{words:?}");
        }
    }
}
