//! Use cases of trust rules. Who may upload is for admins to say, and in person: what a token made would outlive it.

use super::model::{NewRule, Patterns, Provider, RulePatch, TrustRule, audience_of};
use super::repo;
use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{ProductId, TrustRuleId};
use crate::base::page::Window;
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::oidc::keys::Issuers;
use crate::products::service::require as require_product;

const MAX_PATTERNS: usize = 50;
const MAX_PATTERN_CHARS: usize = 200;
const MAX_AUDIENCE_CHARS: usize = 500;
/// More rules for one product are a mistake.
const MAX_RULES: i64 = 100;

/// A part of the rules of a product.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn list(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    window: &Window<TrustRuleId>,
    with_total: bool,
) -> Result<(Vec<TrustRule>, Option<i64>), ApiError> {
    require_product(conn, caller, product)?;
    caller.require(Permission::Read)?;
    let total = if with_total { Some(repo::count(conn, caller.organization, product)?) } else { None };
    Ok((repo::list(conn, caller.organization, product, window)?, total))
}

/// A rule of a product.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub fn get(conn: &mut Conn, caller: &Caller, product: ProductId, id: TrustRuleId) -> Result<TrustRule, ApiError> {
    require_product(conn, caller, product)?;
    caller.require(Permission::Read)?;
    repo::find(conn, caller.organization, product, id)?.ok_or_else(|| ApiError::not_found("trust rule", id))
}

fn require_admin(caller: &Caller) -> Result<(), ApiError> {
    caller.require(Permission::Administer)?;
    caller.require_person().map(drop)
}

/// Makes a rule.
///
/// # Errors
/// `Forbidden` for all but admins in person, `NotFound`, `Invalid`; `Conflict` when there are too many.
pub fn create(
    conn: &mut Conn,
    caller: &Caller,
    product: ProductId,
    new: NewRule,
    (issuers, public_url): (&Issuers, &str),
    now: UtcTime,
) -> Result<TrustRule, ApiError> {
    require_product(conn, caller, product)?;
    require_admin(caller)?;
    let json = |patterns: &[String]| serde_json::to_string(patterns).map_err(ApiError::internal);
    let issuer = new.issuer.as_deref().unwrap_or(default_issuer(new.provider)).trim_end_matches('/').to_owned();
    let rule = TrustRule {
        organization_id: caller.organization,
        id: TrustRuleId::generate(),
        product_id: product,
        name: new.name.trim().to_owned(),
        provider: new.provider,
        issuer,
        audience: new.audience.unwrap_or_else(|| audience_of(public_url, &caller.organization.to_string())),
        repository_id: new.repository_id,
        branches_json: json(&new.patterns.branches)?,
        tags_json: json(&new.patterns.tags)?,
        environments_json: json(&new.patterns.environments)?,
        workflow: new.workflow,
        allow_pull_requests: new.allow_pull_requests,
        version: 1,
        created_at: now,
    };
    check(&rule, issuers)?;
    if repo::count(conn, caller.organization, product)? >= MAX_RULES {
        return Err(ApiError::Conflict(format!("the product has {MAX_RULES} trust rules already")));
    }
    repo::insert(conn, &rule)?;
    Entry::new("trust_rule.created", "trust_rule", rule.id.0)
        .set("name", rule.name.as_str())
        .set("product_id", product.to_string())
        .set("issuer", rule.issuer.as_str())
        .set("audience", rule.audience.as_str())
        .set("repository_id", rule.repository_id.as_str())
        .set("branches", rule.branches_json.as_str())
        .set("tags", rule.tags_json.as_str())
        .set("environments", rule.environments_json.as_str())
        .set("workflow", rule.workflow.clone())
        .set("allow_pull_requests", rule.allow_pull_requests)
        .record(conn, caller, now)?;
    Ok(rule)
}

const fn default_issuer(provider: Provider) -> &'static str {
    match provider {
        Provider::GitHub => "https://token.actions.githubusercontent.com",
        Provider::GitLab => "https://gitlab.com",
    }
}

fn check(rule: &TrustRule, issuers: &Issuers) -> Result<(), ApiError> {
    let mut faults = Faults::default();
    checks::name(&rule.name, "/name", &mut faults);
    if !issuers.trusts(&rule.issuer) {
        let trusted = issuers.trusted().join(", ");
        faults.add("/issuer", format!("is not trusted by this server, which trusts {trusted}"));
    }
    let id = &rule.repository_id;
    let is_number = !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
    faults.require(is_number, "/repository_id", "must be the repository's number: names can be taken over");
    let length = rule.audience.chars().count();
    let is_audience = (1..=MAX_AUDIENCE_CHARS).contains(&length) && !rule.audience.chars().any(char::is_control);
    faults.require(is_audience, "/audience", "must have 1 to 500 characters");
    let Patterns { branches, tags, environments } = rule.patterns().unwrap_or_default();
    let any_ref = !branches.is_empty() || !tags.is_empty();
    faults.require(any_ref, "/branches", "must name at least one branch or tag; `**` is all");
    let lists = [("/branches", &branches), ("/tags", &tags), ("/environments", &environments)];
    for (pointer, patterns) in lists {
        faults.require(patterns.len() <= MAX_PATTERNS, pointer, "must have at most 50 patterns");
        faults.require(patterns.iter().all(|one| is_pattern(one)), pointer, "must be patterns of 1 to 200 characters");
    }
    let is_good = rule.workflow.as_deref().is_none_or(is_pattern);
    faults.require(is_good, "/workflow", "must be a pattern of 1 to 200 characters");
    faults.finish()
}

fn is_pattern(text: &str) -> bool {
    (1..=MAX_PATTERN_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Changes a rule.
///
/// # Errors
/// `Forbidden` for all but admins in person, `NotFound`, `Invalid`, `PreconditionFailed`.
pub fn update(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, TrustRuleId),
    patch: RulePatch,
    (if_match, issuers): (&IfMatch, &Issuers),
    now: UtcTime,
) -> Result<TrustRule, ApiError> {
    let old = get(conn, caller, product, id)?;
    require_admin(caller)?;
    if_match.check(old.version)?;
    let json = |patch: Patch<Vec<String>>, old: &str| match patch {
        Patch::Set(patterns) => serde_json::to_string(&patterns).map_err(ApiError::internal),
        Patch::Keep => Ok(old.to_owned()),
    };
    let new = TrustRule {
        name: patch.name.or(old.name.clone()).trim().to_owned(),
        audience: patch.audience.or(old.audience.clone()),
        branches_json: json(patch.branches, &old.branches_json)?,
        tags_json: json(patch.tags, &old.tags_json)?,
        environments_json: json(patch.environments, &old.environments_json)?,
        workflow: patch.workflow.or(old.workflow.clone()),
        allow_pull_requests: patch.allow_pull_requests.or(old.allow_pull_requests),
        version: old.version + 1,
        ..old.clone()
    };
    check(&new, issuers)?;
    checks::written(repo::update(conn, &new)?)?;
    Entry::new("trust_rule.changed", "trust_rule", id.0)
        .change("name", old.name, new.name.as_str())
        .change("audience", old.audience, new.audience.as_str())
        .change("branches", old.branches_json, new.branches_json.as_str())
        .change("tags", old.tags_json, new.tags_json.as_str())
        .change("environments", old.environments_json, new.environments_json.as_str())
        .change("workflow", old.workflow, new.workflow.clone())
        .change("allow_pull_requests", old.allow_pull_requests, new.allow_pull_requests)
        .record(conn, caller, now)?;
    Ok(new)
}

/// Removes a rule: the tokens that it gave are worth nothing from now on.
///
/// # Errors
/// `Forbidden` for all but admins in person, `NotFound`, `PreconditionFailed`.
pub fn delete(
    conn: &mut Conn,
    caller: &Caller,
    (product, id): (ProductId, TrustRuleId),
    if_match: &IfMatch,
    now: UtcTime,
) -> Result<(), ApiError> {
    let old = get(conn, caller, product, id)?;
    require_admin(caller)?;
    if_match.check(old.version)?;
    repo::delete(conn, caller.organization, id)?;
    Entry::new("trust_rule.deleted", "trust_rule", id.0)
        .change("name", old.name, None::<String>)
        .record(conn, caller, now)
}

/// Forgets what need not be remembered of exchanged tokens.
///
/// # Errors
/// `Internal`.
pub fn sweep(conn: &mut Conn, now: UtcTime) -> Result<(), ApiError> {
    repo::delete_old_tokens(conn, now)?;
    Ok(())
}
