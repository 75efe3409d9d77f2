//! The products of an advisory by their id, out of its tree.

use std::collections::HashMap;

use crate::reports::builder::ReportBuilder;
use crate::reports::parsers::csaf::schema::{Branch, FullName, ProductTree};
use crate::reports::read::text::Text;
use crate::reports::read::words;

/// A product as the tree spells it.
#[derive(Clone, Copy)]
struct Product<'t> {
    name: &'t str,
    version: &'t str,
    purl: &'t str,
}

/// The products by id.
pub struct Products<'t>(HashMap<&'t str, Product<'t>>);

impl<'t> Products<'t> {
    /// Gathers all products of a tree. The JSON reader bounds its depth.
    pub fn of(tree: &'t ProductTree<'_>) -> Self {
        let mut products = Self(HashMap::new());
        tree.full_product_names.iter().for_each(|name| products.note(name, "", ""));
        tree.relationships.iter().for_each(|relationship| products.note(&relationship.full_product_name, "", ""));
        tree.branches.iter().for_each(|branch| products.gather(branch, ""));
        products
    }

    /// Under a branch of a product's name, those of versions are its versions.
    fn gather(&mut self, branch: &'t Branch<'_>, name: &'t str) {
        let name = if branch.category.as_str() == "product_name" { branch.name.as_str() } else { name };
        let version = if branch.category.as_str() == "product_version" { branch.name.as_str() } else { "" };
        self.note(&branch.product, name, version);
        branch.branches.iter().for_each(|inner| self.gather(inner, name));
    }

    fn note(&mut self, full: &'t FullName<'_>, name: &'t str, version: &'t str) {
        if !full.product_id.is_empty() {
            // Without both parts the full name says more than one of them.
            let (name, version) =
                if name.is_empty() || version.is_empty() { (full.name.as_str(), "") } else { (name, version) };
            let purl = full.product_identification_helper.purl.as_str();
            self.0.insert(full.product_id.as_str(), Product { name, version, purl });
        }
    }

    /// The component of a product; one that the tree does not name goes by its id.
    pub fn component(&self, builder: &mut ReportBuilder, id: &Text<'_>) -> Option<usize> {
        let Some(product) = self.0.get(id.as_str()) else { return builder.component(id, "", "") };
        match words::purl_parts(product.purl) {
            Some((name, version)) => {
                let version = version.unwrap_or_else(|| product.version.to_owned());
                builder.component(&name, &version, product.purl)
            }
            None => builder.component(product.name, product.version, ""),
        }
    }
}
