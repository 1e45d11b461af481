//! An operator's own word on an indicator, as far as it may leave the operator's network.

use serde::{Deserialize, Serialize};
use stix::Id;
use stix::marking::Tlp;

use crate::organisation::vocabulary;
use crate::{Consent, Purpose, Withheld};

vocabulary! {
    /// How an operator judges an indicator: the negative half of the STIX vocabulary `opinion-enum` (2.1 §10.16).
    Judgement {
        /// It fires on what is harmless.
        Disagree = "disagree",
        /// It is plainly wrong.
        StronglyDisagree = "strongly-disagree",
    }
}

/// Longest explanation, in characters.
pub const EXPLANATION_CHARS_MAX: usize = 1_000;

/// A proof: this opinion was made by [`opine`] under a consent that covers it. There is no other constructor, but for
/// [`Opinion::unseal`], which takes only what [`Opinion::seal`] gave under the same key. It cannot hold telemetry: there is no
/// observation among what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    said: Said,
}

/// What an [`Opinion`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The indicator that is judged.
    pub indicator: Id,
    /// The judgement.
    pub judgement: Judgement,
    /// In the operator's own words, where it chose to send them.
    pub explanation: Option<String>,
    /// Whether it is taken back.
    pub withdrawn: bool,
    /// When it was first said.
    pub created: jiff::Timestamp,
    /// When this was said.
    pub modified: jiff::Timestamp,
    /// What it was let out for.
    pub purpose: Purpose,
    /// What it bears.
    pub marking: Tlp,
}

/// What a person decided about an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'w> {
    /// The judgement.
    pub judgement: Judgement,
    /// The operator's words, where they are to be sent.
    pub explanation: Option<&'w str>,
    /// Whether it is taken back.
    pub withdrawn: bool,
    /// When it was first said.
    pub created: jiff::Timestamp,
    /// When this was said.
    pub modified: jiff::Timestamp,
}

/// Makes the opinion that may leave, if the operator's consent covers it: opinions as such, the purpose, and the indicator's
/// marking, as for a sighting of it.
///
/// # Errors
/// Why it stays inside.
pub fn opine(
    (indicator, marking): (&Id, Option<Tlp>),
    word: &Word<'_>,
    purpose: Purpose,
    consent: &Consent,
) -> Result<Opinion, Withheld> {
    if !consent.opinions {
        return Err(Withheld::Opinion);
    }
    let marking = consent.covers(purpose, marking)?;
    let explanation = word.explanation.map(|text| {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        text.trim().chars().take(EXPLANATION_CHARS_MAX).map(plain).collect::<String>()
    });
    Ok(Opinion {
        said: Said {
            indicator: indicator.clone(),
            judgement: word.judgement,
            explanation: explanation.filter(|text| !text.is_empty()),
            withdrawn: word.withdrawn,
            created: word.created,
            modified: word.modified,
            purpose,
            marking: consent.marking_for(marking),
        },
    })
}

impl Opinion {
    /// What may be sent.
    #[must_use]
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// For `seal`: the other door through which a proof may come back.
    pub(crate) fn restored(said: Said) -> Self {
        Self { said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Consent), marking: Option<Tlp>, expected: Result<Tlp, Withheld>) {
        let mut consent = Consent {
            purposes: [Purpose::CollectiveDefence].into(),
            up_to: Some(Tlp::Amber),
            mark_as: Some(Tlp::Green),
            opinions: true,
            ..Consent::default()
        };
        change(&mut consent);
        let indicator = Id::parse("indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01").unwrap();
        let at = jiff::Timestamp::UNIX_EPOCH;
        let word = Word {
            judgement: Judgement::Disagree,
            explanation: Some(" our own\nscanner "),
            withdrawn: false,
            created: at,
            modified: at,
        };
        let made = opine((&indicator, marking), &word, Purpose::CollectiveDefence, &consent);
        if let Ok(opinion) = &made {
            assert_eq!(opinion.said().explanation.as_deref(), Some("our own scanner"));
            let key = [7; 32];
            assert_eq!(Opinion::unseal(&opinion.seal(&key), &key).as_ref(), Some(opinion));
            assert_eq!(Opinion::unseal(&opinion.seal(&key), &[8; 32]), None);
        }
        assert_eq!(made.map(|opinion| opinion.said().marking), expected);
    }

    #[test]
    fn an_opinion_leaves_only_under_consent_and_never_freer_than_its_indicator() {
        check(|_| {}, Some(Tlp::Clear), Ok(Tlp::Green));
        check(|_| {}, Some(Tlp::Amber), Ok(Tlp::Amber));
        check(|_| {}, Some(Tlp::AmberStrict), Err(Withheld::Marking));
        check(|_| {}, None, Err(Withheld::Marking));
        check(|consent| consent.mark_as = None, Some(Tlp::Clear), Ok(Tlp::AmberStrict));
        check(|consent| consent.opinions = false, Some(Tlp::Clear), Err(Withheld::Opinion));
        check(|consent| consent.purposes.clear(), Some(Tlp::Clear), Err(Withheld::Purpose));
        check(|consent| consent.up_to = None, Some(Tlp::Clear), Err(Withheld::Marking));
    }
}
