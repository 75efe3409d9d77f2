//! From the token of a CI to a caller: exchanged for a token of ours, or as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::identity::{self, Identity, Refusal};
use super::model::{Asked, TrustRule, WorkloadToken, audience_of};
use super::repo;
use crate::access::audit::Entry;
use crate::access::checks;
use crate::access::model::Caller;
use crate::access::permission::{Permissions, TokenScope};
use crate::access::secret_text;
use crate::base::actor::Actor;
use crate::base::error::{ApiError, Fault};
use crate::base::ids::ProductId;
use crate::base::scope::ProductScope;
use crate::base::secret::Secret;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::egress::client::Egress;
use crate::oidc::keys::Issuers;
use crate::oidc::token::{self, Claims};

/// How long an exchanged token is valid: long enough for the uploads of a job.
pub const TOKEN_LASTS: Duration = Duration::from_secs(15 * 60);
/// More rules for one repository are not looked at.
const MAX_RULES: i64 = 500;

const EXPIRED: ApiError = ApiError::Unauthenticated("the token has expired, or its trust rule is gone or has changed");
const GIVEN_BEFORE: &str = "the token was exchanged before: each works once, so ask the CI for another one";

/// What a run gets for its token.
#[derive(Debug)]
pub struct Exchanged {
    /// The token.
    pub token: Secret<String>,
    /// How long it is valid.
    pub lifetime: Duration,
    /// The rule that admits the run.
    pub rule: TrustRule,
    /// The slug of the rule's organization.
    pub slug: String,
}

/// What is needed to believe a token, and to know whom it names.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The database.
    pub db: &'a Db,
    /// The way to issuers.
    pub egress: &'a Egress,
    /// The issuers that are trusted.
    pub issuers: &'a Issuers,
    /// The URL of this server, with which audiences begin that name an organization.
    pub public_url: &'a str,
}

/// Exchanges the token of a run for one that uploads to one branch of one product.
///
/// # Errors
/// `Unauthenticated` for a token that is not believed or was exchanged before, `Forbidden` for a run that no product
/// trusts or that names nobody, `Invalid` when several do and none is named, `Unavailable` when the issuer cannot be
/// asked.
pub async fn exchange(
    desk: Desk<'_>,
    subject_token: &Secret<String>,
    product: Option<ProductId>,
    now: UtcTime,
) -> Result<Exchanged, ApiError> {
    let claims = desk.issuers.verify(desk.egress, subject_token.expose(), now).await?;
    let asked = product.map_or_else(|| named_by(&claims, desk.public_url), |product| Ok(Asked::Product(product)))?;
    let token = secret_text::new_workload_token();
    let token_hash = secret_text::hash(token.expose());
    let (rule, slug) = desk
        .db
        .write(move |conn| {
            let Admitted { rule, slug, identity, branch } = admitting(conn, &claims, &asked)?;
            let given = identity.token_id.as_deref();
            let given =
                given.ok_or(ApiError::Unauthenticated("the token has no id, so it cannot be exchanged once"))?;
            record(conn, &rule, (&identity, &branch), &claims, now)?;
            let stored = WorkloadToken {
                token_hash,
                given_hash: given_hash(&claims.issuer, given),
                organization_id: rule.organization_id,
                rule_id: rule.id,
                rule_version: rule.version,
                branch,
                expires_at: now.plus(TOKEN_LASTS),
                kept_until: claims.expires_at.max(now.plus(TOKEN_LASTS)),
            };
            repo::insert_token(conn, &stored).map_err(|error| match checks::taken(error, GIVEN_BEFORE) {
                ApiError::Conflict(_) => ApiError::Unauthenticated(GIVEN_BEFORE),
                other => other,
            })?;
            Ok((rule, slug))
        })
        .await?;
    Ok(Exchanged { token, lifetime: TOKEN_LASTS, rule, slug })
}

/// Whom a token names where the request names nobody: repositories are known to all, so that anybody's rule may trust
/// one; only the run itself says whose it is.
fn named_by(claims: &Claims, public_url: &str) -> Result<Asked, ApiError> {
    let begin = audience_of(public_url, "");
    let named: Vec<String> = claims.audiences().filter_map(|one| one.strip_prefix(&begin)).map(str::to_owned).collect();
    if named.is_empty() {
        return Err(ApiError::Forbidden(format!(
            "nothing says whose product is meant: let the `aud` of the token be {begin}SLUG_OR_ID of the organization, or \
             exchange it with the product's id as `audience`"
        )));
    }
    Ok(Asked::Organizations(named))
}

fn given_hash(issuer: &str, token_id: &str) -> Vec<u8> {
    Sha256::new().chain_update(issuer).chain_update([0]).chain_update(token_id).finalize().to_vec()
}

fn record(
    conn: &mut Conn,
    rule: &TrustRule,
    (identity, branch): (&Identity, &str),
    claims: &Claims,
    now: UtcTime,
) -> Result<(), ApiError> {
    Entry::new("trust_rule.token_issued", "trust_rule", rule.id.0)
        .set("product_id", rule.product_id.to_string())
        .set("subject", claims.text("sub"))
        .set("repository", identity.repository.as_str())
        .set("repository_id", identity.repository_id.as_str())
        .set("branch", branch)
        .record_in(conn, rule.organization_id, Actor::Workload(rule.id), now)
}

/// A run that a rule admits.
struct Admitted {
    rule: TrustRule,
    slug: String,
    identity: Identity,
    branch: String,
}

/// The one rule that admits a token, among those of who is asked.
fn admitting(conn: &mut Conn, claims: &Claims, asked: &Asked) -> Result<Admitted, ApiError> {
    let (mut admitted, mut nearest) = (Vec::<Admitted>::new(), Refusal::Repository);
    let names = ["repository_id", "project_id", "job_project_id"];
    let ids: BTreeSet<String> = names.into_iter().filter_map(|name| claims.text(name)).collect();
    for id in ids {
        for (rule, slug) in repo::trusting(conn, asked, (&claims.issuer, &id), MAX_RULES)? {
            match identity::admit(&rule, claims) {
                Ok((identity, branch)) => admitted.push(Admitted { rule, slug, identity, branch }),
                Err(Refusal::Repository) => {}
                Err(refusal) => nearest = refusal,
            }
        }
    }
    // Two rules of one product are one answer.
    let products: BTreeSet<ProductId> = admitted.iter().map(|one| one.rule.product_id).collect();
    match (admitted.into_iter().next(), products.len()) {
        (Some(only), 1) => Ok(only),
        (Some(_), _) => {
            let detail = "is needed: several products trust this run, so name the id of one";
            Err(ApiError::Invalid(vec![Fault::new("audience", detail)]))
        }
        (None, _) => Err(ApiError::Forbidden(nearest.words().to_owned())),
    }
}

/// The caller of a request that brings a workload's token, or the token of a CI itself; none when it brings neither.
/// `organization` is the one of the path, by slug or id.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Unavailable` as for [`exchange`]; `NotFound` for another organization than the rule's.
pub async fn authenticate(
    desk: Desk<'_>,
    bearer: &Secret<String>,
    organization: Option<&str>,
    now: UtcTime,
) -> Result<Option<Caller>, ApiError> {
    let (rule, branch) = if secret_text::is_workload_token(bearer.expose()) {
        let hash = secret_text::hash(bearer.expose());
        let found = desk.db.read(move |conn| Ok::<_, ApiError>(repo::rule_of_token(conn, &hash, now)?)).await?;
        let (rule, slug, branch) = found.ok_or(EXPIRED)?;
        if let Some(path) = organization.filter(|path| !is_named(path, &rule, &slug)) {
            return Err(ApiError::not_found("organization", path));
        }
        (rule, branch)
    } else if token::is_of_issuer(bearer.expose()) {
        let claims = desk.issuers.verify(desk.egress, bearer.expose(), now).await?;
        let asked = match organization {
            Some(path) => Asked::Organizations(vec![path.to_owned()]),
            None => named_by(&claims, desk.public_url)?,
        };
        let admitted = desk.db.read(move |conn| admitting(conn, &claims, &asked)).await?;
        (admitted.rule, admitted.branch)
    } else {
        return Ok(None);
    };
    Ok(Some(Caller {
        organization: rule.organization_id,
        actor: Actor::Workload(rule.id),
        permissions: Permissions::of_scopes(&[TokenScope::Upload]),
        products: ProductScope::Only(rule.product_id),
        branch: Some(branch),
    }))
}

fn is_named(path: &str, rule: &TrustRule, slug: &str) -> bool {
    path == slug || path.parse() == Ok(rule.organization_id)
}
