//! Conditions of groups and steps.

use super::extra::{Element, Extra};
use super::model::Variable;
use super::word::{ExpressionType, OperatorType};

/// `<condition>`: an operator or an expression. More than one was never seen, and is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// What must hold.
    pub nodes: Vec<ConditionNode>,
    /// Unknown attributes.
    pub extra: Extra,
}

impl Condition {
    /// A condition of one operator or expression.
    pub fn new(node: impl Into<ConditionNode>) -> Self {
        Self { nodes: vec![node.into()], extra: Extra::default() }
    }
}

/// What stands in a condition or operator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConditionNode {
    /// Further nodes, joined.
    Operator(Operator),
    /// A question.
    Expression(Expression),
    /// An element the grammar does not know, kept in its place.
    Other(Element),
}

impl From<Operator> for ConditionNode {
    fn from(operator: Operator) -> Self {
        Self::Operator(operator)
    }
}

impl From<Expression> for ConditionNode {
    fn from(expression: Expression) -> Self {
        Self::Expression(expression)
    }
}

/// `<operator>`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operator {
    /// `type`.
    pub kind: OperatorType,
    /// What it joins.
    pub nodes: Vec<ConditionNode>,
    /// Unknown attributes.
    pub extra: Extra,
}

impl Operator {
    /// An operator that joins nothing yet.
    pub fn new(kind: OperatorType) -> Self {
        Self { kind, nodes: Vec::new(), extra: Extra::default() }
    }

    /// With an operand behind the others.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<ConditionNode>) -> Self {
        self.nodes.push(node.into());
        self
    }
}

/// `<expression>`: a question, its parts as variables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expression {
    /// `type`.
    pub kind: ExpressionType,
    /// The parts.
    pub variables: Vec<Variable>,
    /// Unknown attributes and elements.
    pub extra: Extra,
}

impl Expression {
    /// An expression of any type.
    pub fn new(kind: ExpressionType, variables: Vec<Variable>) -> Self {
        Self { kind, variables, extra: Extra::default() }
    }

    /// Asks for a task sequence variable; `operator` is a word such as `equals` or `notEquals`.
    pub fn variable(variable: &str, operator: &str, value: &str) -> Self {
        Self::of(
            ExpressionType::VARIABLE,
            &[("Operator", operator), ("Value", value), ("Variable", variable)],
        )
    }

    /// Asks whether a WMI query gives anything.
    pub fn wmi(namespace: &str, query: &str) -> Self {
        Self::of(ExpressionType::WMI, &[("Namespace", namespace), ("Query", query)])
    }

    /// Asks for a value of the registry; `operator` is a word such as `notExists`, `kind` one such
    /// as `REG_DWORD`.
    pub fn registry(key_path: &str, operator: &str, kind: &str, value: &str) -> Self {
        Self::of(
            ExpressionType::REGISTRY,
            &[("KeyPath", key_path), ("Operator", operator), ("Type", kind), ("Value", value)],
        )
    }

    fn of(kind: ExpressionType, parts: &[(&str, &str)]) -> Self {
        Self::new(kind, parts.iter().map(|(name, value)| Variable::new(*name, *value)).collect())
    }

    /// What it asks; a part that is not there is empty.
    pub fn test(&self) -> Test<'_> {
        let part = |name: &str| {
            self.variables.iter().find(|v| v.is_named(name)).map_or("", |v| v.value.as_str())
        };
        if self.kind == ExpressionType::VARIABLE {
            Test::Variable {
                variable: part("Variable"),
                operator: part("Operator"),
                value: part("Value"),
            }
        } else if self.kind == ExpressionType::WMI {
            Test::Wmi { namespace: part("Namespace"), query: part("Query") }
        } else if self.kind == ExpressionType::REGISTRY {
            Test::Registry {
                key_path: part("KeyPath"),
                operator: part("Operator"),
                kind: part("Type"),
                value: part("Value"),
            }
        } else {
            Test::Other
        }
    }
}

/// What an [`Expression`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Test<'a> {
    /// A task sequence variable.
    Variable {
        /// Its name.
        variable: &'a str,
        /// How it is compared.
        operator: &'a str,
        /// With what.
        value: &'a str,
    },
    /// A WMI query.
    Wmi {
        /// Where it is asked.
        namespace: &'a str,
        /// The query.
        query: &'a str,
    },
    /// A value of the registry.
    Registry {
        /// The key.
        key_path: &'a str,
        /// How it is compared.
        operator: &'a str,
        /// The type of the value.
        kind: &'a str,
        /// The value.
        value: &'a str,
    },
    /// A type that is not known.
    Other,
}
