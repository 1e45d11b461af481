//! What is handed in about cases.

use reqwest::Method;

use super::{Client, Error};
use crate::CaseMailTaken;

impl Client {
    /// Hands a mail in about a case, named by its identifier or its number; for all who see the case at once, or to wait in the side room. Sent
    /// twice it is one entry.
    pub async fn send_case_mail(
        &self,
        case: &str,
        whole_room: bool,
        message: Vec<u8>,
    ) -> Result<CaseMailTaken, Error> {
        let query = [("room", if whole_room { "whole" } else { "side" }.to_owned())];
        let request = self.request(Method::POST, &["api", "v1", "cases", case, "mail"], &query)?;
        let request = request.header(reqwest::header::CONTENT_TYPE, "message/rfc822");
        self.answer(request.timeout(super::request::TIMEOUT_IMPORT).body(message)).await
    }
}
