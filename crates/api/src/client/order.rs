//! What an edge asks for of orders, and what it tells of them.

use std::time::Duration;

use reqwest::Method;

use super::{Client, Error, WAIT_SECONDS_MAX, request};
use crate::{EdgeOrders, OrderReport, OrderReportsAccepted, OrderReportsPosted};

impl Client {
    /// The orders for this edge after a sequence. The hub holds the answer back for up to `wait` seconds while there are none; 0 asks for
    /// an answer at once.
    pub async fn orders_for_edge(&self, after: i64, wait: u64) -> Result<EdgeOrders, Error> {
        let wait = wait.min(WAIT_SECONDS_MAX);
        let query = [("after", after.to_string()), ("wait", wait.to_string())];
        let request = self.request(Method::GET, &["edge", "v1", "orders"], &query)?;
        self.answer(request.timeout(Duration::from_secs(wait) + request::TIMEOUT)).await
    }

    /// Tells what became of orders, at most 500 reports at a time. Each is taken in once, however often it is sent.
    pub async fn send_order_reports(&self, reports: Vec<OrderReport>) -> Result<OrderReportsAccepted, Error> {
        self.send(Method::POST, &["edge", "v1", "orders", "reports"], &OrderReportsPosted { reports }).await
    }
}
