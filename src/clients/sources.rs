//! Which scan sources clients mean, who know tests and test types instead.

use super::model::{ImportedSource, Test, formats_of};
use super::repo::tests::{self, SourceWish};
use super::scan_type;
use crate::access::model::Caller;
use crate::base::error::ApiError;
use crate::base::ids::{EngagementId, ProductId, ScanSourceId};
use crate::db::conn::Conn;

/// The most scan sources that a filter of observations names.
const MAX_SOURCES: u16 = 200;

/// What a client asks for. What is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct Meant {
    /// Within this engagement.
    pub engagement: Option<EngagementId>,
    /// Within one of these products.
    pub products: Vec<ProductId>,
    /// What is imported into this test.
    pub test: Option<Test>,
    /// Reports of one of the test types with these numbers.
    pub test_types: Vec<i64>,
}

impl Meant {
    /// The scan sources that are meant, where engagement and products do not say enough.
    ///
    /// # Errors
    /// `Invalid` for too many, with what else to ask for.
    pub fn sources(&self, conn: &mut Conn, caller: &Caller) -> Result<Option<Vec<ScanSourceId>>, ApiError> {
        let known = self.test_types.iter().filter_map(|number| scan_type::by_number(*number));
        let formats: Vec<String> = known.flat_map(|known| formats_of(known.name)).map(str::to_owned).collect();
        if !self.test_types.is_empty() && formats.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (field, instead, found) = match &self.test {
            Some(test) => ("test", "its engagement instead", of_test(conn, caller, test, &formats)?),
            None if self.test_types.is_empty() => return Ok(None),
            None => {
                let wish = SourceWish { engagement: self.engagement, products: self.products.clone(), formats };
                let most = i64::from(MAX_SOURCES) + 1;
                let found = tests::sources(conn, caller.organization, &caller.products, &wish, most)?;
                ("test__test_type", "a product, an engagement or a test beside it", Some(found))
            }
        };
        if found.as_ref().is_some_and(|found| found.len() > usize::from(MAX_SOURCES)) {
            let detail = format!("stands for more than {MAX_SOURCES} scan sources; ask for {instead}");
            return Err(ApiError::invalid(field, detail));
        }
        Ok(found.map(|found| found.into_iter().map(|source| source.id).collect()))
    }
}

/// The scan sources of a test, of one of the formats if there are any; none where they are all those of its engagement.
fn of_test(
    conn: &mut Conn,
    caller: &Caller,
    test: &Test,
    formats: &[String],
) -> Result<Option<Vec<ImportedSource>>, ApiError> {
    let wish = SourceWish { engagement: Some(test.engagement_id), ..SourceWish::default() };
    let all = tests::sources(conn, caller.organization, &caller.products, &wish, i64::MAX)?;
    let beside = tests::of_engagement(conn, caller.organization, test.engagement_id)?;
    let is_meant = |source: &ImportedSource| {
        test.owns(&beside, source) && (formats.is_empty() || formats.contains(&source.format))
    };
    if !all.is_empty() && all.iter().all(is_meant) {
        return Ok(None);
    }
    Ok(Some(all.into_iter().filter(is_meant).collect()))
}
