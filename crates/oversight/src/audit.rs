use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::organisation::vocabulary;
use crate::{OrganisationId, Purpose, Realm};

vocabulary! {
    /// What was done; a stable name each.
    Action {
        /// Objects were accepted into the log.
        ObjectsAdded = "objects-added",
        /// Objects were withdrawn from a collection.
        ObjectsDeleted = "objects-deleted",
        /// Objects were shown to another organisation.
        ObjectsReleased = "objects-released",
        /// The same id and version came with other content and was kept out.
        ContentConflict = "content-conflict",
        /// Somebody signed in.
        SignedIn = "signed-in",
        /// Somebody signed out, or a session was ended.
        SignedOut = "signed-out",
        /// A request was refused: sign-in, permission, signature.
        Refused = "refused",
        /// A person's sign-in means changed: passkey or password added or removed.
        CredentialChanged = "credential-changed",
        /// A token was issued.
        TokenIssued = "token-issued",
        /// A token was revoked.
        TokenRevoked = "token-revoked",
        /// An organisation was added or changed.
        OrganisationChanged = "organisation-changed",
        /// A person was added or changed.
        PersonChanged = "person-changed",
        /// An edge was registered, changed or removed.
        EdgeChanged = "edge-changed",
        /// Sightings came from an edge.
        SightingsReceived = "sightings-received",
        /// A case was opened.
        CaseOpened = "case-opened",
        /// A case was changed: severity, entry, assignment, state.
        CaseChanged = "case-changed",
        /// Somebody sent an entry of a case room to people by mail.
        EntryMailed = "entry-mailed",
        /// A root of the node's own certificate authority was made or retired.
        CertificateAuthorityChanged = "certificate-authority-changed",
        /// A certificate of an edge, a program or the hub was issued.
        CertificateIssued = "certificate-issued",
        /// A certificate was revoked.
        CertificateRevoked = "certificate-revoked",
        /// A person's clearance or oath was asked for, confirmed, refused, or ended.
        QualificationChanged = "qualification-changed",
        /// Somebody opened for itself what it may not see, in an emergency.
        EmergencyRaised = "emergency-raised",
        /// An emergency was ended before its time.
        EmergencyEnded = "emergency-ended",
        /// Another person said whether an emergency was justified.
        EmergencyReviewed = "emergency-reviewed",
        /// The recovery of an account was asked for, approved, refused or used.
        RecoveryChanged = "recovery-changed",
        /// An identity provider was registered, suspended, resumed or removed.
        ProviderChanged = "provider-changed",
        /// A peer hub was added, changed, suspended, resumed or removed.
        PeerChanged = "peer-changed",
        /// A peer hub was told that it may no longer hold objects.
        ObjectsTakenBack = "objects-taken-back",
        /// A search was saved, with or without alerts, or forgotten.
        SearchSaved = "search-saved",
        /// A person decided that two objects are one, or are not, or undid that.
        SamenessDecided = "sameness-decided",
        /// An organisation graded a source.
        SourceGraded = "source-graded",
        /// An organisation declared what it runs.
        ProductsDeclared = "products-declared",
        /// An agreement was drafted, or a party signed, suspended, resumed or ended its side.
        AgreementChanged = "agreement-changed",
        /// A sharing group was made, or an organisation joined or left one.
        SharingGroupChanged = "sharing-group-changed",
        /// Somebody asked who can see an object and why, or who could.
        AudienceAsked = "audience-asked",
        /// The policies in force changed.
        PolicyChanged = "policy-changed",
        /// Somebody proposed other policies, or what was proposed was refused at once.
        PolicyProposed = "policy-proposed",
        /// Proposed policies were approved, refused or taken back, or their time was over.
        PolicyProposalDecided = "policy-proposal-decided",
        /// Who may see an object was changed: its marking, or a grant to an organisation.
        ReleaseChanged = "release-changed",
        /// Somebody asked an originator for release of an object.
        ReleaseRequested = "release-requested",
        /// The originator answered, or the asker took its request back.
        ReleaseAnswered = "release-answered",
        /// What was given out was recalled.
        ObjectsRecalled = "objects-recalled",
        /// A recipient acknowledged a recall.
        RecallAcknowledged = "recall-acknowledged",
        /// The council was asked a question.
        QuestionAsked = "question-asked",
        /// A question was answered.
        QuestionAnswered = "question-answered",
        /// A question was closed.
        QuestionClosed = "question-closed",
        /// A contribution was judged: confirmed, or a false alarm.
        ContributionJudged = "contribution-judged",
        /// A member reported with its name withheld; the actor is the report's pseudonym.
        ReportedAnonymously = "reported-anonymously",
        /// The key was changed to which the names of such reporters are sealed.
        SealKeyChanged = "seal-key-changed",
        /// The coordinator learnt who had reported.
        SealOpened = "seal-opened",
        /// Somebody asked the commission for an authorisation.
        AuthorisationRequested = "authorisation-requested",
        /// A commissioner signed a decision that takes more than one.
        AuthorisationAnswered = "authorisation-answered",
        /// The commission granted an authorisation.
        AuthorisationGranted = "authorisation-granted",
        /// A commissioner refused one.
        AuthorisationRefused = "authorisation-refused",
        /// A commissioner suspended one.
        AuthorisationSuspended = "authorisation-suspended",
        /// The commission let a suspended one count again.
        AuthorisationResumed = "authorisation-resumed",
        /// A commissioner revoked one.
        AuthorisationRevoked = "authorisation-revoked",
        /// Somebody looked at the list of what is looked for under an authorisation.
        AuthorisationListInspected = "authorisation-list-inspected",
        /// An edge signed for having used an authorisation.
        AuthorisationUsed = "authorisation-used",
        /// An edge handed in what it found under an authorisation.
        SelectionsReceived = "selections-received",
        /// Somebody was shown what was found under an authorisation.
        SelectionsSeen = "selections-seen",
        /// An edge handed in what one that keeps to its grants never sends.
        SelectionAnomaly = "selection-anomaly",
        /// Somebody with a grant asked for a round of private matching.
        PrivateRoundAsked = "private-round-asked",
        /// An operator's edge opened it.
        PrivateRoundOpened = "private-round-opened",
        /// It came to its end, or was broken off.
        PrivateRoundEnded = "private-round-ended",
        /// The edge signed for what was asked in it.
        PrivateRoundSigned = "private-round-signed",
        /// The commission had it worked out once more.
        PrivateRoundAudited = "private-round-audited",
        /// The time of what is kept is over: its class key is to be destroyed.
        ClassKeyEnded = "class-key-ended",
        /// A class key is gone, as the key service certified, and what was sealed under it was removed.
        ClassKeyDestroyed = "class-key-destroyed",
        /// A legal hold was asked for, placed or lifted.
        LegalHoldChanged = "legal-hold-changed",
        /// The commission was constituted, a change of it was proposed, or came into force.
        CommissionChanged = "commission-changed",
        /// The commission took a frame of what can be authorised into force, or a commissioner signed for it.
        FrameChanged = "frame-changed",
        /// Somebody took a request for an authorisation back.
        AuthorisationWithdrawn = "authorisation-withdrawn",
        /// Statistics of the commission were published.
        StatisticsPublished = "statistics-published",
        /// A report of an incident was begun, or something was added to one.
        ReportChanged = "report-changed",
        /// The form of a report was filed: its exact copy is named by its hash.
        ReportFiled = "report-filed",
        /// Whoever was given a copy answered it, or the answer was written down.
        ReportAnswered = "report-answered",
        /// Whoever was given a copy, or attachments with it, read them.
        ReportRead = "report-read",
        /// An organisation declared what its reports are filled with.
        ReportProfileDeclared = "report-profile-declared",
        /// A playbook was brought in.
        PlaybookAdded = "playbook-added",
        /// A run of a playbook was begun, or somebody did something in it.
        RunChanged = "run-changed",
        /// What a run wanted by itself was written down: steps, questions, orders.
        RunAdvanced = "run-advanced",
        /// Another hub asked for an order of an edge here, or somebody answered that.
        OrderAsked = "order-asked",
        /// Something was asked of people outside, or what became of it was noted.
        OutreachChanged = "outreach-changed",
        /// An edge reported on what it was ordered.
        OrderReported = "order-reported",
        /// Something happened to an item of evidence: its entry of custody is named by its hash.
        EvidenceChanged = "evidence-changed",
        /// Evidence left as a package, whose manifest is named by its hash.
        EvidenceExported = "evidence-exported",
        /// Somebody asked for evidence to be preserved or handed over, or such a request was answered.
        EvidenceRequested = "evidence-requested",
        /// The node started with this data folder.
        NodeStarted = "node-started",
        /// Nothing was done: an entry that keeps the length of the log from telling how much is.
        Padding = "padding",
    }
}

/// Whether the act was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was.
    Done,
    /// It was refused.
    Refused,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Actor {
    /// A person, by account id.
    Person {
        /// Account id.
        id: String,
        /// The person's organisation.
        organisation: OrganisationId,
    },
    /// A program, by the id of its token.
    Program {
        /// Token id (never the token).
        id: String,
        /// The organisation the token speaks for.
        organisation: OrganisationId,
    },
    /// An edge, by its id.
    Edge {
        /// Edge id.
        id: String,
        /// Its operator.
        organisation: OrganisationId,
    },
    /// The node itself.
    Node,
    /// Nobody who is known.
    Stranger,
}

/// One entry of the audit log: who did what to which objects, what for, and whether it was done. It holds ids and counts, never content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub actor: Actor,
    /// What for.
    pub purpose: Purpose,
    /// Whether it was done.
    pub outcome: Outcome,
    /// The objects concerned: STIX ids, or `#first-last` ranges of the log's sequence numbers where many are meant.
    pub objects: Vec<String>,
    /// Small facts, by name: counts, codes, recipient organisation.
    pub detail: BTreeMap<String, String>,
}

impl AuditEvent {
    /// An act that was done, on no object yet.
    #[must_use]
    pub fn done(action: Action, actor: Actor, purpose: Purpose) -> Self {
        Self { action, actor, purpose, outcome: Outcome::Done, objects: Vec::new(), detail: BTreeMap::new() }
    }

    /// An act that was refused.
    #[must_use]
    pub fn refused(actor: Actor, purpose: Purpose, code: &str) -> Self {
        Self { outcome: Outcome::Refused, ..Self::done(Action::Refused, actor, purpose) }.with("code", code)
    }

    /// Adds objects.
    #[must_use]
    pub fn on<I: Into<String>>(mut self, objects: impl IntoIterator<Item = I>) -> Self {
        self.objects.extend(objects.into_iter().map(Into::into));
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// The canonical record (RFC 8785) that the transparency log commits to, for an event at `at` in `realm`.
    #[must_use]
    pub fn record(&self, realm: &Realm, at: jiff::Timestamp) -> Vec<u8> {
        /// Written as it stands: a tree of values between would cost as much as all else of a leaf.
        #[derive(Serialize)]
        struct Record<'a> {
            v: u8,
            realm: String,
            at: String,
            event: &'a AuditEvent,
        }
        let record = Record { v: 1, realm: realm.to_string(), at: at.to_string(), event: self };
        serde_json_canonicalizer::to_vec(&record).unwrap_or_default()
    }

    /// What stands in the transparency log for a record: SHA-256 of salt and record, never a plain hash, so that a reader of the
    /// log cannot guess its way to the content.
    #[must_use]
    pub fn commitment(salt: &[u8; 32], record: &[u8]) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::new().chain_update([0x02]).chain_update(salt).chain_update(record).finalize().into()
    }
}
