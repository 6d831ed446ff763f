use std::collections::HashSet;

use super::*;
use crate::print::WIDTH;

pub(super) fn wizard(request: CaptureMediaRequest) -> Wizard {
    Wizard {
        request,
        aside: CaptureMediaRequest::default(),
        file: None,
        account: None,
        saved: None,
        granted: Granted::default(),
        replaced: BTreeSet::new(),
        failed: None,
        ears: Ears::default(),
        log: LogArgs::default(),
        from_package: false,
    }
}

#[test]
fn headers_fit_and_are_told_apart() {
    let names = PAGES.iter().map(|page| page.name).chain([SUMMARY, PROGRESS, COMPLETION]);
    let lines: Vec<String> =
        names.enumerate().map(|(at, name)| screen::header_line(at + 1, name)).collect();
    assert_eq!(lines.len(), STEPS);
    assert_eq!(lines.first().unwrap(), "Create Capture Media - step 1 of 7: Select media type");
    assert_eq!(lines.last().unwrap(), "Create Capture Media - step 7 of 7: Completion");
    assert!(lines.iter().all(|line| line.len() <= WIDTH && line.is_ascii()), "{lines:?}");
    assert_eq!(lines.iter().collect::<HashSet<_>>().len(), STEPS);
}

#[test]
fn pages_ask_for_options_that_there_are() {
    let questions = PAGES.iter().flat_map(|page| page.questions);
    let asked: Vec<&str> = questions.flat_map(|question| question.options).copied().collect();
    for name in &asked {
        assert!(option(name).is_some(), "{name}");
        assert!(page_of(name).is_some(), "{name}");
    }
    // What no media can be without is asked for.
    for option in RequestOption::all() {
        if option.absent() == media_model::Absent::Refused {
            assert!(asked.contains(&option.name()), "{}", option.name());
        }
    }
    assert_eq!(page_of("boot-image"), Some(2));
    assert_eq!(page_of("capture-destination"), Some(3));
    assert_eq!(page_of("bcd"), None);
}

#[test]
fn answers_that_say_nothing_are_put_aside_and_remembered() {
    let request = CaptureMediaRequest::new("boot.wim", "cd-dvd", "a.iso")
        .with_media_size("650MB")
        .with_split_files(true)
        .with_cache("cache")
        .with_label("Lab");
    let mut wizard = wizard(request);
    wizard.request.media_type = Some("usb".to_owned());
    wizard.take_out(|option| !option.is_of_content() && option.name() != "path");
    assert_eq!(wizard.request.media_size, None);
    assert!(!wizard.request.split_files);
    assert_eq!(wizard.aside.media_size.as_deref(), Some("650MB"));
    // It may be needed for a package, which is asked for later.
    assert!(wizard.request.cache.is_some());
    wizard.take_out(RequestOption::is_of_content);
    assert_eq!(wizard.request.cache, None);
    assert_eq!(wizard.request.label.as_deref(), Some("Lab"));
    assert!(wizard.request.check().is_ok());
}

#[test]
fn each_kind_of_answer_is_moved() {
    let mut wizard = wizard(CaptureMediaRequest::default());
    let full = |slot: Slot<'_>| match slot {
        Slot::Flag(flag) => *flag = true,
        Slot::Text(text) => *text = Some("x".to_owned()),
        Slot::Path(path) => *path = Some("x".into()),
        Slot::Paths(paths) => paths.push("x".into()),
        Slot::Number(number) => *number = Some(1),
        Slot::List(list) => list.push("x".to_owned()),
        _ => {}
    };
    wizard.request.options_mut().into_iter().for_each(|(_, slot)| full(slot));
    let before = wizard.request.clone();
    for option in RequestOption::all() {
        wizard.put_aside(option.name());
    }
    assert_eq!(wizard.request, CaptureMediaRequest::default());
    assert_eq!(wizard.aside, before);
    // Taken out once more, for the question is asked once more.
    for option in RequestOption::all() {
        wizard.put_aside(option.name());
    }
    assert_eq!(wizard.aside, before);
}

#[test]
fn questions_tell_the_problems_of_their_options_alone() {
    let mut request = CaptureMediaRequest::new("boot.wim", "cd-dvd", "a.iso");
    request.label = Some("Größe".to_owned());
    request.image_version = Some("x".repeat(33));
    let wizard = wizard(request);
    let found = wizard.problems(&["label"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].option(), "label");
    assert_eq!(wizard.problems(&["image-version", "label"]).len(), 2);
    assert!(wizard.problems(&["path"]).is_empty());
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let long = format!("a few words and a path {} and more", "x".repeat(200));
    for (start, indent) in [("", 0), ("! ", 4), ("warning: ", 9), ("              ", 14)] {
        let lines = screen::folded(&long, start, indent);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
        let text: String = lines.concat().split_whitespace().collect();
        assert_eq!(text.matches('x').count(), 200);
        assert!(text.ends_with("andmore"));
    }
    assert_eq!(screen::folded("a\u{1b}[2Jb", "", 0), ["a\\u{1b}[2Jb"]);
    assert_eq!(screen::clipped("abcdef", 6), "abcdef");
    assert_eq!(screen::clipped("abcdefg", 6), "abc...");
    // A terminal would obey these.
    assert_eq!(screen::clipped("a\u{1b}\u{202e}b", 6), "ab");
    // Two columns each.
    let wide = "\u{30ab}".repeat(50);
    let lines = screen::folded_to(60, &wide, "! ", 4);
    assert_eq!(lines, [format!("! {}", &wide[..29 * 3]), format!("    {}", &wide[29 * 3..])]);
    assert_eq!(screen::clipped(&wide, 10), format!("{}...", &wide[..9]));
    assert!(screen::folded_to(30, &long, "! ", 4).iter().all(|line| line.len() <= 30));
}

#[test]
fn pages_end_between_parts() {
    let lines: Vec<String> = ["a", "b", "", "c", "d"].map(str::to_owned).to_vec();
    let pages = [(9, 5), (5, 5), (4, 3), (3, 3), (2, 2), (1, 1)];
    for (room, expected) in pages {
        assert_eq!(screen::page_of(&lines, room), expected, "{room}");
    }
    assert_eq!(screen::page_of(&lines[2..], 1), 1);
    assert_eq!(screen::page_of(&[], 1), 0);
}

#[test]
fn a_command_goes_on_behind_a_backslash() {
    let words: Vec<String> =
        "capmedia create --media-type usb --force --path".split(' ').map(str::to_owned).collect();
    let one = screen::continued(&words);
    assert_eq!(one, ["capmedia create --media-type usb --force --path"]);
    let long = format!("'{}'", "x y".repeat(30));
    let words: Vec<String> =
        words.into_iter().chain([long.clone(), "--label".to_owned(), "a".to_owned()]).collect();
    let rows = screen::continued(&words);
    let expected = [
        "capmedia create --media-type usb --force \\".to_owned(),
        format!("    --path {long} \\"),
        "    --label a".to_owned(),
    ];
    assert_eq!(rows, expected);
}
