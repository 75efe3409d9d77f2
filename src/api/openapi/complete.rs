//! What is true of every operation, added once: errors, limits, conditional headers, the organization in the path.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Components, ContentBuilder, Header, OpenApi, Ref, RefOr, Required, Response, Responses};

use crate::api::problem::PROBLEM_JSON;

/// Errors by status: the name of the answer, when it comes, and to which operations.
const ERRORS: &[(&str, &str, &str, Applies)] = &[
    ("400", "Invalid", "The request cannot be read or has wrong values; `errors` names all of them.", Applies::Always),
    ("401", "Unauthenticated", "There is no valid token.", Applies::WithToken),
    ("403", "Forbidden", "The caller may not do this.", Applies::WithToken),
    ("404", "NotFound", "It does not exist, or the caller may not know that it does.", Applies::WithPathParameter),
    ("409", "Conflict", "It contradicts the present state.", Applies::WithKey),
    (
        "412",
        "PreconditionFailed",
        "It was changed since it was read: `If-Match` names another version.",
        Applies::WithIfMatch,
    ),
    ("413", "TooLarge", "The body is larger than the limit that the text names.", Applies::WithBody),
    (
        "415",
        "UnsupportedMediaType",
        "The body has a content type or encoding that is not understood.",
        Applies::WithBody,
    ),
    ("422", "Unprocessable", "It is well formed but cannot be processed.", Applies::WithKey),
    ("429", "TooManyRequests", "Too many requests: wait as long as `Retry-After` says.", Applies::Always),
    ("500", "Internal", "A fault of the server; its log has the cause under the request's id.", Applies::Always),
    ("503", "Unavailable", "Not now: wait as long as `Retry-After` says.", Applies::Always),
];

/// To which operations something applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    Always,
    WithToken,
    WithPathParameter,
    WithBody,
    /// It is a POST: `Idempotency-Key` is honoured.
    WithKey,
    /// It changes one resource: `If-Match` is honoured.
    WithIfMatch,
}

impl Applies {
    fn to(self, method: &str, path: &str, operation: &Operation) -> bool {
        match self {
            Self::Always => true,
            Self::WithToken => operation.security.is_none(),
            Self::WithPathParameter => path.contains('{'),
            Self::WithBody => operation.request_body.is_some(),
            Self::WithKey => method == "post",
            Self::WithIfMatch => matches!(method, "put" | "patch" | "delete") && path.ends_with('}'),
        }
    }
}

/// Completes the document.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    add_components(components);
    components.schemas.values_mut().for_each(mend);
    for (path, item) in &mut document.paths.paths {
        // What operators ask is no part of the API: it has neither limits nor keys.
        if path.starts_with("/api/") {
            for (method, operation) in operations(item) {
                complete_operation(method, path, operation);
            }
        }
        for (_, operation) in operations(item) {
            fill(&mut operation.responses);
        }
    }
}

/// Counts are `usize` here and there, and utoipa knows no format for it. What a field says of an inlined schema it calls an
/// object, which a word is not.
fn mend(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            let is_integer = matches!(&object.schema_type, SchemaType::Type(Type::Integer));
            if is_integer && object.format.is_none() {
                object.format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
            }
            object.properties.values_mut().for_each(mend);
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                mend(items);
            }
        }
        Schema::OneOf(one) => one.items.iter_mut().for_each(mend),
        Schema::AllOf(all) => {
            all.items.iter_mut().for_each(mend);
            all.items.iter_mut().skip(1).for_each(say_only);
        }
        Schema::AnyOf(any) => any.items.iter_mut().for_each(mend),
        _ => {}
    }
}

fn say_only(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && object.properties.is_empty()
        && object.enum_values.is_none()
        && object.additional_properties.is_none()
    {
        object.schema_type = SchemaType::AnyValue;
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &str, path: &str, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();

    if path.contains("{organization}") && !names(parameters, "organization") {
        parameters.insert(0, reference("parameters/organization"));
    }
    for parameter in parameters.iter_mut() {
        if let RefOr::T(Parameter { parameter_in: ParameterIn::Path, description: text @ None, .. }) = parameter {
            *text = Some("Its id.".to_owned());
        }
    }
    if Applies::WithKey.to(method, path, operation) {
        operation.parameters.get_or_insert_default().push(reference("parameters/idempotency_key"));
    }
    if Applies::WithIfMatch.to(method, path, operation) {
        operation.parameters.get_or_insert_default().push(reference("parameters/if_match"));
    }
    for (status, name, _, applies) in ERRORS {
        if applies.to(method, path, operation) {
            let responses = &mut operation.responses.responses;
            responses.entry((*status).to_owned()).or_insert_with(|| reference(&format!("responses/{name}")));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_headers(status, method, path, response);
        }
    }
}

fn names(parameters: &[RefOr<Parameter>], name: &str) -> bool {
    parameters.iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
}

fn reference<T>(to: &str) -> RefOr<T> {
    RefOr::Ref(Ref::new(format!("#/components/{to}")))
}

/// The headers of an answer that the operation itself describes.
fn add_headers(status: &str, method: &str, path: &str, response: &mut Response) {
    let mut add = |name: &str| {
        response.headers.entry(name.to_owned()).or_insert_with(|| reference(&format!("headers/{name}")));
    };
    for name in ["RateLimit", "RateLimit-Policy", "X-Request-Id", "Access-Control-Allow-Origin"] {
        add(name);
    }
    if status == "201" {
        add("Location");
    }
    let is_one_resource = path.ends_with('}') && matches!(method, "get" | "put" | "patch");
    if is_one_resource && status == "200" || status == "201" {
        add("ETag");
    }
    if status == "429" || status == "503" {
        add("Retry-After");
    }
}

/// Every answer says in words when it comes, and every error is a problem.
fn fill(responses: &mut Responses) {
    for (status, response) in &mut responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            response.description = "It is as asked for.".to_owned();
        }
        if status.starts_with(['4', '5']) && response.content.is_empty() {
            response.content.insert(PROBLEM_JSON.to_owned(), problem());
        }
    }
}

fn problem() -> RefOr<utoipa::openapi::Content> {
    RefOr::T(ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build())
}

fn add_components(components: &mut Components) {
    for (status, name, description, _) in ERRORS {
        let mut response = Response::new(*description);
        response.content.insert(PROBLEM_JSON.to_owned(), problem());
        add_headers(status, "", "", &mut response);
        components.responses.insert((*name).to_owned(), RefOr::T(response));
    }
    for (name, description) in [
        ("RateLimit", "What is left of the caller's requests, and when there are more."),
        ("RateLimit-Policy", "How many requests a caller may make, in which time."),
        ("X-Request-Id", "The request, as the server's log names it."),
        ("Access-Control-Allow-Origin", "The page's origin, if the operator lets it call."),
        ("ETag", "The version of the resource, for `If-Match` and `If-None-Match`."),
        ("Location", "Where the new resource is."),
        ("Retry-After", "When to try again, in seconds."),
    ] {
        components.headers.insert(name.to_owned(), RefOr::T(header(description)));
    }
    components.parameters.insert(
        "organization".to_owned(),
        RefOr::T(parameter(
            "organization",
            ParameterIn::Path,
            Required::True,
            "The organization: its slug or id.",
            "acme",
        )),
    );
    components.parameters.insert(
        "idempotency_key".to_owned(),
        RefOr::T(parameter(
            "Idempotency-Key",
            ParameterIn::Header,
            Required::False,
            "Any text that names this request: sent again within 24 hours, it is answered again and not done twice.",
            "6f1c3c1e-build-4711",
        )),
    );
    components.parameters.insert(
        "if_match".to_owned(),
        RefOr::T(parameter(
            "If-Match",
            ParameterIn::Header,
            Required::False,
            "The `ETag` of the version that the change was made from; 412 if it is not the present one.",
            "\"3\"",
        )),
    );
}

fn header(description: &str) -> Header {
    HeaderBuilder::new().schema(Some(text(256))).description(Some(description)).build()
}

fn parameter(name: &str, place: ParameterIn, required: Required, description: &str, example: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(text(128)))
        .example(Some(example.into()))
        .build()
}

fn text(max_length: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(max_length))
}
