//! The measured load of a case room, in short: that every copy comes to what its reader's label says. What it takes is printed and not
//! judged; `YAGURA_ROOM="50 20 60"` is the whole of it (people, entries a second, seconds).

#[path = "../../benches/room/load.rs"]
mod load;

#[test]
fn people_on_three_hubs_have_what_is_for_them_and_nothing_else() {
    let told = std::env::var("YAGURA_ROOM").unwrap_or_else(|_| "9 6 6".to_owned());
    let mut numbers = told.split_whitespace().map(|word| word.parse::<u64>().unwrap());
    let mut next = || numbers.next().unwrap();
    let people = usize::try_from(next()).unwrap();
    load::work_together(&load::Load { people, rate: next(), seconds: next(), reads: true });
}

#[test]
fn a_room_that_has_grown_is_read_and_written_to() {
    let entries = std::env::var("YAGURA_ROOM_ENTRIES").ok().and_then(|text| text.parse().ok());
    load::grow(entries.unwrap_or(300));
}
