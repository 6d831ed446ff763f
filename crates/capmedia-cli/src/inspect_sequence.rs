//! A task sequence in lines for people.

use std::io::{self, Write};

use capmedia::{NodeInspection, SequenceInspection, VariableInspection};

use crate::print::line;

pub(crate) fn print_sequence(to: &mut impl Write, found: &SequenceInspection) -> io::Result<()> {
    let form = if found.exported { "exported by the console" } else { "XML" };
    line(to, format_args!("Task sequence, {form}, version {}", found.version))?;
    for (fact, value) in [
        ("Name", &found.name),
        ("Package id", &found.package_id),
        ("Boot image", &found.boot_image_id),
    ] {
        if let Some(value) = value {
            line(to, format_args!("{:<14}{value}", format!("{fact}:")))?;
        }
    }
    if !found.references.is_empty() {
        line(to, "Refers to:")?;
        found.references.iter().try_for_each(|text| line(to, format_args!("    {text}")))?;
    }
    if !found.variables.is_empty() {
        line(to, "Shared variables:")?;
        found.variables.iter().try_for_each(|variable| print_variable(to, variable, 1))?;
    }
    line(to, "Groups and steps:")?;
    found.nodes.iter().try_for_each(|node| print_node(to, node, 1))?;
    found.problems.iter().try_for_each(|text| line(to, format_args!("problem: {text}")))?;
    found.notes.iter().try_for_each(|text| line(to, format_args!("note: {text}")))
}

fn print_node(to: &mut impl Write, node: &NodeInspection, depth: usize) -> io::Result<()> {
    let indent = "    ".repeat(depth);
    let mut marks = Vec::new();
    marks.extend(node.run_in.as_deref());
    if node.disabled {
        marks.push("disabled");
    }
    if node.conditional {
        marks.push("conditional");
    }
    let marks = match marks.is_empty() {
        true => String::new(),
        false => format!(" ({})", marks.join(", ")),
    };
    line(to, format_args!("{indent}{} {}{marks}", node.kind, node.name))?;
    if let Some(action) = &node.action {
        line(to, format_args!("{indent}    {action}"))?;
    }
    node.variables.iter().try_for_each(|variable| print_variable(to, variable, depth + 1))?;
    node.nodes.iter().try_for_each(|node| print_node(to, node, depth + 1))
}

fn print_variable(
    to: &mut impl Write,
    variable: &VariableInspection,
    depth: usize,
) -> io::Result<()> {
    let (indent, name) = ("    ".repeat(depth), &variable.name);
    match &variable.value {
        Some(value) => line(to, format_args!("{indent}{name} = {value}")),
        None => line(
            to,
            format_args!("{indent}{name} (not shown: hidden, or a password, or what may be one)"),
        ),
    }
}
