//! What hostile reports cost: `cargo bench --bench hostile -- [FORMAT…]`.
//!
//! For each format, one of its samples is spoilt in the ways of S-19 and S-20 (a text, a name and a line of 50 MB, a
//! million levels, entities that multiply) and read by the entry that imports use, in a process of its own. A row says the
//! worst of each: the longest time, and the most memory, as a multiple of the file. A reader that panics, needs more than
//! ten seconds or more than four times the file (and 50 MB beside) fails.

#![expect(clippy::unwrap_used, reason = "a bench may stop at the first fault")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use patchbay::reports::decode::{Source, TOTAL_LIMIT};
use patchbay::reports::parsers;

#[path = "support/recipes.rs"]
mod recipes;
#[path = "support/tokens.rs"]
mod tokens;

use recipes::RECIPES;
use tokens::{Syntax, json_texts, xml_texts};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HUGE: usize = 50_000_000;
const LEVELS: usize = 1_000_000;
const SECONDS_BAR: f64 = 10.0;
const MEMORY_BAR: f64 = 4.0;
/// What is not much, however small the file is.
const ALLOWANCE: f64 = 50e6;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, format, path] = &words[..]
        && flag == "--read"
    {
        read(format, Path::new(path));
        return ExitCode::SUCCESS;
    }
    println!("{:<32} {:<7} {:>8} {:<24} {:>7} {:<24}", "format", "syntax", "seconds", "of", "memory", "of");
    let (mut done, mut failed) = (Vec::new(), 0);
    for (format, sample, repeated) in RECIPES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(format);
        let text = fs::read_to_string(folder.join(sample)).unwrap();
        let text = text.trim_start_matches('\u{feff}');
        let syntax = Syntax::of(text, repeated);
        let is_wanted = words.is_empty() || words.iter().any(|word| word == format);
        if is_wanted && !done.contains(&(format, syntax)) {
            done.push((format, syntax));
            failed += usize::from(!row(format, text, syntax));
        }
    }
    println!("{failed} beyond a bar: {SECONDS_BAR} s, memory {MEMORY_BAR} times the file");
    ExitCode::from(u8::from(failed > 0))
}

/// Reads all spoilt samples of a format; says whether they keep to the bars.
fn row(format: &str, text: &str, syntax: Syntax) -> bool {
    let (mut slowest, mut largest, mut keeps) = ((0.0, ""), (0.0, ""), true);
    for (name, spoilt) in spoilt(text, syntax) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(spoilt.as_bytes()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        let output = command.args(["--read", format]).arg(file.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let [seconds, peak] =
            said.split_whitespace().filter_map(|word| word.parse::<f64>().ok()).collect::<Vec<_>>()[..]
        else {
            println!("{format:<32} {name} ends the process: {}", String::from_utf8_lossy(&output.stderr));
            keeps = false;
            continue;
        };
        let (size, memory) = (spoilt.len() as f64, peak / spoilt.len() as f64);
        keeps &= seconds <= SECONDS_BAR && peak <= size * MEMORY_BAR + ALLOWANCE;
        if seconds > slowest.0 {
            slowest = (seconds, name);
        }
        if size >= HUGE as f64 && memory > largest.0 {
            largest = (memory, name);
        }
    }
    let mark = if keeps { "" } else { "beyond" };
    let ((seconds, slow), (memory, large)) = (slowest, largest);
    println!("{format:<32} {:<7} {seconds:>8.2} {slow:<24} {memory:>7.2} {large:<24} {mark}", format!("{syntax:?}"));
    keeps
}

/// A sample, spoilt in the ways of its syntax.
fn spoilt(text: &str, syntax: Syntax) -> Vec<(&'static str, String)> {
    let huge = "k".repeat(HUGE);
    let instead =
        |range: std::ops::Range<usize>, other: &str| [&text[..range.start], other, &text[range.end..]].concat();
    let longest = |texts: Vec<std::ops::Range<usize>>| texts.into_iter().max_by_key(ExactSizeIterator::len).unwrap();
    match syntax {
        Syntax::Json => {
            let at = text.find('{').unwrap() + 1;
            let comma = if text[at..].trim_start().starts_with('}') { "" } else { "," };
            let lists = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
            let objects = format!("{}1{}", "{\"a\":".repeat(LEVELS), "}".repeat(LEVELS));
            vec![
                ("key of 50 MB", instead(at..at, &format!("\"{huge}\": 1{comma}"))),
                ("text of 50 MB", instead(longest(json_texts(text)), &huge)),
                ("escaped text of 50 MB", instead(longest(json_texts(text)), &"\\n".repeat(HUGE / 2))),
                ("a million lists", instead(at..at, &format!("\"unknown\": {lists}{comma}"))),
                ("a million objects", instead(at..at, &format!("\"unknown\": {objects}{comma}"))),
                ("a million brackets", "[".repeat(LEVELS)),
            ]
        }
        Syntax::Xml => {
            let root = text.find("</").unwrap();
            let laughs: String =
                (1..10).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
            let start = text.find("?>").map_or(0, |at| at + 2);
            let laughs = format!("<!DOCTYPE a [<!ENTITY l0 \"ha\">{laughs}]>");
            let deep = format!("{}{}", "<a>".repeat(LEVELS), "</a>".repeat(LEVELS));
            vec![
                ("name of 50 MB", instead(root..root, &format!("<{huge}></{huge}>"))),
                ("attribute of 50 MB", instead(root..root, &format!("<a a=\"{huge}\"/>"))),
                ("text of 50 MB", instead(longest(xml_texts(text)), &huge)),
                ("references of 50 MB", instead(longest(xml_texts(text)), &"&lt;".repeat(HUGE / 4))),
                ("comment of 50 MB", instead(root..root, &format!("<!--{huge}-->"))),
                ("a billion laughs", instead(start..start, &laughs)),
                ("a million levels", instead(root..root, &deep)),
            ]
        }
        Syntax::Table => vec![
            ("line of 50 MB", format!("{text}{huge}")),
            ("header of 50 MB", format!("{huge}\n{text}")),
            ("quotes of 50 MB", format!("{text}\"{}", "\"\"".repeat(HUGE / 2))),
            ("columns of 50 MB", format!("{text}{}", ",".repeat(HUGE))),
        ],
    }
}

/// Reads a report and prints seconds and bytes of memory.
fn read(format: &str, path: &Path) {
    // Resets the peak: see proc(5), clear_refs.
    let _best_effort = fs::write("/proc/self/clear_refs", "5");
    let (before, began) = (memory("VmRSS:"), Instant::now());
    let either = parsers::parse_source(Source::File(File::open(path).unwrap()), Some(format), TOTAL_LIMIT);
    let seconds = began.elapsed().as_secs_f64();
    let peak = memory("VmHWM:").saturating_sub(before);
    drop(either);
    println!("{seconds} {peak}");
}

/// A size that the kernel tells of this process, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
