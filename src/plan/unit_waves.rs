//! The waves of a dependency graph as an order of units.
//!
//! A wave comes before the next one, but the next one does not depend on it: if a wave fails, only the tasks that name it
//! as a dependency wait. A task that the graph leaves out (usually a checkpoint) comes after everything before it in the
//! document.

use super::leaf_states::LeafStates;
use super::step::PlanNote;
use super::unit_tree::UnitTree;

/// Where the waves put each unit.
#[derive(Debug, Default)]
pub(super) struct UnitWaves {
    /// The number of waves; 0 means that the order of the document counts.
    count: usize,
    /// Per node: its wave, from 1; without an own one, that of the nearest node above.
    of: Vec<Option<usize>>,
    /// Per unit: the first and the last wave of its open leaves.
    spans: Vec<Option<(usize, usize)>>,
    /// Per unit: its place in the order.
    ranks: Vec<usize>,
}

impl UnitWaves {
    pub(super) fn new(tree: &UnitTree<'_>, leaves: &LeafStates, waves: &[Vec<String>]) -> Self {
        let mut of: Vec<Option<usize>> = vec![None; tree.nodes.len()];
        for (index, wave) in waves.iter().enumerate() {
            for node in wave.iter().filter_map(|id| tree.find(id)) {
                // If two waves name it, the first one counts.
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

    /// The place of a unit, if no dependency moves it back.
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

    /// `wave 2 of 9` or `waves 1 to 3 of 9`; `None` if the graph does not name the unit.
    pub(super) fn reason(&self, unit: usize) -> Option<String> {
        let (first, last) = *self.spans.get(unit)?.as_ref()?;
        Some(if first == last {
            format!("wave {first} of {}", self.count)
        } else {
            format!("waves {first} to {last} of {}", self.count)
        })
    }

    /// A note if whole units cannot follow the waves, since those alternate between units.
    pub(super) fn note(&self, tree: &UnitTree<'_>, line: usize) -> Option<PlanNote> {
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
                    "the waves alternate between {} and {}, but a unit runs as a whole: \
                     run.granularity = \"task\" follows them exactly",
                    id(other),
                    id(unit)
                );
                return Some(PlanNote { line, message });
            }
            if last > reach {
                (reach, before) = (last, Some(unit));
            }
        }
        None
    }
}
