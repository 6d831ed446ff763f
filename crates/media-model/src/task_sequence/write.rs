//! A [`Sequence`] to XML: the child order and the attribute order of exports of version 3.10, one
//! element a line, so that the file on the media can be read by people.

use super::MAX_DEPTH;
use super::condition::{Condition, ConditionNode, Expression, Operator};
use super::error::WriteError;
use super::extra::{Content, Element, Extra};
use super::model::{
    Action, Group, Node, PackageReference, ReferenceList, Sequence, Step, Variable, VariableList,
};
use super::text::is_xml_char;

type Result<T = ()> = std::result::Result<T, WriteError>;

/// Lines end so that every version of Notepad shows them.
const NEWLINE: &str = "\r\n";

impl Sequence {
    /// The sequence as XML text, with a declaration; to be stored as UTF-8. Equal sequences give
    /// equal text. The order of the children is that of version 3.10 whatever
    /// [`version`](Self::version) says.
    ///
    /// # Errors
    ///
    /// [`WriteError`] for what XML or [`read`](Self::read) cannot hold; never for a sequence that
    /// was read.
    pub fn to_xml(&self) -> Result<String> {
        let mut out = Writer { text: String::new(), depth: 0 };
        out.text.push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
        out.text.push_str(NEWLINE);
        out.sequence(self)?;
        Ok(out.text)
    }
}

struct Writer {
    text: String,
    /// Elements that are open.
    depth: usize,
}

impl Writer {
    fn sequence(&mut self, sequence: &Sequence) -> Result {
        let Sequence { version, name, description, references, global_variables, nodes, extra } =
            sequence;
        self.open("sequence")?;
        self.attribute("sequence", "version", version)?;
        self.text_attribute("sequence", "name", name.as_deref())?;
        self.text_attribute("sequence", "description", description.as_deref())?;
        self.children("sequence", extra, |out| {
            out.reference_list(references)?;
            out.variable_list("globalVarList", global_variables)?;
            nodes.iter().try_for_each(|node| out.node(node))
        })
    }

    fn node(&mut self, node: &Node) -> Result {
        match node {
            Node::Group(group) => self.group(group),
            Node::Step(step) => self.step(step),
            Node::Other(element) => self.line(element),
        }
    }

    fn group(&mut self, group: &Group) -> Result {
        let Group {
            name,
            description,
            disable,
            continue_on_error,
            expand,
            condition,
            action,
            nodes,
            extra,
        } = group;
        self.open("group")?;
        self.attribute("group", "name", name)?;
        self.text_attribute("group", "description", description.as_deref())?;
        self.plain_attribute("disable", *disable);
        self.plain_attribute("continueOnError", *continue_on_error);
        self.plain_attribute("expand", *expand);
        self.children("group", extra, |out| {
            out.condition(condition.as_ref())?;
            out.action(action.as_ref())?;
            nodes.iter().try_for_each(|node| out.node(node))
        })
    }

    fn step(&mut self, step: &Step) -> Result {
        let Step {
            kind,
            name,
            description,
            disable,
            continue_on_error,
            timeout,
            run_in,
            success_codes,
            retry_count,
            run_from_net,
            start_in,
            condition,
            action,
            variables,
            extra,
        } = step;
        let codes: Option<Vec<String>> =
            success_codes.as_ref().map(|codes| codes.iter().map(i64::to_string).collect());
        self.open("step")?;
        self.text_attribute("step", "type", kind.as_ref().map(|kind| kind.as_str()))?;
        self.attribute("step", "name", name)?;
        self.text_attribute("step", "description", description.as_deref())?;
        self.plain_attribute("disable", *disable);
        self.plain_attribute("continueOnError", *continue_on_error);
        self.plain_attribute("timeout", *timeout);
        self.text_attribute("step", "runIn", run_in.as_ref().map(|run_in| run_in.as_str()))?;
        self.plain_attribute("successCodeList", codes.map(|codes| codes.join(" ")));
        self.plain_attribute("retryCount", *retry_count);
        self.plain_attribute("runFromNet", *run_from_net);
        self.text_attribute("step", "startIn", start_in.as_deref())?;
        self.children("step", extra, |out| {
            out.condition(condition.as_ref())?;
            out.action(action.as_ref())?;
            out.variable_list("defaultVarList", variables)
        })
    }

    fn action(&mut self, action: Option<&Action>) -> Result {
        let Some(Action { line, extra }) = action else { return Ok(()) };
        self.open("action")?;
        self.value("action", line, extra)
    }

    fn reference_list(&mut self, list: &ReferenceList) -> Result {
        let ReferenceList { references, extra } = list;
        if references.is_empty() && extra.is_empty() {
            return Ok(());
        }
        self.open("referenceList")?;
        self.children("referenceList", extra, |out| {
            references.iter().try_for_each(|PackageReference { package, extra }| {
                out.open("reference")?;
                out.attribute("reference", "package", package)?;
                out.children("reference", extra, |_| Ok(()))
            })
        })
    }

    fn variable_list(&mut self, element: &str, list: &VariableList) -> Result {
        let VariableList { variables, extra } = list;
        if variables.is_empty() && extra.is_empty() {
            return Ok(());
        }
        self.open(element)?;
        self.children(element, extra, |out| variables.iter().try_for_each(|v| out.variable(v)))
    }

    fn variable(&mut self, variable: &Variable) -> Result {
        let Variable { name, property, hidden, value, extra } = variable;
        self.open("variable")?;
        self.attribute("variable", "name", name)?;
        self.text_attribute("variable", "property", property.as_deref())?;
        self.plain_attribute("hidden", *hidden);
        self.value("variable", value, extra)
    }

    fn condition(&mut self, condition: Option<&Condition>) -> Result {
        let Some(Condition { nodes, extra }) = condition else { return Ok(()) };
        self.open("condition")?;
        self.children("condition", extra, |out| out.condition_nodes(nodes))
    }

    fn condition_nodes(&mut self, nodes: &[ConditionNode]) -> Result {
        nodes.iter().try_for_each(|node| match node {
            ConditionNode::Operator(Operator { kind, nodes, extra }) => {
                self.open("operator")?;
                self.attribute("operator", "type", kind.as_str())?;
                self.children("operator", extra, |out| out.condition_nodes(nodes))
            }
            ConditionNode::Expression(Expression { kind, variables, extra }) => {
                self.open("expression")?;
                self.attribute("expression", "type", kind.as_str())?;
                self.children("expression", extra, |out| {
                    variables.iter().try_for_each(|variable| out.variable(variable))
                })
            }
            ConditionNode::Other(element) => self.line(element),
        })
    }

    /// Starts an element on a line of its own; attributes follow.
    fn open(&mut self, element: &str) -> Result {
        self.indent();
        self.start(element)
    }

    fn start(&mut self, element: &str) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(WriteError::Depth { max: MAX_DEPTH });
        }
        self.text.push('<');
        self.text.push_str(element);
        Ok(())
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    /// Ends the start tag, writes `inner` and the unknown elements on their lines, and the end tag;
    /// or, as exports do, ends the element where there is nothing in it.
    fn children(
        &mut self,
        element: &str,
        extra: &Extra,
        inner: impl FnOnce(&mut Self) -> Result,
    ) -> Result {
        self.extra_attributes(element, extra)?;
        let start = self.text.len();
        self.text.push('>');
        self.text.push_str(NEWLINE);
        let content = self.text.len();
        inner(self)?;
        extra.elements.iter().try_for_each(|element| self.line(element))?;
        self.depth = self.depth.saturating_sub(1);
        if self.text.len() == content {
            self.text.truncate(start);
            self.text.push_str("/>");
        } else {
            self.indent();
            self.end(element);
        }
        self.text.push_str(NEWLINE);
        Ok(())
    }

    /// Ends the start tag, writes the text as it is, unknown elements behind it, and the end tag.
    fn value(&mut self, element: &str, value: &str, extra: &Extra) -> Result {
        self.extra_attributes(element, extra)?;
        self.text.push('>');
        self.escaped(element, value, false)?;
        extra.elements.iter().try_for_each(|element| self.element(element))?;
        self.depth = self.depth.saturating_sub(1);
        self.end(element);
        self.text.push_str(NEWLINE);
        Ok(())
    }

    fn end(&mut self, element: &str) {
        self.text.push_str("</");
        self.text.push_str(element);
        self.text.push('>');
    }

    /// An unknown element on a line of its own.
    fn line(&mut self, element: &Element) -> Result {
        self.indent();
        self.element(element)?;
        self.text.push_str(NEWLINE);
        Ok(())
    }

    /// An unknown element, no space added in it.
    fn element(&mut self, element: &Element) -> Result {
        let Element { name, attributes, content } = element;
        self.start(name)?;
        for attribute in attributes {
            self.attribute(name, &attribute.name, &attribute.value)?;
        }
        self.text.push('>');
        for content in content {
            match content {
                Content::Element(element) => self.element(element)?,
                Content::Text(text) => self.escaped(name, text, false)?,
            }
        }
        self.depth = self.depth.saturating_sub(1);
        self.end(name);
        Ok(())
    }

    fn extra_attributes(&mut self, element: &str, extra: &Extra) -> Result {
        extra.attributes.iter().try_for_each(|a| self.attribute(element, &a.name, &a.value))
    }

    fn text_attribute(&mut self, element: &str, name: &str, value: Option<&str>) -> Result {
        value.map_or(Ok(()), |value| self.attribute(element, name, value))
    }

    /// An attribute whose value needs no escape.
    fn plain_attribute(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.text.push_str(&format!(" {name}=\"{value}\""));
        }
    }

    fn attribute(&mut self, element: &str, name: &str, value: &str) -> Result {
        self.text.push(' ');
        self.text.push_str(name);
        self.text.push_str("=\"");
        self.escaped(element, value, true)?;
        self.text.push('"');
        Ok(())
    }

    /// Readers turn a raw CR into LF, and any raw line end or tab of an attribute into a space.
    fn escaped(&mut self, element: &str, value: &str, attribute: bool) -> Result {
        for c in value.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '\r' => self.text.push_str("&#xD;"),
                '"' if attribute => self.text.push_str("&quot;"),
                '\n' if attribute => self.text.push_str("&#xA;"),
                '\t' if attribute => self.text.push_str("&#x9;"),
                c if is_xml_char(c) => self.text.push(c),
                found => {
                    let element = element.to_owned();
                    return Err(WriteError::Character { element, found });
                }
            }
        }
        Ok(())
    }
}
