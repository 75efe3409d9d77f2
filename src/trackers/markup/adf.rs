//! Atlassian Document Format, version 1, as Jira Cloud reads it.
//!
//! Text in ADF is data: no mention, macro or link arises from it. What must hold: no text node is empty, a code mark
//! stands alone or with a link, and a code block holds text without marks.

use serde_json::{Value, json};

use super::document::{Block, Document, Inline, Link};
use super::fit::{CUT_NOTE, fit};
use super::text::{Measure, clean, lines, link_target, one_line, visible_marker};

/// The longest text, in UTF-16 units. Jira does not say how it counts nodes, so each is charged for.
const LIMIT: usize = 32_767;
/// What a node is charged beyond its text: more than its worth in any other notation.
const NODE_COST: usize = 4;

/// The description of a ticket.
#[must_use]
pub fn ticket(document: &Document) -> Value {
    write(document, None)
}

/// A comment; its marker stands in a last, short line.
#[must_use]
pub fn comment(document: &Document, marker: &str) -> Value {
    write(document, Some(marker))
}

fn write(document: &Document, marker: Option<&str>) -> Value {
    let mut footer = Vec::new();
    footer.extend(document.link_back.as_ref().map(|link| paragraph(inline(&Inline::Link(link.clone())))));
    footer.extend(marker.map(|marker| paragraph(vec![text(&visible_marker(marker), &[])])));
    let room = LIMIT.saturating_sub(footer.iter().map(cost).sum());
    let size = |block: &Block| node(block).as_ref().map_or(0, cost);
    let (blocks, cut) = match fit(&document.blocks, room, size) {
        (blocks, false) => (blocks, false),
        (_, true) => fit(&document.blocks, room.saturating_sub(CUT_NOTE.len() + 2 * NODE_COST), size),
    };
    let mut content: Vec<Value> = blocks.iter().filter_map(node).collect();
    if cut {
        content.push(paragraph(vec![text(CUT_NOTE, &[json!({"type": "em"})])]));
    }
    content.extend(footer);
    json!({"type": "doc", "version": 1, "content": content})
}

/// What a node takes of the limit.
fn cost(node: &Value) -> usize {
    let own = node.get("text").and_then(Value::as_str).map_or(0, |text| Measure::Utf16.of(text));
    let marks = node.pointer("/marks/0/attrs/href").and_then(Value::as_str).map_or(0, str::len);
    let inner = node.get("content").and_then(Value::as_array).map_or(0, |nodes| nodes.iter().map(cost).sum());
    own + marks + inner + NODE_COST
}

fn node(block: &Block) -> Option<Value> {
    match block {
        Block::Heading(title) => {
            let title = one_line(title);
            let content = [text(&title, &[])];
            (!title.is_empty()).then(|| json!({"type": "heading", "attrs": {"level": 3}, "content": content}))
        }
        Block::Paragraph(parts) => Some(line(parts)).filter(|line| !line.is_empty()).map(paragraph),
        Block::List { ordered, items } => list(*ordered, items),
        Block::Table { header, rows } => table(header, rows),
        Block::Code { language, text } => code_block(language.as_deref(), text),
    }
}

fn text(text: &str, marks: &[Value]) -> Value {
    if marks.is_empty() {
        json!({"type": "text", "text": text})
    } else {
        json!({"type": "text", "text": text, "marks": marks})
    }
}

fn paragraph(content: Vec<Value>) -> Value {
    json!({"type": "paragraph", "content": content})
}

fn line(parts: &[Inline]) -> Vec<Value> {
    parts.iter().flat_map(inline).collect()
}

fn inline(part: &Inline) -> Vec<Value> {
    match part {
        Inline::Text(content) => broken_text(content),
        Inline::Strong(content) => marked(&one_line(content), json!({"type": "strong"})),
        Inline::Code(content) => marked(&one_line(content), json!({"type": "code"})),
        Inline::Link(Link { text, url }) => link(&one_line(text), url),
    }
}

fn marked(content: &str, mark: Value) -> Vec<Value> {
    if content.is_empty() { Vec::new() } else { vec![text(content, &[mark])] }
}

fn link(shown: &str, url: &str) -> Vec<Value> {
    match link_target(url) {
        Some(target) => {
            let shown = if shown.is_empty() { &target } else { shown };
            vec![text(shown, &[json!({"type": "link", "attrs": {"href": target}})])]
        }
        None => {
            marked(&one_line(url), json!({"type": "code"})).into_iter().fold(broken_text(shown), |mut nodes, node| {
                nodes.extend([text(" ", &[]), node]);
                nodes
            })
        }
    }
}

/// Text of several lines, with the space at its edges that parts it from its neighbours.
fn broken_text(content: &str) -> Vec<Value> {
    let content = clean(content);
    let mut written = lines(&content);
    if written.is_empty() {
        return if content.is_empty() { Vec::new() } else { vec![text(" ", &[])] };
    }
    let last = written.len() - 1;
    if content.starts_with(char::is_whitespace) {
        written[0].insert(0, ' ');
    }
    if content.ends_with(char::is_whitespace) {
        written[last].push(' ');
    }
    let mut nodes = Vec::new();
    for (n, line) in written.iter().enumerate() {
        if n > 0 {
            nodes.push(json!({"type": "hardBreak"}));
        }
        nodes.push(text(line, &[]));
    }
    nodes
}

fn list(ordered: bool, items: &[Vec<Inline>]) -> Option<Value> {
    let items: Vec<Value> = items
        .iter()
        .map(|item| line(item))
        .filter(|item| !item.is_empty())
        .map(|item| json!({"type": "listItem", "content": [paragraph(item)]}))
        .collect();
    let kind = if ordered { "orderedList" } else { "bulletList" };
    (!items.is_empty()).then(|| json!({"type": kind, "content": items}))
}

fn table(header: &[String], rows: &[Vec<Vec<Inline>>]) -> Option<Value> {
    if header.is_empty() || rows.is_empty() {
        return None;
    }
    let head = header.iter().map(|name| cell("tableHeader", inline(&Inline::Text(one_line(name)))));
    let mut content = vec![json!({"type": "tableRow", "content": head.collect::<Vec<_>>()})];
    for cells in rows {
        let cells =
            (0..header.len()).map(|n| cell("tableCell", cells.get(n).map(|parts| line(parts)).unwrap_or_default()));
        content.push(json!({"type": "tableRow", "content": cells.collect::<Vec<_>>()}));
    }
    Some(json!({"type": "table", "content": content}))
}

fn cell(kind: &str, content: Vec<Value>) -> Value {
    json!({"type": kind, "attrs": {}, "content": [paragraph(content)]})
}

fn code_block(language: Option<&str>, content: &str) -> Option<Value> {
    let content = clean(content);
    let content = content.trim_end();
    let is_name =
        |name: &&str| !name.is_empty() && name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let attributes = language.filter(is_name).map_or_else(|| json!({}), |name| json!({"language": name}));
    (!content.trim().is_empty())
        .then(|| json!({"type": "codeBlock", "attrs": attributes, "content": [text(content, &[])]}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(blocks: Vec<Block>) -> Value {
        ticket(&Document { blocks, link_back: None })["content"].clone()
    }

    fn plain(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    /// S-24
    #[test]
    fn keeps_hostile_text_as_text_and_has_no_empty_nodes() {
        let hostile = "[~admin] {panel} @team\n\n<b>\u{0}";
        let written = of(vec![Block::Paragraph(vec![plain(hostile), plain(""), Inline::Code(String::new())])]);
        let expected = json!([{"type": "paragraph", "content": [
            {"type": "text", "text": "[~admin] {panel} @team"}, {"type": "hardBreak"}, {"type": "text", "text": "<b>"}]}]);
        assert_eq!(written, expected);
        let empty = vec![
            Block::Heading(" ".into()),
            Block::Paragraph(vec![plain("")]),
            Block::List { ordered: false, items: vec![vec![plain("")]] },
            Block::Table { header: vec!["a".into()], rows: vec![] },
            Block::Code { language: None, text: "\n".into() },
        ];
        assert_eq!(of(empty), json!([]));
    }

    /// S-24
    #[test]
    fn drops_script_links_and_keeps_their_text() {
        let link = Inline::Link(Link { text: "see".into(), url: "javascript:alert(1)".into() });
        let expected = json!([{"type": "paragraph", "content": [
            {"type": "text", "text": "see"}, {"type": "text", "text": " "},
            {"type": "text", "text": "javascript:alert(1)", "marks": [{"type": "code"}]}]}]);
        assert_eq!(of(vec![Block::Paragraph(vec![link])]), expected);
    }

    /// S-24
    #[test]
    fn cuts_at_the_limit_and_keeps_the_way_back() {
        let long = Document::plain(&"𝄞 words ".repeat(60_000)).linked("Patchbay", "https://patchbay.example/o/1");
        let written = ticket(&long);
        let content = written["content"].as_array().unwrap();
        assert_eq!(content.len(), 3);
        assert_eq!(content[1]["content"][0]["text"], CUT_NOTE);
        assert_eq!(content[2]["content"][0]["marks"][0]["attrs"]["href"], "https://patchbay.example/o/1");
        let total: usize = content.iter().map(cost).sum();
        assert!((LIMIT - 100..=LIMIT).contains(&total), "{total}");
    }
}
