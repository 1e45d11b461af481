use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tlog::{Frontier, Hash, leaf_hash};

use super::commission::Commission;
use super::decision::{Decided, DecisionError, Verdict};
use super::entry::{Entry, EntryKind};
use super::frame::Frame;
use super::list::{IndicatorList, ListError};
use super::quota::Quota;
use super::receipt::Use;
use super::terms::{Field, Terms, TermsError};
use crate::OrganisationId;

/// A grant with all that proves it, as an edge is given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// What was granted.
    pub terms: Terms,
    /// By whom.
    pub decided: Decided,
    /// The salt of the grant's commitment, in hexadecimal.
    pub salt: String,
    /// The grant's place in the log of authorisations.
    pub index: u64,
    /// Where the grant was suspended: the decision by which it counts again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumption: Option<Resumption>,
}

/// The commission's decision that a suspended grant counts again, with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// By whom.
    pub decided: Decided,
    /// The salt of its commitment, in hexadecimal.
    pub salt: String,
    /// Its place in the log of authorisations.
    pub index: u64,
}

impl Package {
    /// The record that the grant's entry commits to: terms and decision (RFC 8785).
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        self.decided.record(&self.terms)
    }
}

/// Why an edge does not do what it is asked to. The order is that of the checks: what is told is the first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The commission did not grant it.
    #[error("the commission did not grant it: {0}")]
    Decision(#[from] DecisionError),
    /// The decision is about something else than these terms, or is no grant.
    #[error("the decision is not a grant of these terms under the frame in force")]
    OtherTerms,
    /// The log shows no such grant there.
    #[error("the log of authorisations has no grant of this at entry {0}")]
    NotLogged(u64),
    /// No cosigned head of the log was seen for too long.
    #[error("no cosigned head of the log of authorisations was seen within the last {0} hours")]
    Stale(u32),
    /// The clock stands before what was witnessed.
    #[error("this machine's clock stands before the time that witnesses signed")]
    Clock,
    /// The commission stopped it.
    #[error("the commission has stopped it")]
    Stopped,
    /// It is not yet, or no more, in force.
    #[error("it is in force from {from} until {until}")]
    Time {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// It is about other operators.
    #[error("it is not about this operator")]
    Operator,
    /// No such terms can be granted under the frame.
    #[error("no such terms can be granted: {0}")]
    Terms(#[from] TermsError),
    /// Nothing is left for today, or the clock went back.
    #[error("it was used {0} times today, which is what was granted")]
    Quota(u32),
    /// The list is not the one that was granted.
    #[error(transparent)]
    List(#[from] ListError),
    /// It is private matching where a list was to be looked for, or the other way round.
    #[error("it is granted for private matching alone, or not for it")]
    Private,
    /// What was kept of a use is not about this.
    #[error("what was kept of an earlier use is about something else")]
    OtherUse,
}

/// What does not fit what this edge has seen of the log: evidence against whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The log is shorter than it was.
    #[error("the log of authorisations was rolled back: {seen} entries were seen, {shown} are shown")]
    RolledBack {
        /// How many were seen.
        seen: u64,
        /// How many are shown.
        shown: u64,
    },
    /// Another history.
    #[error("the log of authorisations shows another history than before")]
    Forked,
    /// The entries are not those between the two heads.
    #[error("{given} entries were given where {wanted} are missing")]
    Missing {
        /// How many were given.
        given: usize,
        /// How many are missing.
        wanted: u64,
    },
    /// An entry that is none.
    #[error(
        "entry {0} of the log of authorisations cannot be read, or bears a time before that of the one before it"
    )]
    Entry(u64),
}

/// A head of the log that a quorum of witnesses cosigned: made by whoever checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The time that the quorum vouches for.
    pub at: Timestamp,
}

/// Whose edge it is and what it goes by; its operator configures this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The operator.
    pub operator: OrganisationId,
    /// The edge.
    pub edge: String,
    /// Who decides.
    pub commission: Commission,
    /// By which rules.
    pub frame: Frame,
}

/// The edge's check. It has read every entry of the log of authorisations, so nothing can be hidden in it and nothing stopped goes
/// on; and it makes the one value that state-tasked work demands.
#[derive(Debug, Clone)]
pub struct Gate {
    trusted: Trusted,
    tree: Frontier,
    /// Grants by their entries.
    grants: BTreeMap<u64, Logged>,
    hour: Timestamp,
    witnessed: Option<Timestamp>,
    /// What was stopped, by the entry of its request: a grant that is logged a second time is no other one.
    stopped: BTreeMap<u64, Stop>,
}

/// A grant as the log shows it.
#[derive(Debug, Clone)]
struct Logged {
    commitment: String,
    /// The entry of its request.
    request: u64,
}

/// How what was stopped stands.
#[derive(Debug, Clone, Default)]
struct Stop {
    is_revoked: bool,
    /// Decisions since the grant: suspensions and resumptions.
    decisions: u32,
    /// The entry and commitment of the resumption, where that came last.
    resumed: Option<(u64, String)>,
}

/// How far the clock may stand behind what witnesses signed.
const CLOCK_BEHIND_MAX: SignedDuration = SignedDuration::from_mins(5);

impl Gate {
    /// A gate that has seen nothing yet, and so refuses everything.
    #[must_use]
    pub fn new(trusted: Trusted) -> Self {
        Self {
            trusted,
            tree: Frontier::new(),
            grants: BTreeMap::new(),
            hour: Timestamp::MIN,
            witnessed: None,
            stopped: BTreeMap::new(),
        }
    }

    /// How many entries of the log were seen.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.tree.size()
    }

    /// The time that witnesses vouched for last.
    #[must_use]
    pub fn witnessed(&self) -> Option<Timestamp> {
        self.witnessed
    }

    /// Follows the log to a cosigned head: `entries` are those since [`seen`](Self::seen), in order. Nothing is taken where anything
    /// does not fit.
    ///
    /// # Errors
    /// What does not fit.
    pub fn follow(&mut self, head: &Witnessed, entries: &[Vec<u8>]) -> Result<(), Contradiction> {
        let seen = self.seen();
        let wanted =
            head.size.checked_sub(seen).ok_or(Contradiction::RolledBack { seen, shown: head.size })?;
        if entries.len() as u64 != wanted {
            return Err(Contradiction::Missing { given: entries.len(), wanted });
        }
        let mut next = self.clone();
        for (index, bytes) in (seen..).zip(entries) {
            next.take(index, bytes).ok_or(Contradiction::Entry(index))?;
        }
        if next.tree.root() != head.root {
            return Err(Contradiction::Forked);
        }
        next.witnessed = Some(next.witnessed.map_or(head.at, |known| known.max(head.at)));
        *self = next;
        Ok(())
    }

    fn take(&mut self, index: u64, bytes: &[u8]) -> Option<()> {
        let entry = Entry::read(bytes).ok().filter(|entry| entry.hour >= self.hour)?;
        self.hour = entry.hour;
        let _ = self.tree.append(leaf_hash(bytes));
        let about = entry.of.filter(|of| *of < index);
        match (entry.kind, about) {
            (EntryKind::Grant, Some(request)) => {
                self.grants.insert(index, Logged { commitment: entry.commitment, request });
            }
            (EntryKind::Revoke, Some(grant)) => self.stop_of(grant)?.is_revoked = true,
            (EntryKind::Suspend, Some(grant)) => {
                let stop = self.stop_of(grant)?;
                stop.decisions = stop.decisions.saturating_add(1);
                stop.resumed = None;
            }
            // Whether the commission decided it, the package has to show.
            (EntryKind::Resume, Some(grant)) => {
                let stop = self.stop_of(grant)?;
                stop.decisions = stop.decisions.saturating_add(1);
                stop.resumed = Some((index, entry.commitment));
            }
            // They name what they are about.
            (EntryKind::Grant | EntryKind::Revoke | EntryKind::Suspend | EntryKind::Resume, None) => {
                return None;
            }
            _ => {}
        }
        Some(())
    }

    /// How what was granted at an entry stands; `None` where nothing was.
    fn stop_of(&mut self, grant: u64) -> Option<&mut Stop> {
        let request = self.grants.get(&grant)?.request;
        Some(self.stopped.entry(request).or_default())
    }

    /// Whether what the package says is granted and in force, now: what is being done under it may go on. Nothing is counted.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn stands(&self, package: &Package, now: Timestamp) -> Result<(), Refused> {
        self.granted(package)?;
        self.logged(package)?;
        self.in_force(package, now)?;
        Ok(package.terms.check(&self.trusted.frame)?)
    }

    /// Whether the edge may do what the package says, now. The use is counted first: the caller keeps [`Ask::quota`] on disk before
    /// it goes on with [`Ask::permit`].
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn ask(&self, package: &Package, quota: &Quota, now: Timestamp) -> Result<Ask, Refused> {
        self.stands(package, now)?;
        let terms = &package.terms;
        let spent = quota.spend(terms.id, terms.queries_per_day, now);
        let (quota, left) = spent.ok_or(Refused::Quota(terms.queries_per_day))?;
        Ok(Ask { used: self.use_of(package, terms.queries_per_day - left, now), terms: terms.clone(), quota })
    }

    /// Whether the edge may go on with a use that it counted, signed for, and was interrupted in: with the permission that it had.
    ///
    /// # Errors
    /// The first thing that is wrong; [`Refused::OtherUse`] where what was kept of the use is about something else.
    pub fn resume(
        &self,
        package: &Package,
        list: &IndicatorList,
        used: &Use,
        now: Timestamp,
    ) -> Result<Authorised, Refused> {
        self.stands(package, now)?;
        let terms = &package.terms;
        if terms.private.is_some() {
            return Err(Refused::Private);
        }
        list.check(&terms.list_root, terms.list_size)?;
        let ours = Use { count: used.count, ..self.use_of(package, used.number, used.at) };
        let is_ours = ours == *used && (1..=terms.queries_per_day).contains(&used.number) && used.at <= now;
        if !is_ours || used.count as usize != list.patterns.len() {
            return Err(Refused::OtherUse);
        }
        Ok(Authorised { terms: terms.clone(), used: ours })
    }

    fn use_of(&self, package: &Package, number: u32, at: Timestamp) -> Use {
        let terms = &package.terms;
        Use {
            authorisation: terms.id,
            grant: package.index,
            operator: self.trusted.operator.clone(),
            edge: self.trusted.edge.clone(),
            asked_by: terms.requested_by.clone(),
            asked: terms.list_root.clone(),
            count: 0,
            at,
            number,
        }
    }

    /// Enough commissioners granted these terms, under the frame that this edge goes by.
    fn granted(&self, package: &Package) -> Result<(), Refused> {
        self.decided(&package.terms, &package.decided, Verdict::Grant)
    }

    /// Enough commissioners decided so on these terms, under the frame that this edge goes by.
    fn decided(&self, terms: &Terms, decided: &Decided, verdict: Verdict) -> Result<(), Refused> {
        let Trusted { commission, frame, .. } = &self.trusted;
        decided.verify(commission, frame)?;
        let decision = &decided.decision;
        let is_of_these = decision.verdict == verdict
            && decision.authorisation == terms.id
            && decision.kind == terms.kind
            && decision.terms == hex::encode(terms.digest())
            && decision.frame == hex::encode(frame.digest());
        is_of_these.then_some(()).ok_or(Refused::OtherTerms)
    }

    /// The log has the grant where the package says.
    fn logged(&self, package: &Package) -> Result<(), Refused> {
        let logged = self.grants.get(&package.index);
        let is_there = logged.is_some_and(|logged| {
            logged.request == package.decided.decision.request
                && commitment(&package.salt, &package.record()).as_ref() == Some(&logged.commitment)
        });
        is_there.then_some(()).ok_or(Refused::NotLogged(package.index))
    }

    /// Nobody stopped the grant, or the commission let it count again: the hub's word is not enough for that.
    fn goes_on(&self, package: &Package) -> Result<(), Refused> {
        let Some(stop) = self.stopped.get(&package.decided.decision.request) else { return Ok(()) };
        let resumption = package.resumption.as_ref().filter(|_| !stop.is_revoked);
        let (Some(resumption), Some((index, logged))) = (resumption, &stop.resumed) else {
            return Err(Refused::Stopped);
        };
        let Resumption { decided, salt, .. } = resumption;
        self.decided(&package.terms, decided, Verdict::Resume)?;
        // Each decision has its number, so that an older resumption ends no later suspension.
        let is_this = resumption.index == *index
            && commitment(salt, &decided.record(&package.terms)).as_ref() == Some(logged)
            && decided.decision.request == package.decided.decision.request
            && decided.decision.number == package.decided.decision.number.saturating_add(stop.decisions);
        is_this.then_some(()).ok_or(Refused::Stopped)
    }

    /// What was seen of the log is new enough, nobody stopped the grant, and it is about this operator and this time.
    fn in_force(&self, package: &Package, now: Timestamp) -> Result<(), Refused> {
        let Trusted { frame, operator, .. } = &self.trusted;
        let stale = Refused::Stale(frame.checkpoint_hours_max);
        let witnessed = self.witnessed.ok_or(stale.clone())?;
        if now.duration_since(witnessed) > SignedDuration::from_hours(frame.checkpoint_hours_max.into()) {
            return Err(stale);
        }
        if witnessed.duration_since(now) > CLOCK_BEHIND_MAX {
            return Err(Refused::Clock);
        }
        self.goes_on(package)?;
        let Terms { from, until, operators, .. } = &package.terms;
        if !(*from..*until).contains(&now) {
            return Err(Refused::Time { from: *from, until: *until });
        }
        operators.contains(operator).then_some(()).ok_or(Refused::Operator)
    }
}

/// The commitment of a record, in hexadecimal; `None` where the salt is none.
fn commitment(salt: &str, record: &[u8]) -> Option<String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(salt, &mut bytes).ok()?;
    Some(hex::encode(Entry::commitment_of(&bytes, record)))
}

/// A use that passed every check but that of the list. It counts as a use, whatever comes of it.
#[derive(Debug)]
pub struct Ask {
    terms: Terms,
    used: Use,
    quota: Quota,
}

impl Ask {
    /// What is used up from now on: to be on disk before the list is looked at.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The permission to look for this list.
    ///
    /// # Errors
    /// [`Refused::List`] where it is another one, or longer.
    pub fn permit(self, list: &IndicatorList) -> Result<Authorised, Refused> {
        if self.terms.private.is_some() {
            return Err(Refused::Private);
        }
        list.check(&self.terms.list_root, self.terms.list_size)?;
        let count = u32::try_from(list.patterns.len()).unwrap_or(u32::MAX);
        Ok(Authorised { terms: self.terms, used: Use { count, ..self.used } })
    }

    /// The permission to hold a round of private matching: there is no list to be looked at.
    ///
    /// # Errors
    /// [`Refused::Private`] where something else was granted.
    pub fn permit_round(self) -> Result<AuthorisedRound, Refused> {
        let rounds = self.terms.round_at(&self.used.operator).ok_or(Refused::Private)?;
        Ok(AuthorisedRound { terms: self.terms, rounds, used: self.used })
    }
}

/// A proof: the commission granted it, the log has it, it is in force, counted, and about this list. Made by [`Ask::permit`] and
/// [`Gate::resume`] alone. It was right when it was made: whoever goes on with it asks [`Gate::stands`] whether it still is.
///
/// ```compile_fail
/// use oversight::authorisation::{Authorised, Terms, Use};
/// fn forge(terms: Terms, used: Use) -> Authorised {
///     Authorised { terms, used } // the fields are private
/// }
/// ```
#[derive(Debug)]
pub struct Authorised {
    terms: Terms,
    used: Use,
}

impl Authorised {
    /// What was granted.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What to sign for.
    #[must_use]
    pub fn used(&self) -> &Use {
        &self.used
    }

    /// Whether a field may leave.
    #[must_use]
    pub fn lets_out(&self, field: Field) -> bool {
        self.terms.fields.contains(&field)
    }

    /// Until when one use lasts, exclusively: each is an equal part of a day, so that as many as were granted cover one.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        let part = SignedDuration::from_hours(24)
            / i32::try_from(self.terms.queries_per_day.max(1)).unwrap_or(i32::MAX);
        self.used.at.checked_add(part).map_or(self.terms.until, |end| end.min(self.terms.until))
    }
}

/// A proof: the commission granted private matching, the log has it, it is in force and counted. Made by [`Ask::permit_round`] alone, and
/// demanded by whatever makes a set of what an operator has.
#[derive(Debug)]
pub struct AuthorisedRound {
    terms: Terms,
    rounds: oprf::Terms,
    used: Use,
}

impl AuthorisedRound {
    /// What was granted.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The same as the ledger of rounds takes it.
    #[must_use]
    pub fn rounds(&self) -> &oprf::Terms {
        &self.rounds
    }

    /// What to sign for: the round that was opened with this message.
    #[must_use]
    pub fn used(&self, opening: &[u8]) -> Use {
        use sha2::{Digest, Sha256};
        Use { asked: hex::encode(Sha256::digest(opening)), count: self.rounds.elements, ..self.used.clone() }
    }
}
