//! PURE. `[remote]`: runs on machines that may be taken away.

use std::time::Duration;

use crate::config::declare::keys;
use crate::config::formats::OptionValue;

keys! {
    /// Runs on many machines: a remote of git keeps who works on a spec, its state and its commits.
    #[derive(Eq)]
    pub struct SharedRemote {
        /// Remote on which the spec's lease, state and branch are kept, so that any machine can continue it, and one at a time
        /// works on it. Each step is one atomic push. The spec gets a work tree of its own. Needs git.commit = "step". Not set:
        /// runs are of this machine alone.
        name: Option<String> as Option<OptionValue>, like = "origin", flag = "--remote", executes;
        /// How long other machines leave a spec alone after the last sign of the one that works on it. It gives a sign after
        /// each third of that. At most a day.
        lease: Duration = "15m", inside;
        /// Branch on the remote on which the tasks of a spec are committed, with {spec} for the name of the spec.
        branch: String as OptionValue = "seqorch/{spec}", inside;
    }
}
