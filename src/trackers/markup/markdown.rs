//! Markdown as GitHub and GitLab read it.
//!
//! Escaping with a backslash stops the Markdown, but both trackers look for mentions and references in the *rendered*
//! text. There only a space of no width helps (`@&#8203;team`), so signs that may refer to something get one.

use super::document::{Block, Document, Inline, Link};
use super::fit::{CUT_NOTE, fit};
use super::text::{Measure, Sigils, ZERO_WIDTH_SPACE, clean, lines, link_target, marker_text, one_line};
use crate::trackers::ticket::Marker;

/// A reader of Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flavor {
    /// Signs that become references.
    pub sigils: Sigils,
    /// The longest text.
    pub limit: usize,
    /// How it counts.
    pub measure: Measure,
    /// The tracker's own host: links to its issues would leave a trace there for people who never asked.
    pub own_host: String,
    /// The host that leads to the same page without leaving a trace, where there is one.
    pub detour_host: Option<&'static str>,
}

impl Flavor {
    /// GitHub on this host. Body: at most 65,536 characters.
    #[must_use]
    pub fn github(own_host: &str) -> Self {
        let detour_host = (own_host == "github.com").then_some("redirect.github.com");
        let own_host = own_host.to_owned();
        Self { sigils: Sigils("@#"), limit: 65_536, measure: Measure::Utf16, own_host, detour_host }
    }

    /// GitLab on this host. Description: at most 1,048,576 bytes.
    #[must_use]
    pub fn gitlab(own_host: &str) -> Self {
        let own_host = own_host.to_owned();
        Self { sigils: Sigils("@#!$~%&^[*"), limit: 1_048_576, measure: Measure::Bytes, own_host, detour_host: None }
    }

    /// The body of a ticket, ending with its marker.
    #[must_use]
    pub fn ticket(&self, document: &Document, marker: &Marker) -> String {
        self.write(document, &marker.to_html_comment())
    }

    /// The body of a comment, ending with its marker.
    #[must_use]
    pub fn comment(&self, document: &Document, marker: &str) -> String {
        self.write(document, &comment_marker(marker))
    }

    fn write(&self, document: &Document, trailer: &str) -> String {
        let mut footer = String::new();
        if let Some(link) = &document.link_back {
            footer = format!("{}\n\n", self.trusted_link(link));
        }
        footer.push_str(trailer);
        let size = |block: &Block| self.measure.of(&self.block(block)) + SEPARATOR.len();
        let room = self.limit.saturating_sub(self.measure.of(&footer));
        let (blocks, cut) = match fit(&document.blocks, room, size) {
            (blocks, false) => (blocks, false),
            (_, true) => fit(&document.blocks, room.saturating_sub(CUT_NOTE.len() + SEPARATOR.len()), size),
        };
        let mut parts: Vec<String> = blocks.iter().map(|block| self.block(block)).collect();
        parts.retain(|part| !part.is_empty());
        if cut {
            parts.push(CUT_NOTE.to_owned());
        }
        parts.push(footer);
        parts.join(SEPARATOR)
    }

    fn block(&self, block: &Block) -> String {
        match block {
            Block::Heading(text) => match one_line(text) {
                text if text.is_empty() => text,
                text => format!("### {}", self.escape(&text, Place::Inside)),
            },
            Block::Paragraph(parts) => self.paragraph(parts),
            Block::List { ordered, items } => self.list(*ordered, items),
            Block::Table { header, rows } => self.table(header, rows),
            Block::Code { language, text } => fenced(language.as_deref(), text),
        }
    }

    fn paragraph(&self, parts: &[Inline]) -> String {
        let mut out = String::new();
        for part in parts {
            let place = if out.is_empty() || out.ends_with('\n') { Place::LineStart } else { Place::Inside };
            match part {
                Inline::Text(text) => out.push_str(&self.text_lines(text, place)),
                other => out.push_str(&self.inline(other)),
            }
        }
        out.trim().to_owned()
    }

    /// Text of several lines; single breaks stay, for scanners use them to lay out lists and addresses.
    fn text_lines(&self, text: &str, place: Place) -> String {
        let escaped: Vec<String> = lines(text)
            .iter()
            .enumerate()
            .map(|(n, line)| self.escape(line, if n == 0 { place } else { Place::LineStart }))
            .collect();
        if text.trim().is_empty() && !text.is_empty() {
            return " ".to_owned();
        }
        let edge = |at_edge: bool| if at_edge { " " } else { "" };
        let is_space = |c: Option<char>| c.is_some_and(char::is_whitespace);
        let (before, after) = (is_space(text.chars().next()), is_space(text.chars().next_back()));
        format!("{}{}{}", edge(before && place == Place::Inside), escaped.join("\\\n"), edge(after))
    }

    fn line(&self, parts: &[Inline]) -> String {
        let mut out = String::new();
        for part in parts {
            match part {
                Inline::Text(text) => {
                    let place = if out.is_empty() { Place::LineStart } else { Place::Inside };
                    let flat = clean(text).replace(['\n', '\t'], " ");
                    let flat = if place == Place::LineStart { flat.trim_start() } else { &flat };
                    out.push_str(&self.escape(flat, place));
                }
                other => out.push_str(&self.inline(other)),
            }
        }
        out.trim().to_owned()
    }

    fn inline(&self, part: &Inline) -> String {
        match part {
            Inline::Text(text) => self.escape(&one_line(text), Place::Inside),
            Inline::Strong(text) => match one_line(text) {
                text if text.is_empty() => text,
                text => format!("**{}**", self.escape(&text, Place::Inside)),
            },
            Inline::Code(text) => code_span(text),
            Inline::Link(link) => self.link(link),
        }
    }

    fn list(&self, ordered: bool, items: &[Vec<Inline>]) -> String {
        let written = items.iter().map(|item| self.line(item)).filter(|item| !item.is_empty());
        let numbered = written.enumerate().map(|(n, item)| match ordered {
            true => format!("{}. {item}", n + 1),
            false => format!("- {item}"),
        });
        numbered.collect::<Vec<_>>().join("\n")
    }

    fn table(&self, header: &[String], rows: &[Vec<Vec<Inline>>]) -> String {
        if header.is_empty() || rows.is_empty() {
            return String::new();
        }
        let head = header.iter().map(|name| self.escape(&one_line(name), Place::Inside));
        let mut out = vec![row(head), row(header.iter().map(|_| "---".to_owned()))];
        for cells in rows {
            out.push(row((0..header.len()).map(|n| self.cell(cells.get(n)))));
        }
        out.join("\n")
    }

    fn cell(&self, parts: Option<&Vec<Inline>>) -> String {
        let parts = parts.map(Vec::as_slice).unwrap_or_default();
        let written: Vec<String> = parts
            .iter()
            .map(|part| match part {
                // A cell ends at a bar even inside code; there the table takes the backslash away again.
                Inline::Code(text) => code_span(text).replace('|', "\\|"),
                other => self.line(std::slice::from_ref(other)),
            })
            .collect();
        written.join(" ").trim().to_owned()
    }

    fn trusted_link(&self, link: &Link) -> String {
        match link_target(&link.url) {
            Some(target) => format!("[{}]({target})", self.escape(&one_line(&link.text), Place::Inside)),
            None => self.escape(&one_line(&link.text), Place::LineStart),
        }
    }

    fn link(&self, link: &Link) -> String {
        let shown = if link.text.trim().is_empty() { &link.url } else { &link.text };
        let shown = self.escape(&one_line(shown), Place::Inside);
        let Some(target) = link_target(&link.url) else {
            return if link.url.trim().is_empty() { shown } else { format!("{shown} ({})", code_span(&link.url)) };
        };
        let own = format!("://{}/", self.own_host);
        match (target.contains(&own), self.detour_host) {
            (false, _) => format!("[{shown}]({target})"),
            (true, Some(detour)) => format!("[{shown}]({})", target.replacen(&own, &format!("://{detour}/"), 1)),
            (true, None) => format!("{shown} ({})", code_span(&target)),
        }
    }

    /// Text that stays text.
    fn escape(&self, text: &str, place: Place) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        if place == Place::LineStart {
            out.push_str(line_start_guard(text));
        }
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '$' | '^' => {
                    out.push('\\');
                    out.push(c);
                }
                ':' if text[at..].starts_with("://") => out.push_str("\\:"),
                '.' | ')' if place == Place::LineStart && is_number(&text[..at]) => {
                    out.push('\\');
                    out.push(c);
                }
                _ => out.push(c),
            }
            // What follows the end of a part is the next part, unseen here: it is taken to be a name or number.
            let next = rest.peek().map_or('0', |(_, next)| *next);
            if self.sigils.refers(c, Some(next))
                || self.names_own_page(text, at)
                || ends_issue_prefix(&text[..at], c, next)
            {
                out.push_str("&#8203;");
            }
        }
        out
    }

    /// Whether the colon at `at` begins the address of a page of this tracker.
    fn names_own_page(&self, text: &str, at: usize) -> bool {
        text[at..].strip_prefix("://").is_some_and(|rest| {
            rest.get(..self.own_host.len()).is_some_and(|host| host.eq_ignore_ascii_case(&self.own_host))
        })
    }
}

const SEPARATOR: &str = "\n\n";

/// Where a text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    Inside,
}

/// The comment that marks a comment of ours.
#[must_use]
pub fn comment_marker(marker: &str) -> String {
    format!("<!-- {} -->", marker_text(marker))
}

/// A backslash before a sign that makes a line something else than text: a heading, list, rule, or quick action.
fn line_start_guard(line: &str) -> &'static str {
    if line.starts_with(['#', '+', '-', '=', '/', ':', '%', '!']) { "\\" } else { "" }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `GH-12` and `GL-12` refer to issues like `#12`.
fn ends_issue_prefix(before: &str, c: char, next: char) -> bool {
    let prefix = before.len().checked_sub(2).and_then(|start| before.get(start..));
    let is_prefix = prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("gh") || prefix.eq_ignore_ascii_case("gl"));
    c == '-' && is_prefix && next.is_ascii_digit()
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn longest_run(text: &str, sign: char) -> usize {
    text.split(|c| c != sign).map(str::len).max().unwrap_or(0)
}

fn code_span(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return text;
    }
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    let padding = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{padding}{text}{padding}{ticks}")
}

/// Languages that a fence may name. Others could draw or run something (mermaid, math, suggestion, …).
const LANGUAGES: [&str; 36] = [
    "bash",
    "c",
    "cpp",
    "csharp",
    "css",
    "diff",
    "dockerfile",
    "go",
    "groovy",
    "hcl",
    "html",
    "http",
    "ini",
    "java",
    "javascript",
    "js",
    "json",
    "kotlin",
    "lua",
    "perl",
    "php",
    "powershell",
    "properties",
    "python",
    "ruby",
    "rust",
    "scala",
    "sh",
    "sql",
    "swift",
    "terraform",
    "toml",
    "ts",
    "typescript",
    "xml",
    "yaml",
];

fn fenced(language: Option<&str>, text: &str) -> String {
    let text = clean(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    let language = language.map(str::to_ascii_lowercase).filter(|name| LANGUAGES.contains(&name.as_str()));
    let lines: Vec<String> = text.trim_end().split('\n').map(guarded_code_line).collect();
    format!("{fence}{}\n{}\n{fence}", language.unwrap_or_default(), lines.join("\n"))
}

/// A line of code that cannot end the block, nor be a quick action for a GitLab that believes it has ended.
fn guarded_code_line(line: &str) -> String {
    let start = line.trim_start();
    let command = start.strip_prefix('/').map(|rest| rest.split_whitespace().next().unwrap_or_default());
    let is_command = command.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    if is_command || start.starts_with("```") || start.starts_with("~~~") {
        format!("{ZERO_WIDTH_SPACE}{line}")
    } else {
        line.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::TicketId;
    use uuid::Uuid;

    fn github() -> Flavor {
        Flavor::github("github.com")
    }

    fn gitlab() -> Flavor {
        Flavor::gitlab("gitlab.example.com")
    }

    fn written(flavor: &Flavor, block: Block) -> String {
        flavor.block(&block)
    }

    fn plain(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    fn paragraph(text: &str) -> Block {
        Block::Paragraph(vec![plain(text)])
    }

    /// S-24
    #[test]
    fn takes_the_meaning_out_of_hostile_text() {
        for (text, expected) in [
            ("@team please", "@&#8203;team please"),
            ("Fixes #1", "Fixes #&#8203;1"),
            ("Fixes GH-1, acme/app#2", "Fixes GH-&#8203;1, acme/app#&#8203;2"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("<!-- patchbay-1 -->", "&lt;!-- patchbay-1 --&gt;"),
            ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
            ("![x](http://evil/x.png)", r"\!\[x\](http\://evil/x.png)"),
            ("# Big\n- point\n1. one\n---\n> q", "\\# Big\\\n\\- point\\\n1\\. one\\\n\\---\\\n&gt; q"),
            ("a `b` *c* _d_ ~e~ $f$ | g", r"a \`b\` \*c\* \_d\_ \~e\~ \$f\$ \| g"),
            ("```\ncode", "\\`\\`\\`\\\ncode"),
            ("&#64;team", "&amp;#&#8203;64;team"),
            ("ends with @", "ends with @&#8203;"),
            ("    four spaces", "four spaces"),
            ("Closes https://github.com/acme/app/issues/1", r"Closes https\:&#8203;//github.com/acme/app/issues/1"),
        ] {
            assert_eq!(written(&github(), paragraph(text)), expected, "{text:?}");
        }
    }

    /// S-24
    #[test]
    fn runs_no_quick_action_and_refers_to_nothing_in_gitlab() {
        for (text, expected) in [
            ("/close", r"\/close"),
            ("text\n/close\n  /label ~bug", "text\\\n\\/close\\\n\\/label \\~&#8203;bug"),
            ("!5 %7 $8 &9 ^alert#1", r"\!&#8203;5 %&#8203;7 \$&#8203;8 &amp;&#8203;9 \^&#8203;alert#&#8203;1"),
            ("[vulnerability:1]", r"\[&#8203;vulnerability:1\]"),
            ("@all", "@&#8203;all"),
        ] {
            assert_eq!(written(&gitlab(), paragraph(text)), expected, "{text:?}");
        }
        let code = Block::Code { language: Some("mermaid".into()), text: "```\n/close\n/usr/bin/x\nend".into() };
        let expected = "````\n\u{200b}```\n\u{200b}/close\n/usr/bin/x\nend\n````";
        assert_eq!(written(&gitlab(), code), expected);
    }

    /// S-24
    #[test]
    fn links_lead_to_the_web_without_leaving_traces() {
        let link = |url: &str| Block::Paragraph(vec![Inline::Link(Link { text: "a]b".into(), url: url.into() })]);
        for (flavor, url, expected) in [
            (github(), "https://example.com/x_(y)", r"[a\]b](https://example.com/x_%28y%29)"),
            (github(), "javascript:alert(1)", r"a\]b (`javascript:alert(1)`)"),
            (
                github(),
                "https://github.com/acme/app/issues/1",
                r"[a\]b](https://redirect.github.com/acme/app/issues/1)",
            ),
            (gitlab(), "https://gitlab.example.com/a/-/issues/1", r"a\]b (`https://gitlab.example.com/a/-/issues/1`)"),
        ] {
            assert_eq!(written(&flavor, link(url)), expected, "{url}");
        }
    }

    #[test]
    fn writes_tables_lists_and_code() {
        let table = Block::Table {
            header: vec!["Field".into(), "Value".into()],
            rows: vec![vec![vec![plain("a|b\nc")], vec![Inline::Code("x|`y".into())]], vec![vec![plain("alone")]]],
        };
        let expected = "| Field | Value |\n| --- | --- |\n| a\\|b c | ``x\\|`y`` |\n| alone |  |";
        assert_eq!(written(&github(), table), expected);
        let list =
            Block::List { ordered: true, items: vec![vec![plain("one\ntwo")], vec![Inline::Strong("b*".into())]] };
        assert_eq!(written(&github(), list), "1. one two\n2. **b\\***");
        let code = Block::Code { language: Some("Java".into()), text: "int a;\n".into() };
        assert_eq!(written(&github(), code), "```java\nint a;\n```");
    }

    /// S-24: the marker and the way back survive any length, and the limit holds.
    #[test]
    fn cuts_at_the_limit_and_keeps_the_marker_and_the_way_back() {
        let marker = Marker::of(TicketId(Uuid::nil()));
        for flavor in [github(), Flavor { limit: 100_000, ..gitlab() }] {
            let mut document = Document::plain("First.").linked("Patchbay", "https://patchbay.example/o/1");
            document.push(Block::Code { language: None, text: "é`@x\n".repeat(30_000) });
            document.push(paragraph("Last."));
            let body = flavor.ticket(&document, &marker);
            let length = flavor.measure.of(&body);
            assert!((flavor.limit - 20..=flavor.limit).contains(&length), "{length} of {}", flavor.limit);
            let end = format!("{CUT_NOTE}\n\n[Patchbay](https://patchbay.example/o/1)\n\n{}", marker.to_html_comment());
            assert!(body.ends_with(&end), "{}", &body[body.len() - 300..]);
            assert!(!body.contains("Last."));
            assert_eq!(Marker::in_body(&body), Some(marker.clone()));
        }
    }

    /// What a reader of Markdown makes of a text: its words, or the first thing that is more than words.
    fn read_back(markdown: &str) -> Result<String, String> {
        use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
        let mut words = String::new();
        for event in Parser::new_ext(markdown, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
            match event {
                Event::Text(text) => words.push_str(&text),
                Event::HardBreak => words.push('\n'),
                Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                other => return Err(format!("{other:?} in {markdown:?}")),
            }
        }
        Ok(words.replace(ZERO_WIDTH_SPACE, ""))
    }

    proptest::proptest! {
        /// S-24: whatever a scanner says, a reader of Markdown sees these words and nothing else.
        #[test]
        fn any_text_is_read_back_as_the_same_words(
            text in r"([*_~`$^|]{1,3}|[\[\](){}<>!#&\\:@.=+/-]|[a1é]|[ \n]|/close|https://|GH-1){0,30}",
        ) {
            for flavor in [github(), gitlab()] {
                let body = written(&flavor, paragraph(&text));
                proptest::prop_assert_eq!(read_back(&body), Ok(lines(&text).join("\n")));
            }
        }

        /// S-24: nothing leaves a block of code.
        #[test]
        fn any_code_stays_in_its_block(text in r"(`{1,4}|~{3}|/close|[a-b \n<>]){1,30}") {
            let body = written(&gitlab(), Block::Code { language: None, text: text.clone() });
            let blocks = crate::trackers::markup::read::markdown_blocks(&body);
            let kept = match blocks.as_slice() {
                [] => String::new(),
                [Block::Code { text, .. }] => text.replace(ZERO_WIDTH_SPACE, ""),
                more => format!("{more:?}"),
            };
            proptest::prop_assert_eq!(kept.trim_end(), text.trim_end());
        }
    }
}
