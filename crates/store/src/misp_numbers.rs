//! The numbers by which MISP's clients know events.
//!
//! A number follows from the UUID, so that a row of numbers does not tell how many events there are that one may not see.

use oversight::Realm;
use sha2::Digest;
use uuid::Uuid;

use crate::{Reader, StoreError, Tx};

/// Numbers are below this: clients keep them in 32 bits.
const NUMBERS: u64 = (1 << 31) - 1;

/// The number of an event, if it has one already.
///
/// # Errors
/// Those of the database.
pub fn number_of(reader: &Reader<'_>, realm: &Realm, uuid: Uuid) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT number FROM misp_numbers WHERE realm = ?1 AND uuid = ?2";
    reader.first(sql, (reader.realm(realm)?, uuid.to_string()), |row| row.get(0))
}

/// The event of a number.
///
/// # Errors
/// Those of the database.
pub fn uuid_of(reader: &Reader<'_>, realm: &Realm, number: i64) -> Result<Option<Uuid>, StoreError> {
    let sql = "SELECT uuid FROM misp_numbers WHERE realm = ?1 AND number = ?2";
    let text: Option<String> = reader.first(sql, (reader.realm(realm)?, number), |row| row.get(0))?;
    Ok(text.and_then(|text| Uuid::parse_str(&text).ok()))
}

/// The number of an event; one that has none is given one.
///
/// # Errors
/// Those of the database.
pub fn assign(tx: &mut Tx<'_>, realm: &Realm, uuid: Uuid) -> Result<i64, StoreError> {
    if let Some(number) = number_of(tx, realm, uuid)? {
        return Ok(number);
    }
    let key = tx.realm_for_writing(realm)?;
    let mut round = 0_u32;
    loop {
        let digest = sha2::Sha256::digest(format!("misp\n{uuid}\n{round}").as_bytes());
        let folded = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        let number = i64::try_from(folded % NUMBERS + 1).unwrap_or(1);
        if uuid_of(tx, realm, number)?.is_none() {
            let sql = "INSERT INTO misp_numbers (realm, number, uuid) VALUES (?1, ?2, ?3)";
            tx.insert(sql, (key, number, uuid.to_string()), "MISP number")?;
            return Ok(number);
        }
        round += 1;
    }
}
