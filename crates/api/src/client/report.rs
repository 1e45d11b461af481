//! What is asked about reports of incidents.

use reqwest::Method;

use super::{Client, Error};
use crate::{
    NewReport, NewReportAnswer, NewReportEvents, NewReportFiling, Report, ReportDutyList, ReportFileTaken,
    ReportFiling, ReportForm, ReportList, ReportReceiverList, ReportTaken,
};

impl Client {
    /// Reports that one may see something of, the newest change first; `after` is what a page before gave as `next`.
    pub async fn reports(&self, after: Option<&str>) -> Result<ReportList, Error> {
        let query: Vec<_> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "reports"], &query).await
    }

    /// One report.
    pub async fn report(&self, id: &str) -> Result<Report, Error> {
        self.get(&["api", "v1", "reports", id], &[]).await
    }

    /// The clocks of all reports of one's own organisation.
    pub async fn report_duties(&self) -> Result<ReportDutyList, Error> {
        self.get(&["api", "v1", "report-duties"], &[]).await
    }

    /// Begins a report. Sent twice it is one.
    pub async fn begin_report(&self, new: &NewReport) -> Result<ReportTaken, Error> {
        self.send(Method::POST, &["api", "v1", "reports"], new).await
    }

    /// Adds events to a report. Sent twice they are taken once.
    pub async fn add_to_report(&self, id: &str, new: &NewReportEvents) -> Result<ReportTaken, Error> {
        self.send(Method::POST, &["api", "v1", "reports", id, "events"], new).await
    }

    /// Attaches a file.
    pub async fn attach_to_report(
        &self,
        id: &str,
        name: &str,
        content: Vec<u8>,
    ) -> Result<ReportFileTaken, Error> {
        let query = [("name", name.to_owned())];
        let request = self.request(Method::POST, &["api", "v1", "reports", id, "files"], &query)?;
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream");
        self.answer(request.timeout(super::request::TIMEOUT_IMPORT).body(content)).await
    }

    /// A form as it would be filed now; regime, stage and recipient.
    pub async fn report_form(&self, id: &str, names: [&str; 3]) -> Result<ReportForm, Error> {
        let [regime, stage, recipient] = names;
        self.get(&["api", "v1", "reports", id, "forms", regime, stage, recipient], &[]).await
    }

    /// Files a form. Sent twice it is filed once.
    pub async fn file_report(&self, id: &str, new: &NewReportFiling) -> Result<ReportFiling, Error> {
        self.send(Method::POST, &["api", "v1", "reports", id, "filings"], new).await
    }

    /// Who can be given copies of one's own organisation's reports.
    pub async fn report_receivers(&self) -> Result<ReportReceiverList, Error> {
        self.get(&["api", "v1", "report-receivers"], &[]).await
    }

    /// Answers what was filed.
    pub async fn answer_report(&self, id: &str, new: &NewReportAnswer) -> Result<ReportTaken, Error> {
        self.send(Method::POST, &["api", "v1", "reports", id, "answers"], new).await
    }

    /// The exact copy of what was filed.
    pub async fn report_copy(&self, id: &str, filing: &str) -> Result<Vec<u8>, Error> {
        self.bytes(&["api", "v1", "reports", id, "filings", filing, "copy"]).await
    }

    /// The receipt of a filing; [`Error::Hub`] for a moment, until a checkpoint covers it.
    pub async fn report_receipt(&self, id: &str, filing: &str) -> Result<Vec<u8>, Error> {
        self.bytes(&["api", "v1", "reports", id, "filings", filing, "receipt"]).await
    }
}
