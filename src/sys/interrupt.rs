//! PURE. What a signal to seqorch asks for.

/// A request that a person or the system sends as a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// INT: Ctrl-C.
    Interrupt,
    /// TERM.
    Terminate,
    /// HUP: the terminal or the window is gone.
    HangUp,
    /// USR1, from `seqorch stop`: stop after this step. A second one does not stop any sooner.
    AfterStep,
    /// USR2, from `seqorch resume --now`: stop waiting for a limit and retry now.
    TryNow,
    /// URG, from `seqorch stop --cancel`: do not stop after this step.
    KeepRunning,
    /// No signal: the lease of the spec on the remote is lost, and the agent must end.
    LeaseLost,
    /// WINCH, from `seqorch pause` and others: look what people ask. A terminal that gets another size sends it, too.
    Look,
}

impl Interrupt {
    /// Whether the process is to end now. The others only say something to a run; a terminal sends WINCH at any time.
    #[must_use]
    pub fn ends(self) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate | Self::HangUp)
    }
}
