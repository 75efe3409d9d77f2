//! Where an import of a client goes: by number, by name, or by both where they agree.

use super::model::{EngagementNumber, ProductNumber, Test};
use super::repo::{engagements, tests, types};
use super::scan_type::ScanType;
use super::service::{self, find_or_make_test, number_of_engagement, number_of_product, set_product_type};
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::BranchId;
use crate::base::time::UtcTime;
use crate::db::conn::Conn;
use crate::products::model::{Branch, Engagement, IdOrName, Product, name_key};
use crate::products::repo as products;
use crate::products::target::{self, Wanted};

/// What a client says of where an import goes.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The number of a test.
    pub test: Option<i64>,
    /// The number of an engagement.
    pub engagement: Option<i64>,
    /// The number of a product.
    pub product: Option<i64>,
    /// The name of a product type.
    pub product_type_name: Option<String>,
    /// The name of a product.
    pub product_name: Option<String>,
    /// The name of an engagement.
    pub engagement_name: Option<String>,
    /// The title of a test.
    pub test_title: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// Make what is named and missing?
    pub create_missing: bool,
    /// Must the test be there, unless what is missing is made?
    pub is_reimport: bool,
}

/// What is called otherwise in the fields of such clients.
const THEIR_FIELDS: [(&str, &str); 3] =
    [("product", "product_name"), ("engagement", "engagement_name"), ("branch", "branch_tag")];

/// Where an import goes.
#[derive(Debug, Clone)]
pub struct Place {
    /// The product.
    pub product: Product,
    /// Its number.
    pub product_number: ProductNumber,
    /// The engagement.
    pub engagement: Engagement,
    /// Its number.
    pub engagement_number: EngagementNumber,
    /// The branch.
    pub branch: Branch,
    /// The commit, if it is known.
    pub commit: Option<String>,
    /// The test.
    pub test: Test,
}

/// Finds where an import goes, and makes what is missing if that is asked for, in the transaction of the caller.
///
/// # Errors
/// As for [`target::resolve`]; `Invalid` for numbers and names that disagree, in words that tell nothing of either.
pub fn resolve(
    conn: &mut Conn,
    caller: &Caller,
    named: &Named,
    scan_type: ScanType,
    now: UtcTime,
) -> Result<Place, ApiError> {
    caller.require(Permission::Upload)?;
    let (engagement, test) = by_number(conn, caller, named)?;
    let wanted = match &engagement {
        Some(engagement) => of_engagement(conn, caller, named, engagement)?,
        None => by_name(conn, caller, named)?,
    };
    if let Some(test) = &test {
        check_test(named, test, scan_type)?;
    }
    let found = target::resolve(conn, caller, &wanted, now).map_err(|error| error.renamed(&THEIR_FIELDS))?;
    let product_number = of_type(conn, caller, named, &found.product)?;
    agree("product_id", named.product.is_none_or(|number| number == product_number.number))?;
    let engagement = found.engagement.ok_or_else(|| ApiError::internal("an import without an engagement"))?;
    let engagement_number = number_of_engagement(conn, caller, engagement.id)?;
    // A run of a CI names its own branch, which says nothing of what others mean.
    if named.branch.is_some() && caller.branch.is_none() && !engagement_number.imports_say_branch {
        engagements::note_branch_said(conn, caller.organization, engagement.id)?;
    }
    let test = match test {
        Some(test) => test,
        None => test_of(conn, caller, named, &engagement, scan_type, now)?,
    };
    Ok(Place {
        commit: named.commit.clone(),
        product: found.product,
        product_number,
        engagement,
        engagement_number,
        branch: found.branch,
        test,
    })
}

/// The same text for all that disagrees: it must not tell what the other one is.
fn agree(field: &str, agrees: bool) -> Result<(), ApiError> {
    if agrees {
        return Ok(());
    }
    Err(ApiError::invalid(field, "does not agree with the other ids and names; send only one of them, or both right"))
}

/// The engagement, and the test where one is named by number.
fn by_number(conn: &mut Conn, caller: &Caller, named: &Named) -> Result<(Option<Engagement>, Option<Test>), ApiError> {
    let test = named.test.map(|number| service::test(conn, caller, number)).transpose()?;
    let of_test = test.as_ref().map(|(_, engagement)| engagement.number);
    let Some(number) = named.engagement.or(of_test) else { return Ok((None, None)) };
    let (engagement, number, _) = service::engagement(conn, caller, number)?;
    let number = number.ok_or_else(|| ApiError::internal("an engagement found by its number has none"))?;
    agree("engagement", of_test.is_none_or(|of_test| of_test == number.number))?;
    Ok((Some(engagement), test.map(|(test, _)| test)))
}

fn of_engagement(conn: &mut Conn, caller: &Caller, named: &Named, engagement: &Engagement) -> Result<Wanted, ApiError> {
    let product = crate::products::service::require(conn, caller, engagement.product_id)?;
    let is_same = |name: &String| name_key(name) == product.name_key;
    agree("product_name", named.product_name.as_ref().is_none_or(is_same))?;
    let is_same = |name: &String| name.trim() == engagement.name;
    agree("engagement_name", named.engagement_name.as_ref().is_none_or(is_same))?;
    Ok(Wanted {
        product: IdOrName::Id(product.id),
        branch: branch_of(conn, caller, named, Some(engagement))?,
        engagement: Some(IdOrName::Id(engagement.id)),
        create_missing: true,
    })
}

/// Product and engagement are made only if that is asked for; a branch is no context, and made like by any import.
fn by_name(conn: &mut Conn, caller: &Caller, named: &Named) -> Result<Wanted, ApiError> {
    let (product, engagement) = required(named)?;
    let found = products::find_by_name(conn, caller.organization, &caller.products, &name_key(product))?;
    let known = match &found {
        Some(product) => products::engagements::find_by_name(conn, caller.organization, product.id, engagement.trim())?,
        None => None,
    };
    if !named.create_missing {
        found.as_ref().ok_or_else(|| ApiError::not_found("product", product))?;
        known.as_ref().ok_or_else(|| ApiError::not_found("engagement", engagement))?;
    }
    Ok(Wanted {
        product: IdOrName::Name(product.to_owned()),
        branch: branch_of(conn, caller, named, known.as_ref())?,
        engagement: Some(IdOrName::Name(engagement.to_owned())),
        create_missing: true,
    })
}

/// The branch that an import names, else that of its run, else that of its engagement.
fn branch_of(
    conn: &mut Conn,
    caller: &Caller,
    named: &Named,
    engagement: Option<&Engagement>,
) -> Result<Option<IdOrName<BranchId>>, ApiError> {
    let name = match (&named.branch, engagement) {
        (Some(name), _) => Some(name.clone()),
        (None, Some(engagement)) if caller.branch.is_none() => {
            engagements::find(conn, caller.organization, engagement.id)?
                .and_then(|number| number.branch_of_imports().map(str::to_owned))
        }
        (None, _) => None,
    };
    Ok(name.map(IdOrName::Name))
}

fn required(named: &Named) -> Result<(&str, &str), ApiError> {
    let mut faults = Faults::default();
    let (product, engagement) = (named.product_name.as_deref(), named.engagement_name.as_deref());
    let missing = "is required, unless an engagement or a test is named by its id";
    faults.require(product.is_some(), "product_name", missing);
    faults.require(engagement.is_some(), "engagement_name", missing);
    faults.finish()?;
    Ok((product.unwrap_or_default(), engagement.unwrap_or_default()))
}

fn check_test(named: &Named, test: &Test, scan_type: ScanType) -> Result<(), ApiError> {
    agree("test_title", named.test_title.as_ref().is_none_or(|title| title.trim() == test.title))?;
    agree("scan_type", test.scan_type == scan_type.name)
}

fn of_type(conn: &mut Conn, caller: &Caller, named: &Named, product: &Product) -> Result<ProductNumber, ApiError> {
    let mut number = number_of_product(conn, caller, product.id)?;
    if let Some(name) = &named.product_type_name {
        let product_type = match types::find_by_name(conn, caller.organization, name)? {
            Some(known) => known,
            None if named.create_missing => service::make_product_type(conn, caller, name)?,
            None => return Err(ApiError::not_found("product type", name)),
        };
        set_product_type(conn, &mut number, &product_type, "product_type_name")?;
    }
    Ok(number)
}

fn test_of(
    conn: &mut Conn,
    caller: &Caller,
    named: &Named,
    engagement: &Engagement,
    scan_type: ScanType,
    now: UtcTime,
) -> Result<Test, ApiError> {
    let title = named.test_title.as_deref();
    if named.is_reimport && !named.create_missing {
        let title = title.map_or(scan_type.name, str::trim);
        let found = tests::find(conn, caller.organization, engagement.id, title, scan_type.name)?;
        return found.ok_or_else(|| ApiError::not_found("test", title));
    }
    find_or_make_test(conn, caller.organization, engagement.id, title, scan_type, now)
}
