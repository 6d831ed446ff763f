//! A store in print, in the manner of `bcdedit /enum all`.

use std::fmt;

use crate::element::{Element, ElementType, ElementValue};
use crate::object::{ObjectId, ObjectKind};
use crate::store::{Object, Store};

/// Width of the column of names.
const NAME: usize = 24;
/// Most bytes of an unknown element that are printed.
const RAW: usize = 256;

/// One block for each object, boot managers first: names of elements as `bcdedit` has them, or
/// `custom:` and the number; what is not known in hexadecimal digits. Text from the store is
/// escaped, so that it is safe on a terminal.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_dirty() {
            writeln!(f, "(not closed properly: recent changes may be missing)\n")?;
        }
        let mut objects: Vec<(ObjectId, &Object)> = self.objects().collect();
        objects.sort_by_key(|(id, object)| (object.kind(), *id));
        for (at, (id, object)) in objects.into_iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            describe(f, id, object)?;
        }
        Ok(())
    }
}

fn describe(f: &mut fmt::Formatter<'_>, id: ObjectId, object: &Object) -> fmt::Result {
    let mut heading = object.kind().to_string();
    if matches!(object.kind(), ObjectKind::OtherApplication | ObjectKind::Unknown) {
        heading.push_str(&format!(" ({:08x})", object.object_type().0));
    }
    writeln!(f, "{heading}\n{}", "-".repeat(heading.len()))?;
    writeln!(f, "{:NAME$}{id}", "identifier")?;
    for (element, stored) in object.elements() {
        let name = element.name(object.kind());
        let name = name.map_or_else(|| format!("custom:{element}"), str::to_owned);
        for (at, line) in lines(element, stored, object.kind()).iter().enumerate() {
            // A list goes on below its first line.
            writeln!(f, "{:NAME$}{line}", if at == 0 { name.as_str() } else { "" })?;
        }
    }
    Ok(())
}

fn lines(element: ElementType, stored: &Element, object: ObjectKind) -> Vec<String> {
    let value = match stored.value(element) {
        Ok(value) => value,
        // The type of the registry tells more than the error where the format is not known.
        Err(_) => return vec![format!("{} {}", stored.value_type(), hex(stored.data()))],
    };
    let list = match value {
        ElementValue::Device(device) => vec![escaped(&device.to_string())],
        ElementValue::Text(text) => vec![escaped(&text)],
        ElementValue::Object(id) => vec![id.to_string()],
        ElementValue::Objects(ids) => ids.iter().map(ObjectId::to_string).collect(),
        ElementValue::Boolean(yes) => vec![if yes { "Yes" } else { "No" }.to_owned()],
        ElementValue::Integer(number) => {
            let word = match (object, element, number) {
                (ObjectKind::OsLoader, ElementType::BOOT_MENU_POLICY, 0) => Some("Legacy"),
                (ObjectKind::OsLoader, ElementType::BOOT_MENU_POLICY, 1) => Some("Standard"),
                _ => None,
            };
            vec![word.map_or_else(|| number.to_string(), str::to_owned)]
        }
        ElementValue::Integers(numbers) => {
            numbers.iter().map(|number| format!("{number:#x}")).collect()
        }
    };
    if list.is_empty() { vec!["(none)".to_owned()] } else { list }
}

fn escaped(text: &str) -> String {
    // Not escape_debug: backslashes in paths stay as they are. What would let two texts look
    // alike or reorder a line goes with the control characters.
    text.chars()
        .map(|c| match c {
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                c.escape_unicode().to_string()
            }
            c if c.is_control() => c.escape_unicode().to_string(),
            c => c.to_string(),
        })
        .collect()
}

fn hex(data: &[u8]) -> String {
    let digits: String = data.iter().take(RAW).map(|byte| format!("{byte:02x}")).collect();
    match data.len().checked_sub(RAW) {
        Some(more @ 1..) => format!("{digits}... ({more} more bytes)"),
        _ => digits,
    }
}
