//! Reading a collection to its end, and on from there the next time.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Client, Error, Filters, Page, Place};

/// Pages of one poll at most; at a page of 1,000 objects, that is a hundred million.
const PAGES_MAX: usize = 100_000;
/// Objects of a page where the caller asks for no number: without one, servers in the field stumble over their own `next`.
const LIMIT: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
/// Pages in a row that hold nothing and promise more.
const EMPTY_PAGES_MAX: u32 = 16;

/// How far a collection was read. Both are the server's own words and mean nothing to us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Only what was added after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_after: Option<String>,
    /// Where a page ended that was not the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A collection that is being read.
#[derive(Debug)]
pub struct Poll {
    client: Client,
    place: Place,
    filters: Filters,
    cursor: Cursor,
    /// The latest `X-TAXII-Date-Added-Last`: from there the next poll goes on.
    reached: Option<String>,
    /// What was seen of pages, so that a server which leads in a circle is noticed.
    seen: HashSet<u64>,
    pages: usize,
    empty: u32,
    is_over: bool,
}

impl Poll {
    pub(super) fn new(client: Client, place: Place, mut filters: Filters, cursor: Cursor) -> Self {
        filters.limit.get_or_insert(LIMIT);
        Self {
            client,
            place,
            filters,
            cursor,
            reached: None,
            seen: HashSet::new(),
            pages: 0,
            empty: 0,
            is_over: false,
        }
    }

    /// The next page; `None` after the last. After an error the poll stands where it stood and may be asked again.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Answer`] where the server leads in a circle or does not say how to go on.
    pub async fn next_page(&mut self) -> Result<Option<Page>, Error> {
        if self.is_over {
            return Ok(None);
        }
        if self.pages >= PAGES_MAX {
            return Err(Error::Answer(format!("it has given {PAGES_MAX} pages and promises more")));
        }
        let page = self.client.objects(&self.place, &self.filters, &self.cursor).await?;
        self.check(&page)?;
        self.advance(&page)?;
        self.pages += 1;
        Ok(Some(page))
    }

    /// How far it was read: keep this once the objects of the pages so far are safe.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    /// Each page of a poll has something new, or the server would lead us on for ever.
    fn check(&mut self, page: &Page) -> Result<(), Error> {
        if page.objects.is_empty() {
            self.empty += 1;
            if page.more && self.empty > EMPTY_PAGES_MAX {
                return Err(Error::Answer("it gives empty pages and promises more".to_owned()));
            }
        } else {
            self.empty = 0;
            let mut hash = DefaultHasher::new();
            page.objects.iter().for_each(|object| object.get().hash(&mut hash));
            if !self.seen.insert(hash.finish()) {
                return Err(Error::Answer("it gives a page again that it gave before".to_owned()));
            }
        }
        Ok(())
    }

    fn advance(&mut self, page: &Page) -> Result<(), Error> {
        if let Some(last) = &page.last_added {
            self.reached = Some(last.clone());
        }
        if !page.more {
            // The next poll goes on from the last date; a server that gave none is asked the same again.
            self.cursor =
                Cursor { added_after: self.reached.take().or(self.cursor.added_after.take()), next: None };
            self.is_over = true;
            return Ok(());
        }
        let following = match (&page.next, &page.last_added) {
            // §3.5: the same query, and `next`.
            (Some(next), _) => Cursor { next: Some(next.clone()), ..self.cursor.clone() },
            // Servers without `next` are paged by date.
            (None, Some(last)) => Cursor { added_after: Some(last.clone()), next: None },
            (None, None) => {
                let why = "it says that there is more, and neither `next` nor a date to go on from";
                return Err(Error::Answer(why.to_owned()));
            }
        };
        // The same `next` twice is legal: some servers keep the place themselves and move it. A circle shows in the pages.
        self.cursor = following;
        Ok(())
    }
}
