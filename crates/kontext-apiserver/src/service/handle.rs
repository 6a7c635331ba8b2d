//! The way of one request through the server.

use std::fmt::Display;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT, WARNING,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;

use super::auth::{self, User};
use super::call::{Call, JSON, Reply, YAML};
use super::negotiate::{negotiate, prefers_yaml};
use super::route::{Query, Route, Target, Verb, route};
use super::warnings::Warnings;
use super::{options, read, reviews, subresource, write};
use crate::body::{Body, Reset};
use crate::discovery;
use crate::error::ApiError;
use crate::record::RequestRecord;
use crate::server::Shared;
use crate::watch;
use crate::yaml;

/// The largest body that is read, as in the real server.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

const AUDIT_ID: &str = "audit-id";

/// Answers one request and writes it down.
pub(super) async fn handle<B>(shared: &Arc<Shared>, request: Request<B>) -> Result<Response<Body>, Reset>
where
    B: http_body::Body,
    B::Data: Buf,
    B::Error: Display,
{
    let (parts, body) = request.into_parts();
    let audit_id = match header(&parts.headers, AUDIT_ID) {
        "" => shared.random.uid(),
        given => given.to_owned(),
    };
    let path = parts.uri.path();
    // Read in any case: a connection whose request was not read to the end cannot be used again.
    let body = collect(body).await;
    let mut record =
        RequestRecord::new(&parts.method, path, &parts.headers, audit_id.clone(), shared.clock.now());
    let warnings = Warnings::default();
    let (reply, reset) = match understand(shared, &parts, path) {
        Err((user, error)) => {
            record.user = user;
            (Reply::failure(&error), false)
        }
        Ok(understood) => {
            let manager = auth::field_manager(&understood.query, header(&parts.headers, USER_AGENT), "");
            record.asked(
                &understood.user,
                &understood.route,
                &understood.query,
                &manager.unwrap_or_default(),
            );
            strike_and_answer(shared, &parts, body, &understood, &mut record, &warnings).await
        }
    };
    record.answered(&reply, reset);
    shared.requests.push(&record);
    if reset { Err(Reset) } else { Ok(response(reply, &audit_id, &parts.method, &warnings)) }
}

/// A request whose meaning is known and that is allowed.
struct Understood {
    user: User,
    query: Query,
    route: Route,
}

fn understand(
    shared: &Shared,
    parts: &http::request::Parts,
    path: &str,
) -> Result<Understood, (String, Box<ApiError>)> {
    let user = auth::authenticate(shared, &parts.extensions, &parts.headers)
        .map_err(|error| (String::new(), Box::new(error)))?;
    let understood = Query::parse(parts.uri.query().unwrap_or_default()).and_then(|query| {
        let route = route(&shared.registry(), &parts.method, path, &query)?;
        auth::authorize(&user, path, &route)?;
        Ok((query, route))
    });
    match understood {
        Ok((query, route)) => Ok(Understood { user, query, route }),
        Err(error) => Err((user.name, Box::new(error))),
    }
}

/// Lets a fault strike where one is due, and answers. The flag says that the connection is cut.
async fn strike_and_answer(
    shared: &Arc<Shared>,
    parts: &http::request::Parts,
    body: Result<Bytes, ApiError>,
    understood: &Understood,
    record: &mut RequestRecord,
    warnings: &Warnings,
) -> (Reply, bool) {
    let plan = shared.faults.plan(record);
    record.faults = plan.names();
    if let Some(answer) = plan.before(shared, record).await {
        return answer;
    }
    let reply = match body {
        Ok(body) => answer(shared, parts, body, understood, plan.lag(), warnings).await,
        Err(error) => Err(error),
    };
    let mut reply = reply.unwrap_or_else(|error| Reply::failure(&error));
    in_yaml(&mut reply, header(&parts.headers, "accept"));
    plan.after(reply, record)
}

async fn collect<B>(body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body,
    B::Data: Buf,
    B::Error: Display,
{
    let mut body = std::pin::pin!(body);
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| ApiError::bad_request(format!("unable to read the body: {e}")))?;
        if let Ok(data) = frame.into_data() {
            if collected.len() + data.remaining() > BODY_LIMIT {
                return Err(ApiError::too_large(BODY_LIMIT));
            }
            let mut data = data;
            while data.has_remaining() {
                let chunk = data.chunk();
                collected.extend_from_slice(chunk);
                let read = chunk.len();
                data.advance(read);
            }
        }
    }
    Ok(collected.freeze())
}

async fn answer(
    shared: &Arc<Shared>,
    parts: &http::request::Parts,
    body: Bytes,
    understood: &Understood,
    lag: Option<u64>,
    warnings: &Warnings,
) -> Result<Reply, ApiError> {
    match &understood.route {
        Route::NonResource => {
            let path = parts.uri.path();
            let accept = header(&parts.headers, "accept");
            let known = header(&parts.headers, IF_NONE_MATCH.as_str());
            discovery::answer(&shared.registry(), &parts.method, path, accept, known)
        }
        Route::Resource(target) => {
            let call = Call {
                shared,
                target,
                query: &understood.query,
                headers: &parts.headers,
                body,
                now: shared.clock.now(),
                warnings,
                user: &understood.user,
            };
            if let Some(deprecation) = target.resource.rules.deprecation {
                warnings.add(deprecation);
            }
            if let Some(warning) = target.resource.custom.as_ref().and_then(|custom| custom.deprecation()) {
                warnings.add(warning);
            }
            if target.verb != Verb::Watch {
                // An answer that the client does not understand is refused before anything is written.
                let is_list = matches!(target.verb, Verb::List | Verb::DeleteCollection);
                negotiate(call.accept(), is_list)?;
            }
            let reply = match (lag, target.verb) {
                (Some(writes), Verb::Get | Verb::List) => read::stale(&call, writes),
                _ => dispatch(&call, target).await,
            };
            reconcile_definitions(shared, target, &reply);
            reply
        }
    }
}

/// What is served follows what is defined: after every write of a definition, and of an object that a definition waits
/// for.
fn reconcile_definitions(shared: &Shared, target: &Target, reply: &Result<Reply, ApiError>) {
    let resource = &target.resource;
    let waited_for = || resource.custom.is_some() && shared.definition_of_is_terminating(resource);
    if reply.as_ref().is_ok_and(|reply| reply.changed) && (resource.is_definition() || waited_for()) {
        shared.definitions.reconcile(shared);
    }
}

async fn dispatch(call: &Call<'_>, target: &Target) -> Result<Reply, ApiError> {
    match target.verb {
        Verb::Get | Verb::List | Verb::Watch => options::check_table(call)?,
        // Those of a patch are checked when its type is known.
        Verb::Patch => {}
        _ => options::check(call)?,
    }
    match (target.verb, target.subresource.as_str()) {
        (Verb::Get, "" | "status") => read::get(call),
        (Verb::List, _) => read::list(call),
        (Verb::Watch, _) => watch::watch(call),
        (Verb::Create, "") if reviews::is_review(&target.resource) => reviews::create(call),
        (Verb::Create, "") => write::create(call).await,
        (Verb::Update, "" | "status" | "finalize") => write::update(call).await,
        (Verb::Patch, "" | "status") => write::patch(call).await,
        (Verb::Delete, "") => write::delete(call).await,
        (Verb::DeleteCollection, "") => write::delete_collection(call).await,
        (Verb::Get, "scale") => subresource::scale::read(call),
        (Verb::Update, "scale") => subresource::scale::update(call).await,
        (Verb::Patch, "scale") => subresource::scale::patch(call).await,
        (Verb::Create, "binding") => subresource::binding::create(call).await,
        (Verb::Create, "eviction") => subresource::eviction::create(call).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Puts an answer that is JSON into YAML where the client would rather have that.
fn in_yaml(reply: &mut Reply, accept: &str) {
    if reply.content_type == JSON
        && prefers_yaml(accept)
        && let Some(value) = reply.body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok())
    {
        reply.body = Body::full(yaml::write(&value));
        reply.content_type = YAML;
    }
}

fn response(reply: Reply, audit_id: &str, method: &Method, warnings: &Warnings) -> Response<Body> {
    let body = if method == Method::HEAD { Body::full("") } else { reply.body };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert("cache-control", HeaderValue::from_static("no-cache, private"));
    if let Ok(value) = HeaderValue::from_str(audit_id) {
        headers.insert(AUDIT_ID, value);
    }
    for warning in warnings.headers() {
        headers.append(WARNING, warning);
    }
    if let Some(etag) = reply.etag.and_then(|etag| HeaderValue::from_str(&etag).ok()) {
        headers.insert(ETAG, etag);
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if reply.status == StatusCode::UNAUTHORIZED {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    response
}

fn header(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
