//! The receipt of a filing, made of the log of acts as it is published.

use std::time::Duration;

use api::Code;
use oversight::FilingReceipt;
use store::reports::Filed;
use store::{audit, trees::Tree};
use tlog::TlogProof;

use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// How long whoever comes too early waits: the log is published every second.
const PAUSE: Duration = Duration::from_secs(2);

/// The receipt of a filing under the newest checkpoint that this node shows, the witnesses' where it has any.
///
/// # Errors
/// 503 while no checkpoint covers it yet.
pub(crate) async fn make(state: &AppState, realm: &oversight::Realm, filed: &Filed) -> Answer<String> {
    let note = state.log.newest(&state.store).await?;
    let note = note.and_then(|note| String::from_utf8(note.to_vec()).ok()).ok_or_else(too_early)?;
    let (realm, leaf) = (realm.clone(), filed.leaf);
    let made = state.store.read(move |reader| {
        let Some((record, salt)) = audit::record(reader, &realm, leaf)? else { return Ok(None) };
        let node = |level, index| Tree::Acts.node(reader, level, index).ok().flatten();
        let proof = TlogProof::make(leaf, &note, node);
        Ok(Some(proof.and_then(|proof| FilingReceipt::make(proof, &record, &salt))))
    });
    match made.await? {
        None => Err(Failure::internal("the leaf of a filing is missing")),
        Some(Ok(receipt)) => Ok(receipt.to_text()),
        // Its leaf lies beyond the checkpoint.
        Some(Err(tlog::TlogProofError::Path(_))) => Err(too_early()),
        Some(Err(error)) => Err(Failure::internal(error)),
    }
}

/// The receipt is not there yet.
pub(crate) fn too_early() -> Failure {
    let detail =
        "the log's signed checkpoint does not cover this filing yet; fetch the receipt again in a moment";
    Failure::new(Code::Unavailable, detail).retry_after(PAUSE)
}
