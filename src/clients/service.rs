//! Lists, and what clients make before they import.

use super::model::{
    EngagementNumber, NumberedEngagement, NumberedProduct, NumberedTest, OtherBranch, Part, ProductNumber, ProductType,
    Test, Wish,
};
use super::repo::{engagements, products, tests, types};
use super::scan_type::ScanType;
use crate::access::model::Caller;
use crate::access::permission::Permission;
use crate::base::error::{ApiError, Faults};
use crate::base::ids::{EngagementId, ProductId};
use crate::base::scope::ProductScope;
use crate::base::time::UtcTime;
use crate::base::version::IfMatch;
use crate::db::conn::Conn;
use crate::db::pool::Db;
use crate::products::model::{Engagement, EngagementPatch, IdOrName, Product, check_name};
use crate::products::repo::branches;
use crate::products::service::engagement;
use crate::products::target::{self, Wanted};

/// A part of a list, and how long the list is.
#[derive(Debug)]
pub struct Rows<T> {
    /// The part.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub count: i64,
}

const ONE: Part = Part { limit: 1, offset: 0 };
/// It tells nothing of the type that the product has.
const OTHER_PRODUCT_TYPE: &str = "is not the product type of this product. Whoever has the role editor, or a token with \
                                  the scope write, changes it: POST /api/v2/products/ with the product's name and the \
                                  number of the other type as prod_type";

/// Whoever reads may look; so may a token that uploads to one product, which is all that it sees.
fn require_looking(caller: &Caller) -> Result<(), ApiError> {
    match caller.products {
        ProductScope::Only(_) => caller.require(Permission::Upload).or_else(|_| caller.require(Permission::Read)),
        ProductScope::Except(_) => caller.require(Permission::Read),
    }
}

/// Product types. Who sees one product only sees the type of that product, and those whose names they know.
///
/// # Errors
/// `Forbidden`.
pub fn product_types(conn: &mut Conn, caller: &Caller, wish: &Wish, part: Part) -> Result<Rows<ProductType>, ApiError> {
    require_looking(caller)?;
    let Some(wish) = of_own_product(conn, caller, wish)? else { return Ok(Rows { rows: Vec::new(), count: 0 }) };
    let rows = types::list(conn, caller.organization, &wish, part)?;
    Ok(Rows { rows, count: types::count(conn, caller.organization, &wish)? })
}

/// What of the wish the caller may be shown; none where that is nothing. A name may be asked for: an import that says it
/// finds the product type, too.
fn of_own_product(conn: &mut Conn, caller: &Caller, wish: &Wish) -> Result<Option<Wish>, ApiError> {
    let product = match caller.products {
        ProductScope::Only(product) if wish.name.is_none() => product,
        ProductScope::Only(_) | ProductScope::Except(_) => return Ok(Some(wish.clone())),
    };
    let own = products::find(conn, caller.organization, product)?.and_then(|number| number.product_type);
    let shown = own.filter(|own| wish.number.is_none_or(|wanted| wanted == *own));
    Ok(shown.map(|number| Wish { number: Some(number), ..wish.clone() }))
}

/// Finds or makes a product type: a label, which gives no rights.
///
/// # Errors
/// `Forbidden`, `Invalid`.
pub fn make_product_type(conn: &mut Conn, caller: &Caller, name: &str) -> Result<ProductType, ApiError> {
    caller.require(Permission::Upload)?;
    let mut faults = Faults::default();
    check_name(name, "name", &mut faults);
    faults.finish()?;
    Ok(types::find_or_make(conn, caller.organization, name)?)
}

/// Products with their numbers. Those that have none yet get one.
///
/// # Errors
/// `Forbidden`.
pub async fn products(db: &Db, caller: Caller, wish: Wish, part: Part) -> Result<Rows<NumberedProduct>, ApiError> {
    require_looking(&caller)?;
    let (seen_by, same) = (caller.clone(), wish.clone());
    let found = db.read(move |conn| list_products(conn, &seen_by, &same, part)).await?;
    if found.rows.iter().all(|(_, number)| number.is_some()) {
        return Ok(found);
    }
    db.write_again(move |conn| {
        number_products(conn, &caller, &found.rows)?;
        list_products(conn, &caller, &wish, part)
    })
    .await
}

fn list_products(conn: &mut Conn, caller: &Caller, wish: &Wish, part: Part) -> Result<Rows<NumberedProduct>, ApiError> {
    let (organization, scope) = (caller.organization, &caller.products);
    let rows = products::list(conn, organization, scope, wish, part)?;
    Ok(Rows { rows, count: products::count(conn, organization, scope, wish)? })
}

fn number_products(conn: &mut Conn, caller: &Caller, rows: &[NumberedProduct]) -> Result<(), ApiError> {
    let missing: Vec<ProductId> =
        rows.iter().filter(|(_, number)| number.is_none()).map(|(product, _)| product.id).collect();
    if !missing.is_empty() {
        products::number(conn, caller.organization, &missing)?;
    }
    Ok(())
}

/// Finds or makes a product, as an import that names it would. Who may write may say another product type than before.
///
/// # Errors
/// As for [`target::resolve`]; `Invalid` when it is of another product type, for who may not write.
pub fn make_product(
    conn: &mut Conn,
    caller: &Caller,
    name: &str,
    product_type: Option<i64>,
    now: UtcTime,
) -> Result<(Product, ProductNumber), ApiError> {
    let wanted =
        Wanted { product: IdOrName::Name(name.to_owned()), branch: None, engagement: None, create_missing: true };
    let made = target::resolve(conn, caller, &wanted, now).map_err(|error| error.renamed(&[("product", "name")]))?;
    let product = made.product;
    let mut number = number_of_product(conn, caller, product.id)?;
    if let Some(wanted) = product_type {
        let wish = Wish { number: Some(wanted), ..Wish::default() };
        let known = types::list(conn, caller.organization, &wish, ONE)?.pop();
        let known = known.ok_or_else(|| ApiError::not_found("product type", wanted))?;
        if caller.permissions.allow(Permission::Write) {
            write_product_type(conn, &mut number, &known)?;
        } else {
            set_product_type(conn, &mut number, &known, "prod_type")?;
        }
    }
    Ok((product, number))
}

/// Says of which product type a product is. An upload says so once: then one that says otherwise means another product.
pub(super) fn set_product_type(
    conn: &mut Conn,
    product: &mut ProductNumber,
    product_type: &ProductType,
    field: &str,
) -> Result<(), ApiError> {
    match product.product_type {
        Some(known) if known == product_type.number => Ok(()),
        Some(_) => Err(ApiError::invalid(field, OTHER_PRODUCT_TYPE)),
        None => write_product_type(conn, product, product_type),
    }
}

fn write_product_type(
    conn: &mut Conn,
    product: &mut ProductNumber,
    product_type: &ProductType,
) -> Result<(), ApiError> {
    products::set_type(conn, product.organization_id, product.product_id, product_type.number)?;
    product.product_type = Some(product_type.number);
    Ok(())
}

/// The number of a product, given now if it has none.
pub(super) fn number_of_product(conn: &mut Conn, caller: &Caller, id: ProductId) -> Result<ProductNumber, ApiError> {
    if let Some(known) = products::find(conn, caller.organization, id)? {
        return Ok(known);
    }
    products::number(conn, caller.organization, &[id])?;
    products::find(conn, caller.organization, id)?.ok_or_else(|| ApiError::not_found("product", id))
}

/// The number of an engagement, given now if it has none.
pub(super) fn number_of_engagement(
    conn: &mut Conn,
    caller: &Caller,
    id: EngagementId,
) -> Result<EngagementNumber, ApiError> {
    if let Some(known) = engagements::find(conn, caller.organization, id)? {
        return Ok(known);
    }
    engagements::number(conn, caller.organization, &[id])?;
    engagements::find(conn, caller.organization, id)?.ok_or_else(|| ApiError::not_found("engagement", id))
}

/// The product with a number, if the caller may see it.
///
/// # Errors
/// `NotFound`.
pub fn product(conn: &mut Conn, caller: &Caller, number: i64) -> Result<Product, ApiError> {
    let wish = Wish { number: Some(number), ..Wish::default() };
    let found = products::list(conn, caller.organization, &caller.products, &wish, ONE)?.pop();
    found.map(|(product, _)| product).ok_or_else(|| ApiError::not_found("product", number))
}

/// Engagements with their numbers. Those that have none yet get one.
///
/// # Errors
/// `Forbidden`.
pub async fn engagements(
    db: &Db,
    caller: Caller,
    wish: Wish,
    part: Part,
) -> Result<Rows<NumberedEngagement>, ApiError> {
    require_looking(&caller)?;
    let (seen_by, same) = (caller.clone(), wish.clone());
    let found = db.read(move |conn| list_engagements(conn, &seen_by, &same, part)).await?;
    if found.rows.iter().all(|(_, number, product)| number.is_some() && product.is_some()) {
        return Ok(found);
    }
    db.write_again(move |conn| {
        number_engagements(conn, &caller, &found.rows)?;
        list_engagements(conn, &caller, &wish, part)
    })
    .await
}

fn list_engagements(
    conn: &mut Conn,
    caller: &Caller,
    wish: &Wish,
    part: Part,
) -> Result<Rows<NumberedEngagement>, ApiError> {
    let (organization, scope) = (caller.organization, &caller.products);
    let rows = engagements::list(conn, organization, scope, wish, part)?;
    Ok(Rows { rows, count: engagements::count(conn, organization, scope, wish)? })
}

fn number_engagements(conn: &mut Conn, caller: &Caller, rows: &[NumberedEngagement]) -> Result<(), ApiError> {
    let missing: Vec<EngagementId> =
        rows.iter().filter(|(_, number, _)| number.is_none()).map(|(engagement, ..)| engagement.id).collect();
    if !missing.is_empty() {
        engagements::number(conn, caller.organization, &missing)?;
    }
    let mut missing: Vec<ProductId> =
        rows.iter().filter(|(.., product)| product.is_none()).map(|(engagement, ..)| engagement.product_id).collect();
    missing.sort_unstable();
    missing.dedup();
    if !missing.is_empty() {
        products::number(conn, caller.organization, &missing)?;
    }
    Ok(())
}

/// The engagement with a number, if the caller may see its product.
///
/// # Errors
/// `NotFound`.
pub fn engagement(conn: &mut Conn, caller: &Caller, number: i64) -> Result<NumberedEngagement, ApiError> {
    let wish = Wish { number: Some(number), ..Wish::default() };
    let found = engagements::list(conn, caller.organization, &caller.products, &wish, ONE)?.pop();
    found.ok_or_else(|| ApiError::not_found("engagement", number))
}

/// What a client says of an engagement.
#[derive(Debug, Clone, Default)]
pub struct EngagementNote {
    /// The branch of what is imported.
    pub branch: Option<String>,
    /// The commit of what is imported.
    pub commit: Option<String>,
    /// The version of the engagement that it is said of.
    pub if_match: IfMatch,
}

impl EngagementNote {
    fn check(&self) -> Result<(), ApiError> {
        let mut faults = Faults::default();
        for (field, text) in [("branch_tag", &self.branch), ("commit_hash", &self.commit)] {
            if let Some(text) = text {
                check_name(text, field, &mut faults);
            }
        }
        faults.finish()
    }
}

/// Finds or makes an engagement, as an import that names it would.
///
/// # Errors
/// As for [`target::resolve`].
pub fn make_engagement(
    conn: &mut Conn,
    caller: &Caller,
    product_number: i64,
    name: &str,
    note: &EngagementNote,
    now: UtcTime,
) -> Result<(NumberedEngagement, Option<OtherBranch>), ApiError> {
    caller.require(Permission::Upload)?;
    note.check()?;
    let product = product(conn, caller, product_number)?;
    let wanted = Wanted {
        product: IdOrName::Id(product.id),
        branch: None,
        engagement: Some(IdOrName::Name(name.to_owned())),
        create_missing: true,
    };
    let made = target::resolve(conn, caller, &wanted, now).map_err(|error| error.renamed(&[("engagement", "name")]))?;
    let made = made.engagement.ok_or_else(|| ApiError::internal("an engagement that was asked for is missing"))?;
    let number = number_of_engagement(conn, caller, made.id)?;
    noted(conn, caller, &made, &number, note, now)
}

/// Notes what is said of an engagement; answers it, and where what was imported into it belongs now.
fn noted(
    conn: &mut Conn,
    caller: &Caller,
    of: &Engagement,
    number: &EngagementNumber,
    note: &EngagementNote,
    now: UtcTime,
) -> Result<(NumberedEngagement, Option<OtherBranch>), ApiError> {
    if let Some(name) = &note.branch {
        caller.require_branch(name.trim())?;
    }
    // What a run imports is of its own branch anyway; what others import is not for it to say.
    let said = note.branch.as_deref().filter(|_| caller.branch.is_none());
    engagements::note(conn, caller.organization, of.id, said, note.commit.as_deref())?;
    let other = match said.filter(|_| !number.imports_say_branch) {
        Some(name) => Some(other_branch(conn, caller, of, number.branch.as_deref(), name, now)?),
        None => None,
    };
    Ok((engagement(conn, caller, number.number)?, other))
}

/// What came before the branch was said lies where no branch is named; what came since, on the one said last.
fn other_branch(
    conn: &mut Conn,
    caller: &Caller,
    of: &Engagement,
    last: Option<&str>,
    name: &str,
    now: UtcTime,
) -> Result<OtherBranch, ApiError> {
    let wanted = |name: Option<&str>| Wanted {
        product: IdOrName::Id(of.product_id),
        branch: name.map(|name| IdOrName::Name(name.to_owned())),
        engagement: None,
        create_missing: true,
    };
    let to = target::resolve(conn, caller, &wanted(Some(name)), now)?.branch.id;
    let unnamed = target::resolve(conn, caller, &wanted(None), now)?.branch.id;
    let last = match last {
        Some(last) => branches::find_by_name(conn, caller.organization, of.product_id, last.trim())?,
        None => None,
    };
    let from = last.map(|branch| branch.id).into_iter().chain([unnamed]).filter(|branch| *branch != to).collect();
    Ok(OtherBranch { product: of.product_id, engagement: of.id, from, to })
}

/// Changes an engagement, and notes what is said of what will be imported.
///
/// # Errors
/// `NotFound`, `Invalid`; `Forbidden` without the permission to upload, or to write where more than a note changes.
pub fn change_engagement(
    conn: &mut Conn,
    caller: &Caller,
    number: i64,
    patch: Option<EngagementPatch>,
    note: &EngagementNote,
    now: UtcTime,
) -> Result<(NumberedEngagement, Option<OtherBranch>), ApiError> {
    caller.require(Permission::Upload)?;
    note.check()?;
    let (known, said, _) = engagement(conn, caller, number)?;
    let said = said.ok_or_else(|| ApiError::internal("an engagement found by its number has none"))?;
    note.if_match.check(known.version)?;
    if let Some(patch) = patch {
        engagement::update(conn, caller, (known.product_id, known.id), patch, &IfMatch::Any, now)?;
    }
    noted(conn, caller, &known, &said, note, now)
}

/// Tests.
///
/// # Errors
/// `Forbidden`.
pub fn tests(conn: &mut Conn, caller: &Caller, wish: &Wish, part: Part) -> Result<Rows<NumberedTest>, ApiError> {
    require_looking(caller)?;
    let (organization, scope) = (caller.organization, &caller.products);
    let rows = tests::list(conn, organization, scope, wish, part)?;
    Ok(Rows { rows, count: tests::count(conn, organization, scope, wish)? })
}

/// The test with a number, if the caller may see its product.
///
/// # Errors
/// `NotFound`.
pub fn test(conn: &mut Conn, caller: &Caller, number: i64) -> Result<NumberedTest, ApiError> {
    let wish = Wish { number: Some(number), ..Wish::default() };
    let found = tests::list(conn, caller.organization, &caller.products, &wish, ONE)?.pop();
    found.ok_or_else(|| ApiError::not_found("test", number))
}

/// Finds or makes a test; without a title it is called like its scan type.
///
/// # Errors
/// `Forbidden`, `NotFound`, `Invalid`.
pub fn make_test(
    conn: &mut Conn,
    caller: &Caller,
    engagement_number: i64,
    title: Option<&str>,
    scan_type: ScanType,
    now: UtcTime,
) -> Result<NumberedTest, ApiError> {
    caller.require(Permission::Upload)?;
    let (engagement, ..) = engagement(conn, caller, engagement_number)?;
    let made = find_or_make_test(conn, engagement.organization_id, engagement.id, title, scan_type, now)?;
    test(conn, caller, made.number)
}

pub(super) fn find_or_make_test(
    conn: &mut Conn,
    organization: crate::base::ids::OrganizationId,
    engagement: EngagementId,
    title: Option<&str>,
    scan_type: ScanType,
    now: UtcTime,
) -> Result<Test, ApiError> {
    let title = title.map_or(scan_type.name, str::trim);
    let mut faults = Faults::default();
    check_name(title, "test_title", &mut faults);
    faults.finish()?;
    Ok(tests::find_or_make(conn, organization, engagement, (title, scan_type.name), now)?)
}
