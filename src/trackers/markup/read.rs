//! Markdown as scanners write it, read into our own blocks.
//!
//! Only what our model knows survives: headings, paragraphs, lists (nested ones flattened), tables, code and links.
//! Raw HTML becomes text, images become links. Nothing is trusted: the writers escape it all again.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::document::{Block, Inline, Link};

/// The blocks of a Markdown text.
#[must_use]
pub fn markdown_blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.take(event);
    }
    reader.flush_paragraph();
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    line: Vec<Inline>,
    link: Option<Link>,
    is_strong: bool,
    code: Option<(Option<String>, String)>,
    lists: Vec<bool>,
    items: Vec<Vec<Inline>>,
    table: Option<Table>,
}

#[derive(Default)]
struct Table {
    header: Vec<String>,
    row: Vec<Vec<Inline>>,
    rows: Vec<Vec<Vec<Inline>>>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => self.push(Inline::Code(text.into_string())),
            Event::SoftBreak | Event::HardBreak => self.text("\n"),
            Event::Rule => self.flush_paragraph(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(text);
        } else if let Some(link) = &mut self.link {
            link.text.push_str(text);
        } else if self.is_strong {
            self.push(Inline::Strong(text.to_owned()));
        } else if let Some(Inline::Text(before)) = self.line.last_mut() {
            before.push_str(text);
        } else {
            self.push(Inline::Text(text.to_owned()));
        }
    }

    fn push(&mut self, part: Inline) {
        match (&mut self.link, part) {
            (Some(link), Inline::Code(text) | Inline::Text(text) | Inline::Strong(text)) => link.text.push_str(&text),
            (_, part) => self.line.push(part),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(Link { text: String::new(), url: dest_url.into_string() });
            }
            Tag::Strong => self.is_strong = true,
            Tag::CodeBlock(kind) => {
                self.end_of_text();
                let language = match kind {
                    CodeBlockKind::Fenced(name) => name.split_whitespace().next().map(str::to_owned),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                self.end_of_text();
                self.lists.push(first.is_some());
            }
            Tag::Table(_) => {
                self.end_of_text();
                self.table = Some(Table::default());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image => {
                let link = self.link.take().map(Inline::Link);
                self.line.extend(link);
            }
            TagEnd::Strong => self.is_strong = false,
            TagEnd::Heading(_) => {
                let title = std::mem::take(&mut self.line).iter().map(shown).collect();
                self.blocks.push(Block::Heading(title));
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::HtmlBlock => self.end_of_text(),
            TagEnd::CodeBlock => {
                let code = self.code.take().map(|(language, text)| Block::Code { language, text });
                self.flush_list();
                self.blocks.extend(code);
            }
            TagEnd::List(_) => self.end_list(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::TableHead => self.end_table_head(),
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(std::mem::take(&mut table.row));
                }
            }
            TagEnd::Table => {
                let table = self.table.take().map(|table| Block::Table { header: table.header, rows: table.rows });
                self.blocks.extend(table);
            }
            _ => {}
        }
    }

    fn end_of_text(&mut self) {
        if self.lists.is_empty() {
            self.flush_paragraph();
        } else if !self.line.is_empty() {
            self.items.push(std::mem::take(&mut self.line));
        }
    }

    fn flush_paragraph(&mut self) {
        if !self.line.is_empty() {
            self.blocks.push(Block::Paragraph(std::mem::take(&mut self.line)));
        }
    }

    /// The items so far become a list, so that what interrupts it stands in its place.
    fn flush_list(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            let ordered = self.lists.first().copied().unwrap_or_default();
            self.blocks.push(Block::List { ordered, items });
        }
    }

    fn end_list(&mut self) {
        if self.lists.len() == 1 {
            self.flush_list();
        }
        self.lists.pop();
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.line);
        if let Some(table) = &mut self.table {
            table.row.push(cell);
        }
    }

    fn end_table_head(&mut self) {
        if let Some(table) = &mut self.table {
            table.header = std::mem::take(&mut table.row).iter().map(|cell| cell.iter().map(shown).collect()).collect();
        }
    }
}

fn shown(part: &Inline) -> &str {
    match part {
        Inline::Text(text) | Inline::Strong(text) | Inline::Code(text) | Inline::Link(Link { text, .. }) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn reads_the_blocks_that_scanners_write() {
        let source = "# Title `x`\n\nSome **bold** and [a link](https://example.com).\nNext line\n\n\
            1. one\n   - inner\n2. two\n\n```java\nint a;\n```\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n<script>x</script>\n";
        let link = Inline::Link(Link { text: "a link".into(), url: "https://example.com".into() });
        let expected = vec![
            Block::Heading("Title x".into()),
            Block::Paragraph(vec![
                text("Some "),
                Inline::Strong("bold".into()),
                text(" and "),
                link,
                text(".\nNext line"),
            ]),
            Block::List { ordered: true, items: vec![vec![text("one")], vec![text("inner")], vec![text("two")]] },
            Block::Code { language: Some("java".into()), text: "int a;\n".into() },
            Block::Table {
                header: vec!["a".into(), "b".into()],
                rows: vec![vec![vec![text("1")], vec![Inline::Code("2".into())]]],
            },
            Block::Paragraph(vec![text("<script>x</script>\n")]),
        ];
        assert_eq!(markdown_blocks(source), expected);
    }

    #[test]
    fn survives_what_is_no_markdown() {
        for source in ["", "```", "[", "| a |", "> > > x", "- ", "![", "1. ```\nx"] {
            let _ = markdown_blocks(source);
        }
        let deep = "> ".repeat(20_000);
        assert!(markdown_blocks(&deep).is_empty());
    }
}
