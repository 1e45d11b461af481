//! How messages travel by HTTPS (OpenC2 transfer specification 1.1), as values: what a request and an answer say around a message. TLS, and
//! that both ends prove who they are, are the server's and the client's.

use crate::message::{CONTENT_TYPE, Content, Message, is_content_type};
use crate::refusal::{At, Refusal};
use crate::response::{Response, Status};

/// The path that commands are posted to (HTTPS 3.2.2).
pub const PATH: &str = "/.well-known/openc2";
/// The one method (HTTPS 3.2.1).
pub const METHOD: &str = "POST";
/// The header that names a request in HTTP (HTTPS 3.3.3).
pub const REQUEST_ID: &str = "X-Request-ID";

/// A request, as far as OpenC2 looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// `Content-Type`
    pub content_type: Option<String>,
    /// `Accept`
    pub accept: Option<String>,
    /// `X-Request-ID`
    pub request_id: Option<String>,
    /// `Cache-Control`
    pub cache_control: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer in HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// `Content-Type`, where there is a body.
    pub content_type: Option<&'static str>,
    /// `X-Request-ID`, as it came.
    pub request_id: Option<String>,
    /// `Cache-Control`
    pub cache_control: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// A command as a request.
///
/// # Errors
/// It has no identifier, or is no command.
pub fn request(message: &Message) -> Result<Request, Refusal> {
    let at = At::root();
    if !matches!(message.content, Content::Request(_)) {
        return Err(Refusal::malformed("HTTPS 3.2.1", &at, "the message carries no command"));
    }
    let Some(id) = &message.headers.request_id else {
        let at = at.to("headers").to("request_id");
        return Err(Refusal::malformed("HTTPS 3.3.3", &at, "a command has a request's identifier"));
    };
    Ok(Request {
        method: METHOD.to_owned(),
        path: PATH.to_owned(),
        content_type: Some(CONTENT_TYPE.to_owned()),
        accept: Some(CONTENT_TYPE.to_owned()),
        request_id: Some(id.clone()),
        cache_control: Some("no-cache".to_owned()),
        body: message.to_bytes(),
    })
}

/// The command in a request. Where the message has no identifier, it is that of the header (HTTPS 3.3.3).
///
/// # Errors
/// The answer to give: what came is no command.
pub fn read(request: &Request) -> Result<Message, Box<Reply>> {
    if request.path != PATH {
        return Err(Box::new(bare(Status::NotFound.code(), request.request_id.as_deref())));
    }
    if request.method != METHOD {
        // 405 would be HTTP's own word, but only the language's statuses may be used (HTTPS 4.2.1).
        return Err(Box::new(bare(Status::NotImplemented.code(), request.request_id.as_deref())));
    }
    let id = request.request_id.as_deref().filter(|id| is_id(id));
    let refuse = |refusal: &Refusal| {
        Box::new(answer(&Message::response(headers(id), &Response::refusing(refusal), crate::Language::V1_0)))
    };
    let at = At::root();
    if !request.content_type.as_deref().is_some_and(is_content_type) {
        let message = "the content type is not `application/openc2+json;version=1.0`";
        return Err(refuse(&Refusal::malformed("HTTPS 3.3.1", &at.to("Content-Type"), message)));
    }
    let mut message = Message::parse(&request.body).map_err(|refusal| refuse(&refusal))?;
    if !matches!(message.content, Content::Request(_)) {
        return Err(refuse(&Refusal::malformed("HTTPS 3.2.1", &at, "the message carries no command")));
    }
    match (message.headers.request_id.clone(), id) {
        (Some(own), Some(id)) if own != id => {
            let message = "the identifiers of message and request differ";
            return Err(refuse(&Refusal::malformed("HTTPS 3.3.3", &at.to(REQUEST_ID), message)));
        }
        (None, None) => {
            let message = "neither message nor request has an identifier";
            return Err(refuse(&Refusal::malformed("HTTPS 3.3.3", &at.to(REQUEST_ID), message)));
        }
        (None, Some(id)) => message.headers.request_id = Some(id.to_owned()),
        (Some(_), _) => {}
    }
    Ok(message)
}

fn headers(id: Option<&str>) -> crate::Headers {
    crate::Headers { request_id: id.map(str::to_owned), ..crate::Headers::default() }
}

/// What a header may hold and a message's header as well.
fn is_id(text: &str) -> bool {
    (1..=crate::message::HEADER_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// An answer as HTTP says it: its status is OpenC2's, which are HTTP's (HTTPS 4.2.1). 102 alone cannot end an exchange in HTTP, so it
/// travels under 200 and stands in the body.
#[must_use]
pub fn answer(message: &Message) -> Reply {
    let code = match &message.content {
        Content::Response(response) => response.get("status").and_then(serde_json::Value::as_u64),
        _ => None,
    };
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 200).unwrap_or(200);
    let id = message.headers.request_id.clone().filter(|id| is_id(id));
    Reply { content_type: Some(CONTENT_TYPE), body: message.to_bytes(), ..bare(status, id.as_deref()) }
}

/// What HTTP says where OpenC2 is to say nothing: `response_requested: none`. HTTP has an answer to each request, so it is an empty one.
#[must_use]
pub fn no_answer(request_id: Option<&str>) -> Reply {
    bare(Status::Ok.code(), request_id)
}

fn bare(status: u16, request_id: Option<&str>) -> Reply {
    Reply {
        status,
        content_type: None,
        request_id: request_id.filter(|id| is_id(id)).map(str::to_owned),
        cache_control: "no-cache",
        body: Vec::new(),
    }
}

/// The answer in an HTTP reply to a command: `None` where the body is empty.
///
/// # Errors
/// What came is no answer to this request.
pub fn read_answer(
    content_type: Option<&str>,
    body: &[u8],
    request_id: &str,
) -> Result<Option<Message>, Refusal> {
    let at = At::root();
    if body.is_empty() {
        return Ok(None);
    }
    if !content_type.is_some_and(is_content_type) {
        let message = "the content type is not `application/openc2+json;version=1.0`";
        return Err(Refusal::malformed("HTTPS 3.4", &at.to("Content-Type"), message));
    }
    let message = Message::parse(body)?;
    let answers = matches!(message.content, Content::Response(_));
    if !answers || message.headers.request_id.as_deref() != Some(request_id) {
        let at = at.to("headers").to("request_id");
        return Err(Refusal::malformed("HTTPS 3.3.3", &at, "the message does not answer this request"));
    }
    Ok(Some(message))
}
