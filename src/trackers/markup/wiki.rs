//! Jira's wiki markup, as Data Center reads it.
//! Source: Atlassian, Text Formatting Notation; a backslash before a sign takes its meaning away.

use super::document::{Block, Document, Inline, Link};
use super::fit::{CUT_NOTE, fit};
use super::text::{Measure, ZERO_WIDTH_SPACE, clean, lines, link_target, one_line, visible_marker};

/// The longest text, in UTF-16 units.
const LIMIT: usize = 32_767;
const SEPARATOR: &str = "\n\n";

/// The description of a ticket.
#[must_use]
pub fn ticket(document: &Document) -> String {
    write(document, None)
}

/// A comment; its marker stands in a last, short line.
#[must_use]
pub fn comment(document: &Document, marker: &str) -> String {
    write(document, Some(marker))
}

fn write(document: &Document, marker: Option<&str>) -> String {
    let mut footer = Vec::new();
    footer.extend(document.link_back.as_ref().map(link));
    footer.extend(marker.map(visible_marker));
    let footer = footer.join(SEPARATOR);
    let size = |block: &Block| Measure::Utf16.of(&write_block(block)) + SEPARATOR.len();
    let room = LIMIT.saturating_sub(Measure::Utf16.of(&footer));
    let (blocks, cut) = match fit(&document.blocks, room, size) {
        (blocks, false) => (blocks, false),
        (_, true) => fit(&document.blocks, room.saturating_sub(CUT_NOTE.len() + SEPARATOR.len()), size),
    };
    let mut parts: Vec<String> = blocks.iter().map(write_block).collect();
    parts.extend(cut.then(|| CUT_NOTE.to_owned()));
    parts.push(footer);
    parts.retain(|part| !part.is_empty());
    parts.join(SEPARATOR)
}

fn write_block(block: &Block) -> String {
    match block {
        Block::Heading(title) => match one_line(title) {
            empty if empty.is_empty() => empty,
            title => format!("h3. {}", escape(&title)),
        },
        Block::Paragraph(parts) => paragraph(parts),
        Block::List { ordered, items } => list(*ordered, items),
        Block::Table { header, rows } => table(header, rows),
        Block::Code { text, .. } => preformatted(text),
    }
}

fn paragraph(parts: &[Inline]) -> String {
    let written: String = parts
        .iter()
        .map(|part| match part {
            Inline::Text(text) => text_lines(text),
            other => inline(other),
        })
        .collect();
    written.trim().to_owned()
}

/// Each line is escaped as the start of one: which text comes first in it is not known here.
fn text_lines(text: &str) -> String {
    if text.trim().is_empty() && !text.is_empty() {
        return " ".to_owned();
    }
    let edge = |at_edge: bool| if at_edge { " " } else { "" };
    let is_space = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let written: Vec<String> = lines(text).iter().map(|line| escape(line)).collect();
    let (before, after) = (is_space(text.chars().next()), is_space(text.chars().next_back()));
    format!("{}{}{}", edge(before), written.join("\n"), edge(after))
}

fn inline(part: &Inline) -> String {
    match part {
        Inline::Text(text) => escape(&clean(text).replace(['\n', '\t'], " ")),
        Inline::Strong(text) => around("*", &one_line(text)),
        Inline::Code(text) => match one_line(text) {
            empty if empty.is_empty() => empty,
            text => format!("{{{{{}}}}}", escape(&text)),
        },
        Inline::Link(target) => link(target),
    }
}

fn around(sign: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{sign}{}{sign}", escape(text)) }
}

fn link(Link { text, url }: &Link) -> String {
    let shown = if text.trim().is_empty() { url } else { text };
    let shown = escape(&one_line(shown));
    match link_target(url) {
        Some(target) => format!("[{shown}|{target}]"),
        None if url.trim().is_empty() => shown,
        None => format!("{shown} {}", inline(&Inline::Code(url.clone()))),
    }
}

fn line(parts: &[Inline]) -> String {
    parts.iter().map(inline).collect::<String>().trim().to_owned()
}

fn list(ordered: bool, items: &[Vec<Inline>]) -> String {
    let sign = if ordered { '#' } else { '*' };
    let items = items.iter().map(|item| line(item)).filter(|item| !item.is_empty());
    items.map(|item| format!("{sign} {item}")).collect::<Vec<_>>().join("\n")
}

fn table(header: &[String], rows: &[Vec<Vec<Inline>>]) -> String {
    if header.is_empty() || rows.is_empty() {
        return String::new();
    }
    let head: Vec<String> = header.iter().map(|name| filled(escape(&one_line(name)))).collect();
    let mut out = vec![format!("||{}||", head.join("||"))];
    for cells in rows {
        let cells: Vec<String> =
            (0..header.len()).map(|n| filled(cells.get(n).map(|parts| line(parts)).unwrap_or_default())).collect();
        out.push(format!("|{}|", cells.join("|")));
    }
    out.join("\n")
}

/// A cell with something in it: two bars in a row would make a header.
fn filled(cell: String) -> String {
    if cell.is_empty() { " ".to_owned() } else { cell }
}

fn preformatted(text: &str) -> String {
    let text = clean(text);
    if text.trim().is_empty() {
        return String::new();
    }
    // Only its own end tag means something inside.
    let inert = text.trim_end().replace("{noformat", &format!("{{{ZERO_WIDTH_SPACE}noformat"));
    format!("{{noformat}}\n{inert}\n{{noformat}}")
}

/// Text that stays text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    if starts_a_block(text) {
        out.push(ZERO_WIDTH_SPACE);
    }
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // Two backslashes would be a line break.
            '\\' => out.push_str("&#92;"),
            '&' => out.push_str("&amp;"),
            '{' | '}' | '[' | ']' | '*' | '_' | '-' | '+' | '^' | '~' | '?' | '!' | '|' | '#' | '@' => {
                out.push('\\');
                out.push(c);
            }
            // (x), (/), (!) and their like are pictures.
            '(' if rest.peek().is_some_and(|next| "/x!?+-*yinf".contains(*next)) => out.push_str("\\("),
            _ => out.push(c),
        }
    }
    out
}

/// Whether a line begins like a heading (`h1. `) or a quotation (`bq. `).
fn starts_a_block(line: &str) -> bool {
    let Some((word, _)) = line.split_once(". ") else { return false };
    let digit = word.strip_prefix(['h', 'H']).filter(|rest| rest.len() == 1);
    word.eq_ignore_ascii_case("bq") || digit.is_some_and(|digit| digit.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(block: Block) -> String {
        ticket(&Document { blocks: vec![block], link_back: None })
    }

    fn plain(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    /// S-24
    #[test]
    fn takes_the_meaning_out_of_hostile_text() {
        for (text, expected) in [
            ("{panel:title=x}y{panel}", r"\{panel:title=x\}y\{panel\}"),
            ("[~admin] @team", r"\[\~admin\] \@team"),
            ("!http://evil/x.png!", r"\!http://evil/x.png\!"),
            ("[x|javascript:alert(1)]", r"\[x\|javascript:alert(1)\]"),
            ("h1. Big\nbq. quoted\n* point", "\u{200b}h1. Big\n\u{200b}bq. quoted\n\\* point"),
            (r"\\server\share", "&#92;&#92;server&#92;share"),
            ("<script> &lt;", "<script> &amp;lt;"),
            ("f(x) (/)", r"f\(x) \(/)"),
            ("{\u{200b}code}", "\\{\u{200b}code\\}"),
        ] {
            assert_eq!(of(Block::Paragraph(vec![plain(text)])), expected, "{text:?}");
        }
    }

    /// S-24
    #[test]
    fn code_cannot_leave_its_block() {
        let text = "a\n{noformat}\n{panel}".to_owned();
        let written = of(Block::Code { language: Some("java".into()), text });
        assert_eq!(written, "{noformat}\na\n{\u{200b}noformat}\n{panel}\n{noformat}");
    }

    #[test]
    fn writes_tables_lists_and_links() {
        let cell = |text: &str| vec![plain(text)];
        let table = Block::Table {
            header: vec!["Field".into(), "Value".into()],
            rows: vec![vec![cell("a|b"), vec![Inline::Code("x{y}".into())]], vec![cell("alone")]],
        };
        assert_eq!(of(table), "||Field||Value||\n|a\\|b|{{x\\{y\\}}}|\n|alone| |");
        let link = |url: &str| vec![Inline::Link(Link { text: "see".into(), url: url.into() })];
        let list = Block::List { ordered: true, items: vec![link("https://example.com/a|b"), link("javascript:x")] };
        assert_eq!(of(list), "# [see|https://example.com/a%7Cb]\n# see {{javascript:x}}");
    }

    /// S-24
    #[test]
    fn cuts_at_the_limit_and_keeps_the_way_back() {
        let long = Document::plain(&"*words* ".repeat(50_000)).linked("Patchbay", "https://patchbay.example/o/1");
        let written = ticket(&long);
        assert!((LIMIT - 10..=LIMIT).contains(&Measure::Utf16.of(&written)), "{}", written.len());
        assert!(
            written.ends_with(&format!("{CUT_NOTE}\n\n[Patchbay|https://patchbay.example/o/1]")),
            "the end is missing"
        );
    }
}
