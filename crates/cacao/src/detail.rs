//! What is said of playbooks: each sentence once, with its stable code, the code of its kind of finding, its English text, what to do about it,
//! and names for the places in it.
//!
//! Whoever says it in another language has a sentence of its own for each code, and puts the same values into the same places.

use std::collections::BTreeMap;
use std::fmt::Display;

macro_rules! details {
    ($($variant:ident = $kind:literal, $code:literal, $text:literal, $remedy:literal;)+) => {
        /// What is wrong with a playbook, or odd about it, one sentence each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Detail { $(#[doc = concat!("`", $code, "`")] $variant),+ }

        impl Detail {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its stable code: one for each sentence, where a kind of finding may have several.
            #[must_use]
            pub fn code(self) -> &'static str { match self { $(Self::$variant => $code),+ } }

            /// The kind of finding that it is.
            #[must_use]
            pub fn kind(self) -> &'static str { match self { $(Self::$variant => $kind),+ } }

            /// What is wrong, one English sentence without a full stop, with `{names}` where something stands.
            #[must_use]
            pub fn text(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// What to do about it. Nothing stands in it.
            #[must_use]
            pub fn remedy(self) -> &'static str { match self { $(Self::$variant => $remedy),+ } }
        }
    };
}

details! {
    DuplicateName = "duplicate-name", "duplicate-name", "the name stands twice in its object", "keep one of the two";
    TooManyFindings = "too-many-findings", "too-many-findings", "{count} more findings are not listed", "mend those that are listed and look again";
    TwoContents = "two-contents", "two-contents", "content and content_b64 are both there", "keep one of the two";
    OpenC2Method = "openc2-method", "openc2-method", "the method of an OpenC2 command is POST", "write `POST /path HTTP/1.1`";
    NoCommand = "no-command", "no-command", "there is neither command nor command_b64", "say what is to be done";
    CommandEmpty = "no-command", "no-command-empty", "the command is empty", "say what is to be done";
    TwoCommands = "two-commands", "two-commands", "command and command_b64 are both there", "keep one of the two";
    BetterBase64 = "better-base64", "better-base64", "the command has quotes, tabs, backslashes or line ends", "put it into command_b64, as §5 asks";
    EncodedEmpty = "bad-command", "bad-command-empty", "the command is empty", "encode the text of one command";
    EncodedTooLong = "bad-command", "bad-command-long", "the command is longer than a mebibyte", "encode the text of one command";
    EncodedNotUtf8 = "bad-command", "bad-command-utf8", "the command is not UTF-8", "encode the text of one command";
    StartLineParts = "bad-start-line", "bad-start-line-parts", "the start line does not have method, target and version", "write it as `POST /path HTTP/1.1`";
    StartLineNotHttp = "bad-start-line", "bad-start-line-http", "the start line is none of HTTP", "write it as `POST /path HTTP/1.1`";
    OpenC2Late = "openc2-late", "openc2-late", "the OpenC2 command is JSON only with its variables' values", "write variables within texts, where they can be checked";
    OpenC2NotJson = "bad-openc2", "bad-openc2-json", "the OpenC2 command is not JSON", "encode one OpenC2 command";
    OpenC2Refused = "bad-openc2", "bad-openc2-refused", "the OpenC2 command is refused: {refusal}", "encode one OpenC2 command";
    OpenC2Incomplete = "bad-openc2", "bad-openc2-incomplete", "the OpenC2 command does not have an action and one target", "encode one OpenC2 command";
    NameEmpty = "empty-name", "empty-name", "the name is empty", "give it a name";
    AuthenticationMissing = "missing-definition", "missing-authentication", "`{id}` is not among the authentication_info_definitions", "define it or refer to one that is there";
    BadPort = "bad-port", "bad-port", "the port is not between 1 and 65535", "write a port as a text";
    NoAddress = "bad-address", "bad-address-none", "there is no address", "name at least one address";
    HalfACoordinate = "half-a-coordinate", "half-a-coordinate", "latitude, longitude and precision are not complete", "give latitude and longitude together";
    DegreesOutOfRange = "out-of-range", "out-of-range-degrees", "`{name}` is not within {limit} degrees", "write decimal degrees";
    BadCountry = "bad-country", "bad-country", "the country is no ISO 3166-1 ALPHA-2 code", "write two capital letters";
    PlainSecret = "plain-secret", "plain-secret", "a secret stands in the playbook", "pass it in by an external variable or name a key of a key service";
    KmsWithoutKey = "kms-without-key", "kms-without-key", "kms is true and kms_key_identifier is missing", "name the key";
    MarkingMissing = "missing-definition", "missing-marking", "`{id}` is not among the data_marking_definitions", "define the marking: one that is not known denies everybody";
    RevokedMarking = "revoked-marking", "revoked-marking", "the marking is revoked", "use the marking that took its place";
    SeveralTlpLevels = "several-tlp-levels", "several-tlp-levels", "there are several levels of TLP", "keep one: the strictest counts";
    IdMismatch = "id-mismatch", "id-mismatch", "the id differs from its key", "make both the same";
    NeverValid = "never-valid", "never-valid", "valid_until is not after valid_from", "set valid_until after valid_from";
    TlpMismatch = "tlp-mismatch", "tlp-mismatch", "the identifier is that of {level} and the level is another", "use the identifier of the level that is meant";
    ExtensionMissing = "missing-definition", "missing-extension", "`{id}` is not among the extension_definitions", "define the extension";
    UnusedDefinition = "unused-definition", "unused-definition", "nothing refers to the definition", "delete it or refer to it";
    UuidReused = "uuid-reused", "uuid-reused", "the UUID of `{id}` is that of an object of another type as well", "give each object a UUID of its own";
    SafeguardsNotAnObject = "wrong-type", "wrong-type-safeguards", "safeguards are an object", "write an object";
    SafeguardsType = "bad-value", "bad-value-safeguards", "`type` is not `safeguards`", "write `safeguards`";
    UnknownSafeguard = "unknown-safeguard", "unknown-safeguard", "`{name}` is no property of safeguards", "delete it: nobody would keep it";
    SafeguardNotMilliseconds = "wrong-type", "wrong-type-safeguard-time", "the value is not milliseconds", "write a value of the type that the extension's schema gives";
    SafeguardNotABoolean = "wrong-type", "wrong-type-safeguard-boolean", "the value is not true or false", "write a value of the type that the extension's schema gives";
    SafeguardNotCommands = "wrong-type", "wrong-type-safeguard-commands", "the value is not a list of commands and nulls", "write a value of the type that the extension's schema gives";
    SafeguardNotANumber = "wrong-type", "wrong-type-safeguard-number", "the value is not a number", "write a value of the type that the extension's schema gives";
    SafeguardNotIdentities = "wrong-type", "wrong-type-safeguard-identities", "the value is not a list of identities", "write a value of the type that the extension's schema gives";
    SafeguardNotAText = "wrong-type", "wrong-type-safeguard-text", "the value is not a text", "write a value of the type that the extension's schema gives";
    SafeguardNotAPercentage = "wrong-type", "wrong-type-safeguard-percentage", "the value is not a percentage", "write a value of the type that the extension's schema gives";
    SafeguardNotAnObject = "wrong-type", "wrong-type-safeguard-object", "the value is not an object", "write a value of the type that the extension's schema gives";
    SafeguardsWithoutAction = "safeguards-without-action", "safeguards-without-action", "safeguards stand at a step that carries out no command", "put them at the action step";
    NoBasis = "no-basis", "no-basis", "the legal basis is empty", "name statute and article";
    InverseCount = "inverse-count", "inverse-count", "there are {inverses} inverses of {commands} commands", "give one inverse or null for each command, in their order";
    EffectOutOfRange = "out-of-range", "out-of-range-effect", "the effect would last no time or longer than 30 days", "write milliseconds up to 30 days";
    PrefixTooLong = "out-of-range", "out-of-range-prefix", "no prefix is that long", "write 32 or 128 at most";
    TrialOutOfRange = "out-of-range", "out-of-range-trial", "it would be tried for no time, or for as long as it may last", "write milliseconds, fewer together than `stop_after`";
    RolloutWithoutInverse = "rollout-without-inverse", "rollout-without-inverse", "a failure takes back what the step did, and not every command has an inverse", "give each command its inverse";
    BadInverse = "bad-inverse", "bad-inverse", "nobody can carry out the inverse: its type is not known", "use a type of command of the vocabulary";
    ApprovalCount = "approval-count", "approval-count", "the number of approvals can never be right", "ask for one at least and for no more than there are approvers";
    QuestionOutOfRange = "out-of-range", "out-of-range-question", "the question would stand no time or longer than 30 days", "write milliseconds up to 30 days";
    AloneOutOfRange = "out-of-range", "out-of-range-alone", "what one person agrees to alone would last no time, or as long as what several agree to", "write fewer milliseconds than `stop_after`";
    ApproverNotAnIdentity = "bad-identifier", "bad-identifier-approver", "the approver is no identity", "name the organisation's STIX identity";
    TranslationsNotAnObject = "wrong-type", "wrong-type-translations", "a language's texts are an object", "write place and text";
    TranslationOfNothing = "translation-of-nothing", "translation-of-nothing", "nothing that could be translated stands there", "name the place of a text";
    TooManyBranches = "too-many-branches", "too-many-branches", "there are more than {most} branches, or they share too much", "divide the playbook";
    BranchesTooDeep = "branches-too-deep", "branches-too-deep", "branches lie in branches more than {most} deep", "end the branch before the step that opened it, or move the inner part to a playbook of its own";
    SharedEnd = "shared-end", "shared-end", "the step belongs to the branch `{branch}` of `{step}` and to the branch `{other_branch}` of `{other_step}`", "give each branch an end step of its own";
    SharedEndOfFlow = "shared-end", "shared-end-flow", "the step belongs to the flow from `{first}` and to the branch `{branch}` of `{step}`", "give each branch an end step of its own";
    SharedStep = "shared-step", "shared-step", "the step belongs to the branch `{branch}` of `{step}` and to the branch `{other_branch}` of `{other_step}`", "let each branch end by itself and put what follows behind the step that opened them";
    SharedStepOfFlow = "shared-step", "shared-step-flow", "the step belongs to the flow from `{first}` and to the branch `{branch}` of `{step}`", "let each branch end by itself and put what follows behind the step that opened them";
    CycleOfBranch = "cycle", "cycle-branch", "the branch leads back to the step that opened it", "end the branch with an end step; the step that opened it is returned to by itself";
    Cycle = "cycle", "cycle", "the steps behind it lead back to it", "repeat by a while-condition step";
    UnreachableStep = "unreachable-step", "unreachable-step", "nothing leads to the step", "refer to it or delete it";
    MissingStep = "missing-step", "missing-step", "`{id}` is not in the workflow", "add the step or refer to one that is there";
    StartNotFirst = "start-not-first", "start-not-first", "a start step is led to from within the workflow", "lead to the step behind it";
    EndContinues = "end-continues", "end-continues", "an end step leads on", "delete on_completion, on_success and on_failure";
    StartWithSuccess = "start-with-success", "start-with-success", "a start step has on_success or on_failure", "use on_completion alone";
    CompletionAndSuccess = "completion-and-success", "completion-and-success", "on_completion stands beside on_success or on_failure", "keep on_completion or the other two";
    NoContinuation = "no-continuation", "no-continuation", "the step leads nowhere when it is done", "add on_completion or on_success, at last to an end step";
    ModifiedBeforeCreated = "modified-before-created", "modified-before-created", "the version is older than the playbook", "set modified to created or later";
    DerivedFromItself = "derived-from-itself", "derived-from-itself", "the playbook is derived from itself", "name the playbook that it comes from";
    NoDescription = "no-description", "no-description", "there is no description", "say what the playbook is for";
    NoActivities = "no-activities", "no-activities", "there are playbook_types and no playbook_activities", "list the activities that the commands carry out";
    ActivityWithoutStep = "activity-without-step", "activity-without-step", "no command has the activity `{activity}`", "name the activity at the command that carries it out";
    SectorNotListed = "sector-not-listed", "sector-not-listed", "the sector `{sector}` is not among the playbook's industry_sectors", "add it to industry_sectors";
    ReferenceNotListed = "reference-not-listed", "reference-not-listed", "the step has external references that the playbook does not list", "add them to the playbook's external_references";
    FalseSummary = "false-summary", "false-summary", "`{name}` is {said} and the playbook says {fact}", "make the summary say what the playbook uses";
    SignatureOfOther = "signature-of-other", "signature-of-other", "the signature is of another playbook or version", "remove it: it says nothing about this version";
    SignatureKey = "signature-key", "signature-key", "{count} of public_key, public_cert_chain, cert_url and thumbprint are there", "name the key in one way";
    CallsItself = "calls-itself", "calls-itself", "the playbook calls itself", "repeat by a while-condition step: calls are bounded in depth";
    NoStart = "no-start", "no-start", "there is no start step", "add a start step that leads to the first step";
    NoAction = "no-action", "no-action", "there is no action and no playbook-action", "add what the playbook is to do";
    NoEnd = "no-end", "no-end", "there is no end step", "add an end step that the last step leads to";
    SecondStart = "second-start", "second-start", "it is a start step and not workflow_start", "keep one start step and name it in workflow_start";
    StepNotUuid4 = "step-not-uuid4", "step-not-uuid4", "the step's identifier is not a UUIDv4", "give the step a UUIDv4, as §10.10 demands";
    VeryLong = "very-long", "very-long", "`{name}` is longer than a year", "write milliseconds";
    TimeoutZero = "timeout-zero", "timeout-zero", "the step has failed as soon as it begins", "leave the timeout out or set it above zero";
    NoName = "no-name", "no-name", "the step has no name", "name it: people read names while it runs";
    AgentMissing = "missing-definition", "missing-agent", "`{id}` is not among the agent_definitions", "define the agent";
    TargetMissing = "missing-definition", "missing-target", "`{id}` is not among the target_definitions", "define the target";
    TargetTwice = "target-twice", "target-twice", "the target stands twice", "name each target once: commands run on each of them";
    NoAddressee = "no-addressee", "no-addressee", "a `{kind}` command goes to nobody: neither target nor agent has an address", "give the step a target with an address";
    SingleBranch = "single-branch", "single-branch", "a parallel step has fewer than two branches", "lead to the step directly or add a branch";
    BranchTwice = "branch-twice", "branch-twice", "the branch stands twice", "name each first step once";
    ConditionTooLong = "bad-condition", "bad-condition-long", "the condition has {bytes} bytes, the limit is {most}", "write comparisons of `__name__:value` joined by AND and OR";
    ConditionSyntax = "bad-condition", "bad-condition-syntax", "the condition is no STIX expression: {cause}", "write comparisons of `__name__:value` joined by AND and OR";
    ConditionOverTime = "bad-condition", "bad-condition-time", "`{what}` asks for observations over time, which variables do not have", "write comparisons of `__name__:value` joined by AND and OR";
    ConditionNotAVariable = "bad-condition", "bad-condition-variable", "`{name}` is no variable's value: conditions ask about `__name__:value`", "write comparisons of `__name__:value` joined by AND and OR";
    ConditionUnusable = "bad-condition", "bad-condition-unusable", "the condition cannot be used: {cause}", "write comparisons of `__name__:value` joined by AND and OR";
    BadSwitch = "bad-switch", "bad-switch", "the switch is not one variable", "write it as `__name__:value`";
    SwitchWithoutValue = "variable-without-value", "variable-without-value-switch", "`:value` is missing behind the variable", "write it as `__name__:value`";
    NoDefault = "no-default", "no-default", "there is no case `default`: other values do nothing", "add a default if something is to happen";
    ExternalInStep = "external-in-step", "external-in-step", "a step's variable is external", "declare it at the playbook: nobody passes values to a step";
    VariableShadowed = "variable-shadowed", "variable-shadowed", "the playbook has a variable of this name as well", "give the step's variable another name";
    VariableValue = "variable-value", "variable-value", "the value is no `{kind}`", "write a value of the variable's type";
    ConstantWithoutValue = "constant-without-value", "constant-without-value", "a constant has no value and can never get one", "give it a value or make it external";
    VariableWithoutValue = "variable-without-value", "variable-without-value", "`{name}` stands without `:value`", "write `:value` behind the name where the value is meant";
    UndefinedVariable = "undefined-variable", "undefined-variable", "the variable `{name}` is not defined where it is used", "declare it at the step or at the playbook";
    ConstantChanged = "constant-changed", "constant-changed", "the constant `{name}` would be changed", "give the result to another variable";
    ConditionType = "condition-type", "condition-type", "`{name}` is a `{kind}` and is compared with something else", "compare it with a constant of its type: this is never true";
    CaseNever = "case-never", "case-never", "the case can never be: `{name}` is a `{kind}`", "write a value of the variable's type";
    UnusedVariable = "unused-variable", "unused-variable", "nothing uses the variable", "delete it or use it";
    NeverSet = "never-set", "never-set", "the variable is used and never gets a value", "give it a value, make it external, or name it in out_args";
    LoopNeverChanges = "loop-never-changes", "loop-never-changes", "nothing in the loop changes what the condition asks about", "set one of the condition's variables by out_args in the loop: it ends at the bound otherwise";
    VariableRace = "variable-race", "variable-race", "several branches set `{name}`: the last one to end wins", "give each branch a variable of its own";
    UnknownProperty = "unknown-property", "unknown-property", "`{name}` is no property of {class}", "delete the property or put it into an extension";
    MissingProperty = "missing-property", "missing-property", "`{name}` is missing", "add the property, which the specification demands";
    HeaderNotAList = "header-not-a-list", "header-not-a-list", "a header's value is one text", "write a list of texts";
    NotABoolean = "wrong-type", "wrong-type-boolean", "the value is not true or false", "write a value of the type that the specification gives";
    NotAnObject = "wrong-type", "wrong-type-object", "the value is not an object", "write a value of the type that the specification gives";
    NotAValue = "wrong-type", "wrong-type-value", "the value is not a text, null or an object; numbers and booleans are written as texts", "write a value of the type that the specification gives";
    NotAText = "wrong-type", "wrong-type-text", "the value is not a text", "write a value of the type that the specification gives";
    NotAWholeNumber = "wrong-type", "wrong-type-number", "the value is not a whole number", "write a value of the type that the specification gives";
    NotAList = "wrong-type", "wrong-type-list", "the value is not a list", "write a value of the type that the specification gives";
    NotAListOfTexts = "wrong-type", "wrong-type-texts", "the value is not a list of texts", "write a value of the type that the specification gives";
    BadTimestamp = "bad-timestamp", "bad-timestamp", "`{text}` is no timestamp", "write it as `2026-01-31T09:00:00.000Z`";
    TimestampPrecision = "timestamp-precision", "timestamp-precision", "`{text}` does not have exactly three digits of fraction", "write it as `2026-01-31T09:00:00.000Z`";
    BadBase64 = "bad-base64", "bad-base64", "the text is not base64", "encode it as RFC 4648 §4 says, with padding";
    FixedValue = "bad-value", "bad-value-fixed", "`{text}` stands where only `{must}` may", "write the value that the specification fixes";
    NotOneOf = "bad-value", "bad-value", "`{text}` is not one of: {known}", "choose a value of the enumeration";
    OutsideVocabulary = "outside-vocabulary", "outside-vocabulary", "`{text}` is not in the vocabulary", "choose a value of the vocabulary if one fits";
    BadIdentifier = "bad-identifier", "bad-identifier", "`{text}` is no identifier", "write it as `type--UUID`, with an RFC 4122 UUID";
    WrongReferenceType = "wrong-reference-type", "wrong-reference-type", "`{text}` refers to a `{kind}`, where only {known} may stand", "refer to an object of a type that may stand here";
    IdentifierCase = "identifier-case", "identifier-case", "`{text}` has capital letters", "write UUIDs in lower case, as RFC 4122 §3 asks";
    OutOfRange = "out-of-range", "out-of-range", "{number} is not between {min} and {max}", "write a number within the bounds";
    EmptyList = "empty-list", "empty-list", "the list is empty", "delete the property or give it a member";
    EmptyDictionary = "empty-dictionary", "empty-dictionary", "the dictionary is empty", "delete the property or give it an entry";
    TypeMismatch = "type-mismatch", "type-mismatch", "the identifier says `{kind}` and `type` says `{said}`", "make the identifier's type and `type` the same";
    BadVariableName = "bad-variable-name", "bad-variable-name", "`{text}` is no name of a variable", "write it as `__name__`, a letter first, 204 at most";
    BadKey = "bad-key", "bad-key", "`{text}` is no key of a dictionary", "use letters, digits, `_` and `-`, 250 at most";
    UnknownType = "unknown-type", "unknown-type", "`{text}` is none of the types known: {known}", "use a type of the vocabulary: others are not carried out";
    AddressKind = "bad-address", "bad-address-kind", "`{kind}` is no kind of address", "use dname, ipv4, ipv6, l2mac, vlan or url";
    BadAddress = "bad-address", "bad-address", "`{text}` is no address of kind `{kind}`", "write a whole address";
}

/// A detail with what stands in its places.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) detail: Detail,
    pub(crate) arguments: BTreeMap<&'static str, String>,
}

impl From<Detail> for Told {
    fn from(detail: Detail) -> Self {
        Self { detail, arguments: BTreeMap::new() }
    }
}

impl Detail {
    /// With what stands in its places, by their names.
    pub(crate) fn with(self, arguments: &[(&'static str, &dyn Display)]) -> Told {
        let arguments = arguments.iter().map(|(name, value)| (*name, value.to_string()));
        Told { detail: self, arguments: arguments.collect() }
    }
}

impl Told {
    /// The sentence in English; a place that nothing is given for stays as it is.
    pub(crate) fn say(&self) -> String {
        let mut rest = self.detail.text();
        let mut said = String::with_capacity(rest.len());
        while let Some((literal, behind)) = rest.split_once('{') {
            said.push_str(literal);
            let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
            match self.arguments.get(name) {
                Some(value) => said.push_str(value),
                None => said.push_str(&format!("{{{name}}}")),
            }
            rest = behind;
        }
        said.push_str(rest);
        said
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_one_each_and_begin_with_what_they_are_about() {
        let codes: BTreeSet<&str> = Detail::ALL.iter().map(|detail| detail.code()).collect();
        assert_eq!(codes.len(), Detail::ALL.len());
        for detail in Detail::ALL {
            let (kind, code) = (detail.kind(), detail.code());
            assert!(code.starts_with(kind) || kind == "missing-definition", "{kind}: {code}");
            assert!(!detail.remedy().contains('{'), "{code}: nothing is put into a remedy");
        }
    }

    #[test]
    fn what_stands_in_a_sentence_is_put_into_its_place_and_not_read_again() {
        let told = Detail::TypeMismatch.with(&[("kind", &"{said}"), ("said", &7)]);
        assert_eq!(told.say(), "the identifier says `{said}` and `type` says `7`");
        assert_eq!(Told::from(Detail::MissingStep).say(), "`{id}` is not in the workflow");
        assert_eq!(Told::from(Detail::EmptyList).say(), Detail::EmptyList.text());
    }
}
