//! Trust rules, and the tokens that they gave.

use diesel::prelude::*;

use crate::base::ids::{OrganizationId, ProductId, TrustRuleId};
use crate::base::patch::Patch;
use crate::base::time::UtcTime;
use crate::db::schema::{trust_rules, workload_tokens};
use crate::text_enum;

text_enum! {
    /// A CI whose tokens are understood.
    Provider {
        /// GitHub Actions.
        GitHub = "github",
        /// GitLab CI.
        GitLab = "gitlab",
    }
}

/// Which runs of which repository may upload to a product.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = trust_rules, treat_none_as_default_value = false)]
pub struct TrustRule {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: TrustRuleId,
    /// The product.
    pub product_id: ProductId,
    /// Its name for people.
    pub name: String,
    /// The CI.
    pub provider: Provider,
    /// Who issues the CI's tokens.
    pub issuer: String,
    /// Whom they must be meant for.
    pub audience: String,
    /// The number of the repository (GitHub) or project (GitLab).
    pub repository_id: String,
    /// Patterns of branches, as a JSON array.
    pub branches_json: String,
    /// Patterns of tags, as a JSON array.
    pub tags_json: String,
    /// Patterns of environments, as a JSON array; none for any run.
    pub environments_json: String,
    /// A pattern of the workflow's file; none for any.
    pub workflow: Option<String>,
    /// Are runs for pull requests admitted?
    pub allow_pull_requests: bool,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
}

/// The audience that names an organization, by its id or slug, at the server with this URL.
#[must_use]
pub fn audience_of(public_url: &str, organization: &str) -> String {
    format!("{public_url}/organizations/{organization}")
}

/// Whose rules are asked about a run: a run names who is to take it, and others have no say, whatever their rules are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The product with this id.
    Product(ProductId),
    /// The organizations with these slugs or ids.
    Organizations(Vec<String>),
}

/// The patterns of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Of branches.
    pub branches: Vec<String>,
    /// Of tags.
    pub tags: Vec<String>,
    /// Of environments.
    pub environments: Vec<String>,
}

impl TrustRule {
    /// Its patterns. None when they cannot be read: then it admits nothing.
    #[must_use]
    pub fn patterns(&self) -> Option<Patterns> {
        let read = |json: &str| serde_json::from_str(json).ok();
        Some(Patterns {
            branches: read(&self.branches_json)?,
            tags: read(&self.tags_json)?,
            environments: read(&self.environments_json)?,
        })
    }
}

/// A rule to be made.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// Its name for people.
    pub name: String,
    /// The CI.
    pub provider: Provider,
    /// Who issues its tokens; by default the CI's public service.
    pub issuer: Option<String>,
    /// Whom they must be meant for; by default the organization at this server.
    pub audience: Option<String>,
    /// The number of the repository or project.
    pub repository_id: String,
    /// Patterns.
    pub patterns: Patterns,
    /// A pattern of the workflow's file.
    pub workflow: Option<String>,
    /// Are runs for pull requests admitted?
    pub allow_pull_requests: bool,
}

/// What changes in a rule. Another CI, issuer or repository is another rule.
#[derive(Debug, Clone, Default)]
pub struct RulePatch {
    /// Its name.
    pub name: Patch<String>,
    /// Whom tokens must be meant for.
    pub audience: Patch<String>,
    /// Patterns of branches.
    pub branches: Patch<Vec<String>>,
    /// Patterns of tags.
    pub tags: Patch<Vec<String>>,
    /// Patterns of environments.
    pub environments: Patch<Vec<String>>,
    /// A pattern of the workflow's file.
    pub workflow: Patch<Option<String>>,
    /// Are runs for pull requests admitted?
    pub allow_pull_requests: Patch<bool>,
}

/// A token that a rule gave, and the token that was given for it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = workload_tokens)]
pub struct WorkloadToken {
    /// SHA-256 of it.
    pub token_hash: Vec<u8>,
    /// SHA-256 of the issuer and the id of the token that was given for it, which is given once.
    pub given_hash: Vec<u8>,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The rule.
    pub rule_id: TrustRuleId,
    /// The rule's version: it is worth nothing once the rule has changed.
    pub rule_version: i64,
    /// The branch that it uploads to, by name.
    pub branch: String,
    /// Until when it is valid.
    pub expires_at: UtcTime,
    /// Until when it must be remembered that the other one was given.
    pub kept_until: UtcTime,
}
