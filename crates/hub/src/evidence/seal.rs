//! How content is sealed: in pieces, under a key of the item's own, which is sealed under a class key of the item's own where the node has a key
//! service, and under the node's key elsewhere. With the class key an item ends in every backup; under the node's key it does not.
//!
//! A piece is AES-256-GCM under the item's key. Its nonce is its number and whether it is the last, so that no piece can stand in another's place, and
//! none be left out; it is bound to item and upload.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use oversight::Realm;
use store::evidence::Kept;
use store::secrets;
use uuid::Uuid;
use vault::{ClassKeyId, Name, day_of};
use zeroize::Zeroizing;

use crate::problem::{Answer, Failure};
use crate::retention::{Unopened, until_destroyed};
use crate::state::AppState;

/// Bytes of content in one piece; the last may have fewer.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// An item's key.
pub(crate) struct ContentKey {
    key: LessSafeKey,
    bound: String,
}

/// A key that was made, sealed.
pub(crate) struct SealedKey {
    /// The class key that it is sealed under; none: the node's own.
    pub(crate) class_key: Option<String>,
    pub(crate) sealed: Vec<u8>,
}

/// A piece is not what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed content was altered")]
pub(crate) struct Altered;

impl ContentKey {
    /// The one with these bytes.
    ///
    /// # Errors
    /// Where they are no key.
    pub(crate) fn of(bytes: &[u8], (item, upload): (Uuid, Uuid)) -> Result<Self, Altered> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Altered)?;
        Ok(Self { key: LessSafeKey::new(key), bound: format!("evidence content {item} {upload}") })
    }

    /// A new one, and as it is kept.
    ///
    /// # Errors
    /// 503 where the key service does not do its work.
    pub(crate) async fn make(
        state: &AppState,
        realm: &Realm,
        (item, upload): (Uuid, Uuid),
    ) -> Answer<(Self, SealedKey)> {
        let bytes = Zeroizing::new(secrets::random()?);
        let key = Self::of(bytes.as_slice(), (item, upload)).map_err(Failure::internal)?;
        let sealed = match &state.retention {
            Some(retention) => {
                let class = state.config.evidence.class.clone().map_or_else(until_destroyed, Ok);
                let id = class.and_then(|class| class_key(item, &class)).map_err(Failure::internal)?;
                let sealed = retention.seal(id.clone(), item, bytes.as_slice()).await;
                let sealed = sealed.map_err(|error| away(&error))?;
                SealedKey { class_key: Some(id.to_string()), sealed }
            }
            None => {
                let sealed = state.vault.seal_bytes(&purpose(realm, item), bytes.as_slice());
                SealedKey { class_key: None, sealed: sealed.map_err(Failure::internal)? }
            }
        };
        Ok((key, sealed))
    }

    /// The key of a content that is here.
    ///
    /// # Errors
    /// 422 where its time is over; 503 where the key service does not do its work.
    pub(crate) async fn open(state: &AppState, realm: &Realm, item: Uuid, kept: &Kept) -> Answer<Self> {
        let sealed = kept.sealed_key.as_ref().ok_or_else(|| Failure::internal("an item has no key"))?;
        let bytes = match (&kept.class_key, &state.retention) {
            (Some(class_key), Some(retention)) => {
                let opened = retention.open_content(item, class_key, sealed).await;
                opened.map_err(|error| match error {
                    Unopened::Over => Failure::rule(
                        "item-key-destroyed",
                        "the time of this item is over: its key is destroyed, or about to be",
                    ),
                    Unopened::Altered => Failure::internal("the sealed key of an item was altered"),
                    Unopened::Unavailable(cause) => away(&cause),
                })?
            }
            (Some(_), None) => return Err(away(&"this hub has no `[retention]`")),
            (None, _) => {
                let opened = state.vault.open_bytes(&purpose(realm, item), sealed);
                Zeroizing::new(opened.map_err(Failure::internal)?)
            }
        };
        Self::of(&bytes, (item, kept.upload)).map_err(Failure::internal)
    }

    /// Seals a piece in place.
    ///
    /// # Errors
    /// Where the cryptographic library gives up.
    pub(crate) fn seal(&self, number: u64, is_last: bool, bytes: &mut Vec<u8>) -> Result<(), Altered> {
        let (nonce, bound) = (nonce(number, is_last), Aad::from(self.bound.as_bytes()));
        self.key.seal_in_place_append_tag(nonce, bound, bytes).map_err(|_| Altered)
    }

    /// Opens a piece in place.
    ///
    /// # Errors
    /// Where it is not what was sealed as this piece.
    pub(crate) fn open_piece<'p>(
        &self,
        number: u64,
        is_last: bool,
        sealed: &'p mut [u8],
    ) -> Result<&'p [u8], Altered> {
        let (nonce, bound) = (nonce(number, is_last), Aad::from(self.bound.as_bytes()));
        self.key.open_in_place(nonce, bound, sealed).map(|opened| &*opened).map_err(|_| Altered)
    }
}

/// The class key of an item's own: it ends with the item and with nothing else.
fn class_key(item: Uuid, class: &Name) -> Result<ClassKeyId, vault::ClassError> {
    ClassKeyId::new(Name::new(item.to_string())?, day_of(jiff::Timestamp::now()), class.clone())
}

/// What a key under the node's own is bound to.
pub(crate) fn purpose(realm: &Realm, item: Uuid) -> String {
    format!("evidence key {realm} {item}")
}

fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    for (to, from) in bytes.iter_mut().skip(3).zip(number.to_be_bytes()) {
        *to = from;
    }
    if let Some(last) = bytes.last_mut() {
        *last = u8::from(is_last);
    }
    Nonce::assume_unique_for_key(bytes)
}

fn away(cause: &impl std::fmt::Display) -> Failure {
    let detail = "the node's key service is away: nothing was taken in or given out; try again later";
    Failure::new(api::Code::Unavailable, detail).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(upload: u128) -> ContentKey {
        ContentKey::of(&[7; 32], (Uuid::from_u128(1), Uuid::from_u128(upload))).unwrap()
    }

    #[test]
    fn a_piece_opens_in_its_place_alone() {
        let mut sealed = b"what was on the disk".to_vec();
        key(2).seal(3, false, &mut sealed).unwrap();
        let open = |key: &ContentKey, number, is_last, sealed: &[u8]| {
            key.open_piece(number, is_last, &mut sealed.to_vec()).map(<[u8]>::to_vec)
        };
        assert_eq!(open(&key(2), 3, false, &sealed).unwrap(), b"what was on the disk");
        assert_eq!(open(&key(2), 3, true, &sealed), Err(Altered), "the end was cut off");
        assert_eq!(open(&key(2), 4, false, &sealed), Err(Altered), "pieces were exchanged");
        assert_eq!(open(&key(3), 3, false, &sealed), Err(Altered), "of another upload");
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(open(&key(2), 3, false, &altered), Err(Altered), "{place}");
        }
    }
}
