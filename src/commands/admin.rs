//! `patchbay create-admin`.

use super::Done;
use crate::config::Config;

pub(super) fn create(_config: Config, _email: String, _password_stdin: bool) -> Done {
    Err("x".into())
}
