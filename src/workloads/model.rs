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
    /// Its patterns. One that cannot be read admits nothing.
    #[must_use]
    pub fn patterns(&self) -> Patterns {
        let read = |json: &str| serde_json::from_str(json).unwrap_or_default();
        Patterns {
            branches: read(&self.branches_json),
            tags: read(&self.tags_json),
            environments: read(&self.environments_json),
        }
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
    /// Whom they must be meant for; by default this server.
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
    /// Until when it is valid.
    pub expires_at: UtcTime,
    /// Until when it must be remembered that the other one was given.
    pub kept_until: UtcTime,
}
