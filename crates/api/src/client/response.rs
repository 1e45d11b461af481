//! What is asked about playbooks, their runs, and what was ordered.

use reqwest::Method;

use super::{Client, Error};
use crate::{
    AskedOrderList, NewPlaybook, NewRun, OrderInfo, OrderList, OrderUndo, Playbook, PlaybookAdded,
    PlaybookList, Run, RunCancel, RunList, RunPause,
};

impl Client {
    /// The playbooks that the hub has.
    pub async fn playbooks(&self) -> Result<PlaybookList, Error> {
        self.get(&["api", "v1", "playbooks"], &[]).await
    }

    /// One playbook, in its newest version or in the one that is named.
    pub async fn playbook(&self, id: &str, version: Option<&str>) -> Result<Playbook, Error> {
        let query: Vec<_> = version.map(|version| ("version", version.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "playbooks", id], &query).await
    }

    /// Brings a playbook. Brought twice, byte for byte, it is one.
    pub async fn add_playbook(&self, new: &NewPlaybook) -> Result<PlaybookAdded, Error> {
        self.send(Method::POST, &["api", "v1", "playbooks"], new).await
    }

    /// Has a playbook run. Sent twice it is one run.
    pub async fn start_run(&self, new: &NewRun) -> Result<Run, Error> {
        self.send(Method::POST, &["api", "v1", "runs"], new).await
    }

    /// Runs, the newest first; `after` is what a page before gave as `next`.
    pub async fn runs(&self, after: Option<&str>) -> Result<RunList, Error> {
        let query: Vec<_> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "runs"], &query).await
    }

    /// One run.
    pub async fn run(&self, id: &str) -> Result<Run, Error> {
        self.get(&["api", "v1", "runs", id], &[]).await
    }

    /// Stops a run.
    pub async fn cancel_run(&self, id: &str, cancel: &RunCancel) -> Result<Run, Error> {
        self.send(Method::POST, &["api", "v1", "runs", id, "cancel"], cancel).await
    }

    /// Lets a run begin nothing new.
    pub async fn pause_run(&self, id: &str, pause: &RunPause) -> Result<Run, Error> {
        self.send(Method::POST, &["api", "v1", "runs", id, "pause"], pause).await
    }

    /// Lets a paused run go on.
    pub async fn continue_run(&self, id: &str, pause: &RunPause) -> Result<Run, Error> {
        self.send(Method::POST, &["api", "v1", "runs", id, "continue"], pause).await
    }

    /// What other hubs ask to be ordered here, the newest first; `after` is what a page before gave as `next`.
    pub async fn asked_orders(&self, after: Option<&str>) -> Result<AskedOrderList, Error> {
        let query: Vec<_> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "orders", "asked"], &query).await
    }

    /// Orders to edges, the newest first; `after` is what a page before gave as `next`.
    pub async fn orders(&self, after: Option<&str>) -> Result<OrderList, Error> {
        let query: Vec<_> = after.map(|after| ("after", after.to_owned())).into_iter().collect();
        self.get(&["api", "v1", "orders"], &query).await
    }

    /// Has an order undone before its time.
    pub async fn undo_order(&self, command: &str, undo: &OrderUndo) -> Result<OrderInfo, Error> {
        self.send(Method::POST, &["api", "v1", "orders", command, "undo"], undo).await
    }
}
