//! Values that are read whatever their type: a field that a vendor changes must not cost the whole record.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::agent::event::KEPT;

/// The arms of a visitor for everything that is not of interest.
macro_rules! unknown {
    ($($name:ident),*) => { $(unknown!(@ $name);)* };
    (@ bool) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ i64) => { fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ u64) => { fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ f64) => { fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ unit) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ str) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

pub(super) use unknown;

fn anything(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("anything")
}

/// A string; anything else is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Str<'a>(pub(super) Option<Cow<'a, str>>);

impl Str<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
    pub(super) fn is(&self, text: &str) -> bool {
        self.get() == Some(text)
    }
    pub(super) fn owned(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }
    pub(super) fn text(self) -> String {
        self.owned().unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Some(Cow::Borrowed(s))))
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Str(Some(Cow::Owned(s.to_owned()))))
            }
            unknown!(bool, i64, u64, f64, unit, seq, map);
        }
        from.deserialize_any(V)
    }
}

/// A number; anything else is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Num(pub(super) Option<f64>);

impl Num {
    /// As a count.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` stays within the bounds"
    )]
    pub(super) fn count(self) -> Option<u64> {
        self.0.map(|n| n as u64)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Num;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
                Ok(Num(Some(n)))
            }
            #[expect(clippy::cast_precision_loss, reason = "no counter is that large")]
            fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
                Ok(Num(Some(n as f64)))
            }
            #[expect(clippy::cast_precision_loss, reason = "no counter is that large")]
            fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
                Ok(Num(Some(n as f64)))
            }
            unknown!(bool, str, unit, seq, map);
        }
        from.deserialize_any(V)
    }
}

/// `true`; anything else is `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_bool<E>(self, b: bool) -> Result<Self::Value, E> {
                Ok(Flag(b))
            }
            unknown!(i64, u64, f64, str, unit, seq, map);
        }
        from.deserialize_any(V)
    }
}

/// Whether a value is there, apart from `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct There(pub(super) bool);

impl<'de> Deserialize<'de> for There {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<IgnoredAny>::deserialize(from)?.is_some()))
    }
}

/// An object (or anything that `T` reads); everything else is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Obj<T>(pub(super) Option<T>);

impl<T> Default for Obj<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Obj<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Obj<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|t| Obj(Some(t)))
            }
            unknown!(bool, i64, u64, f64, str, unit, seq);
        }
        from.deserialize_any(V(std::marker::PhantomData))
    }
}

/// A list of objects; everything else is empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = seq.next_element::<Obj<T>>()? {
                    all.extend(one.0);
                }
                Ok(List(all))
            }
            unknown!(bool, i64, u64, f64, str, unit, map);
        }
        from.deserialize_any(V(std::marker::PhantomData))
    }
}

/// A vendor's message, wherever in an error object it stands: a string, or `message` in it or in what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message(pub(super) Option<String>);

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Message;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Message((!s.trim().is_empty()).then(|| s.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut message, mut inner, mut name) = (None, None, None);
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    match key.get() {
                        Some("message") => message = map.next_value::<Self::Value>()?.0,
                        Some("error" | "data") => inner = map.next_value::<Self::Value>()?.0.or(inner),
                        Some("name" | "type") => name = map.next_value::<Str<'de>>()?.owned().or(name),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Message(message.or(inner).or(name)))
            }
            unknown!(bool, i64, u64, f64, unit, seq);
        }
        from.deserialize_any(V)
    }
}

/// What a tool printed: a string, or a list of `{"type":"text","text":…}`. Only its beginning is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Printed {
    pub(super) head: String,
    pub(super) lines: usize,
}

impl Printed {
    pub(super) fn new(text: &str) -> Self {
        let text = text.trim_end();
        let lines = if text.is_empty() { 0 } else { memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1 };
        Self { head: head(text).to_owned(), lines }
    }
}

/// The first [`KEPT`] bytes.
pub(super) fn head(text: &str) -> &str {
    begin(text, KEPT)
}

/// The first `max` bytes, less what would be half a character.
fn begin(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl<'de> Deserialize<'de> for Printed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Printed;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Printed::new(s))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut text = Printed::default();
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    if key.is("text") {
                        text = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(text)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut all = Printed::default();
                while let Some(part) = seq.next_element::<Printed>()? {
                    all.lines += part.lines;
                    if !all.head.is_empty() && !part.head.is_empty() && all.head.len() < KEPT {
                        all.head.push('\n');
                    }
                    let room = KEPT.saturating_sub(all.head.len());
                    all.head.push_str(begin(&part.head, room));
                }
                Ok(all)
            }
            unknown!(bool, i64, u64, f64, unit);
        }
        from.deserialize_any(V)
    }
}

/// What a tool works on, from its input: the value that says most, in one line of at most [`KEPT`] bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct What(pub(super) String);

/// Keys whose values say what a tool works on, those that say more first.
const SAYING: &[&str] = &[
    "command",
    "cmd",
    "file_path",
    "filePath",
    "absolute_path",
    "notebook_path",
    "path",
    "dir_path",
    "url",
    "pattern",
    "query",
    "description",
    "subject",
    "title",
    "prompt",
    "name",
];

impl<'de> Deserialize<'de> for What {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = What;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                anything(f)
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(What(head(s).to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element::<Str<'de>>()? {
                    words.extend(word.0.filter(|_| words.len() < 64));
                }
                Ok(What(head(&words.join(" ")).to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut best = None;
                while let Some(key) = map.next_key::<Str<'de>>()? {
                    let rank = key.get().and_then(|key| SAYING.iter().position(|s| *s == key));
                    match rank {
                        Some(rank) if best.as_ref().is_none_or(|(r, _)| rank < *r) => {
                            let What(said) = map.next_value()?;
                            if !said.is_empty() {
                                best = Some((rank, said));
                            }
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(best.map_or_else(What::default, |(_, said)| What(said)))
            }
            unknown!(bool, i64, u64, f64, unit);
        }
        from.deserialize_any(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: Deserialize<'a>>(json: &'a str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_value_of_another_type_is_unknown_and_costs_nothing_else() {
        for json in ["1", "-1", "1.5", "true", "null", "[1,{}]", "{\"a\":[]}"] {
            assert_eq!(read::<Str<'_>>(json), Str(None), "{json}");
            assert_eq!(read::<List<Num>>(json).0.len(), usize::from(json == "[1,{}]"), "{json}");
        }
        assert_eq!(read::<Num>("\"x\""), Num(None));
        assert_eq!(
            (read::<Flag>("1"), read::<There>("null"), read::<There>("\"x\"")),
            (Flag(false), There(false), There(true))
        );
    }

    #[test]
    fn a_message_is_found_wherever_vendors_put_it() {
        for json in [
            r#""m""#,
            r#"{"type":"t","message":"m"}"#,
            r#"{"error":{"message":"m"}}"#,
            r#"{"name":"APIError","data":{"message":"m","statusCode":429}}"#,
        ] {
            assert_eq!(read::<Message>(json).0.as_deref(), Some("m"), "{json}");
        }
        assert_eq!(read::<Message>(r#"{"type":"t"}"#).0.as_deref(), Some("t"));
    }

    #[test]
    fn of_a_tools_input_the_word_that_says_most_is_kept() {
        assert_eq!(read::<What>(r#"{"description":"d","content":"long","file_path":"/a/b"}"#).0, "/a/b");
        assert_eq!(read::<What>(r#"{"command":["ls","-l"]}"#).0, "ls -l");
        assert_eq!(read::<What>(r#"{"x":1}"#).0, "");
    }

    #[test]
    fn of_what_a_tool_printed_the_head_and_the_number_of_lines_are_kept() {
        let long = serde_json::to_string(&"line\n".repeat(10_000)).unwrap();
        let printed = read::<Printed>(&long);
        assert_eq!((printed.lines, printed.head.len()), (10_000, KEPT));
        let parts =
            read::<Printed>(r#"[{"type":"text","text":"a\nb"},{"type":"image"},{"type":"text","text":"c"}]"#);
        assert_eq!((parts.lines, parts.head.as_str()), (3, "a\nb\nc"));
    }
}
