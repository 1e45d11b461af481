//! JSS over JCS: the committee's example, our own signatures, those of other algorithms, and everything that must not count.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cacao::Playbook;
use cacao::signature::{
    BadSignature, Refused, Runnable, Signer, SigningError, Statement, Trust, TrustedKey, Unsigned, verify,
    verify_detached,
};
use serde_json::{Value, json};
use stix::Timestamp;

use crate::support::{Draft, at, codes, corpus, id};

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn key(spki: &[u8], organization: u32) -> TrustedKey {
    TrustedKey {
        spki: spki.to_vec(),
        identity: id("identity", organization),
        certificate: None,
        cert_url: None,
        valid_from: None,
        valid_until: None,
        revoked: false,
    }
}

fn trust(keys: Vec<TrustedKey>) -> Trust {
    Trust { keys, ..Trust::default() }
}

fn signer(organization: u32) -> Signer {
    Signer::new(&[u8::try_from(organization).unwrap(); 32], &id("identity", organization), "Signer").unwrap()
}

fn statement(number: u32) -> Statement {
    Statement {
        id: id("jss", number),
        created: time("2026-06-01T00:00:00.000Z"),
        valid_from: None,
        valid_until: None,
    }
}

fn draft() -> Draft {
    Draft::new(&id("action", 1)).action(1, &id("end", 1)).end(1)
}

fn signed() -> (Playbook, Trust) {
    let signer = signer(7);
    (signer.sign(&draft().parse(), &statement(1)).unwrap(), trust(vec![key(&signer.spki(), 7)]))
}

#[test]
fn the_committee_s_example_verifies() {
    let Some(path) = corpus("response/cacao/playbooks-oasis/signature-example-rsa.md") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let after = text.split("### Step 7").nth(1).unwrap();
    let document = after.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let playbook = Playbook::parse(document.as_bytes()).unwrap();
    let signature = &playbook.signatures[1];
    let spki = STANDARD.decode(signature.public_key.as_ref().unwrap()).unwrap();
    let known =
        TrustedKey { identity: "identity--5abe695c-7bd5-4c31-8824-2528696cdbf1".into(), ..key(&spki, 1) };
    let then = "2023-02-01T00:00:00Z".parse().unwrap();
    let verified = verify(&playbook, signature, &trust(vec![known.clone()]), then).unwrap();
    assert_eq!(verified.signer(), known.identity);
    assert_eq!(verify(&playbook, signature, &trust(vec![known.clone()]), at(0)), Err(BadSignature::NotNow));
    assert_eq!(verify(&playbook, signature, &trust(vec![]), then), Err(BadSignature::UnknownKey));
    let forged = Playbook::parse(document.replace("Playbook 1", "Playbook 2").as_bytes()).unwrap();
    assert_eq!(
        verify(&forged, &forged.signatures[1], &trust(vec![known]), then),
        Err(BadSignature::DoesNotFit)
    );
}

#[test]
fn what_is_signed_verifies_and_is_the_same_version() {
    let (playbook, trust) = signed();
    assert_eq!(playbook.digest(), draft().parse().digest(), "a signature is no new version");
    assert_eq!(codes(&playbook), codes(&draft().parse()));
    let runnable = Runnable::check(Arc::new(playbook), &trust, at(0)).unwrap();
    assert_eq!(runnable.signatures()[0].signer(), id("identity", 7));
    assert_eq!(runnable.signatures()[0].signature_id(), id("jss", 1));
}

#[test]
fn any_change_breaks_the_signature() {
    let (playbook, trust) = signed();
    let document: Value = serde_json::from_slice(playbook.bytes()).unwrap();
    for (pointer, value) in [
        ("/name", json!("Other")),
        ("/workflow/STEP/commands/0/command", json!("Do something else")),
        ("/signatures/0/signee", json!("Somebody")),
        ("/signatures/0/valid_until", json!("2099-01-01T00:00:00.000Z")),
    ] {
        let mut changed = document.clone();
        let pointer = pointer.replace("STEP", &id("action", 1));
        match changed.pointer_mut(&pointer) {
            Some(place) => *place = value,
            None => changed["signatures"][0]["valid_until"] = value,
        }
        let changed = Playbook::parse(changed.to_string().as_bytes()).unwrap();
        assert_eq!(
            verify(&changed, &changed.signatures[0], &trust, at(0)),
            Err(BadSignature::DoesNotFit),
            "{pointer}"
        );
    }
    // The form of the text is no change.
    let respelt = Playbook::parse(serde_json::to_string(&document).unwrap().as_bytes()).unwrap();
    verify(&respelt, &respelt.signatures[0], &trust, at(0)).unwrap();
}

#[test]
fn signatures_that_do_not_count() {
    let (playbook, good) = signed();
    let signature = &playbook.signatures[0];
    let check = |change: &dyn Fn(&mut Trust)| {
        let mut trust = good.clone();
        change(&mut trust);
        verify(&playbook, signature, &trust, at(0)).unwrap_err()
    };
    assert_eq!(check(&|trust| trust.keys[0].revoked = true), BadSignature::UnknownKey);
    assert_eq!(
        check(&|trust| trust.keys[0].valid_until = Some(time("2026-01-01T00:00:00Z"))),
        BadSignature::UnknownKey
    );
    assert_eq!(check(&|trust| trust.keys[0].spki = signer(8).spki()), BadSignature::UnknownKey);
    assert_eq!(check(&|trust| trust.keys[0].identity = id("identity", 8)), BadSignature::OtherSigner);
    assert_eq!(check(&|trust| trust.revoked_signatures = vec![id("jss", 1)]), BadSignature::Revoked);
    // Its own words: revoked, not valid now, of another version.
    let with = |name: &str, value: Value| {
        let mut document: Value = serde_json::from_slice(playbook.bytes()).unwrap();
        document["signatures"][0][name] = value;
        let changed = Playbook::parse(document.to_string().as_bytes()).unwrap();
        verify(&changed, &changed.signatures[0], &good, at(0)).unwrap_err()
    };
    assert_eq!(with("revoked", json!(true)), BadSignature::Revoked);
    assert_eq!(with("valid_until", json!("2026-01-01T00:00:00.000Z")), BadSignature::NotNow);
    assert_eq!(with("valid_from", json!("2099-01-01T00:00:00.000Z")), BadSignature::NotNow);
    assert_eq!(with("related_version", json!("2025-01-01T00:00:00.000Z")), BadSignature::OfOther);
    assert_eq!(with("related_to", json!(id("playbook", 9))), BadSignature::OfOther);
    assert_eq!(with("algorithm", json!("HS256")), BadSignature::Algorithm);
    assert_eq!(with("algorithm", json!("none")), BadSignature::Algorithm);
    assert_eq!(with("algorithm", json!("ES256")), BadSignature::DoesNotFit);
    assert_eq!(with("hash_algorithm", json!("md5")), BadSignature::Algorithm);
    assert_eq!(with("value", json!("!")), BadSignature::DoesNotFit);
}

#[test]
fn what_may_run() {
    let (playbook, trust) = signed();
    let refused =
        |playbook: Playbook, trust: &Trust| Runnable::check(Arc::new(playbook), trust, at(0)).unwrap_err();
    assert!(matches!(
        refused(draft().parse(), &trust),
        Refused::Unsigned { counted: 0, needed: 1, why: None }
    ));
    assert!(
        Runnable::check(
            Arc::new(draft().parse()),
            &Trust { unsigned: Unsigned::Allow, ..trust.clone() },
            at(0)
        )
        .is_ok()
    );
    let two = Trust { signers_min: 2, ..trust.clone() };
    assert!(matches!(refused(playbook.clone(), &two), Refused::Unsigned { counted: 1, needed: 2, .. }));
    // The same signer twice is one signer.
    let twice = signer(7).sign(&playbook, &statement(2)).unwrap();
    assert!(matches!(refused(twice, &two), Refused::Unsigned { counted: 1, needed: 2, .. }));
    let allow = Trust { unsigned: Unsigned::Allow, ..Trust::default() };
    assert_eq!(refused(draft().set("revoked", json!(true)).parse(), &allow), Refused::Revoked);
    let later = time("2099-01-01T00:00:00.000Z");
    assert_eq!(
        refused(draft().set("valid_from", json!("2099-01-01T00:00:00.000Z")).parse(), &allow),
        Refused::NotYet(later)
    );
    let before = time("2026-02-01T00:00:00.000Z");
    assert_eq!(
        refused(draft().set("valid_until", json!("2026-02-01T00:00:00.000Z")).parse(), &allow),
        Refused::NoLonger(before)
    );
    assert_eq!(refused(Draft::new(&id("action", 1)).parse(), &allow), Refused::NotSound(3));
}

#[test]
fn countersignatures() {
    let (playbook, _) = signed();
    let counter = signer(8).countersign(&playbook, &id("jss", 1), &statement(2)).unwrap();
    let third = signer(9).countersign(&counter, &id("jss", 1), &statement(3)).unwrap();
    let keys = || [7, 8, 9].map(|n| key(&signer(n).spki(), n)).to_vec();
    let all = Trust { keys: keys(), signers_min: 3, ..Trust::default() };
    let runnable = Runnable::check(Arc::new(third.clone()), &all, at(0)).unwrap();
    let signers: Vec<&str> = runnable.signatures().iter().map(cacao::signature::Verified::signer).collect();
    assert_eq!(signers, [id("identity", 7), id("identity", 8), id("identity", 9)]);
    // The first signature holds as it did before it was countersigned.
    verify(&third, &third.signatures[0], &all, at(0)).unwrap();
    // Without trust in the second, what hangs on it does not count.
    let gap = Trust { keys: vec![keys()[0].clone(), keys()[2].clone()], signers_min: 2, ..Trust::default() };
    assert!(matches!(
        Runnable::check(Arc::new(third.clone()), &gap, at(0)),
        Err(Refused::Unsigned { counted: 1, .. })
    ));
    // A countersignature is of the signature's value: it does not fit another one's.
    let mut document: Value = serde_json::from_slice(counter.bytes()).unwrap();
    let other = signer(7).sign(&draft().parse(), &statement(4)).unwrap();
    let countersignature = document["signatures"][0]["signature"].clone();
    document = serde_json::from_slice(other.bytes()).unwrap();
    document["signatures"][0]["signature"] = countersignature;
    let moved = Playbook::parse(document.to_string().as_bytes()).unwrap();
    let two = Trust { signers_min: 2, ..all };
    assert!(matches!(
        Runnable::check(Arc::new(moved), &two, at(0)),
        Err(Refused::Unsigned { counted: 1, .. })
    ));
    let nobody = signer(8).countersign(&playbook, "jss--none", &statement(2)).unwrap_err();
    assert_eq!(nobody, SigningError::NoSuchSignature("jss--none".into()));
    let mut deep = playbook;
    let too_deep = (2..20).find_map(|n| match signer(8).countersign(&deep, &id("jss", 1), &statement(n)) {
        Ok(next) => {
            deep = next;
            None
        }
        Err(error) => Some(error),
    });
    assert_eq!(too_deep, Some(SigningError::TooDeep));
}

#[test]
fn detached_signatures() {
    let signer = signer(7);
    let playbook = draft().parse();
    let signature = signer.sign_detached(&playbook, &statement(1)).unwrap();
    let trust = trust(vec![key(&signer.spki(), 7)]);
    verify_detached(&playbook, &signature, &trust, at(0)).unwrap();
    let other = draft().set("name", json!("Other")).parse();
    assert_eq!(verify_detached(&other, &signature, &trust, at(0)), Err(BadSignature::DoesNotFit));
}

#[test]
fn a_playbook_with_errors_is_not_signed() {
    let unsound = Draft::new(&id("action", 1)).parse();
    assert_eq!(signer(7).sign(&unsound, &statement(1)).unwrap_err(), SigningError::NotSound);
}

/// Signs by hand, step by step as appendix A says.
fn by_hand(algorithm: &str, hash_algorithm: &str, spki: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Playbook {
    let mut document = draft().0;
    document["signatures"] = json!([{
        "type": "jss", "id": id("jss", 1), "created": "2026-06-01T00:00:00.000Z", "modified": "2026-06-01T00:00:00.000Z",
        "signee": "Hand", "related_to": id("playbook", 1), "related_version": "2026-01-01T00:00:00.000Z",
        "hash_algorithm": hash_algorithm, "algorithm": algorithm, "public_key": STANDARD.encode(spki)
    }]);
    let canonical = serde_json_canonicalizer::to_vec(&document).unwrap();
    let hash = match hash_algorithm {
        "sha-512" => &aws_lc_rs::digest::SHA512,
        _ => &aws_lc_rs::digest::SHA256,
    };
    let hash = hex::encode(aws_lc_rs::digest::digest(hash, &canonical));
    document["signatures"][0]["value"] = json!(URL_SAFE_NO_PAD.encode(sign(hash.as_bytes())));
    Playbook::parse(document.to_string().as_bytes()).unwrap()
}

#[test]
fn elliptic_curves_and_rsa() {
    let random = SystemRandom::new();
    let ecdsa = |name: &str, algorithm: &'static EcdsaSigningAlgorithm| {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
        (by_hand(name, "sha-256", &spki, |m| pair.sign(&random, m).unwrap().as_ref().to_vec()), spki)
    };
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = |name: &str, hash: &str, encoding: &'static dyn RsaEncoding| {
        let spki = AsDer::as_der(pair.public_key()).unwrap().as_ref().to_vec();
        let sign = |message: &[u8]| {
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, message, &mut out).unwrap();
            out
        };
        (by_hand(name, hash, &spki, sign), spki)
    };
    for (playbook, spki) in [
        ecdsa("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ecdsa("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
        rsa("RS256", "sha-256", &RSA_PKCS1_SHA256),
        rsa("RS512", "sha-512", &RSA_PKCS1_SHA512),
        rsa("PS256", "sha-256", &RSA_PSS_SHA256),
    ] {
        let algorithm = playbook.signatures[0].algorithm.clone();
        let trust = trust(vec![key(&spki, 7)]);
        assert!(verify(&playbook, &playbook.signatures[0], &trust, at(0)).is_ok(), "{algorithm}");
        let mut document: Value = serde_json::from_slice(playbook.bytes()).unwrap();
        document["name"] = json!("Other");
        let forged = Playbook::parse(document.to_string().as_bytes()).unwrap();
        assert_eq!(
            verify(&forged, &forged.signatures[0], &trust, at(0)),
            Err(BadSignature::DoesNotFit),
            "{algorithm}"
        );
    }
}

#[test]
fn keys_are_named_by_certificate_thumbprint_and_address() {
    let signer = signer(7);
    let certificate = b"not parsed, only compared".to_vec();
    let known = TrustedKey {
        certificate: Some(certificate.clone()),
        cert_url: Some("https://keys.example/7.pem".into()),
        ..key(&signer.spki(), 7)
    };
    let trust = trust(vec![known]);
    let thumbprint =
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate));
    let seed = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    for (name, value) in [
        ("public_cert_chain", json!([STANDARD.encode(&certificate), "AAAA"])),
        ("thumbprint", json!(thumbprint)),
        ("cert_url", json!("https://keys.example/7.pem")),
    ] {
        let mut document = draft().0;
        document["signatures"] = json!([{
            "type": "jss", "id": id("jss", 1), "created": "2026-06-01T00:00:00.000Z", "modified": "2026-06-01T00:00:00.000Z",
            "signee": "Hand", "related_to": id("playbook", 1), "related_version": "2026-01-01T00:00:00.000Z",
            "hash_algorithm": "sha-256", "algorithm": "Ed25519"
        }]);
        document["signatures"][0][name] = value;
        let canonical = serde_json_canonicalizer::to_vec(&document).unwrap();
        let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &canonical));
        document["signatures"][0]["value"] = json!(URL_SAFE_NO_PAD.encode(seed.sign(hash.as_bytes())));
        let playbook = Playbook::parse(document.to_string().as_bytes()).unwrap();
        assert!(verify(&playbook, &playbook.signatures[0], &trust, at(0)).is_ok(), "{name}");
        assert_eq!(codes(&playbook), codes(&draft().parse()), "{name}");
    }
}
