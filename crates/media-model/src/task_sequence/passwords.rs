//! What in a sequence is a password, what may be one, and taking the former out.
//!
//! A sequence has no mark for secrets that could be trusted, so names decide
//! ([`unconfirmed`](super::unconfirmed)): those of variables, of their properties, of unknown
//! elements and attributes, and of the variables that a step sets. What names do not tell is only
//! pointed at.

use std::borrow::Cow;

use super::assignments::Line;
use super::check::{Notice, at_most};
use super::condition::{Condition, ConditionNode};
use super::doubts;
use super::extra::{Attribute, Content, Element, Extra};
use super::model::{Action, Node, Sequence, Step, Variable, VariableList};
use super::secret_words::{is_flag, is_numbers, is_one_of, is_secret_name};
use super::unconfirmed::{
    COMMAND_LINE, HIDDEN_BY_EDITOR, NOT_SECRET, PLAIN_ANSWERS, SET_VARIABLE_NAME,
    SET_VARIABLE_VALUE, SET_VARIABLE_VALUE_SHORT,
};

impl Sequence {
    /// Takes everything out that is a password by its name, also of disabled steps, conditions and
    /// unknown elements; returns how many there were. What may be one and is not told by a name is
    /// left; [`Notice::MaybeSecret`] names it.
    pub fn remove_stored_passwords(&mut self) -> usize {
        let mut removed = 0;
        self.take_passwords(&mut |_, _| removed += 1);
        removed
    }

    /// Those of [`notices`](Self::notices) that are about secrets: the passwords that stand there, and
    /// the places that may hold more.
    pub fn secret_notices(&self) -> Vec<Notice> {
        let mut without = self.clone();
        let mut notices = Vec::new();
        // What would be taken out is what is there.
        without.take_passwords(&mut |place, variable| {
            let (place, variable) = (place.to_owned(), variable.to_owned());
            notices.push(Notice::PasswordStored { place, variable });
        });
        let mut notices = at_most(notices);
        let doubts = doubts::of_sequence(&without);
        if !doubts.is_empty() {
            notices.push(Notice::MaybeSecret { places: doubts });
        }
        notices
    }

    /// What goes may bring texts together that only then have the name of a secret: once more until
    /// nothing goes.
    fn take_passwords(&mut self, gone: Gone<'_>) {
        let mut more = true;
        while more {
            more = false;
            self.take_passwords_once(&mut |place, variable| {
                more = true;
                gone(place, variable);
            });
        }
    }

    fn take_passwords_once(&mut self, gone: Gone<'_>) {
        take_from_extra(&mut self.extra, "the sequence", gone);
        take_from_extra(&mut self.references.extra, "the reference list", gone);
        for reference in &mut self.references.references {
            take_from_extra(&mut reference.extra, "the reference list", gone);
        }
        let list = &mut self.global_variables;
        let secret = sets_secret(&list.variables, None);
        take_from_list(list, secret, "the shared variables", gone);
        take_from_nodes(&mut self.nodes, gone);
    }
}

impl Variable {
    /// Whether its name or property says that it holds a password, as
    /// [`unconfirmed::SECRET_WORDS`](super::unconfirmed::SECRET_WORDS) and its neighbours have it,
    /// and its value is no plain answer such as `true`. A value that a step gives to another
    /// variable is told by [`Step::shown_variables`].
    pub fn is_secret(&self) -> bool {
        let names = [Some(&*self.name), self.property.as_deref()];
        let mut secret = names.into_iter().flatten().filter(|name| is_secret_name(name)).peekable();
        if secret.peek().is_none() {
            return false;
        }
        let content = content(self);
        let content = content.trim();
        let answers = secret.all(|name| {
            let name = name.trim();
            NOT_SECRET.iter().any(|known| known.eq_ignore_ascii_case(name))
        });
        let plain = is_flag(content)
            || answers && (is_numbers(content) || is_one_of(content, PLAIN_ANSWERS));
        !plain
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        let is = |text: &str| text.trim().eq_ignore_ascii_case(name);
        is(&self.name) || self.property.as_deref().is_some_and(is)
    }

    /// Whether it is what the step gives to another variable.
    pub(super) fn is_set_value(&self) -> bool {
        self.is_called(SET_VARIABLE_VALUE) || self.is_called(SET_VARIABLE_VALUE_SHORT)
    }

    /// Marked so that the editor does not show it, for another reason than that nobody edits it.
    pub(super) fn is_hidden(&self) -> bool {
        self.hidden == Some(true) && !HIDDEN_BY_EDITOR.iter().any(|name| self.is_called(name))
    }
}

impl VariableList {
    /// The variables, each with its value where that may be shown: it is not a password, no
    /// word tells that it may be one, and it is not hidden.
    pub fn shown_variables(&self) -> impl Iterator<Item = (&Variable, Option<&str>)> {
        shown_variables(&self.variables, sets_secret(&self.variables, None))
    }
}

impl Step {
    /// Its variables, each with its value where that may be shown: it is not a password, not the
    /// value that the step gives to a variable with a password, no word tells that it may be one, and
    /// it is not hidden.
    pub fn shown_variables(&self) -> impl Iterator<Item = (&Variable, Option<&str>)> {
        let variables = &self.variables.variables;
        shown_variables(variables, sets_secret(variables, self.action.as_ref()))
    }
}

impl Action {
    /// The command line without the passwords that it gives to variables; no line where a word tells
    /// that there may be others.
    pub fn shown_line(&self) -> Cow<'_, str> {
        let line = Line::of(&self.line);
        if line.mentions_secret() {
            Cow::Borrowed("<may hold a secret>")
        } else if line.secrets().next().is_some() {
            Cow::Owned(line.with_secrets_as("<secret>"))
        } else {
            Cow::Borrowed(&self.line)
        }
    }
}

fn shown_variables(
    variables: &[Variable],
    sets_secret: bool,
) -> impl Iterator<Item = (&Variable, Option<&str>)> {
    let names_doubtful = doubts::names_doubtful(variables);
    variables.iter().map(move |variable| {
        let may_show = !is_secret_here(variable, sets_secret)
            && !variable.is_hidden()
            && !doubts::is_told_by_words(variable, names_doubtful);
        (variable, may_show.then_some(&*variable.value))
    })
}

/// All text of a variable: its value, and what stands below it in ways that are not known.
pub(super) fn content(variable: &Variable) -> String {
    let mut text = variable.value.clone();
    texts_of(&variable.extra.attributes, &variable.extra.elements, &mut text);
    text
}

fn texts_of<'a>(
    attributes: &[Attribute],
    elements: impl IntoIterator<Item = &'a Element>,
    text: &mut String,
) {
    attributes.iter().for_each(|attribute| text.push_str(&attribute.value));
    for element in elements {
        texts_of(&element.attributes, [], text);
        for content in &element.content {
            match content {
                Content::Text(piece) => text.push_str(piece),
                Content::Element(element) => texts_of(&[], [element], text),
            }
        }
    }
}

/// Whether the step of these variables and this command gives a value to a variable whose name says
/// that it is secret, or that the editor was told to hide.
fn sets_secret(variables: &[Variable], action: Option<&Action>) -> bool {
    variables.iter().any(|v| v.is_called(SET_VARIABLE_NAME) && is_secret_name(&v.value))
        || action.is_some_and(|action| Line::of(&action.line).sets_secret())
}

fn is_secret_here(variable: &Variable, sets_secret: bool) -> bool {
    let is_value = sets_secret && variable.is_set_value();
    let is_line =
        variable.is_called(COMMAND_LINE) && Line::of(&variable.value).secrets().next().is_some();
    variable.is_secret() || is_line || is_value && !is_flag(&content(variable))
}

/// What is called with the place and the name of each password that goes.
type Gone<'f> = &'f mut dyn FnMut(&str, &str);

fn take_from_nodes(nodes: &mut Vec<Node>, gone: Gone<'_>) {
    nodes.retain_mut(|node| match node {
        Node::Group(group) => {
            take_from_extra(&mut group.extra, &group.name, gone);
            take_from_condition(group.condition.as_mut(), &group.name, gone);
            if let Some(action) = &mut group.action {
                take_from_action(action, &group.name, gone);
            }
            take_from_nodes(&mut group.nodes, gone);
            true
        }
        Node::Step(step) => {
            take_from_step(step, gone);
            true
        }
        Node::Other(element) => {
            let place = element.name.clone();
            stays(element, false, &place, gone)
        }
    });
}

fn take_from_step(step: &mut Step, gone: Gone<'_>) {
    let place = &step.name;
    let secret = sets_secret(&step.variables.variables, step.action.as_ref());
    let value_gone = take_from_list(&mut step.variables, secret, place, gone);
    take_from_extra(&mut step.extra, place, gone);
    take_from_condition(step.condition.as_mut(), place, gone);
    if let Some(action) = &mut step.action {
        if value_gone {
            // The same password a second time.
            take_from_action(action, place, &mut |_, _| {});
        } else {
            take_from_action(action, place, gone);
        }
    }
}

fn take_from_action(action: &mut Action, place: &str, gone: Gone<'_>) {
    take_from_line(&mut action.line, place, gone);
    take_from_extra(&mut action.extra, place, gone);
}

/// Whether the line had one.
fn take_from_line(text: &mut String, place: &str, gone: Gone<'_>) -> bool {
    let line = Line::of(text);
    let mut any = false;
    for assignment in line.secrets() {
        gone(place, assignment.name);
        any = true;
    }
    if any {
        *text = line.with_secrets_as("");
    }
    any
}

fn take_from_condition(condition: Option<&mut Condition>, place: &str, gone: Gone<'_>) {
    if let Some(condition) = condition {
        take_from_extra(&mut condition.extra, place, gone);
        take_from_condition_nodes(&mut condition.nodes, place, gone);
    }
}

fn take_from_condition_nodes(nodes: &mut Vec<ConditionNode>, place: &str, gone: Gone<'_>) {
    nodes.retain_mut(|node| match node {
        ConditionNode::Operator(operator) => {
            take_from_extra(&mut operator.extra, place, gone);
            take_from_condition_nodes(&mut operator.nodes, place, gone);
            true
        }
        ConditionNode::Expression(expression) => {
            take_from_extra(&mut expression.extra, place, gone);
            let secret = sets_secret(&expression.variables, None);
            take_from_variables(&mut expression.variables, secret, place, gone);
            true
        }
        ConditionNode::Other(element) => stays(element, false, place, gone),
    });
}

/// Whether a value went that the command line has too.
fn take_from_list(list: &mut VariableList, secret: bool, place: &str, gone: Gone<'_>) -> bool {
    take_from_extra(&mut list.extra, place, gone);
    take_from_variables(&mut list.variables, secret, place, gone)
}

fn take_from_variables(
    variables: &mut Vec<Variable>,
    secret: bool,
    place: &str,
    gone: Gone<'_>,
) -> bool {
    let mut value_gone = false;
    variables.retain_mut(|variable| {
        if variable.is_called(COMMAND_LINE) && !variable.is_secret() {
            // The rest of the line is no secret, and runs.
            value_gone |= take_from_line(&mut variable.value, place, gone);
        }
        let goes = is_secret_here(variable, secret) && !content(variable).trim().is_empty();
        if goes {
            value_gone |= variable.is_set_value();
            gone(place, &variable.name);
        } else {
            take_from_extra(&mut variable.extra, place, gone);
        }
        !goes
    });
    value_gone
}

fn take_from_extra(extra: &mut Extra, place: &str, gone: Gone<'_>) {
    take_from_attributes(&mut extra.attributes, place, gone);
    let secret = elements_set_secret(extra.elements.iter());
    extra.elements.retain_mut(|element| stays(element, secret, place, gone));
}

fn take_from_attributes(attributes: &mut Vec<Attribute>, place: &str, gone: Gone<'_>) {
    attributes.retain(|attribute| {
        let value = attribute.value.trim();
        let goes = is_secret_name(&attribute.name) && !value.is_empty() && !is_flag(value);
        if goes {
            gone(place, &attribute.name);
        }
        !goes
    });
}

/// [`sets_secret`] for elements that are not known.
fn elements_set_secret<'a>(mut elements: impl Iterator<Item = &'a Element>) -> bool {
    elements.any(|element| {
        as_variable(element)
            .is_some_and(|v| v.is_called(SET_VARIABLE_NAME) && is_secret_name(&v.value))
    })
}

/// Takes passwords out of an unknown element, and says whether it may stay itself. `secret` where
/// those beside it give a value to a secret variable.
fn stays(element: &mut Element, secret: bool, place: &str, gone: Gone<'_>) -> bool {
    let variable = as_variable(element);
    let named = variable.as_ref().is_some_and(|variable| is_secret_here(variable, secret));
    if named || is_secret_name(&element.name) {
        let mut texts = String::new();
        match &variable {
            Some(variable) => texts.push_str(&variable.value),
            None => texts_of(&[], [&*element], &mut texts),
        }
        if !texts.trim().is_empty() && !is_flag(&texts) {
            gone(place, variable.as_ref().map_or(&element.name, |variable| &variable.name));
            return false;
        }
    }
    take_from_attributes(&mut element.attributes, place, gone);
    let is_action = element.name == "action";
    let elements = element.content.iter().filter_map(|content| match content {
        Content::Element(element) => Some(element),
        Content::Text(_) => None,
    });
    let secret = elements_set_secret(elements);
    element.content.retain_mut(|content| match content {
        Content::Element(element) => stays(element, secret, place, gone),
        Content::Text(text) => {
            if is_action {
                take_from_line(text, place, gone);
            }
            true
        }
    });
    // What stood on either side of an element that went is one text.
    element.content.dedup_by(|content, before| match (before, content) {
        (Content::Text(before), Content::Text(text)) => {
            before.push_str(text);
            true
        }
        _ => false,
    });
    true
}

/// An unknown element read as a variable, if it is one by its attributes; its value is all text
/// below it, and the attributes that are not known.
pub(super) fn as_variable(element: &Element) -> Option<Variable> {
    let attribute =
        |name: &str| element.attributes.iter().find(|a| a.name == name).map(|a| a.value.clone());
    let name = attribute("name")?;
    let mut text = String::new();
    for other in &element.attributes {
        if !matches!(&*other.name, "name" | "property" | "hidden" | "type" | "description") {
            text.push_str(&other.value);
        }
    }
    for content in &element.content {
        match content {
            Content::Text(piece) => text.push_str(piece),
            Content::Element(element) => texts_of(&[], [element], &mut text),
        }
    }
    let mut variable = Variable::new(name, text);
    variable.property = attribute("property");
    Some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_no_passwords() {
        let secret = |name: &str, value: &str| Variable::new(name, value).is_secret();
        for value in ["", "true", "FALSE", "0", " 1 ", "AD"] {
            assert!(!secret("OSDRandomAdminPassword", value), "{value}");
        }
        assert!(secret("OSDRandomAdminPassword", "P@ss"));
        assert!(secret("OSDJoinPassword", "123456") && secret("OSDBitLockerPIN", "123456"));
        assert!(!secret("AskForPassword", "True"));
        let both = Variable::new("OSDRandomAdminPassword", "123").with_property("AdminPassword");
        assert!(both.is_secret(), "either name may be the true one");
    }

    #[test]
    fn lines_are_shown_without_secrets() {
        let shown = |line: &str| {
            let action = Action { line: line.to_owned(), extra: Extra::default() };
            action.shown_line().into_owned()
        };
        assert_eq!(shown("tsenv \"APwd=x\""), "tsenv \"APwd=<secret>\"");
        assert_eq!(shown("tsenv A=b"), "tsenv A=b");
        for line in ["tool /password:x", "tsenv APwd=a & b", "tsenv AdminPass=x", "--apikey=x"] {
            assert_eq!(shown(line), "<may hold a secret>", "{line}");
        }
    }
}
