//! What a config would send, without sending it (PB-2, SO-14).

use std::collections::BTreeSet;

use super::clients::client::Client;
use super::plan::{self, About, Situation, Step};
use super::service::{self, NextStep};
use super::situation;
use super::sync::Tools;
use super::ticket::{ClientError, PlannedRequest};
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::{ObservationId, ProductId, SubjectId};
use crate::base::page::Window;
use crate::base::time::UtcTime;
use crate::connections;
use crate::db::conn::Conn;
use crate::outbox::model::{JobReason, SubjectKind};
use crate::tickets;
use crate::tickets::model::Ticket;
use crate::tracker_configs;
use crate::tracker_configs::model::{Switch, TrackerConfig};
use crate::tracker_configs::policy;

/// The most observations that one page looks at.
const MAX_READ: usize = 2_000;

/// What a config would send.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The switch of the config that holds it.
    pub held_by: Option<Switch>,
    /// How many tickets would be made.
    pub tickets_to_create: usize,
    /// A page of what would be done, in the order of the observations' ids.
    pub items: Vec<PreviewItem>,
    /// The observation to go on after; none on the last page.
    pub next: Option<ObservationId>,
}

/// What would be done about one observation.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewItem {
    /// The observation.
    pub observation: ObservationId,
    /// The title of its ticket.
    pub title: String,
    /// What would be done.
    pub step: NextStep,
    /// The requests, in their order. Those that depend on what the tracker answers are left out.
    pub requests: Vec<PlannedRequest>,
    /// Why no requests can be shown.
    pub fault: Option<String>,
}

/// What the config of a product would send.
///
/// # Errors
/// `Forbidden`, `NotFound`.
pub async fn preview(
    tools: &Tools,
    caller: &Caller,
    product: ProductId,
    window: Window<ObservationId>,
    from: Option<ObservationId>,
) -> Result<Preview, ApiError> {
    let (caller, tools, now) = (caller.clone(), tools.clone(), (tools.now)());
    let db = tools.db.clone();
    db.read(move |conn| {
        let config = tracker_configs::service::get(conn, &caller, product)?;
        let connection = connections::service::get(conn, &caller, config.connection_id)?;
        let client = service::client(&tools, &connection)?;
        let subjects = subjects(conn, &config)?;
        let held_by = config.holds(JobReason::Change);
        let mut preview = Preview { held_by, tickets_to_create: subjects.to_create, items: Vec::new(), next: None };
        let pages = Pages { config: &config, base_url: &connection.base_url, client: &client, now };
        pages.fill(conn, &tools.public_url, &subjects.all, (&window, from), &mut preview)?;
        Ok::<_, ApiError>(preview)
    })
    .await
}

struct Subjects {
    all: BTreeSet<ObservationId>,
    to_create: usize,
}

/// The observations that have a ticket or would get one.
fn subjects(conn: &mut Conn, config: &TrackerConfig) -> Result<Subjects, ApiError> {
    let (organization, product) = (config.organization_id, config.product_id);
    let branches = tracker_configs::repo::pushed_branches(conn, organization, product)?;
    let candidates = tracker_configs::repo::candidates(conn, config, &branches)?;
    let rows = tracker_configs::repo::deciding(conn, organization, &candidates)?;
    let with_ticket: BTreeSet<ObservationId> =
        tracker_configs::repo::subjects_with_tickets(conn, organization, product)?
            .into_iter()
            .filter(|(connection, kind, _)| *connection == config.connection_id && *kind == SubjectKind::Observation)
            .map(|(_, _, subject)| ObservationId(subject.0))
            .collect();
    let suppressed: BTreeSet<SubjectId> = tickets::repo::suppressed_of_product(conn, organization, product)?;
    let facts =
        |row: &tracker_configs::repo::Deciding| row.facts(&branches, suppressed.contains(&SubjectId::from(row.id)));
    let new: BTreeSet<ObservationId> = rows
        .iter()
        .filter(|row| !with_ticket.contains(&row.id) && policy::deserves_new(config, &facts(row)))
        .map(|row| row.id)
        .collect();
    let to_create = new.len();
    Ok(Subjects { all: new.into_iter().chain(with_ticket).collect(), to_create })
}

struct Pages<'a> {
    config: &'a TrackerConfig,
    base_url: &'a str,
    client: &'a Client,
    now: UtcTime,
}

impl Pages<'_> {
    fn fill(
        &self,
        conn: &mut Conn,
        public_url: &str,
        subjects: &BTreeSet<ObservationId>,
        (window, from): (&Window<ObservationId>, Option<ObservationId>),
        preview: &mut Preview,
    ) -> Result<(), ApiError> {
        let rest = subjects
            .iter()
            .copied()
            .filter(|id| window.after.is_none_or(|after| *id > after) && from.is_none_or(|from| *id >= from));
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let (mut read, mut last) = (0, None);
        for id in rest {
            if preview.items.len() == limit || read == MAX_READ {
                preview.next = last;
                break;
            }
            read += 1;
            last = Some(id);
            let situation = situation::read(conn, &self.about(id), public_url)?;
            preview.items.extend(self.item(id, &situation));
        }
        Ok(())
    }

    fn about(&self, id: ObservationId) -> About {
        About {
            organization: self.config.organization_id,
            product: self.config.product_id,
            connection: self.config.connection_id,
            kind: SubjectKind::Observation,
            subject: id.into(),
            reason: JobReason::Change,
        }
    }

    fn item(&self, id: ObservationId, situation: &Situation) -> Option<PreviewItem> {
        let wanted = situation.wanted_step();
        let step = NextStep::from(&wanted);
        if step == NextStep::Nothing {
            return None;
        }
        let ticket = situation.ticket.clone().unwrap_or_else(|| self.intended(id));
        let title = situation.draft(&ticket).map_or_else(|| ticket.title.clone(), |draft| draft.title);
        let (requests, fault) = match self.requests(&wanted, situation, &ticket) {
            Ok(requests) => (requests, None),
            Err(error) => (Vec::new(), Some(error.message().to_owned())),
        };
        Some(PreviewItem { observation: id, title, step, requests, fault })
    }

    fn intended(&self, id: ObservationId) -> Ticket {
        let mut ticket = plan::intended(&self.about(id), self.base_url, self.now);
        ticket.project_key.clone_from(&self.config.project_key);
        ticket
    }

    fn requests(
        &self,
        step: &Step,
        situation: &Situation,
        ticket: &Ticket,
    ) -> Result<Vec<PlannedRequest>, ClientError> {
        let (draft, remote) = (situation.draft(ticket), plan::remote(ticket));
        match (step, draft, remote) {
            (Step::Create, Some(draft), _) => self.client.plan_create(&draft),
            (Step::Update(change), _, Some(remote)) => self.client.plan_update(&remote, change),
            (Step::Close(how), _, Some(remote)) => self.client.plan_close(&remote, how),
            (Step::Reopen(how), _, Some(remote)) => self.client.plan_reopen(&remote, how),
            _ => Ok(Vec::new()),
        }
    }
}
