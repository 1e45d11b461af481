//! What other processes are still to be told: of each person in each room the newest, and not again what was just told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use oversight::Realm;
use stix::Id;
use tokio::sync::Notify;

use super::news::News;

/// Pause before what is due goes out: whoever comes, goes and types within it is told of once.
const PAUSE: Duration = Duration::from_millis(500);
/// What was told is not told again for so long unless it changes: consoles say it every fifteen seconds, whoever asks faster is not heard more
/// often.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Messages between two pauses: the beats of three thousand consoles. The rest waits for the next one.
const AT_ONCE: usize = 100;
/// People in rooms that are remembered; one more is told of when there is room.
const REMEMBERED_MAX: usize = 10_000;

/// Somebody in a room.
type Whose = (Realm, Id, String);

/// What is due, and what was told last.
pub(super) struct Outbox {
    /// By what others know this process: drawn by chance at its start.
    pub(super) process: u64,
    /// Whether anything carries it away: a hub that is alone tells nobody.
    is_carried: AtomicBool,
    due: Notify,
    told: Mutex<HashMap<Whose, Told>>,
}

struct Told {
    news: News,
    /// When; nothing where it is due.
    at: Option<Instant>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            process: uuid::Uuid::new_v4().as_u64_pair().0,
            is_carried: AtomicBool::new(false),
            due: Notify::new(),
            told: Mutex::default(),
        }
    }
}

impl Outbox {
    /// From now on something carries away what is due.
    pub(super) fn carry(&self) {
        self.is_carried.store(true, Ordering::Relaxed);
    }

    /// Takes in what is to be told.
    pub(super) fn put(&self, news: News, now: Instant) {
        if !self.is_carried.load(Ordering::Relaxed) {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = (news.realm.clone(), news.case.clone(), news.account.clone());
        if told.get(&whose).is_some_and(|known| known.news == news && known.counts(now)) {
            return;
        }
        if told.len() >= REMEMBERED_MAX && !told.contains_key(&whose) {
            told.retain(|_, one| one.counts(now));
            if told.len() >= REMEMBERED_MAX {
                return;
            }
        }
        told.insert(whose, Told { news, at: None });
        self.due.notify_one();
    }

    /// Returns, a little later, when something is due.
    pub(super) async fn wait(&self) {
        self.due.notified().await;
        tokio::time::sleep(PAUSE).await;
    }

    /// Takes what is due, for whoever carries it away.
    pub(super) fn take(&self, now: Instant) -> Vec<News> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, one| one.counts(now));
        let mut taken = Vec::new();
        for one in told.values_mut().filter(|one| one.at.is_none()).take(AT_ONCE) {
            one.at = Some(now);
            taken.push(one.news.clone());
        }
        if told.values().any(|one| one.at.is_none()) {
            self.due.notify_one();
        }
        taken
    }

    /// Forgets what was told: it did not arrive. Who is still there is told of when their console says so again.
    pub(super) fn forget(&self) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Told {
    /// Whether it is due, or was told so lately that nobody needs to hear it again.
    fn counts(&self, now: Instant) -> bool {
        self.at.is_none_or(|at| now.saturating_duration_since(at) < AGAIN_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use oversight::OrganisationId;

    use super::*;

    fn news(account: usize, writes: bool) -> News {
        News {
            process: 1,
            realm: Realm::Live,
            case: Id::new("incident", uuid::Uuid::nil()),
            account: account.to_string(),
            organisation: OrganisationId::parse("police").unwrap(),
            writes,
            leaves: false,
        }
    }

    #[test]
    fn a_hub_that_is_alone_keeps_nothing() {
        let (outbox, now) = (Outbox::default(), Instant::now());
        outbox.put(news(1, false), now);
        assert_eq!(outbox.take(now), []);
        assert!(outbox.told.lock().unwrap().is_empty());
    }

    #[test]
    fn the_newest_is_told_once_and_again_when_a_console_says_so_again() {
        let (outbox, now) = (Outbox::default(), Instant::now());
        outbox.carry();
        for writes in [false, true, false, true] {
            outbox.put(news(1, writes), now);
        }
        assert_eq!(outbox.take(now), [news(1, true)], "who changes their mind is told of once");
        let soon = now + Duration::from_secs(9);
        for _ in 0..1_000 {
            outbox.put(news(1, true), soon);
        }
        assert_eq!(outbox.take(soon), [], "who says the same again and again is told of no more often");
        outbox.put(news(1, false), soon);
        assert_eq!(outbox.take(soon), [news(1, false)], "a change is told");
        let beat = soon + Duration::from_secs(15);
        outbox.put(news(1, false), beat);
        assert_eq!(outbox.take(beat), [news(1, false)]);
        outbox.forget();
        outbox.put(news(1, false), beat);
        assert_eq!(outbox.take(beat), [news(1, false)], "what did not arrive is told again");
    }

    #[test]
    fn there_is_an_end_to_what_is_kept_and_to_what_goes_at_once() {
        let (outbox, now) = (Outbox::default(), Instant::now());
        outbox.carry();
        for number in 0..REMEMBERED_MAX + 5 {
            outbox.put(news(number, false), now);
        }
        assert_eq!(outbox.told.lock().unwrap().len(), REMEMBERED_MAX);
        let mut taken = 0;
        loop {
            let some = outbox.take(now).len();
            assert!(some <= AT_ONCE);
            if some == 0 {
                break;
            }
            taken += some;
        }
        assert_eq!(taken, REMEMBERED_MAX);
        let later = now + AGAIN_AFTER;
        outbox.put(news(REMEMBERED_MAX + 5, false), later);
        assert_eq!(outbox.take(later).len(), 1, "there is room when what was told is long ago");
        assert_eq!(outbox.told.lock().unwrap().len(), 1);
    }
}
