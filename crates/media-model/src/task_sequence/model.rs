//! The grammar as types (configmgr-media 3.2). Fields are plain data: any value can be set, and
//! writing refuses the few that XML cannot hold.

use std::fmt;

use super::condition::Condition;
use super::extra::{Element, Extra, Unshown};
use super::word::{RunIn, StepType};

/// A task sequence: `<sequence>`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sequence {
    /// `version`: `3.10` in exports, `3.00` in the Deployment Toolkit.
    pub version: String,
    /// `name`, of the Deployment Toolkit.
    pub name: Option<String>,
    /// `description`, of the Deployment Toolkit.
    pub description: Option<String>,
    /// `<referenceList>`: the packages and applications the steps need.
    pub references: ReferenceList,
    /// `<globalVarList>`: variables that several steps share.
    pub global_variables: VariableList,
    /// Groups and steps, in the order they run.
    pub nodes: Vec<Node>,
    /// Unknown attributes.
    pub extra: Extra,
}

impl Sequence {
    /// The version that is written for sequences made here.
    pub const VERSION: &str = "3.10";

    /// An empty sequence of version 3.10.
    pub fn new() -> Self {
        Self {
            version: Self::VERSION.to_owned(),
            name: None,
            description: None,
            references: ReferenceList::default(),
            global_variables: VariableList::default(),
            nodes: Vec::new(),
            extra: Extra::default(),
        }
    }

    /// With a group or step behind the others.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<Node>) -> Self {
        self.nodes.push(node.into());
        self
    }

    /// With a package or application in the reference list.
    #[must_use]
    pub fn with_reference(mut self, package: impl Into<String>) -> Self {
        self.references.references.push(PackageReference::new(package));
        self
    }

    /// With a shared variable.
    #[must_use]
    pub fn with_global_variable(mut self, variable: Variable) -> Self {
        self.global_variables.variables.push(variable);
        self
    }
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new()
    }
}

/// What stands in a sequence or group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Node {
    /// A group of further nodes.
    Group(Group),
    /// A step.
    Step(Step),
    /// An element the grammar does not know, kept in its place.
    Other(Element),
}

impl From<Group> for Node {
    fn from(group: Group) -> Self {
        Self::Group(group)
    }
}

impl From<Step> for Node {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

/// A group: `<group>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// `name`.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// `disable`.
    pub disable: Option<bool>,
    /// `continueOnError`.
    pub continue_on_error: Option<bool>,
    /// `expand`, of the Deployment Toolkit's editor.
    pub expand: Option<bool>,
    /// `<condition>`.
    pub condition: Option<Condition>,
    /// `<action>`, which the Deployment Toolkit writes empty.
    pub action: Option<Action>,
    /// What is in the group.
    pub nodes: Vec<Node>,
    /// Unknown attributes.
    pub extra: Extra,
}

impl Group {
    /// An empty group.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: Some(String::new()), ..Self::default() }
    }

    /// With a group or step behind the others.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<Node>) -> Self {
        self.nodes.push(node.into());
        self
    }

    /// With a condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// A step: `<step>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// `type`; some steps of the Deployment Toolkit have none.
    pub kind: Option<StepType>,
    /// `name`.
    pub name: String,
    /// `description`.
    pub description: Option<String>,
    /// `disable`.
    pub disable: Option<bool>,
    /// `continueOnError`.
    pub continue_on_error: Option<bool>,
    /// `timeout`, in seconds.
    pub timeout: Option<u64>,
    /// `runIn`.
    pub run_in: Option<RunIn>,
    /// `successCodeList`: the exit codes that mean success.
    pub success_codes: Option<Vec<i64>>,
    /// `retryCount`.
    pub retry_count: Option<u32>,
    /// `runFromNet`.
    pub run_from_net: Option<bool>,
    /// `startIn`, of the Deployment Toolkit: the folder the command starts in.
    pub start_in: Option<String>,
    /// `<condition>`.
    pub condition: Option<Condition>,
    /// `<action>`: the command.
    pub action: Option<Action>,
    /// `<defaultVarList>`: what the step is told by variables.
    pub variables: VariableList,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl Step {
    /// A step as the console makes them: exit code 0 is success, no retry, not from the network.
    pub fn new(kind: StepType, name: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            name: name.into(),
            description: Some(String::new()),
            success_codes: Some(vec![0]),
            retry_count: Some(0),
            run_from_net: Some(false),
            action: Some(Action { line: action.into(), extra: Extra::default() }),
            ..Self::default()
        }
    }

    /// With the place it runs in.
    #[must_use]
    pub fn with_run_in(mut self, run_in: RunIn) -> Self {
        self.run_in = Some(run_in);
        self
    }

    /// With a variable, in place of one of the same name.
    #[must_use]
    pub fn with_variable(mut self, variable: Variable) -> Self {
        self.variables.set(variable);
        self
    }

    /// With a condition.
    #[must_use]
    pub fn with_condition(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Whether it captures an operating system image.
    pub fn is_capture(&self) -> bool {
        self.kind.as_ref() == Some(&StepType::CAPTURE)
    }
}

/// A command: `<action>`. `Debug` shows its length only: it may hold a secret.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Action {
    /// The command line.
    pub line: String,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Action");
        out.field("line", &Unshown(&self.line)).field("extra", &self.extra).finish()
    }
}

/// `<referenceList>`; one without references and extras is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceList {
    /// The references.
    pub references: Vec<PackageReference>,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

/// `<reference>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackageReference {
    /// `package`: a package id, or the unique id of an application.
    pub package: String,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl PackageReference {
    /// A reference to a package or application.
    pub fn new(package: impl Into<String>) -> Self {
        Self { package: package.into(), extra: Extra::default() }
    }
}

/// `<defaultVarList>` or `<globalVarList>`; one without variables and extras is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableList {
    /// The variables. Exports sort those of a step by [`Variable::property`].
    pub variables: Vec<Variable>,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl VariableList {
    /// The value of a variable, case ignored as the task sequence engine does.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|v| v.is_named(name)).map(|v| v.value.as_str())
    }

    /// Puts the variable in place of one of the same name, or else where its property belongs in
    /// the order of exports.
    pub fn set(&mut self, variable: Variable) {
        if let Some(old) = self.variables.iter_mut().find(|old| old.is_named(&variable.name)) {
            *old = variable;
            return;
        }
        let behind = |old: &Variable| old.property > variable.property;
        let at = self.variables.iter().position(behind).unwrap_or(self.variables.len());
        self.variables.insert(at, variable);
    }
}

/// `<variable>`. `Debug` shows no value, only its length: it may be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// `name`: the task sequence variable.
    pub name: String,
    /// `property`: the WMI property it comes from; conditions have none.
    pub property: Option<String>,
    /// `hidden`.
    pub hidden: Option<bool>,
    /// The text.
    pub value: String,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl Variable {
    /// A variable of an expression: no property.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), ..Self::default() }
    }

    /// With the WMI property, as the variables of steps have.
    #[must_use]
    pub fn with_property(mut self, property: impl Into<String>) -> Self {
        self.property = Some(property.into());
        self
    }

    /// With the mark that keeps the editor from showing it.
    #[must_use]
    pub fn with_hidden(mut self) -> Self {
        self.hidden = Some(true);
        self
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Variable");
        out.field("name", &self.name).field("property", &self.property);
        out.field("hidden", &self.hidden).field("value", &Unshown(&self.value));
        out.field("extra", &self.extra).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_set_by_name_and_sorted_by_property() {
        let mut list = VariableList::default();
        for (name, property) in [("B", "pb"), ("C", "pc"), ("A", "pa")] {
            list.set(Variable::new(name, "1").with_property(property));
        }
        list.set(Variable::new("b", "2").with_property("pb"));
        let names: Vec<_> = list.variables.iter().map(|v| (&*v.name, &*v.value)).collect();
        assert_eq!(names, [("A", "1"), ("b", "2"), ("C", "1")]);
        assert_eq!(list.value("B"), Some("2"));
        assert_eq!(list.value("D"), None);
    }

    #[test]
    fn no_value_is_shown() {
        let by_property = Variable::new("é", "s3cret").with_property("CapturePassword");
        assert!(by_property.is_secret());
        let step = Step::new(StepType::CAPTURE, "s", "run s3cret").with_variable(by_property);
        assert!(!format!("{step:?}").contains("s3cret"));
        assert!(format!("{:?}", step.action).contains("10 bytes"));
        let xml = r#"<sequence version="3.10" x="s3cret"><y>s3cret</y></sequence>"#;
        let sequence = Sequence::read(xml.as_bytes()).unwrap();
        assert!(!format!("{sequence:?}").contains("s3cret"));
    }
}
