//! What the noun modules stand on: a snapshot to read from, a transaction to write in.

use std::cell::RefCell;
use std::ops::Deref;

use oversight::Realm;

use crate::connection::Connection;
pub(crate) use crate::connection::{Bulk, Dialect, Prepared};
pub(crate) use crate::value::{Params, Row, Value, params};
use crate::writer::WriterState;
use crate::{Clock, StoreError};

/// The number under which the live realm is stored.
const LIVE: i64 = 1;

/// One consistent snapshot of the store.
pub struct Reader<'c> {
    connection: &'c Connection,
    clock: &'c Clock,
}

/// One transaction on the writer; it reads what it has written.
pub struct Tx<'c> {
    reader: Reader<'c>,
    pub(crate) state: &'c RefCell<WriterState>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> Reader<'c> {
    pub(crate) fn new(connection: &'c Connection, clock: &'c Clock) -> Self {
        Self { connection, clock }
    }

    /// What time it is on the store's clock.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Whether what is read here is committed. What is read within a transaction that writes may be taken back, and the numbers it
    /// gave out given to something else: it must not be remembered.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.connection.is_readonly()
    }

    /// Which language the database understands.
    pub(crate) fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    pub(crate) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Every row of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        #[cfg(test)]
        asked::note(sql);
        let mut all = Vec::new();
        params.with(|params| {
            self.connection.query(sql, params, |row| {
                all.push(read(row)?);
                Ok(true)
            })
        })?;
        Ok(all)
    }

    /// The first row of a query.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        #[cfg(test)]
        asked::note(sql);
        let mut first = None;
        params.with(|params| {
            self.connection.query(sql, params, |row| {
                first = Some(read(row)?);
                Ok(false)
            })
        })?;
        Ok(first)
    }

    /// The one number a query gives; 0 where it gives none.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        Ok(self.first(sql, params, |row| row.get::<Option<i64>>(0))?.flatten().unwrap_or(0))
    }

    /// The number of a realm; 0, which no row bears, where nothing was ever written in it.
    pub(crate) fn realm(&self, realm: &Realm) -> Result<i64, StoreError> {
        match realm {
            Realm::Live => Ok(LIVE),
            Realm::Exercise(_) => {
                self.number("SELECT realm FROM realms WHERE name = ?1", [realm.to_string()])
            }
        }
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(connection: &'c Connection, clock: &'c Clock, state: &'c RefCell<WriterState>) -> Self {
        Self { reader: Reader::new(connection, clock), state }
    }

    /// Runs a statement and gives the number of rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        params.with(|params| self.connection().execute(sql, params))
    }

    /// Runs an insertion; a taken key is [`StoreError::Exists`] with `what`.
    pub(crate) fn insert(&self, sql: &str, params: impl Params, what: &str) -> Result<(), StoreError> {
        match params.with(|params| self.connection().insert(sql, params))? {
            true => Ok(()),
            false => Err(StoreError::Exists { what: what.to_owned() }),
        }
    }

    /// A statement that is run many times: it is looked up once.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared<'c>, StoreError> {
        self.connection().prepare(sql)
    }

    /// A table that takes many rows. `columns` are parted by commas.
    pub(crate) fn bulk(&self, table: &'static str, columns: &'static str) -> Result<Bulk<'c>, StoreError> {
        self.connection().bulk(table, columns)
    }

    /// The number of a realm, given to it when it is first written in.
    pub(crate) fn realm_for_writing(&self, realm: &Realm) -> Result<i64, StoreError> {
        let known = self.realm(realm)?;
        if known != 0 {
            return Ok(known);
        }
        let name = realm.to_string();
        self.execute("INSERT INTO realms (realm, name) SELECT MAX(realm) + 1, ?1 FROM realms", [&name])?;
        self.realm(realm)
    }
}

/// A time as it is stored: microseconds since 1970.
pub(crate) fn micros(at: jiff::Timestamp) -> i64 {
    at.as_microsecond()
}

/// A stored time.
pub(crate) fn time(micros: i64) -> Result<jiff::Timestamp, StoreError> {
    jiff::Timestamp::from_microsecond(micros).map_err(|_| StoreError::corrupt(format!("time {micros}")))
}

/// A stored time that may be absent.
pub(crate) fn time_opt(micros: Option<i64>) -> Result<Option<jiff::Timestamp>, StoreError> {
    micros.map(time).transpose()
}

/// A stored text read by the function that reads it elsewhere.
pub(crate) fn parsed<T>(
    what: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| StoreError::corrupt(format!("{what} `{text}`")))
}

/// A STIX identifier from a row.
pub(crate) fn stix_id(text: &str) -> Result<stix::Id, StoreError> {
    parsed("identifier", text, |text| stix::Id::parse(text).ok())
}

/// An organisation's short name from a row.
pub(crate) fn organisation_id(text: &str) -> Result<oversight::OrganisationId, StoreError> {
    parsed("organisation", text, oversight::OrganisationId::parse)
}

/// A number of our own lists: never negative, and small enough for a row.
pub(crate) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A stored count.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Remembers what a thread asked, so that a test can look at the plans.
#[cfg(test)]
pub(crate) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(crate) fn note(sql: &str) {
        ASKED.with_borrow_mut(|asked| asked.insert(sql.to_owned()));
    }

    pub(crate) fn take() -> BTreeSet<String> {
        ASKED.take()
    }
}
