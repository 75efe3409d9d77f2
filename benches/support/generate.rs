//! A SARIF report of any size, always the same one for a size: 120 rules, eight results a file, about 680 bytes each.

use std::fmt::Write;

const RULES: usize = 120;
const WORDS: [&str; 24] = [
    "the",
    "value",
    "flows",
    "from",
    "a",
    "request",
    "parameter",
    "into",
    "this",
    "call",
    "without",
    "being",
    "validated",
    "an",
    "attacker",
    "may",
    "change",
    "meaning",
    "of",
    "statement",
    "read",
    "other",
    "data",
    "run",
];

/// The numbers of the results of a first scan, and of a second one: one in twenty is gone, as many are new.
pub fn numbers(results: usize) -> (Vec<usize>, Vec<usize>) {
    let first: Vec<usize> = (0..results).collect();
    let second = first.iter().copied().filter(|n| n % 20 != 7).chain(results..results + results / 20).collect();
    (first, second)
}

/// The report with these results. `salt` changes bytes that mean nothing.
pub fn sarif(results: &[usize], salt: &str) -> Vec<u8> {
    let mut text = String::with_capacity(results.len() * 700 + 200_000);
    text.push_str(r#"{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"BenchSAST","version":"1.4.2","rules":["#);
    for rule in 0..RULES {
        let separator = if rule == 0 { "" } else { "," };
        let (level, score) = level(rule);
        write!(
            text,
            r#"{separator}{{"id":"lang/rule-{rule:03}","name":"Rule {rule:03}","shortDescription":{{"text":"Weakness {rule:03} in code"}},"fullDescription":{{"text":"{}"}},"helpUri":"https://rules.example.com/{rule:03}","help":{{"text":"{}"}},"defaultConfiguration":{{"level":"{level}"}},"properties":{{"tags":["security","external/cwe/cwe-{:03}"],"security-severity":"{score}"}}}}"#,
            words(rule, 240),
            words(rule + 7, 400),
            70 + rule % 50
        )
        .expect("a String takes all");
    }
    write!(text, r#"]}}}},"properties":{{"salt":"{salt}"}},"results":["#).expect("a String takes all");
    for (position, &n) in results.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        let rule = hash(n) as usize % RULES;
        let (file, line) = (n / 8, (n % 8) * 41 + hash(n + 1) as usize % 39 + 1);
        write!(
            text,
            r#"{separator}{{"ruleId":"lang/rule-{rule:03}","ruleIndex":{rule},"level":"{}","message":{{"text":"Rule {rule:03}: var{} reaches a sink at line {line}. {}"}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"services/web/src/module{:02}/Handler{file:05}.java","uriBaseId":"%SRCROOT%"}},"region":{{"startLine":{line},"startColumn":{},"endLine":{line},"endColumn":80,"snippet":{{"text":"    var{} = execute(request.get(\"v\"), {});"}}}}}}}}],"partialFingerprints":{{"primaryLocationLineHash":"{:016x}:1"}}}}"#,
            level(rule).0,
            n % 100,
            words(n, 150),
            file % 40,
            n % 40 + 1,
            n % 100,
            n,
            hash(n + 3)
        )
        .expect("a String takes all");
    }
    text.push_str("]}]}");
    text.into_bytes()
}

const fn level(rule: usize) -> (&'static str, &'static str) {
    match rule % 4 {
        0 => ("error", "8.1"),
        3 => ("note", "2.5"),
        _ => ("warning", "5.5"),
    }
}

fn words(seed: usize, size: usize) -> String {
    let mut text = String::with_capacity(size + 12);
    let mut step = 0;
    while text.len() < size {
        text.push_str(WORDS[hash(seed * 1000 + step) as usize % WORDS.len()]);
        text.push(' ');
        step += 1;
    }
    text
}

/// Splitmix64: spreads numbers evenly.
fn hash(n: usize) -> u64 {
    let mut z = (n as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
