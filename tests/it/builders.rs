//! Builders that name only what matters.

use std::time::Duration;

use patchbay::access::jwt;
use patchbay::access::model::{Membership, Organization, Session, User};
use patchbay::access::permission::Role;
use patchbay::access::repo;
use patchbay::base::error::ApiError;
use patchbay::base::ids::{OrganizationId, SessionId, UserId};
use serde_json::{Value, json};

use crate::app::{Client, TestApp};

/// Long enough for a test that moves the clock.
const LONG: Duration = Duration::from_secs(3600 * 24 * 3650);

/// An organization with a person of each role.
pub struct Tenant {
    /// Its id.
    pub id: OrganizationId,
    /// May do all.
    pub admin: Person,
    /// May write.
    pub editor: Person,
    /// May read.
    pub viewer: Person,
}

/// A member of an organization, logged in.
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// What they send requests with.
    pub client: Client,
}

impl std::ops::Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// A new organization with people.
    pub async fn tenant(&self, slug: &str) -> Tenant {
        let (id, now, name) = (OrganizationId::generate(), self.app.clock.now(), slug.to_owned());
        let organization =
            Organization { id, slug: name.clone(), name, tracker_traffic_stopped: false, version: 1, created_at: now };
        self.app.db.write(move |conn| Ok(repo::organizations::insert(conn, &organization)?)).await.unwrap();
        Tenant {
            id,
            admin: self.person(id, slug, Role::Admin).await,
            editor: self.person(id, slug, Role::Editor).await,
            viewer: self.person(id, slug, Role::Viewer).await,
        }
    }

    /// A new member of an organization, logged in.
    pub async fn person(&self, organization_id: OrganizationId, slug: &str, role: Role) -> Person {
        let (user_id, session_id, created_at) = (UserId::generate(), SessionId::generate(), self.app.clock.now());
        let user = User {
            id: user_id,
            email: format!("{role}-{user_id}@{slug}.example"),
            name: format!("{role} of {slug}"),
            password_hash: "nobody logs in with it".to_owned(),
            is_superuser: false,
            is_active: true,
            version: 1,
            created_at,
        };
        let expires_at = created_at.plus(LONG);
        let refresh_hash = user_id.0.as_bytes().to_vec();
        let session = Session { id: session_id, user_id, refresh_hash, expires_at, created_at };
        let membership = Membership { organization_id, user_id, role, version: 1, created_at };
        let written = self.app.db.write(move |conn| {
            repo::users::insert(conn, &user)?;
            repo::members::insert(conn, &membership)?;
            repo::sessions::insert(conn, &session)?;
            Ok::<_, ApiError>(())
        });
        written.await.unwrap();
        let token = jwt::sign(&self.app.keys, user_id, session_id, created_at, LONG).unwrap();
        Person { id: user_id, client: self.anybody().with_bearer(token.expose()).in_organization(slug) }
    }
}

impl Client {
    /// A new product; its id.
    pub async fn product(&self, name: &str) -> String {
        self.product_with(name, json!({})).await
    }

    /// A new product with more than a name; its id.
    pub async fn product_with(&self, name: &str, more: Value) -> String {
        let mut body = json!({ "name": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/products", body).await.expect(201).id()
    }

    /// A new branch of a product; its id.
    pub async fn branch(&self, product: &str, name: &str) -> String {
        self.post(&format!("/products/{product}/branches"), json!({ "name": name })).await.expect(201).id()
    }

    /// A new engagement on a product; its id.
    pub async fn engagement(&self, product: &str, name: &str) -> String {
        self.post(&format!("/products/{product}/engagements"), json!({ "name": name })).await.expect(201).id()
    }

    /// A new team; its id.
    pub async fn team(&self, name: &str) -> String {
        self.post("/teams", json!({ "name": name })).await.expect(201).id()
    }

    /// A new API token with these scopes, maybe bound to a product; whoever has it.
    pub async fn token(&self, scopes: &[&str], product: Option<&str>) -> Self {
        let body = json!({ "name": "test", "scopes": scopes, "product_id": product });
        let made = self.post("/api-tokens", body).await.expect(201);
        self.with_bearer(made.text("token"))
    }
}
