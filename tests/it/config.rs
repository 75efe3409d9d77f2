//! Configuration: one table, four sources, all faults at once, no secret in sight.

use std::fs;
use std::time::Duration;

use patchbay::config::Config;
use patchbay::config::sources::{ConfigFault, Sources};
use patchbay::config::variables::{self, VARIABLES};

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn environment(variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigFault>> {
    Config::read(&Sources { environment: pairs(variables), ..Sources::default() })
}

fn places(faults: &[ConfigFault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.place.as_str()).collect()
}

#[test]
fn every_default_is_a_valid_value() {
    let config = environment(&[]).expect("defaults are valid");
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.max_upload_bytes, 256 * 1024 * 1024);
    assert_eq!(config.keys_file, config.data_folder.join("keys.json"));
    assert_eq!(config.effective.len(), VARIABLES.len());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file_and_that_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patchbay.toml");
    fs::write(
        &path,
        "import_wait_seconds = 1\nworker_jobs = 2\nlogin_attempts = 3\ncors_origins = ['https://a.example', 'https://b.example']\nworker = false\n",
    )
    .unwrap();
    let config = Config::read(&Sources {
        file: Some(path.to_str().unwrap().to_owned()),
        environment: pairs(&[("PATCHBAY_WORKER_JOBS", "20"), ("PATCHBAY_LOGIN_ATTEMPTS", "30"), ("PATH", "/bin")]),
        flags: pairs(&[("login_attempts", "300")]),
    })
    .unwrap();
    assert_eq!(config.database_connections, 4);
    assert_eq!(config.import_wait, Duration::from_secs(1));
    assert_eq!(config.worker_jobs, 20);
    assert_eq!(config.login_attempts, 300);
    assert_eq!(config.cors_origins, ["https://a.example", "https://b.example"]);
    assert!(!config.worker);
}

#[test]
fn the_environment_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.toml");
    fs::write(&path, "listen = '[::1]:9000'").unwrap();
    let config = environment(&[("PATCHBAY_CONFIG", path.to_str().unwrap())]).unwrap();
    assert_eq!(config.public_url, "http://[::1]:9000");
}

#[test]
fn reports_all_faults_at_once_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patchbay.toml");
    fs::write(&path, "lissten = '127.0.0.1:1'\nworker_jobs = 0\n[worker]\nx = 1\n").unwrap();
    let path = path.to_str().unwrap();
    let faults = Config::read(&Sources {
        file: Some(path.to_owned()),
        environment: pairs(&[
            ("PATCHBAY_MAX_UPLOAD_BYTE", "1"),
            ("PATCHBAY_LISTEN", "somewhere"),
            ("PATCHBAY_DATABASE_URL", "mysql://x"),
            ("PATCHBAY_CORS_ORIGINS", "https://a.example, *"),
            ("PATCHBAY_PRIVATE_HOSTS", "10.0.0.0/99"),
            ("PATCHBAY_LOG_LEVEL", "info,=,"),
            ("PATCHBAY_ADMIN_PASSWORD", "short"),
            ("PATCHBAY_REFRESH_TOKEN_SECONDS", "10"),
            ("PATCHBAY_METRICS_TOKEN_FILE", "/does/not/exist"),
        ]),
        flags: pairs(&[("shutdown_seconds", "soon")]),
    })
    .unwrap_err();
    let mut found = places(&faults);
    found.sort_unstable();
    let (in_file, rest): (Vec<&str>, Vec<&str>) = found.into_iter().partition(|place| place.starts_with(path));
    assert_eq!(in_file, [format!("{path}, lissten"), format!("{path}, worker"), format!("{path}, worker_jobs")]);
    assert_eq!(
        rest,
        [
            "--shutdown-seconds",
            "PATCHBAY_ADMIN_PASSWORD",
            "PATCHBAY_CORS_ORIGINS",
            "PATCHBAY_DATABASE_URL",
            "PATCHBAY_LISTEN",
            "PATCHBAY_LOG_LEVEL",
            "PATCHBAY_MAX_UPLOAD_BYTE",
            "PATCHBAY_METRICS_TOKEN_FILE",
            "PATCHBAY_PRIVATE_HOSTS",
            "PATCHBAY_REFRESH_TOKEN_SECONDS",
        ]
    );
    let near = faults.iter().find(|fault| fault.place == "PATCHBAY_MAX_UPLOAD_BYTE").unwrap();
    assert_eq!(near.detail, "is not known, did you mean PATCHBAY_MAX_UPLOAD_BYTES?");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_a_fault_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.toml");
    fs::write(&path, "admin_password = 'hunter2hunter2\n").unwrap();
    for path in [path.to_str().unwrap(), "/does/not/exist.toml"] {
        let faults = Config::read(&Sources { file: Some(path.to_owned()), ..Sources::default() }).unwrap_err();
        assert_eq!(places(&faults), [path]);
        assert!(!faults[0].to_string().contains("hunter2"), "{}", faults[0]);
    }
}

#[test]
fn secrets_can_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "correct horse battery\n").unwrap();
    let config = environment(&[("PATCHBAY_ADMIN_PASSWORD_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(config.admin_password.unwrap().expose(), "correct horse battery");
}

#[test]
fn neither_the_printed_configuration_nor_its_debug_text_nor_a_fault_shows_a_secret() {
    let secrets = [
        ("PATCHBAY_ADMIN_PASSWORD", "hunter2-password"),
        ("PATCHBAY_METRICS_TOKEN", "hunter2-metrics"),
        ("PATCHBAY_KEYS", "hunter2-keys"),
        (
            "PATCHBAY_DATABASE_URL",
            "postgres://patchbay:hunter2-db@db.example/patchbay?sslmode=require&password=hunter2-q",
        ),
    ];
    let config = environment(&secrets).unwrap();
    let printed = config.print();
    assert!(printed.contains("postgres://patchbay:***@db.example/patchbay?***"), "{printed}");
    assert!(printed.contains("# PATCHBAY_ADMIN_PASSWORD"), "{printed}");
    for text in [printed, format!("{config:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    let faults = environment(&[secrets.as_slice(), &[("PATCHBAY_ADMIN_PASSWORD", "hunter2")]].concat()).unwrap_err();
    assert!(!format!("{faults:?}").contains("hunter2"), "{faults:?}");
}

#[test]
fn every_variable_is_documented_with_its_unit_in_the_readme() {
    let readme = include_str!("../../README.md");
    for line in variables::markdown().lines() {
        assert!(readme.contains(line), "the README lacks this line of `patchbay config --markdown`:\n{line}");
    }
}
