//! Work on several cores, within one call.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many threads a call may use. They end with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(pub NonZeroUsize);

impl Threads {
    /// The calling thread alone.
    pub const ONE: Self = Self(NonZeroUsize::MIN);

    /// `work` on each chunk of at most `length` items with the chunk's number; the results in the order of the chunks.
    pub(crate) fn map<T: Sync, R: Send>(
        self,
        items: &[T],
        length: usize,
        work: impl Fn(usize, &[T]) -> R + Sync,
    ) -> Vec<R> {
        let chunks: Vec<&[T]> = items.chunks(length.max(1)).collect();
        let next = AtomicUsize::new(0);
        let take = || {
            let mut done = vec![];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(number) else { return done };
                done.push((number, work(number, chunk)));
            }
        };
        let mut results = if self.0.get().min(chunks.len()) <= 1 {
            take()
        } else {
            thread::scope(|scope| {
                let others: Vec<_> = (1..self.0.get().min(chunks.len())).map(|_| scope.spawn(take)).collect();
                let mut results = take();
                for other in others {
                    results.extend(other.join().unwrap_or_else(|cause| resume_unwind(cause)));
                }
                results
            })
        };
        results.sort_unstable_by_key(|(number, _)| *number);
        results.into_iter().map(|(_, result)| result).collect()
    }
}
