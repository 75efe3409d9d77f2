//! The model of a ticket's text: structure by us, text by strangers.

use serde::{Deserialize, Serialize};

/// The text of a ticket or comment, before it is written in a tracker's markup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Document {
    /// The blocks, the most important first: what does not fit is cut from the end.
    pub blocks: Vec<Block>,
    /// Where the subject lives in Patchbay; written last and never cut.
    pub link_back: Option<Link>,
}

/// One block of text. Every string in it is untrusted and escaped when written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(String),
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A list; `ordered` ones are numbered.
    List {
        /// Numbered instead of bulleted.
        ordered: bool,
        /// One line each.
        items: Vec<Vec<Inline>>,
    },
    /// A table. Rows may be shorter than the header.
    Table {
        /// The names of the columns.
        header: Vec<String>,
        /// The cells, row by row.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// Preformatted text; `language` only where it is a known one.
    Code {
        /// The language to highlight, as scanners and fences name it.
        language: Option<String>,
        /// The code.
        text: String,
    },
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Plain text; line breaks in it are kept where the block allows them.
    Text(String),
    /// Emphasised text.
    Strong(String),
    /// A name from code: a path, a package, an identifier.
    Code(String),
    /// A link. Other schemes than http and https are written as text.
    Link(Link),
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// What to show.
    pub text: String,
    /// Where it leads.
    pub url: String,
}

impl Document {
    /// A document of plain text: blank lines part paragraphs.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { blocks: plain_blocks(text), link_back: None }
    }

    /// The same document, ending with a link back to Patchbay.
    #[must_use]
    pub fn linked(mut self, text: impl Into<String>, url: impl Into<String>) -> Self {
        self.link_back = Some(Link { text: text.into(), url: url.into() });
        self
    }

    /// Adds a block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }
}

/// Paragraphs of plain text.
#[must_use]
pub fn plain_blocks(text: &str) -> Vec<Block> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| Block::Paragraph(vec![Inline::Text(paragraph.to_owned())]))
        .collect()
}
