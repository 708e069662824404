//! PURE. Maps and sets of ids, written in the order of the ids, in which 2 comes before 10.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::spec::compare_ids;

/// A map by id, in the order of the ids when it is written.
#[derive(Debug, Clone, Copy)]
pub struct ById<'a, V>(pub &'a BTreeMap<String, V>);

impl<V: Serialize> Serialize for ById<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries: Vec<(&String, &V)> = self.0.iter().collect();
        entries.sort_by(|(a, _), (b, _)| compare_ids(a, b));
        serializer.collect_map(entries)
    }
}

/// These ids in their order.
#[must_use]
pub fn sorted<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.into_iter().cloned().collect();
    ids.sort_by(|a, b| compare_ids(a, b));
    ids
}

pub(super) fn map<V: Serialize, S: Serializer>(
    map: &BTreeMap<String, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    ById(map).serialize(serializer)
}

pub(super) fn set<S: Serializer>(ids: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(sorted(ids))
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
pub(super) fn some_set<S: Serializer>(
    ids: &Option<BTreeSet<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    ids.as_ref().map(sorted).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::super::run::{OpenRun, Run};
    use super::super::spec_state::SpecState;
    use super::super::testing::at;

    #[test]
    fn a_state_has_its_ids_in_the_order_of_numbers() {
        let ids = || ["10", "2", "1.10", "1.9"].map(str::to_owned);
        let mut state =
            SpecState { skipped: ids().into(), unconfirmed: ids().into(), ..SpecState::default() };
        for id in ids() {
            state.units.entry(id).or_default();
        }
        state.run = Run::Open(OpenRun::new(at(0), ids().into()));
        let value = serde_json::to_value(&state).unwrap();
        let units: Vec<&String> = value["units"].as_object().unwrap().keys().collect();
        let wanted = ["1.9", "1.10", "2", "10"];
        assert_eq!(units, wanted);
        for key in [&value["skipped"], &value["unconfirmed"], &value["run"]["believed"]] {
            assert_eq!(*key, serde_json::json!(wanted));
        }
        assert_eq!(serde_json::from_value::<SpecState>(value).unwrap(), state);
    }
}
