//! What the edge keeps of rounds of private matching: the ledger that bounds them, and what it signed at their ends. Their keys, sets,
//! queries and answers are never written down.

use oprf::{AuthorisationId, Day, Entry, OperatorId, RoundId};
use oversight::authorisation::Quota;
use rusqlite::params;
use uuid::Uuid;

use super::authority::set;
use super::{Spool, SpoolError, put_ledger};
use crate::ledger::LedgerRow;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS round_entry (
        round BLOB PRIMARY KEY, operator BLOB NOT NULL, day INTEGER NOT NULL, authorisation BLOB NOT NULL,
        elements INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS round_receipt (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, note TEXT NOT NULL, state TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS round_receipt_waiting ON round_receipt (number) WHERE state = 'waiting';
";

/// Entries are kept so long: they bound a day, and clocks go back by less.
const KEPT_DAYS: u32 = 40;

/// A receipt that waits: its number here, the round as the hub calls it, and the signed note.
pub(crate) type WaitingNote = (i64, Uuid, String);

impl Spool {
    /// The rounds of the last days.
    pub(crate) fn round_entries(&self) -> Result<Vec<Entry>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT round, operator, day, authorisation, elements FROM round_entry ORDER BY day",
        )?;
        let entries = statement.query_map([], |row| {
            Ok(Entry {
                round: RoundId(row.get(0)?),
                operator: OperatorId(row.get(1)?),
                day: Day(row.get(2)?),
                authorisation: AuthorisationId(row.get(3)?),
                elements: row.get(4)?,
            })
        })?;
        Ok(entries.collect::<Result<_, _>>()?)
    }

    /// Counts a round before it begins: as a use of its authorisation, and in the ledger of rounds.
    pub(crate) fn begin_round(&self, quota: &Quota, entry: &Entry) -> Result<(), SpoolError> {
        let text = serde_json::to_string(quota).map_err(|e| SpoolError::Unusable(e.to_string()))?;
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            set(&transaction, "authority-quota", text)?;
            transaction.execute(
                "INSERT INTO round_entry (round, operator, day, authorisation, elements) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![entry.round.0, entry.operator.0, entry.day.0, entry.authorisation.0, entry.elements],
            )?;
            let kept_from = entry.day.0.saturating_sub(KEPT_DAYS);
            transaction.execute("DELETE FROM round_entry WHERE day < ?1", [kept_from])?;
            Ok(transaction.commit()?)
        })
    }

    /// Keeps what was signed at the end of a round, before it is sent.
    pub(crate) fn keep_note(&self, id: Uuid, note: &str, ledger: &[LedgerRow]) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO round_receipt (id, note, state) VALUES (?1, ?2, 'waiting')",
                params![id.to_string(), note],
            )?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// What was signed and waits to be sent, the oldest first.
    pub(crate) fn waiting_notes(&self) -> Result<Vec<WaitingNote>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT number, id, note FROM round_receipt WHERE state = 'waiting' ORDER BY number LIMIT 100",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let rows: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
        let read =
            |(number, id, note): (i64, String, String)| Some((number, Uuid::parse_str(&id).ok()?, note));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Ends the wait of one that the hub has answered for.
    pub(crate) fn acknowledge_note(
        &self,
        number: i64,
        state: &'static str,
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            transaction
                .execute("UPDATE round_receipt SET state = ?2 WHERE number = ?1", params![number, state])?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use oprf::{Ledger, LimitError, Mode, Terms};

    use super::*;

    const ELEMENTS: u32 = 600;

    fn terms(authorisation: u8) -> Terms {
        Terms {
            authorisation: AuthorisationId([authorisation; 32]),
            operator: OperatorId([3; 16]),
            mode: Mode::Match,
            elements: ELEMENTS,
            filter_values_max: 1_024,
        }
    }

    /// Begins a round as the edge does, after a start of its own.
    fn begin(folder: &std::path::Path, authorisation: u8, round: u8, day: u32) -> Result<(), LimitError> {
        let spool = Spool::open(folder).unwrap();
        let mut ledger = Ledger::restore(1_500, spool.round_entries().unwrap());
        let (_, entry) = ledger.admit(terms(authorisation), RoundId([round; 16]), Day(day))?;
        let at = Timestamp::from_second(i64::from(day) * 86_400).unwrap();
        let id = Uuid::from_u128(u128::from(authorisation));
        let quota = spool.quota().unwrap().spend(id, 1, at).unwrap().0;
        spool.begin_round(&quota, &entry).unwrap();
        // What is spent is spent after a restart as well.
        assert_eq!(spool.quota().unwrap().spend(id, 1, at), None);
        Ok(())
    }

    #[test]
    fn what_began_counts_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |authorisation, round, day| begin(folder.path(), authorisation, round, day);
        assert_eq!(begin(1, 1, 20_000), Ok(()));
        assert_eq!(begin(1, 2, 20_000), Err(LimitError::AuthorisationUsed), "a second round of the day");
        assert_eq!(begin(2, 1, 20_000), Err(LimitError::RoundUsed), "a round's number twice");
        assert_eq!(begin(2, 2, 20_000), Ok(()));
        let over = LimitError::Elements { asked: 1_800, max: 1_500 };
        assert_eq!(begin(3, 3, 20_000), Err(over), "more than a day's elements");
        assert_eq!(begin(1, 1, 20_001), Err(LimitError::RoundUsed));
        assert_eq!(begin(1, 4, 20_001), Ok(()));
        // What nothing depends on any more is forgotten.
        assert_eq!(begin(1, 5, 20_001 + KEPT_DAYS), Ok(()));
        let kept = Spool::open(folder.path()).unwrap().round_entries().unwrap();
        assert_eq!(kept.iter().map(|entry| entry.round.0[0]).collect::<Vec<_>>(), [4, 5]);
        assert!(kept.iter().all(|entry| entry.elements == ELEMENTS && entry.operator == OperatorId([3; 16])));
    }

    #[test]
    fn what_was_signed_waits_until_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for number in 1..=2 {
            spool.keep_note(Uuid::from_u128(number), &format!("note {number}"), &[]).unwrap();
        }
        drop(spool);
        let spool = Spool::open(folder.path()).unwrap();
        let waiting = spool.waiting_notes().unwrap();
        let notes: Vec<_> = waiting.iter().map(|(_, id, note)| (id.as_u128(), note.as_str())).collect();
        assert_eq!(notes, [(1, "note 1"), (2, "note 2")]);
        spool.acknowledge_note(waiting[0].0, "sent", &[]).unwrap();
        assert_eq!(spool.waiting_notes().unwrap().len(), 1);
        spool.acknowledge_note(waiting[1].0, "refused", &[]).unwrap();
        assert!(spool.waiting_notes().unwrap().is_empty());
    }
}
