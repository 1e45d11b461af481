//! An authorisation from the commissioners' passkeys to the edge's permission, and every way to get one that one has not.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::{
    Assertion, AssertionError, Category, CategoryRule, Commission, CommissionError, Contradiction, Decided,
    Decision, DecisionError, EmergencyRule, Entry, EntryKind, Field, Frame, FrameError, Gate, IndicatorList,
    Kind, ListError, Member, Package, PublicKey, Quota, Receipt, Refused, Resolution, Resolved, Resumption,
    State, Subject, Terms, TermsError, Trusted, Verdict, Witnessed,
};
use oversight::{OrganisationId, Purpose};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tlog::{Frontier, leaf_hash};
use uuid::Uuid;

const SALT: [u8; 32] = [9; 32];
/// When what was granted is stopped, and counts again.
const STOPPED: &str = "2026-11-02T11:00:00Z";
const SITE: &str = "https://hub.example.jp";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn noon() -> Timestamp {
    at("2026-11-02T12:00:00Z")
}

fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).unwrap()
}

/// A commissioner's authenticator.
enum Authenticator {
    Es256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Authenticator {
    fn new(number: usize) -> Self {
        if number.is_multiple_of(2) {
            Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
        } else {
            Self::Ed25519(Ed25519KeyPair::generate().unwrap())
        }
    }

    fn key(&self) -> PublicKey {
        match self {
            Self::Es256(pair) => PublicKey::Es256 { point: hex::encode(pair.public_key().as_ref()) },
            Self::Ed25519(pair) => PublicKey::Ed25519 { key: hex::encode(pair.public_key().as_ref()) },
        }
    }

    /// What a browser and an authenticator make of a challenge.
    fn answer(
        &self,
        credential: &str,
        challenge: &[u8],
        (rp_id, origin, flags): (&str, &str, u8),
    ) -> Assertion {
        let mut authenticator_data = Sha256::digest(rp_id).to_vec();
        authenticator_data.extend([flags, 0, 0, 0, 0]);
        let client_data = serde_json::json!({
            "type": "webauthn.get", "challenge": BASE64.encode(challenge), "origin": origin, "crossOrigin": false,
        })
        .to_string();
        let signed = [authenticator_data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature = match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(&signed).as_ref().to_vec(),
        };
        Assertion {
            credential: credential.to_owned(),
            authenticator_data: BASE64.encode(authenticator_data),
            client_data: BASE64.encode(client_data),
            signature: BASE64.encode(signature),
        }
    }
}

const USED: (&str, &str, u8) = ("hub.example.jp", SITE, 5);

pub(crate) fn frame() -> Frame {
    let rule = |article: &str| CategoryRule { article: article.to_owned(), hours_max: 24 * 90 };
    Frame {
        version: 1,
        source: "a frame of the tests".to_owned(),
        categories: BTreeMap::from([
            (Category::ForeignDomestic, rule("art. 32(1)")),
            (Category::PartyAgreement, rule("art. 11")),
        ]),
        emergency: EmergencyRule { persons: 2, hours_max: 24 },
        list_max: 1000,
        queries_per_day_max: 24,
        checkpoint_hours_max: 24,
        unwitnessed_hours_max: 4,
        retention_classes: BTreeSet::from(["measures-2y".to_owned()]),
    }
}

pub(crate) fn list() -> IndicatorList {
    let patterns = (1..4).map(|n| format!("[ipv4-addr:value = '203.0.113.{n}']")).collect();
    IndicatorList { salt: hex::encode([3; 32]), patterns }
}

pub(crate) fn terms() -> Terms {
    Terms {
        id: Uuid::from_u128(7),
        kind: Kind::Ordinary,
        category: Category::ForeignDomestic,
        article: "art. 32(1)".to_owned(),
        requested_by: organisation("npa"),
        operators: BTreeSet::from([organisation("kinki-power"), organisation("harbour")]),
        list_root: hex::encode(list().root().unwrap()),
        list_size: 3,
        fields: BTreeSet::from([Field::Addresses, Field::Ports]),
        queries_per_day: 2,
        from: at("2026-11-01T00:00:00Z"),
        until: at("2026-12-01T00:00:00Z"),
        retention: "measures-2y".to_owned(),
        purpose: Purpose::CollectiveDefence,
        reason: "traffic to a command server".to_owned(),
        narrows: None,
        private: None,
    }
}

/// A commission of five, of whom three decide, a log and what an operator trusts.
pub(crate) struct Scene {
    authenticators: Vec<Authenticator>,
    commission: Commission,
    frame: Frame,
    entries: Vec<Vec<u8>>,
    pub(crate) gate: Gate,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let authenticators: Vec<Authenticator> = (0..5).map(Authenticator::new).collect();
        let member = |(number, authenticator): (usize, &Authenticator)| Member {
            id: format!("c{number}"),
            name: format!("Commissioner {number}"),
            from: at("2026-04-01T00:00:00Z"),
            until: at("2031-04-01T00:00:00Z"),
            passkeys: BTreeMap::from([(format!("key{number}"), authenticator.key())]),
        };
        let commission = Commission {
            version: 1,
            name: "the commission".to_owned(),
            rp_id: "hub.example.jp".to_owned(),
            origins: vec![SITE.to_owned()],
            threshold: 3,
            members: authenticators.iter().enumerate().map(member).collect(),
        };
        commission.check().unwrap();
        frame().check().unwrap();
        let gate = Gate::new(Trusted {
            operator: organisation("kinki-power"),
            edge: "edge-1".to_owned(),
            commission: commission.clone(),
            frame: frame(),
        });
        Self { authenticators, commission, frame: frame(), entries: Vec::new(), gate }
    }

    fn decision(&self, terms: &Terms, verdict: Verdict) -> Decision {
        Decision {
            verdict,
            authorisation: terms.id,
            request: 0,
            terms: hex::encode(terms.digest()),
            kind: terms.kind,
            frame: hex::encode(self.frame.digest()),
            number: 1,
            asked: at("2026-11-01T00:00:00Z"),
            reason: "because".to_owned(),
        }
    }

    fn decide(&self, decision: Decision, members: &[usize]) -> Decided {
        let challenge = decision.challenge();
        let answer = |n: &usize| self.authenticators[*n].answer(&format!("key{n}"), &challenge, USED);
        Decided { assertions: members.iter().map(answer).collect(), decision }
    }

    /// Puts a grant of these terms by these commissioners into the log.
    pub(crate) fn grant(&mut self, terms: &Terms, members: &[usize]) -> Package {
        let request = self.entries.len() as u64;
        self.log(EntryKind::Request, None, b"terms and list", "2026-11-01T00:10:00Z");
        let decision = Decision { request, ..self.decision(terms, Verdict::Grant) };
        let decided = self.decide(decision, members);
        let index = self.entries.len() as u64;
        let package =
            Package { terms: terms.clone(), decided, salt: hex::encode(SALT), index, resumption: None };
        self.log(EntryKind::Grant, Some(request), &package.record(), "2026-11-01T00:30:00Z");
        package
    }

    /// Logs a grant a second time, as one on that request.
    fn log_again(&mut self, package: &Package, request: u64) -> Package {
        let index = self.entries.len() as u64;
        self.log(EntryKind::Grant, Some(request), &package.record(), STOPPED);
        Package { index, ..package.clone() }
    }

    /// Logs that a grant counts again, by these commissioners; the package that says so.
    fn resume(&mut self, package: &Package, number: u32, members: &[usize]) -> Package {
        let decision = Decision { number, ..self.decision(&package.terms, Verdict::Resume) };
        let decided = self.decide(decision, members);
        let index = self.entries.len() as u64;
        self.log(EntryKind::Resume, Some(package.index), &decided.record(&package.terms), STOPPED);
        let resumption = Some(Resumption { decided, salt: hex::encode(SALT), index });
        Package { resumption, ..package.clone() }
    }

    fn log(&mut self, kind: EntryKind, of: Option<u64>, record: &[u8], time: &str) {
        self.entries.push(Entry::new(kind, at(time), of, (&SALT, record)).to_bytes());
    }

    fn head(&self, time: &str) -> Witnessed {
        let mut tree = Frontier::new();
        for entry in &self.entries {
            let _ = tree.append(leaf_hash(entry));
        }
        Witnessed { size: tree.size(), root: tree.root(), at: at(time) }
    }

    pub(crate) fn follow(&mut self, time: &str) {
        let head = self.head(time);
        let seen = self.gate.seen() as usize;
        self.gate.follow(&head, &self.entries[seen..]).unwrap();
    }

    /// What the edge says to the package at noon.
    fn said(&self, package: &Package) -> Result<(), Refused> {
        self.said_at(package, noon())
    }

    fn said_at(&self, package: &Package, now: Timestamp) -> Result<(), Refused> {
        self.gate.ask(package, &Quota::default(), now)?.permit(&list()).map(drop)
    }
}

fn granted() -> (Scene, Package) {
    let mut scene = Scene::new();
    let package = scene.grant(&terms(), &[0, 1, 2]);
    scene.follow("2026-11-02T11:00:00Z");
    (scene, package)
}

#[test]
fn what_the_commission_granted_is_permitted_and_signed_for() {
    let (scene, package) = granted();
    let ask = scene.gate.ask(&package, &Quota::default(), noon()).unwrap();
    let list = list();
    let authorised = ask.permit(&list).unwrap();
    assert!(authorised.lets_out(Field::Ports) && !authorised.lets_out(Field::Domains));
    let used = authorised.used();
    assert_eq!((used.count, used.number, used.grant), (3, 1, 1));
    let pair = Ed25519KeyPair::generate().unwrap();
    let receipt = Receipt::sign(used.clone(), |bytes| pair.sign(bytes).as_ref().try_into().unwrap());
    let key: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    assert!(receipt.is_of(&key));
    let mut other = receipt.clone();
    other.used.count = 2;
    assert!(!other.is_of(&key), "a receipt for less");
}

#[test]
fn nobody_decides_alone() {
    let mut scene = Scene::new();
    let two = scene.grant(&terms(), &[0, 1]);
    let same = scene.grant(&terms(), &[0, 1, 1]);
    let emergency = Terms {
        kind: Kind::Emergency,
        until: at("2026-11-02T23:00:00Z"),
        from: at("2026-11-02T00:00:00Z"),
        ..terms()
    };
    let one = scene.grant(&emergency, &[4]);
    let enough = scene.grant(&emergency, &[4, 3]);
    scene.follow("2026-11-02T11:00:00Z");
    let few = |decided, needed| Err(Refused::Decision(DecisionError::TooFew { decided, needed }));
    assert_eq!(scene.said(&two), few(2, 3));
    assert_eq!(scene.said(&same), few(2, 3));
    assert_eq!(scene.said(&one), few(1, 2));
    assert_eq!(scene.said(&enough), Ok(()));
    // An emergency is short.
    let long = Terms { until: at("2026-11-03T01:00:00Z"), ..emergency };
    let long = scene.grant(&long, &[0, 1, 2, 3, 4]);
    scene.follow("2026-11-02T11:00:00Z");
    assert_eq!(scene.said(&long), Err(Refused::Terms(TermsError::TooLong { hours: 24 })));
}

#[test]
fn an_answer_that_proves_nothing_counts_for_nothing() {
    let scene = Scene::new();
    let decision = scene.decision(&terms(), Verdict::Grant);
    let challenge = decision.challenge();
    let with = |third: Assertion| {
        let mut decided = scene.decide(decision.clone(), &[0, 1]);
        decided.assertions.push(third);
        decided.verify(&scene.commission, &scene.frame)
    };
    let by = |n: usize, challenge: &[u8], used| {
        scene.authenticators[n].answer(&format!("key{n}"), challenge, used)
    };
    assert!(with(by(2, &challenge, USED)).is_ok());
    let broken = |assertion, cause| {
        assert_eq!(with(assertion), Err(DecisionError::Assertion { member: "c2".to_owned(), cause }));
    };
    broken(by(2, &[0; 32], USED), AssertionError::Challenge);
    broken(by(2, &challenge, ("hub.example.jp", "https://evil.example", 5)), AssertionError::Site);
    broken(by(2, &challenge, ("evil.example", SITE, 5)), AssertionError::Site);
    broken(by(2, &challenge, ("hub.example.jp", SITE, 1)), AssertionError::Unverified);
    broken(by(2, &challenge, ("hub.example.jp", SITE, 4)), AssertionError::Unverified);
    // Another one's authenticator under the member's name.
    broken(scene.authenticators[0].answer("key2", &challenge, USED), AssertionError::Signature);
    let mut torn = by(2, &challenge, USED);
    torn.authenticator_data = BASE64.encode([0; 36]);
    broken(torn, AssertionError::Form);
    let mut crossed = by(2, &challenge, USED);
    let data = String::from_utf8(BASE64.decode(&crossed.client_data).unwrap()).unwrap();
    crossed.client_data = BASE64.encode(data.replace("false", "true"));
    broken(crossed, AssertionError::Site);
    assert_eq!(with(scene.authenticators[2].answer("key9", &challenge, USED)), Err(DecisionError::Stranger));
    // Who is no commissioner any more decides nothing.
    let mut later = scene.decision(&terms(), Verdict::Grant);
    later.asked = at("2031-04-01T00:00:00Z");
    let decided = scene.decide(later, &[0, 1, 2]);
    assert_eq!(decided.verify(&scene.commission, &scene.frame), Err(DecisionError::Stranger));
}

#[test]
fn one_commissioner_can_stop_what_three_allowed() {
    let (mut scene, package) = granted();
    let stop = scene.decide(scene.decision(&terms(), Verdict::Suspend), &[4]);
    assert!(stop.verify(&scene.commission, &scene.frame).is_ok());
    let silent = Decision { reason: " ".to_owned(), ..scene.decision(&terms(), Verdict::Revoke) };
    let silent = scene.decide(silent, &[4]);
    assert_eq!(silent.verify(&scene.commission, &scene.frame), Err(DecisionError::Reason));
    let resume = scene.decide(scene.decision(&terms(), Verdict::Resume), &[4]);
    assert!(resume.verify(&scene.commission, &scene.frame).is_err());

    scene.log(EntryKind::Suspend, Some(package.index), b"", STOPPED);
    scene.follow("2026-11-02T11:10:00Z");
    assert_eq!(scene.said(&package), Err(Refused::Stopped));
    let resumed = scene.resume(&package, 3 - 1, &[0, 1, 2]);
    scene.follow("2026-11-02T11:20:00Z");
    assert_eq!(scene.said(&resumed), Err(Refused::Stopped), "the number of the suspension");
    let resumed = scene.resume(&package, 4, &[0, 1, 2]);
    scene.follow("2026-11-02T11:25:00Z");
    assert_eq!(scene.said(&resumed), Ok(()));
    scene.log(EntryKind::Revoke, Some(package.index), b"", STOPPED);
    let again = scene.resume(&package, 5, &[0, 1, 2]);
    scene.follow("2026-11-02T11:30:00Z");
    for package in [&package, &resumed, &again] {
        assert_eq!(scene.said(package), Err(Refused::Stopped), "what is revoked does not resume");
    }
}

#[test]
fn what_was_stopped_counts_again_by_the_commission_and_not_by_the_hub() {
    let (mut scene, package) = granted();
    scene.log(EntryKind::Suspend, Some(package.index), b"", STOPPED);
    // An entry that the hub made up: no decision, or one of too few.
    let (entries, gate) = (scene.entries.clone(), scene.gate.clone());
    scene.log(EntryKind::Resume, Some(package.index), b"the hub's own", STOPPED);
    scene.follow("2026-11-02T11:20:00Z");
    assert_eq!(scene.said(&package), Err(Refused::Stopped));
    (scene.entries, scene.gate) = (entries.clone(), gate.clone());
    let few = scene.resume(&package, 3, &[0, 1]);
    scene.follow("2026-11-02T11:20:00Z");
    assert_eq!(scene.said(&few), Err(Refused::Decision(DecisionError::TooFew { decided: 2, needed: 3 })));
    (scene.entries, scene.gate) = (entries, gate);
    let resumed = scene.resume(&package, 3, &[0, 1, 2]);
    scene.follow("2026-11-02T11:20:00Z");
    assert_eq!(scene.said(&resumed), Ok(()));
    // The decision stands in the log, and is not shown, or is shown at another place.
    assert_eq!(scene.said(&package), Err(Refused::Stopped));
    let mut other = resumed.clone();
    other.resumption.as_mut().unwrap().index = 0;
    assert_eq!(scene.said(&other), Err(Refused::Stopped));
    // Suspended anew: the older resumption ends that no more, though the hub logs it again.
    scene.log(EntryKind::Suspend, Some(package.index), b"", STOPPED);
    let replayed = Resumption { index: scene.entries.len() as u64, ..resumed.resumption.clone().unwrap() };
    scene.log(EntryKind::Resume, Some(package.index), &replayed.decided.record(&package.terms), STOPPED);
    scene.follow("2026-11-02T11:30:00Z");
    let replayed = Package { resumption: Some(replayed), ..package.clone() };
    assert_eq!(scene.said(&resumed), Err(Refused::Stopped));
    assert_eq!(scene.said(&replayed), Err(Refused::Stopped));
}

#[test]
fn a_grant_that_is_logged_again_is_as_stopped_as_before() {
    let (mut scene, package) = granted();
    scene.log(EntryKind::Revoke, Some(package.index), b"", STOPPED);
    let again = scene.log_again(&package, package.decided.decision.request);
    scene.follow("2026-11-02T11:20:00Z");
    assert_eq!(scene.said(&again), Err(Refused::Stopped));
    // About a request that nobody decided on.
    let request = scene.entries.len() as u64;
    scene.log(EntryKind::Request, None, b"another", STOPPED);
    let forged = scene.log_again(&package, request);
    scene.follow("2026-11-02T11:30:00Z");
    assert_eq!(scene.said(&forged), Err(Refused::NotLogged(forged.index)));
}

#[test]
fn only_here_and_now_and_as_often_as_granted() {
    let (scene, package) = granted();
    let time = Refused::Time { from: terms().from, until: terms().until };
    let mut late = scene.gate.clone();
    late.follow(&scene.head("2026-12-01T00:00:00Z"), &[]).unwrap();
    assert_eq!(late.ask(&package, &Quota::default(), at("2026-12-01T00:00:00Z")).unwrap_err(), time);
    let mut early = Scene::new();
    let not_yet = early.grant(&Terms { from: at("2026-11-02T12:00:01Z"), ..terms() }, &[0, 1, 2]);
    early.follow("2026-11-02T11:00:00Z");
    assert!(matches!(early.said(&not_yet), Err(Refused::Time { .. })));
    assert_eq!(early.said_at(&not_yet, at("2026-11-02T12:00:01Z")), Ok(()));

    let mut elsewhere = Scene::new();
    let other = elsewhere
        .grant(&Terms { operators: BTreeSet::from([organisation("harbour")]), ..terms() }, &[0, 1, 2]);
    elsewhere.follow("2026-11-02T11:00:00Z");
    assert_eq!(elsewhere.said(&other), Err(Refused::Operator));

    let mut quota = Quota::default();
    for _ in 0..2 {
        quota = scene.gate.ask(&package, &quota, noon()).unwrap().quota().clone();
    }
    assert_eq!(scene.gate.ask(&package, &quota, noon()).unwrap_err(), Refused::Quota(2));
    let quota: Quota = serde_json::from_str(&serde_json::to_string(&quota).unwrap()).unwrap();
    assert_eq!(scene.gate.ask(&package, &quota, noon()).unwrap_err(), Refused::Quota(2), "after a restart");
    // Another day, and then the clock is set back by two.
    let quota = quota.spend(package.terms.id, 2, at("2026-11-04T12:00:00Z")).unwrap().0;
    assert_eq!(quota.spend(package.terms.id, 2, noon()), None);
    let yesterday = quota.spend(package.terms.id, 2, at("2026-11-03T23:59:59Z")).unwrap().0;
    assert_eq!(
        yesterday.spend(package.terms.id, 2, at("2026-11-04T00:00:01Z")),
        None,
        "counted in the later day"
    );
}

#[test]
fn a_log_that_is_not_seen_gives_no_permission() {
    let mut scene = Scene::new();
    let package = scene.grant(&terms(), &[0, 1, 2]);
    assert_eq!(scene.said(&package), Err(Refused::NotLogged(1)), "nothing seen");
    scene.follow("2026-11-02T11:00:00Z");
    assert_eq!(scene.said_at(&package, at("2026-11-03T11:00:00Z")), Ok(()));
    assert_eq!(scene.said_at(&package, at("2026-11-03T11:00:01Z")), Err(Refused::Stale(24)));
    // The clock was set back to bring an old authorisation to life.
    assert_eq!(scene.said_at(&package, at("2026-11-02T10:54:59Z")), Err(Refused::Clock));
    for (index, salt) in [(0, hex::encode(SALT)), (1, hex::encode([8; 32])), (1, "salt".to_owned())] {
        let forged = Package { index, salt, ..package.clone() };
        assert_eq!(scene.said(&forged), Err(Refused::NotLogged(index)));
    }
}

#[test]
fn a_log_that_contradicts_itself_is_not_followed() {
    let (mut scene, package) = granted();
    let first = scene.head("2026-11-02T11:00:00Z");
    scene.log(EntryKind::Revoke, Some(1), b"", STOPPED);
    let revoked = scene.head("2026-11-02T11:30:00Z");
    let fresh = scene.gate.clone();
    let mut gate = fresh.clone();
    // The revocation is left out, or put in another place, or is about another grant.
    assert_eq!(gate.follow(&revoked, &[]), Err(Contradiction::Missing { given: 0, wanted: 1 }));
    let padding = Entry::new(EntryKind::Padding, noon(), None, (&SALT, b"")).to_bytes();
    assert_eq!(gate.follow(&revoked, &[padding]), Err(Contradiction::Forked));
    let aimless = Entry::new(EntryKind::Revoke, noon(), None, (&SALT, b"")).to_bytes();
    assert_eq!(gate.follow(&revoked, &[aimless]), Err(Contradiction::Entry(2)));
    let astray = Entry::new(EntryKind::Revoke, noon(), Some(0), (&SALT, b"")).to_bytes();
    assert_eq!(gate.follow(&revoked, &[astray]), Err(Contradiction::Entry(2)), "nothing was granted there");
    assert_eq!(gate.ask(&package, &Quota::default(), noon()).map(drop), Ok(()), "nothing of these was taken");
    gate.follow(&revoked, &scene.entries[2..]).unwrap();
    assert_eq!(gate.follow(&first, &[]), Err(Contradiction::RolledBack { seen: 3, shown: 2 }));
    let other = Witnessed { root: [1; 32], ..revoked };
    assert_eq!(gate.follow(&other, &[]), Err(Contradiction::Forked));
    // Time runs forward in the log.
    let mut gate = fresh;
    scene.entries.pop();
    scene.log(EntryKind::Padding, None, b"", "2026-10-31T23:00:00Z");
    assert_eq!(
        gate.follow(&scene.head("2026-11-02T11:30:00Z"), &scene.entries[2..]),
        Err(Contradiction::Entry(2))
    );
    // An entry spelt in another way is none.
    let spaced = String::from_utf8(scene.entries[0].clone()).unwrap().replace(':', ": ");
    assert!(Entry::read(spaced.as_bytes()).is_err() && Entry::read(&scene.entries[0]).is_ok());
}

#[test]
fn only_the_list_that_was_granted() {
    let (scene, package) = granted();
    let ask = || scene.gate.ask(&package, &Quota::default(), noon()).unwrap();
    let mut swapped = list();
    swapped.patterns[1] = "[ipv4-addr:value = '198.51.100.1']".to_owned();
    assert!(matches!(ask().permit(&swapped), Err(Refused::List(ListError::Root { .. }))));
    let mut turned = list();
    turned.patterns.swap(0, 1);
    assert!(matches!(ask().permit(&turned), Err(Refused::List(ListError::Root { .. }))));
    let mut longer = list();
    longer.patterns.push("[ipv4-addr:value = '198.51.100.1']".to_owned());
    let size = Refused::List(ListError::Size { found: 4, granted: 3 });
    assert_eq!(ask().permit(&longer).map(drop), Err(size));
    let none = IndicatorList { patterns: Vec::new(), ..list() };
    assert!(ask().permit(&none).is_err());
    assert!(ask().permit(&IndicatorList { salt: "1".to_owned(), ..list() }).is_err());
}

#[test]
fn narrower_is_narrower() {
    let wide = terms();
    let narrow = Terms {
        id: Uuid::from_u128(8),
        narrows: Some(wide.id),
        operators: BTreeSet::from([organisation("harbour")]),
        fields: BTreeSet::from([Field::Ports]),
        queries_per_day: 1,
        until: at("2026-11-05T00:00:00Z"),
        ..wide.clone()
    };
    assert_eq!(narrow.narrows(&wide), Ok(()));
    let check = |terms: Terms, what| assert_eq!(terms.narrows(&wide), Err(TermsError::Wider(what)));
    check(Terms { narrows: None, ..narrow.clone() }, "the authorisation that it names");
    check(Terms { queries_per_day: 3, ..narrow.clone() }, "its queries a day");
    check(Terms { until: at("2026-12-02T00:00:00Z"), ..narrow.clone() }, "its time");
    check(Terms { fields: BTreeSet::from([Field::Domains]), ..narrow.clone() }, "the fields that may leave");
    check(Terms { operators: BTreeSet::from([organisation("x")]), ..narrow }, "its operators");
}

#[test]
fn what_no_commission_can_grant() {
    let check = |terms: Terms, expected: TermsError| assert_eq!(terms.check(&frame()), Err(expected));
    assert_eq!(terms().check(&frame()), Ok(()));
    check(Terms { operators: BTreeSet::new(), ..terms() }, TermsError::Operators);
    check(Terms { fields: BTreeSet::new(), ..terms() }, TermsError::Fields);
    check(Terms { list_size: 1001, ..terms() }, TermsError::List { max: 1000 });
    check(Terms { list_root: "A".repeat(64), ..terms() }, TermsError::List { max: 1000 });
    check(Terms { queries_per_day: 25, ..terms() }, TermsError::Quota { max: 24 });
    check(Terms { until: terms().from, ..terms() }, TermsError::Order);
    check(
        Terms { category: Category::Neutralisation, ..terms() },
        TermsError::Category(Category::Neutralisation),
    );
    check(Terms { article: "art. 1".to_owned(), ..terms() }, TermsError::Article("art. 32(1)".to_owned()));
    check(Terms { retention: "ever".to_owned(), ..terms() }, TermsError::Retention("ever".to_owned()));
    check(Terms { reason: " ".to_owned(), ..terms() }, TermsError::Reason);
    check(Terms { until: at("2027-03-01T00:00:00Z"), ..terms() }, TermsError::TooLong { hours: 24 * 90 });
    let emergency = EmergencyRule { persons: 1, hours_max: 24 };
    assert_eq!(Frame { emergency, ..frame() }.check(), Err(FrameError::OnePerson));
    let mut commission = Scene::new().commission;
    commission.threshold = 1;
    assert_eq!(commission.check(), Err(CommissionError::Threshold));
    commission.threshold = 3;
    commission.members[1].passkeys = commission.members[0].passkeys.clone();
    assert!(matches!(commission.check(), Err(CommissionError::Twice(_))));
}

#[test]
fn the_standing_commission_resolves_together_and_on_one_text() {
    let scene = Scene::new();
    let resolution = Resolution {
        subject: Subject::Frame,
        digest: hex::encode(scene.frame.digest()),
        by: hex::encode(scene.commission.digest()),
        asked: at("2026-11-01T00:00:00Z"),
        reason: String::new(),
    };
    let resolve = |resolution: &Resolution, members: &[usize]| {
        let challenge = resolution.challenge();
        let answer = |n: &usize| scene.authenticators[*n].answer(&format!("key{n}"), &challenge, USED);
        Resolved { assertions: members.iter().map(answer).collect(), resolution: resolution.clone() }
    };
    assert_eq!(resolve(&resolution, &[0, 1, 4]).verify(&scene.commission).unwrap().len(), 3);
    let few = Err(DecisionError::TooFew { decided: 2, needed: 3 });
    assert_eq!(resolve(&resolution, &[0, 1, 1]).verify(&scene.commission), few);
    // Signed for another text, by another commission, or for a decision on terms.
    let mut other = resolve(&resolution, &[0, 1, 2]);
    other.resolution.digest = hex::encode([0; 32]);
    assert!(matches!(other.verify(&scene.commission), Err(DecisionError::Assertion { .. })));
    let mut later = scene.commission.clone();
    later.version = 2;
    let resolved = resolve(&resolution, &[0, 1, 2]);
    assert_eq!(resolved.verify(&later), Err(DecisionError::OtherCommission));
    let decided = scene.decide(scene.decision(&terms(), Verdict::Grant), &[0, 1, 2]);
    let borrowed = Resolved { assertions: decided.assertions, resolution };
    assert!(borrowed.verify(&scene.commission).is_err());
}

#[test]
fn what_can_follow_what() {
    let mut table = Vec::new();
    for state in State::ALL {
        for verdict in Verdict::ALL {
            if let Some(after) = state.after(*verdict) {
                table.push(format!("{} {} {}", state.name(), verdict.name(), after.name()));
            }
        }
    }
    let expected = [
        "requested grant granted",
        "requested refuse refused",
        "granted suspend suspended",
        "granted revoke revoked",
        "suspended resume granted",
        "suspended revoke revoked",
    ];
    assert_eq!(table, expected);
    assert!(!State::Requested.was_granted() && !State::Refused.was_granted() && State::Revoked.was_granted());
}

/// The places of a JSON value that hold no other value.
fn leaves(value: &mut serde_json::Value) -> Vec<&mut serde_json::Value> {
    match value {
        serde_json::Value::Array(members) => members.iter_mut().flat_map(leaves).collect(),
        serde_json::Value::Object(members) => members.values_mut().flat_map(leaves).collect(),
        _ => vec![value],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is changed in a package, it is not permitted any more.
    #[test]
    fn a_changed_package_is_refused(place in any::<prop::sample::Index>(), how in 0_u8..4, by in any::<prop::sample::Index>()) {
        let (scene, package) = granted();
        let mut changed = serde_json::to_value(&package).unwrap();
        let mut all = leaves(&mut changed);
        let at = place.index(all.len());
        let leaf = &mut all[at];
        **leaf = match (&**leaf, how) {
            (serde_json::Value::String(text), 0) if !text.is_empty() => {
                let mut bytes = text.clone().into_bytes();
                let at = by.index(bytes.len());
                bytes[at] = if bytes[at] == b'5' { b'6' } else { b'5' };
                String::from_utf8_lossy(&bytes).into_owned().into()
            }
            (serde_json::Value::String(text), 1) => format!("{text}0").into(),
            (serde_json::Value::Number(number), _) => (number.as_u64().unwrap() + 1 + u64::from(how)).into(),
            (_, 2) => serde_json::Value::Null,
            _ => "x".into(),
        };
        prop_assume!(changed != serde_json::to_value(&package).unwrap());
        if let Ok(changed) = serde_json::from_value::<Package>(changed) && changed != package {
            prop_assert!(scene.said(&changed).is_err(), "{changed:?}");
        }
    }

    /// As often as granted, whatever the clock does within a day's reach.
    #[test]
    fn no_clock_gives_more_uses(hours in prop::collection::vec(-60_i64..60, 1..60), per_day in 1_u32..5) {
        let id = Uuid::from_u128(1);
        let mut quota = Quota::default();
        let mut given: BTreeMap<i64, u32> = BTreeMap::new();
        let mut latest = i64::MIN;
        for hour in hours {
            let now = noon() + SignedDuration::from_hours(hour);
            let day = now.as_second().div_euclid(86_400);
            if let Some((next, _)) = quota.spend(id, per_day, now) {
                quota = next;
                latest = latest.max(day);
                *given.entry(latest).or_default() += 1;
            }
        }
        prop_assert!(given.values().all(|uses| *uses <= per_day), "{given:?}");
    }
}
