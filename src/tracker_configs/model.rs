//! The rows.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::ids::{BranchId, ConnectionId, OrganizationId, ProductId, TrackerConfigId};
use crate::base::severity::Severity;
use crate::base::time::UtcTime;
use crate::db::schema::tracker_configs;
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
