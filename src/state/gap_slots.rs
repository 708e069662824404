//! PURE. Where entries stand between those that are matched already.

/// Between which matched entries each entry stands.
pub(super) struct GapSlots {
    /// Per old entry: the matched old entries before and after it.
    old: Vec<(Option<usize>, Option<usize>)>,
    /// Per new entry: the old ones of the matched entries before and after it.
    new: Vec<(Option<usize>, Option<usize>)>,
}

impl GapSlots {
    pub(super) fn new(new_of: &[Option<usize>], old_of: &[Option<usize>]) -> Self {
        let matched: Vec<Option<usize>> =
            new_of.iter().enumerate().map(|(at, new)| new.map(|_| at)).collect();
        Self { old: Self::around(&matched), new: Self::around(old_of) }
    }

    fn around(anchors: &[Option<usize>]) -> Vec<(Option<usize>, Option<usize>)> {
        let mut around = vec![(None, None); anchors.len()];
        let mut last = None;
        for (at, anchor) in anchors.iter().enumerate() {
            around[at].0 = last;
            last = anchor.or(last);
        }
        last = None;
        for (at, anchor) in anchors.iter().enumerate().rev() {
            around[at].1 = last;
            last = anchor.or(last);
        }
        around
    }

    /// How many of the two matched entries around two entries are the same.
    pub(super) fn witnesses(&self, old: usize, new: usize) -> u32 {
        let ((before, after), (before_now, after_now)) = (self.old[old], self.new[new]);
        u32::from(before == before_now) + u32::from(after == after_now)
    }
}
