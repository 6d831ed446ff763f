//! What all values that have a text form share.

/// Gives a type with `new(&str) -> Result<Self, $error>` and `Display` the rest of its text form:
/// `FromStr`, `TryFrom<&str>`, `Into<String>`, and serde as a string whose reading goes through
/// `new`.
macro_rules! text_form {
    ($type:ty, $error:ty) => {
        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $type {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_form;

/// Longest piece of unchecked text a message repeats, in characters.
const SHOWN_CHARACTERS: usize = 80;

/// Unchecked text, fit to stand in a message: control characters escaped, so that a request file
/// cannot steer the terminal, and cut, so that it cannot flood it.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    for c in characters.by_ref().take(SHOWN_CHARACTERS) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if characters.next().is_some() {
        out.push_str("...");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_tame() {
        assert_eq!(shown("boot\\bcd \u{e9}"), "boot\\bcd \u{e9}");
        assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(shown(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(shown(&"x".repeat(81)), format!("{}...", "x".repeat(80)));
    }
}
