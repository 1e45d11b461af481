//! A run that is only rehearsed: everything is rendered and put before the gates, and nothing leaves.

use cacao::run::{Answer, Order, Values, What};
use oversight::OrganisationId;
use policy::permit::{rehearse, rehearse_call};
use store::peers::Peer;
use store::{Reader, StoreError, Tx};

use super::super::orders::draft;
use super::super::{gates, reported};
use super::{Drive, Way};

/// What was found: nothing stands against it, or this.
type Found = Result<(), String>;

impl Drive<'_> {
    /// Writes a command down as if it had left and been carried out, or as refused by the first gate that it would not pass.
    pub(super) fn rehearse(&mut self, tx: &mut Tx<'_>, order: &Order) -> Result<(), StoreError> {
        let (found, outputs) = match self.way(tx, order)? {
            // What people would give back nobody knows.
            Way::Person => (Ok(()), Values::default()),
            Way::Nowhere(why) => (Err(why), Values::default()),
            Way::Edge(edge) => {
                (self.would_order(tx, order, &edge.organisation, None)?, reported::outputs(&self.run, order))
            }
            Way::Abroad(peer, _) => {
                let found = self.would_order(tx, order, &peer.organisation, Some(&peer))?;
                (found, reported::outputs(&self.run, order))
            }
            Way::Agent(_) => (self.would_call(tx, order)?, Values::default()),
        };
        if let Err(why) = found {
            return self.refuse(order, &why);
        }
        self.must(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() })?;
        self.must(What::Answered { key: order.key.clone(), answer: Answer::Done { outputs } })
    }

    fn would_order(
        &self,
        reader: &Reader<'_>,
        order: &Order,
        operator: &OrganisationId,
        peer: Option<&Peer>,
    ) -> Result<Found, StoreError> {
        let drafted = match draft(order, self.now, None) {
            Ok(drafted) => drafted,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(peer) = peer
            && !gates::may_peer_see_case(reader, self.response, peer, self.begun())?
        {
            return Ok(Err(gates::not_for_hub(peer).to_string()));
        }
        let about = (self.begun(), &self.run, order);
        let proposed = gates::proposed(reader, self.response, about, (operator, Some(&drafted)))?;
        let judged = rehearse(&proposed, &self.response.config.bounds, asks(order));
        Ok(judged.map_err(|denied| denied.to_string()))
    }

    fn would_call(&self, reader: &Reader<'_>, order: &Order) -> Result<Found, StoreError> {
        let operator = self.begun().organisation.clone();
        let about = (self.begun(), &self.run, order);
        let proposed = gates::proposed(reader, self.response, about, (&operator, None))?;
        let judged = rehearse_call(&proposed, &self.response.config.bounds, asks(order));
        Ok(judged.map_err(|denied| denied.to_string()))
    }
}

/// How many organisations the step would ask to agree.
fn asks(order: &Order) -> u32 {
    let approval = order.safeguards.as_ref().and_then(|the| the.approval.as_ref());
    approval.map_or(0, |approval| approval.required)
}
