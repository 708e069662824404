//! The pest grammar and the typed form of what it finds. Nothing outside this file sees a pest type.

use std::ops::Range;

use pest::{Parser, iterators::Pair};

/// The generated parser; the derive makes public items without docs.
#[allow(missing_docs, unreachable_pub, clippy::pedantic)]
mod generated {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/tasks.pest"]
    pub struct TasksParser;
}

use generated::{Rule, TasksParser};

/// The shape of an id: how sure it is that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
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
}

/// An id at the head of a text. Ranges are relative to the parsed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdToken {
    /// Where it stands.
    pub(crate) span: Range<usize>,
    /// Its shape.
    pub(crate) shape: Shape,
    /// A word like "Task" stood before it.
    pub(crate) word: bool,
    /// It was followed by `.`, `:`, `)` or the like.
    pub(crate) closed: bool,
    /// It was followed by a dot, which is not part of it.
    pub(crate) dot: bool,
    /// Bold or strike was opened before it and not closed after it.
    pub(crate) deco: bool,
    /// A check sign stood beside it.
    pub(crate) checked: bool,
}

/// A list item with a box, or a numbered line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Bytes before the bullet.
    pub(crate) indent: usize,
    /// It starts with a bullet or a list number.
    pub(crate) bullet: bool,
    /// `3. [ ] title`: the number of the list.
    pub(crate) list_number: Option<Range<usize>>,
    /// Between the brackets; none for a numbered line without box.
    pub(crate) mark: Option<Range<usize>>,
    /// Kiro's star.
    pub(crate) star: bool,
    /// A second box follows the first.
    pub(crate) two_boxes: bool,
    /// `1)` without a box.
    pub(crate) paren: bool,
    /// The id, if the text starts with one.
    pub(crate) id: Option<IdToken>,
    /// Where the title starts when the id is taken.
    pub(crate) title: usize,
    /// Where the text starts after the box.
    pub(crate) text: usize,
}

/// A heading line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// How many `#`.
    pub(crate) level: usize,
    /// Between the brackets, where it carries a box.
    pub(crate) mark: Option<Range<usize>>,
    /// Kiro's star.
    pub(crate) star: bool,
    /// The id, if the text starts with one.
    pub(crate) id: Option<IdToken>,
    /// Where the title starts when the id is taken.
    pub(crate) title: usize,
    /// Where the text starts.
    pub(crate) text: usize,
}

fn span(pair: &Pair<'_, Rule>) -> Range<usize> {
    let s = pair.as_span();
    s.start()..s.end()
}

#[derive(Default)]
struct Head {
    text: Option<usize>,
    end: usize,
    deco: bool,
    deco_start: Option<usize>,
    check: bool,
    word: Option<usize>,
    id: Option<IdToken>,
}

impl Head {
    /// A star behind the id ends it, as a dot would.
    fn starred(&mut self) {
        if let Some(id) = &mut self.id {
            id.closed = true;
        }
    }

    /// Takes a pair of the head; says whether it was one.
    fn take(&mut self, pair: &Pair<'_, Rule>) -> bool {
        let s = span(pair);
        let shape = match pair.as_rule() {
            Rule::deco | Rule::deco_bold => {
                let text = pair.as_str();
                self.deco = text.contains("**") || text.contains("~~");
                self.check = ["✅", "✓", "✔", "☑"].iter().any(|c| text.contains(c));
                self.deco_start = Some(s.start);
                return true;
            }
            Rule::word => {
                self.word = Some(s.start);
                return true;
            }
            Rule::sep | Rule::sep_bold | Rule::list_sep => {
                let text = pair.as_str();
                if let Some(id) = &mut self.id {
                    id.closed = !text.is_empty();
                    id.dot = text.starts_with('.');
                    id.deco &= !(text.contains("**") || text.contains("~~"));
                    id.checked |= ["✅", "✓", "✔", "☑"].iter().any(|c| text.contains(c));
                }
                return true;
            }
            Rule::id_dotted => Shape::Dotted,
            Rule::id_number => Shape::Number,
            Rule::id_letter_t => Shape::LetterT,
            Rule::id_prefixed => Shape::Prefixed,
            Rule::id_slug => Shape::Slug,
            _ => return false,
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
        true
    }
}

/// Parses a line as list item, boxed or numbered.
pub(crate) fn item(line: &str) -> Option<Item> {
    let pair = TasksParser::parse(Rule::item, line).ok()?.next()?;
    let end = pair.as_span().end();
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let mut item = Item {
        indent,
        bullet: false,
        list_number: None,
        mark: None,
        star: false,
        two_boxes: false,
        paren: false,
        id: None,
        title: end,
        text: end,
    };
    let mut head = Head::default();
    for p in pair.into_inner() {
        match p.as_rule() {
            Rule::bullet => item.bullet = true,
            Rule::list_number => {
                item.bullet = true;
                item.list_number = Some(span(&p));
            }
            Rule::mark => item.mark = Some(span(&p)),
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
    head.end = end;
    item.text = head.text.unwrap_or(end);
    item.id = head.id;
    Some(item)
}

/// Parses a line as heading.
pub(crate) fn heading(line: &str) -> Option<Heading> {
    let pair = TasksParser::parse(Rule::heading, line).ok()?.next()?;
    let end = pair.as_span().end();
    let mut heading = Heading { level: 0, mark: None, star: false, id: None, title: end, text: end };
    let mut head = Head::default();
    for p in pair.into_inner() {
        match p.as_rule() {
            Rule::hashes => heading.level = p.as_str().len(),
            Rule::mark => heading.mark = Some(span(&p)),
            Rule::star => {
                heading.star = true;
                head.starred();
            }
            _ => {
                head.take(&p);
            }
        }
    }
    heading.text = head.text.unwrap_or(end);
    heading.id = head.id;
    Some(heading)
}

/// The key of an italic pair, and where its value starts.
pub(crate) type MetaHead = Option<(Range<usize>, usize)>;

/// The italic pair of a line: range of its key, and where its value starts.
pub(crate) fn meta(line: &str) -> MetaHead {
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
    // The bar that closes the row opens no cell.
    if cells.last().is_some_and(Range::is_empty) {
        cells.pop();
    }
    cells
}

/// One entry of a dependency list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DepItem {
    /// Where the id stands.
    pub(crate) span: Range<usize>,
    /// The end of a range, `Task 1-9`.
    pub(crate) to: Option<Range<usize>>,
    /// Surely an id: a word like "Task" before it, brackets around it, or a shape that prose does not have.
    pub(crate) sure: bool,
}

/// What a dependency list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DepList {
    /// "None".
    None,
    /// Ids, and where the list ends.
    Items(Vec<DepItem>, usize),
}

/// Parses the list at the start of a text.
pub(crate) fn dependency(text: &str) -> Option<DepList> {
    let pair = TasksParser::parse(Rule::dependency, text).ok()?.next()?;
    let end = pair.as_span().end();
    let mut items = Vec::new();
    let mut listed = false;
    for p in pair.into_inner() {
        if p.as_rule() == Rule::dep_none {
            return Some(DepList::None);
        }
        if p.as_rule() != Rule::dep_item {
            continue;
        }
        let bracket = p.as_str().starts_with('[');
        let mut item = DepItem { span: 0..0, to: None, sure: bracket };
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
    (!items.is_empty()).then_some(DepList::Items(items, end))
}

/// One entry of a legend at the start of a text: the mark, and the words.
pub(crate) fn legend(text: &str) -> Option<(&str, &str)> {
    let pair = TasksParser::parse(Rule::legend, text).ok()?.next()?;
    let mut inner = pair.into_inner();
    Some((inner.next()?.as_str(), inner.next()?.as_str().trim()))
}
