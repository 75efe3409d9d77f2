//! What every operation needs: one line each, in the order in which they are allowed at last, since the last ones take
//! away what those before them need.

/// What a caller must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: without a credential, too.
    Nothing,
    /// To be a person who is logged in.
    Person,
    /// To be a superuser.
    Superuser,
    /// To be somebody of an organization.
    Anyone,
    /// To upload, or to read.
    Look,
    /// To read, or to upload to the only product that the caller knows.
    LookOwn,
    Read,
    Upload,
    Write,
    Administer,
    /// To administer, as a person: a machine makes no other.
    AdministerAsPerson,
    /// To have written it.
    Author,
    /// To have written it, or to administer.
    AuthorOrAdminister,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The server.
    Server,
    /// Something of one product, which is named in the path.
    Product,
    /// Something of products, which only those change who are bound to none.
    Across,
    /// Something of one product, which is named beside the path.
    Named,
    /// Something of the whole organization: not for tokens that are bound to a product.
    Whole,
    /// As [`Of::Whole`], but such tokens are told that it does not exist.
    Elsewhere,
    /// Something of the organization, of which everybody sees their part.
    Shared,
}

/// An operation.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub operation: &'static str,
    pub need: Need,
    pub of: Of,
    /// What the last caller is answered; none for any success.
    pub ends: Option<u16>,
    /// Whether the first who is allowed takes its subject away, whatever they say.
    pub is_once: bool,
}

impl Row {
    const fn ends(self, status: u16) -> Self {
        Self { ends: Some(status), ..self }
    }

    const fn once(self) -> Self {
        Self { is_once: true, ..self }
    }
}

const fn row(operation: &'static str, need: Need, of: Of) -> Row {
    Row { operation, need, of, ends: None, is_once: false }
}

use Need::*;
use Of::{Across, Elsewhere, Named, Product, Server, Shared, Whole};

/// Every operation.
pub const TABLE: &[Row] = &[
    row("get_liveness", Nothing, Server),
    row("get_readiness", Nothing, Server),
    row("get_metrics", Nothing, Server),
    row("list_report_formats", Nothing, Server),
    // What they need is in the body, and here it is empty.
    row("accept_invitation", Nothing, Server).ends(400),
    row("login", Nothing, Server).ends(400),
    row("refresh", Nothing, Server).ends(400),
    row("exchange_token", Nothing, Server).ends(415),
    row("compat_log_in", Nothing, Server).ends(400),
    row("receive_webhook", Nothing, Server),
    row("get_me", Person, Server),
    row("update_me", Person, Server),
    row("change_password", Person, Server).ends(400),
    row("list_organizations", Person, Server),
    row("list_users", Superuser, Server),
    row("create_user", Superuser, Server),
    row("get_user", Superuser, Server),
    row("update_user", Superuser, Server),
    row("reset_user_password", Superuser, Server),
    row("get_organization", Read, Shared),
    row("update_organization", Administer, Whole),
    row("list_members", Read, Whole),
    row("get_member", Read, Whole),
    row("update_member", Administer, Whole),
    row("list_invitations", Administer, Whole),
    row("create_invitation", Administer, Whole),
    row("get_invitation", Administer, Whole),
    row("list_teams", Read, Whole),
    row("create_team", Administer, Whole),
    row("get_team", Read, Whole),
    row("update_team", Administer, Whole),
    row("list_team_members", Read, Whole),
    row("add_team_member", Administer, Whole),
    row("list_api_tokens", Administer, Whole),
    row("create_api_token", AdministerAsPerson, Whole),
    row("get_api_token", Administer, Whole),
    row("update_api_token", AdministerAsPerson, Whole),
    row("list_audit_log", Administer, Whole),
    row("watch_events", Read, Shared),
    row("list_notifications", Read, Shared),
    row("count_unread_notifications", Read, Shared),
    row("get_notification", Read, Product),
    row("mark_notification_read", Read, Product),
    row("mark_all_notifications_read", Read, Shared),
    row("list_tracker_connections", Read, Shared),
    row("create_tracker_connection", Administer, Shared),
    row("get_tracker_connection", Read, Shared),
    row("update_tracker_connection", Administer, Shared),
    row("get_tracker_connection_health", Read, Shared),
    row("test_tracker_connection", Administer, Shared),
    row("get_tracker_webhook", Read, Shared),
    row("update_tracker_webhook", Administer, Shared),
    row("list_webhook_deliveries", Read, Shared),
    row("rotate_tracker_webhook", Administer, Shared),
    row("list_products", Read, Shared),
    row("create_product", Write, Whole),
    row("get_product", Read, Product),
    row("update_product", Write, Product),
    row("list_branches", Read, Product),
    row("create_branch", Write, Product),
    row("get_branch", Read, Product),
    row("update_branch", Write, Product),
    row("list_engagements", Read, Product),
    row("create_engagement", Write, Product),
    row("get_engagement", Read, Product),
    row("update_engagement", Write, Product),
    row("get_tracker_config", Read, Product),
    row("put_tracker_config", Write, Product),
    row("update_tracker_config", Write, Product),
    row("preview_tracker_config", Read, Product),
    row("put_security_gate", Write, Product),
    row("get_security_gate", Look, Product),
    row("list_trust_rules", Read, Product),
    row("create_trust_rule", AdministerAsPerson, Product),
    row("get_trust_rule", Read, Product),
    row("update_trust_rule", AdministerAsPerson, Product),
    row("post_scan", Upload, Named),
    row("list_scans", Look, Shared),
    row("get_scan", Look, Product),
    row("get_upload", Look, Product),
    row("watch_upload", Look, Product),
    row("list_scan_sources", Read, Shared),
    row("get_scan_source", Read, Product),
    row("list_assets", Read, Shared),
    row("create_asset", Write, Whole),
    row("get_asset", Read, Product),
    row("list_vulnerabilities", Read, Shared),
    row("get_vulnerability", Read, Product),
    row("list_vulnerability_observations", Read, Product),
    row("list_observations", Read, Shared),
    row("count_observations", Read, Shared),
    row("create_observation", Write, Named),
    row("assess_observations", Write, Named),
    row("get_observation", Read, Product),
    row("update_observation", Write, Product),
    row("list_observation_history", Read, Product),
    row("list_observation_notes", Read, Product),
    row("create_observation_note", Write, Product),
    row("get_observation_note", Read, Product),
    row("update_observation_note", Author, Product),
    row("get_observation_ticket", Read, Product),
    row("push_observation", Write, Product),
    row("list_issues", Read, Shared),
    row("count_issues", Read, Shared),
    row("create_issue", Write, Named),
    row("draft_issue", Write, Named),
    row("change_issues", Write, Named),
    row("get_issue", Read, Product),
    row("update_issue", Write, Product),
    row("list_issue_instances", Read, Product),
    row("export_issue_instances", Read, Product),
    row("add_issue_instances", Write, Product),
    row("list_issue_timeline", Read, Product),
    row("create_issue_comment", Write, Product),
    row("get_issue_comment", Read, Product),
    row("update_issue_comment", Author, Product),
    row("get_issue_ticket", Read, Product),
    row("push_issue", Write, Product),
    row("list_tickets", Read, Shared),
    row("get_ticket", Read, Product),
    row("refresh_ticket", Write, Product),
    row("list_sync_jobs", Read, Shared),
    row("get_sync_job", Read, Product),
    row("retry_sync_job", Write, Product),
    row("compat_user_profile", Anyone, Shared),
    row("compat_list_test_types", Anyone, Shared),
    row("compat_list_product_types", LookOwn, Shared),
    row("compat_create_product_type", Upload, Shared),
    row("compat_list_products", LookOwn, Shared),
    row("compat_create_product", Upload, Elsewhere),
    row("compat_list_engagements", LookOwn, Shared),
    row("compat_create_engagement", Upload, Named),
    row("compat_update_engagement", Upload, Product),
    row("compat_close_engagement", Write, Product),
    row("compat_reopen_engagement", Write, Product),
    row("compat_list_tests", LookOwn, Shared),
    row("compat_create_test", Upload, Named),
    row("compat_import_scan", Upload, Named),
    row("compat_reimport_scan", Upload, Named),
    row("compat_list_findings", Read, Shared),
    row("compat_upload_observations", Upload, Elsewhere),
    row("compat_upload_sbom", Upload, Elsewhere),
    row("compat_list_gates", LookOwn, Shared),
    row("discard_sync_job", Write, Product).once(),
    row("unlink_ticket", Write, Product),
    row("confirm_scan_source", Write, Product).ends(409),
    row("retire_scan_source", Write, Product),
    row("delete_issue_comment", AuthorOrAdminister, Product),
    row("remove_issue_instances", Write, Product).once(),
    row("merge_issue", Write, Product).once(),
    row("delete_issue", Write, Product),
    row("delete_observation_note", AuthorOrAdminister, Product),
    row("delete_observation", Write, Product),
    row("delete_asset", Write, Across).ends(409),
    row("delete_tracker_config", Write, Product).ends(409),
    row("delete_trust_rule", AdministerAsPerson, Product),
    row("delete_security_gate", Write, Product).once(),
    row("delete_engagement", Write, Product),
    row("delete_branch", Write, Product),
    row("delete_product", Administer, Product),
    row("delete_tracker_connection", Administer, Shared).ends(409),
    row("withdraw_invitation", Administer, Whole).once(),
    row("revoke_api_token", Administer, Whole),
    row("remove_team_member", Administer, Whole).once(),
    row("delete_team", Administer, Whole),
    row("remove_member", Administer, Whole),
    row("delete_organization", AdministerAsPerson, Whole).ends(409),
    // Who makes an organization is at home in two, and who logs out is gone.
    row("create_organization", Superuser, Server),
    row("logout", Person, Server).once(),
];
