//! What the capture step is told, each with its limit (configmgr-media 3.3). The limits count UTF-16
//! units, as Windows does.

use std::fmt;

use super::error::{CaptureTextError, CaptureTextFault};
use super::text::is_xml_char;
use super::unconfirmed::ACCOUNT_UNITS;
use crate::text::text_form;

macro_rules! capture_text {
    ($(#[$meta:meta])* $type:ident, $what:literal, $variable:literal, $property:literal, $min:literal..=$max:expr) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $type(String);

        text_form!($type, CaptureTextError);

        impl $type {
            /// Most UTF-16 units.
            pub const MAX: usize = $max;

            /// The task sequence variable.
            pub const VARIABLE: &str = $variable;

            /// The WMI property of the capture step.
            pub const PROPERTY: &str = $property;

            /// What messages call it.
            pub(super) const WHAT: &str = $what;

            /// Takes `text` as it is or not at all.
            ///
            /// # Errors
            ///
            /// [`CaptureTextError`] when it is too short, too long, or has a control character.
            pub fn new(text: &str) -> Result<Self, CaptureTextError> {
                let value = $what;
                match check(text, $min, Self::MAX) {
                    None => Ok(Self(text.to_owned())),
                    Some(fault) => Err(CaptureTextError { value, fault }),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

capture_text! {
    /// Where the image is captured to: 1 to 255 UTF-16 units, usually `\\server\share\file.wim`. An
    /// existing file is overwritten by the capture.
    CaptureDestination, "capture destination", "OSDCaptureDestination", "CaptureDestination", 1..=255
}

capture_text! {
    /// The account that may write there, `domain\username`: 1 to 255 UTF-16 units.
    CaptureAccount, "capture account", "OSDCaptureAccount", "CaptureUsername", 1..=ACCOUNT_UNITS
}

capture_text! {
    /// Who made the image: at most 255 UTF-16 units.
    ImageCreator, "image creator", "OSDImageCreator", "ImageCreator", 0..=255
}

capture_text! {
    /// What the image is: at most 255 UTF-16 units.
    ImageDescription, "image description", "OSDImageDescription", "ImageDescription", 0..=255
}

capture_text! {
    /// The version of the image: at most 32 UTF-16 units.
    ImageVersion, "image version", "OSDImageVersion", "ImageVersion", 0..=32
}

fn check(text: &str, min: usize, max: usize) -> Option<CaptureTextFault> {
    if let Some((position, found)) =
        text.char_indices().find(|(_, c)| c.is_control() || !is_xml_char(*c))
    {
        return Some(CaptureTextFault::Character { position, found });
    }
    match text.encode_utf16().count() {
        units if units < min => Some(CaptureTextFault::Empty),
        units if units > max => Some(CaptureTextFault::TooLong { units, max }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let fault = |error: CaptureTextError| error.fault().clone();
        let refused = CaptureDestination::new("").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the capture destination is empty; give a value or leave the option out"
        );
        assert_eq!(CaptureAccount::new("").map_err(fault), Err(CaptureTextFault::Empty));
        assert_eq!(ImageCreator::new("").unwrap().as_str(), "");
        let too_long = |units, max| CaptureTextFault::TooLong { units, max };
        let wide = "\u{1F600}".repeat(16);
        assert!(ImageVersion::new(&wide).is_ok());
        assert_eq!(ImageVersion::new(&format!("{wide}x")).map_err(fault), Err(too_long(33, 32)));
        for length in [255, 256] {
            let text = "x".repeat(length);
            assert_eq!(CaptureDestination::new(&text).is_ok(), length == 255);
            assert_eq!(CaptureAccount::new(&text).is_ok(), length == 255);
            assert_eq!(ImageCreator::new(&text).is_ok(), length == 255);
            assert_eq!(ImageDescription::new(&text).is_ok(), length == 255);
        }
        assert_eq!(
            ImageDescription::new("a\u{1b}[").map_err(fault),
            Err(CaptureTextFault::Character { position: 1, found: '\u{1b}' })
        );
    }
}
