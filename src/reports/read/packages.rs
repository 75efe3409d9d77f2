//! Packages as tools name them, and their package URLs.

/// What tools call the kinds of packages, and their types in package URLs.
const TYPES: [(&str, &str); 22] = [
    ("maven", "maven"),
    ("java", "maven"),
    ("gradle", "maven"),
    ("npm", "npm"),
    ("npmjs", "npm"),
    ("node", "npm"),
    ("nodejs", "npm"),
    ("yarn", "npm"),
    ("pypi", "pypi"),
    ("python", "pypi"),
    ("pip", "pypi"),
    ("nuget", "nuget"),
    ("dotnet", "nuget"),
    ("rubygems", "gem"),
    ("ruby", "gem"),
    ("gem", "gem"),
    ("packagist", "composer"),
    ("composer", "composer"),
    ("php", "composer"),
    ("go", "golang"),
    ("golang", "golang"),
    ("cargo", "cargo"),
];

/// A package's name with its group before a slash, as in package URLs: Maven's `group:artifact` is `group/artifact`.
#[must_use]
pub fn name(coordinates: &str) -> String {
    coordinates.trim().trim_matches(':').replace(':', "/")
}

/// The package URL, where the kind of package is a known one.
#[must_use]
pub fn purl(kind: &str, name: &str, version: &str) -> Option<String> {
    let (_, kind) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind.trim()))?;
    let (name, version) = (name.trim().replace('@', "%40"), version.trim());
    let is_named = !name.is_empty() && !name.contains(char::is_whitespace);
    let needs_group = *kind == "maven" && !name.contains('/');
    if !is_named || needs_group {
        return None;
    }
    Some(if version.is_empty() { format!("pkg:{kind}/{name}") } else { format!("pkg:{kind}/{name}@{version}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_package_urls_only_of_what_it_knows() {
        for (kind, coordinates, version, expected) in [
            ("Maven", "org.apache:log4j", "2.1", Some("pkg:maven/org.apache/log4j@2.1")),
            ("npmjs", "@babel/core", "", Some("pkg:npm/%40babel/core")),
            ("maven", "log4j", "2.1", None),
            ("conan", "zlib", "1.2", None),
            ("pypi", "", "1.2", None),
        ] {
            assert_eq!(purl(kind, &name(coordinates), version).as_deref(), expected, "{coordinates}");
        }
    }
}
