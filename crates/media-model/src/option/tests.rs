use super::*;

/// The names here and those that serde makes of the fields are the same, in the same order.
#[test]
fn every_field_has_its_option() {
    let mut request = CaptureMediaRequest::default();
    for (option, slot) in request.options_mut() {
        match slot {
            Slot::Flag(flag) => *flag = true,
            Slot::Text(text) => *text = Some(option.name().to_owned()),
            Slot::Path(path) => *path = Some(option.name().into()),
            Slot::Paths(paths) => paths.push(option.name().into()),
            Slot::Number(number) => *number = Some(7),
            Slot::List(list) => list.push(option.name().to_owned()),
        }
    }
    let json = serde_json::to_string(&request).unwrap();
    let mut rest = json.as_str();
    for option in RequestOption::all() {
        let key = format!("\"{}\":", option.name());
        let (_, after) = rest.split_once(&key).unwrap_or_else(|| panic!("{key} in {rest}"));
        let own = [format!("\"{}\"", option.name()), format!("[\"{}\"]", option.name())];
        let good = own.iter().any(|own| after.starts_with(own.as_str()))
            || after.starts_with("true")
            || after.starts_with('7');
        assert!(good, "{key} {after}");
        rest = after;
    }
    let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(keys.len(), RequestOption::all().len() + 1, "and version");
}

/// The names of sizes stand in one table; here they are words of a text and of a list.
#[test]
fn named_media_sizes_are_offered() {
    let all = RequestOption::all();
    let option = all.iter().find(|option| option.name() == "media-size").unwrap();
    for named in crate::MediaSize::NAMED {
        assert!(option.about().contains(named.name), "{}", named.name);
        assert!(option.examples().contains(&named.name), "{}", named.name);
    }
}

#[test]
fn texts_are_whole() {
    for option in RequestOption::all() {
        assert!(!option.about().ends_with('.') && !option.about().contains("  "));
        assert_eq!(option.is_secret(), option.name().contains("password"));
        // They are offered where there are no words, and can be read.
        assert!(option.words().is_empty() || option.examples().is_empty());
        for example in option.examples() {
            let read = match option.name() {
                "media-size" => crate::MediaSize::new(example).is_ok(),
                _ => crate::ImageSize::new(example).is_ok(),
            };
            assert!(read, "--{} {example}", option.name());
        }
        if let Absent::Is(value) = option.absent() {
            assert!(option.words().is_empty() || option.words().contains(&value));
        }
    }
}
