//! The rows.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::ids::{BranchId, ConnectionId, IssueId, OrganizationId, ProductId, TrackerConfigId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::{issue_trackers, tracker_configs};
use crate::outbox::model::JobReason;
use crate::text_enum;

/// How a product uses a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Identifiable, Insertable, AsChangeset)]
#[diesel(table_name = tracker_configs, primary_key(organization_id, id))]
pub struct TrackerConfig {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its id.
    pub id: TrackerConfigId,
    /// The product.
    pub product_id: ProductId,
    /// The account.
    pub connection_id: ConnectionId,
    /// Off: nothing is pushed, and nothing is lost.
    pub is_active: bool,
    /// On: nothing is sent; the preview shows what would be.
    pub is_dry_run: bool,
    /// Off: only pushes by hand pass.
    pub auto_sync: bool,
    /// Off: tickets are made by hand only; those that exist still follow.
    pub push_all: bool,
    /// On: only verified observations get tickets by themselves.
    pub require_verified: bool,
    /// Where new tickets go: `owner/repository`, the id or path on GitLab, the Jira project's key.
    pub project_key: String,
    /// Below it no ticket is made by itself, and an open one is closed.
    pub minimum_severity: Severity,
    /// [`ConfigSettings`].
    pub settings_json: String,
    /// Grows with every change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcTime,
    /// When it was last changed.
    pub updated_at: UtcTime,
}

/// The less used settings of a config, stored as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigSettings {
    /// Labels that every ticket gets.
    pub labels: Vec<String>,
    /// Jira: the issue type. GitLab: `issue` or `incident`.
    pub issue_type: Option<String>,
    /// Jira: the status that a ticket is closed to; discovered where none is given.
    pub closed_status: Option<String>,
    /// GitLab: hide tickets from guests.
    pub confidential: bool,
    /// Issues of the product get tickets by themselves, from the minimum severity on.
    pub push_issues: bool,
}

text_enum! {
    /// Which instances the ticket of an issue carries as CSV.
    CsvScope {
        /// No CSV.
        None = "none",
        /// Those that are left to be worked on.
        Actionable = "actionable",
        /// All, the remediated ones as well.
        All = "all",
    }
}

/// How an issue uses a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = issue_trackers)]
pub struct IssueTracker {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The issue.
    pub issue_id: IssueId,
    /// The account.
    pub connection_id: ConnectionId,
    /// Where its ticket goes, as in a [`TrackerConfig`].
    pub project_key: String,
    /// Which instances the ticket carries as CSV.
    pub csv: CsvScope,
    /// Off: the ticket stays open when all instances are remediated, until somebody settles the issue.
    pub auto_close: bool,
    /// On: instances in review, or accepted for a time, keep the ticket open. Off: they do not.
    pub temporary_keeps_open: bool,
    /// [`ConfigSettings`].
    pub settings_json: String,
    /// When it was first pushed.
    pub created_at: UtcTime,
    /// When that was last changed.
    pub updated_at: UtcTime,
}

impl IssueTracker {
    /// As the config of its product says.
    #[must_use]
    pub fn like(config: &TrackerConfig, issue: IssueId, now: UtcTime) -> Self {
        Self {
            organization_id: config.organization_id,
            issue_id: issue,
            connection_id: config.connection_id,
            project_key: config.project_key.clone(),
            csv: CsvScope::All,
            auto_close: true,
            temporary_keeps_open: true,
            settings_json: config.settings_json.clone(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The same as a config, of nothing but this issue. Its switches are those of its product's config, where that uses
    /// the same connection.
    #[must_use]
    pub fn as_config(&self, product: ProductId, of_product: Option<&TrackerConfig>) -> TrackerConfig {
        TrackerConfig {
            organization_id: self.organization_id,
            id: TrackerConfigId(self.issue_id.0),
            product_id: product,
            connection_id: self.connection_id,
            is_active: of_product.is_none_or(|config| config.is_active),
            is_dry_run: of_product.is_some_and(|config| config.is_dry_run),
            auto_sync: of_product.is_none_or(|config| config.auto_sync),
            push_all: true,
            require_verified: false,
            project_key: self.project_key.clone(),
            minimum_severity: Severity::Unknown,
            settings_json: self.settings_json.clone(),
            version: 1,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

text_enum! {
    /// What stops a push that should happen.
    Switch {
        /// All traffic of the organization is stopped.
        OrganizationStopped = "organization_stopped",
        /// The connection is switched off.
        ConnectionDisabled = "connection_disabled",
        /// The tracker refuses the connection's account.
        ConnectionPaused = "connection_paused",
        /// The config is switched off.
        ConfigInactive = "config_inactive",
        /// The config only shows what it would send.
        DryRun = "dry_run",
        /// The config pushes by hand only.
        AutoSyncOff = "auto_sync_off",
    }
}

impl TrackerConfig {
    /// The less used settings.
    #[must_use]
    pub fn settings(&self) -> ConfigSettings {
        serde_json::from_str(&self.settings_json).unwrap_or_default()
    }

    /// The switch of this config that holds a job of this reason, if any.
    #[must_use]
    pub fn holds(&self, reason: JobReason) -> Option<Switch> {
        match reason {
            _ if !self.is_active => Some(Switch::ConfigInactive),
            _ if self.is_dry_run => Some(Switch::DryRun),
            JobReason::Change | JobReason::Verify if !self.auto_sync => Some(Switch::AutoSyncOff),
            JobReason::Change | JobReason::Verify | JobReason::Push => None,
        }
    }

    /// The cause of the notification that many of its tickets seem to be deleted.
    #[must_use]
    pub fn missing_cause(&self) -> String {
        format!("tracker_config/{}/missing", self.id)
    }
}

/// The branches of a product whose observations may have tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PushedBranches {
    /// The default branch, if one is set.
    pub default: Option<BranchId>,
    /// The implicit row of what has no branch.
    pub none: Option<BranchId>,
}

impl PushedBranches {
    /// Whether observations of this branch may have tickets.
    #[must_use]
    pub fn contains(&self, branch: BranchId) -> bool {
        self.default == Some(branch) || self.none == Some(branch)
    }

    /// Both.
    #[must_use]
    pub fn ids(&self) -> Vec<BranchId> {
        self.default.into_iter().chain(self.none).collect()
    }
}
