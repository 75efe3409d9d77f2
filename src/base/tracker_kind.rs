//! The trackers that tickets can live in.

crate::text_enum! {
    /// What kind of tracker a connection talks to. Jira's two editions are two kinds: their APIs differ in text format,
    /// accounts and search.
    TrackerKind {
        /// GitHub: github.com, data-residency tenants and Enterprise Server.
        GitHub = "github",
        /// GitLab: gitlab.com and self-managed.
        GitLab = "gitlab",
        /// Jira Cloud, REST v3, Atlassian Document Format.
        JiraCloud = "jira_cloud",
        /// Jira Data Center and Server, REST v2, wiki markup.
        JiraDataCenter = "jira_data_center",
    }
}
