//! Routes that are not in the OpenAPI document, with a list of their operations: a test walks every one with every kind of
//! principal.

use axum::Router;
use axum::routing::{MethodRouter, delete, get, post};

use crate::state::AppState;

/// A router and what it offers.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) router: Router<AppState>,
    /// Method and path, e.g. `GET /healthz`.
    pub(crate) operations: Vec<String>,
}

impl Listed {
    /// Adds an operation.
    pub(crate) fn get<H: axum::handler::Handler<T, AppState>, T: 'static>(
        self,
        path: &str,
        handler: H,
    ) -> Self {
        self.add("GET", path, get(handler))
    }

    /// Adds an operation.
    pub(crate) fn post<H: axum::handler::Handler<T, AppState>, T: 'static>(
        self,
        path: &str,
        handler: H,
    ) -> Self {
        self.add("POST", path, post(handler))
    }

    /// Adds an operation.
    pub(crate) fn delete<H: axum::handler::Handler<T, AppState>, T: 'static>(
        self,
        path: &str,
        handler: H,
    ) -> Self {
        self.add("DELETE", path, delete(handler))
    }

    /// Adds all that another one offers.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        Self { router: self.router.merge(other.router), operations: self.operations }
    }

    fn add(mut self, method: &str, path: &str, handler: MethodRouter<AppState>) -> Self {
        self.operations.push(format!("{method} {path}"));
        // A path that ends in a slash is served without it as well.
        let bare = path.trim_end_matches('/');
        let router =
            if bare.len() < path.len() { self.router.route(bare, handler.clone()) } else { self.router };
        Self { router: router.route(path, handler), operations: self.operations }
    }
}
