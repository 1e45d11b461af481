//! What is asked about evidence of cases.

use std::time::Duration;

use reqwest::{Body, Method, RequestBuilder};

use super::request::success;
use super::{Client, Error};
use crate::{
    Evidence, EvidenceDownload, EvidenceExport, EvidenceItem, EvidenceList, EvidenceOfferAnswer,
    EvidenceRequestList, NewEvidence, NewEvidenceOffer,
};

/// How long a content may be on its way: an image of a disk over a slow line.
const TIMEOUT_CONTENT: Duration = Duration::from_hours(24);

impl Client {
    /// The evidence of a case, as far as one may see it; `after` is what a page before gave as `next`.
    pub async fn evidence_of(&self, case: &str, after: Option<&str>) -> Result<EvidenceList, Error> {
        let query: Vec<_> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "cases", case, "evidence"], &query).await
    }

    /// One item, with its custody and holds.
    pub async fn evidence(&self, item: &str) -> Result<Evidence, Error> {
        self.get(&["api", "v1", "evidence", item], &[]).await
    }

    /// Announces an item. Sent twice it is one.
    pub async fn announce_evidence(&self, case: &str, new: &NewEvidence) -> Result<EvidenceItem, Error> {
        self.send(Method::POST, &["api", "v1", "cases", case, "evidence"], new).await
    }

    /// Sends an item's content.
    pub async fn send_evidence(
        &self,
        item: &str,
        (content, size): (impl Into<Body>, u64),
    ) -> Result<Evidence, Error> {
        let request = self.request(Method::PUT, &["api", "v1", "evidence", item, "content"], &[])?;
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream");
        let request = request.header(reqwest::header::CONTENT_LENGTH, size).body(content);
        self.answer(request.timeout(TIMEOUT_CONTENT)).await
    }

    /// Takes an item's content out, as an archive that is handed on part by part.
    pub async fn download_evidence(
        &self,
        item: &str,
        body: &EvidenceDownload,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let path = ["api", "v1", "evidence", item, "download"];
        hand_on(self.request(Method::POST, &path, &[])?.json(body), take).await
    }

    /// Has a package made, and hands it on part by part.
    pub async fn export_evidence(
        &self,
        case: &str,
        body: &EvidenceExport,
        take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let path = ["api", "v1", "cases", case, "evidence", "export"];
        hand_on(self.request(Method::POST, &path, &[])?.json(body), take).await
    }

    /// Offers an item to other hands.
    pub async fn offer_evidence(&self, item: &str, new: &NewEvidenceOffer) -> Result<Evidence, Error> {
        self.send(Method::POST, &["api", "v1", "evidence", item, "offer"], new).await
    }

    /// Answers an offer.
    pub async fn answer_evidence_offer(
        &self,
        item: &str,
        answer: &EvidenceOfferAnswer,
    ) -> Result<Evidence, Error> {
        self.send(Method::POST, &["api", "v1", "evidence", item, "answer"], answer).await
    }

    /// The requests of a case that one's own organisation made or was asked.
    pub async fn evidence_requests(&self, case: &str) -> Result<EvidenceRequestList, Error> {
        self.get(&["api", "v1", "cases", case, "evidence-requests"], &[]).await
    }
}

async fn hand_on(
    request: RequestBuilder,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), Error> {
    let mut response = success(request.timeout(TIMEOUT_CONTENT)).await?;
    loop {
        let part = response.chunk().await;
        let part = part.map_err(|error| Error::Unreachable(error.without_url().to_string()))?;
        let Some(part) = part else { return Ok(()) };
        take(&part).map_err(|error| Error::Settings(error.to_string()))?;
    }
}
