//! Mails as mail systems hand them in: what is read of them, what is only named, and what is refused.

use case::mail::{MAIL_BYTES_MAX, Mail, MailPart, NotAMail, read};
use case::room::{Label, Room, RoomEntry, RoomRefusal, Says, entry_from_stix, entry_to_stix};
use proptest::prelude::{any, prop_assert, proptest};
use sha2::Digest;
use stix::marking::Tlp;

use crate::{id, minutes, organisation};

const PLAIN: &[u8] = include_bytes!("../../../../fuzz/seeds/mail/plain.eml");
const MIXED: &[u8] = include_bytes!("../../../../fuzz/seeds/mail/mixed.eml");

fn sha256(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

fn mail(lines: &[&str]) -> Mail {
    read(lines.join("\r\n").as_bytes()).unwrap()
}

#[test]
fn a_japanese_mail_is_read_as_it_was_written() {
    let expected = Mail {
        from: "山田 <yamada@port.example>".into(),
        subject: "港の異常".into(),
        sent: Some("2026-11-30T00:00:00Z".parse().unwrap()),
        message_id: Some("1@port.example".into()),
        sha256: sha256(PLAIN),
        text: "港の異常について".into(),
        cut: false,
        attachments: vec![],
    };
    assert_eq!(read(PLAIN), Ok(expected));
}

#[test]
fn only_plain_text_is_shown_and_every_other_part_is_named() {
    let read = read(MIXED).unwrap();
    assert_eq!(read.text, "It is 港 here");
    let html = b"<script>alert(1)</script>";
    let part = |name: &str, media_type: &str, content: &[u8]| MailPart {
        name: name.into(),
        media_type: media_type.into(),
        bytes: content.len() as u64,
        sha256: sha256(content),
    };
    let inner = b"From: b@port.example\r\nSubject: inner\r\n\r\ninner";
    let expected = [
        part("", "text/html", html),
        part("港.txt", "application/octet-stream", b"hello"),
        part("", "message/rfc822", inner),
    ];
    assert_eq!(read.attachments, expected);
    let html_alone = mail(&["From: a@b.jp", "Content-Type: text/html", "", "<b>urgent</b>"]);
    assert_eq!((html_alone.text.as_str(), html_alone.attachments.len()), ("", 1));
}

#[test]
fn what_a_mail_claims_does_no_harm_in_a_line() {
    let claimed = mail(&[
        "From: =?utf-8?B?4oCuZXhlLmdhbA==?= <a@b.jp>",
        "From: other@c.jp",
        "Subject: one\ttwo",
        " three",
        "Date: Mon, 31 Feb 2026 25:00:00 +0900",
        "",
        "a\u{202e}b\u{7}c",
    ]);
    assert_eq!(claimed.from, "exe.gal <a@b.jp>, other@c.jp");
    assert_eq!(claimed.subject.split_whitespace().collect::<Vec<_>>(), ["one", "two", "three"]);
    assert_eq!((claimed.sent, claimed.message_id, claimed.text.as_str()), (None, None, "abc"));
    let long = "字".repeat(20_001);
    let long = mail(&["From: a@b.jp", "Content-Type: text/plain; charset=utf-8", "", &long]);
    assert_eq!((long.text.chars().count(), long.cut), (20_000, true));
}

#[test]
fn what_is_no_mail_or_has_no_end_is_refused() {
    let check = |bytes: &[u8], expected| assert_eq!(read(bytes), Err(expected));
    check(b"", NotAMail::NoHeader);
    check(b"\x7fELF and so on\n\nmore", NotAMail::NoHeader);
    check(&vec![b'a'; MAIL_BYTES_MAX + 1], NotAMail::TooLong);
    check(format!("From: a@b.jp\r\nX: {}\r\n\r\n", "x".repeat(200_000)).as_bytes(), NotAMail::LongHeader);
    let many = "--b\r\n\r\nx\r\n".repeat(300);
    let many = format!("From: a@b.jp\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{many}--b--");
    check(many.as_bytes(), NotAMail::ManyParts);
}

#[test]
fn a_mail_in_a_mail_in_a_mail_is_one_attachment() {
    let inner = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
    let read = read(format!("From: a@b.jp\r\n{inner}").as_bytes()).unwrap();
    assert_eq!((read.attachments.len(), read.text.as_str()), (1, ""));
    // Parts in parts end as well.
    let mut nested = String::from("From: a@b.jp\r\n");
    for depth in 0..100 {
        nested += &format!("Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n");
    }
    let nested = case::mail::read(nested.as_bytes()).unwrap();
    assert_eq!((nested.attachments.len(), nested.attachments[0].media_type.as_str()), (1, "multipart/mixed"));
}

fn entry(mail: Mail) -> RoomEntry {
    RoomEntry {
        case: id("incident", 1),
        at: minutes(1),
        by: None,
        name: None,
        organisation: organisation("nco"),
        label: Label { tlp: Tlp::Amber, only: None, stub: false },
        salt: format!("{:032x}", 1),
        says: Says::Mailed(Box::new(mail)),
    }
}

#[test]
fn a_mail_is_an_entry_that_travels_and_one_that_is_too_long_is_not_taken() {
    for bytes in [PLAIN, MIXED] {
        let entry = entry(read(bytes).unwrap());
        let object =
            stix::Object::parse(entry_to_stix(&entry, &id("identity", 1)).to_string().into()).unwrap();
        assert_eq!(entry_from_stix(&object), Ok(entry.clone()));
        assert!(object.text("content").unwrap().starts_with("mail, claimed to be from `"));
        Room::new(entry.case.clone()).take(entry, minutes(2)).unwrap();
    }
    let take = |change: &dyn Fn(&mut Mail)| {
        let mut mail = read(MIXED).unwrap();
        change(&mut mail);
        Room::new(id("incident", 1)).take(entry(mail), minutes(2)).unwrap_err()
    };
    assert_eq!(take(&|mail| mail.from = "x".repeat(501)), RoomRefusal::Illegal("from"));
    assert_eq!(take(&|mail| mail.text = "x".repeat(20_001)), RoomRefusal::Illegal("text"));
    assert_eq!(take(&|mail| mail.sha256.clear()), RoomRefusal::Illegal("sha256"));
    assert_eq!(take(&|mail| mail.attachments[0].sha256 = "X".repeat(64)), RoomRefusal::Illegal("sha256"));
}

proptest! {
    /// Whatever stands behind a header, reading it comes to an end within its bounds.
    #[test]
    fn reading_ends(body in proptest::collection::vec(any::<u8>(), 0..2_000), cut in 0..600_usize) {
        let mut mail = MIXED.get(..cut).unwrap_or(MIXED).to_vec();
        mail.extend_from_slice(&body);
        if let Ok(read) = read(&mail) {
            prop_assert!(read.text.chars().count() <= 20_000 && read.attachments.len() <= 200);
        }
    }
}
