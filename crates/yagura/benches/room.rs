//! One case room on three federated hubs: how long it takes until everybody who may see an entry has it, what cuts do, and that nobody else
//! gets it; then one room that grows, read and written to.
//!
//! `cargo bench -p yagura --bench room -- [PEOPLE] [CHANGES_PER_SECOND] [SECONDS]` (50, 20 and 60 unless told).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

#[path = "room/load.rs"]
mod load;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let people = usize::try_from(numbers.next().unwrap_or(50)).unwrap();
    let (rate, seconds) = (numbers.next().unwrap_or(20), numbers.next().unwrap_or(60));
    load::work_together(&load::Load { people, rate, seconds, reads: true });
    for entries in [5_000, 19_900] {
        load::grow(entries);
    }
}
