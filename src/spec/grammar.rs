//! The pest grammar, and its results as types of our own. No other file sees a type of pest.

use std::ops::Range;

use pest::{Parser, iterators::Pair};

/// The generated parser. The derive makes public items without docs.
#[allow(missing_docs, unreachable_pub, clippy::pedantic)]
mod generated {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/tasks.pest"]
    pub struct TasksParser;
}

use generated::{Rule, TasksParser};

/// The shape of an id. Some shapes are surely ids, others may be words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IdShape {
    /// `1.1`
    Dotted,
    /// `1`
    Number,
    /// `T001`
    LetterT,
    /// `PR-29.1`
    Prefixed,
    /// `fix-ci-tests-1`
    Slug,
    /// `#12`; the id is the number.
    Hash,
}

/// An id at the head of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdToken {
    /// Its range in the line.
    pub(crate) span: Range<usize>,
    pub(crate) shape: IdShape,
    /// A word like "Task" precedes it.
    pub(crate) word: bool,
    /// `.`, `:`, `)` or another separator follows it.
    pub(crate) closed: bool,
    /// A dot follows it, which is not part of it.
    pub(crate) dot: bool,
    /// Bold or strike was opened before it and not closed after it.
    pub(crate) deco: bool,
    /// A check sign stands next to it.
    pub(crate) checked: bool,
}

/// A list item with a box, or a numbered line. Ranges and offsets are bytes of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListItem {
    /// The line starts with a bullet or a list number.
    pub(crate) bullet: bool,
    /// The number of the list in `3. [ ] title`.
    pub(crate) list_number: Option<Range<usize>>,
    /// The text between the brackets; `None` for a numbered line without a box.
    pub(crate) mark: Option<Range<usize>>,
    /// No known mark is between the brackets.
    pub(crate) strange: bool,
    /// Kiro's star.
    pub(crate) star: bool,
    /// A second box follows the first.
    pub(crate) two_boxes: bool,
    /// `1)` without a box.
    pub(crate) paren: bool,
    /// The id, if the text starts with one.
    pub(crate) id: Option<IdToken>,
    /// Where the title starts if the id counts.
    pub(crate) title: usize,
    /// Where the text starts after the box, id included.
    pub(crate) text: usize,
}

/// A heading line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// The number of `#`, from 1 to 6.
    pub(crate) level: usize,
    /// The text between the brackets, if the heading has a box.
    pub(crate) mark: Option<Range<usize>>,
    /// Kiro's star.
    pub(crate) star: bool,
    /// The id, if the text starts with one.
    pub(crate) id: Option<IdToken>,
    /// Where the title starts if the id counts.
    pub(crate) title: usize,
    /// Where the text starts, id included.
    pub(crate) text: usize,
}

fn span(pair: &Pair<'_, Rule>) -> Range<usize> {
    let s = pair.as_span();
    s.start()..s.end()
}

/// The head of a task while its parts come in: decoration, word, id, separator.
#[derive(Default)]
struct TaskHead {
    text: Option<usize>,
    deco: bool,
    deco_start: Option<usize>,
    check: bool,
    word: Option<usize>,
    id: Option<IdToken>,
}

impl TaskHead {
    /// A star after the id closes it, as a dot would.
    fn starred(&mut self) {
        if let Some(id) = &mut self.id {
            id.closed = true;
        }
    }

    /// Takes in a part of the head; other parts of the line change nothing.
    fn take(&mut self, pair: &Pair<'_, Rule>) {
        let s = span(pair);
        let shape = match pair.as_rule() {
            Rule::deco | Rule::deco_bold => {
                let text = pair.as_str();
                self.deco = text.contains("**") || text.contains("~~");
                self.check = has_check(text);
                self.deco_start = Some(s.start);
                return;
            }
            Rule::word => {
                self.word = Some(s.start);
                return;
            }
            Rule::sep | Rule::sep_bold | Rule::list_sep => {
                let text = pair.as_str();
                if let Some(id) = &mut self.id {
                    id.closed = !text.is_empty();
                    id.dot = text.starts_with('.');
                    id.deco &= !(text.contains("**") || text.contains("~~"));
                    id.checked |= has_check(text);
                }
                return;
            }
            Rule::id_hash => {
                let number = pair.clone().into_inner().next().map_or(s.clone(), |number| span(&number));
                self.text = self.deco_start.or(Some(s.start));
                self.id = Some(IdToken {
                    span: number,
                    shape: IdShape::Hash,
                    word: false,
                    closed: false,
                    dot: false,
                    deco: self.deco,
                    checked: self.check,
                });
                return;
            }
            Rule::id_dotted => IdShape::Dotted,
            Rule::id_number => IdShape::Number,
            Rule::id_letter_t => IdShape::LetterT,
            Rule::id_prefixed => IdShape::Prefixed,
            Rule::id_slug => IdShape::Slug,
            _ => return,
        };
        self.text = self.deco_start.or(self.word).or(Some(s.start));
        let word = self.word.is_some();
        self.id = Some(IdToken {
            span: s,
            shape,
            word,
            closed: false,
            dot: false,
            deco: self.deco,
            checked: self.check,
        });
    }
}

fn has_check(text: &str) -> bool {
    text.contains(['✅', '✓', '✔', '☑'])
}

/// Parses a line as a list item, with a box or a number.
pub(crate) fn item(line: &str) -> Option<ListItem> {
    let pair = TasksParser::parse(Rule::item, line).ok()?.next()?;
    let end = pair.as_span().end();
    let mut item = ListItem {
        bullet: false,
        list_number: None,
        mark: None,
        strange: false,
        star: false,
        two_boxes: false,
        paren: false,
        id: None,
        title: end,
        text: end,
    };
    let mut head = TaskHead::default();
    for p in pair.into_inner() {
        match p.as_rule() {
            Rule::bullet => item.bullet = true,
            Rule::list_number => {
                item.bullet = true;
                item.list_number = Some(span(&p));
            }
            Rule::mark => item.mark = Some(span(&p)),
            Rule::strange => (item.mark, item.strange) = (Some(span(&p)), true),
            Rule::star => {
                item.star = true;
                head.starred();
            }
            Rule::inner_box => item.two_boxes = true,
            rule => {
                item.paren |= rule == Rule::list_sep && p.as_str().starts_with(')');
                head.take(&p);
            }
        }
    }
    item.text = head.text.unwrap_or(end);
    item.id = head.id;
    Some(item)
}

/// Parses a line as a heading.
pub(crate) fn heading(line: &str) -> Option<Heading> {
    let pair = TasksParser::parse(Rule::heading, line).ok()?.next()?;
    let end = pair.as_span().end();
    let mut heading = Heading { level: 0, mark: None, star: false, id: None, title: end, text: end };
    let mut head = TaskHead::default();
    for p in pair.into_inner() {
        match p.as_rule() {
            Rule::hashes => heading.level = p.as_str().len(),
            Rule::mark => heading.mark = Some(span(&p)),
            Rule::star => {
                heading.star = true;
                head.starred();
            }
            _ => head.take(&p),
        }
    }
    heading.text = head.text.unwrap_or(end);
    heading.id = head.id;
    Some(heading)
}

/// The range of an italic pair's key, and where its value starts; `None` if the line is not such a pair.
pub(crate) type MetadataHead = Option<(Range<usize>, usize)>;

/// Parses a line as an italic pair: `- _Requirements: 1.1_`.
pub(crate) fn meta(line: &str) -> MetadataHead {
    let pair = TasksParser::parse(Rule::meta, line).ok()?.next()?;
    let end = pair.as_span().end();
    let key = pair.into_inner().find(|p| p.as_rule() == Rule::meta_key)?;
    Some((span(&key), end))
}

/// The cells of a table row: their ranges, trimmed.
pub(crate) fn row(line: &str) -> Vec<Range<usize>> {
    let Some(pair) = TasksParser::parse(Rule::row, line).ok().and_then(|mut p| p.next()) else {
        return Vec::new();
    };
    let mut cells: Vec<Range<usize>> = pair
        .into_inner()
        .map(|p| {
            let s = span(&p);
            let text = p.as_str();
            let lead = text.len() - text.trim_start().len();
            s.start + lead..s.start + lead + text.trim().len()
        })
        .collect();
    // The bar that closes the row does not open a cell.
    if cells.last().is_some_and(Range::is_empty) {
        cells.pop();
    }
    cells
}

/// One entry of a dependency list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyItem {
    /// The range of the id.
    pub(crate) span: Range<usize>,
    /// The last id of a range like `Task 1-9`.
    pub(crate) to: Option<Range<usize>>,
    /// This is surely an id: a word like "Task" precedes it, brackets enclose it, or prose does not have its shape.
    pub(crate) sure: bool,
}

/// What a dependency list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DependencyList {
    /// "None".
    None,
    /// The ids, and where the list ends.
    Items(Vec<DependencyItem>, usize),
}

/// Parses the list at the start of a text.
pub(crate) fn dependency(text: &str) -> Option<DependencyList> {
    let pair = TasksParser::parse(Rule::dependency, text).ok()?.next()?;
    let end = pair.as_span().end();
    let mut items = Vec::new();
    let mut listed = false;
    for p in pair.into_inner() {
        if p.as_rule() == Rule::dep_none {
            return Some(DependencyList::None);
        }
        if p.as_rule() != Rule::dep_item {
            continue;
        }
        let bracket = p.as_str().starts_with('[');
        let mut item = DependencyItem { span: 0..0, to: None, sure: bracket };
        for part in p.into_inner() {
            match part.as_rule() {
                Rule::dep_word => {
                    item.sure = true;
                    listed = true;
                }
                Rule::dep_id => {
                    item.span = span(&part);
                    item.sure |=
                        listed || part.as_str().contains(|c: char| c == '.' || c.is_ascii_uppercase());
                }
                Rule::dep_last => item.to = Some(span(&part)),
                _ => {}
            }
        }
        items.push(item);
    }
    (!items.is_empty()).then_some(DependencyList::Items(items, end))
}

/// Parses the legend entry at the start of a text: the mark, and the words that explain it.
pub(crate) fn legend(text: &str) -> Option<(&str, &str)> {
    let pair = TasksParser::parse(Rule::legend, text).ok()?.next()?;
    let mut inner = pair.into_inner();
    Some((inner.next()?.as_str(), inner.next()?.as_str().trim()))
}
