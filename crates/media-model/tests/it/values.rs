//! Properties of the values, from the same rules as the types.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use media_model::{
    AddSpec, CaptureMediaRequest, FatLabel, ImageSize, IsoLabel, JolietLabel, MediaLabel,
    MediaPath, MediaSize, MediaType, PackageId, TargetArch,
};
use proptest::prelude::*;
use proptest::string::string_regex;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Text and serde give back what went in.
fn round_trip<T>(value: &T)
where
    T: Display + FromStr<Err: Debug> + Serialize + DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(&value.to_string().parse::<T>().unwrap(), value);
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

/// Whatever the text: no panic, the error has both halves and nothing that steers a terminal, and
/// serde takes and refuses the same.
fn agrees<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + DeserializeOwned,
{
    let json = serde_json::to_string(text).unwrap();
    let read = serde_json::from_str::<T>(&json);
    match text.parse::<T>() {
        Ok(_) => assert!(read.is_ok()),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("; "), "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
            assert!(read.err().unwrap().to_string().starts_with(&error));
        }
    }
}

const NAME: &str = r#"[^\x00-\x1f\x7f-\x9f"*:<>?|/\\]{0,12}[^\x00-\x1f\x7f-\x9f"*:<>?|/\\. ]"#;

fn media_path_text() -> impl Strategy<Value = String> {
    string_regex(&format!(r"[/\\]?({NAME}([/\\]{NAME}){{0,4}})?")).unwrap()
}

proptest! {
    #[test]
    fn labels(text in string_regex(MediaLabel::RULE).unwrap()) {
        let label = MediaLabel::new(&text).unwrap();
        prop_assert_eq!(label.as_str(), &text);
        round_trip(&label);

        let fat = FatLabel::from_media_label(&label);
        let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit()
            || " !#$%&'()-@^_`{}~".contains(c);
        prop_assert!((1..=11).contains(&fat.as_str().len()));
        prop_assert!(fat.as_str().chars().all(good), "{}", fat);
        prop_assert_eq!(fat.as_str().trim(), fat.as_str());
        prop_assert!(fat.as_str() != "BOOTMGR" && fat.as_str() != "NO NAME");
        prop_assert_eq!(fat.changed(&label), fat.as_str() != text);

        let iso = IsoLabel::from_media_label(&label);
        prop_assert_eq!(iso.as_str().len(), text.len());
        let d = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        prop_assert!(iso.as_str().chars().all(d));

        let joliet = JolietLabel::from_media_label(&label);
        prop_assert!((1..=16).contains(&joliet.as_str().len()));
        prop_assert!(!joliet.as_str().contains(['*', '/', ':', ';', '?', '\\']));
    }

    #[test]
    fn package_ids(text in string_regex(r"[A-Za-z0-9]{3}[0-9A-Fa-f]{5}(\.[0-9]{1,18})?").unwrap()) {
        let id = PackageId::new(&text).unwrap();
        prop_assert_eq!(id.id(), &text[..8].to_ascii_uppercase());
        prop_assert_eq!(id.version().is_some(), text.contains('.'));
        round_trip(&id);
    }

    #[test]
    fn package_id_rule(text in string_regex(PackageId::RULE).unwrap()) {
        // The version is the one thing the rule does not bound.
        let bounded = text.split_once('.').is_none_or(|(_, version)| version.parse::<u64>().is_ok());
        prop_assert_eq!(PackageId::new(&text).is_ok(), bounded);
    }

    #[test]
    fn media_sizes(megabytes in 1..=u64::MAX >> 20) {
        let size = MediaSize::from_megabytes(megabytes).unwrap();
        prop_assert_eq!(size.bytes(), Some(megabytes << 20));
        prop_assert_eq!(size.sectors(), Some(megabytes * 512));
        prop_assert_eq!(MediaSize::new(&format!("{megabytes}mb")), Ok(size));
        round_trip(&size);
    }

    #[test]
    fn image_sizes(bytes in 1..=u64::MAX, scale in prop::sample::select(vec![
        ("B", 1), ("MB", 1_000_000), ("GB", 1_000_000_000), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ])) {
        round_trip(&ImageSize::from_bytes(bytes).unwrap());
        let number = bytes / scale.1;
        prop_assume!(number > 0);
        let size = ImageSize::new(&format!("{number}{}", scale.0)).unwrap();
        prop_assert_eq!(size.bytes(), number * scale.1);
        round_trip(&size);
    }

    #[test]
    fn media_paths(text in media_path_text()) {
        let path = MediaPath::new(&text).unwrap();
        round_trip(&path);
        let names: Vec<&str> = text.split(['/', '\\']).filter(|name| !name.is_empty()).collect();
        prop_assert_eq!(path.components().collect::<Vec<_>>(), names.clone());
        prop_assert_eq!(path.to_slash(), names.join("/"));
        prop_assert_eq!(MediaPath::new(&path.to_slash()).unwrap(), path.clone());
        prop_assert_eq!(path.file_name(), names.last().copied());
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            prop_assert_eq!(parent.join(&MediaPath::new(name).unwrap()), path.clone());
        }
        // Folding is character by character.
        prop_assert_eq!(path.folded().chars().count(), path.to_slash().chars().count());
    }

    #[test]
    fn add_specs(host in "[^=\\p{Cc}][ -~]{0,20}", media in media_path_text()) {
        prop_assume!(!media.contains('='));
        let add = AddSpec::new(&format!("{host}={media}")).unwrap();
        prop_assert_eq!(add.host().to_str(), Some(host.as_str()));
        prop_assert_eq!(add.media(), &MediaPath::new(&media).unwrap());
        round_trip(&add);
    }

    #[test]
    fn any_text(text in prop_oneof![any::<String>(), "[0-9A-Fa-fGMBi./\\\\= é]{0,12}"]) {
        agrees::<MediaLabel>(&text);
        agrees::<PackageId>(&text);
        agrees::<MediaSize>(&text);
        agrees::<ImageSize>(&text);
        agrees::<MediaPath>(&text);
        agrees::<AddSpec>(&text);
        agrees::<MediaType>(&text);
        agrees::<TargetArch>(&text);
    }

    #[test]
    fn any_request(
        words in prop::collection::vec(any::<String>(), 5),
        add in prop::collection::vec(any::<String>(), 0..4),
        switches in any::<[bool; 3]>(),
    ) {
        let mut request = CaptureMediaRequest::new(&words[0], &words[1], &words[2])
            .with_label(&words[3])
            .with_media_size(&words[4])
            .with_include_autorun(switches[0])
            .with_checksum(switches[1])
            .with_force(switches[2]);
        request.add = add;
        if let Err(problems) = request.check() {
            prop_assert!(!problems.is_empty());
        }
        let json = serde_json::to_string(&request).unwrap();
        prop_assert_eq!(serde_json::from_str::<CaptureMediaRequest>(&json).unwrap(), request);
    }
}

#[test]
fn words() {
    for word in MediaType::ALL {
        round_trip(&MediaType::new(word).unwrap());
    }
    for word in TargetArch::ALL {
        round_trip(&TargetArch::new(word).unwrap());
    }
    round_trip(&MediaSize::UNLIMITED);
}
