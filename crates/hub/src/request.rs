//! How handlers read bodies and queries: what cannot be read is answered with what is wrong with it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::Code;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Answer, Failure};
use crate::state::AppState;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// The query of the address.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// Where the request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemoteAddress(pub(crate) IpAddr);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &AppState) -> Answer<Self> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Failure::new(
                Code::UnsupportedMediaType,
                "send the body as `Content-Type: application/json`",
            )),
            Err(JsonRejection::BytesRejection(error)) => Err(body_failure(&error)),
            Err(error) => Err(Failure::new(Code::BadRequest, error.body_text())),
        }
    }
}

/// A body that is too large is another fault than one that broke off.
pub(crate) fn body_failure(error: &BytesRejection) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Failure::new(Code::TooLarge, "the body is larger than this address takes");
    }
    Failure::new(Code::BadRequest, error.body_text())
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Answer<Self> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|error| Failure::new(Code::BadRequest, error.body_text()))
    }
}

impl FromRequestParts<AppState> for RemoteAddress {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Answer<Self> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Without a connection (a test that calls the router) all callers count as one.
        Ok(Self(connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())))
    }
}
