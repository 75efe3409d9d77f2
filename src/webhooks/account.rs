//! By which names the tracker calls our own account, so that our own changes are known when they come back.

use std::time::Duration;

use super::model::Webhook;
use super::repo;
use crate::base::error::ApiError;
use crate::base::time::UtcTime;
use crate::connections;
use crate::trackers::service::client;
use crate::trackers::sync::Tools;

/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(24 * 3600);
/// How long nobody asks again after the tracker did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// How long a tracker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The names, asked of the tracker where they are not known; empty where it does not say.
///
/// # Errors
/// A fault of the database.
pub async fn names(tools: &Tools, webhook: &Webhook) -> Result<Vec<String>, ApiError> {
    let (organization, id) = (webhook.organization_id, webhook.connection_id);
    let connection = tools.db.read(move |conn| connections::repo::find(conn, organization, id)).await?;
    let known = webhook.account();
    let Some(connection) = connection.filter(|it| must_ask(webhook, &known, it.updated_at, (tools.now)())) else {
        return Ok(known);
    };
    let asked = match client(tools, &connection) {
        Ok(client) => tokio::time::timeout(PATIENCE, client.account()).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    let (names, now) = (asked.map(|answer| answer.value), (tools.now)());
    let json = names.as_ref().map(|names| serde_json::to_string(names).expect("names are strings"));
    tools.db.write(move |conn| Ok(repo::note_account(conn, organization, id, json, now)?)).await?;
    Ok(names.unwrap_or(known))
}

/// Another credential may be another account.
fn must_ask(webhook: &Webhook, known: &[String], changed_at: UtcTime, now: UtcTime) -> bool {
    let Some(asked_at) = webhook.account_asked_at else { return true };
    let holds = if known.is_empty() { ASK_AGAIN } else { HOLDS };
    asked_at <= changed_at || asked_at.plus(holds) <= now
}
