//! The audit log.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::query::{ListQuery, PageParams};
use crate::access::audit::{self, AuditFilter};
use crate::access::model::{AuditLine, Caller};
use crate::app::App;
use crate::base::actor::ActorKind;
use crate::base::error::ApiError;
use crate::base::ids::AuditId;
use crate::base::page::Page;
use crate::base::time::UtcTime;

/// The routes of the audit log.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_audit_log);
}

/// What somebody changed.
#[derive(Debug, Serialize, ToSchema)]
struct AuditLineView {
    /// Its id.
    id: AuditId,
    /// When.
    at: UtcTime,
    /// What kind of actor did it.
    actor_kind: ActorKind,
    /// Which user or token; null for Patchbay itself.
    actor_id: Option<Uuid>,
    /// What they did.
    #[schema(example = "team.changed")]
    action: String,
    /// To what kind of thing.
    #[schema(example = "team")]
    subject_kind: String,
    /// To which one.
    subject_id: Option<Uuid>,
    /// By field: its old and new value, or, for a secret, that it changed.
    #[schema(value_type = Object, example = json!({"name": {"old": "Payment", "new": "Payments"}}))]
    changes: Value,
}

impl From<AuditLine> for AuditLineView {
    fn from(line: AuditLine) -> Self {
        let id = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
        Self {
            id: line.id,
            at: line.at,
            actor_kind: line.actor_kind,
            actor_id: id(line.actor_id),
            action: line.action,
            subject_kind: line.subject_kind,
            subject_id: id(line.subject_id),
            changes: serde_json::from_str(&line.changes_json).unwrap_or_default(),
        }
    }
}

/// Which lines.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditLogFilter {
    /// Of this user or token.
    actor_id: Option<Uuid>,
    /// About this thing.
    subject_id: Option<Uuid>,
    /// About this kind of thing.
    #[param(max_length = 100, example = "team")]
    subject_kind: Option<String>,
    /// With this action.
    #[param(max_length = 100, example = "team.changed")]
    action: Option<String>,
}

/// List the audit log.
///
/// Who changed what, newest first. For admins.
#[utoipa::path(tag = "audit-log", params(PageParams, AuditLogFilter), responses((status = 200, description = "A page of the log.", body = Page<AuditLineView>)))]
#[get("/audit-log")]
async fn list_audit_log(
    app: Data<App>,
    caller: Caller,
    list: ListQuery<AuditLogFilter>,
) -> Result<HttpResponse, ApiError> {
    let (window, seal) = list.window(app.keys.cursor.expose(), &caller)?;
    let with_total = list.wants_total();
    let wanted = AuditFilter {
        actor_id: list.filter.actor_id,
        subject_id: list.filter.subject_id,
        subject_kind: list.filter.subject_kind,
        action: list.filter.action,
    };
    let page = app.db.read(move |conn| {
        let (found, total) = audit::list(conn, &caller, &wanted, &window, with_total)?;
        let page = window.page(found, &seal, |line| line.id);
        Ok::<_, ApiError>(Page { total, ..page.map(AuditLineView::from) })
    });
    Ok(HttpResponse::Ok().json(page.await?))
}
