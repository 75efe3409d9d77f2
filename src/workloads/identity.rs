//! Which run a token stands for, and which rules admit it: pure.

use super::model::{Provider, TrustRule};
use super::pattern::matches;
use crate::oidc::token::Claims;

/// The pattern that every branch matches.
const ANY_BRANCH: &str = "**";
/// What begins the names of the branches that runs for pull requests upload to: whatever they call their own, it is
/// never one that people push to.
const PULL_REQUEST_PREFIX: &str = "pull/";
/// The events of GitHub that only those cause who may write to the repository. All others count as pull requests:
/// whoever opens one, comments on one or makes one run may choose what a workflow looks at.
const EVENTS_OF_WRITERS: &[&str] = &[
    "create",
    "delete",
    "deployment",
    "deployment_status",
    "dynamic",
    "merge_group",
    "push",
    "registry_package",
    "release",
    "repository_dispatch",
    "schedule",
    "workflow_dispatch",
];

/// What a run runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitRef {
    /// A branch.
    Branch(String),
    /// A tag.
    Tag(String),
}

/// A run of a CI, as its token tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The number of the repository or project.
    pub repository_id: String,
    /// Its name, for the audit log.
    pub repository: String,
    /// What it runs on; of a run for a pull request, the branch that it is for.
    pub git_ref: Option<GitRef>,
    /// Where it deploys to.
    pub environment: Option<String>,
    /// The file of the workflow.
    pub workflow: Option<String>,
    /// Is it for a pull request, or may somebody have caused it who may not write to the repository?
    pub is_pull_request: bool,
    /// The branch that a pull request brings, as who opened it calls it.
    pub head: Option<String>,
    /// The token's own id.
    pub token_id: Option<String>,
}

impl Identity {
    /// The run of a token of GitHub Actions.
    ///
    /// Source: GitHub, "OpenID Connect reference", the OIDC token.
    fn of_github(claims: &Claims) -> Option<Self> {
        let event = claims.text("event_name")?;
        let full = claims.text("ref").unwrap_or_default();
        // `pull_request_target` runs on the base branch, with its secrets, for whoever opened the pull request.
        let is_pull_request = !EVENTS_OF_WRITERS.contains(&event.as_str()) || full.starts_with("refs/pull/");
        let own = if let Some(name) = full.strip_prefix("refs/heads/") {
            Some(GitRef::Branch(name.to_owned()))
        } else {
            full.strip_prefix("refs/tags/").map(|name| GitRef::Tag(name.to_owned()))
        };
        let git_ref = match claims.text("base_ref") {
            Some(base) if is_pull_request => Some(GitRef::Branch(base)),
            _ => own,
        };
        let head = claims.text("head_ref").or_else(|| full.splitn(3, '/').nth(2).map(str::to_owned));
        let workflow = claims.text("workflow_ref").and_then(|of| workflow_file(&of, "/"));
        Some(Self {
            repository_id: claims.text("repository_id")?,
            repository: claims.text("repository").unwrap_or_default(),
            git_ref,
            environment: claims.text("environment"),
            workflow,
            is_pull_request,
            head,
            token_id: claims.text("jti"),
        })
    }

    /// The run of a token of GitLab CI.
    ///
    /// Source: GitLab, "OpenID Connect (OIDC) Authentication Using ID Tokens", token payload.
    fn of_gitlab(claims: &Claims) -> Option<Self> {
        let source = claims.text("pipeline_source")?;
        // Of a merge request from a fork, `project_id` is the fork; newer versions say where it runs, too.
        let source_project = claims.text("project_id")?;
        let job_project = claims.text("job_project_id");
        // A child does not say what its parent is for; where it runs tells forks apart, if the token says so.
        let is_of_unknown = source == "parent_pipeline" && job_project.is_none();
        let project = job_project.unwrap_or_else(|| source_project.clone());
        let is_pull_request = matches!(source.as_str(), "merge_request_event" | "external_pull_request_event")
            || claims.text("ref_path").is_some_and(|path| path.starts_with("refs/merge-requests/"))
            || is_of_unknown
            || project != source_project;
        let name = claims.text("ref");
        let git_ref = match (is_pull_request, claims.text("ref_type").as_deref()) {
            // `ref` is the source branch, which whoever opened the merge request chose.
            (true, _) => claims.text("target_ref").map(GitRef::Branch),
            (false, Some("branch")) => name.clone().map(GitRef::Branch),
            (false, Some("tag")) => name.clone().map(GitRef::Tag),
            (false, _) => None,
        };
        Some(Self {
            repository_id: project,
            repository: claims.text("job_project_path").or_else(|| claims.text("project_path")).unwrap_or_default(),
            git_ref,
            environment: claims.text("environment"),
            workflow: claims.text("ci_config_ref_uri").and_then(|of| workflow_file(&of, "//")),
            is_pull_request,
            head: name,
            token_id: claims.text("jti"),
        })
    }

    /// The branch that it uploads to, by name: its own or its tag's; of a run for a pull request, one that no other run
    /// has.
    fn branch(&self) -> Option<String> {
        if self.is_pull_request {
            return self.head.as_ref().map(|head| format!("{PULL_REQUEST_PREFIX}{head}"));
        }
        self.git_ref.as_ref().map(|(GitRef::Branch(name) | GitRef::Tag(name))| name.clone())
    }

    /// The run of a token of a CI. None when the token lacks what tokens of that CI have.
    #[must_use]
    pub fn of(provider: Provider, claims: &Claims) -> Option<Self> {
        match provider {
            Provider::GitHub => Self::of_github(claims),
            Provider::GitLab => Self::of_gitlab(claims),
        }
    }
}

/// `owner/name/.github/workflows/ci.yml@refs/heads/main`, or `host/group/name//.gitlab-ci.yml@…`: the file.
fn workflow_file(reference: &str, separator: &str) -> Option<String> {
    let (path, _git_ref) = reference.rsplit_once("@refs/")?;
    let file = match separator {
        "//" => path.split_once("//")?.1,
        _ => path.splitn(3, '/').nth(2)?,
    };
    Some(file.to_owned())
}

/// Why a rule does not admit a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is meant for somebody else.
    Audience,
    /// It is of another repository, or of none.
    Repository,
    /// It is for a pull request.
    PullRequest,
    /// It runs on another branch or tag.
    Ref,
    /// It deploys to another environment.
    Environment,
    /// It is of another workflow.
    Workflow,
    /// The rule cannot be read.
    Unreadable,
}

impl Refusal {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Audience => "the token is meant for another audience than the product's trust rule says",
            Self::Repository => "no product trusts the repository of the token",
            Self::PullRequest => {
                "the product does not trust runs for pull requests, nor others that who may not write to the repository \
                 can cause"
            }
            Self::Ref => "the product trusts other branches and tags of the repository",
            Self::Environment => "the product trusts other environments of the repository",
            Self::Workflow => "the product trusts another workflow of the repository",
            Self::Unreadable => "the product's trust rule cannot be read: make it anew",
        }
    }
}

/// Does a rule admit a token? The run that it stands for and the branch that it uploads to, or why not.
///
/// # Errors
/// [`Refusal`].
pub fn admit(rule: &TrustRule, claims: &Claims) -> Result<(Identity, String), Refusal> {
    if rule.issuer != claims.issuer {
        return Err(Refusal::Repository);
    }
    let identity = Identity::of(rule.provider, claims).ok_or(Refusal::Repository)?;
    if identity.repository_id != rule.repository_id {
        return Err(Refusal::Repository);
    }
    if !claims.is_for(&rule.audience) {
        return Err(Refusal::Audience);
    }
    if identity.is_pull_request && !rule.allow_pull_requests {
        return Err(Refusal::PullRequest);
    }
    let patterns = rule.patterns().ok_or(Refusal::Unreadable)?;
    let any = |patterns: &[String], text: &str| patterns.iter().any(|pattern| matches(pattern, text));
    let is_ref_trusted = match &identity.git_ref {
        Some(GitRef::Branch(name)) => any(&patterns.branches, name),
        Some(GitRef::Tag(name)) => any(&patterns.tags, name),
        // An older GitLab does not say what a merge request is for: only who trusts every branch trusts that one.
        None => identity.is_pull_request && patterns.branches.iter().any(|pattern| pattern == ANY_BRANCH),
    };
    if !is_ref_trusted {
        return Err(Refusal::Ref);
    }
    let environment = identity.environment.as_deref();
    if !patterns.environments.is_empty() && !environment.is_some_and(|name| any(&patterns.environments, name)) {
        return Err(Refusal::Environment);
    }
    let workflow = identity.workflow.as_deref();
    if rule.workflow.as_ref().is_some_and(|pattern| !workflow.is_some_and(|file| matches(pattern, file))) {
        return Err(Refusal::Workflow);
    }
    let branch = identity.branch().ok_or(Refusal::Ref)?;
    Ok((identity, branch))
}
