//! Waits for what happens next: an agent's end, a signal, or the end of a pause.

use std::io::Write;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::backoff;
use super::config_watch::ConfigWatch;
use super::inbox::InboxMessage;
use super::machine::{Event, Pause};
use super::terminal_question::LOOK_AT_TERMINAL;
use super::world::RealWorld;
use crate::report::notice::PauseKind;
use crate::report::{notice_event, wait_text};
use crate::state::{PersonRequest, WaitReason};
use crate::sys::interrupt::Interrupt;

/// How late a pause may end after the computer woke up or its clock was set.
const LOOK_AGAIN: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(10) };

impl RealWorld<'_> {
    /// The next event; at the latest the end of `pause` or the time of `alarm`.
    pub(super) fn wait(
        &mut self,
        pause: Option<(Option<Timestamp>, &Pause)>,
        alarm: Option<Timestamp>,
    ) -> Event {
        let began = Instant::now();
        let length = pause.and_then(|(until, _)| until).map(|until| self.time_to(until));
        if let Some((until, why)) = pause.filter(|_| length != Some(Duration::ZERO)) {
            self.announce_pause(until, length, why);
        }
        loop {
            if alarm.is_some_and(|at| self.time_to(at).is_zero()) {
                self.countdown(None);
                return Event::TimeUp;
            }
            let left = length
                .zip(pause.and_then(|(until, _)| until))
                .map(|(length, until)| backoff::left(self.time_to(until), length, began.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                self.countdown(None);
                return Event::Woke;
            }
            if let Some((until, why)) = pause {
                let requests = self.new_requests();
                if !requests.is_empty() {
                    self.countdown(None);
                    return Event::Requested(requests);
                }
                if let Pause::Wait(WaitReason::Ask { unit, title }) = why
                    && let Some(event) = self.ask_on_terminal(unit, title)
                {
                    return event;
                }
                if self.is_talk_news(why) {
                    self.countdown(None);
                    return Event::Woke;
                }
                // it may say that another backend, or another time, is wanted
                if matches!(why, Pause::Wait(_))
                    && self.config_watch.as_ref().is_some_and(ConfigWatch::has_changed)
                {
                    self.countdown(None);
                    return Event::Woke;
                }
                if self.interactive && why.kind() != PauseKind::Ask {
                    let line = wait_text::wait(why, left.map(round_up), until, &TimeZone::system());
                    let line = wait_text::naming(&line, &self.place.typed);
                    self.countdown(Some(&format!("  {line}")));
                }
            }
            // the wall clock may jump (a laptop wakes up), so look at it now and then
            let longest = match pause {
                Some((_, why)) if why.kind() == PauseKind::Ask => LOOK_AT_TERMINAL,
                Some(_) if self.interactive => Duration::from_secs(1),
                _ => LOOK_AGAIN,
            };
            let rings = alarm.map(|at| self.time_to(at));
            let limit = left.into_iter().chain(rings).min();
            let limit = match (limit, pause) {
                (None, None) => None,
                (limit, _) => Some(limit.map_or(longest, |limit| limit.min(longest))),
            };
            match self.inbox.wait(limit) {
                Some(InboxMessage::Over) => {
                    if let Some(event) = self.child_ended() {
                        return event;
                    }
                }
                Some(InboxMessage::Asked(Interrupt::Look)) | None => {}
                Some(InboxMessage::Asked(what)) => {
                    self.countdown(None);
                    if what == Interrupt::TryNow {
                        // another pause like this one is another pause
                        (self.published_pause, self.noted_pause) = (None, None);
                    }
                    return Event::Asked(what);
                }
            }
        }
    }

    /// The requests of people that no state has yet.
    pub(super) fn new_requests(&self) -> Vec<PersonRequest> {
        let mut requests = self.store.request_box().entries();
        // a file that cannot be removed is taken once
        requests.retain(|request| !self.taken_requests.contains(&request.id));
        requests
    }

    /// Says that the run pauses: on standard output, to programs, and where it is more than the next step, in the progress file.
    fn announce_pause(&mut self, until: Option<Timestamp>, length: Option<Duration>, why: &Pause) {
        // a question is on the terminal itself
        let asks = why.kind() == PauseKind::Ask;
        if !self.interactive && !asks {
            let line = wait_text::wait(why, length.map(round_up), until, &TimeZone::system());
            let line = wait_text::naming(&line, &self.place.typed);
            self.say(&format!("  {line}"));
        }
        // one that a person ends has no other key
        let key = until.unwrap_or(Timestamp::MAX);
        if asks {
            // each question is another one
            self.published_pause = None;
        }
        if self.published_pause.replace(key) != Some(key)
            // no hook gets this event, so only the log can fail
            && let Err(error) = self.publish(notice_event::of_pause(why, until))
        {
            self.say(error.render().trim_end());
        }
        if matches!(why, Pause::Wait(_)) && !asks {
            self.note_wait(until);
        }
    }

    /// Writes a wait to the progress file, once.
    fn note_wait(&mut self, until: Option<Timestamp>) {
        let key = until.unwrap_or(Timestamp::MAX);
        if self.noted_pause.replace(key) == Some(key) {
            return;
        }
        let zone = TimeZone::system();
        let state = self.store.load().ok();
        let wait = state.as_ref().and_then(|state| state.run.wait());
        let what = wait.map(|wait| wait.reason.to_string()).unwrap_or_default();
        let entry = wait_text::waiting_entry(&what, self.clock.now(), until, &zone);
        let entry = wait_text::naming(&entry, &self.place.typed);
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
