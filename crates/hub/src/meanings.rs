//! What the markings of somebody's objects mean, the labels that they give, and what follows once an object is in the log.

use std::collections::HashMap;

use oversight::OrganisationRole;
use policy::{AgreementId, Label, LabelKey, Marking, Principal};
use stix::{Id, Object};
use store::{Reader, StoreError, Tx, labels, objects, organisations, requests, sharing_groups};

use crate::ingest::Outcome;
use crate::redaction::{self, Whose};
use crate::release::Door;

/// Objects that refer to one with marked parts, of which the translations are looked for.
const TRANSLATIONS_MAX: usize = 1_000;

/// What markings mean.
pub(crate) struct Markings<'a> {
    door: &'a Door,
    principal: &'a Principal,
    batch: &'a HashMap<Id, Marking>,
    asked: HashMap<Id, Option<Marking>>,
    /// Whether some grant covers versions that come after it, once that was asked.
    grants_stand: Option<bool>,
    /// The numbers of labels met in this run.
    numbers: HashMap<Label, LabelKey>,
}

impl<'a> Markings<'a> {
    /// What they mean to `principal`; `batch` are the definitions that come in beside its objects.
    pub(crate) fn of(door: &'a Door, principal: &'a Principal, batch: &'a HashMap<Id, Marking>) -> Self {
        Self { door, principal, batch, asked: HashMap::new(), grants_stand: None, numbers: HashMap::new() }
    }

    /// The number of an object's label; or why there is none.
    pub(crate) fn number(
        &mut self,
        tx: &mut Tx<'_>,
        object: &Object,
        agreement: Option<AgreementId>,
    ) -> Result<Result<LabelKey, Outcome>, StoreError> {
        let label = Label { agreement, ..self.label(tx, object)? };
        if let Some(known) = self.numbers.get(&label) {
            return Ok(Ok(*known));
        }
        match labels::intern(tx, &label) {
            Ok(number) => {
                self.numbers.insert(label, number);
                Ok(Ok(number))
            }
            Err(StoreError::Limit { limit, .. }) => {
                let message = format!(
                    "the objects here bear as many different combinations of markings as there may be ({limit} from one \
                     organisation); mark this one like an earlier one"
                );
                Ok(Err(Outcome::Refused { code: "too-many-labels".to_owned(), message }))
            }
            Err(error) => Err(error),
        }
    }

    /// An object's label.
    pub(crate) fn label(&mut self, tx: &Reader<'_>, object: &Object) -> Result<Label, StoreError> {
        self.ask(tx, object)?;
        let meaning = |id: &Id| self.meaning(id);
        let mut label = Label::of(object, &self.principal.organisation, &self.principal.realm, meaning);
        let grants_stand = match self.grants_stand {
            Some(known) => known,
            None => requests::any_stands(tx, &label.realm)?,
        };
        self.grants_stand = Some(grants_stand);
        if grants_stand {
            label.granted.extend(requests::standing(tx, &label.realm, object.id(), &label.originator)?);
        }
        Ok(label)
    }

    /// What a marking means, of those that were asked for.
    fn meaning(&self, id: &Id) -> Option<Marking> {
        self.batch.get(id).copied().or_else(|| self.asked.get(id).copied().flatten())
    }

    /// Finds out what the markings of an object mean.
    fn ask(&mut self, tx: &Reader<'_>, object: &Object) -> Result<(), StoreError> {
        for marking in stix::marking::marking_refs(object) {
            if !self.batch.contains_key(&marking)
                && stix::marking::tlp(&marking).is_none()
                && !self.asked.contains_key(&marking)
            {
                let found = self.stored(tx, &marking)?;
                self.asked.insert(marking, found);
            }
        }
        Ok(())
    }

    /// Does what follows from an object that is in the log now: makes its redacted copies, and binds translations by the markings of the
    /// parts that they translate, whichever of the two came first.
    pub(crate) fn follow(
        &mut self,
        tx: &mut Tx<'_>,
        whose: Whose<'_>,
        object: &Object,
    ) -> Result<Vec<i64>, StoreError> {
        self.ask(tx, object)?;
        let made = redaction::follow(tx, whose, object, |id| self.meaning(id))?;
        for original in redaction::translated(tx, whose, object)? {
            self.ask(tx, &original)?;
            redaction::bind_translation(tx, whose, (&original, object), |id| self.meaning(id))?;
        }
        if redaction::has_marked_parts(object)
            && objects::holds_type(tx, whose.realm, whose.collection, redaction::TRANSLATION)?
        {
            let visible = self.door.visible(tx, self.principal)?;
            let referring = objects::referring_to(tx, whose.realm, &visible, object.id(), TRANSLATIONS_MAX)?;
            let translations = referring.into_iter().map(|mention| mention.row);
            for row in translations.filter(|row| row.id.object_type() == redaction::TRANSLATION) {
                let Ok(translation) = Object::parse(row.body) else { continue };
                redaction::bind_translation(tx, whose, (object, &translation), |id| self.meaning(id))?;
            }
        }
        Ok(made)
    }

    /// What the log's definition says, if it is from somebody whose word counts for the submitter's objects: the submitter's own
    /// organisation or the coordinator. Another one could call a strict marking a mere statement.
    fn stored(&self, reader: &Reader<'_>, id: &Id) -> Result<Option<Marking>, StoreError> {
        let realm = &self.principal.realm;
        // What demands a clearance only limits, and the policies say which markings do.
        if let Some(qualification) = self.door.demanded_by(id) {
            return Ok(Some(Marking::Demand(qualification)));
        }
        // A group's marking only limits, so it counts whoever made the group and whoever uses it.
        let group = id.as_str().strip_prefix("marking-definition--").and_then(|uuid| uuid.parse().ok());
        if let Some(group) = group
            && sharing_groups::get(reader, realm, group)?.is_some()
        {
            return Ok(Some(Marking::Group(group)));
        }
        let visible = self.door.visible(reader, self.principal)?;
        let Some(row) = objects::get(reader, realm, &visible, id)? else { return Ok(None) };
        let from_coordinator = || {
            let originator = organisations::get(reader, realm, &row.originator)?;
            Ok::<_, StoreError>(originator.is_some_and(|known| known.role == OrganisationRole::Coordinator))
        };
        let counts = row.originator == self.principal.organisation || from_coordinator()?;
        let object = Object::parse(row.body.clone()).ok().filter(|_| counts);
        Ok(object.and_then(|object| Marking::defined_by(&object)))
    }
}
