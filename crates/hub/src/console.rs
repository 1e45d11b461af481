//! The console's files, embedded from `web/dist`. Every address that nothing else answers is the console's, if a page is asked for.

use axum::extract::Request;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::{Answer, Failure};

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

/// What is served while `web/dist` is empty.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Yagura</title>\
    <h1>Yagura</h1><p>This program was built without its console. Build the console with <code>npm ci &amp;&amp; npm run build</code> \
    in <code>web/</code>, then build the program again.</p><p lang=ja>このプログラムにはコンソールが含まれていません。\
    <code>web/</code> で <code>npm ci &amp;&amp; npm run build</code> を実行し、プログラムを再度ビルドしてください。</p></html>";

/// Serves a file by its path, else the page of the console, which reads the path itself.
pub(crate) async fn serve(request: Request) -> Answer<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Failure::not_found());
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = Files::get(path).filter(|_| !path.is_empty()) {
        return Ok(answer(&file, path, request.headers()));
    }
    // A browser that goes to an address of the interface that is not there is told so.
    let first = path.split('/').next().unwrap_or_default();
    if matches!(first, "api" | "edge" | "log") || !wants_page(request.headers()) {
        return Err(Failure::not_found());
    }
    Ok(match Files::get("index.html") {
        Some(page) => answer(&page, "index.html", request.headers()),
        None => Html(NOT_BUILT).into_response(),
    })
}

fn answer(file: &EmbeddedFile, path: &str, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    // The build names what is in `assets/` by its content; everything else may change with the next program.
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, cache.to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, file.metadata.mimetype().to_owned())], file.data.to_vec())
        .into_response()
}

/// Whether a browser asks for a page: a program that follows a wrong address gets a problem document and no page.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|accept| accept.contains("text/html"))
}
