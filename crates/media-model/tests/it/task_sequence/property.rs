//! Any sequence, and any document, goes round.

use media_model::task_sequence::{
    Condition, ConditionNode, Expression, ExpressionType, Group, Node, Operator, OperatorType,
    RunIn, Sequence, Step, StepType, Variable,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::round_trip;

/// Every sort of character that is written in its own way, and some that are not.
fn text() -> impl Strategy<Value = String> {
    let c = select(
        "aZ0 &<>\"'\t\n\r]é\u{85}\u{2028}\u{FEFF}\u{FFFD}\u{1F600}".chars().collect::<Vec<_>>(),
    );
    vec(c, 0..8).prop_map(String::from_iter)
}

fn variable() -> impl Strategy<Value = Variable> {
    (text(), option::of(text()), option::of(any::<bool>()), text()).prop_map(
        |(name, property, hidden, value)| {
            let mut variable = Variable::new(name, value);
            variable.property = property;
            variable.hidden = hidden;
            variable
        },
    )
}

fn expression() -> impl Strategy<Value = Expression> {
    prop_oneof![
        (text(), text(), text()).prop_map(|(a, b, c)| Expression::variable(&a, &b, &c)),
        (text(), text()).prop_map(|(a, b)| Expression::wmi(&a, &b)),
        (text(), text(), text(), text())
            .prop_map(|(a, b, c, d)| Expression::registry(&a, &b, &c, &d)),
        (text(), vec(variable(), 0..3))
            .prop_map(|(kind, variables)| Expression::new(ExpressionType::new(kind), variables)),
    ]
}

fn condition_node() -> impl Strategy<Value = ConditionNode> {
    let leaf = expression().prop_map(ConditionNode::from);
    leaf.prop_recursive(3, 12, 4, |inner| {
        let kind = prop_oneof![
            Just(OperatorType::AND),
            Just(OperatorType::OR),
            Just(OperatorType::NOT),
            text().prop_map(OperatorType::new)
        ];
        (kind, vec(inner, 0..4)).prop_map(|(kind, nodes)| {
            nodes.into_iter().fold(Operator::new(kind), Operator::with_node).into()
        })
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    vec(condition_node(), 0..3).prop_map(|nodes| {
        let mut condition = Condition::default();
        condition.nodes = nodes;
        condition
    })
}

fn step() -> impl Strategy<Value = Step> {
    let attributes = (
        option::of(text().prop_map(StepType::new)),
        text(),
        option::of(text()),
        option::of(any::<bool>()),
        option::of(any::<bool>()),
        option::of(any::<u64>()),
        option::of(prop_oneof![Just(RunIn::WIN_PE), text().prop_map(RunIn::new)]),
        option::of(vec(any::<i64>(), 0..3)),
        option::of(any::<u32>()),
        option::of(any::<bool>()),
        option::of(text()),
    );
    let children = (option::of(condition()), option::of(text()), vec(variable(), 0..4));
    (attributes, children).prop_map(|(a, (condition, action, variables))| {
        let mut step = Step::new(StepType::CAPTURE, a.1, "");
        (step.kind, step.description, step.disable, step.continue_on_error) = (a.0, a.2, a.3, a.4);
        (step.timeout, step.run_in, step.success_codes, step.retry_count) = (a.5, a.6, a.7, a.8);
        (step.run_from_net, step.start_in, step.condition) = (a.9, a.10, condition);
        match action {
            Some(line) => step.action.as_mut().unwrap().line = line,
            None => step.action = None,
        }
        step.variables.variables = variables;
        step
    })
}

fn node() -> impl Strategy<Value = Node> {
    step().prop_map(Node::from).prop_recursive(3, 12, 4, |inner| {
        (
            text(),
            option::of(text()),
            option::of(any::<bool>()),
            option::of(any::<bool>()),
            option::of(condition()),
            vec(inner, 0..4),
        )
            .prop_map(|(name, description, disable, expand, condition, nodes)| {
                let mut group = Group::new(name);
                (group.description, group.disable, group.expand) = (description, disable, expand);
                (group.condition, group.nodes) = (condition, nodes);
                group.into()
            })
    })
}

fn sequence() -> impl Strategy<Value = Sequence> {
    (
        text(),
        option::of(text()),
        option::of(text()),
        vec(text(), 0..3),
        vec(variable(), 0..3),
        vec(node(), 0..4),
    )
        .prop_map(|(version, name, description, references, variables, nodes)| {
            let mut sequence = Sequence::new();
            (sequence.version, sequence.name, sequence.description) = (version, name, description);
            sequence.global_variables.variables = variables;
            sequence.nodes = nodes;
            references.into_iter().fold(sequence, Sequence::with_reference)
        })
}

/// Elements by any name in any place, with the attributes that any of them needs, so that known
/// parts stand where they are unknown and the other way round.
fn element() -> impl Strategy<Value = String> {
    const NAMES: &[&str] = &[
        "group",
        "step",
        "condition",
        "operator",
        "expression",
        "action",
        "variable",
        "defaultVarList",
        "globalVarList",
        "referenceList",
        "reference",
        "sequence",
        "x:y",
        "é",
    ];
    let leaf = prop_oneof![raw_text(), Just("<!-- c --><?p i?>".to_owned())];
    leaf.prop_recursive(5, 40, 5, |inner| {
        (select(NAMES), attributes(), vec(inner, 0..5)).prop_map(|(name, attributes, content)| {
            match content.concat() {
                content if content.is_empty() => format!("<{name}{attributes} />"),
                content => format!("<{name}{attributes}>{content}</{name} >"),
            }
        })
    })
}

/// Mostly space, because text is refused in many places.
fn raw_text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&["", " ", "\n\t", "\r\n"][..]).prop_map(str::to_owned),
        1 => select(&["a&amp;b", "&#13;", "&#x1F600;", "<![CDATA[<&]]]>", "]", "'\""][..])
            .prop_map(str::to_owned),
    ]
}

fn attributes() -> impl Strategy<Value = String> {
    let extra = select(&["", " expand='TRUE'", " hidden=\"false\"", " x:y='&#10;&lt;\" \n'"][..]);
    (extra, any::<bool>()).prop_map(|(extra, first)| {
        let needed = " name='n' type=\"t\" package='PS100001' version='3.10'";
        if first { format!("{extra}{needed}") } else { format!("{needed}\n{extra}") }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_sequence_goes_round(sequence in sequence()) {
        round_trip(&sequence);
    }

    #[test]
    fn any_document_goes_round(nodes in vec(element(), 0..4)) {
        let xml = format!("<sequence version='3.10'>{}</sequence>", nodes.concat());
        if let Ok(mut sequence) = Sequence::read(xml.as_bytes()) {
            round_trip(&sequence);
            sequence.remove_stored_passwords();
            round_trip(&sequence);
            let _ = (sequence.check(), sequence.notices(), sequence.references());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..64), cut in 0_usize..4000) {
        let _ = Sequence::read(&bytes);
        let whole = super::UNKNOWN.as_bytes();
        let mut damaged = whole[..cut.min(whole.len())].to_vec();
        damaged.extend(&bytes);
        if let Ok(sequence) = Sequence::read(&damaged) {
            round_trip(&sequence);
        }
    }
}
