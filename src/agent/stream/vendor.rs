//! What every parser of a vendor's records offers.

use serde::Deserialize;

use crate::agent::event::AgentEvent;

/// Receives the events.
pub(super) type EventSink<'a> = &'a mut dyn FnMut(AgentEvent);

/// A vendor's records and their meaning.
pub(super) trait VendorStream {
    /// The fields of a record that matter here.
    type Record<'a>: Deserialize<'a>;

    /// Whether this can only be a record of this vendor, even though it was found among other text.
    fn is_certain(record: &Self::Record<'_>) -> bool;

    /// Takes the next record; `json` is its text.
    fn take(&mut self, record: Self::Record<'_>, json: &[u8], sink: EventSink<'_>);

    /// Takes a line that is not a record, which may say something all the same.
    fn other_line(&mut self, line: &str, sink: EventSink<'_>) {
        let _ = (line, sink);
    }

    /// Ends the stream.
    fn finish(&mut self, sink: EventSink<'_>) {
        let _ = sink;
    }
}

/// A record's text, for [`AgentEvent::Record`].
pub(super) fn record_text(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}
