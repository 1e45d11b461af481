//! Entries of a room as mail: who may be sent one, and what the mail says.
//!
//! A mail leaves the hub and is never called back. So TLP:RED goes by none, and everything else only to people who may read the entry here by their
//! own roles, without an emergency. That is asked when somebody sends it, and again when it leaves. Its label stands where TLP 2.0 wants it: in the
//! subject, and in the text before and after what it is about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::RoomName;
use case::mail::is_harmless;
use case::room::{EntryId, RoomEntry, Says, note_id};
use jiff::{SignedDuration, Timestamp};
use oversight::OrganisationId;
use policy::{Label, Operation, TlpLabel, Visible};
use regime::Lang;
use stix::Id;
use stix::marking::Tlp;
use store::mails::{self, Address};
use store::saved_searches::Owner;
use store::{Reader, StoreError, cases, labels, objects};

use super::{Names, Seen};
use crate::REALM;
use crate::notify::recipient;
use crate::principal::{self, Caller};
use crate::sharing::unfit;
use crate::state::AppState;

/// Characters of an entry in a mail at most; the rest is read in the room.
const TEXT_CHARS_MAX: usize = 50_000;
const JST: SignedDuration = SignedDuration::from_hours(9);

/// What sends one entry.
pub(crate) struct Post<'a> {
    state: &'a AppState,
    domains: &'a [String],
    addresses: BTreeMap<String, Address>,
    case: &'a Id,
    /// The note that the entry is.
    pub(crate) note: Id,
}

/// Somebody who may be sent it.
pub(crate) struct Reached {
    pub(crate) caller: Caller,
    pub(crate) visible: Arc<Visible>,
    pub(crate) address: Address,
}

/// What a mail says, in no language yet.
pub(crate) struct Content<'a> {
    pub(crate) entry: &'a RoomEntry,
    /// Under which it goes ([`fit`]).
    pub(crate) level: Tlp,
    /// The case's number here, and its title.
    pub(crate) case: (Option<i64>, &'a str),
    /// Who wrote the entry; nothing for a system.
    pub(crate) writer: Option<&'a str>,
    pub(crate) organisation: &'a RoomName,
    /// Whom it is limited to.
    pub(crate) only: &'a [RoomName],
    /// Who sends it.
    pub(crate) sender: (&'a str, &'a RoomName),
    pub(crate) link: &'a str,
}

impl<'a> Post<'a> {
    /// # Errors
    /// This hub sends no mail; those of the database.
    pub(crate) fn new(
        state: &'a AppState,
        reader: &Reader<'_>,
        (case, entry): (&'a Id, &EntryId),
    ) -> Result<Self, StoreError> {
        let mail = state.config.mail.as_ref();
        let mail =
            mail.ok_or_else(|| unfit("no-mail", "this hub sends no mail; its operator sets `mail`"))?;
        let addresses = mails::addresses(reader, &REALM)?;
        Ok(Self { state, domains: &mail.domains, addresses, case, note: note_id(entry) })
    }

    /// An account as it is now, where it may read the case and the entry, and gave an address that mail goes to.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn reached(&self, reader: &Reader<'_>, account: &str) -> Result<Option<Reached>, StoreError> {
        let address = self.addresses.get(account);
        let address = address.filter(|known| recipient(&known.address, self.domains).is_some());
        let Some(address) = address.cloned() else { return Ok(None) };
        let Some(caller) = principal::of_owner(reader, &Owner::Person(account.to_owned()))? else {
            return Ok(None);
        };
        if !caller.may(self.state, Operation::WorkCases) {
            return Ok(None);
        }
        let visible = self.state.door.visible(reader, &caller.principal)?;
        let may_read = visible.purposes().contains(&caller.purpose)
            && objects::get(reader, &REALM, &visible, self.case)?.is_some()
            && objects::get(reader, &REALM, &visible, &self.note)?.is_some();
        Ok(may_read.then_some(Reached { caller, visible, address }))
    }
}

/// The organisations of this hub whose people an entry may be sent to: the sender's own, and those that are in the room as the sender sees it.
pub(crate) fn participants(names: &Names, seen: &Seen, own: &OrganisationId) -> BTreeSet<OrganisationId> {
    let members = seen.situation.members.iter().filter_map(|member| names.here(member).cloned());
    members.chain([own.clone()]).collect()
}

/// The level under which an entry goes by mail: the strictest that it, its case and what is told of that bear now, whatever it bore when it was written.
///
/// # Errors
/// It goes by no mail to anybody, and why; those of the database.
pub(crate) fn fit(
    reader: &Reader<'_>,
    visible: &Visible,
    seen: &Seen,
    (id, entry): (&EntryId, &RoomEntry),
) -> Result<Tlp, StoreError> {
    let note = objects::get(reader, &REALM, visible, &note_id(id))?;
    let note = note.ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
    let told = cases::get(reader, &REALM, visible, &entry.case)?;
    let keys = [note.label, seen.incident.label].into_iter().chain(told.map(|(_, label)| label));
    let known = keys.map(|key| {
        let label = labels::get(reader, &REALM, key)?;
        label.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))
    });
    strictest(entry, &known.collect::<Result<Vec<Label>, StoreError>>()?)
}

fn strictest(entry: &RoomEntry, labels: &[Label]) -> Result<Tlp, StoreError> {
    if words(&entry.says, Lang::En).is_none() {
        return Err(unfit("mail-entry", "an entry of this kind has no text that a mail would carry"));
    }
    let mut level = entry.label.tlp;
    for label in labels {
        if !label.demands.is_empty() {
            return Err(unfit("mail-cleared", "what asks for a clearance or an oath goes by no mail"));
        }
        if !label.statements.is_empty() || !label.unknown.is_empty() {
            let why =
                "the entry or its case is marked with more than a TLP level, which a mail would not carry";
            return Err(unfit("mail-terms", why));
        }
        level = level.max(match label.tlp {
            TlpLabel::Level(level) => level,
            // As strict as can be.
            TlpLabel::Unmarked => Tlp::Red,
        });
    }
    if level >= Tlp::Red {
        let why = "TLP:RED is for the persons whom it was told, and goes by no mail; have them open the room";
        return Err(unfit("mail-red", why));
    }
    Ok(level)
}

/// A language out of a request or a row.
pub(crate) fn language(tag: &str) -> Option<Lang> {
    match tag {
        "ja" => Some(Lang::Ja),
        "en" => Some(Lang::En),
        _ => None,
    }
}

/// The subject and the text of a mail; nothing for an entry that goes by none.
pub(crate) fn letter(content: &Content<'_>, lang: Lang) -> Option<(String, String)> {
    let pick = |ja, en| pick(lang, ja, en);
    let entry = content.entry;
    let label = format!("TLP:{}", content.level.name().to_uppercase());
    let (number, title) = content.case;
    let number = number.map(|number| format!(" {number}")).unwrap_or_default();
    // No title: a subject is shown where a text is not, on locked screens and in the logs of mail systems.
    let subject = match lang {
        Lang::Ja => format!("{label} [Yagura] 事案{number} の記入"),
        Lang::En => format!("{label} [Yagura] entry of case{number}"),
    };
    let organisation = name(content.organisation, lang);
    let (sender, of) = content.sender;
    let mut head = vec![
        format!("{}{number}: {}", pick("事案", "Case"), line(title)),
        format!(
            "{}: {} ({organisation}), {}",
            pick("書いた人", "Written by"),
            line(content.writer.unwrap_or(pick("システム", "the system"))),
            instant(entry.at)
        ),
    ];
    if !content.only.is_empty() {
        let names: Vec<&str> = content.only.iter().map(|one| name(one, lang)).collect();
        head.push(format!("{}: {}", pick("見られる組織", "Only for"), names.join(", ")));
    }
    head.push(format!("{}: {} ({})", pick("送った人", "Sent by"), line(sender), name(of, lang)));
    let body = cut(&words(&entry.says, lang)?, pick("（以下は部屋で）", "(the rest is in the room)"));
    let head = head.join("\n");
    let room = pick("部屋", "Room");
    let text = format!("{label}\n\n{head}\n\n{body}\n\n{room}: {}\n\n{label}\n", content.link);
    Some((subject, text))
}

/// What an entry says, for those kinds that say something in words.
fn words(says: &Says, lang: Lang) -> Option<String> {
    let pick = |ja, en| pick(lang, ja, en);
    Some(match says {
        Says::Note { text, .. } => text.clone(),
        Says::Reported { report, text } => {
            format!("{} {report}\n\n{text}", pick("状況報告", "Situation report"))
        }
        Says::Mailed(mail) => {
            let claims = pick(
                "届いたメールです。差出人も中身も、確かめられていません。",
                "A mail that came. Neither whom it is from nor what it says was proved.",
            );
            let (from, subject) = (pick("差出人", "From"), pick("件名", "Subject"));
            format!("{claims}\n{from}: {}\n{subject}: {}\n\n{}", mail.from, mail.subject, mail.text)
        }
        Says::Decided { question, options, chosen, reason, .. } => {
            let chosen = options.get(*chosen).map(String::as_str).unwrap_or_default();
            format!(
                "{}: {question}\n→ {chosen}\n{}: {reason}",
                pick("決定", "Decision"),
                pick("理由", "Reason")
            )
        }
        Says::TaskOffered { title, due, legal_basis, .. } => {
            let mut lines = vec![format!("{}: {title}", pick("依頼", "Task"))];
            lines.extend(due.map(|due| format!("{}: {}", pick("期限", "Due"), instant(due))));
            lines.extend(
                legal_basis.as_ref().map(|basis| format!("{}: {basis}", pick("法的根拠", "Legal basis"))),
            );
            lines.join("\n")
        }
        Says::SeverityDeclared { level, reason } => {
            format!("{}: {}\n{reason}", pick("重大度の宣言", "Severity declared"), level.level())
        }
        Says::Period { from, until, objectives } => {
            let period = pick("活動期間", "Operational period");
            format!("{period}: {} – {}\n{objectives}", instant(*from), instant(*until))
        }
        _ => return None,
    })
}

fn pick(lang: Lang, ja: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

fn name(names: &RoomName, lang: Lang) -> &str {
    match lang {
        Lang::Ja => &names.ja,
        Lang::En => &names.en,
    }
}

/// Japan's time, and UTC.
fn instant(at: Timestamp) -> String {
    let here = at.checked_add(JST).unwrap_or(at);
    format!("{} JST ({} UTC)", here.strftime("%Y-%m-%d %H:%M"), at.strftime("%Y-%m-%d %H:%M"))
}

/// A name or a title is one line, and begins no other.
fn line(text: &str) -> String {
    text.chars().map(|letter| if is_harmless(letter) { letter } else { ' ' }).collect()
}

/// The text without what a terminal or a reader of mail would act on, and `rest` where it is longer than a mail takes.
fn cut(text: &str, rest: &str) -> String {
    let plain = || text.chars().filter(|letter| matches!(letter, '\n' | '\t') || is_harmless(*letter));
    let cut: String = plain().take(TEXT_CHARS_MAX).collect();
    let is_cut = plain().nth(TEXT_CHARS_MAX).is_some();
    if is_cut { format!("{cut}\n… {rest}") } else { cut.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use case::room::Label as RoomLabel;

    use super::*;

    fn named(ja: &str, en: &str) -> RoomName {
        RoomName { ja: ja.to_owned(), en: en.to_owned(), here: None }
    }

    fn entry(tlp: Tlp, says: Says) -> RoomEntry {
        RoomEntry {
            case: "incident--00000000-0000-4000-8000-000000000001".parse().unwrap(),
            at: "2026-11-29T23:00:00Z".parse().unwrap(),
            by: Some("a".to_owned()),
            name: None,
            organisation: OrganisationId::parse("police").unwrap(),
            label: RoomLabel { tlp, only: None, stub: false },
            salt: "00".repeat(16),
            says,
        }
    }

    fn note(tlp: Tlp, text: &str) -> RoomEntry {
        entry(tlp, Says::Note { text: text.to_owned(), lane: None })
    }

    fn told(entry: &RoomEntry, title: &str, lang: Lang) -> (String, String) {
        let (police, coordinator) = (named("警察", "Police"), named("調整機関", "Coordinator"));
        let content = Content {
            entry,
            level: entry.label.tlp,
            case: (Some(17), title),
            writer: Some("山田"),
            organisation: &police,
            only: std::slice::from_ref(&coordinator),
            sender: ("佐藤", &coordinator),
            link: "https://hub.example.jp/cases/x/room",
        };
        letter(&content, lang).unwrap()
    }

    #[test]
    fn the_label_begins_the_subject_and_is_the_first_and_the_last_line() {
        let (subject, text) = told(&note(Tlp::AmberStrict, "止まっています\n"), "浄水場の異常", Lang::Ja);
        assert_eq!(subject, "TLP:AMBER+STRICT [Yagura] 事案 17 の記入");
        assert_eq!(
            text,
            "TLP:AMBER+STRICT\n\n事案 17: 浄水場の異常\n書いた人: 山田 (警察), 2026-11-30 08:00 JST (2026-11-29 23:00 UTC)\n\
             見られる組織: 調整機関\n送った人: 佐藤 (調整機関)\n\n止まっています\n\n部屋: https://hub.example.jp/cases/x/room\n\n\
             TLP:AMBER+STRICT\n"
        );
        let (subject, text) = told(&note(Tlp::Clear, "stopped"), "Water works", Lang::En);
        assert_eq!(subject, "TLP:CLEAR [Yagura] entry of case 17");
        assert!(text.starts_with("TLP:CLEAR\n\nCase 17: Water works\nWritten by: "), "{text}");
        assert!(text.contains("Only for: Coordinator\n") && text.ends_with("\n\nTLP:CLEAR\n"), "{text}");
    }

    #[test]
    fn a_title_begins_no_line_and_a_text_turns_nothing_around() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        let (subject, text) = told(&note(Tlp::Green, "a\u{202e}b\u{1b}[2J"), "t\r\nTLP:CLEAR", Lang::En);
        assert!(!subject.contains(['\r', '\n']), "{subject}");
        assert!(text.contains("Case 17: t  TLP:CLEAR\n") && text.contains("\nab[2J\n"), "{text}");
        let (_, text) = told(&note(Tlp::Green, &long), "t", Lang::En);
        assert!(text.contains("\n… (the rest is in the room)\n"));
    }

    #[test]
    fn it_goes_under_the_strictest_level_and_what_is_red_or_asks_for_more_goes_by_no_mail() {
        let police = OrganisationId::parse("police").unwrap();
        let marked = |tlp| Label { tlp, ..Label::unmarked(&police, &REALM) };
        let at = |level| marked(TlpLabel::Level(level));
        let check = |entry: &RoomEntry, labels: &[Label], expected: Option<Tlp>| {
            assert_eq!(strictest(entry, labels).ok(), expected, "{entry:?} {labels:?}");
        };
        let amber = note(Tlp::Amber, "x");
        check(&amber, &[at(Tlp::Amber), at(Tlp::Green)], Some(Tlp::Amber));
        check(&amber, &[at(Tlp::Amber), at(Tlp::AmberStrict)], Some(Tlp::AmberStrict));
        check(&note(Tlp::Red, "x"), &[], None);
        check(&amber, &[at(Tlp::Amber), at(Tlp::Red)], None);
        check(&amber, &[marked(TlpLabel::Unmarked)], None);
        let term = Id::new("marking-definition", uuid::Uuid::from_u128(1));
        check(&amber, &[Label { statements: [term.clone()].into(), ..at(Tlp::Amber) }], None);
        check(&amber, &[Label { unknown: [term].into(), ..at(Tlp::Amber) }], None);
        check(&entry(Tlp::Green, Says::Commands), &[at(Tlp::Green)], None);
    }
}
