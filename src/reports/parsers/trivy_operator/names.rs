//! Names that stay the same from one report to the next.

use crate::reports::read::text::Text;

/// The id of a check in Aqua's database, as Trivy itself writes it: `KSV014` of older operators is `AVD-KSV-0014`.
pub fn check_id(id: &str) -> String {
    match id.split_at_checked(3) {
        Some((kind @ ("KSV" | "KCV"), number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("AVD-{kind}-{number:0>4}")
        }
        _ => id.to_owned(),
    }
}

/// The name of a resource without the hash that every rollout gives a replica set.
pub fn stable_name(kind: &str, name: &Text<'_>) -> String {
    let name = name.line();
    match name.rsplit_once('-') {
        Some((stable, hash)) if kind == "ReplicaSet" && hash.bytes().any(|byte| byte.is_ascii_digit()) => {
            stable.to_owned()
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_one_id_in_every_version() {
        for (id, expected) in [("KSV014", "AVD-KSV-0014"), ("AVD-KCV-0088", "AVD-KCV-0088"), ("KS", "KS"), ("", "")] {
            assert_eq!(check_id(id), expected);
        }
    }
}
