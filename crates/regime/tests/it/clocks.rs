//! The arithmetic of deadlines.

use jiff::civil::date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use regime::{Calendar, Length};

use crate::given::at;

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn check(length: Length, start: &str, zone_name: &str, expected: &str) {
    let calendar = Calendar {
        holidays: [date(2026, 12, 31), date(2027, 1, 1)].into(),
        known_until: Some(date(2027, 12, 31)),
    };
    let ending = length.end(at(start), &zone(zone_name), &calendar).unwrap();
    assert_eq!((ending.at, ending.certain), (at(expected), true), "{length:?} from {start}");
}

const fn days(days: u16, counts_first_day: bool) -> Length {
    Length::Days { days, counts_first_day }
}

const fn business(days: u16, counts_first_day: bool) -> Length {
    Length::BusinessDays { days, counts_first_day }
}

#[test]
fn hours_are_hours_through_summer_time() {
    check(Length::Hours(24), "2026-11-29T01:30:00Z", "Asia/Tokyo", "2026-11-30T01:30:00Z");
    // Brussels leaves summer time on 2026-10-25 at 01:00 UTC: the wall clock shows an hour less, the duty is 24 hours.
    check(Length::Hours(24), "2026-10-24T12:00:00Z", "Europe/Brussels", "2026-10-25T12:00:00Z");
    check(Length::Hours(72), "2026-03-28T12:00:00Z", "Europe/Brussels", "2026-03-31T12:00:00Z");
}

#[test]
fn days_end_at_midnight_of_the_authority() {
    // 23:30 on the 29th in Tokyo: the first day is the 29th.
    check(days(5, true), "2026-11-29T14:30:00Z", "Asia/Tokyo", "2026-12-03T15:00:00Z");
    check(days(5, false), "2026-11-29T14:30:00Z", "Asia/Tokyo", "2026-12-04T15:00:00Z");
    // Half an hour later it is the 30th there.
    check(days(5, true), "2026-11-29T15:00:00Z", "Asia/Tokyo", "2026-12-04T15:00:00Z");
    check(days(30, true), "2026-11-29T00:00:00Z", "Asia/Tokyo", "2026-12-28T15:00:00Z");
    // The days into and out of summer time are 23 and 25 hours long.
    check(days(1, true), "2026-10-25T12:00:00Z", "Europe/Brussels", "2026-10-25T23:00:00Z");
    check(days(2, true), "2026-10-24T12:00:00Z", "Europe/Brussels", "2026-10-25T23:00:00Z");
    check(days(2, true), "2026-03-28T12:00:00Z", "Europe/Brussels", "2026-03-29T22:00:00Z");
    // In Santiago summer time begins at midnight, so that 2026-09-06 has none: the day before ends where the next begins.
    check(days(1, true), "2026-09-05T12:00:00Z", "America/Santiago", "2026-09-06T04:00:00Z");
}

#[test]
fn months_end_on_the_same_day_or_the_last_one() {
    check(Length::Months(1), "2026-11-29T03:00:00Z", "Europe/Brussels", "2026-12-29T23:00:00Z");
    check(Length::Months(1), "2027-01-31T12:00:00Z", "Europe/Brussels", "2027-02-28T23:00:00Z");
    check(Length::Months(1), "2028-01-30T12:00:00Z", "Europe/Brussels", "2028-02-29T23:00:00Z");
    check(Length::Months(12), "2028-02-29T12:00:00Z", "Asia/Tokyo", "2029-02-28T15:00:00Z");
}

#[test]
fn business_days_pass_over_closed_ones() {
    // Friday; four business days after it, as the day itself does not count: Monday to Thursday.
    check(business(4, false), "2026-11-27T12:00:00Z", "America/New_York", "2026-12-04T05:00:00Z");
    check(business(1, true), "2026-11-27T12:00:00Z", "America/New_York", "2026-11-28T05:00:00Z");
    // From a Saturday, and over New Year: 2026-12-31 and 2027-01-01 are closed, then a weekend.
    check(business(1, true), "2026-11-28T12:00:00Z", "Asia/Tokyo", "2026-11-30T15:00:00Z");
    check(business(2, true), "2026-12-30T03:00:00Z", "Asia/Tokyo", "2027-01-04T15:00:00Z");
    let beyond = business(1, true).end(
        at("2028-01-04T03:00:00Z"),
        &zone("Asia/Tokyo"),
        &Calendar { holidays: [].into(), known_until: Some(date(2027, 12, 31)) },
    );
    assert!(!beyond.unwrap().certain, "nobody knows the holidays of 2028 here");
}

#[test]
fn what_lies_beyond_the_calendar_has_no_end() {
    let late = at("9999-12-30T21:59:59Z");
    assert_eq!(days(3_660, true).end(late, &zone("Asia/Tokyo"), &Calendar::default()), None);
    assert_eq!(business(3_660, true).end(late, &zone("Asia/Tokyo"), &Calendar::default()), None);
    assert_eq!(Length::Months(120).end(late, &zone("Asia/Tokyo"), &Calendar::default()), None);
}

fn length() -> impl Strategy<Value = Length> {
    prop_oneof![
        (1..9_000_u16).prop_map(Length::Hours),
        (1..400_u16, proptest::bool::ANY).prop_map(|(n, first)| days(n, first)),
        (1..200_u16, proptest::bool::ANY).prop_map(|(n, first)| business(n, first)),
        (1..121_u16).prop_map(Length::Months),
    ]
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("Asia/Tokyo"),
        Just("Europe/Brussels"),
        Just("America/New_York"),
        Just("America/Santiago"),
        Just("Pacific/Apia"),
        Just("Asia/Kolkata"),
        Just("Africa/Cairo"),
        Just("Pacific/Kiritimati"),
    ]
}

proptest! {
    #[test]
    fn a_clock_ends_after_its_start_and_never_gains_by_starting_later(
        length in length(),
        zone_name in zones(),
        start in 0..4_000_000_000_i64,
        later in 0..40_000_000_i64,
    ) {
        let zone = zone(zone_name);
        let calendar = Calendar::default();
        let instant = |second| jiff::Timestamp::from_second(second).unwrap();
        let (a, b) = (instant(start), instant(start + later));
        let first = length.end(a, &zone, &calendar).unwrap();
        let second = length.end(b, &zone, &calendar).unwrap();
        prop_assert!(first.at > a, "it ends {} and starts {a}", first.at);
        prop_assert!(second.at >= first.at);
        // Days end at a midnight of the authority, or where that does not exist at the first instant of the day.
        if !matches!(length, Length::Hours(_)) {
            let last = first.at.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap().to_zoned(zone.clone());
            prop_assert_eq!(last.date().tomorrow().unwrap(), first.at.to_zoned(zone).date());
        }
    }
}
