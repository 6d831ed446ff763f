//! Prints the JSON Schema of request files, made from the list of options. `cargo xtask schema --bless`
//! puts it into `request.schema.json`.

use media_model::{Absent, CaptureMediaRequest, RequestOption, Slot};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

#[allow(clippy::print_stdout, reason = "printing it is what it is for")]
fn main() -> Result<(), serde_json::Error> {
    print!("{}", schema()?);
    Ok(())
}

/// A path of the host: no control character.
const HOST_PATH: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";

/// The schema as text. It says the form of each value; what values mean together is for
/// [`CaptureMediaRequest::check`] to say.
pub(crate) fn schema() -> Result<String, serde_json::Error> {
    let version = json!({ "const": 1, "description": "The version of the form of request files." });
    let mut properties = vec![("version", version)];
    let mut request = CaptureMediaRequest::default();
    properties.extend(
        request.options_mut().iter().map(|(option, slot)| (option.name(), property(option, slot))),
    );
    let mut text = serde_json::to_string_pretty(&Schema {
        schema: "https://json-schema.org/draft/2020-12/schema",
        comment: "Made by cargo xtask schema --bless from the options in src/option.rs.",
        title: "capmedia request file",
        description: "What `capmedia create --request FILE` and `capmedia plan --request FILE` read, \
                      as TOML. Keys are the long options; relative paths start from the file's \
                      folder; options on the command line override the file. boot-image, media-type \
                      and path must come from one of the two. Two things no schema can say: the \
                      length of a text is counted in UTF-16 units, and 1.0 is no whole number.",
        of: "object",
        required: ["version"],
        additional_properties: false,
        properties: Properties(properties),
    })?;
    text.push('\n');
    Ok(text)
}

fn property(option: &RequestOption, slot: &Slot<'_>) -> Value {
    let one = match slot {
        Slot::Flag(_) => json!({ "type": "boolean", "default": false }),
        Slot::Path(_) => json!({ "type": "string", "pattern": HOST_PATH }),
        Slot::Number(_) => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        _ => match option.pattern() {
            _ if !option.words().is_empty() => json!({ "type": "string", "enum": option.words() }),
            Some(pattern) => json!({ "type": "string", "pattern": pattern }),
            None => json!({ "type": "string" }),
        },
    };
    let property = match slot {
        Slot::Paths(_) => {
            let one = json!({ "type": "string", "pattern": HOST_PATH });
            let several = json!({ "type": "array", "items": one, "minItems": 1 });
            json!({ "anyOf": [one, several] })
        }
        Slot::List(_) => json!({ "type": "array", "items": one, "default": [] }),
        _ => one,
    };
    let Value::Object(mut property) = property else { return property };
    let mut description = format!("{}.", option.about());
    match option.absent() {
        Absent::Is(value) => {
            property.insert("default".to_owned(), json!(value));
        }
        Absent::Means(words) => description.push_str(&format!(" Default: {words}.")),
        Absent::Refused => description.push_str(" Required here or on the command line."),
        _ => {}
    }
    property.insert("description".to_owned(), json!(description));
    Value::Object(property)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "$comment")]
    comment: &'static str,
    title: &'static str,
    description: &'static str,
    #[serde(rename = "type")]
    of: &'static str,
    required: [&'static str; 1],
    additional_properties: bool,
    properties: Properties,
}

/// In the order of the options, which a map of `serde_json` would not keep.
struct Properties(Vec<(&'static str, Value)>);

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
