//! Approvals: k of n, each of another organisation, never by who asked, and bound to what would be carried out.

use jiff::Timestamp;

use super::apply::ApplyError;
use super::effect::Effect;
use super::event::{Failure, FailureCode, Hash, Person, What};
use super::next::later;
use super::state::{Asked, QuestionState};
use super::{Question, Run};
use crate::Approval;

type Applied = Result<(), ApplyError>;

impl Run {
    pub(super) fn approval_asked(&mut self, visit: usize, hash: &Hash, at: Timestamp) -> Applied {
        let wanted = self.next().into_iter().find_map(|effect| match effect {
            Effect::AskApproval(question) if question.visit == visit => Some(question),
            _ => None,
        });
        let question = wanted.ok_or(ApplyError::NotExpected)?;
        if question.hash != *hash {
            return Err(ApplyError::HashChanged);
        }
        let number = self.state.questions.len();
        self.state.questions.push(Asked {
            visit,
            hash: question.hash,
            orders: question.orders.iter().map(|order| order.hash.clone()).collect(),
            expires: later(at, question.approval.expires_after_ms),
            given: Vec::new(),
            alone: false,
            answer: QuestionState::Open,
        });
        self.visit_mut(visit)?.question = Some(number);
        Ok(())
    }

    pub(super) fn approval_given(
        &mut self,
        number: usize,
        hash: &Hash,
        (by, alone): (&Person, bool),
        at: Timestamp,
    ) -> Applied {
        let question = self.open_question(number)?;
        let asked = self.state.questions.get(number).ok_or(ApplyError::Unknown)?;
        if asked.hash != *hash || question.hash != *hash {
            return Err(ApplyError::HashChanged);
        }
        if at >= asked.expires {
            return Err(ApplyError::QuestionClosed);
        }
        self.may_answer(&question.approval, by)?;
        if by.person == self.state.requester.person {
            return Err(ApplyError::NotAnApprover);
        }
        if asked.given.iter().any(|known| known.organization == by.organization || known.person == by.person)
        {
            return Err(ApplyError::ApprovedBefore);
        }
        if alone && question.approval.break_glass_ms.is_none() {
            return Err(ApplyError::NotAlone);
        }
        let asked = self.state.questions.get_mut(number).ok_or(ApplyError::Unknown)?;
        asked.given.push(by.clone());
        asked.alone = alone;
        let enough =
            alone || u32::try_from(asked.given.len()).is_ok_and(|given| given >= question.approval.required);
        if enough {
            asked.answer = QuestionState::Granted;
            let orders = asked.orders.clone();
            self.visit_mut(question.visit)?.approved.extend(orders);
        }
        Ok(())
    }

    pub(super) fn approval_refused(&mut self, number: usize, by: &Person) -> Applied {
        let question = self.open_question(number)?;
        self.may_answer(&question.approval, by)?;
        let asked = self.state.questions.get_mut(number).ok_or(ApplyError::Unknown)?;
        asked.answer = QuestionState::Closed;
        let step = self.visit_mut(question.visit)?.step.clone();
        let detail = format!("{} refused", by.organization);
        self.give_up(question.visit, Failure { code: FailureCode::ApprovalRefused, step, detail })
    }

    /// Takes an approval back as long as nothing was dispatched on it.
    pub(super) fn approval_withdrawn(&mut self, number: usize, person: &str) -> Applied {
        self.running()?;
        let asked = self.state.questions.get_mut(number).ok_or(ApplyError::Unknown)?;
        let (visit, orders) = (asked.visit, asked.orders.clone());
        if asked.answer == QuestionState::Closed {
            return Err(ApplyError::QuestionClosed);
        }
        let known = asked.given.iter().position(|given| given.person == person);
        let known = known.ok_or(ApplyError::Unknown)?;
        let of_visit = self.state.visits.get(visit).ok_or(ApplyError::Unknown)?;
        let is_newest = of_visit.question == Some(number);
        let left = of_visit.units.values().filter_map(|key| self.state.orders.get(key));
        let dispatched = left.into_iter().any(|state| orders.contains(&state.order.hash));
        if !is_newest || dispatched {
            return Err(ApplyError::QuestionClosed);
        }
        if let Some(asked) = self.state.questions.get_mut(number) {
            asked.given.remove(known);
            asked.alone = false;
            asked.answer = QuestionState::Open;
        }
        self.visit_mut(visit)?.approved.retain(|hash| !orders.contains(hash));
        Ok(())
    }

    pub(super) fn approval_voided(&mut self, number: usize) -> Applied {
        let wanted = Effect::Record(What::ApprovalVoided { question: number });
        if !self.next().contains(&wanted) {
            return Err(ApplyError::NotExpected);
        }
        let asked = self.state.questions.get_mut(number).ok_or(ApplyError::Unknown)?;
        asked.answer = QuestionState::Closed;
        Ok(())
    }

    fn open_question(&self, number: usize) -> Result<Question, ApplyError> {
        self.running()?;
        if self.state.questions.get(number).is_none() {
            return Err(ApplyError::Unknown);
        }
        self.question(number).ok_or(ApplyError::QuestionClosed)
    }

    fn may_answer(&self, approval: &Approval, by: &Person) -> Applied {
        let of_requester = by.organization == self.state.requester.organization;
        let listed = approval.approvers.is_empty() || approval.approvers.contains(&by.organization);
        if !listed || (approval.exclude_requester_organization && of_requester) {
            return Err(ApplyError::NotAnApprover);
        }
        Ok(())
    }
}
