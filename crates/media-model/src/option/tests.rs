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

#[test]
fn texts_are_whole() {
    for option in RequestOption::all() {
        assert!(!option.about().ends_with('.') && !option.about().contains("  "));
        assert_eq!(option.is_secret(), option.name().contains("password"));
        if let Absent::Is(value) = option.absent() {
            assert!(option.words().is_empty() || option.words().contains(&value));
        }
    }
}
