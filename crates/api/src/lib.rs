//! The hub's wire types, error codes and typed client.
//!
//! What is here is a promise to consoles, edges and programs; `openapi/hub.json` is made from it.

mod agreement;
mod authorisation;
mod board;
mod case;
mod certificate;
mod edge;
mod emergency;
mod error;
mod evidence;
mod graph;
mod identity;
mod knowledge;
mod mail;
mod node;
mod object;
mod order;
mod outreach;
mod peer;
mod playbook;
mod policy;
mod qualification;
mod reason;
mod release;
mod report;
mod room;
mod round;
mod run;
mod search;
mod secret;
mod selection;
mod sharing;
mod statistics;
mod stream;
mod taxii_link;

pub mod client;

pub use agreement::{
    AgreementEntry, AgreementInfo, AgreementList, AgreementOrders, AgreementSide, AgreementStep,
    AgreementTerm, AgreementText, Audience, AudiencePreview, AudienceReader, Explanation, NewSharingGroup,
    Reasons, RedactedCopies, RedactedCopy, Rule, SharingGroupInfo, SharingGroupList,
};
pub use authorisation::{
    AuthorisationEntry, AuthorisationInfo, AuthorisationList, AuthorisationWithdrawal, AuthorisedIndicators,
    Candidate, CharterProposal, CommissionMember, DecisionChallenge, EdgeAuthorisationLog,
    EdgeAuthorisations, EdgeKey, NewAuthorisation, NewCommission, NewDecision, NewResolution, Oversight,
    OversightRecord, OversightRecords, PendingDecision, ReceiptList, ReceiptOutcome, ReceiptRow,
    ReceiptsAccepted, ReceiptsPosted, StandingCommission, StandingFrame,
};
pub use board::{Board, MinuteCount, SectorState};
pub use case::{Case, CaseChange, CaseEntry, CaseList, CaseObjects, CaseSummary, NewCase, NewEntry};
pub use certificate::{CertificateInfo, CertificateList, NewCertificate, RootInfo};
pub use edge::{
    EdgeHealth, EdgeHello, EdgeLedgerEntry, EdgeList, EdgeStatus, Intelligence, IntelligenceChange, NewEdge,
    NewOpinion, NewSighting, OpinionsAccepted, OpinionsPosted, RegisteredEdge, SightingOutcome,
    SightingsAccepted, SightingsPosted, SourceHealth,
};
pub use emergency::{EmergencyInfo, EmergencyList, EmergencyReview, NewEmergency};
pub use error::{Code, Problem};
pub use evidence::{
    Evidence, EvidenceAskable, EvidenceAskableHub, EvidenceCustody, EvidenceDisposal, EvidenceDownload,
    EvidenceExport, EvidenceHold, EvidenceHoldLift, EvidenceItem, EvidenceLabel, EvidenceList, EvidenceNamed,
    EvidenceOffer, EvidenceOfferAnswer, EvidenceParty, EvidenceRequest, EvidenceRequestAnswer,
    EvidenceRequestList, EvidenceRequestStep, NewEvidence, NewEvidenceHold, NewEvidenceLabel,
    NewEvidenceOffer, NewEvidenceRequest,
};
pub use graph::{Graph, GraphCommon, GraphEdge, GraphNode, GraphPath, GraphWithheld};
pub use identity::{
    EndingInfo, EndingList, IdentityInfo, IdentityProvider, IdentityProviderChange, IdentityProviderList,
    NewIdentityProvider, NewRecovery, PersonChange, ProviderAddress, ProviderAnswer, ProviderStart, Recovery,
    RecoveryLink, RecoveryList, SessionInfo,
};
pub use knowledge::{
    Actor, ActorComparison, ActorList, ActorRow, Compared, FeedItem, FeedPage, Grade, Grades, KindCount,
    Leap, Matrix, MatrixCell, MatrixColumn, MatrixList, MatrixName, NewGrade, NewSameness, Product, Products,
    SamenessDecision, SamenessList, SamenessProposal, Score, ScoreStep, Tempo, TimeCount, Words,
};
pub use mail::{CaseMailTaken, NewOwnMail, NewRoomMail, OwnMail, RoomMailPart, RoomMailSent, RoomRecipients};
pub use node::{
    AuditList, AuditRow, ChallengeAnswer, NewOrganisation, NewPassword, NewPerson, NewToken, Node,
    Organisation, PasskeyChallenge, PasskeyInfo, PasskeyRegistration, PasswordSignIn, Person, PersonAdded,
    Session, SignInLink, TokenInfo, TokenIssued,
};
pub use object::{
    Ingested, Marking, ObjectDetail, ObjectPage, ObjectReferences, ObjectSummary, ObjectVersion, Reference,
    RefusedObject, ValueHit, WaitingObject,
};
pub use order::{
    AskedOrder, AskedOrderAnswer, AskedOrderList, EdgeOrder, EdgeOrders, GateReason, OrderContext, OrderHubs,
    OrderPerson, OrderReport, OrderReportsAccepted, OrderReportsPosted, OrderState,
};
pub use outreach::{NewOutreach, Outreach, OutreachChange, OutreachList, OutreachStep};
pub use peer::{
    NewPeer, NumberRun, ObjectRoute, OwnHub, Peer, PeerCard, PeerChange, PeerConflict, PeerCounts,
    PeerFolder, PeerLink, PeerList, PeerResend, PeerWay, QuarantinedFile, RouteHop, StrangerHub,
};
pub use playbook::{
    CodedText, NewPlaybook, Playbook, PlaybookAdded, PlaybookAgent, PlaybookCommand, PlaybookEdge,
    PlaybookFinding, PlaybookGraph, PlaybookList, PlaybookStep, PlaybookSummary, PlaybookVariable,
    StepSafeguards,
};
pub use policy::{
    NewPolicyProposal, PoliciesInForce, PolicyDecision, PolicyEffect, PolicyExample, PolicyFile,
    PolicyFindings, PolicyProof, PolicyProposal, PolicyProposalList,
};
pub use qualification::{
    DefinedQualification, DefinedQualifications, HeldQualification, NewQualification, QualificationEnd,
    QualificationList,
};
pub use reason::{REASONS, is_reason};
pub use release::{GivenObject, ReleaseList, ReleaseRow};
pub use report::{
    NewReport, NewReportAnswer, NewReportEvent, NewReportEvents, NewReportFiling, NewReportPrefill, Report,
    ReportCase, ReportCatalogue, ReportChoice, ReportDuty, ReportDutyList, ReportEvent, ReportField,
    ReportFile, ReportFileTaken, ReportFiling, ReportFinding, ReportForm, ReportLine, ReportList,
    ReportMoment, ReportProfile, ReportReceipt, ReportReceiver, ReportReceiverHub, ReportReceiverList,
    ReportRecipient, ReportRegime, ReportReply, ReportStated, ReportSummary, ReportTaken, ReportValue,
    SeverityFactor, SeverityLevel,
};
pub use room::{
    Campaign, CampaignCase, NewRoomEntries, NewRoomEntry, NewRoomEntryOf, NewRoomIndicators,
    NewRoomPublication, NewRoomSeverity, Room, RoomBrief, RoomCase, RoomCaseList, RoomDecision, RoomHandOver,
    RoomHere, RoomIndicatorsTaken, RoomLabel, RoomLine, RoomName, RoomPeriod, RoomPerson, RoomPresence,
    RoomPresent, RoomReader, RoomReport, RoomReported, RoomSays, RoomSeverity, RoomSituation, RoomTaken,
    RoomTakenList, RoomTask, RoomText, RoomThing, RoomValue, RoomValues, SimilarBecause, SimilarCase,
    SimilarCases,
};
pub use round::{
    EdgeRound, EdgeRounds, NewPrivateMatching, NewRound, NewRoundAudit, RoundAudit, RoundFound, RoundInfo,
    RoundList,
};
pub use run::{
    LoneApproval, LoneApprovalList, LoneApprovalReview, NewRun, OrderInfo, OrderKey, OrderList, OrderUndo,
    Rollout, Run, RunAnswer, RunCancel, RunCommand, RunDispatch, RunEvent, RunFound, RunList, RunPause,
    RunQuestion, RunRadius, RunState, RunStep, RunSummary, RunTask, RunTaskDone, RunTaskFailed, RunVariable,
};
pub use search::{
    FacetCount, Facets, NewSavedSearch, SavedSearch, SavedSearchAdded, SearchAlert, SearchTerms, StreamAlert,
};
pub use secret::Secret;
pub use selection::{
    AuthorisationUse, LegalHoldInfo, LegalHoldList, NewLegalHold, RetentionEnd, SelectionAnomaly,
    SelectionCount, SelectionInfo, SelectionList, SelectionLook, SelectionOutcome, SelectionRecipient,
    SelectionsAccepted, SelectionsPosted,
};
pub use sharing::{
    AnonymousChange, AnonymousObject, AnonymousReceipt, AnonymousReport, AnonymousReportList,
    AnonymousReported, Contribution, ContributionList, MarkingChange, MarkingChanged, NewAnonymousReport,
    NewJudgement, NewQuestion, NewQuestionAnswer, NewRecall, NewReleaseRequest, Notice, NoticeList,
    NoticesSeen, Question, QuestionAnswer, QuestionList, Recall, RecallBeyond, RecallHolder, RecallList,
    ReleaseAnswer, ReleaseRequest, ReleaseRequestList, ScorePart, SealKey, SealOpened, SealOpening, Widening,
    WideningDecision, WideningList,
};
pub use statistics::{
    NewStatistics, PublicCommission, PublicFrame, PublicLog, PublicMeasure, PublicWitness,
    PublishedStatistics, StatisticsList, Transparency,
};
pub use stream::{StreamEvent, StreamSighting};
pub use taxii_link::{NewTaxiiLink, TaxiiLink, TaxiiLinkChange, TaxiiLinkList};
