//! What may be a secret and is not told by a name: it stays, and is pointed at.

use super::assignments::Line;
use super::condition::{Condition, ConditionNode};
use super::extra::{Attribute, Content, Element, Extra};
use super::model::{Action, Node, Sequence, Step, Variable, VariableList};
use super::passwords::{as_variable, content};
use super::secret_words::{is_no_secret, is_numbers, is_one_of, is_plain, mentions_secret};
use super::text::ends_with;
use super::unconfirmed::{
    COMMAND_LINE, NOT_SECRET, PLAIN_ANSWERS, SCRIPT_SUFFIXES, SET_VARIABLE_NAME,
};

/// Places that may hold a secret, and what of them: "name (step)".
type Doubts<'d> = &'d mut Vec<String>;

/// Where a sequence may hold secrets, once those that names tell are taken out.
pub(super) fn of_sequence(sequence: &Sequence) -> Vec<String> {
    let mut doubts = Vec::new();
    in_text(sequence.description.as_deref(), "the sequence", &mut doubts);
    in_extra(&sequence.extra, "the sequence", &mut doubts);
    in_extra(&sequence.references.extra, "the reference list", &mut doubts);
    for reference in &sequence.references.references {
        in_extra(&reference.extra, "the reference list", &mut doubts);
    }
    in_list(&sequence.global_variables, None, "the shared variables", &mut doubts);
    in_nodes(&sequence.nodes, &mut doubts);
    doubts
}

/// Whether words tell that the value of a variable may be a secret. `named` where those beside it
/// name a variable whose value may be one.
pub(super) fn is_told_by_words(variable: &Variable, named: bool) -> bool {
    // What is set is the value beside it.
    if variable.is_called(SET_VARIABLE_NAME) {
        return false;
    }
    let content = content(variable);
    if is_no_secret(&content) {
        return false;
    }
    let is_answer = is_numbers(&content) || is_one_of(content.trim(), PLAIN_ANSWERS);
    let tells =
        |name: &str| mentions_secret(name) && !(is_answer && is_one_of(name.trim(), NOT_SECRET));
    let names = [Some(&*variable.name), variable.property.as_deref()];
    let attributes = variable.extra.attributes.iter().map(|attribute| &*attribute.name);
    names.into_iter().flatten().chain(attributes).any(tells)
        || Line::of(&content).mentions_secret()
        || named && variable.is_set_value()
}

/// Whether a step gives a value to a variable that may be a secret by its name.
pub(super) fn names_doubtful(variables: &[Variable]) -> bool {
    variables.iter().any(|v| v.is_called(SET_VARIABLE_NAME) && mentions_secret(&v.value))
}

fn doubt(what: &str, place: &str, doubts: Doubts<'_>) {
    let text = format!("{} ({})", crate::text::shown(what), crate::text::shown(place));
    doubts.push(text);
}

fn in_nodes(nodes: &[Node], doubts: Doubts<'_>) {
    for node in nodes {
        match node {
            Node::Group(group) => {
                in_text(group.description.as_deref(), &group.name, doubts);
                in_extra(&group.extra, &group.name, doubts);
                in_condition(group.condition.as_ref(), &group.name, doubts);
                in_action(group.action.as_ref(), &group.name, doubts);
                in_nodes(&group.nodes, doubts);
            }
            Node::Step(step) => in_step(step, doubts),
            Node::Other(element) => {
                in_elements(std::slice::from_ref(element), &element.name, doubts)
            }
        }
    }
}

fn in_step(step: &Step, doubts: Doubts<'_>) {
    in_text(step.description.as_deref(), &step.name, doubts);
    in_text(step.start_in.as_deref(), &step.name, doubts);
    in_extra(&step.extra, &step.name, doubts);
    in_list(&step.variables, step.action.as_ref(), &step.name, doubts);
    in_condition(step.condition.as_ref(), &step.name, doubts);
    in_action(step.action.as_ref(), &step.name, doubts);
}

fn in_action(action: Option<&Action>, place: &str, doubts: Doubts<'_>) {
    let Some(action) = action else { return };
    in_extra(&action.extra, place, doubts);
    if Line::of(&action.line).is_doubtful() {
        doubt("its command line", place, doubts);
    }
}

fn in_text(text: Option<&str>, place: &str, doubts: Doubts<'_>) {
    if text.is_some_and(|text| Line::of(text).is_doubtful()) {
        doubt("its description", place, doubts);
    }
}

fn in_list(list: &VariableList, action: Option<&Action>, place: &str, doubts: Doubts<'_>) {
    in_extra(&list.extra, place, doubts);
    let named = names_doubtful(&list.variables);
    for variable in &list.variables {
        // The same text twice is pointed at once.
        let is_action = variable.is_called(COMMAND_LINE)
            && action.is_some_and(|action| action.line.contains(variable.value.trim()));
        if is_doubtful(variable, named) && !is_action {
            doubt(&variable.name, place, doubts);
        }
    }
}

fn is_doubtful(variable: &Variable, named: bool) -> bool {
    let names = [Some(&*variable.name), variable.property.as_deref()];
    let is_script = names
        .into_iter()
        .flatten()
        .any(|name| SCRIPT_SUFFIXES.iter().any(|suffix| ends_with(name, suffix)));
    let is_line = variable.is_called(COMMAND_LINE) && Line::of(&variable.value).is_doubtful();
    (variable.is_hidden() || is_script) && !is_plain(&content(variable))
        || is_line
        || is_told_by_words(variable, named)
}

fn in_condition(condition: Option<&Condition>, place: &str, doubts: Doubts<'_>) {
    let Some(condition) = condition else { return };
    in_extra(&condition.extra, place, doubts);
    if condition.nodes.iter().any(asks_for_secret) {
        doubt("its condition", place, doubts);
    }
}

fn asks_for_secret(node: &ConditionNode) -> bool {
    match node {
        ConditionNode::Operator(operator) => {
            extra_is_doubtful(&operator.extra) || operator.nodes.iter().any(asks_for_secret)
        }
        ConditionNode::Expression(expression) => {
            let variables = &expression.variables;
            let asked =
                variables.iter().any(|v| v.is_called("Variable") && mentions_secret(&v.value));
            let named = asked || names_doubtful(variables);
            // The name of what is asked for is no secret.
            let mut values = variables.iter().filter(|v| !v.is_called("Variable"));
            extra_is_doubtful(&expression.extra) || values.any(|v| is_doubtful(v, named))
        }
        ConditionNode::Other(element) => element_is_doubtful(element, false),
    }
}

fn in_extra(extra: &Extra, place: &str, doubts: Doubts<'_>) {
    for attribute in extra.attributes.iter().filter(|a| attribute_is_doubtful(a)) {
        doubt(&attribute.name, place, doubts);
    }
    in_elements(&extra.elements, place, doubts);
}

fn in_elements(elements: &[Element], place: &str, doubts: Doubts<'_>) {
    let named = elements_name_doubtful(elements.iter());
    for element in elements.iter().filter(|element| element_is_doubtful(element, named)) {
        doubt(&element.name, place, doubts);
    }
}

fn extra_is_doubtful(extra: &Extra) -> bool {
    let named = elements_name_doubtful(extra.elements.iter());
    extra.attributes.iter().any(attribute_is_doubtful)
        || extra.elements.iter().any(|element| element_is_doubtful(element, named))
}

fn elements_name_doubtful<'a>(elements: impl Iterator<Item = &'a Element>) -> bool {
    names_doubtful(&elements.filter_map(as_variable).collect::<Vec<_>>())
}

fn attribute_is_doubtful(attribute: &Attribute) -> bool {
    !is_no_secret(&attribute.value)
        && (mentions_secret(&attribute.name) || Line::of(&attribute.value).is_doubtful())
}

/// By its name, its attributes or its text, or something in it.
fn element_is_doubtful(element: &Element, named: bool) -> bool {
    if let Some(variable) = as_variable(element) {
        let others = element.attributes.iter().filter(|a| !matches!(&*a.name, "name" | "property"));
        return is_doubtful(&variable, named)
            || others.clone().any(attribute_is_doubtful)
            || others.clone().any(|a| mentions_secret(&a.name)) && !is_no_secret(&variable.value);
    }
    let is_named = mentions_secret(&element.name)
        || element.attributes.iter().any(|a| mentions_secret(&a.name));
    let inner = || {
        element.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    };
    let named = elements_name_doubtful(inner());
    element.attributes.iter().any(attribute_is_doubtful)
        || element.content.iter().any(|content| match content {
            Content::Text(text) => {
                !is_no_secret(text) && (is_named || Line::of(text).is_doubtful())
            }
            Content::Element(element) => element_is_doubtful(element, named),
        })
        || is_named && inner().any(holds_text)
}

/// Whether something in it, however deep, is worth a doubt below a name that tells a secret.
fn holds_text(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| !is_no_secret(&attribute.value))
        || element.content.iter().any(|content| match content {
            Content::Text(text) => !is_no_secret(text),
            Content::Element(element) => holds_text(element),
        })
}
