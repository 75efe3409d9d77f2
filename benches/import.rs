//! What an import costs, beside the floor.

fn main() {}
