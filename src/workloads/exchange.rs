//! From the token of a CI to a caller: exchanged for a token of ours, or as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::identity::{self, Identity, Refusal};
use super::model::{TrustRule, WorkloadToken};
use super::repo::{self, RuleAndSlug};
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

const EXPIRED: ApiError = ApiError::Unauthenticated("the token has expired, or its trust rule is gone");
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

/// Exchanges the token of a run for one that uploads to one product.
///
/// # Errors
/// `Unauthenticated` for a token that is not believed or was exchanged before, `Forbidden` for a run that no product
/// trusts, `Invalid` when several do and none is named, `Unavailable` when the issuer cannot be asked.
pub async fn exchange(
    (db, egress, issuers): (&Db, &Egress, &Issuers),
    subject_token: &Secret<String>,
    product: Option<ProductId>,
    now: UtcTime,
) -> Result<Exchanged, ApiError> {
    let claims = issuers.verify(egress, subject_token.expose(), now).await?;
    let token = secret_text::new_workload_token();
    let token_hash = secret_text::hash(token.expose());
    let (rule, slug) = db
        .write(move |conn| {
            let ((rule, slug), identity) =
                admitting(conn, &claims, |rule, _| product.is_none_or(|id| id == rule.product_id))?;
            let given = identity.token_id.as_deref();
            let given =
                given.ok_or(ApiError::Unauthenticated("the token has no id, so it cannot be exchanged once"))?;
            let stored = WorkloadToken {
                token_hash,
                given_hash: given_hash(&claims.issuer, given),
                organization_id: rule.organization_id,
                rule_id: rule.id,
                expires_at: now.plus(TOKEN_LASTS),
                kept_until: claims.expires_at.max(now.plus(TOKEN_LASTS)),
            };
            repo::insert_token(conn, &stored).map_err(|error| match checks::taken(error, GIVEN_BEFORE) {
                ApiError::Conflict(_) => ApiError::Unauthenticated(GIVEN_BEFORE),
                other => other,
            })?;
            record(conn, &rule, &identity, &claims, now)?;
            Ok((rule, slug))
        })
        .await?;
    Ok(Exchanged { token, lifetime: TOKEN_LASTS, rule, slug })
}

fn given_hash(issuer: &str, token_id: &str) -> Vec<u8> {
    Sha256::new().chain_update(issuer).chain_update([0]).chain_update(token_id).finalize().to_vec()
}

fn record(
    conn: &mut Conn,
    rule: &TrustRule,
    identity: &Identity,
    claims: &Claims,
    now: UtcTime,
) -> Result<(), ApiError> {
    Entry::new("trust_rule.token_issued", "trust_rule", rule.id.0)
        .set("product_id", rule.product_id.to_string())
        .set("subject", claims.text("sub"))
        .set("repository", identity.repository.as_str())
        .set("repository_id", identity.repository_id.as_str())
        .record_in(conn, rule.organization_id, Actor::Workload(rule.id), now)
}

/// The one rule that admits a token, among those that are `wanted`.
fn admitting(
    conn: &mut Conn,
    claims: &Claims,
    wanted: impl Fn(&TrustRule, &str) -> bool,
) -> Result<(RuleAndSlug, Identity), ApiError> {
    let refused = |refusal: Refusal| ApiError::Forbidden(refusal.words().to_owned());
    let (mut admitted, mut nearest) = (Vec::new(), Refusal::Repository);
    let names = ["repository_id", "project_id", "job_project_id"];
    let ids: BTreeSet<String> = names.into_iter().filter_map(|name| claims.text(name)).collect();
    for id in ids {
        for (rule, slug) in repo::trusting(conn, &claims.issuer, &id, MAX_RULES)? {
            if !wanted(&rule, &slug) {
                continue;
            }
            match identity::admit(&rule, claims) {
                Ok(identity) => admitted.push(((rule, slug), identity)),
                Err(Refusal::Repository) => {}
                Err(refusal) => nearest = refusal,
            }
        }
    }
    // Two rules of one product are one answer.
    admitted.dedup_by_key(|((rule, _), _)| (rule.organization_id, rule.product_id));
    let mut products: Vec<ProductId> = admitted.iter().map(|((rule, _), _)| rule.product_id).collect();
    products.sort_unstable();
    products.dedup();
    match (admitted.into_iter().next(), products.len()) {
        (Some(only), 1) => Ok(only),
        (Some(_), _) => {
            let detail = "is needed: several products trust this run, so name the id of one";
            Err(ApiError::Invalid(vec![Fault::new("audience", detail)]))
        }
        (None, _) => Err(refused(nearest)),
    }
}

/// The caller of a request that brings a workload's token, or the token of a CI itself; none when it brings neither.
/// `organization` is the one of the path, by slug or id.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Unavailable` as for [`exchange`]; `NotFound` for another organization than the rule's.
pub async fn authenticate(
    (db, egress, issuers): (&Db, &Egress, &Issuers),
    bearer: &Secret<String>,
    organization: Option<&str>,
    now: UtcTime,
) -> Result<Option<Caller>, ApiError> {
    let of_path = organization.map(str::to_owned);
    let rule = if secret_text::is_workload_token(bearer.expose()) {
        let hash = secret_text::hash(bearer.expose());
        let found = db.read(move |conn| Ok::<_, ApiError>(repo::rule_of_token(conn, &hash, now)?)).await?;
        let (rule, slug) = found.ok_or(EXPIRED)?;
        if of_path.as_deref().is_some_and(|path| !is_named(path, &rule, &slug)) {
            return Err(ApiError::not_found("organization", of_path.unwrap_or_default()));
        }
        rule
    } else if token::is_of_issuer(bearer.expose()) {
        let claims = issuers.verify(egress, bearer.expose(), now).await?;
        let admitted = db.read(move |conn| {
            admitting(conn, &claims, |rule, slug| of_path.as_deref().is_none_or(|path| is_named(path, rule, slug)))
        });
        admitted.await?.0.0
    } else {
        return Ok(None);
    };
    Ok(Some(Caller {
        organization: rule.organization_id,
        actor: Actor::Workload(rule.id),
        permissions: Permissions::of_scopes(&[TokenScope::Upload]),
        products: ProductScope::Only(rule.product_id),
    }))
}

fn is_named(path: &str, rule: &TrustRule, slug: &str) -> bool {
    path == slug || path.parse() == Ok(rule.organization_id)
}
