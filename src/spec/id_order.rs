//! The order of ids for people: numbers count as numbers, so that 10 comes after 9 and 2.10 after 2.9.

use std::cmp::Ordering;

/// Compares two ids part by part: 1, 2, 2.1, 2.9, 2.10, 2b, 10, CORE-2, T004, T10. Numbers come before text, and a
/// parent before its children. Only identical ids are equal: `T4` and `T004` differ in their zeros.
#[must_use]
pub fn compare_ids(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let order = match (next_part(&mut left), next_part(&mut right)) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(&other),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// A run of digits or of other characters. The derived order puts numbers first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum IdPart<'a> {
    /// The count of digits without leading zeros, then the digits: this compares numbers of any length.
    Number(usize, &'a str),
    Text(&'a str),
}

/// Cuts the first part off the rest of an id.
fn next_part<'a>(rest: &mut &'a str) -> Option<IdPart<'a>> {
    let is_number = rest.as_bytes().first()?.is_ascii_digit();
    let end = rest.bytes().position(|b| b.is_ascii_digit() != is_number).unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    *rest = after;
    if !is_number {
        return Some(IdPart::Text(part));
    }
    let digits = part.trim_start_matches('0');
    Some(IdPart::Number(digits.len(), digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_sort_as_numbers() {
        let sorted = [
            "1",
            "2",
            "2.1",
            "2.1.3",
            "2.9",
            "2.10",
            "2b",
            "3",
            "10",
            "10.2",
            "046",
            "46a.1",
            "CORE-2",
            "CORE-10",
            "PR-29P.1",
            "T004",
            "T5",
            "T10",
            "T10-1",
            "box-2",
            "box-10",
            "fix-this-1",
            "section-2",
        ];
        let mut ids = sorted;
        ids.reverse();
        ids.sort_by(|a, b| compare_ids(a, b));
        assert_eq!(ids, sorted);
    }

    #[test]
    fn numbers_of_any_length_and_odd_text_have_an_order() {
        let sorted =
            ["", "9", "99999999999999999999999", "100000000000000000000000", ".", "é1", "工2", "工10"];
        let mut ids = sorted;
        ids.reverse();
        ids.sort_by(|a, b| compare_ids(a, b));
        assert_eq!(ids, sorted);
    }

    #[test]
    fn ids_that_differ_only_in_zeros_are_not_equal() {
        assert_eq!(compare_ids("T004", "T4"), Ordering::Less);
        assert_eq!(compare_ids("T4", "T004"), Ordering::Greater);
        assert_eq!(compare_ids("1.0", "1.00"), Ordering::Less);
        assert_eq!(compare_ids("T004", "T004"), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn the_order_is_total(ids in proptest::collection::vec("([0-9]{1,3}|[.a-cT-]|é){0,5}", 3)) {
            let (a, b, c) = (&ids[0], &ids[1], &ids[2]);
            prop_assert_eq!(compare_ids(a, b), compare_ids(b, a).reverse());
            prop_assert_eq!(compare_ids(a, b).is_eq(), a == b);
            if compare_ids(a, b).is_le() && compare_ids(b, c).is_le() {
                prop_assert!(compare_ids(a, c).is_le());
            }
        }

        #[test]
        fn dotted_numbers_sort_like_lists_of_numbers(
            a in proptest::collection::vec(0_u32..2_000, 1..4), b in proptest::collection::vec(0_u32..2_000, 1..4)
        ) {
            let id = |parts: &[u32]| parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            prop_assert_eq!(compare_ids(&id(&a), &id(&b)), a.cmp(&b));
        }
    }
}
