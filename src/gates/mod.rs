//! Security gates: whether a pipeline may go on. A gate says how many active observations of each severity the default
//! branch of a product may have at most.

pub mod model;
pub mod repo;
pub mod service;
