//! Role or token scope to permission: one table.

use crate::text_enum;

text_enum! {
    /// What a member may do in an organization.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Writes, uploads, edits tracker configs of products.
        Editor = "editor",
        /// Connections, members, teams, tokens, rules, and all products.
        Admin = "admin",
    }
}

text_enum! {
    /// What an API token may do.
    TokenScope {
        /// Post scans, and read what became of them.
        Upload = "scan:upload",
        /// Read.
        Read = "read",
        /// Read and write, as an editor.
        Write = "write",
        /// All, as an admin.
        Admin = "admin",
    }
}

/// What a use case asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See an organization's data.
    Read,
    /// Post scans and read what became of them.
    Upload,
    /// Change products, observations, issues, tracker configs.
    Write,
    /// Change connections, members, teams, tokens, rules.
    Administer,
}

/// The set of permissions of a caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions {
    read: bool,
    upload: bool,
    write: bool,
    administer: bool,
}

impl Permissions {
    /// What a role may do.
    #[must_use]
    pub const fn of_role(role: Role) -> Self {
        match role {
            Role::Viewer => Self { read: true, upload: false, write: false, administer: false },
            Role::Editor => Self { read: true, upload: true, write: true, administer: false },
            Role::Admin => Self { read: true, upload: true, write: true, administer: true },
        }
    }

    /// What a token with these scopes may do.
    #[must_use]
    pub fn of_scopes(scopes: &[TokenScope]) -> Self {
        let has = |scope| scopes.contains(&scope);
        let administer = has(TokenScope::Admin);
        let write = administer || has(TokenScope::Write);
        Self { read: write || has(TokenScope::Read), upload: write || has(TokenScope::Upload), write, administer }
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            read: self.read && other.read,
            upload: self.upload && other.upload,
            write: self.write && other.write,
            administer: self.administer && other.administer,
        }
    }

    /// Is this permission in the set?
    #[must_use]
    pub const fn allow(self, permission: Permission) -> bool {
        match permission {
            Permission::Read => self.read,
            Permission::Upload => self.upload,
            Permission::Write => self.write,
            Permission::Administer => self.administer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Permission; 4] = [Permission::Read, Permission::Upload, Permission::Write, Permission::Administer];

    /// S-04
    #[test]
    fn roles_and_scopes_give_what_they_say_and_nothing_more() {
        use Permission::{Administer, Read, Upload, Write};
        for (scopes, role, expected) in [
            (vec![], None, vec![]),
            (vec![TokenScope::Upload], None, vec![Upload]),
            (vec![TokenScope::Read], Some(Role::Viewer), vec![Read]),
            (vec![TokenScope::Upload, TokenScope::Read], None, vec![Read, Upload]),
            (vec![TokenScope::Write], Some(Role::Editor), vec![Read, Upload, Write]),
            (vec![TokenScope::Admin], Some(Role::Admin), vec![Read, Upload, Write, Administer]),
        ] {
            let allowed = |permissions: Permissions| ALL.into_iter().filter(move |one| permissions.allow(*one));
            let of_scopes = Permissions::of_scopes(&scopes);
            assert_eq!(allowed(of_scopes).collect::<Vec<_>>(), expected, "{scopes:?}");
            if let Some(role) = role {
                assert_eq!(Permissions::of_role(role), of_scopes, "{role}");
            }
            let viewed: Vec<_> = expected.iter().copied().filter(|one| *one == Read).collect();
            let at_most_a_viewer = of_scopes.and(Permissions::of_role(Role::Viewer));
            assert_eq!(allowed(at_most_a_viewer).collect::<Vec<_>>(), viewed, "{scopes:?}");
        }
    }
}
