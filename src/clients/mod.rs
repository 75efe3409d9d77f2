//! What clients of other servers' APIs need and Patchbay's own API does not.
//!
//! Such clients know things by number, sort products into product types, and make a test before they import into it.
//! Their product is ours, their engagement too; a test is a title within an engagement, which names the scan sources of
//! what is imported into it. A product type is a label, and gives no rights.
//!
//! Numbers and names that disagree are refused: who mixes a number of their own with somebody else's name gains nothing.

pub mod model;
pub mod repo;
pub mod resolve;
pub mod scan_type;
pub mod service;
pub mod sources;
