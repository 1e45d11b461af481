//! Why a gate refuses an order, why somebody may not answer a question, why a receipt proves nothing, and why the program itself enters something into a custody log: each reason once, with a stable code, its English text and what stands in its places.
//!
//! What a gate says is written down as text, in events, reports and what hubs tell one another, and is to be read for years. So a reason is said by
//! its text, and found again in it: the code is for consoles that say it in their readers' languages, and for programs. A text that no reason
//! has said is told as it stands.

use std::collections::BTreeMap;
use std::fmt::Display;

/// What stands before what a hub's gate says, and behind its name.
const GATE: (&str, &str) = ("gate `", "`: ");
/// What stands before what a gate says, where a hub tells it of a run: the order was not given.
pub const NOT_ORDERED: &str = "not ordered: ";
/// The same where it was given, and the edge did not take it.
pub const AT_EDGE: &str = "refused at the edge: ";
/// These, each with its stable word.
const BEFORE: [(&str, &str); 2] = [(NOT_ORDERED, "not-ordered"), (AT_EDGE, "at-edge")];
/// The words that an edge's gates begin with.
const EDGE_GATES: [&str; 8] =
    ["time", "end", "device", "allow-list", "protected", "radius", "consent", "command"];

macro_rules! reasons {
    ($(#[$about:meta])* $name:ident: $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)+) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its stable code.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }

            /// Its English text, with `{names}` where something stands.
            #[must_use]
            pub fn text(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
        }
    };
}

reasons! {
    /// A reason of a gate.
    Reason:
    /// No authority is named.
    NoBasis = "no-basis", "the step names no legal basis";
    /// What is named is not known.
    BasisNotFound = "basis-not-found", "what the step names was not found among the authorisations, orders and consents that stand here";
    /// What is named does not hold there.
    ReferenceNotHere = "reference-not-here", "`{reference}` does not hold now in the network of `{operator}`";
    /// An authorisation of the commission's that is not known.
    AuthorisationUnknown = "authorisation-unknown", "authorisation {id} is not known here";
    /// One that was not granted, or does not stand any more.
    AuthorisationNotInForce = "authorisation-not-in-force", "authorisation {id} is not in force";
    /// One for another time.
    AuthorisationNotNow = "authorisation-not-now", "authorisation {id} does not hold at this time";
    /// One for other operators.
    AuthorisationNotForOperator = "authorisation-not-for-operator", "authorisation {id} is not for this operator's network";
    /// The playbook went.
    PlaybookGone = "playbook-gone", "the playbook `{playbook}` is not here any more";
    /// Its creator revoked it.
    PlaybookWithdrawn = "playbook-withdrawn", "its creator withdrew the playbook";
    /// PAP forbids an active deed.
    PapForbids = "pap-forbids", "PAP:{level} allows no active deed";
    /// TLP:RED goes to persons.
    TlpRed = "tlp-red", "TLP:RED is for persons, and no edge is told of it";
    /// TLP:AMBER+STRICT stays within.
    TlpAmberStrict = "tlp-amber-strict", "TLP:AMBER+STRICT stays within one organisation, and the edge is another's";
    /// The case may not be told to the hub whose edge it is.
    CaseNotForHub = "case-not-for-hub", "the case may not be told to the hub `{peer}`";
    /// Something that is never acted against.
    Protected = "protected", "`{target}` touches `{protected}`, which is protected: choose narrower targets";
    /// Nothing is named.
    NamesNothing = "names-nothing", "it names nothing, so nothing bounds it";
    /// Too much is named.
    TooManyAddresses = "too-many-addresses", "it names {count} addresses and may name {most}";
    /// A name that is not one organisation's.
    TopLevel = "top-level", "`{name}` is a whole top-level domain";
    /// Something that nobody can bound.
    Unbounded = "unbounded", "nobody here can say how much {what} hits";
    /// Too many orders of one organisation.
    OrganisationRate = "organisation-rate", "your organisation ordered {count} times within an hour and may {most} times";
    /// Too many orders of one step.
    StepRate = "step-rate", "this step ordered {count} times within an hour and may {most} times";
    /// Without an end.
    NoEnd = "no-end", "it has no end";
    /// Over before it began.
    EndsAtOnce = "ends-at-once", "it ends at once";
    /// Too long.
    TooLong = "too-long", "it would last {asked} ms and may last {most} ms";
    /// Too large a network.
    TooWide = "too-wide", "a network of prefix length {length} is too large: at least {least}";
    /// Too few agreed, to an order to one's own edge.
    TooFewOwn = "too-few-own", "{given} organisations agreed, by people who may still do so, and {needed} must for one of your own; the step's safeguards have to ask for as many";
    /// Too few agreed, to an order to another organisation's edge.
    TooFewOther = "too-few-other", "{given} organisations agreed, by people who may still do so, and {needed} must for another organisation's; the step's safeguards have to ask for as many";
    /// The step asks too few, for one's own edge.
    AsksTooFewOwn = "asks-too-few-own", "the step's safeguards ask {asks} organisations to agree, and {needed} must for one of your own";
    /// The step asks too few, for another organisation's edge.
    AsksTooFewOther = "asks-too-few-other", "the step's safeguards ask {asks} organisations to agree, and {needed} must for another organisation's";
    /// Too few agreed to what another hub asks for.
    TooFewHere = "too-few-here", "{given} organisations agreed here, by people who may still do so, and {needed} must";
    /// Nobody approves alone.
    NotAlone = "not-alone", "nobody approves alone here, or nothing that lasts so long";
    /// Nobody who counts agreed.
    NobodyAgreed = "nobody-agreed", "nobody who may still do so agreed";
    /// Agents need two.
    NoAgentAlone = "no-agent-alone", "no agent is asked on the word of one person alone";
    /// Nothing to undo.
    NotAnInverse = "not-an-inverse", "it is not the inverse of an order that was given";
    /// At the edge: without an end.
    EdgeNoEnd = "edge-no-end", "it says no time at which it ends";
    /// At the edge: too long.
    EdgeTooLong = "edge-too-long", "it would last {minutes} minutes; at most {most} are taken";
    /// At the edge: too early.
    EdgeTooEarly = "edge-too-early", "it begins too far ahead";
    /// At the edge: nothing does such a thing.
    EdgeNoDevice = "edge-no-device", "nothing here carries out such a thing";
    /// At the edge: its operator's list has it not.
    EdgeNotAllowed = "edge-not-allowed", "the operator lets {issuer} order nothing against {target}";
    /// At the edge: a protected name.
    EdgeProtectedName = "edge-protected-name", "{name} has {own} in it, or is in it";
    /// At the edge: a protected network.
    EdgeProtectedNetwork = "edge-protected-network", "{target} has addresses of {own}";
    /// At the edge: what it needs to be reached.
    EdgeProtectedMachine = "edge-protected-machine", "{address} is this machine, its gateway, its name server or the hub";
    /// At the edge: what is protected is not known.
    EdgeListUnreadable = "edge-list-unreadable", "a list of what is protected cannot be read: {cause}";
    /// At the edge: too large a network.
    EdgeTooWide = "edge-too-wide", "{target} is wider than /{least}";
    /// At the edge: too many addresses.
    EdgeTooMany = "edge-too-many", "{target} is more than {most} addresses";
    /// At the edge: a name that is many organisations'.
    EdgeSuffix = "edge-suffix", "{name} is a suffix under which many have names";
    /// At the edge: too much stands.
    EdgeStanding = "edge-standing", "{most} orders stand already";
    /// At the edge: too much within an hour.
    EdgeRate = "edge-rate", "{issuer} has given {most} orders within an hour";
    /// At the edge: its operator said no.
    EdgeRefused = "edge-refused", "the edge's operator refuses it";
}

reasons! {
    /// Why the program itself enters something into the custody of evidence; people say it in words of their own.
    CustodyReason:
    /// It came.
    Received = "received", "brought into the case";
    /// It was sealed.
    Sealed = "sealed", "sealed at rest";
    /// Somebody was shown what is written about it.
    Viewed = "viewed", "its record was shown";
    /// Its class key is gone.
    TimeOver = "time-over", "the time of its retention class is over";
    /// A request was fulfilled by handing it over.
    HandedOver = "handed-over", "handed over as asked for";
    /// A request was fulfilled by keeping it.
    Preserved = "preserved", "preserved as asked for";
}

reasons! {
    /// Why somebody may not answer a question for approval that a run asks.
    AnswerReason:
    /// It was answered, it was withdrawn, or its time is over.
    NotOpen = "not-open", "the question is not open";
    /// Who asks is no approver, or no person.
    Approvers = "approvers", "approvers answer, in person";
    /// Who asks asked for the run.
    Asker = "asker", "who asked does not approve";
    /// A program of one's own organisation asked for the run.
    OwnProgram = "own-program", "a program of your organisation asked: another organisation approves";
    /// The playbook names approvers, and one's own organisation is none of them.
    OtherOrganisations = "other-organisations", "the playbook asks other organisations";
    /// The playbook keeps the organisation out that asked for the run.
    OwnOrganisation = "own-organisation", "the organisation that asked does not approve";
    /// Each organisation agrees once.
    AgreedAlready = "agreed-already", "your organisation has agreed already";
}

reasons! {
    /// Why the receipt of a filing at another hub does not prove the copy that it came after.
    ReceiptReason:
    /// It is signed with another key, or not at all.
    NotSigned = "not-signed", "it is not signed with the log's key on the other hub's card";
    /// The log does not hold what it says.
    NotInLog = "not-in-log", "what it says was filed does not stand in the log that it names";
    /// Another copy was filed.
    OtherCopy = "other-copy", "it is of another copy than the one that came";
    /// It is a receipt, and not the one that it is said to be.
    OtherFiling = "other-filing", "it is of another filing, or of one to somebody else";
    /// It is none.
    Malformed = "malformed", "it cannot be read as the receipt of a filing";
}

impl ReceiptReason {
    /// The reason of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl CustodyReason {
    /// The reason whose text this is.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.text() == text)
    }
}

/// A reason as it was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidReason {
    /// Where a hub tells it of a run: `not-ordered` or `at-edge`.
    pub refused: Option<&'static str>,
    /// The gate that said it, where the text names one.
    pub gate: Option<String>,
    /// Which.
    pub reason: Reason,
    /// What stands in its places, by their names.
    pub arguments: BTreeMap<&'static str, String>,
}

impl Reason {
    /// The reason in English, with what stands in its places; a place that nothing is given for stays as it is.
    #[must_use]
    pub fn say(self, arguments: &[(&str, &dyn Display)]) -> String {
        let mut said = String::new();
        for (literal, place) in parts(self.text()) {
            said.push_str(literal);
            let Some(place) = place else { continue };
            match arguments.iter().find(|(name, _)| *name == place) {
                Some((_, value)) => said.push_str(&value.to_string()),
                None => said.push_str(&format!("{{{place}}}")),
            }
        }
        said
    }

    /// What stands in the places of this reason, where a text is one that it said.
    fn found_in(self, text: &str) -> Option<BTreeMap<&'static str, String>> {
        let (mut rest, mut open, mut found) = (text, None, BTreeMap::new());
        for (literal, place) in parts(self.text()) {
            match open.take() {
                None => rest = rest.strip_prefix(literal)?,
                // Behind the last place comes the end; elsewhere the first that fits is taken.
                Some(name) => {
                    let (value, behind) = match place {
                        None => (rest.strip_suffix(literal)?, ""),
                        Some(_) => rest.split_once(literal)?,
                    };
                    if value.is_empty() {
                        return None;
                    }
                    found.insert(name, value.to_owned());
                    rest = behind;
                }
            }
            open = place;
        }
        rest.is_empty().then_some(found)
    }
}

/// The reason in a text that a gate said, here or elsewhere.
#[must_use]
pub fn said_in(text: &str) -> Option<SaidReason> {
    let before = BEFORE.iter().find_map(|(before, word)| Some((*word, text.strip_prefix(before)?)));
    let (refused, text) = before.map_or((None, text), |(word, rest)| (Some(word), rest));
    let of_hub = text.strip_prefix(GATE.0).and_then(|rest| rest.split_once(GATE.1));
    let of_edge = || text.split_once(": ").filter(|(word, _)| EDGE_GATES.contains(word));
    let (gate, text) = match of_hub.or_else(of_edge) {
        Some((gate, rest)) => (Some(gate.to_owned()), rest),
        None => (None, text),
    };
    Reason::ALL.iter().find_map(|reason| {
        let arguments = reason.found_in(text)?;
        Some(SaidReason { refused, gate: gate.clone(), reason: *reason, arguments })
    })
}

/// The literal pieces of a text, each with the name of the place behind it; the last one has none.
fn parts(text: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest.take()?;
        let Some((literal, behind)) = now.split_once('{') else { return Some((now, None)) };
        let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
        rest = Some(behind);
        Some((literal, Some(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reason: Reason) -> (String, BTreeMap<&'static str, String>) {
        let names = parts(reason.text()).filter_map(|(_, name)| name);
        let arguments: BTreeMap<&str, String> = names.map(|name| (name, format!("{name}-7"))).collect();
        let given: Vec<(&str, &dyn Display)> =
            arguments.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        (reason.say(&given), arguments)
    }

    #[test]
    fn every_reason_is_found_again_in_what_it_said() {
        for reason in Reason::ALL {
            let (text, arguments) = said(*reason);
            assert!(!text.contains('{'), "{text}");
            let radius = || Some("radius".to_owned());
            for (text, refused, gate) in [
                (text.clone(), None, None),
                (format!("gate `radius`: {text}"), None, radius()),
                (format!("radius: {text}"), None, radius()),
                (format!("{NOT_ORDERED}gate `radius`: {text}"), Some("not-ordered"), radius()),
                (format!("{AT_EDGE}radius: {text}"), Some("at-edge"), radius()),
            ] {
                let expected = SaidReason { refused, gate, reason: *reason, arguments: arguments.clone() };
                assert_eq!(said_in(&text), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn codes_are_one_each_and_what_nobody_said_is_not_found() {
        let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for text in [
            "",
            "gate `radius`: ",
            "it has no end, or has it",
            "a person's own words: no",
            "authorisation  is in force",
        ] {
            assert_eq!(said_in(text), None, "{text}");
        }
        let missing = Reason::TooWide.say(&[("length", &8)]);
        assert_eq!(missing, "a network of prefix length 8 is too large: at least {least}");
    }
}
