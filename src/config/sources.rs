//! Where values come from: defaults, then the file, then the environment, then flags; later ones win.

use std::collections::HashMap;
use std::fmt;
use std::fs;

use super::variables::{self, PREFIX, Shown, VARIABLES, Variable};

/// Something wrong with the configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable, file or flag.
    pub place: String,
    /// What is wrong.
    pub detail: String,
}

impl ConfigFault {
    pub(super) fn new(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { place: place.into(), detail: detail.into() }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)
    }
}

/// What was given, before it is understood.
#[derive(Debug, Default)]
pub struct Sources {
    /// The path of the configuration file, when a flag named it.
    pub file: Option<String>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// Flags, by key.
    pub flags: Vec<(String, String)>,
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub text: String,
    pub origin: String,
}

/// The winning text of every variable.
#[derive(Debug)]
pub(super) struct Merged {
    pub values: HashMap<&'static str, Given>,
    pub faults: Vec<ConfigFault>,
}

impl Sources {
    /// Merges all sources; unknown names are faults.
    pub(super) fn merge(&self) -> Merged {
        let defaults = VARIABLES
            .iter()
            .map(|variable| (variable.key, Given { text: variable.default.to_owned(), origin: "default".to_owned() }));
        let mut merged = Merged { values: defaults.collect(), faults: Vec::new() };
        let named_by_environment = self.environment.iter().find(|(name, _)| name == "PATCHBAY_CONFIG");
        if let Some(path) = self.file.as_ref().or(named_by_environment.map(|(_, path)| path)) {
            merged.read_file(path);
        }
        merged.read_environment(&self.environment);
        for (key, text) in &self.flags {
            match variables::find(key) {
                Some(variable) => merged.set(variable, text, format!("--{}", variable.flag())),
                None => merged.unknown(format!("--{key}"), key, |nearest| format!("--{}", nearest.flag())),
            }
        }
        merged
    }
}

impl Merged {
    fn set(&mut self, variable: &'static Variable, text: &str, origin: String) {
        self.values.insert(variable.key, Given { text: text.trim().to_owned(), origin });
    }

    fn unknown(&mut self, place: String, key: &str, spell: impl Fn(&Variable) -> String) {
        let nearest = VARIABLES
            .iter()
            .max_by(|a, b| strsim::jaro_winkler(a.key, key).total_cmp(&strsim::jaro_winkler(b.key, key)));
        let hint = nearest.map(|variable| format!(", did you mean {}?", spell(variable))).unwrap_or_default();
        self.faults.push(ConfigFault::new(place, format!("is not known{hint}")));
    }

    fn read_file(&mut self, path: &str) {
        let table: toml::Table = match fs::read_to_string(path).map(|text| toml::from_str(&text)) {
            Ok(Ok(table)) => table,
            Ok(Err(error)) => return self.faults.push(ConfigFault::new(path, toml_fault(&error))),
            Err(error) => return self.faults.push(ConfigFault::new(path, format!("cannot be read: {error}"))),
        };
        for (key, value) in &table {
            let place = format!("{path}, {key}");
            let Some(variable) = variables::find(key) else {
                self.unknown(place, key, |nearest| nearest.key.to_owned());
                continue;
            };
            match toml_text(value) {
                Some(text) => self.set(variable, &text, place),
                None => self.faults.push(ConfigFault::new(place, "must be text, a number, true, false or a list")),
            }
        }
    }

    fn read_environment(&mut self, environment: &[(String, String)]) {
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            // The file is read already; what begins with TEST_ is for the tests of this repository.
            if rest == "CONFIG" || rest.starts_with("TEST_") {
                continue;
            }
            let key = rest.to_lowercase();
            if let Some(variable) = variables::find(&key) {
                self.set(variable, text, name.clone());
            } else if let Some(variable) = secret_in_file(&key) {
                self.read_secret(variable, name, text);
            } else {
                self.unknown(name.clone(), &key, Variable::environment_name);
            }
        }
    }

    fn read_secret(&mut self, variable: &'static Variable, name: &str, path: &str) {
        match fs::read_to_string(path) {
            Ok(text) => self.set(variable, &text, name.to_owned()),
            Err(error) => self.faults.push(ConfigFault::new(name, format!("{path} cannot be read: {error}"))),
        }
    }
}

/// Containers hand secrets over as files: `PATCHBAY_ADMIN_PASSWORD_FILE` names one.
fn secret_in_file(key: &str) -> Option<&'static Variable> {
    variables::find(key.strip_suffix("_file")?).filter(|variable| variable.shown != Shown::Whole)
}

fn toml_fault(error: &toml::de::Error) -> String {
    // The error's own text quotes the line, which may hold a secret.
    let place = error.span().map(|span| format!(" at byte {}", span.start)).unwrap_or_default();
    format!("is not TOML{place}: {}", error.message())
}

fn toml_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(members) => {
            let texts: Option<Vec<String>> = members.iter().map(toml_text).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
