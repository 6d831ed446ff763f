//! Text that must not be shown.

use std::fmt;

use super::error::SecretError;
use super::text::is_xml_char;
use super::unconfirmed::ACCOUNT_UNITS;

/// A password. `Debug` shows nothing of it; there is no `Display`, no comparison and no serde form.
///
/// Its memory is not wiped: without `unsafe` that cannot be promised.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is, spaces included.
    ///
    /// # Errors
    ///
    /// [`SecretError`] when it is empty, above 255 UTF-16 units, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, SecretError> {
        let text = text.into();
        let units = text.encode_utf16().count();
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if units > ACCOUNT_UNITS {
            return Err(SecretError::TooLong { units, max: ACCOUNT_UNITS });
        }
        match text.char_indices().find(|(_, c)| c.is_control() || !is_xml_char(*c)) {
            Some((position, _)) => Err(SecretError::Character { position }),
            None => Ok(Self(text)),
        }
    }

    /// The password.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing() {
        let secret = Secret::new(" pa ss ").unwrap();
        assert_eq!(secret.expose(), " pa ss ");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        for (text, error) in [
            ("", SecretError::Empty),
            ("pass\tword", SecretError::Character { position: 4 }),
            ("\u{FFFE}", SecretError::Character { position: 0 }),
        ] {
            let refused = Secret::new(text).unwrap_err();
            assert_eq!(refused, error);
            assert!(text.is_empty() || !refused.to_string().contains(text));
        }
        let long = Secret::new("x".repeat(256)).unwrap_err();
        assert_eq!(long, SecretError::TooLong { units: 256, max: 255 });
    }
}
