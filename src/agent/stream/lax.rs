//! JSON values that may have any type: a field whose type a vendor changes must not cost the whole record.
//!
//! [`LaxValue`] says what a type makes of each kind of value. One visitor serves all such types; `lax!` connects them.
//! What a type does not read is skipped without being kept.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that is read from any JSON; whatever it does not expect gives its default.
pub(super) trait LaxValue<'de>: Default {
    /// Reads `true` or `false`.
    fn from_bool(_: bool) -> Self {
        Self::default()
    }
    /// Reads a number.
    fn from_number(_: f64) -> Self {
        Self::default()
    }
    /// Reads a string.
    fn from_text(_: &str) -> Self {
        Self::default()
    }
    /// Reads a string that needs no copy.
    fn from_borrowed(text: &'de str) -> Self {
        Self::from_text(text)
    }
    /// Reads a list.
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
    /// Reads an object.
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// Reads a [`LaxValue`] from whatever comes.
pub(super) struct LaxVisitor<T>(PhantomData<T>);

impl<'de, T: LaxValue<'de>> LaxVisitor<T> {
    pub(super) fn read<D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Self(PhantomData))
    }
}

#[expect(clippy::cast_precision_loss, reason = "no counter is that large")]
impl<'de, T: LaxValue<'de>> Visitor<'de> for LaxVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::from_bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::from_number(value as f64))
    }
    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::from_number(value as f64))
    }
    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::from_number(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<T, E> {
        Ok(T::from_text(value))
    }
    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<T, E> {
        Ok(T::from_borrowed(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::from_object(object)
    }
}

/// Implements `Deserialize` for a [`LaxValue`].
macro_rules! lax {
    ($name:ident $(<$inner:ident>)?) => {
        impl<'de $(, $inner: serde::Deserialize<'de>)?> serde::Deserialize<'de> for $name $(<$inner>)? {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::agent::stream::lax::LaxVisitor::read(from)
            }
        }
    };
}

pub(super) use lax;

/// A string. Anything else is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LaxStr<'a>(pub(super) Option<Cow<'a, str>>);

impl LaxStr<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
    pub(super) fn is(&self, text: &str) -> bool {
        self.get() == Some(text)
    }
    pub(super) fn or_empty(&self) -> &str {
        self.get().unwrap_or_default()
    }
    pub(super) fn owned(self) -> Option<String> {
        self.0.map(Cow::into_owned)
    }
    pub(super) fn owned_or_empty(self) -> String {
        self.owned().unwrap_or_default()
    }
}

impl<'de> LaxValue<'de> for LaxStr<'de> {
    fn from_text(text: &str) -> Self {
        Self(Some(Cow::Owned(text.to_owned())))
    }
    fn from_borrowed(text: &'de str) -> Self {
        Self(Some(Cow::Borrowed(text)))
    }
}

// not by `lax!`: the value may live shorter than what it borrows from
impl<'de: 'a, 'a> Deserialize<'de> for LaxStr<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        LaxVisitor::<LaxStr<'de>>::read(from)
    }
}

/// A number. Anything else is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct LaxNumber(pub(super) Option<f64>);

impl LaxNumber {
    /// The number as a count.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` stays within the bounds"
    )]
    pub(super) fn count(self) -> Option<u64> {
        self.0.map(|n| n as u64)
    }
}

impl LaxValue<'_> for LaxNumber {
    fn from_number(number: f64) -> Self {
        Self(Some(number))
    }
}
lax!(LaxNumber);

/// `true`. Anything else is `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LaxBool(pub(super) bool);

impl LaxValue<'_> for LaxBool {
    fn from_bool(value: bool) -> Self {
        Self(value)
    }
}
lax!(LaxBool);

/// Whether a field is present and not `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Presence(pub(super) bool);

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<IgnoredAny>::deserialize(from)?.is_some()))
    }
}

/// An object of type `T`. Anything else is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LaxObject<T>(pub(super) Option<T>);

impl<T> Default for LaxObject<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> LaxValue<'de> for LaxObject<T> {
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(|object| Self(Some(object)))
    }
}
lax!(LaxObject<T>);

/// The objects of a list. Anything else is empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LaxList<T>(pub(super) Vec<T>);

impl<T> Default for LaxList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> LaxValue<'de> for LaxList<T> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = list.next_element::<LaxObject<T>>()? {
            objects.extend(object.0);
        }
        Ok(Self(objects))
    }
}
lax!(LaxList<T>);

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a, T: Deserialize<'a>>(json: &'a str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_value_of_another_type_counts_as_missing() {
        for json in ["1", "-1", "1.5", "true", "null", "[1,{}]", "{\"a\":[]}"] {
            assert_eq!(read::<LaxStr<'_>>(json), LaxStr(None), "{json}");
            assert_eq!(read::<LaxList<LaxNumber>>(json).0.len(), usize::from(json == "[1,{}]"), "{json}");
        }
        for json in ["\"x\"", "\"\\u0041\"", "false", "null", "[1]", "{\"a\":1}"] {
            assert_eq!(read::<LaxNumber>(json), LaxNumber(None), "{json}");
            assert_eq!(read::<LaxBool>(json), LaxBool(false), "{json}");
        }
    }

    #[test]
    fn a_value_of_the_expected_type_is_read() {
        assert_eq!(read::<LaxStr<'_>>("\"a\"").get(), Some("a"));
        assert_eq!(read::<LaxStr<'_>>("\"a\\nb\"").get(), Some("a\nb"));
        assert_eq!(["1", "1.0", "1e0"].map(|json| read::<LaxNumber>(json).count()), [Some(1); 3]);
        assert_eq!(read::<LaxNumber>("-2").0, Some(-2.0));
        assert_eq!(read::<LaxBool>("true"), LaxBool(true));
        assert_eq!((read::<Presence>("null"), read::<Presence>("\"x\"")), (Presence(false), Presence(true)));
    }
}
