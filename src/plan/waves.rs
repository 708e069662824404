//! The waves of a dependency graph as an order of units.
//!
//! A wave comes before the next one: that is order, not need, so a wave that fails holds up nothing but what depends on
//! it by name. What the graph leaves out (checkpoints, as a rule) stays behind all that stands before it in the document.

use super::select::Leaves;
use super::step::Note;
use super::tree::Tree;

/// Where the waves put each unit.
#[derive(Debug, Default)]
pub(super) struct Waves {
    /// How many there are; 0: the document's order is the order.
    count: usize,
    /// Per node: its wave, from 1, its own or the one of the nearest node above that has one.
    of: Vec<Option<usize>>,
    /// Per unit: the first and the last wave of its open leaves.
    spans: Vec<Option<(usize, usize)>>,
    /// Per unit: its place.
    ranks: Vec<usize>,
}

impl Waves {
    pub(super) fn new(tree: &Tree<'_>, leaves: &Leaves, waves: &[Vec<String>]) -> Self {
        let mut of: Vec<Option<usize>> = vec![None; tree.nodes.len()];
        for (index, wave) in waves.iter().enumerate() {
            for node in wave.iter().filter_map(|id| tree.find(id)) {
                // Named twice: the first one counts.
                of[node].get_or_insert(index + 1);
            }
        }
        if of.iter().all(Option::is_none) {
            return Self { ranks: (0..tree.units.len()).collect(), ..Self::default() };
        }
        for &at in &tree.walk {
            of[at] = of[at].or_else(|| tree.nodes[at].parent.and_then(|up| of[up]));
        }
        let mut spans = Vec::with_capacity(tree.units.len());
        let mut keys = Vec::with_capacity(tree.units.len());
        let mut latest = 0;
        for unit in &tree.units {
            let span = |all: bool| {
                let leaves = unit.leaves.iter().filter(|&&leaf| all || leaves.is_open(leaf));
                leaves.filter_map(|&leaf| of[leaf]).fold(None, |span: Option<(usize, usize)>, wave| {
                    Some(span.map_or((wave, wave), |(first, last)| (first.min(wave), last.max(wave))))
                })
            };
            let open = span(false);
            latest = latest.max(span(true).map_or(0, |(_, last)| last));
            keys.push(open.unwrap_or((latest, latest)));
            spans.push(open);
        }
        let mut order: Vec<usize> = (0..tree.units.len()).collect();
        order.sort_by_key(|&unit| keys[unit]);
        let mut ranks = vec![0; order.len()];
        for (rank, &unit) in order.iter().enumerate() {
            ranks[unit] = rank;
        }
        Self { count: waves.len(), of, spans, ranks }
    }

    /// Where a unit comes, as far as nothing that it needs holds it up.
    pub(super) fn rank(&self, unit: usize) -> usize {
        self.ranks[unit]
    }

    /// The waves of a unit's open leaves, in order.
    pub(super) fn within(&self, open: &[usize]) -> Vec<usize> {
        let mut waves: Vec<usize> = open.iter().filter_map(|&leaf| *self.of.get(leaf)?).collect();
        waves.sort_unstable();
        waves.dedup();
        waves
    }

    /// `wave 2 of 9`, `waves 1 to 3 of 9`; nothing where the graph does not name the unit.
    pub(super) fn reason(&self, unit: usize) -> Option<String> {
        let (first, last) = *self.spans.get(unit)?.as_ref()?;
        Some(if first == last {
            format!("wave {first} of {}", self.count)
        } else {
            format!("waves {first} to {last} of {}", self.count)
        })
    }

    /// A note where whole units cannot follow the waves, since those go back and forth between them.
    pub(super) fn note(&self, tree: &Tree<'_>, line: usize) -> Option<Note> {
        let mut units: Vec<(usize, usize, usize)> = self
            .spans
            .iter()
            .enumerate()
            .filter_map(|(unit, span)| span.map(|(first, last)| (first, last, unit)))
            .collect();
        units.sort_unstable();
        let mut reach = 0;
        let mut before = None;
        for &(first, last, unit) in &units {
            if reach > first
                && let Some(other) = before
            {
                let id = |unit: usize| tree.nodes[tree.units[unit].node].id.as_str();
                let message = format!(
                    "the waves go back and forth between {} and {}, and a unit runs as a whole: \
                     run.granularity = \"task\" follows them exactly",
                    id(other),
                    id(unit)
                );
                return Some(Note { line, message });
            }
            if last > reach {
                (reach, before) = (last, Some(unit));
            }
        }
        None
    }
}
