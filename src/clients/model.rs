//! Numbers for ids, product types, tests; what a client asks for.

use diesel::prelude::*;

use crate::base::ids::{BranchId, EngagementId, OrganizationId, ProductId, ScanSourceId};
use crate::base::time::UtcTime;
use crate::db::schema::{client_engagements, client_product_types, client_products, client_tests};
use crate::products::model::{Engagement, EngagementState, Product};
use crate::reports::parsers::PARSERS;

/// A label for products.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_product_types)]
pub struct ProductType {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its number.
    pub number: i64,
    /// Its name as written.
    pub name: String,
    /// What makes the name unique: the key of product names.
    pub name_key: String,
}

/// The number of a product.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_products, treat_none_as_default_value = false)]
pub struct ProductNumber {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The number.
    pub number: i64,
    /// The product.
    pub product_id: ProductId,
    /// The number of its product type, once a client said one.
    pub product_type: Option<i64>,
}

/// The number of an engagement, and what a client said of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_engagements, treat_none_as_default_value = false)]
pub struct EngagementNumber {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The number.
    pub number: i64,
    /// The engagement.
    pub engagement_id: EngagementId,
    /// The branch of what is imported without one, as a client said: dd-import does so after each import.
    pub branch: Option<String>,
    /// The commit, for show.
    pub commit_id: Option<String>,
    /// Did an import ever name its branch? Then the engagement's is for show.
    pub imports_say_branch: bool,
}

impl EngagementNumber {
    /// The branch of an import that names none.
    #[must_use]
    pub fn branch_of_imports(&self) -> Option<&str> {
        self.branch.as_deref().filter(|_| !self.imports_say_branch)
    }
}

/// What an engagement's imports brought is of another branch than was thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherBranch {
    /// The product.
    pub product: ProductId,
    /// The engagement.
    pub engagement: EngagementId,
    /// Where its sources may be.
    pub from: Vec<BranchId>,
    /// Where they belong.
    pub to: BranchId,
}

/// A test: what is imported under one title within an engagement.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_tests)]
pub struct Test {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Its number.
    pub number: i64,
    /// The engagement.
    pub engagement_id: EngagementId,
    /// Its title; without one the scan type.
    pub title: String,
    /// What is imported into it, by the name that clients know.
    pub scan_type: String,
    /// When it was made.
    pub created_at: UtcTime,
}

impl Test {
    /// The name of the scan sources of what is imported into it; without a title of its own, what the report says.
    #[must_use]
    pub fn source_name(&self) -> Option<String> {
        self.has_title().then(|| self.title.clone())
    }

    fn has_title(&self) -> bool {
        self.title != self.scan_type
    }

    /// Is this scan source of its engagement one of what is imported into it? Its newest scan must be of the test's
    /// format. It is named after the title; without a title of its own, the test has what no test of `all` is named for.
    #[must_use]
    pub fn owns(&self, all: &[Self], source: &ImportedSource) -> bool {
        let is_named = |test: &Self| test.reads(&source.format) && test.names(&source.name);
        if self.has_title() { is_named(self) } else { self.reads(&source.format) && !all.iter().any(is_named) }
    }

    fn reads(&self, format: &str) -> bool {
        formats_of(&self.scan_type).contains(&format)
    }

    /// A service that was scanned stands behind the title: `nightly (checkout)`.
    fn names(&self, source: &str) -> bool {
        let rest = source.strip_prefix(self.title.as_str()).filter(|_| self.has_title());
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with(" (") && rest.ends_with(')')))
    }
}

/// A scan source: what tells the tests of an engagement apart.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ImportedSource {
    /// Its id.
    pub id: ScanSourceId,
    /// Its name.
    pub name: String,
    /// The format of its newest scan.
    pub format: String,
}

/// The formats that a scan type stands for.
#[must_use]
pub fn formats_of(scan_type: &str) -> Vec<&'static str> {
    let is_named = |names: &[&str]| names.contains(&scan_type);
    PARSERS.iter().filter(|parser| is_named(parser.defectdojo_names)).map(|parser| parser.name).collect()
}

/// A product as clients see it. One that no client has asked for yet has no number.
pub type NumberedProduct = (Product, Option<ProductNumber>);
/// An engagement as clients see it, with the number of its product.
pub type NumberedEngagement = (Engagement, Option<EngagementNumber>, Option<ProductNumber>);
/// A test with the number of its engagement.
pub type NumberedTest = (Test, EngagementNumber);

/// The largest part of a list.
pub const MAX_LIMIT: i64 = 1000;
/// How far into a list that is read by offset a client may go, by jumping or by following the links: what lies deeper is
/// found with a filter.
pub const MAX_OFFSET: i64 = 100_000;

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// Which of a kind. What is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// With this number.
    pub number: Option<i64>,
    /// With exactly this name or title.
    pub name: Option<String>,
    /// Of the product type (products), product (engagements) or engagement (tests) with this number.
    pub parent: Option<i64>,
    /// In this state (engagements).
    pub state: Option<EngagementState>,
    /// For this scan type (tests).
    pub scan_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(title: &str, scan_type: &str) -> Test {
        Test {
            organization_id: OrganizationId::generate(),
            number: 1,
            engagement_id: EngagementId::generate(),
            title: title.to_owned(),
            scan_type: scan_type.to_owned(),
            created_at: UtcTime::from_micros(1),
        }
    }

    /// PB-8
    #[test]
    fn a_scan_source_is_of_the_test_that_it_is_named_after_else_of_the_one_without_a_title() {
        let all = [test("SARIF", "SARIF"), test("nightly", "SARIF"), test("nightly", "Trivy Scan")];
        for (name, format, owners) in [
            ("", "sarif", [true, false, false]),
            ("web", "sarif", [true, false, false]),
            ("nightly", "sarif", [false, true, false]),
            ("nightly (api)", "sarif", [false, true, false]),
            ("nightly-2", "sarif", [true, false, false]),
            ("nightly", "trivy", [false, false, true]),
            ("web", "trivy", [false, false, false]),
        ] {
            let source =
                ImportedSource { id: ScanSourceId::generate(), name: name.to_owned(), format: format.to_owned() };
            assert_eq!([0, 1, 2].map(|n: usize| all[n].owns(&all, &source)), owners, "{name} {format}");
        }
    }
}
