//! How a request stands whose two organisations act on hubs of their own, and hear of each other later.
//!
//! Each of the two has a line of its own that only it goes along: whoever is asked accepts, refuses or fulfils; whoever asks withdraws or closes. What both
//! lines come to is worked out of them, and of nothing else: not of which hub heard first. So both hubs come to the same.
//!
//! 1. What is **closed** is closed. Only who asked closes, and only what it saw to be over.
//! 2. What was **fulfilled** is fulfilled, also where it was withdrawn at the same time: items are held, or were named, and that is not to be forgotten.
//! 3. A **withdrawal** goes before an acceptance and before a refusal.
//! 4. Else it stands as whoever is asked said last.

use store::evidence::requests::{State, Step};

use super::requests::Answer;

/// What each of the two has said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Where the line of whoever is asked has come to.
    asked: State,
    is_withdrawn: bool,
    is_closed: bool,
}

impl Lines {
    /// Nobody has said anything.
    const BEGUN: Self = Self { asked: State::Asked, is_withdrawn: false, is_closed: false };

    /// What the steps of a request come to.
    pub(crate) fn of(steps: &[Step]) -> Self {
        let said = steps.iter().filter_map(|step| Answer::of_step(&step.step));
        said.fold(Self::BEGUN, |lines, answer| lines.with(answer).unwrap_or(lines))
    }

    /// With what comes from the other hub; nothing where that one cannot have been said there.
    ///
    /// Whoever said it went by its own line, and by as much of the other one as it had heard. That may be less than is known here, and so a withdrawal is never too
    /// late to come; but nobody closes what is not over, and nobody goes along its own line twice.
    pub(crate) fn with(self, answer: Answer) -> Option<Self> {
        match answer {
            Answer::Accept | Answer::Refuse | Answer::Fulfil if !self.is_closed => {
                answer.leads(self.asked).map(|asked| Self { asked, ..self })
            }
            Answer::Withdraw if !self.is_withdrawn && !self.is_closed => {
                Some(Self { is_withdrawn: true, ..self })
            }
            Answer::Close => answer.leads(self.state()).map(|_| Self { is_closed: true, ..self }),
            _ => None,
        }
    }

    /// How the request stands.
    pub(crate) fn state(self) -> State {
        match self {
            Self { is_closed: true, .. } => State::Closed,
            Self { asked: State::Fulfilled, .. } => State::Fulfilled,
            Self { is_withdrawn: true, .. } => State::Withdrawn,
            Self { asked, .. } => asked,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const OF_ASKER: [Answer; 2] = [Answer::Withdraw, Answer::Close];
    const OF_ASKED: [Answer; 3] = [Answer::Accept, Answer::Refuse, Answer::Fulfil];

    fn come_to(answers: &[Answer]) -> Option<State> {
        answers.iter().try_fold(Lines::BEGUN, |lines, answer| lines.with(*answer)).map(Lines::state)
    }

    #[test]
    fn what_crosses_comes_to_the_same_in_either_order() {
        use Answer::{Accept, Close, Fulfil, Refuse, Withdraw};
        for (asked, state) in [
            (vec![Accept], State::Withdrawn),
            (vec![Refuse], State::Withdrawn),
            (vec![Accept, Refuse], State::Withdrawn),
            (vec![Accept, Fulfil], State::Fulfilled),
        ] {
            for place in 0..=asked.len() {
                let mut order = asked.clone();
                order.insert(place, Withdraw);
                assert_eq!(come_to(&order), Some(state), "{order:?}");
            }
        }
        assert_eq!(come_to(&[Accept, Withdraw, Fulfil, Close]), Some(State::Closed));
    }

    #[test]
    fn what_nobody_can_have_said_is_none() {
        use Answer::{Accept, Close, Fulfil, Refuse, Withdraw};
        for wrong in [
            &[Fulfil][..],
            &[Accept, Accept],
            &[Refuse, Accept],
            &[Close],
            &[Accept, Close],
            &[Withdraw, Close],
            &[Withdraw, Withdraw],
            &[Refuse, Close, Withdraw],
            &[Accept, Fulfil, Close, Close],
        ] {
            assert_eq!(come_to(wrong), None, "{wrong:?}");
        }
    }

    /// A hub, as far as one request goes: what it knows, and what is on its way to it.
    struct Side {
        lines: Lines,
        comes: VecDeque<Answer>,
    }

    impl Side {
        /// Somebody here says something, where that can be said now; what is to be told to the other one.
        fn says(&mut self, answer: Answer) -> Option<Answer> {
            answer.leads(self.lines.state())?;
            self.lines = self.lines.with(answer).expect("what can be said here is on its own line");
            Some(answer)
        }

        fn hears(&mut self) {
            if let Some(answer) = self.comes.pop_front() {
                self.lines = self.lines.with(answer).expect("what could be said there is taken here");
            }
        }
    }

    proptest! {
        #[test]
        fn two_hubs_come_to_the_same_whatever_is_said_when(acts in prop::collection::vec((0_u8..4, 0_usize..3), 0..40)) {
            let side = || Side { lines: Lines::BEGUN, comes: VecDeque::new() };
            let (mut asker, mut asked) = (side(), side());
            for (act, which) in acts {
                match act {
                    0 => asked.comes.extend(asker.says(OF_ASKER[which % OF_ASKER.len()])),
                    1 => asker.comes.extend(asked.says(OF_ASKED[which])),
                    2 => asker.hears(),
                    _ => asked.hears(),
                }
            }
            while !asker.comes.is_empty() || !asked.comes.is_empty() {
                asker.hears();
                asked.hears();
            }
            prop_assert_eq!(asker.lines, asked.lines);
            prop_assert_eq!(asker.lines.state(), asked.lines.state());
        }
    }
}
