//! Who may see an item: a TLP level that is no freer than the case's, and perhaps some organisations only.

use std::collections::BTreeSet;

use api::EvidenceLabel;
use oversight::OrganisationId;
use policy::{Label, LabelKey, ObjectClass, TlpLabel};
use stix::marking::Tlp;
use store::objects::Row;
use store::{Reader, StoreError, Tx, labels, sharing_groups};

use crate::principal::Caller;
use crate::room::{Names, circles};
use crate::sharing::unfit;
use crate::state::AppState;

/// Organisations that one item is limited to at most.
const ONLY_MAX: usize = 50;

/// A label that was drawn.
pub(crate) struct Drawn {
    pub(crate) key: LabelKey,
    /// Whether somebody may see something now that nobody could be named for before: policies are to be asked anew.
    pub(crate) has_new_circle: bool,
}

/// Draws the label that is asked for, of an item that an organisation brought.
///
/// # Errors
/// No level; a freer one than the case's; an organisation that is not known.
pub(crate) fn draw(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    (incident, originator): (&Row, &OrganisationId),
    asked: &EvidenceLabel,
) -> Result<Drawn, StoreError> {
    let realm = caller.realm().clone();
    let level = Tlp::parse(&asked.tlp).ok_or_else(|| {
        unfit("tlp", "label.tlp: it is one of `clear`, `green`, `amber`, `amber+strict`, `red`")
    })?;
    let least = level_of(tx, caller, incident.label)?;
    if level < least {
        let why = format!("an item is not marked more freely than its case, which is TLP:{}", least.name());
        return Err(unfit("freer-than-the-case", why));
    }
    let mut label = Label {
        tlp: TlpLabel::Level(level),
        class: ObjectClass::Report,
        ..Label::unmarked(originator, &realm)
    };
    let mut has_new_circle = false;
    if let Some(only) = &asked.only {
        if only.len() > ONLY_MAX {
            return Err(unfit("count", format!("label.only: at most {ONLY_MAX} organisations")));
        }
        let names = Names::read(tx, &realm, &state.federation.own.hub)?;
        let own = [originator, &caller.principal.organisation];
        let named = only.iter().map(|name| {
            // By its short name one means oneself as one writes here.
            match own.iter().find(|own| own.as_str() == name) {
                Some(own) => names.writer(own),
                None => names.asked(name),
            }
        });
        let own = own.into_iter().map(|own| names.writer(own));
        let members = named.chain(own).collect::<Result<BTreeSet<_>, StoreError>>()?;
        let place = (&realm, state.collection.key);
        // Whoever asks from another hub can be one of them: what is handed over to it is for it alone, and not for a whole level.
        let (group, changed) = circles::draw_abroad(tx, &names, place, &members)?;
        label.groups.insert(group);
        has_new_circle = changed;
    }
    Ok(Drawn { key: labels::intern(tx, &label)?, has_new_circle })
}

/// The level that a case bears; what bears none is as strict as can be.
pub(crate) fn level_of(reader: &Reader<'_>, caller: &Caller, key: LabelKey) -> Result<Tlp, StoreError> {
    Ok(match get(reader, caller, key)?.tlp {
        TlpLabel::Level(level) => level,
        TlpLabel::Unmarked => Tlp::Red,
    })
}

/// A label by its number.
pub(crate) fn get(reader: &Reader<'_>, caller: &Caller, key: LabelKey) -> Result<Label, StoreError> {
    labels::get(reader, caller.realm(), key)?.ok_or_else(|| StoreError::Corrupt(format!("label {key}")))
}

/// Tells a label as it was asked for.
pub(crate) fn told(reader: &Reader<'_>, caller: &Caller, key: LabelKey) -> Result<EvidenceLabel, StoreError> {
    let label = get(reader, caller, key)?;
    let tlp = match label.tlp {
        TlpLabel::Level(level) => level.name().to_owned(),
        TlpLabel::Unmarked => "unmarked".to_owned(),
    };
    if label.groups.is_empty() {
        return Ok(EvidenceLabel { tlp, only: None });
    }
    let all = sharing_groups::members(reader, caller.realm())?;
    let mut members: Option<BTreeSet<OrganisationId>> = None;
    for group in &label.groups {
        let of_group = all.get(group).cloned().unwrap_or_default();
        members = Some(match members {
            Some(known) => known.intersection(&of_group).cloned().collect(),
            None => of_group,
        });
    }
    let only = members.unwrap_or_default().iter().map(ToString::to_string).collect();
    Ok(EvidenceLabel { tlp, only: Some(only) })
}
