//! Product types and products, to find or make.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{PartOf, PartParams, Results};
use super::values::Number;
use crate::access::model::Caller;
use crate::api::body::StrictJson;
use crate::app::App;
use crate::base::error::ApiError;
use crate::base::ids::ProductId;
use crate::base::time::UtcTime;
use crate::clients::model::{ProductNumber, ProductType, Wish};
use crate::clients::service::{self, Rows};
use crate::products::model::Product;

/// The longest description that such clients read.
const DESCRIPTION_CHARS: usize = 4000;

/// The routes of product types and products.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(compat_list_product_types)
        .service(compat_create_product_type)
        .service(compat_list_products)
        .service(compat_create_product);
}

/// A label for products.
#[derive(Debug, Serialize, ToSchema)]
struct CompatProductType {
    /// Its number.
    #[schema(example = 17)]
    id: i64,
    /// Its name.
    #[schema(example = "Web shops")]
    name: String,
}

impl From<ProductType> for CompatProductType {
    fn from(of: ProductType) -> Self {
        Self { id: of.number, name: of.name }
    }
}

/// A product type to find or make.
#[derive(Debug, Deserialize, ToSchema)]
struct CompatNewProductType {
    /// Its name.
    #[schema(max_length = 200, example = "Web shops")]
    name: String,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
struct CompatProduct {
    /// Its number.
    #[schema(example = 17)]
    id: i64,
    /// Its name.
    #[schema(example = "shop")]
    name: String,
    /// What it is.
    #[schema(example = "The web shop")]
    description: String,
    /// The number of its product type, once a client said one.
    #[schema(example = 1)]
    prod_type: Option<i64>,
    /// When it was made.
    created: UtcTime,
    /// Its id in Patchbay's own API.
    product_id: ProductId,
}

impl CompatProduct {
    fn new(product: Product, number: Option<&ProductNumber>) -> Self {
        Self {
            id: number.map_or(0, |number| number.number),
            name: product.name,
            description: product.description.chars().take(DESCRIPTION_CHARS).collect(),
            prod_type: number.and_then(|number| number.product_type),
            created: product.created_at,
            product_id: product.id,
        }
    }
}

/// A product to find or make.
#[derive(Debug, Deserialize, ToSchema)]
struct CompatNewProduct {
    /// Its name.
    #[schema(max_length = 200, example = "shop")]
    name: String,
    /// The number of its product type.
    prod_type: Option<Number>,
}

/// Which product types.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ProductTypeFilter {
    /// With this number.
    #[param(value_type = Option<String>, max_length = 19, example = "7")]
    id: Option<Number>,
    /// With exactly this name.
    #[param(max_length = 200)]
    name: Option<String>,
    /// With exactly this name.
    #[param(max_length = 200)]
    name_exact: Option<String>,
}

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ProductFilter {
    /// With this number.
    #[param(value_type = Option<String>, max_length = 19, example = "7")]
    id: Option<Number>,
    /// With exactly this name, whatever its case.
    #[param(max_length = 200)]
    name: Option<String>,
    /// With exactly this name, whatever its case.
    #[param(max_length = 200)]
    name_exact: Option<String>,
    /// Of the product type with this number, or of none yet.
    prod_type: Option<Number>,
}

/// List product types, as DefectDojo does.
///
/// Who sees one product only sees the type of that product; others are found by their exact names.
#[utoipa::path(tag = "compatibility", params(PartParams, ProductTypeFilter), responses((status = 200, description = "Product types.", body = Results<CompatProductType>)))]
#[get("/v2/product_types")]
async fn compat_list_product_types(
    app: Data<App>,
    caller: Caller,
    list: PartOf<ProductTypeFilter>,
) -> Result<HttpResponse, ApiError> {
    let (filter, part) = (&list.filter, list.part);
    let name = filter.name_exact.clone().or_else(|| filter.name.clone());
    let wish = Wish { number: filter.id.map(|id| id.0), name, ..Wish::default() };
    let Rows { rows, count } = app.db.read(move |conn| service::product_types(conn, &caller, &wish, part)).await?;
    Ok(HttpResponse::Ok().json(list.answer(count, rows.into_iter().map(CompatProductType::from).collect())))
}

/// Find or create a product type, as DefectDojo does.
///
/// A product type is a label: it gives no rights.
#[utoipa::path(tag = "compatibility", request_body = CompatNewProductType, responses((status = 201, description = "The product type.", body = CompatProductType)))]
#[post("/v2/product_types")]
async fn compat_create_product_type(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CompatNewProductType>,
) -> Result<HttpResponse, ApiError> {
    let made = app.db.write_again(move |conn| service::make_product_type(conn, &caller, &input.name)).await?;
    Ok(HttpResponse::Created().json(CompatProductType::from(made)))
}

/// List products, as DefectDojo does.
#[utoipa::path(tag = "compatibility", params(PartParams, ProductFilter), responses((status = 200, description = "Products.", body = Results<CompatProduct>)))]
#[get("/v2/products")]
async fn compat_list_products(
    app: Data<App>,
    caller: Caller,
    list: PartOf<ProductFilter>,
) -> Result<HttpResponse, ApiError> {
    let filter = &list.filter;
    let wish = Wish {
        number: filter.id.map(|id| id.0),
        name: filter.name_exact.clone().or_else(|| filter.name.clone()),
        parent: filter.prod_type.map(|number| number.0),
        ..Wish::default()
    };
    let Rows { rows, count } = service::products(&app.db, caller, wish, list.part).await?;
    let rows = rows.into_iter().map(|(product, number)| CompatProduct::new(product, number.as_ref()));
    Ok(HttpResponse::Ok().json(list.answer(count, rows.collect())))
}

/// Find or create a product, as DefectDojo does.
///
/// Whoever uploads says its product type once. Who may write says another one here, also of a product that is there.
#[utoipa::path(tag = "compatibility", request_body = CompatNewProduct, responses((status = 201, description = "The product.", body = CompatProduct)))]
#[post("/v2/products")]
async fn compat_create_product(
    app: Data<App>,
    caller: Caller,
    StrictJson(input): StrictJson<CompatNewProduct>,
) -> Result<HttpResponse, ApiError> {
    let (now, product_type) = (app.clock.now(), input.prod_type.map(|number| number.0));
    let made =
        app.db.write_again(move |conn| service::make_product(conn, &caller, &input.name, product_type, now)).await?;
    Ok(HttpResponse::Created().json(CompatProduct::new(made.0, Some(&made.1))))
}
