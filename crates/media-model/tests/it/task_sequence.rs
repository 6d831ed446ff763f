//! Task sequences from outside: fixtures of every form of the grammar, the built-in sequence, and
//! what is refused. The fixtures are our own words in the forms of configmgr-media 3.2 to 3.4.

mod export;
mod property;

use media_model::Refusal;
use media_model::task_sequence::{
    CaptureAccount, CaptureDestination, CaptureOptions, ConditionNode, ExportError, ImageCreator,
    ImageDescription, ImageVersion, MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, Node, Notice,
    OperatorType, Reference, ReferenceKind, RunIn, Secret, Sequence, SequenceError, SequenceFault,
    SequenceFile, Step, StepType, Test, Variable, WriteError,
};

const EXPORT: &str = include_str!("../fixtures/task-sequence/export-3.10.xml");
const TOOLKIT: &str = include_str!("../fixtures/task-sequence/toolkit-3.00.xml");
const UNKNOWN: &str = include_str!("../fixtures/task-sequence/unknown-parts.xml");
const BUILT_IN: &str = include_str!("../fixtures/task-sequence/built-in.xml");

fn read(xml: &str) -> Sequence {
    Sequence::read(xml.as_bytes()).unwrap()
}

fn refused(xml: &str) -> SequenceError {
    Sequence::read(xml.as_bytes()).unwrap_err()
}

/// What is written reads as what was written, and is written the same again.
fn round_trip(sequence: &Sequence) -> String {
    let xml = sequence.to_xml().unwrap();
    let again = read(&xml);
    assert_eq!(&again, sequence, "{xml}");
    assert_eq!(again.to_xml().unwrap(), xml);
    xml
}

#[test]
fn every_fixture_goes_round() {
    for fixture in [EXPORT, TOOLKIT, UNKNOWN, BUILT_IN] {
        let sequence = read(fixture);
        let xml = round_trip(&sequence);
        let utf16 = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{FEFF}{xml}").encode_utf16().flat_map(unit).collect()
        };
        for bytes in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
            assert_eq!(Sequence::read(&bytes).unwrap(), sequence);
        }
    }
}

#[test]
fn the_forms_of_an_export() {
    let sequence = read(EXPORT);
    assert_eq!(sequence.version, "3.10");
    let [Node::Step(first), Node::Group(ready), Node::Group(capture)] = sequence.nodes.as_slice()
    else {
        panic!("{:?}", sequence.nodes);
    };
    assert_eq!(first.variables.value("variablename"), Some("Started"));
    assert_eq!(first.variables.variables[0].hidden, Some(true));
    assert_eq!(ready.description.as_deref(), Some("Only on real & willing machines"));
    assert_eq!((ready.continue_on_error, ready.disable), (Some(true), None));

    let [ConditionNode::Operator(and)] = ready.condition.as_ref().unwrap().nodes.as_slice() else {
        panic!("{:?}", ready.condition);
    };
    assert_eq!(and.kind, OperatorType::AND);
    let [
        ConditionNode::Expression(variable),
        ConditionNode::Operator(or),
        ConditionNode::Operator(not),
    ] = and.nodes.as_slice()
    else {
        panic!("{and:?}");
    };
    assert_eq!((&or.kind, &not.kind), (&OperatorType::OR, &OperatorType::NOT));
    assert_eq!(
        variable.test(),
        Test::Variable { variable: "IsVM", operator: "notEquals", value: "TRUE" }
    );
    let [ConditionNode::Expression(wmi), ConditionNode::Expression(registry)] = &or.nodes[..]
    else {
        panic!("{or:?}");
    };
    let query = "select * from Win32_ComputerSystem where Model like \"%Book%\" \
                 and NumberOfProcessors < 9";
    assert_eq!(wmi.test(), Test::Wmi { namespace: "root\\cimv2", query });
    assert_eq!(
        registry.test(),
        Test::Registry {
            key_path: "HKEY_LOCAL_MACHINE\\SOFTWARE\\Example\\Seen",
            operator: "notExists",
            kind: "REG_DWORD",
            value: ""
        }
    );

    let [Node::Step(clean), Node::Group(_)] = ready.nodes.as_slice() else {
        panic!("{:?}", ready.nodes);
    };
    assert_eq!(clean.kind, Some(StepType::RUN_COMMAND_LINE));
    assert_eq!((clean.disable, clean.continue_on_error), (Some(true), Some(true)));
    assert_eq!((clean.timeout, clean.retry_count), (Some(900), Some(2)));
    assert_eq!(clean.run_in, Some(RunIn::FULL_OS));
    assert_eq!(clean.success_codes, Some(vec![0, 3010, -2_147_023_436]));
    assert_eq!(clean.run_from_net, Some(true));
    let line = "smsswd.exe /run: cmd.exe /c \"del /q %TEMP%\\*.tmp & exit 0\"";
    assert_eq!(clean.action.as_ref().unwrap().line, line);
    assert_eq!(capture.nodes.len(), 4);
    assert!(sequence.check().is_empty());
}

#[test]
fn the_dialect_of_the_toolkit_is_written_in_the_order_of_exports() {
    let sequence = read(TOOLKIT);
    assert_eq!(
        (&*sequence.version, sequence.name.as_deref()),
        ("3.00", Some("Sysprep and capture"))
    );
    let Node::Group(state) = &sequence.nodes[0] else { panic!() };
    assert_eq!((state.expand, state.disable), (Some(true), Some(false)));
    assert_eq!(state.action.as_ref().unwrap().line, "");
    let Node::Step(gather) = &state.nodes[0] else { panic!() };
    assert_eq!(gather.disable, Some(false));
    assert_eq!(gather.start_in.as_deref(), Some("%SCRIPTROOT%"));
    let Node::Step(untyped) = &state.nodes[1] else { panic!() };
    assert_eq!(untyped.kind, None);

    let xml = sequence.to_xml().unwrap();
    let gather = &xml[xml.find("BDD_Gather").unwrap()..];
    assert!(gather.find("<action>") < gather.find("<defaultVarList>"));
    let untyped = &xml[xml.find("Check firmware").unwrap()..];
    assert!(untyped.find("<condition>") < untyped.find("<action>"));
    assert!(sequence.check().is_empty());
}

#[test]
fn what_is_not_known_is_kept() {
    let sequence = read(UNKNOWN);
    let mark = &sequence.extra.attributes()[1];
    assert_eq!((mark.name(), mark.value()), ("x:mark", "sö \n \"so\""));
    assert_eq!(sequence.references.extra.elements()[0].name(), "otherReference");
    assert_eq!(sequence.references.references[0].extra.attributes()[0].value(), "tab\there");
    let Node::Other(first) = &sequence.nodes[0] else { panic!() };
    assert_eq!(first.content().len(), 3);
    let Node::Group(group) = &sequence.nodes[1] else { panic!() };
    assert!(matches!(&group.nodes[0], Node::Other(e) if e.name() == "between"));
    assert!(matches!(&group.nodes[2], Node::Other(e) if e.name() == "subtasksequence"));
    let Node::Step(step) = &group.nodes[1] else { panic!() };
    assert_eq!(step.run_in, Some(RunIn::new("Mars")));
    assert_eq!(step.success_codes, Some(Vec::new()));
    assert_eq!(step.action.as_ref().unwrap().line, "run a < b && c \u{1F600}");
    assert_eq!(step.variables.value("P"), Some("line 1\nline 2\r\n  end "));
    let names: Vec<_> = step.extra.elements().iter().map(|e| e.name()).collect();
    assert_eq!(names, ["before", "after"]);
}

#[test]
fn the_built_in_sequence() {
    let sequence = CaptureOptions::new().sequence();
    let xml = round_trip(&sequence);
    assert_eq!(xml.matches("\r\n").count(), xml.matches('\n').count());
    assert_eq!(xml.replace("\r\n", "\n"), BUILT_IN);
    assert!(sequence.check().is_empty() && sequence.has_capture_step());
    let run_time: Vec<_> = sequence.notices().iter().map(ToString::to_string).collect();
    assert_eq!(run_time.len(), 3);
    assert_eq!(
        run_time[0],
        "OSDCaptureDestination is not in the step 'Capture Operating System Image': \
         it must be set when the task sequence runs"
    );
    assert!(!xml.contains("OSDCaptureDestination") && !xml.contains("Password"));
}

fn all_options() -> CaptureOptions {
    CaptureOptions::new()
        .with_destination(CaptureDestination::new(r"\\server\share\a & b.wim").unwrap())
        .with_account(CaptureAccount::new(r"EXAMPLE\capture").unwrap())
        .with_creator(ImageCreator::new("IT").unwrap())
        .with_description(ImageDescription::new("24H2 <reference>").unwrap())
        .with_version(ImageVersion::new("1.0").unwrap())
}

fn variables(step: &Step) -> Vec<(&str, &str)> {
    step.variables.variables.iter().map(|v| (&*v.name, &*v.value)).collect()
}

#[test]
fn the_options_of_the_capture_step() {
    let mut sequence = all_options().sequence();
    round_trip(&sequence);
    assert_eq!(
        variables(sequence.capture_steps()[0]),
        [
            ("OSDCaptureDestination", r"\\server\share\a & b.wim"),
            ("OSDCaptureAccount", r"EXAMPLE\capture"),
            ("OSDImageCreator", "IT"),
            ("OSDImageDescription", "24H2 <reference>"),
            ("OSDImageVersion", "1.0"),
        ]
    );
    let password = "OSDCaptureAccountPassword";
    let step = "Capture Operating System Image".to_owned();
    let at_run_time = Notice::SetAtRunTime { step: step.clone(), variable: password };
    assert_eq!(sequence.notices(), [at_run_time]);
    assert!(!sequence.to_xml().unwrap().contains("Password"));

    let secret = Secret::new("pa<ss").unwrap();
    let options = all_options().with_stored_password(secret.clone());
    assert!(options.stores_password() && !options.has_password_without_account());
    assert!(CaptureOptions::new().with_stored_password(secret).has_password_without_account());
    assert!(!format!("{options:?}").contains("pa<ss"));
    assert_eq!(options.apply_to(&mut sequence).steps, 1);
    assert!(!format!("{sequence:?}").contains("pa<ss"));
    assert!(round_trip(&sequence).contains("pa&lt;ss"));
    let stored = Notice::PasswordStored { place: step, variable: password.to_owned() };
    assert_eq!(sequence.notices(), [stored]);
    assert_eq!(sequence.remove_stored_passwords(), 1);
    assert_eq!(sequence, all_options().sequence());
}

#[test]
fn options_go_into_every_capture_step_of_a_given_sequence() {
    let mut sequence = read(EXPORT);
    let version = ImageVersion::new("2").unwrap();
    assert_eq!(CaptureOptions::new().with_version(version).apply_to(&mut sequence).steps, 1);
    let expected = EXPORT.replace(
        r#"property="ImageVersion"></variable>"#,
        r#"property="ImageVersion">2</variable>"#,
    );
    assert_eq!(sequence, read(&expected));
}

#[test]
fn passwords_are_found_wherever_they_stand() {
    let xml = r#"<sequence version="3.10">
        <globalVarList><variable name="OSDJoinPassword">one</variable></globalVarList>
        <group name="g"><x>a<variable name="n" property="AdminPassword">two</variable>b</x>
        <step name="off" disable="true"><action>a</action><defaultVarList>
            <variable name="OSDRandomAdminPassword" property="RandomAdminPassword">true</variable>
            <variable name="OSDCaptureAccountPassword" property="CapturePassword"></variable>
            <variable name="SMSConnectNetworkFolderPASSWORD">three</variable>
        </defaultVarList></step></group></sequence>"#;
    let mut sequence = read(xml);
    let places: Vec<_> = sequence
        .notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::PasswordStored { place, .. } => place,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(places, ["the shared variables", "x", "off"]);
    assert_eq!(sequence.remove_stored_passwords(), 3);
    assert!(sequence.notices().is_empty());
    let xml = round_trip(&sequence);
    assert!(xml.contains("<x>ab</x>") && xml.contains("OSDRandomAdminPassword"));
    assert!(["one", "two", "three"].iter().all(|secret| !xml.contains(secret)));
}

/// Every place a password was found in by those who looked for one that stays.
#[test]
fn passwords_of_every_form_are_taken_out() {
    let xml = r#"<sequence version="3.10" apiToken="P4ss">
        <referenceList><reference package="PS100001" pwd="P4ss"/></referenceList>
        <globalVarList><variable name="VariableName">aSecret</variable>
            <variable name="VariableValue">P4ss</variable></globalVarList>
        <step type="SMS_TaskSequence_SetVariableAction" name="set" password="P4ss">
            <action>tsenv.exe "MyPassword=P4ss" /hiddenflag:False</action><defaultVarList>
            <variable name="VariableName" property="VariableName" hidden="true">MyPassword</variable>
            <variable name="VariableValue" property="VariableValue" hidden="true">P4ss</variable>
        </defaultVarList></step>
        <step name="hide"><action>tsenv.exe "Any=P4ss" /hiddenflag:True</action><defaultVarList>
            <variable name="VariableName">Any</variable>
            <variable name="VariableValue">P4ss</variable></defaultVarList></step>
        <step name="run"><action>smsswd.exe /run: tsenv "MyPwd=P4ss"</action><defaultVarList>
            <variable name="CommandLine" hidden="true">tsenv "MyPwd=P4ss"</variable></defaultVarList></step>
        <step name="names"><condition><x:password>P4ss</x:password><expression type="t">
            <variable name="Password">P4ss</variable></expression></condition>
            <action>a</action><defaultVarList>
            <variable name="OSDBitLockerPIN">P4ss</variable>
            <variable name="_SMSTSReserved2-000">P4ss</variable>
            <variable name="OSDJoinPassword1">P4ss</variable>
            <variable name="DomainPwd">P4ss</variable>
            <variable name="APassword ">P4ss</variable>
            <variable name="NestPassword"><value>P4ss</value></variable>
            <variable name="AttrPassword" value="P4ss"/>
            <variable name="VariableName">JoinPassword</variable><variable name="Value">P4ss</variable>
            <variable name="DeepPassword"><a><b c="P4ss"/></a></variable>
            <variable name="OSDRandomAdminPassword">P4ss</variable>
        </defaultVarList></step>
        <other><action>tsenv "NewPwd=P4ss"</action><variable name="VariableName">a Pwd</variable>
            <variable name="VariableValue">P4ss</variable><step password="P4ss"/></other>
        </sequence>"#;
    let mut sequence = read(xml);
    let stored = |sequence: &Sequence| {
        let stored = |n: &&Notice| matches!(n, Notice::PasswordStored { .. });
        sequence.notices().iter().filter(stored).count()
    };
    let found = stored(&sequence);
    assert_eq!(sequence.remove_stored_passwords(), found);
    assert_eq!(found, 22, "each once, and a value and its command line together");
    let xml = round_trip(&sequence);
    assert!(!xml.contains("P4ss"), "{xml}");
    assert!(xml.contains("tsenv.exe \"MyPassword=\" /hiddenflag:False"), "{xml}");
    assert_eq!(xml.matches("tsenv \"MyPwd=\"").count(), 2, "the command line twice: {xml}");
    assert_eq!((stored(&sequence), sequence.remove_stored_passwords()), (0, 0));
}

#[test]
fn what_may_be_a_secret_is_pointed_at() {
    let maybe = |xml: &str| {
        let xml = format!("<sequence version=''><step name='s'>{xml}</step></sequence>");
        let notices = read(&xml).notices();
        let places = notices.into_iter().find_map(|notice| match notice {
            Notice::MaybeSecret { places } => Some(places.join(", ")),
            _ => None,
        });
        places.unwrap_or_default()
    };
    let list = |variables: &str| format!("<defaultVarList>{variables}</defaultVarList>");
    for (xml, places) in [
        (list("<variable name='Odd' hidden='true'>x</variable>"), "Odd (s)"),
        (
            list("<variable name='OSDRunPowerShellScriptSourceScript'>eA==</variable>"),
            "OSDRunPowerShellScriptSourceScript (s)",
        ),
        ("<action>tsenv.exe \"A=b\"</action>".to_owned(), "its command line (s)"),
        ("<action>net user a /password:b</action>".to_owned(), "its command line (s)"),
        (
            format!(
                "<action>run.exe</action>{}",
                list("<variable name='CommandLine'>tool /password:X</variable>")
            ),
            "CommandLine (s)",
        ),
        (
            format!(
                "<action>tool /password:X</action>{}",
                list("<variable name='CommandLine'>tool /password:X</variable>")
            ),
            "its command line (s)",
        ),
        (list("<variable name='Parameters'>-Password X</variable>"), "Parameters (s)"),
        (list("<variable name='J'>{&quot;secret&quot;: 1}</variable>"), "J (s)"),
        (list("<variable name='X'>&lt;pwd>X&lt;/pwd></variable>"), "X (s)"),
        (list("<variable name='V' password='true'>X</variable>"), "V (s)"),
        ("<bar password='true'>X</bar>".to_owned(), "bar (s)"),
        ("<bar password='true'><a b='X'/></bar>".to_owned(), "bar (s)"),
        ("<bar><a>--pass X</a></bar>".to_owned(), "bar (s)"),
        ("<bar a='my credential'/>".to_owned(), "bar (s)"),
        (list("<variable name='AdminPass'>X</variable>"), "AdminPass (s)"),
        (list("<variable name='OSDLocalAdminPW'>X</variable>"), "OSDLocalAdminPW (s)"),
        (list("<variable name='OSDProductKey'>X</variable>"), "OSDProductKey (s)"),
        (
            list(
                "<variable name='VariableName'>AdminPass</variable>\
                 <variable name='VariableValue'>X</variable>",
            ),
            "VariableValue (s)",
        ),
        ("<action>a.exe --apikey=X</action>".to_owned(), "its command line (s)"),
        ("<bar password='true'>1</bar>".to_owned(), "bar (s)"),
        (list("<variable name='AdminPass'>123456</variable>"), "AdminPass (s)"),
        ("<action>tsenv AdminPass=123456</action>".to_owned(), "its command line (s)"),
        (list("<variable name='OSDBitLockerCreateRecoveryPassword'>AD</variable>"), ""),
        ("<bar password='true'>yes</bar>".to_owned(), ""),
        ("<bar password=''/>".to_owned(), ""),
        (list("<variable name='AdminPass'>true</variable>"), ""),
        (list("<variable name='VariableName'>MyPassword</variable>"), ""),
        (list("<variable name='Odd' hidden='true'>true</variable>"), ""),
        (list("<variable name='CommandLine' hidden='true'>a.exe</variable>"), ""),
        ("<action>tsenv.exe \"A=yes\"</action>".to_owned(), ""),
    ] {
        assert_eq!(maybe(&xml), places, "{xml}");
    }
    let condition = r#"<condition><operator type="or"><expression type="t"><variable name="Variable">
        APassword</variable><variable name="Value">x</variable></expression></operator></condition>"#;
    assert_eq!(maybe(condition), "its condition (s)");
    let described = r#"<sequence version="" description="password: a"><group name="g" description="pass b">
        <step name="s" description="pwd c"/></group></sequence>"#;
    let notices = read(described).secret_notices();
    let [Notice::MaybeSecret { places }] = &*notices else { panic!("{notices:?}") };
    let expected = ["the sequence", "g", "s"].map(|place| format!("its description ({place})"));
    assert_eq!(*places, expected);
    let many = "<variable name='Odd' hidden='true'>x</variable>".repeat(5000);
    let xml = format!("<sequence version=''><globalVarList>{many}</globalVarList></sequence>");
    let [notice] = &*read(&xml).notices() else { panic!() };
    assert!(notice.to_string().contains("and 4990 more;"), "{notice}");
    let many = "<variable name='Pwd'>x</variable>".repeat(5000);
    let xml = format!("<sequence version=''><globalVarList>{many}</globalVarList></sequence>");
    let notices = read(&xml).notices();
    assert_eq!((notices.len(), &notices[100]), (101, &Notice::More { count: 4900 }));
}

/// Where each step, or each variable, looked at all of the list again, this took minutes.
#[test]
fn long_lists_are_gone_through_once() {
    let variables = "<variable name='A'>b</variable>".repeat(40_000);
    let line = format!("tsenv.exe {}", "x".repeat(1 << 20));
    let capture = format!("type='{}'", StepType::CAPTURE);
    let steps = format!("<step name='c' {capture}/>").repeat(19_000);
    let sequence = read(&format!(
        "<sequence version=''><globalVarList>{variables}</globalVarList>{steps}\
         <step name='s'><action>{line}</action><defaultVarList>{variables}</defaultVarList></step>\
         </sequence>"
    ));
    assert_eq!(sequence.notices()[100], Notice::More { count: 3 * 19_000 - 100 });
    let shown = sequence.global_variables.shown_variables();
    assert_eq!(shown.filter(|(_, value)| *value == Some("b")).count(), 40_000);
    let Some(Node::Step(step)) = sequence.nodes.last() else { panic!() };
    assert_eq!(step.shown_variables().filter(|(_, value)| value.is_some()).count(), 40_000);
}

#[test]
fn another_account_does_not_keep_the_password_of_the_one_before() {
    let account = |name: &str| CaptureAccount::new(name).unwrap();
    let stored = || {
        CaptureOptions::new()
            .with_account(account(r"LAB\old"))
            .with_stored_password(Secret::new("s3cret").unwrap())
            .sequence()
    };
    let holds = |sequence: &Sequence| sequence.to_xml().unwrap().contains("s3cret");
    let mut sequence = stored();
    let applied = CaptureOptions::new().with_account(account(r"LAB\new")).apply_to(&mut sequence);
    assert_eq!((applied.steps, applied.passwords_removed, holds(&sequence)), (1, 1, false));
    let mut sequence = stored();
    let applied = CaptureOptions::new().with_account(account(r"lab\OLD")).apply_to(&mut sequence);
    assert_eq!((applied.steps, applied.passwords_removed, holds(&sequence)), (1, 0, true));
    let mut sequence = CaptureOptions::new()
        .sequence()
        .with_global_variable(Variable::new("OSDCaptureAccountPassword", "s3cret"));
    let applied = CaptureOptions::new().with_account(account(r"LAB\new")).apply_to(&mut sequence);
    assert_eq!((applied.passwords_removed, holds(&sequence)), (1, false));

    // What does not run gets none.
    let capture = format!("type=\"{}\"", StepType::CAPTURE);
    for (from, to) in [
        ("<group ", "<group disable=\"true\" "),
        (&*capture, &*format!("{capture} disable=\"true\"")),
    ] {
        let mut sequence = read(&BUILT_IN.replacen(from, to, 1));
        let options = CaptureOptions::new()
            .with_account(account(r"LAB\new"))
            .with_stored_password(Secret::new("s3cret").unwrap());
        assert_eq!(options.apply_to(&mut sequence).steps, 0);
        assert!(!holds(&sequence));
    }
}

#[test]
fn errors_repeat_nothing_of_a_text() {
    for password in [
        "P&ssw0rd;x",
        "P&ssw0rd",
        "Hu<1secret>",
        "Hu<secret>",
        "Hu<secret",
        "a<!secret",
        "a<?secret",
        "a</secret>",
        "a<secret b=c>",
        "a<secret b='c' b='c'>",
        "a<![secret",
        "&#xsecret;",
        "&#0;secret",
        "<step disable='secret'",
        "<secret",
        "a]]>&secret",
    ] {
        for form in [
            format!("<variable name=\"OSDJoinPassword\">{password}</variable>"),
            format!("<variable name=\"OSDJoinPassword\" value=\"{password}\"/>"),
            format!("<variable name=\"OSDJoinPassword\" hidden=\"true>{password}</variable>"),
        ] {
            let xml = format!(
                "<sequence version=\"3.10\"><step name=\"s\"><defaultVarList>\n{form}</defaultVarList>\
                 <action/></step></sequence>"
            );
            let Err(error) = Sequence::read(xml.as_bytes()) else { continue };
            let text = format!("{error} {error:?}");
            assert!(!text.contains("secret") && !text.contains("ssw0rd"), "{password}: {text}");
        }
    }
}

#[test]
fn all_problems_at_once() {
    let long = "x".repeat(256);
    let sequence = Sequence::new().with_node(Step::default()).with_node(
        Step::new(StepType::CAPTURE, "c\u{1b}", "capture")
            .with_variable(Variable::new("osdcapturedestination", &*long))
            .with_variable(Variable::new("OSDCaptureAccount", &*long))
            .with_variable(Variable::new("OSDImageCreator", &*long))
            .with_variable(Variable::new("OSDImageDescription", &*long))
            .with_variable(Variable::new("OSDImageVersion", &long[..33])),
    );
    let problems: Vec<_> = sequence.check().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems[0],
        "--task-sequence: the step '' has no command (<action>); \
         give it one, disable it or take it out"
    );
    assert_eq!(
        problems[1],
        "--task-sequence: the capture destination of the step 'c\\u{1b}' has 256 UTF-16 units \
         where 255 are allowed; shorten OSDCaptureDestination"
    );
    assert_eq!(problems.len(), 6);

    let disabled = EXPORT.replace(r#"name="Capture image""#, r#"name="c" disable="true""#);
    for without in [
        r#"<sequence version="3.10"/>"#,
        disabled.as_str(),
        &TOOLKIT.replace(r#"name="State" disable="false""#, r#"name="State" disable="true""#),
    ] {
        let sequence = read(without);
        assert!(!sequence.has_capture_step());
        assert_eq!(
            sequence.check()[0].to_string(),
            "--task-sequence: the task sequence has no capture step that is enabled; add one \
             (SMS_TaskSequence_CaptureSystemImageAction), or leave the option out"
        );
    }
}

#[test]
fn references() {
    let sequence = read(EXPORT);
    let references = sequence.references();
    let ids: Vec<_> = references.iter().map(|r| (r.kind(), r.place())).collect();
    let (package, application) = (ReferenceKind::Package, ReferenceKind::Application);
    assert_eq!(
        ids,
        [
            (package, "the reference list"),
            (application, "the reference list"),
            (package, "Install agent"),
            (application, "Install applications"),
        ]
    );
    assert_eq!(references[2].package_id().unwrap().id(), "PS10000A");
    assert_eq!(sequence.check_references(|_| true), None);
    let problem = sequence.check_references(|r: &Reference| r.id() == "PS100004").unwrap();
    assert!(problem.what().contains("package PS10000A (Install agent), application ScopeId_"));
    assert!(!problem.what().contains("PS100004"));
    assert!(CaptureOptions::new().sequence().references().is_empty());
}

#[test]
fn either_file() {
    assert_eq!(SequenceFile::read(EXPORT.as_bytes()).unwrap().sequence(), &read(EXPORT));
    let error = SequenceFile::read(b"PK\x03\x04").unwrap_err();
    assert!(error.to_string().starts_with("the file is no sound zip: "), "{error}");
    let error = SequenceFile::read(b"").unwrap_err();
    assert_eq!(error.what(), "line 1, column 1 (byte 0): there is no <sequence>");
    let zip = export::of_objects(&[("PS100001", EXPORT)]);
    assert_eq!(SequenceFile::read(&zip).unwrap().references().len(), 5);
    assert_eq!(SequenceFile::read(&zip).unwrap().into_sequence(), read(EXPORT));
    let damaged = SequenceFile::read(&zip[..zip.len() - 30]);
    assert!(matches!(
        damaged,
        Err(media_model::task_sequence::FileError::Export(ExportError::NotAZip { .. }))
    ));
}

#[test]
fn grammar_faults_have_a_place() {
    let step = |attributes: &str| {
        format!("<sequence version=\"3.10\">\n  <step name=\"é\" {attributes}/></sequence>")
    };
    for (attribute, found, allowed) in [
        ("disable", "maybe", "true or false"),
        ("timeout", "-1", "a whole number"),
        ("retryCount", "4294967296", "a whole number"),
        ("successCodeList", "0,1", "whole numbers with spaces between"),
    ] {
        let error = refused(&step(&format!("{attribute}='{found}'")));
        let element = "step";
        let expected = SequenceFault::Value { element, attribute, allowed };
        assert_eq!(error.fault(), &expected);
        let position = error.position();
        assert_eq!((position.line, position.column, position.byte), (2, 3, 28));
    }
    for (xml, what) in [
        ("", "line 1, column 1 (byte 0): there is no <sequence>"),
        ("<sequences/>", "line 1, column 1 (byte 0): <sequences> is not <sequence>"),
        ("<sequence/>", "line 1, column 1 (byte 0): <sequence> has no version"),
        ("a<sequence/>", "line 1, column 1 (byte 0): text stands outside the outermost element"),
        (
            "<sequence version=''><group/></sequence>",
            "line 1, column 22 (byte 21): <group> has no name",
        ),
        (
            "<sequence version=''>x</sequence>",
            "line 1, column 22 (byte 21): text stands in <sequence>, where only elements may",
        ),
        (
            "<sequence version=''><step name=''><action/>\n<action/></step></sequence>",
            "line 2, column 1 (byte 45): there is a second <action>",
        ),
        (
            "<sequence version=''/><sequence version=''/>",
            "line 1, column 23 (byte 22): the XML is not well-formed: \
             there is a second outermost element",
        ),
        (
            "<sequence version=''><step name=''>",
            "line 1, column 36 (byte 35): the XML is not well-formed: it ends inside an element",
        ),
        (
            "<sequence version=''>&lol;</sequence>",
            "line 1, column 22 (byte 21): & begins a reference that is not defined",
        ),
        (
            "<sequence version='&lol;'/>",
            "line 1, column 1 (byte 0): & begins a reference that is not defined",
        ),
        (
            "<sequence version=''>&#1;</sequence>",
            "line 1, column 22 (byte 21): '\\u{1}' cannot stand in XML",
        ),
        ("<sequence version='&#1;'/>", "line 1, column 1 (byte 0): '\\u{1}' cannot stand in XML"),
        (
            "<sequence version='\u{FFFF}'/>",
            "line 1, column 20 (byte 19): '\\u{ffff}' cannot stand in XML",
        ),
        (
            "<?xml version='1.0' encoding='windows-1252'?><sequence version='é'/>",
            "line 1, column 1 (byte 0): the encoding 'windows-1252' is not read",
        ),
        (
            "<sequence version=''><1/></sequence>",
            "line 1, column 22 (byte 21): the XML is not well-formed: \
             a name begins or goes on as none can",
        ),
    ] {
        assert_eq!(refused(xml).what(), what, "{xml}");
    }
    for malformed in ["<sequence version='' version=''/>", "<sequence version=''></x>", "<a", "&"] {
        let error = refused(malformed);
        assert!(matches!(error.fault(), SequenceFault::Malformed { .. }), "{error}");
    }
    assert!(refused("<sequence version='\u{1b}'/>").to_string().chars().all(|c| !c.is_control()));
}

#[test]
fn a_document_type_is_refused_and_nothing_expanded() {
    let bomb = r#"<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
        <sequence version="3.10"><group name="&b;"/></sequence>"#;
    assert_eq!(refused(bomb).fault(), &SequenceFault::DocumentType);
    let outside = r#"<!DOCTYPE s SYSTEM "file:///etc/passwd"><sequence version="3.10"/>"#;
    assert_eq!(refused(outside).fault(), &SequenceFault::DocumentType);
}

#[test]
fn limits() {
    let nested = |depth: usize| {
        let groups = depth - 1;
        format!(
            "<sequence version=''>{}{}</sequence>",
            "<group name=''>".repeat(groups),
            "</group>".repeat(groups)
        )
    };
    round_trip(&read(&nested(MAX_DEPTH)));
    let too_deep = SequenceFault::Depth { max: MAX_DEPTH };
    assert_eq!(refused(&nested(MAX_DEPTH + 1)).fault(), &too_deep);
    assert_eq!(refused(&nested(200_000)).fault(), &too_deep);

    let many = |count: usize| format!("<sequence version=''>{}</sequence>", "<a/>".repeat(count));
    assert_eq!(read(&many(MAX_ELEMENTS - 1)).nodes.len(), MAX_ELEMENTS - 1);
    let too_many = SequenceFault::Elements { max: MAX_ELEMENTS };
    assert_eq!(refused(&many(MAX_ELEMENTS)).fault(), &too_many);

    let wide = |count: usize| {
        let attributes: String = (1..count).map(|n| format!(" a{n}=''")).collect();
        format!("<sequence version=''{attributes}/>")
    };
    assert_eq!(read(&wide(MAX_ATTRIBUTES)).extra.attributes().len(), MAX_ATTRIBUTES - 1);
    let too_wide = SequenceFault::Attributes { max: MAX_ATTRIBUTES };
    assert_eq!(refused(&wide(1_000_000)).fault(), &too_wide);
}

#[test]
fn what_xml_cannot_hold_is_not_written() {
    let step = Step::new(StepType::CAPTURE, "c", "a\0b");
    assert_eq!(
        Sequence::new().with_node(step).to_xml(),
        Err(WriteError::Character { element: "action".to_owned(), found: '\0' })
    );
    let mut group = media_model::task_sequence::Group::new("");
    for _ in 1..MAX_DEPTH {
        group = media_model::task_sequence::Group::new("").with_node(group);
    }
    let deep = Sequence::new().with_node(group);
    assert_eq!(deep.to_xml(), Err(WriteError::Depth { max: MAX_DEPTH }));
}
