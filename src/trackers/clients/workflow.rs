//! Jira's workflows: a status is never set, one walks there over transitions that must be asked for at every step.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::jira::{Jira, Named, Status};
use super::wire::Call;
use crate::egress::client::Method;
use crate::trackers::ticket::{Answer, ClientError, CloseReason, Destination, Move, PlannedRequest, TicketRef};

/// The most transitions on one way; real workflows need two or three.
const MAX_STEPS: usize = 6;

/// Words of statuses and resolutions that say "not done, but over".
const TURNED_DOWN: [&str; 11] =
    ["won't", "wont", "reject", "cancel", "declin", "abandon", "duplicate", "invalid", "obsolete", "cannot", "not a"];
/// Resolutions for what was done, the best first.
const DONE: [&str; 4] = ["done", "fixed", "resolved", "complete"];
/// Resolutions for what will not be done, the best first.
const NOT_DONE: [&str; 7] = ["won't do", "won't fix", "wont", "declin", "reject", "cancel", "not a"];

#[derive(Debug, Deserialize)]
struct Transitions {
    transitions: Vec<Transition>,
}

#[derive(Debug, Deserialize)]
struct Transition {
    id: String,
    name: String,
    to: Status,
    /// What its screen shows; absent where the tracker was not asked in the way it wants.
    fields: Option<HashMap<String, ScreenField>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScreenField {
    #[serde(default)]
    required: bool,
    #[serde(default)]
    has_default_value: bool,
    #[serde(default)]
    name: String,
    #[serde(default)]
    allowed_values: Vec<Value>,
}

/// Where an issue stands and which ways lead on.
#[derive(Debug, Deserialize)]
struct Standing {
    fields: CurrentFields,
    #[serde(default)]
    transitions: Vec<Transition>,
}

#[derive(Debug, Deserialize)]
struct CurrentFields {
    status: Status,
}

/// Where a walk shall end.
#[derive(Debug, Clone, Copy)]
struct Goal<'m> {
    done: bool,
    walk: &'m Move,
}

impl Goal<'_> {
    fn is_reached(&self, status: &Status) -> bool {
        match &self.walk.destination {
            Destination::Status(name) => status.name.eq_ignore_ascii_case(name),
            Destination::Discover | Destination::Transition(_) => status.is_done() == self.done,
        }
    }

    /// How good a step is, lower is better; `None` for one that leads nowhere new.
    fn rank(&self, step: &Transition, visited: &[String]) -> Option<u8> {
        if matches!(&self.walk.destination, Destination::Transition(id) if *id == step.id) {
            return Some(0);
        }
        if self.is_reached(&step.to) {
            return Some(if self.suits(&step.to.name) { 1 } else { 4 });
        }
        if visited.contains(&step.to.name) {
            return None;
        }
        // On the way: through open statuses first; a done one only if nothing else is left.
        Some(if step.to.is_done() { 5 } else { 2 })
    }

    /// Whether a status that ends work ends it in the right sense.
    fn suits(&self, status: &str) -> bool {
        let turned_down = has_any(status, &TURNED_DOWN);
        !self.done
            || matches!(self.walk.destination, Destination::Status(_))
            || match self.walk.reason {
                CloseReason::Completed => !turned_down,
                CloseReason::NotPlanned => turned_down || !has_any(status, &DONE),
            }
    }
}

fn has_any(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase().replace('’', "'");
    words.iter().any(|word| text.contains(word))
}

impl Jira {
    pub(super) async fn close(&self, ticket: &TicketRef, r#move: &Move) -> Result<Answer<()>, ClientError> {
        self.walk(ticket, Goal { done: true, walk: r#move }).await
    }

    pub(super) async fn reopen(&self, ticket: &TicketRef, r#move: &Move) -> Result<Answer<()>, ClientError> {
        self.walk(ticket, Goal { done: false, walk: r#move }).await
    }

    async fn walk(&self, ticket: &TicketRef, goal: Goal<'_>) -> Result<Answer<()>, ClientError> {
        let mut visited = Vec::new();
        loop {
            let standing = self.standing(ticket).await?;
            let status = &standing.value.fields.status;
            if goal.is_reached(status) || visited.len() == MAX_STEPS {
                return Ok(standing.map(drop));
            }
            visited.push(status.name.clone());
            let (step, fields) = choose(&standing.value.transitions, goal, &visited, &status.name)?;
            let reply = self.wire.send(&self.transition_call(ticket, &step.id, &fields)).await?;
            if goal.is_reached(&step.to) {
                return Ok(reply.with(()));
            }
        }
    }

    /// Status and transitions in one call. Not every Jira shows the transitions' screens there; their own resource does.
    async fn standing(&self, ticket: &TicketRef) -> Result<Answer<Standing>, ClientError> {
        let mut standing = self.wire.send(&self.standing_call(ticket)).await?.answer::<Standing>()?;
        if standing.value.transitions.iter().any(|step| step.fields.is_none()) {
            let call = Call::get(self.issue(ticket, &["transitions"])).about_ticket();
            let call = call.query(&[("expand", "transitions.fields")]);
            standing.value.transitions = self.wire.send(&call).await?.json::<Transitions>()?.transitions;
        }
        Ok(standing)
    }

    fn standing_call(&self, ticket: &TicketRef) -> Call {
        let call = Call::get(self.issue(ticket, &[])).about_ticket();
        call.query(&[("fields", "status"), ("expand", "transitions.fields")])
    }

    fn transition_call(&self, ticket: &TicketRef, id: &str, fields: &Map<String, Value>) -> Call {
        let mut body = json!({"transition": {"id": id}});
        if !fields.is_empty() {
            body["fields"] = json!(fields);
        }
        // A step that was made already answers 400 when it is repeated, and the next look finds the goal reached.
        Call::set(Method::POST, self.issue(ticket, &["transitions"]), body).about_ticket()
    }

    /// The requests of a close or reopen. Which transition it will be is known only once the tracker has been asked.
    pub(super) fn plan_walk(&self, ticket: &TicketRef, r#move: &Move) -> Vec<PlannedRequest> {
        let id = match &r#move.destination {
            Destination::Transition(id) => id.clone(),
            Destination::Status(name) => format!("id of the transition to {name}"),
            Destination::Discover => "id of the transition found".to_owned(),
        };
        let mut fields = r#move.fields.clone();
        if let Some(resolution) = &r#move.resolution {
            fields.insert("resolution".to_owned(), json!({"name": resolution}));
        }
        let calls = [self.standing_call(ticket), self.transition_call(ticket, &id, &fields)];
        calls.iter().map(|call| self.wire.plan(call)).collect()
    }
}

/// The best step, and what its screen is given.
fn choose<'s>(
    steps: &'s [Transition],
    goal: Goal<'_>,
    visited: &[String],
    from: &str,
) -> Result<(&'s Transition, Map<String, Value>), ClientError> {
    let mut ranked: Vec<(u8, &Transition)> =
        steps.iter().filter_map(|step| Some((goal.rank(step, visited)?, step))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut obstacle = None;
    for (_, step) in ranked {
        match screen(step, goal.walk) {
            Ok(fields) => return Ok((step, fields)),
            Err(name) => obstacle = obstacle.or_else(|| Some(format!("the transition {} asks for {name}", step.name))),
        }
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    let wanted = match (&goal.walk.destination, goal.done) {
        (Destination::Status(name), _) => format!("the status {name}"),
        (_, true) => "a closed status".to_owned(),
        (_, false) => "an open status".to_owned(),
    };
    let reason = obstacle.unwrap_or_else(|| format!("the transitions offered are: {}", names.join(", ")));
    let message = format!("no way leads from {from} to {wanted}; {reason}");
    Err(ClientError::PermanentForTicket { status: 0, message })
}

/// What a transition's screen is given, or the name of a field that it asks for and nobody configured.
fn screen(step: &Transition, walk: &Move) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    for (id, field) in step.fields.iter().flatten() {
        if let Some(value) = walk.fields.get(id) {
            fields.insert(id.clone(), value.clone());
        } else if id == "resolution" && step.to.is_done() {
            let resolution = resolution(field, walk).ok_or_else(|| "a resolution".to_owned())?;
            fields.insert(id.clone(), json!({"name": resolution}));
        } else if field.required && !field.has_default_value {
            return Err(if field.name.is_empty() { id.clone() } else { field.name.clone() });
        }
    }
    Ok(fields)
}

/// The resolution as configured, else the one that says best why.
fn resolution(field: &ScreenField, walk: &Move) -> Option<String> {
    if walk.resolution.is_some() {
        return walk.resolution.clone();
    }
    let allowed: Vec<String> = field
        .allowed_values
        .iter()
        .filter_map(|value| Named::deserialize(value).ok().map(|named| named.name))
        .collect();
    let wanted: &[&str] = match walk.reason {
        CloseReason::Completed => &DONE,
        CloseReason::NotPlanned => &NOT_DONE,
    };
    let best = wanted.iter().find_map(|word| allowed.iter().find(|name| has_any(name, &[word])));
    best.or_else(|| allowed.first()).cloned()
}
