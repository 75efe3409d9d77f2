//! Searching for a part of a text, alike in both databases.

use diesel::sql_types::Text;

#[diesel::declare_sql_function]
extern "SQL" {
    /// ASCII letters in lower case: SQLite knows no others, and PostgreSQL's columns are of the collation "C".
    fn lower(text: Text) -> Text;
}

/// A pattern for `LIKE … ESCAPE '\'` that finds a text anywhere, taken literally.
#[must_use]
pub fn containing(text: &str) -> String {
    let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{literal}%")
}
