//! The log of acts grows by a set number of entries at set times: acts that were done meanwhile, and as many entries as are missing that
//! stand for nothing. From outside each is a salted commitment like any other, so nobody can count acts by the size of the log.
//!
//! An act is still written down in its own transaction, at once. What waits for its time is that the log is shown to have grown.

use oversight::{Action, Actor, AuditEvent, Purpose};
use store::trees::Tree;
use store::{Act, Store, Tx, audit};
use tlog::{Checkpoint, SigningKey};

use crate::REALM;

/// Fills the log up to the next size that is shown after `shown`; that size, with its signed checkpoint.
pub(super) async fn fill(
    store: &Store,
    key: &SigningKey,
    shown: u64,
    to: u64,
) -> Result<(u64, String), String> {
    let filled = store.write(move |tx: &mut Tx<'_>| {
        let size = audit::next_leaf(tx)?;
        let next = next_size(shown, size, to);
        let event = AuditEvent::done(Action::Padding, Actor::Node, Purpose::Administration);
        let missing = usize::try_from(next.saturating_sub(size)).unwrap_or(0);
        Ok(Act::audited_all(next, &REALM, vec![event; missing]))
    });
    let size = filled.await.map_err(|error| error.to_string())?;
    // Acts may have come behind it by now: they are of the next stretch.
    let root = store.read(move |reader| {
        let node = |level, index| Tree::Acts.node(reader, level, index).ok().flatten();
        Ok(tlog::proof::root(size, node))
    });
    let root = root.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok((size, key.sign_checkpoint(&Checkpoint { origin: key.name().to_owned(), size, root })))
}

/// The next size that is shown, of a log that has `size` entries: more than is shown now by `to`, or by a multiple of it.
fn next_size(shown: u64, size: u64, to: u64) -> u64 {
    let grown = size.saturating_sub(shown);
    shown.saturating_add(grown.div_ceil(to.max(1)).max(1).saturating_mul(to))
}

#[cfg(test)]
mod tests {
    use super::next_size;

    #[test]
    fn it_grows_by_the_same_whatever_was_done() {
        for (shown, size, next) in [
            (0, 0, 16),
            (0, 1, 16),
            (0, 16, 16),
            (0, 17, 32),
            (32, 32, 48),
            (32, 47, 48),
            (32, 48, 48),
            (7, 8, 23),
        ] {
            assert_eq!(next_size(shown, size, 16), next, "{shown} {size}");
        }
    }
}
