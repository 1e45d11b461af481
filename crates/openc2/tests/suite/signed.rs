//! Signed commands: what holds, and everything that does not.

use ed25519_dalek::SigningKey;
use openc2::consumer::{Reach, Request};
use openc2::signed::{
    Admitted, Authority, Seen, SigningError, Statement, TrustedKey, Untrusted, Verifier, sign,
};
use openc2::{Command, DateTime, Headers, Language, Message, Status};
use serde_json::{Value, json};

use crate::support::{NOW, World, command, config, later};

const AUTHORITY: &str = "22fe72a34f006ea67d26bb7004e2b6941b5c3953d43ae7ec24d41b1a928a6973";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn statement() -> Statement {
    Statement {
        issuer: "council".into(),
        audience: ["edge-7".into()].into(),
        command_id: "c-1".into(),
        not_before: NOW,
        expires: later(60_000),
        authority: Some(AUTHORITY.into()),
    }
}

fn order(net: &str) -> Command {
    command(
        json!({"action": "deny", "target": {"ipv4_net": net}, "args": {"duration": 1000}, "command_id": "c-1"}),
    )
}

fn unsigned() -> Message {
    let headers =
        Headers { request_id: Some("r-1".into()), from: Some("council".into()), ..Headers::default() };
    Message::request(headers, &order("192.0.2.1"), Language::V1_0)
}

fn signed_with(change: impl FnOnce(&mut Statement)) -> Message {
    let mut statement = statement();
    change(&mut statement);
    sign(unsigned(), &statement, &key(7)).unwrap()
}

fn trusted(issuer: &str, seed: u8) -> TrustedKey {
    let key = key(seed).verifying_key().to_bytes();
    TrustedKey { issuer: issuer.into(), key, valid_from: None, valid_until: None }
}

fn verifier() -> Verifier {
    Verifier {
        names: ["edge-7".into()].into(),
        keys: vec![trusted("council", 7)],
        authority: Authority::Named,
        lifetime_max_ms: 3_600_000,
        skew_ms: 500,
    }
}

/// The message as it arrives.
fn travelled(message: &Message) -> Message {
    Message::parse(&message.to_bytes()).unwrap()
}

#[test]
fn what_was_signed_holds_and_is_what_arrived() {
    let message = travelled(&signed_with(|_| {}));
    let verified = verifier().verify(&message, later(1)).unwrap();
    assert_eq!(verified.issuer(), "council");
    assert_eq!(verified.command(), &order("192.0.2.1").write(Language::V1_0));
    assert_eq!(verified.statement(), &statement());
    // The same key and the same words are the same signature: nothing of chance is in it.
    assert_eq!(signed_with(|_| {}), signed_with(|_| {}));
    // A reader that knows nothing of our signatures reads the same command.
    assert_eq!(message.command(&openc2::Reading::default()).unwrap(), order("192.0.2.1"));
    // In another order of names, and with other white space, it is the same text that was signed.
    let mut value: Value = serde_json::from_slice(&message.to_bytes()).unwrap();
    let command = value.pointer_mut("/body/openc2/request").unwrap().as_object_mut().unwrap();
    let action = command.shift_remove("action").unwrap();
    command.insert("action".into(), action);
    let spelt = Message::parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap();
    assert!(verifier().verify(&spelt, NOW).is_ok());
}

#[test]
fn any_change_of_the_command_or_the_statement_breaks_it() {
    let message = signed_with(|_| {});
    let changes: [(&str, Value); 5] = [
        ("/body/openc2/request/action", json!("allow")),
        ("/body/openc2/request/target/ipv4_net", json!("192.0.2.2")),
        ("/body/openc2/request/target/ipv4_net", json!("192.0.2.1/32")),
        ("/body/openc2/request/args/duration", json!(1001)),
        ("/body/openc2/request/args", json!({"duration": 1000, "response_requested": "none"})),
    ];
    for (pointer, value) in changes {
        let mut whole = message.write();
        *whole.pointer_mut(pointer).unwrap() = value;
        let changed = Message::parse(whole.to_string().as_bytes()).unwrap();
        assert_eq!(verifier().verify(&changed, NOW), Err(Untrusted::BadSignature), "{pointer}");
    }
    let other = signed_with(|statement| statement.expires = later(70_000)).signature.unwrap();
    let signature = message.signature.clone().unwrap();
    let (statement_of_other, own) = (other.split_once('.').unwrap().0, signature.split_once('.').unwrap().1);
    let mixed = Message { signature: Some(format!("{statement_of_other}.{own}")), ..message.clone() };
    assert_eq!(verifier().verify(&mixed, NOW), Err(Untrusted::BadSignature));
    // Every single bit.
    let bytes = message.signature.as_ref().unwrap().as_bytes();
    for at in 0..bytes.len() {
        let mut text = bytes.to_vec();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        let changed = Message { signature: Some(String::from_utf8(text).unwrap()), ..message.clone() };
        assert!(verifier().verify(&changed, NOW).is_err(), "character {at}");
    }
}

#[test]
fn what_does_not_count() {
    let verify = |verifier: Verifier, message: &Message, now| verifier.verify(message, now).unwrap_err();
    let good = signed_with(|_| {});
    assert_eq!(verify(verifier(), &unsigned(), NOW), Untrusted::NotSigned);
    let names = ["edge-8".into()].into();
    assert_eq!(verify(Verifier { names, ..verifier() }, &good, NOW), Untrusted::OtherAudience);
    assert_eq!(verify(verifier(), &good, later(60_000)), Untrusted::Expired);
    assert_eq!(verify(verifier(), &good, DateTime(NOW.0 - 501)), Untrusted::NotYet);
    assert!(verifier().verify(&good, DateTime(NOW.0 - 500)).is_ok(), "clocks differ a little");
    assert_eq!(verify(Verifier { lifetime_max_ms: 59_999, ..verifier() }, &good, NOW), Untrusted::TooLong);
    assert_eq!(verify(Verifier { keys: vec![], ..verifier() }, &good, NOW), Untrusted::UnknownIssuer);
    assert_eq!(
        verify(Verifier { keys: vec![trusted("agency", 7)], ..verifier() }, &good, NOW),
        Untrusted::UnknownIssuer
    );
    assert_eq!(
        verify(Verifier { keys: vec![trusted("council", 8)], ..verifier() }, &good, NOW),
        Untrusted::BadSignature
    );
    let ended = TrustedKey { valid_until: Some(NOW), ..trusted("council", 7) };
    assert_eq!(verify(Verifier { keys: vec![ended], ..verifier() }, &good, NOW), Untrusted::UnknownIssuer);
    let early = TrustedKey { valid_from: Some(later(1)), ..trusted("council", 7) };
    assert_eq!(verify(Verifier { keys: vec![early], ..verifier() }, &good, NOW), Untrusted::UnknownIssuer);
    let renewed = vec![trusted("council", 8), trusted("council", 7)];
    assert!(Verifier { keys: renewed, ..verifier() }.verify(&good, NOW).is_ok());
    let headers = Headers { from: Some("agency".into()), ..good.headers.clone() };
    assert_eq!(verify(verifier(), &Message { headers, ..good.clone() }, NOW), Untrusted::OtherSender);
    // On whose authority.
    let alone = signed_with(|statement| statement.authority = None);
    assert_eq!(verify(verifier(), &alone, NOW), Untrusted::NoAuthority);
    assert!(Verifier { authority: Authority::NotAsked, ..verifier() }.verify(&alone, NOW).is_ok());
    let one_of =
        |hash: &str| Verifier { authority: Authority::OneOf([hash.to_owned()].into()), ..verifier() };
    assert!(one_of(AUTHORITY).verify(&good, NOW).is_ok());
    assert_eq!(verify(one_of(&AUTHORITY.replace('2', "3")), &good, NOW), Untrusted::NoAuthority);
    // What cannot be read.
    for text in ["", ".", "a.b", "e30.", "e30.AAAA", &format!("e30.{}", "A".repeat(86)), &"A".repeat(40_000)]
    {
        let message = Message { signature: Some(text.to_owned()), ..good.clone() };
        assert_eq!(verify(verifier(), &message, NOW), Untrusted::Malformed, "{text:.20}");
    }
}

#[test]
fn what_nobody_could_take_is_not_signed() {
    let refused = |change: fn(&mut Statement)| {
        let mut statement = statement();
        change(&mut statement);
        sign(unsigned(), &statement, &key(7)).unwrap_err()
    };
    assert_eq!(refused(|s| s.command_id = "c-2".into()), SigningError::Identifier);
    assert_eq!(refused(|s| s.audience.clear()), SigningError::Statement);
    assert_eq!(refused(|s| s.expires = s.not_before), SigningError::Statement);
    assert_eq!(refused(|s| s.authority = Some("abc".into())), SigningError::Statement);
    let nameless = Message::request(
        Headers::default(),
        &Command { command_id: None, ..order("192.0.2.1") },
        Language::V1_0,
    );
    assert_eq!(sign(nameless, &statement(), &key(7)), Err(SigningError::Identifier));
    let answer = Message::parse(br#"{"body": {"openc2": {"response": {"status": 200}}}}"#).unwrap();
    assert_eq!(sign(answer, &statement(), &key(7)), Err(SigningError::NoCommand));
}

#[test]
fn a_command_is_admitted_once_also_after_a_restart_and_a_clock_that_goes_back() {
    let verified = verifier().verify(&signed_with(|_| {}), NOW).unwrap();
    let mut seen = Seen::default();
    let admitted = seen.admit(&verified, NOW).unwrap();
    assert_eq!(seen.admit(&verified, later(1)), Err(Untrusted::Replayed));
    let disk: Admitted = serde_json::from_str(&serde_json::to_string(&admitted).unwrap()).unwrap();
    let mut again = Seen::replay([&disk]);
    assert_eq!(again.admit(&verified, later(2)), Err(Untrusted::Replayed));
    // Another command under its identifier, and another issuer's.
    let other = Message::request(unsigned().headers, &order("192.0.2.2"), Language::V1_0);
    let other = verifier().verify(&sign(other, &statement(), &key(7)).unwrap(), NOW).unwrap();
    assert_eq!(seen.admit(&other, later(1)), Err(Untrusted::IdentifierUsed));
    // Forgotten with its signature, and never taken again all the same.
    assert_eq!(seen.admit(&verified, later(60_000)), Err(Untrusted::Expired));
    assert_eq!(seen.admit(&verified, later(1)), Err(Untrusted::Expired));
}

#[test]
fn a_replay_meets_the_consumer_s_memory() {
    let limits = openc2::consumer::Limits { remember_ms: 1, ..Default::default() };
    let mut world = World::new(openc2::consumer::Config { limits, ..config() });
    let request = |now| {
        Request::signed(&verifier().verify(&travelled(&signed_with(|_| {})), now).unwrap(), Reach::Broadcast)
    };
    let decision = world.consumer.take(&request(NOW), NOW).unwrap();
    assert_eq!(decision.effects.len(), 1);
    let answers = world.carry(decision, NOW);
    // A year of restarts does not shorten it: it is remembered as long as the signature holds.
    let events = [world.consumer.checkpoint(later(1))];
    let mut consumer = openc2::consumer::Consumer::replay(world.consumer.config().clone(), &events).unwrap();
    for now in [later(2), later(59_999)] {
        let again = consumer.take(&request(now), now).unwrap();
        assert_eq!((again.events.len(), again.effects.len()), (0, 0));
        assert_eq!(again.replies[0].response, answers[0]);
    }
    // What was verified before it expired and comes in after it is not carried out either.
    let late = request(later(59_999));
    let decision = World::new(config()).consumer.take(&late, later(60_000)).unwrap();
    assert_eq!((decision.effects.len(), decision.replies[0].response.status), (0, Status::Unauthorized));
}

#[test]
fn every_refusal_has_a_status() {
    for (untrusted, status) in [
        (Untrusted::NotSigned, 401),
        (Untrusted::BadSignature, 401),
        (Untrusted::Expired, 401),
        (Untrusted::OtherAudience, 403),
        (Untrusted::NoAuthority, 403),
        (Untrusted::Replayed, 403),
        (Untrusted::Malformed, 400),
        (Untrusted::Full, 503),
    ] {
        assert_eq!(untrusted.status().code(), status, "{untrusted}");
    }
}
