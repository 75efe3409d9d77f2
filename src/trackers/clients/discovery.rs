//! What a Jira project offers: asked before a configuration is saved, so that its faults are found then.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::jira::Jira;
use super::wire::Call;
use crate::base::error::Fault;
use crate::trackers::ticket::{Answer, ClientError, ProbeReport, ProjectReport};

/// Fields that the client fills from the draft itself.
const OURS: [&str; 8] =
    ["project", "issuetype", "summary", "description", "labels", "priority", "components", "assignee"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    display_name: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Server {
    version: String,
}

#[derive(Debug, Deserialize)]
struct Project {
    #[serde(default, rename = "issueTypes")]
    issue_types: Vec<IssueType>,
}

#[derive(Debug, Deserialize)]
struct IssueType {
    id: String,
    name: String,
}

/// Data Center says `values`, Cloud says `fields`.
#[derive(Debug, Deserialize)]
struct FieldPage {
    #[serde(alias = "values")]
    fields: Vec<Field>,
    total: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    field_id: String,
    name: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    has_default_value: bool,
    schema: Schema,
    #[serde(default)]
    allowed_values: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Schema {
    r#type: String,
    items: Option<String>,
}

impl Jira {
    pub(super) async fn probe(&self, projects: &[&str]) -> Result<Answer<ProbeReport>, ClientError> {
        let account = self.wire.send(&self.wire.account_call()).await?.answer::<Account>()?;
        let server = self.wire.send(&Call::get(self.wire.at(&["serverInfo"]))).await?.json::<Server>()?;
        let mut report = account.map(|account| ProbeReport {
            account: account.name.or(account.display_name).unwrap_or_default(),
            version: Some(server.version),
            projects: Vec::new(),
        });
        for project in projects {
            report.value.projects.push(self.probe_project(project).await?);
        }
        Ok(report)
    }

    async fn probe_project(&self, project: &str) -> Result<ProjectReport, ClientError> {
        let found = match self.wire.send(&Call::get(self.wire.at(&["project", project]))).await {
            Ok(reply) => reply.json::<Project>()?,
            Err(ClientError::PermanentForTicket { message, .. }) => {
                return Ok(ProjectReport::missing(project, &message));
            }
            Err(error) => return Err(error),
        };
        let held = if self.is_cloud { self.permissions(project).await? } else { None };
        let may = |name: &str| {
            let path = format!("/{name}/havePermission");
            held.as_ref().map(|held| held.pointer(&path) == Some(&Value::Bool(true)))
        };
        let can_create = if self.is_cloud { may("CREATE_ISSUES") } else { self.offers_create(project).await? };
        let mut report = ProjectReport {
            project: project.to_owned(),
            found: true,
            can_create,
            can_edit: may("EDIT_ISSUES"),
            can_transition: may("TRANSITION_ISSUES"),
            issue_types: found.issue_types.into_iter().map(|kind| kind.name).collect(),
            problems: Vec::new(),
        };
        for (held, name) in [
            (report.can_create, "Create Issues"),
            (report.can_edit, "Edit Issues"),
            (report.can_transition, "Transition Issues"),
            (may("ADD_COMMENTS"), "Add Comments"),
        ] {
            if held == Some(false) {
                report.problems.push(format!("the account lacks the permission {name} in this project: grant it"));
            }
        }
        Ok(report)
    }

    /// What the account may do in a project, as Cloud tells.
    async fn permissions(&self, project: &str) -> Result<Option<Value>, ClientError> {
        let wanted = "CREATE_ISSUES,EDIT_ISSUES,TRANSITION_ISSUES,ADD_COMMENTS";
        let call = Call::get(self.wire.at(&["mypermissions"]));
        let call = call.query(&[("projectKey", project), ("permissions", wanted)]);
        match self.wire.send(&call).await {
            Ok(reply) => Ok(reply.json::<Value>()?.get("permissions").cloned()),
            Err(ClientError::PermanentForTicket { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the create screen offers anything: how Data Center shows that the account may create.
    async fn offers_create(&self, project: &str) -> Result<Option<bool>, ClientError> {
        let url = self.wire.at(&["issue", "createmeta", project, "issuetypes"]);
        match self.wire.send(&Call::get(url)).await {
            Ok(reply) => {
                Ok(reply.json::<Value>()?.get("values").and_then(Value::as_array).map(|types| !types.is_empty()))
            }
            Err(ClientError::PermanentForTicket { .. }) => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }

    /// What is wrong with an issue type and custom fields, as Jira's own create screen says (DD-4, DD-12). Pointers
    /// begin at the configuration: `/issue_type`, `/custom_fields/customfield_10050`.
    pub(super) async fn check_fields(
        &self,
        project: &str,
        issue_type: &str,
        fields: &Map<String, Value>,
    ) -> Result<Answer<Vec<Fault>>, ClientError> {
        let project_reply = self.wire.send(&Call::get(self.wire.at(&["project", project]))).await?;
        let types = project_reply.json::<Project>()?.issue_types;
        let Some(known) = types.iter().find(|kind| kind.name.eq_ignore_ascii_case(issue_type)) else {
            let names: Vec<&str> = types.iter().map(|kind| kind.name.as_str()).collect();
            let detail = format!("is no issue type of {project}: it has {}", names.join(", "));
            return Ok(project_reply.with(vec![Fault::new("/issue_type", detail)]));
        };
        let offered = self.create_fields(project, &known.id).await?;
        Ok(offered.map(|offered| faults(&offered, fields)))
    }

    async fn create_fields(&self, project: &str, issue_type: &str) -> Result<Answer<Vec<Field>>, ClientError> {
        let mut all = Vec::new();
        loop {
            let start = all.len().to_string();
            let url = self.wire.at(&["issue", "createmeta", project, "issuetypes", issue_type]);
            let call = Call::get(url).query(&[("startAt", &start), ("maxResults", "50")]);
            let page = self.wire.send(&call).await?.answer::<FieldPage>()?;
            let (got, total) = (page.value.fields.len(), page.value.total.unwrap_or_default());
            let rest = page.map(|page| all.extend(page.fields));
            if got == 0 || all.len() >= total {
                return Ok(rest.map(|()| all));
            }
        }
    }
}

fn faults(offered: &[Field], given: &Map<String, Value>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (id, value) in given {
        let pointer = format!("/custom_fields/{}", id.replace('~', "~0").replace('/', "~1"));
        match offered.iter().find(|field| field.field_id == *id) {
            _ if OURS.contains(&id.as_str()) => faults.push(Fault::new(pointer, "is set by Patchbay itself")),
            None => faults.push(Fault::new(pointer, "is no field of this project and issue type")),
            Some(field) => faults.extend(mismatch(field, value).map(|detail| Fault::new(pointer, detail))),
        }
    }
    let is_needed = |field: &&Field| {
        let is_ours = field.field_id == "reporter" || OURS.contains(&field.field_id.as_str());
        field.required && !field.has_default_value && !is_ours && !given.contains_key(&field.field_id)
    };
    for field in offered.iter().filter(is_needed) {
        let detail = format!("{} is required in this project and issue type", field.name);
        faults.push(Fault::new(format!("/custom_fields/{}", field.field_id), detail));
    }
    faults
}

/// Why a value does not fit a field, if it does not. Values that hold dynamic fields (`{{…}}`) are judged when sent.
fn mismatch(field: &Field, value: &Value) -> Option<String> {
    if value.as_str().is_some_and(|text| text.contains("{{")) {
        return None;
    }
    let expected = |what: &str| Some(format!("{}: expected {what}", field.name));
    match field.schema.r#type.as_str() {
        "string" if !(value.is_string() || value.is_object()) => expected("a text"),
        "number" if !value.is_number() => expected("a number"),
        "date" if !value.as_str().is_some_and(is_date) => expected("a date like 2026-01-31"),
        "option" | "priority" | "user" if !value.is_object() => expected("an object like {\"value\": \"…\"}"),
        "option" => not_allowed(field, value),
        "array" => match value.as_array() {
            None => expected("a list"),
            Some(items) if field.schema.items.as_deref() == Some("option") => {
                items.iter().find_map(|item| not_allowed(field, item))
            }
            Some(_) => None,
        },
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn not_allowed(field: &Field, value: &Value) -> Option<String> {
    let same = |allowed: &&Value| {
        ["id", "value"].iter().any(|key| value.get(key).is_some_and(|given| allowed.get(key) == Some(given)))
    };
    if field.allowed_values.is_empty() || field.allowed_values.iter().any(|allowed| same(&allowed)) {
        return None;
    }
    let names: Vec<&str> = field.allowed_values.iter().filter_map(|allowed| allowed.get("value")?.as_str()).collect();
    Some(format!("{}: expected one of {}", field.name, names.join(", ")))
}
