//! Command lines for manual pages, each with what it does.

/// Those of a verb, such as `capmedia content fetch`; for `capmedia` the first of all.
pub(crate) fn of(words: &str) -> Vec<(&'static str, &'static str)> {
    let all = EXAMPLES.iter().copied();
    if words == "capmedia" {
        let shown = ["wizard", "create", "verify", "drives", "content check"]
            .map(|verb| format!("capmedia {verb} "));
        let is_shown = |line: &str| shown.iter().any(|start| format!("{line} ").starts_with(start));
        return all.filter(|(line, _)| is_shown(line)).collect();
    }
    let start = format!("{words} ");
    all.filter(|(line, _)| format!("{line} ").starts_with(&start)).collect()
}

const EXAMPLES: &[(&str, &str)] = &[
    ("capmedia create --boot-image boot.wim --media-type cd-dvd --path capture.iso", "A disc"),
    (
        "capmedia create --boot-image boot.wim --media-type usb --path capture.img --image-size 8GB",
        "An image for sticks of 8 GB",
    ),
    (
        "capmedia create --boot-image boot.wim --media-type usb --path /dev/sdb",
        "A stick; its name is asked for before it is erased",
    ),
    (
        "capmedia create --boot-image boot.wim --media-type cd-dvd --media-size 4GB --add \
         packages=Packages --path capture.iso",
        "A set of discs",
    ),
    (
        "capmedia create --boot-image PS100005 --distribution-point http://dp01 --media-type cd-dvd \
         --path capture.iso",
        "A disc from a package of a distribution point",
    ),
    (
        "capmedia plan --boot-image boot.wim --media-type cd-dvd --path capture.iso",
        "What create would write",
    ),
    (
        "capmedia plan --boot-image boot.wim --media-type cd-dvd --path capture.iso --print-request",
        "The same job as a request file",
    ),
    (
        "capmedia plan --boot-image boot.wim --media-type cd-dvd --path capture.iso --map --svg \
         capture.svg",
        "A picture of it, here and in a file",
    ),
    ("capmedia inspect boot.wim", "Whether a boot image can start capture media, and where"),
    ("capmedia inspect --json capture.iso", "The same of an image, for a program"),
    ("capmedia verify capture.iso", "Whether an image is whole"),
    ("capmedia verify capture-1.iso capture-2.iso", "Whether all discs of a set are"),
    ("capmedia join capture-1.iso capture-2.iso --to DIR", "The files of a set in one folder"),
    (
        "capmedia content list --distribution-point http://dp01",
        "What packages a distribution point has",
    ),
    (
        r"capmedia content check PS100005 --distribution-point '\\dp02' --user 'CONTOSO\reader'",
        "Whether a package can be had, with an account",
    ),
    (
        "capmedia content fetch PS100005 --distribution-point http://dp01 --to DIR",
        "A package in a folder",
    ),
    ("capmedia drives", "The removable drives, and which would be written"),
    ("capmedia wizard", "Capture media page by page, on a terminal"),
    ("capmedia demo", "A sample boot image with a disc and a stick from it"),
    ("capmedia completions bash", "The script for bash"),
    ("capmedia man DIR", "All manual pages"),
    ("capmedia help media-sizes", "How large a disc may be"),
    ("capmedia help content fetch", "The options of a verb"),
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn command_lines_are_read() {
        for (line, what) in EXAMPLES {
            let words = line.split_whitespace().map(|word| word.trim_matches('\''));
            Cli::command()
                .try_get_matches_from(words)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(!what.ends_with(['.', ':']), "{what}");
        }
    }

    use crate::Cli;

    #[test]
    fn every_verb_has_one() {
        for verb in Cli::command().get_subcommands() {
            let words = format!("capmedia {}", verb.get_name());
            assert!(!of(&words).is_empty(), "{words}");
        }
        assert_eq!(of("capmedia content fetch").len(), 1);
        assert!(of("capmedia").len() > 4);
    }
}
