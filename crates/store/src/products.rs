//! What organisations run, as they declared it.

use oversight::{OrganisationId, Realm};

use crate::sql::{Row, micros, params, time};
use crate::{Reader, StoreError, Tx};

/// Products of one organisation at most.
pub const PRODUCTS_MAX: usize = 5_000;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub product: String,
    /// Its CPE 2.3 name, where one was given.
    pub cpe: Option<String>,
    /// When it was declared.
    pub created: jiff::Timestamp,
}

/// Puts a list in place of what an organisation declared before.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`PRODUCTS_MAX`].
pub fn replace(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    products: &[Product],
) -> Result<(), StoreError> {
    if products.len() > PRODUCTS_MAX {
        return Err(StoreError::Limit { what: "products of one organisation", limit: PRODUCTS_MAX });
    }
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "DELETE FROM products WHERE realm = ?1 AND organisation = ?2",
        (realm, organisation.as_str()),
    )?;
    for product in products {
        tx.insert(
            "INSERT INTO products (realm, organisation, id, vendor, product, cpe, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                realm,
                organisation.as_str(),
                product.id,
                product.vendor,
                product.product,
                product.cpe,
                micros(product.created),
            ],
            &product.id,
        )?;
    }
    Ok(())
}

/// What an organisation declared.
///
/// # Errors
/// Those of the database.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<Vec<Product>, StoreError> {
    let sql = "SELECT id, vendor, product, cpe, created FROM products WHERE realm = ?1 AND organisation = ?2
        ORDER BY vendor, product, id";
    reader.rows(sql, (reader.realm(realm)?, organisation.as_str()), read)
}

fn read(row: &Row<'_>) -> Result<Product, StoreError> {
    Ok(Product {
        id: row.get(0)?,
        vendor: row.get(1)?,
        product: row.get(2)?,
        cpe: row.get(3)?,
        created: time(row.get(4)?)?,
    })
}
