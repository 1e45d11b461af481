//! What is opened to a class of readers reaches those who have passed it and only ever go on.

use std::collections::BTreeSet;

use oversight::Realm;
use policy::LabelKey;
use store::objects::{self, Change, Filter, Place, Row, TailFilter, Versions};
use store::openings::{self, OPENINGS_MAX, ReaderClass};
use store::{Act, labels};

use crate::fixture::{Council, id, ids, indicator, label_of, seeing};
use crate::on_every_store;

on_every_store!(
    what_is_opened_comes_behind_the_place_where_a_reader_is,
    what_is_opened_once_more_gives_nothing_else_again,
    what_is_new_under_the_same_policies_only_joins,
    a_new_class_goes_on_where_its_family_stands,
    what_was_opened_is_removed_and_moved_as_everything,
    a_page_of_a_view_takes_as_long_as_one_of_the_log,
    whatever_changes_a_reader_that_only_goes_on_misses_nothing,
);

const LIVE: Realm = Realm::Live;

fn class() -> ReaderClass {
    ReaderClass { name: "program rail collective-defence analyst".into(), family: "program rail".into() }
}

async fn settle(council: &Council, class: &ReaderClass, keys: &[LabelKey], policies: &str) {
    let (class, visible, policies) = (class.clone(), seeing(keys), policies.to_owned());
    let done = council
        .store
        .write(move |tx| openings::settle(tx, &LIVE, &class, &visible, &policies).map(Act::bookkeeping));
    done.await.unwrap();
}

/// A page of the class's view.
async fn page(
    council: &Council,
    class: &ReaderClass,
    keys: &[LabelKey],
    after: Option<i64>,
    limit: usize,
) -> objects::Page {
    let (class, visible, collection) = (class.clone(), seeing(keys), council.collection);
    let read = council.store.read(move |reader| {
        let view = openings::view(reader, &LIVE, &class)?;
        let filter = Filter { after, versions: Versions::all(), ..Filter::new(collection, &visible, limit) };
        objects::page_in_view(reader, &LIVE, &filter, &view)
    });
    read.await.unwrap()
}

/// Everything behind a date, page by page; the dates rise strictly.
async fn walk(
    council: &Council,
    class: &ReaderClass,
    keys: &[LabelKey],
    after: Option<i64>,
    limit: usize,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let last = rows.last().map(|row| row.date_added_us).or(after);
        let page = page(council, class, keys, last, limit).await;
        let mut dates = last.into_iter().chain(page.rows.iter().map(|row| row.date_added_us));
        let mut before = dates.next().unwrap_or(i64::MIN);
        for date in dates {
            assert!(date > before, "{date} is not after {before}");
            before = date;
        }
        rows.extend(page.rows);
        if !page.more {
            return rows;
        }
    }
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| id("indicator", number)).collect()
}

async fn add(council: &Council, label: LabelKey, range: std::ops::Range<u64>) {
    council.add("coordinator", label, range.map(indicator).collect()).await;
}

async fn what_is_opened_comes_behind_the_place_where_a_reader_is(council: Council) {
    let (clear, amber) = (council.clear, council.amber);
    settle(&council, &class(), &[clear], "one").await;
    add(&council, clear, 0..3).await;
    add(&council, amber, 10..13).await;
    add(&council, clear, 3..5).await;
    let first = walk(&council, &class(), &[clear], None, 2).await;
    assert_eq!(ids(&first), numbers(0..5));
    let at = first.last().map(|row| row.date_added_us);
    settle(&council, &class(), &[clear, amber], "two").await;
    add(&council, amber, 13..14).await;
    let next = walk(&council, &class(), &[clear, amber], at, 2).await;
    assert_eq!(ids(&next), numbers(10..14), "what was opened, then what came in");
    // In the middle of what was opened.
    let rest = walk(&council, &class(), &[clear, amber], Some(next[1].date_added_us), 100).await;
    assert_eq!(rest, next[2..]);
    // From the beginning everything once, dated alike.
    let all = walk(&council, &class(), &[clear, amber], None, 3).await;
    assert_eq!(all, [first, next].concat());
    // Another class has its own view of the same rows.
    let other = ReaderClass { name: "person".into(), family: "person".into() };
    let theirs = walk(&council, &other, &[clear, amber], None, 100).await;
    assert_eq!(ids(&theirs), [numbers(0..3), numbers(10..13), numbers(3..5), numbers(13..14)].concat());
    // What is closed again is gone, and comes back behind the place when it is opened once more.
    let at = all.last().map(|row| row.date_added_us);
    settle(&council, &class(), &[clear], "three").await;
    assert_eq!(ids(&walk(&council, &class(), &[clear], None, 100).await), numbers(0..5));
    settle(&council, &class(), &[clear, amber], "four").await;
    assert_eq!(ids(&walk(&council, &class(), &[clear, amber], at, 100).await), numbers(10..14));
    let council = council.reopen().await;
    assert_eq!(ids(&walk(&council, &class(), &[clear, amber], at, 100).await), numbers(10..14));
}

async fn what_is_opened_once_more_gives_nothing_else_again(council: Council) {
    let (clear, amber) = (council.clear, council.amber);
    settle(&council, &class(), &[clear], "0").await;
    add(&council, amber, 10..12).await;
    add(&council, clear, 0..6).await;
    let mut at = page(&council, &class(), &[clear], None, 1).await.rows.last().map(|row| row.date_added_us);
    // A reader that has come as far as this sees a label come and go, and come again.
    let mut given = Vec::new();
    for round in 1..=4 {
        settle(&council, &class(), &[clear, amber], &format!("{round} opens")).await;
        let page = page(&council, &class(), &[clear, amber], at, 1).await;
        at = page.rows.last().map(|row| row.date_added_us);
        given.extend(ids(&page.rows));
        settle(&council, &class(), &[clear], &format!("{round} closes")).await;
    }
    assert_eq!(given, numbers(1..5));
    settle(&council, &class(), &[clear, amber], "at last").await;
    let rest = walk(&council, &class(), &[clear, amber], at, 100).await;
    assert_eq!(ids(&rest), [numbers(5..6), numbers(10..12)].concat());
}

async fn what_is_new_under_the_same_policies_only_joins(council: Council) {
    let (clear, amber) = (council.clear, council.amber);
    settle(&council, &class(), &[clear], "one").await;
    add(&council, clear, 0..2).await;
    add(&council, amber, 2..4).await;
    settle(&council, &class(), &[clear, amber], "one").await;
    let view = council.store.read(|reader| openings::view(reader, &LIVE, &class())).await.unwrap();
    assert!(view.openings().is_empty());
    let rows = walk(&council, &class(), &[clear, amber], None, 100).await;
    let plain = council.walk(&seeing(&[clear, amber]), 100, Versions::all()).await;
    assert_eq!(rows, plain);
}

async fn a_new_class_goes_on_where_its_family_stands(council: Council) {
    let (clear, amber) = (council.clear, council.amber);
    settle(&council, &class(), &[clear], "one").await;
    add(&council, clear, 0..2).await;
    add(&council, amber, 2..4).await;
    let at = walk(&council, &class(), &[clear], None, 100).await.last().map(|row| row.date_added_us);
    // The token is exchanged for one with other roles, and the policies change meanwhile.
    let newer = ReaderClass { name: "another".into(), ..class() };
    settle(&council, &newer, &[clear, amber], "two").await;
    assert_eq!(ids(&walk(&council, &newer, &[clear, amber], at, 100).await), numbers(2..4));
}

async fn what_was_opened_is_removed_and_moved_as_everything(council: Council) {
    let (clear, amber, red) = (council.clear, council.amber, council.red);
    settle(&council, &class(), &[clear], "one").await;
    add(&council, amber, 0..4).await;
    add(&council, clear, 4..5).await;
    settle(&council, &class(), &[clear, amber], "two").await;
    let (visible, collection) = (seeing(&[clear, amber, red]), council.collection);
    let done = council.store.write(move |tx| {
        objects::remove(tx, &LIVE, collection, &visible, &crate::fixture::stix_id("indicator", 1))?;
        let moved = crate::fixture::stix_id("indicator", 2);
        objects::relabel(tx, &LIVE, &moved, |_, _, _| Ok(Some(clear)))?;
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
    let rows = walk(&council, &class(), &[clear, amber], None, 2).await;
    assert_eq!(ids(&rows), [4, 0, 3, 2].map(|number| id("indicator", number)));
}

async fn a_page_of_a_view_takes_as_long_as_one_of_the_log(council: Council) {
    const PAGES: usize = 60;
    const FACTOR_MAX: f64 = 4.0;
    let (clear, amber) = (council.clear, council.amber);
    settle(&council, &class(), &[clear], "0").await;
    for part in 0..8 {
        add(&council, if part % 2 == 0 { clear } else { amber }, part * 1_000..(part + 1) * 1_000).await;
    }
    let plain = ReaderClass { name: "none".into(), family: "none".into() };
    // As many openings as there may be, each of a label that was opened before.
    for number in 0..OPENINGS_MAX * 2 {
        let keys: &[LabelKey] = if number % 2 == 0 { &[clear] } else { &[clear, amber] };
        settle(&council, &class(), keys, &(number + 1).to_string()).await;
    }
    let mut medians = Vec::new();
    for class in [&plain, &class()] {
        let (mut times, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let begun = std::time::Instant::now();
            let page = page(&council, class, &[clear, amber], after, 100).await;
            times.push(begun.elapsed());
            assert_eq!(page.rows.len(), 100);
            after = page.rows.last().map(|row| row.date_added_us);
        }
        times.sort_unstable();
        medians.push(times[PAGES / 2]);
    }
    let factor = medians[1].as_secs_f64() / medians[0].as_secs_f64();
    println!("a page of 100: {:?} of the log, {:?} of a view, {factor:.2} times", medians[0], medians[1]);
    assert!(factor < FACTOR_MAX, "{factor}");
}

/// Repeatable chance.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// Who follows, by dates and by places, and what each was ever given.
#[derive(Default)]
struct Poller {
    date: Option<i64>,
    place: Place,
    by_date: BTreeSet<String>,
    by_place: BTreeSet<String>,
}

impl Poller {
    /// Reads on a little, or to the end.
    async fn read(&mut self, council: &Council, keys: &[LabelKey], limit: usize, to_end: bool) {
        loop {
            let page = page(council, &class(), keys, self.date, limit).await;
            for row in &page.rows {
                assert!(self.date.is_none_or(|date| row.date_added_us > date));
                self.date = Some(row.date_added_us);
                self.by_date.insert(row.id.to_string());
            }
            if !page.more || !to_end {
                break;
            }
        }
        loop {
            let (visible, from) = (seeing(keys), self.place);
            let read = council.store.read(move |reader| {
                let view = openings::view(reader, &LIVE, &class())?;
                let filter = TailFilter { visible: &visible, after: 0, types: &[], last_only: false, limit };
                objects::tail_in_view(reader, &LIVE, &filter, &view, from)
            });
            let tail = read.await.unwrap();
            for (place, change) in tail.changes {
                if let Change::Added(row) = change {
                    self.by_place.insert(row.id.to_string());
                }
                self.place = place;
            }
            self.place = tail.through;
            if !tail.more || !to_end {
                break;
            }
        }
    }
}

async fn whatever_changes_a_reader_that_only_goes_on_misses_nothing(council: Council) {
    let seed = std::env::var("YAGURA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_128);
    println!("YAGURA_SEED={seed}");
    let mut dice = Dice(seed);
    let keys: Vec<LabelKey> = {
        let made = council.store.write(|tx| {
            let label =
                |name: &str| label_of(policy::TlpLabel::Level(stix::marking::Tlp::Green), name, &LIVE);
            let made = ["a", "b", "c", "d"].map(|name| labels::intern(tx, &label(name)));
            Ok(Act::bookkeeping(made.into_iter().collect::<Result<_, _>>()?))
        });
        made.await.unwrap()
    };
    let mut seen: Vec<LabelKey> = vec![keys[0]];
    settle(&council, &class(), &seen, "begin").await;
    let mut pollers: Vec<Poller> = (0..4).map(|_| Poller::default()).collect();
    let mut bearing: Vec<(LabelKey, u64)> = Vec::new();
    for round in 0..60_u64 {
        for _ in 0..dice.roll(5) {
            let (label, number) =
                (keys[usize::try_from(dice.roll(4)).unwrap()], u64::try_from(bearing.len()).unwrap());
            add(&council, label, number..number + 1).await;
            bearing.push((label, number));
        }
        if dice.roll(3) == 0 {
            // The clock stands still for most of the time, so that dates of views run ahead of it.
            council.pass_time(i64::try_from(dice.roll(40)).unwrap());
        }
        for poller in &mut pollers {
            if dice.roll(2) == 0 {
                let limit = usize::try_from(1 + dice.roll(4)).unwrap();
                poller.read(&council, &seen, limit, dice.roll(2) == 0).await;
            }
        }
        if dice.roll(2) == 0 {
            let mask = dice.roll(16);
            seen = keys
                .iter()
                .copied()
                .zip(0..)
                .filter(|(_, bit)| mask & (1 << bit) != 0)
                .map(|(key, _)| key)
                .collect();
            settle(&council, &class(), &seen, &round.to_string()).await;
        }
        let expected: BTreeSet<String> = bearing
            .iter()
            .filter(|(label, _)| seen.contains(label))
            .map(|(_, number)| id("indicator", *number))
            .collect();
        let fresh = walk(&council, &class(), &seen, None, 3).await;
        assert_eq!(fresh.len(), expected.len(), "round {round}: everything once");
        assert_eq!(ids(&fresh).into_iter().collect::<BTreeSet<_>>(), expected, "round {round}");
        if dice.roll(4) == 0 {
            for (number, poller) in pollers.iter_mut().enumerate() {
                poller.read(&council, &seen, 3, true).await;
                let missed: Vec<_> = expected.difference(&poller.by_date).collect();
                assert!(missed.is_empty(), "round {round}: poller {number} missed {missed:?} by date");
                let missed: Vec<_> = expected.difference(&poller.by_place).collect();
                assert!(missed.is_empty(), "round {round}: poller {number} missed {missed:?} by place");
            }
        }
    }
    let view = council.store.read(|reader| openings::view(reader, &LIVE, &class())).await.unwrap();
    assert!(view.openings().len() <= OPENINGS_MAX, "{}", view.openings().len());
}
