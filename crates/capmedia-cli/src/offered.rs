//! Values that a shell offers for options that the library judges: it tells of all problems at once,
//! where clap would end at the first.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error, ValueHint};

/// Takes any text, and offers these.
#[derive(Clone, Copy)]
pub(crate) struct Offered(pub(crate) &'static [&'static str]);

impl TypedValueParser for Offered {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// What belongs where help texts call a value by this name.
pub(crate) fn hint(value_name: &str) -> ValueHint {
    match value_name {
        "DIR" => ValueHint::DirPath,
        "FILE" | "FILE|ID" | "OUT" => ValueHint::FilePath,
        // A switch.
        "" => ValueHint::Unknown,
        _ => ValueHint::Other,
    }
}
