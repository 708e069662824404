//! Waits for what happens next: an agent's end, a signal, or the end of a pause.

use std::io::Write;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::backoff;
use super::inbox::InboxMessage;
use super::machine::{Event, Pause};
use super::world::RealWorld;
use crate::report::{event_text, notice_event};

/// How late a pause may end after the computer woke up or its clock was set.
const LOOK_AGAIN: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(10) };

impl RealWorld<'_> {
    /// The next event; at the latest the end of `pause`.
    pub(super) fn wait(&mut self, pause: Option<(Timestamp, &Pause)>) -> Event {
        let began = Instant::now();
        let length = pause.map_or(Duration::ZERO, |(until, _)| self.time_to(until));
        if let Some((until, why)) = pause
            && !length.is_zero()
            && !self.interactive
        {
            self.say(&format!("  {}", event_text::wait(why, round_up(length), until, &TimeZone::system())));
        }
        if let Some((until, why)) = pause
            && !length.is_zero()
            && self.published_pause.replace(until) != Some(until)
            // no hook gets this event, so only the log can fail
            && let Err(error) = self.publish(notice_event::of_pause(why, until))
        {
            self.say(error.render().trim_end());
        }
        if let Some((until, Pause::Wait(_))) = pause {
            self.note_wait(until);
        }
        loop {
            let limit = match pause {
                None => None,
                Some((until, why)) => {
                    let left = backoff::left(self.time_to(until), length, began.elapsed());
                    if left.is_zero() {
                        self.countdown(None);
                        return Event::Woke;
                    }
                    if self.interactive {
                        let line = event_text::wait(why, round_up(left), until, &TimeZone::system());
                        self.countdown(Some(&format!("  {line}")));
                    }
                    // the wall clock may jump (a laptop wakes up), so look at it now and then
                    let longest = if self.interactive { Duration::from_secs(1) } else { LOOK_AGAIN };
                    Some(left.min(longest))
                }
            };
            match self.inbox.wait(limit) {
                Some(InboxMessage::Over) => {
                    if let Some(event) = self.child_ended() {
                        return event;
                    }
                }
                Some(InboxMessage::Asked(what)) => {
                    self.countdown(None);
                    return Event::Asked(what);
                }
                None => {}
            }
        }
    }

    /// Writes a wait to the progress file, once.
    fn note_wait(&mut self, until: Timestamp) {
        if self.noted_pause.replace(until) == Some(until) {
            return;
        }
        let zone = TimeZone::system();
        let state = self.store.load().ok();
        let wait = state.as_ref().and_then(|state| state.run.wait());
        let what = wait.map(|wait| wait.reason.to_string()).unwrap_or_default();
        let entry = event_text::waiting_entry(&what, self.clock.now(), until, &zone);
        if let Err(error) = self.store.progress(&entry) {
            self.say(error.render().trim_end());
        }
    }

    fn time_to(&self, until: Timestamp) -> Duration {
        until.duration_since(self.clock.now()).try_into().unwrap_or(Duration::ZERO)
    }

    /// Shows a line that the next one replaces; `None` wipes it.
    fn countdown(&mut self, text: Option<&str>) {
        if self.interactive {
            let line = format!("\r\x1b[K{}", text.unwrap_or_default());
            let _ = write!(self.out, "{line}").and_then(|()| self.out.flush());
        }
    }
}

fn round_up(left: Duration) -> Duration {
    if left.subsec_millis() > 0 { Duration::from_secs(left.as_secs() + 1) } else { left }
}
