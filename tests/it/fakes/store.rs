//! What a fake tracker keeps, alike for all of them.

use serde_json::{Map, Value};

/// An issue.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its project, as the tracker names it: `acme/app`, `SEC`.
    pub project: String,
    /// Its number within the project.
    pub number: u64,
    /// The tracker's internal id.
    pub id: u64,
    pub title: String,
    /// Markdown or wiki as text, ADF as JSON.
    pub body: Value,
    pub labels: Vec<String>,
    /// The tracker's own word.
    pub status: String,
    /// GitHub's state reason, Jira's resolution.
    pub resolution: Option<String>,
    /// Id and body of each comment.
    pub comments: Vec<(u64, Value)>,
    pub assignees: Vec<String>,
    /// Everything else that was sent: priority, components, custom fields, entity properties, confidential.
    pub fields: Map<String, Value>,
    /// Id, name and content of each file.
    pub files: Vec<(u64, String, String)>,
    pub is_deleted: bool,
    /// Where it was transferred to, as (project, number).
    pub moved_to: Option<(String, u64)>,
    /// Whether search finds it yet.
    pub is_indexed: bool,
}

impl Item {
    /// `acme/app#1` or `SEC-1`.
    pub fn key(&self) -> String {
        let sign = if self.project.contains('/') { '#' } else { '-' };
        format!("{}{sign}{}", self.project, self.number)
    }

    /// The body as text, ADF as its JSON.
    pub fn body_text(&self) -> String {
        match &self.body {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            adf => adf.to_string(),
        }
    }

    /// The comments as text.
    pub fn comment_texts(&self) -> Vec<String> {
        let text = |body: &Value| body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        self.comments.iter().map(|(_, body)| text(body)).collect()
    }
}

/// All issues of a fake.
#[derive(Debug, Default)]
pub struct Store {
    pub items: Vec<Item>,
    /// While set, new issues are invisible to search, as they are at first in every real tracker.
    pub index_lags: bool,
    last_id: u64,
}

impl Store {
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        1_000 + self.last_id
    }

    /// Adds an issue with the next number of its project.
    pub fn add(&mut self, project: &str, status: &str, title: String, body: Value) -> &mut Item {
        let number = self.items.iter().filter(|item| item.project == project).count() as u64 + 1;
        let id = self.next_id();
        self.items.push(Item {
            project: project.to_owned(),
            number,
            id,
            title,
            body,
            labels: Vec::new(),
            status: status.to_owned(),
            resolution: None,
            comments: Vec::new(),
            assignees: Vec::new(),
            fields: Map::new(),
            files: Vec::new(),
            is_deleted: false,
            moved_to: None,
            is_indexed: !self.index_lags,
        });
        self.items.last_mut().unwrap()
    }

    /// Search knows everything that there is now.
    pub fn catch_up(&mut self) {
        self.index_lags = false;
        self.items.iter_mut().for_each(|item| item.is_indexed = true);
    }

    pub fn find(&mut self, project: &str, number: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.project == project && item.number.to_string() == number)
    }

    pub fn by_key(&mut self, key: &str) -> &mut Item {
        self.items.iter_mut().find(|item| item.key() == key).unwrap_or_else(|| panic!("there is no {key}"))
    }

    /// The project's issues that are there, newest first.
    pub fn newest(&self, project: &str) -> Vec<Item> {
        let there = |item: &&Item| item.project == project && !item.is_deleted && item.moved_to.is_none();
        self.items.iter().rev().filter(there).cloned().collect()
    }
}
