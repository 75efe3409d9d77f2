//! How fast every report format is read, and in how much memory: `cargo bench --bench parsers -- [FORMAT…|FILE…]`.
//!
//! Each format's own sample, made at least 32 MB long by repeating its findings with other ids and places, goes through
//! the entry that imports use, in a process of its own and on one thread. Speed is the best of three readings, from the
//! file to the parsed report. Memory is the peak of resident memory of the first reading above what the process had
//! before it, as a multiple of the file: the text itself, what it is parsed into, and what the allocator holds on to.
//! The samples are terse: most of their findings are shorter than what is kept of one, where real ones have thousands of
//! bytes. A file that is named instead of a format is made large in the same way, and measured as it is where that fails.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use patchbay::reports::decode::{Source, TOTAL_LIMIT};
use patchbay::reports::parsers::{self, PARSERS};
use patchbay::reports::report::ParsedFile;

#[path = "support/enlarge.rs"]
mod enlarge;
#[path = "support/recipes.rs"]
mod recipes;
#[path = "support/tokens.rs"]
mod tokens;

use enlarge::enlarged;
use recipes::{RECIPES, Recipe};
use tokens::Syntax;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How large a report is made.
const BYTES: usize = 32_000_000;
/// Most memory, as a multiple of the file.
const MEMORY_BAR: f64 = 4.0;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, format, path] = &words[..]
        && flag == "--read"
    {
        return read(format, Path::new(path));
    }
    let covered: BTreeSet<&str> = RECIPES.iter().map(|(format, ..)| *format).collect();
    let missing: Vec<&str> = PARSERS.iter().map(|parser| parser.name).filter(|name| !covered.contains(name)).collect();
    assert!(missing.is_empty(), "without a recipe: {missing:?}");
    println!("{:<32} {:<24} {:>7} {:>6} {:>9} {:>9}", "format", "sample", "MB/s", "memory", "findings", "of");
    let (files, formats): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| Path::new(word).is_file());
    let mut short = 0;
    for file in &files {
        short += usize::from(!file_row(Path::new(file)));
    }
    let wants =
        |name: &str| if formats.is_empty() { files.is_empty() } else { formats.iter().any(|word| word == name) };
    for recipe in RECIPES.iter().filter(|(format, ..)| wants(format)) {
        short += usize::from(!enlarged_row(recipe));
    }
    println!("{short} below a bar: JSON 60 MB/s, XML 40 MB/s, memory {MEMORY_BAR} times the file");
}

/// Measures a report that was named. A small one is made large: beside it, the process itself would weigh.
fn file_row(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    let bytes = fs::read(path).unwrap();
    let syntax = match bytes.trim_ascii_start().first() {
        Some(b'<') => Syntax::Xml,
        Some(b'{' | b'[') => Syntax::Json,
        _ => Syntax::Table,
    };
    let parsed = parsers::parse_source(Source::Bytes(bytes.clone()), None, TOTAL_LIMIT);
    let format = parsed.map_or("", |parsed| parsed.format);
    let (text, file) = (String::from_utf8_lossy(&bytes), tempfile::NamedTempFile::new().unwrap());
    let large = RECIPES
        .iter()
        .filter(|(of, _, repeated)| *of == format && Syntax::of(&text, repeated) == syntax && bytes.len() < BYTES)
        .find_map(|(_, _, repeated)| enlarged(&text, repeated, BYTES));
    let Some(large) = large else { return row(format, &name, syntax, path) };
    fs::write(file.path(), large).unwrap();
    row(format, &format!("{name}, repeated"), syntax, file.path())
}

/// Measures a sample that was made large.
fn enlarged_row((format, sample, repeated): &Recipe) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(format);
    let text = fs::read_to_string(folder.join(sample)).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), enlarged(&text, repeated, BYTES).expect("the sample has what its recipe names")).unwrap();
    row(format, sample, Syntax::of(&text, repeated), file.path())
}

/// Measures one report in a process of its own; says whether it reaches the bars.
fn row(format: &str, name: &str, syntax: Syntax, path: &Path) -> bool {
    let speed_bar = match syntax {
        Syntax::Json => 60.0,
        Syntax::Xml => 40.0,
        Syntax::Table => 0.0,
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    // What was freed goes back soon, as in the binary.
    command.env("MIMALLOC_PURGE_DELAY", "1");
    let output = command.args(["--read", format]).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let [seconds, peak, findings, vulnerabilities] =
        said.split_whitespace().map(|word| word.parse::<f64>().unwrap()).collect::<Vec<_>>()[..]
    else {
        println!("{format:<32} {name:<24} fails: {}", String::from_utf8_lossy(&output.stderr));
        return false;
    };
    let size = fs::metadata(path).unwrap().len() as f64;
    let (speed, memory) = (size / seconds / 1e6, peak / size);
    let (is_slow, is_large) = (speed < speed_bar, memory > MEMORY_BAR);
    let mark = match (is_slow, is_large) {
        (false, false) => "",
        (true, false) => "slow",
        (false, true) => "large",
        (true, true) => "slow, large",
    };
    println!("{format:<32} {name:<24} {speed:>7.1} {memory:>6.2} {findings:>9} {vulnerabilities:>9} {mark}");
    !is_slow && !is_large
}

/// Reads a report three times and prints seconds, bytes of memory, findings and vulnerabilities.
fn read(format: &str, path: &Path) {
    let format = Some(format).filter(|format| !format.is_empty());
    let parse = || {
        let began = Instant::now();
        let parsed = parsers::parse_source(Source::File(File::open(path).unwrap()), format, TOTAL_LIMIT);
        (parsed.unwrap(), began.elapsed().as_secs_f64())
    };
    // Resets the peak: see proc(5), clear_refs.
    let _best_effort = fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    let (parsed, mut seconds) = parse();
    let peak = memory("VmHWM:").saturating_sub(before);
    let count = |size: fn(&patchbay::reports::report::Report) -> usize, file: &ParsedFile| -> usize {
        file.reports.iter().map(size).sum()
    };
    let findings = count(|report| report.findings.len(), &parsed);
    let vulnerabilities = count(|report| report.vulnerabilities.len(), &parsed);
    drop(parsed);
    for _ in 0..2 {
        seconds = seconds.min(parse().1);
    }
    println!("{seconds} {peak} {findings} {vulnerabilities}");
}

/// A size that the kernel tells of this process, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
