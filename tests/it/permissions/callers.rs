//! Who asks, and what they must be answered.

use serde_json::json;

use super::table::{Need, Of, Row};
use super::world::Start;
use crate::app::Client;

/// What a caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Success, or a fault that has nothing to do with who asks.
    Allowed,
    /// 401.
    Unknown,
    /// 403.
    Forbidden,
    /// 404, the same as for what never existed.
    Hidden,
    /// 403 or 404, the same as for what never existed.
    Refused,
    /// Whatever is answered for what never existed.
    AsForNothing,
}

/// Somebody who asks.
pub struct Caller {
    pub name: &'static str,
    pub client: Client,
    /// What they may do where they are at home: `r`ead, `u`pload, `w`rite, `a`dminister; none for who is nobody.
    may: &'static str,
    is_person: bool,
    is_superuser: bool,
    is_of_others: bool,
    /// Whether they see the restricted product.
    pub sees: bool,
    is_bound: bool,
    is_author: bool,
}

impl Caller {
    fn new(name: &'static str, client: &Client, may: &'static str) -> Self {
        Self {
            name,
            client: client.clone(),
            may,
            is_person: false,
            is_superuser: false,
            is_of_others: false,
            sees: false,
            is_bound: false,
            is_author: false,
        }
    }

    fn person(self) -> Self {
        Self { is_person: true, ..self }
    }

    fn sees(self) -> Self {
        Self { sees: true, ..self }
    }

    fn bound(self) -> Self {
        Self { is_bound: true, ..self }
    }

    fn of_others(self) -> Self {
        Self { is_of_others: true, ..self }
    }

    /// Whether they are of another organization.
    pub fn is_stranger(&self) -> bool {
        self.is_of_others
    }

    fn has(&self, need: Need) -> bool {
        let may = |letter| self.may.contains(letter);
        match need {
            Need::Nothing => true,
            Need::Anyone => !self.may.is_empty(),
            Need::Person => self.is_person,
            Need::Superuser => self.is_superuser,
            Need::Look => may('r') || may('u'),
            Need::LookOwn => may('r') || (may('u') && self.is_bound),
            Need::Read => may('r'),
            Need::Upload => may('u'),
            Need::Write => may('w'),
            Need::Administer => may('a'),
            Need::AdministerAsPerson => may('a') && self.is_person,
            Need::Author => self.is_author,
            Need::AuthorOrAdminister => self.is_author || may('a'),
        }
    }

    /// What they must be answered. At home: where the path names no organization.
    pub fn expects(&self, row: &Row, at_home: bool) -> Expected {
        let has = self.has(row.need);
        if row.need == Need::Nothing {
            return Expected::Allowed;
        }
        if self.may.is_empty() {
            return Expected::Unknown;
        }
        if row.of != Of::Server && self.is_of_others && !at_home {
            return Expected::Hidden;
        }
        let is_bound = self.is_bound;
        match (row.of, has, self.sees) {
            (Of::Product | Of::Across | Of::Named, false, false) => Expected::Refused,
            (Of::Server | Of::Shared, true, _) | (Of::Product | Of::Named, true, true) => Expected::Allowed,
            (Of::Product | Of::Across, true, false) => Expected::Hidden,
            (Of::Named, true, false) => Expected::AsForNothing,
            (Of::Elsewhere, true, _) if is_bound => Expected::Hidden,
            (Of::Whole | Of::Across, true, _) if is_bound => Expected::Forbidden,
            (Of::Whole | Of::Elsewhere | Of::Across, true, _) => Expected::Allowed,
            (_, false, _) => Expected::Forbidden,
        }
    }
}

/// All callers, those with the least rights first.
pub async fn all(start: &Start, hidden: &str) -> Vec<Caller> {
    let (tenant, open) = (&start.desk.tenant, start.desk.product.as_str());
    let admin = &tenant.admin;
    let token =
        |scope: &'static str, product: Option<String>| async move { admin.token(&[scope], product.as_deref()).await };
    let of = |product: &str| Some(product.to_owned());
    let expired = json!({ "name": "old", "scopes": ["admin"], "expires_at": start.soon() });
    let expired = admin.with_bearer(admin.post("/api-tokens", expired).await.expect(201).text("token"));
    let revoked = admin.post("/api-tokens", json!({ "name": "revoked", "scopes": ["admin"] })).await.expect(201);
    admin.delete(&format!("/api-tokens/{}", revoked.id())).await.expect(204);
    start.let_it_expire();
    let revoked = admin.with_bearer(revoked.text("token"));
    let ended = start.person_who_left().await;
    let superuser = Caller::new("a superuser of another organization", &start.superuser, "r").of_others().person();
    let editor = Caller::new("an editor of the team", &tenant.editor, "ruw").person().sees();
    vec![
        Caller::new("a viewer of the team", &tenant.viewer, "r").person().sees(),
        Caller { is_author: true, ..editor },
        Caller::new("an admin", admin, "ruwa").person().sees(),
        Caller { is_superuser: true, ..superuser },
        Caller::new("a viewer outside of the team", &start.outside_viewer, "r").person(),
        Caller::new("an editor outside of the team", &start.outside_editor, "ruw").person(),
        Caller::new("a token that reads", &token("read", None).await, "r"),
        Caller::new("a token that uploads", &token("scan:upload", None).await, "u"),
        Caller::new("a token that writes", &token("write", None).await, "ruw"),
        Caller::new("a token that administers", &token("admin", None).await, "ruwa").sees(),
        Caller::new("a token of the product that reads", &token("read", of(hidden)).await, "r").bound().sees(),
        Caller::new("a token of the product that uploads", &token("scan:upload", of(hidden)).await, "u").bound().sees(),
        Caller::new("a token of the product that writes", &token("write", of(hidden)).await, "ruw").bound().sees(),
        Caller::new("a token of another product that reads", &token("read", of(open)).await, "r").bound(),
        Caller::new("a token of another product that uploads", &token("scan:upload", of(open)).await, "u").bound(),
        Caller::new("a token of another product that writes", &token("write", of(open)).await, "ruw").bound(),
        Caller::new("an admin of another organization", &start.others.admin, "ruwa").of_others().person(),
        Caller::new("nobody", &start.desk.app.anybody(), ""),
        Caller::new("who makes a token up", &admin.with_bearer("pb_nonsense"), ""),
        Caller::new("an expired token", &expired, ""),
        Caller::new("a revoked token", &revoked, ""),
        Caller::new("a session that ended", &ended, ""),
    ]
}
