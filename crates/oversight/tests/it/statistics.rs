//! Numbers for the public: every act counted once, nothing left out, small numbers withheld so that they cannot be worked out.

use jiff::Timestamp;
use oversight::OrganisationId;
use oversight::authorisation::{
    Category, Entry, EntryKind, Kind, Opened, Question, Receipt, STATEMENT_BYTES_MAX, STATEMENT_KIND,
    Statement, StatementError, Statistics, StatisticsError, Terms, Told, Use,
};
use proptest::prelude::*;
use tlog::{Frontier, Hash, SigningKey, leaf_hash};
use uuid::Uuid;

use crate::authorisation::{at, terms};

const SALT: [u8; 32] = [4; 32];

/// A log with the records of its entries.
#[derive(Default)]
struct Log(Vec<Opened>);

impl Log {
    fn add(&mut self, kind: EntryKind, of: Option<u64>, record: Vec<u8>, time: &str) -> u64 {
        let entry = Entry::new(kind, at(time), of, (&SALT, &record)).to_bytes();
        self.0.push(Opened { entry, record: Some((SALT, record)) });
        self.0.len() as u64 - 1
    }

    fn act(&mut self, kind: EntryKind, of: Option<u64>, terms: &Terms, time: &str) -> u64 {
        self.add(kind, of, serde_json::to_vec(&serde_json::json!({ "v": 1, "terms": terms })).unwrap(), time)
    }

    fn used(&mut self, grant: u64, terms: &Terms, number: u32, time: &str) {
        let used = Use {
            authorisation: terms.id,
            grant,
            operator: OrganisationId::parse("harbour").unwrap(),
            edge: "edge-1".to_owned(),
            asked_by: terms.requested_by.clone(),
            asked: terms.list_root.clone(),
            count: 1,
            at: at(time),
            number,
        };
        let receipt = Receipt { used, signature: String::new() };
        self.add(EntryKind::Use, Some(grant), serde_json::to_vec(&receipt).unwrap(), time);
    }

    fn head(&self) -> (u64, Hash) {
        let mut tree = Frontier::new();
        for opened in &self.0 {
            let _ = tree.append(leaf_hash(&opened.entry));
        }
        (tree.size(), tree.root())
    }

    fn count(&self, question: &Question) -> Result<Statistics, StatisticsError> {
        let (size, root) = self.head();
        Statistics::count(question, (size, &root), self.0.iter().cloned())
    }
}

fn question(suppressed_below: u64) -> Question {
    let (from, until): (Timestamp, Timestamp) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    Question {
        log: "hub.example.jp/log/authorisations".to_owned(),
        from,
        until,
        suppressed_below,
        corrects: None,
    }
}

const TIME: &str = "2026-11-02T11:20:00Z";

/// Four asked for, three granted, one of them in an emergency, one refused, one suspended twice, one revoked, five uses; one of the
/// year before, and one by agreement.
fn log() -> Log {
    let mut log = Log::default();
    log.add(EntryKind::Commission, None, b"its members".to_vec(), "2025-12-01T00:00:00Z");
    log.act(EntryKind::Request, None, &terms(), "2025-12-31T23:59:59Z");
    let mut grants = Vec::new();
    for number in 0..4_u128 {
        let kind = if number == 0 { Kind::Emergency } else { Kind::Ordinary };
        let terms = Terms { id: Uuid::from_u128(number), kind, ..terms() };
        let request = log.act(EntryKind::Request, None, &terms, TIME);
        if number == 3 {
            log.act(EntryKind::Refuse, Some(request), &terms, TIME);
        } else {
            grants.push((log.act(EntryKind::Grant, Some(request), &terms, TIME), terms));
        }
        log.add(EntryKind::Padding, None, b"nothing".to_vec(), TIME);
    }
    for number in 1..6 {
        log.used(grants[1].0, &grants[1].1, number, TIME);
    }
    for kind in [EntryKind::Suspend, EntryKind::Resume, EntryKind::Suspend, EntryKind::Revoke] {
        log.act(kind, Some(grants[1].0), &grants[1].1, TIME);
    }
    let agreed = Terms { id: Uuid::from_u128(9), category: Category::PartyAgreement, ..terms() };
    let request = log.act(EntryKind::Request, None, &agreed, TIME);
    log.act(EntryKind::Withdraw, Some(request), &agreed, TIME);
    log
}

#[test]
fn every_act_of_the_period_counts_once() {
    let told = log().count(&question(0)).unwrap();
    let of = &told.categories[&Category::ForeignDomestic];
    let numbers = [
        (of.requested, 3),
        (of.requested_in_emergency, 1),
        (of.granted, 2),
        (of.granted_in_emergency, 1),
        (of.refused, 1),
        (of.suspended, 2),
        (of.resumed, 1),
        (of.revoked, 1),
        (of.used, 5),
        (of.operators, 2),
    ];
    for (place, (found, wanted)) in numbers.into_iter().enumerate() {
        assert_eq!(found, Told::Number(wanted), "number {place}");
    }
    assert_eq!(told.categories[&Category::PartyAgreement].requested, Told::Number(1));
    assert_eq!(told.categories[&Category::PartyAgreement].withdrawn, Told::Number(1));
    assert_eq!(told.categories[&Category::Neutralisation].granted, Told::Number(0), "none is told, too");
    assert_eq!(told.categories.len(), Category::ALL.len());
    assert_eq!((told.all.requested, told.all.used), (Told::Number(4), Told::Number(5)));
    let again: Statistics = serde_json::from_slice(&told.canonical()).unwrap();
    assert_eq!(again, told, "what is published can be read again");
}

#[test]
fn small_numbers_are_withheld_and_cannot_be_worked_out() {
    let told = log().count(&question(3)).unwrap();
    let of = |category| &told.categories[&category];
    assert_eq!(of(Category::ForeignDomestic).requested, Told::Number(3));
    assert_eq!(of(Category::ForeignDomestic).granted, Told::Few);
    assert_eq!(of(Category::PartyAgreement).requested, Told::Few);
    assert_eq!(told.all.requested, Told::Few, "3 of 4 would tell the one that is withheld");
    assert_eq!(told.all.used, Told::Number(5));
    assert_eq!(of(Category::Neutralisation).requested, Told::Number(0));
}

#[test]
fn nothing_can_be_left_out_or_changed() {
    let refused = |change: &dyn Fn(&mut Vec<Opened>)| {
        let mut log = log();
        let (size, root) = log.head();
        change(&mut log.0);
        Statistics::count(&question(0), (size, &root), log.0).unwrap_err()
    };
    assert_eq!(refused(&|log| log[2].record = None), StatisticsError::Missing(2));
    let other = Some((SALT, b"another record".to_vec()));
    assert_eq!(refused(&|log| log[2].record = other.clone()), StatisticsError::OtherRecord(2));
    assert_eq!(refused(&|log| log[3].record = Some(([5; 32], Vec::new()))), StatisticsError::OtherRecord(3));
    assert!(matches!(refused(&|log| drop(log.pop())), StatisticsError::OtherLog { .. }));
    assert!(matches!(refused(&|log| log.swap(0, 1)), StatisticsError::OtherLog { .. }));
    assert_eq!(refused(&|log| log[0].entry.push(b' ')), StatisticsError::Entry(0));
    let mut log = Log::default();
    log.add(EntryKind::Request, None, b"no terms".to_vec(), TIME);
    assert_eq!(log.count(&question(0)).unwrap_err(), StatisticsError::Record(0));
    let mut log = Log::default();
    log.used(7, &terms(), 1, TIME);
    assert_eq!(log.count(&question(0)).unwrap_err(), StatisticsError::Record(0), "a use of nothing");
    let backwards = Question { until: at("2025-01-01T00:00:00Z"), ..question(0) };
    assert_eq!(log.count(&backwards).unwrap_err(), StatisticsError::Period);
    let finer = Question { until: at("2027-01-01T00:30:00Z"), ..question(0) };
    assert_eq!(log.count(&finer).unwrap_err(), StatisticsError::Hours);
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("commission.example/statistics", [seed; 32]).unwrap()
}

fn signed(statistics: &Statistics) -> String {
    key(1).sign_statement(STATEMENT_KIND, &String::from_utf8(statistics.canonical()).unwrap())
}

fn read(note: &str) -> Result<Statement, StatementError> {
    Statement::read(note, &[key(2).verifying_key(), key(1).verifying_key()])
}

#[test]
fn a_statement_is_what_the_program_wrote_and_a_known_key_signed() {
    let told = log().count(&Question { corrects: Some([9; 32]), ..question(3) }).unwrap();
    let note = signed(&told);
    let statement = read(&note).unwrap();
    assert_eq!((&statement.statistics, statement.corrects), (&told, Some([9; 32])));
    assert_eq!((statement.key.clone(), statement.hash), (key(1).verifying_key(), leaf_hash(note.as_bytes())));
    assert!(matches!(Statement::read(&note, &[key(2).verifying_key()]), Err(StatementError::NotSigned(_))));
    assert!(matches!(read(&note.replace("\"v\":1", "\"v\":2")), Err(StatementError::NotSigned(_))));
    let other = key(1).sign_statement("something/v1", &String::from_utf8(told.canonical()).unwrap());
    assert_eq!(read(&other), Err(StatementError::Kind));
    let spelt = key(1).sign_statement(STATEMENT_KIND, &serde_json::to_string_pretty(&told).unwrap());
    assert_eq!(read(&spelt), Err(StatementError::Malformed));
    let unnamed = Statistics { corrects: Some("the one before".to_owned()), ..told.clone() };
    assert_eq!(read(&signed(&unnamed)), Err(StatementError::Malformed));
    assert_eq!(read(&"x".repeat(STATEMENT_BYTES_MAX + 1)), Err(StatementError::TooLarge));
}

#[test]
fn a_statement_that_contradicts_itself_is_none() {
    let refused = |change: &dyn Fn(&mut Statistics)| {
        let mut told = log().count(&question(3)).unwrap();
        change(&mut told);
        assert!(matches!(read(&signed(&told)), Err(StatementError::Contradiction(_))), "{told:?}");
    };
    refused(&|told| assert!(told.categories.remove(&Category::Consent).is_some()));
    refused(&|told| told.all.granted = Told::Number(2));
    refused(&|told| told.until = told.from);
    refused(&|told| told.from = at("2026-01-01T00:00:01Z"));
    refused(&|told| told.v = 2);
    refused(&|told| told.log.clear());
}

proptest! {
    /// Of one kind of act over the grounds: no number that is withheld follows from those that are told.
    #[test]
    fn withheld_numbers_stay_withheld(numbers in prop::collection::vec(0_usize..8, 6), few in 2_u64..6) {
        let mut log = Log::default();
        for (category, count) in Category::ALL.iter().zip(&numbers) {
            for _ in 0..*count {
                log.act(EntryKind::Request, None, &Terms { category: *category, ..terms() }, TIME);
            }
        }
        let told = log.count(&question(few)).unwrap();
        let withheld = numbers.iter().filter(|count| (1..few).contains(&(**count as u64))).count();
        let shown = told.categories.values().filter(|counts| counts.requested == Told::Few).count();
        prop_assert_eq!(withheld, shown);
        if withheld == 1 {
            prop_assert_eq!(told.all.requested, Told::Few);
        }
    }
}
