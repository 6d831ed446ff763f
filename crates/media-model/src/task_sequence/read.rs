//! Tokens to a [`Sequence`]. Children come in any order; a second one where the grammar has one is
//! refused, because which of the two counts could only be guessed.

use super::condition::{Condition, ConditionNode, Expression, Operator};
use super::error::{SequenceError, SequenceFault};
use super::extra::{Attribute, Content, Element, Extra};
use super::model::{
    Action, Group, Node, PackageReference, ReferenceList, Sequence, Step, Variable, VariableList,
};
use super::text::Document;
use super::tokens::{Tag, Token, Tokens, is_blank};
use super::word::{ExpressionType, OperatorType, RunIn, StepType};

type Result<T> = std::result::Result<T, SequenceError>;

impl Sequence {
    /// Reads the XML of a task sequence, UTF-8 or UTF-16.
    ///
    /// # Errors
    ///
    /// [`SequenceError`] at the first place that is not well-formed, not the grammar, or beyond a
    /// limit.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        sequence(&Document::decode(bytes)?)
    }
}

/// The sequence that is the whole of `document`.
pub(super) fn sequence(document: &Document) -> Result<Sequence> {
    let mut tokens = Tokens::new(document)?;
    let tag = root(&mut tokens, "sequence")?;
    let mut attributes = Attributes::new("sequence", tag);
    let mut sequence = Sequence {
        version: attributes.required("version", &tokens)?,
        name: attributes.take("name"),
        description: attributes.take("description"),
        references: ReferenceList::default(),
        global_variables: VariableList::default(),
        nodes: Vec::new(),
        extra: attributes.extra(),
    };
    let (mut references, mut variables) = (None, None);
    children(&mut tokens, "sequence", &mut |tokens, tag| match &*tag.name {
        "referenceList" => once(&mut references, "referenceList", tokens, tag, reference_list),
        "globalVarList" => once(&mut variables, "globalVarList", tokens, tag, |tokens, tag| {
            variable_list(tokens, "globalVarList", tag)
        }),
        _ => {
            sequence.nodes.push(node(tokens, tag)?);
            Ok(())
        }
    })?;
    end(&mut tokens)?;
    sequence.references = references.unwrap_or_default();
    sequence.global_variables = variables.unwrap_or_default();
    Ok(sequence)
}

/// The outermost element, which must be `expected`.
pub(super) fn root(tokens: &mut Tokens<'_>, expected: &'static str) -> Result<Tag> {
    loop {
        let (at, found) = match tokens.next()? {
            Token::Start(tag) if tag.name == expected => return Ok(tag),
            Token::Start(tag) => (tag.at, tag.name),
            Token::Text(_) => continue,
            Token::End | Token::Eof => (tokens.at(), String::new()),
        };
        return Err(tokens.error(at, SequenceFault::Root { found, expected }));
    }
}

/// Nothing may follow the outermost element.
pub(super) fn end(tokens: &mut Tokens<'_>) -> Result<()> {
    loop {
        match tokens.next()? {
            Token::Eof => return Ok(()),
            Token::Text(_) => {}
            Token::Start(_) | Token::End => {
                let problem = "there is a second outermost element";
                return Err(tokens.error(tokens.at(), SequenceFault::Malformed { problem }));
            }
        }
    }
}

type Child<'c> = &'c mut dyn FnMut(&mut Tokens<'_>, Tag) -> Result<()>;

/// Gives every child element to `child`, which reads it to its end; returns the text.
pub(super) fn text_and_children(tokens: &mut Tokens<'_>, child: Child<'_>) -> Result<String> {
    let mut text = String::new();
    loop {
        match tokens.next()? {
            Token::Start(tag) => child(tokens, tag)?,
            Token::Text(piece) => text.push_str(&piece),
            Token::End | Token::Eof => return Ok(text),
        }
    }
}

/// The same for an element that holds no text of its own.
pub(super) fn children(
    tokens: &mut Tokens<'_>,
    element: &'static str,
    child: Child<'_>,
) -> Result<()> {
    loop {
        match tokens.next()? {
            Token::Start(tag) => child(tokens, tag)?,
            Token::Text(piece) if is_blank(&piece) => {}
            Token::Text(_) => {
                let fault = SequenceFault::Text { element };
                return Err(tokens.error(tokens.at(), fault));
            }
            Token::End | Token::Eof => return Ok(()),
        }
    }
}

/// Reads an element that may be there once into its place.
fn once<T>(
    place: &mut Option<T>,
    element: &'static str,
    tokens: &mut Tokens<'_>,
    tag: Tag,
    read: impl FnOnce(&mut Tokens<'_>, Tag) -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        return Err(tokens.error(tag.at, SequenceFault::Repeated { element }));
    }
    *place = Some(read(tokens, tag)?);
    Ok(())
}

fn node(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Node> {
    Ok(match &*tag.name {
        "group" => Node::Group(group(tokens, tag)?),
        "step" => Node::Step(step(tokens, tag)?),
        _ => Node::Other(unknown(tokens, tag)?),
    })
}

fn group(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Group> {
    let mut attributes = Attributes::new("group", tag);
    let mut group = Group {
        name: attributes.required("name", tokens)?,
        description: attributes.take("description"),
        disable: attributes.flag("disable", tokens)?,
        continue_on_error: attributes.flag("continueOnError", tokens)?,
        expand: attributes.flag("expand", tokens)?,
        condition: None,
        action: None,
        nodes: Vec::new(),
        extra: attributes.extra(),
    };
    let Group { condition, action, nodes, .. } = &mut group;
    children(tokens, "group", &mut |tokens, tag| match &*tag.name {
        "condition" => once(condition, "condition", tokens, tag, read_condition),
        "action" => once(action, "action", tokens, tag, read_action),
        _ => {
            nodes.push(node(tokens, tag)?);
            Ok(())
        }
    })?;
    Ok(group)
}

fn step(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Step> {
    let mut attributes = Attributes::new("step", tag);
    let mut step = Step {
        kind: attributes.take("type").map(StepType::new),
        name: attributes.required("name", tokens)?,
        description: attributes.take("description"),
        disable: attributes.flag("disable", tokens)?,
        continue_on_error: attributes.flag("continueOnError", tokens)?,
        timeout: attributes.number("timeout", tokens)?,
        run_in: attributes.take("runIn").map(RunIn::new),
        success_codes: attributes.success_codes(tokens)?,
        retry_count: attributes.number("retryCount", tokens)?,
        run_from_net: attributes.flag("runFromNet", tokens)?,
        start_in: attributes.take("startIn"),
        condition: None,
        action: None,
        variables: VariableList::default(),
        extra: attributes.extra(),
    };
    let mut variables = None;
    let Step { condition, action, extra, .. } = &mut step;
    children(tokens, "step", &mut |tokens, tag| match &*tag.name {
        "condition" => once(condition, "condition", tokens, tag, read_condition),
        "action" => once(action, "action", tokens, tag, read_action),
        "defaultVarList" => once(&mut variables, "defaultVarList", tokens, tag, |tokens, tag| {
            variable_list(tokens, "defaultVarList", tag)
        }),
        _ => keep(extra, tokens, tag),
    })?;
    step.variables = variables.unwrap_or_default();
    Ok(step)
}

fn read_action(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Action> {
    let mut extra = Attributes::new("action", tag).extra();
    let line = text_and_children(tokens, &mut |tokens, tag| keep(&mut extra, tokens, tag))?;
    Ok(Action { line, extra })
}

fn reference_list(tokens: &mut Tokens<'_>, tag: Tag) -> Result<ReferenceList> {
    let extra = Attributes::new("referenceList", tag).extra();
    let mut list = ReferenceList { references: Vec::new(), extra };
    children(tokens, "referenceList", &mut |tokens, tag| {
        if tag.name == "reference" {
            list.references.push(reference(tokens, tag)?);
            Ok(())
        } else {
            keep(&mut list.extra, tokens, tag)
        }
    })?;
    Ok(list)
}

fn reference(tokens: &mut Tokens<'_>, tag: Tag) -> Result<PackageReference> {
    let mut attributes = Attributes::new("reference", tag);
    let package = attributes.required("package", tokens)?;
    let mut extra = attributes.extra();
    children(tokens, "reference", &mut |tokens, tag| keep(&mut extra, tokens, tag))?;
    Ok(PackageReference { package, extra })
}

fn variable_list(tokens: &mut Tokens<'_>, element: &'static str, tag: Tag) -> Result<VariableList> {
    let extra = Attributes::new(element, tag).extra();
    let mut list = VariableList { variables: Vec::new(), extra };
    children(tokens, element, &mut |tokens, tag| {
        if tag.name == "variable" {
            list.variables.push(variable(tokens, tag)?);
            Ok(())
        } else {
            keep(&mut list.extra, tokens, tag)
        }
    })?;
    Ok(list)
}

fn variable(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Variable> {
    let mut attributes = Attributes::new("variable", tag);
    let name = attributes.required("name", tokens)?;
    let property = attributes.take("property");
    let hidden = attributes.flag("hidden", tokens)?;
    let mut extra = attributes.extra();
    let value = text_and_children(tokens, &mut |tokens, tag| keep(&mut extra, tokens, tag))?;
    Ok(Variable { name, property, hidden, value, extra })
}

fn read_condition(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Condition> {
    let extra = Attributes::new("condition", tag).extra();
    Ok(Condition { nodes: condition_nodes(tokens, "condition")?, extra })
}

fn condition_nodes(tokens: &mut Tokens<'_>, element: &'static str) -> Result<Vec<ConditionNode>> {
    let mut nodes = Vec::new();
    children(tokens, element, &mut |tokens, tag| {
        nodes.push(match &*tag.name {
            "operator" => ConditionNode::Operator(operator(tokens, tag)?),
            "expression" => ConditionNode::Expression(expression(tokens, tag)?),
            _ => ConditionNode::Other(unknown(tokens, tag)?),
        });
        Ok(())
    })?;
    Ok(nodes)
}

fn operator(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Operator> {
    let mut attributes = Attributes::new("operator", tag);
    let kind = OperatorType::new(attributes.required("type", tokens)?);
    let extra = attributes.extra();
    Ok(Operator { kind, nodes: condition_nodes(tokens, "operator")?, extra })
}

fn expression(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Expression> {
    let mut attributes = Attributes::new("expression", tag);
    let kind = ExpressionType::new(attributes.required("type", tokens)?);
    let mut expression = Expression { kind, variables: Vec::new(), extra: attributes.extra() };
    children(tokens, "expression", &mut |tokens, tag| {
        if tag.name == "variable" {
            expression.variables.push(variable(tokens, tag)?);
            Ok(())
        } else {
            keep(&mut expression.extra, tokens, tag)
        }
    })?;
    Ok(expression)
}

fn keep(extra: &mut Extra, tokens: &mut Tokens<'_>, tag: Tag) -> Result<()> {
    extra.elements.push(unknown(tokens, tag)?);
    Ok(())
}

fn unknown(tokens: &mut Tokens<'_>, tag: Tag) -> Result<Element> {
    let mut content = Vec::new();
    loop {
        match tokens.next()? {
            Token::Start(tag) => content.push(Content::Element(unknown(tokens, tag)?)),
            Token::Text(piece) if piece.is_empty() => {}
            Token::Text(piece) => match content.last_mut() {
                Some(Content::Text(text)) => text.push_str(&piece),
                _ => content.push(Content::Text(piece)),
            },
            Token::End | Token::Eof => break,
        }
    }
    Ok(Element { name: tag.name, attributes: tag.attributes, content })
}

/// The attributes of an element, taken out one by one; what is left is unknown.
pub(super) struct Attributes {
    element: &'static str,
    at: usize,
    rest: Vec<Attribute>,
}

impl Attributes {
    pub(super) fn new(element: &'static str, tag: Tag) -> Self {
        Self { element, at: tag.at, rest: tag.attributes }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.rest.iter().position(|attribute| attribute.name == name)?;
        Some(self.rest.remove(index).value)
    }

    fn required(&mut self, attribute: &'static str, tokens: &Tokens<'_>) -> Result<String> {
        self.take(attribute).ok_or_else(|| {
            let fault = SequenceFault::MissingAttribute { element: self.element, attribute };
            tokens.error(self.at, fault)
        })
    }

    /// `true` or `false`; the engine's own files have them in lower case, scripts in any.
    fn flag(&mut self, attribute: &'static str, tokens: &Tokens<'_>) -> Result<Option<bool>> {
        let Some(found) = self.take(attribute) else { return Ok(None) };
        if found.eq_ignore_ascii_case("true") {
            Ok(Some(true))
        } else if found.eq_ignore_ascii_case("false") {
            Ok(Some(false))
        } else {
            Err(self.refuse(attribute, "true or false", tokens))
        }
    }

    fn number<N: std::str::FromStr>(
        &mut self,
        attribute: &'static str,
        tokens: &Tokens<'_>,
    ) -> Result<Option<N>> {
        let Some(found) = self.take(attribute) else { return Ok(None) };
        match found.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.refuse(attribute, "a whole number", tokens)),
        }
    }

    fn success_codes(&mut self, tokens: &Tokens<'_>) -> Result<Option<Vec<i64>>> {
        let attribute = "successCodeList";
        let Some(found) = self.take(attribute) else { return Ok(None) };
        match found.split_ascii_whitespace().map(str::parse).collect() {
            Ok(codes) => Ok(Some(codes)),
            Err(_) => Err(self.refuse(attribute, "whole numbers with spaces between", tokens)),
        }
    }

    fn refuse(
        &self,
        attribute: &'static str,
        allowed: &'static str,
        tokens: &Tokens<'_>,
    ) -> SequenceError {
        let element = self.element;
        tokens.error(self.at, SequenceFault::Value { element, attribute, allowed })
    }

    fn extra(self) -> Extra {
        Extra { attributes: self.rest, elements: Vec::new() }
    }
}
