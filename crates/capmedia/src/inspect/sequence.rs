//! What is in a task sequence, as a file or exported.

use std::io::{self, Read, Seek, SeekFrom};

use media_model::task_sequence::{
    FileError, Group, MAX_FILE_BYTES, Node, RunIn, Sequence, SequenceFile, Step, StepType, Variable,
};
use serde::Serialize;

/// A task sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SequenceInspection {
    /// True for an export of the console, false for XML.
    pub exported: bool,
    /// Its package id, in an export.
    pub package_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The package id of its boot image, in an export.
    pub boot_image_id: Option<String>,
    /// Version of the form, such as `3.10`.
    pub version: String,
    /// What it refers to.
    pub references: Vec<String>,
    /// Variables that several steps share.
    pub variables: Vec<VariableInspection>,
    /// Groups and steps, in the order they run.
    pub nodes: Vec<NodeInspection>,
    /// What keeps it from being the sequence of capture media.
    pub problems: Vec<String>,
    /// What should be known of it.
    pub notes: Vec<String>,
}

/// A group or step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct NodeInspection {
    /// `group`, `step`, or the name of an unknown element.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The type of a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Where a step runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_in: Option<String>,
    /// The command of a step, without passwords, and not where it may hold others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// True for one that is switched off.
    pub disabled: bool,
    /// True for one that runs under a condition.
    pub conditional: bool,
    /// What a step is told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableInspection>,
    /// What is in a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeInspection>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct VariableInspection {
    /// Its name.
    pub name: String,
    /// Its value; `None` for a password, what may be one by its words, and what the editor is told to
    /// hide.
    pub value: Option<String>,
}

/// Why a file was not read as a task sequence.
pub(crate) enum NotRead {
    /// It does not look like one.
    Other,
    Io(io::Error),
    Fault(FileError),
}

/// Reads what begins like a zip or like XML.
pub(crate) fn inspect_sequence(mut file: impl Read + Seek) -> Result<SequenceInspection, NotRead> {
    file.seek(SeekFrom::Start(0)).map_err(NotRead::Io)?;
    let mut bytes = Vec::new();
    file.by_ref().take(LOOKED_AT).read_to_end(&mut bytes).map_err(NotRead::Io)?;
    if !bytes.starts_with(b"PK\x03\x04") && !is_markup(&bytes) {
        return Err(NotRead::Other);
    }
    let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most.saturating_sub(LOOKED_AT)).read_to_end(&mut bytes).map_err(NotRead::Io)?;
    SequenceFile::read(&bytes).map(|file| of_file(&file)).map_err(NotRead::Fault)
}

/// Bytes that tell whether to read more.
const LOOKED_AT: u64 = 64;

/// Whether text begins with `<`, behind space and a byte-order mark, in UTF-8 or UTF-16.
fn is_markup(bytes: &[u8]) -> bool {
    let skipped = |byte: &u8| {
        matches!(byte, 0 | 0xFE | 0xFF | 0xEF | 0xBB | 0xBF) || byte.is_ascii_whitespace()
    };
    bytes.iter().find(|byte| !skipped(byte)) == Some(&b'<')
}

fn of_file(file: &SequenceFile) -> SequenceInspection {
    let sequence = file.sequence();
    let export = match file {
        SequenceFile::Export(export) => Some(export),
        _ => None,
    };
    let text = |text: Option<&str>| text.map(str::to_owned);
    SequenceInspection {
        exported: export.is_some(),
        package_id: text(export.and_then(|export| export.package_id())),
        name: text(export.and_then(|export| export.name())).or_else(|| sequence.name.clone()),
        boot_image_id: text(export.and_then(|export| export.boot_image_id())),
        version: sequence.version.clone(),
        references: sequence.references().iter().map(ToString::to_string).collect(),
        variables: variables(sequence.global_variables.shown_variables()),
        nodes: nodes(&sequence.nodes),
        problems: problems(sequence),
        notes: sequence.notices().iter().map(ToString::to_string).collect(),
    }
}

fn problems(sequence: &Sequence) -> Vec<String> {
    let problems = sequence.check();
    problems.iter().map(|problem| format!("{}; {}", problem.what(), problem.remedy())).collect()
}

/// As deep as sequences are read.
fn nodes(all: &[Node]) -> Vec<NodeInspection> {
    let node = |node: &Node| match node {
        Node::Group(group) => Some(of_group(group)),
        Node::Step(step) => Some(of_step(step)),
        Node::Other(element) => {
            Some(NodeInspection { kind: element.name().to_owned(), ..of_group(&Group::default()) })
        }
        _ => None,
    };
    all.iter().filter_map(node).collect()
}

fn of_group(group: &Group) -> NodeInspection {
    NodeInspection {
        kind: "group".to_owned(),
        name: group.name.clone(),
        r#type: None,
        run_in: None,
        action: None,
        disabled: group.disable == Some(true),
        conditional: group.condition.is_some(),
        variables: Vec::new(),
        nodes: nodes(&group.nodes),
    }
}

fn of_step(step: &Step) -> NodeInspection {
    NodeInspection {
        kind: "step".to_owned(),
        name: step.name.clone(),
        r#type: step.kind.as_ref().map(StepType::to_string),
        run_in: step.run_in.as_ref().map(RunIn::to_string),
        action: step.action.as_ref().map(|action| action.shown_line().into_owned()),
        disabled: step.disable == Some(true),
        conditional: step.condition.is_some(),
        variables: variables(step.shown_variables()),
        nodes: Vec::new(),
    }
}

fn variables<'a>(
    shown: impl Iterator<Item = (&'a Variable, Option<&'a str>)>,
) -> Vec<VariableInspection> {
    let variable = |(variable, value): (&Variable, Option<&str>)| VariableInspection {
        name: variable.name.clone(),
        value: value.map(str::to_owned),
    };
    shown.map(variable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_told_from_other_bytes() {
        let wide: Vec<u8> = "\u{FEFF}<sequence".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [&b"<sequence"[..], b"\xEF\xBB\xBF \r\n<?xml", &wide] {
            assert!(is_markup(bytes));
        }
        for bytes in [&b""[..], b"MSWIM", b"text <", b"\0\0\0\0"] {
            assert!(!is_markup(bytes));
        }
    }
}
