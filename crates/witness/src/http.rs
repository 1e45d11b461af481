//! The HTTP client of this crate: no redirections, bounded answers.

use std::io::Read;
use std::time::Duration;

use reqwest::header::CONTENT_ENCODING;
use reqwest::{Client, Response};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client; `plain` where no address is of `https`, so that a machine without any trusted certificate can use it.
pub(crate) fn client(plain: bool) -> Result<Client, String> {
    // The process may have chosen a provider already; then that one stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // Where to look is what the operator configured, not what a log answers.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")));
    if plain {
        builder = builder.no_proxy().tls_certs_only([]);
    }
    builder.build().map_err(|error| causes(&error))
}

/// The body, at most `max` bytes, unpacked where it is packed with gzip, which logs may do without being asked (C2SP tlog-tiles, Log
/// entries).
pub(crate) async fn body(mut response: Response, max: usize) -> Result<Vec<u8>, String> {
    let packed = response.headers().get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > max {
            return Err(format!("the answer is longer than {max} bytes"));
        }
    }
    if packed { unpack(&bytes, max) } else { Ok(bytes) }
}

fn unpack(packed: &[u8], max: usize) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(packed).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| format!("the answer cannot be unpacked: {error}"))?;
    if bytes.len() > max { Err(format!("the answer unpacks to more than {max} bytes")) } else { Ok(bytes) }
}

/// The error with its causes: the client's own sentence names neither.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
