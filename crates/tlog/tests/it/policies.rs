//! Policy files: their form, their faults, and who is a quorum.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tlog::{
    Checkpoint, CosignatureKind, CosigningKey, KeyError, LogKey, NoteError, POLICY_DEFINITIONS_MAX, Policy,
    PolicyFault, SigningKey, Unaccepted,
};

const ORIGIN: &str = "council.example/log";

fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

fn witness(seed: u8) -> CosigningKey {
    let kind = if seed.is_multiple_of(2) { CosignatureKind::Ed25519 } else { CosignatureKind::MlDsa44 };
    CosigningKey::from_seed(&format!("witness.example/{seed}"), kind, &[seed; 32]).unwrap()
}

fn vkey(seed: u8) -> String {
    witness(seed).cosigner_key().encode()
}

/// The example of the specification: two of three of one organisation, and any of another.
fn example() -> String {
    let mut file =
        format!("# council\nlog {}\thttps://council.example/log\n \n", log_key().verifying_key().encode());
    for (at, name) in ["X1", "X2", "X3", "Y1", "Y2", "Y3"].iter().enumerate() {
        file += &format!("witness {name} {} https://{name}.example/\n", vkey(10 + at as u8));
    }
    file + "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\
            group X-and-Y all X-witnesses Y-witnesses\n  quorum \t X-and-Y  \n"
}

fn head() -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size: 5, root: [7; 32] }
}

fn note(cosigners: &[(u8, u64)]) -> String {
    let text = head().to_text();
    let lines = cosigners.iter().map(|(seed, time)| witness(*seed).cosign(&text, *time).unwrap());
    log_key().sign_checkpoint(&head()) + &lines.collect::<String>()
}

#[test]
fn the_example_of_the_specification() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    assert_eq!(policy.logs().len(), 1);
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://council.example/log"));
    assert_eq!(policy.witnesses()[3].name, "Y1");
    assert_eq!(policy.witnesses()[3].url.as_deref(), Some("https://Y1.example/"));
    // Every subset of the six against the rule in words.
    for subset in 0..64_u32 {
        let signed = |at: usize| subset >> at & 1 == 1;
        let expected = (subset & 0b111).count_ones() >= 2 && subset & 0b11_1000 != 0;
        assert_eq!(policy.is_quorum(signed), expected, "{subset:06b}");
    }
}

#[test]
fn a_checkpoint_needs_log_and_quorum() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let witnessed = policy.check(&note(&[(10, 100), (12, 300), (14, 200)])).unwrap();
    assert_eq!(witnessed.checkpoint(), &head());
    assert_eq!(witnessed.log(), &LogKey::from(log_key().verifying_key()));
    let cosigned = [("X1", 100), ("X3", 300), ("Y2", 200)].map(|(name, time)| (name.to_owned(), time));
    assert_eq!(witnessed.cosigned(), cosigned);
    assert_eq!(witnessed.quorum_time(), Some(100), "without X1 two of X are missing");
    let fresher = policy.check(&note(&[(10, 100), (11, 250), (12, 300), (14, 200)])).unwrap();
    assert_eq!(fresher.quorum_time(), Some(200));

    let refused = policy.check(&note(&[(10, 100), (13, 300), (14, 200)])).unwrap_err();
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = Unaccepted::NoQuorum {
        origin: ORIGIN.into(),
        size: 5,
        cosigned: names(&["X1", "Y1", "Y2"]),
        missing: names(&["X2", "X3", "Y3"]),
    };
    assert_eq!(refused, expected);
    assert_eq!(
        refused.to_string(),
        "the checkpoint of `council.example/log` at 5 entries lacks its quorum: cosigned by X1, Y1, Y2, not by X2, X3, Y3"
    );
    // The same witness many times is one witness.
    assert!(policy.check(&note(&[(10, 1), (10, 2), (10, 3), (14, 4)])).is_err());
}

#[test]
fn a_false_line_of_a_known_key_refuses_the_note() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let other = Checkpoint { size: 6, ..head() };
    let replayed =
        note(&[(10, 100), (12, 300), (14, 200)]) + &witness(11).cosign(&other.to_text(), 5).unwrap();
    let bad = NoteError::BadSignature("witness.example/11".into());
    assert_eq!(policy.check(&replayed), Err(Unaccepted::Note(bad)));
    // Of a key that the policy does not know it is passed over.
    let unknown =
        note(&[(10, 100), (12, 300), (14, 200)]) + &witness(99).cosign(&other.to_text(), 5).unwrap();
    assert!(policy.check(&unknown).is_ok());
}

#[test]
fn the_log_counts_as_log_alone() {
    let policy = Policy::parse(b"quorum none\n").unwrap();
    assert_eq!(policy.check(&note(&[])), Err(Unaccepted::Note(NoteError::UnknownLog(ORIGIN.into()))));
    let key = LogKey::from(log_key().verifying_key());
    let witnessed = policy.check_log(&note(&[]), &key).unwrap();
    assert_eq!((witnessed.quorum_time(), witnessed.cosigned().len()), (None, 0));
    // Cosignatures without the log's own signature are nothing.
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let text = head().to_text();
    let lines: String = [10, 11, 13].iter().map(|seed| witness(*seed).cosign(&text, 1).unwrap()).collect();
    let unsigned = format!("{text}\n{lines}");
    assert_eq!(policy.check(&unsigned), Err(Unaccepted::Note(NoteError::NotSigned(ORIGIN.into()))));
}

fn fault(file: impl AsRef<[u8]>) -> (usize, PolicyFault) {
    let error = Policy::parse(file.as_ref()).unwrap_err();
    (error.line, error.fault)
}

#[test]
fn faults_are_named_with_their_lines() {
    let two = format!("witness a {}\nwitness b {}\n", vkey(1), vkey(2));
    let log = log_key().verifying_key().encode();
    let name = |name: &str| name.to_owned();
    let cases = [
        (String::new(), 1, PolicyFault::NoQuorum),
        (name("# nothing\n"), 1, PolicyFault::NoQuorum),
        (name("quorum none"), 1, PolicyFault::CutOff),
        (name("quorum none\r\n"), 1, PolicyFault::Octet(b'\r')),
        (name("quorum none\n# \u{7f}\n"), 2, PolicyFault::Octet(0x7f)),
        (name("quorum none\nquorum none\n"), 2, PolicyFault::SecondQuorum),
        (name("quorum a\n"), 1, PolicyFault::Unknown(name("a"))),
        (name("quorum\n"), 1, PolicyFault::Form("quorum <name>")),
        (name("logs x\n"), 1, PolicyFault::Keyword(name("logs"))),
        (name("log x\n"), 1, PolicyFault::Key(KeyError::Form)),
        (name("log\n"), 1, PolicyFault::Form("log <vkey> [<url>]")),
        (format!("log {log} u v\n"), 1, PolicyFault::Form("log <vkey> [<url>]")),
        (format!("log {log}\nlog {log}\n"), 2, PolicyFault::DuplicateKey),
        (format!("witness w {log}\n"), 1, PolicyFault::Key(KeyError::Algorithm(1))),
        (format!("witness none {}\n", vkey(1)), 1, PolicyFault::NameTaken(name("none"))),
        (format!("{two}witness a {}\n", vkey(3)), 3, PolicyFault::NameTaken(name("a"))),
        (format!("{two}witness c {}\n", vkey(1)), 3, PolicyFault::DuplicateKey),
        (format!("{two}group a any b\n"), 3, PolicyFault::NameTaken(name("a"))),
        (format!("{two}group g any\n"), 3, PolicyFault::Form("group <name> all|any|<number> <name>...")),
        (format!("{two}group g any g\n"), 3, PolicyFault::Unknown(name("g"))),
        (format!("{two}group g any none\n"), 3, PolicyFault::Unknown(name("none"))),
        (format!("{two}group g any a a\n"), 3, PolicyFault::MemberTwice(name("a"))),
        (format!("{two}group g any a\ngroup h any a b\n"), 4, PolicyFault::MemberTwice(name("a"))),
    ];
    for (file, line, expected) in cases {
        assert_eq!(fault(&file), (line, expected), "{file}");
    }
    for found in ["0", "3", "+1", "01", "-1", "some", "1.0"] {
        let expected = PolicyFault::Threshold { found: found.into(), members: 2 };
        assert_eq!(fault(format!("{two}group g {found} a b\n")), (3, expected));
    }
    let many: String = (0..=POLICY_DEFINITIONS_MAX)
        .map(|at| {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&at.to_be_bytes());
            format!("log {}\n", SigningKey::from_seed("l", seed).unwrap().verifying_key().encode())
        })
        .collect();
    assert_eq!(fault(many), (POLICY_DEFINITIONS_MAX + 1, PolicyFault::TooMany));
}

#[test]
fn one_public_key_under_two_names_is_one() {
    let again = CosigningKey::from_seed("other.example", CosignatureKind::Ed25519, &[2; 32]).unwrap();
    let file = format!("witness a {}\nwitness b {}\nquorum none\n", vkey(2), again.cosigner_key().encode());
    assert_eq!(fault(file), (2, PolicyFault::DuplicateKey));
}

#[test]
fn names_are_opaque_octets() {
    let mut file = format!("witness K {}\nwitness \u{212a} {}\n", vkey(1), vkey(2)).into_bytes();
    file.extend_from_slice(b"witness \xff ");
    file.extend_from_slice(format!("{}\ngroup \u{e9} 2 K \u{212a} ", vkey(3)).as_bytes());
    file.extend_from_slice(b"\xff\nquorum ");
    file.extend_from_slice("\u{e9}\n".as_bytes());
    let policy = Policy::parse(&file).unwrap();
    assert!(policy.is_quorum(|at| at != 0) && !policy.is_quorum(|at| at == 0));
}

proptest! {
    /// A tree of groups, evaluated by the file, and by counting over sets of names.
    #[test]
    fn quorums_are_what_counting_says(
        inner in prop::collection::vec(prop::collection::vec(0_usize..20, 1..5), 1..5),
        thresholds in prop::collection::vec(1_usize..6, 6),
        signed in prop::collection::btree_set(0_usize..20, 0..20),
    ) {
        let mut file: String = (0..20).map(|at| format!("witness w{at} {}\n", vkey(2 * (at as u8 + 1)))).collect();
        let mut used = BTreeSet::new();
        let mut groups = Vec::new();
        for members in inner {
            let members: Vec<usize> = members.into_iter().filter(|at| used.insert(*at)).collect();
            if members.is_empty() { continue }
            let needed = thresholds[groups.len()].min(members.len());
            let names: Vec<String> = members.iter().map(|at| format!("w{at}")).collect();
            file += &format!("group g{} {needed} {}\n", groups.len(), names.join(" "));
            groups.push(members.iter().filter(|at| signed.contains(at)).count() >= needed);
        }
        let needed = thresholds[5].min(groups.len());
        let names: Vec<String> = (0..groups.len()).map(|at| format!("g{at}")).collect();
        file += &format!("group all {needed} {}\nquorum all\n", names.join(" "));
        let policy = Policy::parse(file.as_bytes()).unwrap();
        let expected = groups.iter().filter(|holds| **holds).count() >= needed;
        prop_assert_eq!(policy.is_quorum(|at| signed.contains(&at)), expected);
    }

    #[test]
    fn any_octets_are_read_or_refused(file in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&file);
    }
}
