//! The headers that keep a browser from doing what a page or an answer does not mean, on every kind of answer.

use reqwest::Method;
use reqwest::header::HeaderMap;

use crate::support::TestHub;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_bears_its_headers() {
    let hub = TestHub::start().await;
    let mut seen = std::collections::BTreeSet::new();
    let pages = [
        "GET /",
        "GET /sign-in",
        "GET /assets/none.js",
        "GET /favicon.ico",
        "PUT /",
        "GET /edge/v1/none",
        "DELETE /api/v1/node",
    ];
    let operations = hub::all_operations("council").into_iter().chain(pages.map(str::to_owned));
    for operation in operations {
        let (method, path) = operation.split_once(' ').unwrap();
        let (method, path) = (method.parse::<Method>().unwrap(), path.replace(['{', '}', '*'], ""));
        let asked = [
            hub.ask(method.clone(), &path).stranger().header("accept", "*/*"),
            hub.ask(method.clone(), &path).header("accept", "*/*"),
            hub.ask(method.clone(), &path)
                .header("accept", "application/json")
                .header("content-type", "application/json"),
            hub.ask(method.clone(), &path)
                .header("accept", "application/json")
                .header("content-type", "text/plain")
                .body(b"{}".to_vec()),
            // What the hub does not read, it closes the connection on: the next one is a new one.
            hub.ask(method, &path)
                .header("connection", "close")
                .header("content-type", "application/json")
                .body(vec![b' '; 300_000]),
        ];
        for ask in asked {
            let answer = ask.response().await;
            seen.insert(answer.status().as_u16());
            check(&operation, answer.status().as_u16(), answer.headers());
        }
    }
    for status in [200, 400, 401, 403, 404, 405, 406, 413, 415, 422] {
        assert!(seen.contains(&status), "{status} was not among the answers: {seen:?}");
    }
}

fn check(operation: &str, status: u16, headers: &HeaderMap) {
    let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let of = format!("{operation}: {status}, {headers:?}");
    assert_eq!(text("x-content-type-options"), "nosniff", "{of}");
    assert_eq!(text("referrer-policy"), "no-referrer", "{of}");
    assert_eq!(text("cross-origin-resource-policy"), "same-origin", "{of}");
    assert!(text("x-request-id").len() == 32 && headers.get_all("x-request-id").iter().count() == 1, "{of}");
    for tells in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert!(!headers.contains_key(tells), "{of}");
    }
    let policy = text("content-security-policy");
    let has = |directive: &str| policy.split(';').any(|one| one.trim() == directive);
    assert!(has("frame-ancestors 'none'"), "{of}");
    if has("default-src 'none'") {
        let cache = text("cache-control");
        let is_tile = operation.contains("/tile/") && status == 200;
        assert!(cache == "no-store" || is_tile, "{of}");
    } else {
        // The console: nothing from elsewhere, no script in a page's text, no plugin, no other form's target.
        for directive in [
            "default-src 'self'",
            "script-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(has(directive), "{of}");
        }
        assert_eq!(text("x-frame-options"), "DENY", "{of}");
        assert_eq!(text("cross-origin-opener-policy"), "same-origin", "{of}");
        assert_eq!(text("permissions-policy"), "camera=(), geolocation=(), microphone=()", "{of}");
    }
}
