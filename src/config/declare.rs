//! PURE. The notation in which keys are declared: `keys!` for the keys of a table, `words!` for a choice of words.
//!
//! ```text
//! keys! {
//!     /// What the table is for.
//!     #[derive(Copy, Eq)]
//!     pub struct Retry {
//!         /// What the key means: a sentence that people read in `config explain`.
//!         attempts: u32 as Count = 3, inside;
//!         /// …
//!         workdir: Option<PathBuf>, like = "app", flag = "--workdir", outside;
//!     }
//!     pub struct PartialRetry = partial Retry;
//! }
//! ```
//!
//! An entry is `field as "key": type as format = default, clause = value;`. The name of the key is left out where it is
//! that of the field, the format where it is the type itself, the default where there is none. Clauses are the methods
//! of [`super::key::ConfigKey`]; defaults and their values are TOML. Every key of a value has one that says what the value
//! may do, and so whether a person has to trust it: `inside`, `executes`, `outside`, `loosens = value`,
//! `guards = value`. The last line declares a twin in which every key is
//! optional: the settings of an override.

/// Declares a struct, and its fields as the keys of a table.
macro_rules! keys {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@format $type:ty) => { $type };
    (@format $type:ty, $format:ty) => { $format };

    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:path),+)])?
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident : $type:ty $(as $format:ty)? = $default:tt $(, $clause:ident $(= $value:tt)?)*;
            )+
        }
        pub struct $partial:ident = partial $same:ident;
    ) => {
        $crate::config::declare::keys! {
            $(#[doc = $about])+
            $(#[derive($($derive),+)])?
            pub struct $name {
                $(
                    $(#[doc = $doc])+
                    $field: $type as $crate::config::declare::keys!(@format $type $(, $format)?) = $default
                        $(, $clause $(= $value)?)*;
                )+
            }
        }

        $crate::config::declare::keys! {
            $(#[doc = $about])+
            #[doc = ""]
            #[doc = " These are the settings of an override: what it does not set stays as it is."]
            $(#[derive($($derive),+)])?
            pub struct $partial {
                $(
                    $(#[doc = $doc])+
                    $field: Option<$type> as Option<$crate::config::declare::keys!(@format $type $(, $format)?)>
                        $(, $clause $(= $value)?)*;
                )+
            }
        }

        impl $same {
            /// These settings, changed by what `partial` sets.
            #[must_use]
            pub fn with(self, partial: $partial) -> Self {
                Self { $($field: partial.$field.unwrap_or(self.$field),)+ }
            }
        }
    };

    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:path),+)])?
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident $(as $key:literal)? : $type:ty $(as $format:ty)? $(= $default:tt)?
                    $(, $clause:ident $(= $value:tt)?)*;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq $($(, $derive)+)?)]
        #[allow(
            missing_docs,
            clippy::doc_markdown,
            reason = "a section is documented by its own type, and people read these texts on a terminal"
        )]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                pub $field: $type,
            )+
        }

        impl $crate::config::key::ConfigTable for $name {
            const TABLE: $crate::config::key::TableKeys = $crate::config::key::TableKeys {
                about: concat!($($about),+),
                keys: &[$(
                    $crate::config::key::ConfigKey::new(
                        $crate::config::declare::keys!(@key $field $($key)?),
                        concat!($($doc),*),
                        <$crate::config::declare::keys!(@format $type $(, $format)?)
                            as $crate::config::key::ConfigType>::SHAPE,
                    )
                    $(.default(stringify!($default)))?
                    $(.$clause($(stringify!($value))?))*
                    .filled(
                        <$crate::config::declare::keys!(@format $type $(, $format)?)
                            as $crate::config::key::ConfigType>::ABSENT
                            .is_some(),
                    ),
                )+],
            };

            fn from_table(table: &$crate::config::tree::TomlNode) -> Self {
                let mut reader = $crate::config::key::TableReader::new(
                    table,
                    <Self as $crate::config::key::ConfigTable>::TABLE.keys,
                );
                Self {
                    $($field: reader.next::<$crate::config::declare::keys!(@format $type $(, $format)?)>(),)+
                }
            }
        }

        impl $crate::config::key::ConfigType for $name {
            type Value = Self;
            const SHAPE: $crate::config::key::KeyShape =
                $crate::config::key::KeyShape::Table(<Self as $crate::config::key::ConfigTable>::TABLE);
            const ABSENT: Option<fn() -> Self> = Some(Self::default);

            fn read(
                node: &$crate::config::tree::TomlNode,
            ) -> Result<Self, $crate::config::key::ValueError> {
                Ok($crate::config::key::ConfigTable::from_table(node))
            }
        }

        /// The declared defaults.
        impl Default for $name {
            fn default() -> Self {
                $crate::config::key::ConfigTable::from_table(&$crate::config::tree::TomlNode::empty())
            }
        }
    };
}

/// Declares the words that a key may be: `words! { pub enum Tick { Done = "done", Off = "off" } }`, or those for an enum
/// of another room: `words! { for Format { Text = "text" } }`.
macro_rules! words {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:path),+)])?
        $(#[serde($($serde:tt)+)])?
        pub enum $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident = $word:literal,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq $($(, $derive)+)?)]
        $(#[serde($($serde)+)])?
        pub enum $name {
            $(
                $(#[doc = $doc])+
                $variant,
            )+
        }

        impl $name {
            /// The word for it in a configuration.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        $crate::config::declare::words! { for $name { $($variant = $word,)+ } }
    };

    (for $name:ident { $($variant:ident $(($inner:path))? = $word:literal,)+ }) => {
        // does not compile where a variant has no word
        const _: fn($name) -> &'static str = |value| match value {
            $($name::$variant $(($inner))? => $word,)+
        };

        impl $crate::config::key::ConfigType for $name {
            type Value = Self;
            const SHAPE: $crate::config::key::KeyShape =
                $crate::config::key::KeyShape::Value($crate::config::key::ValueFormat {
                    words: &[$($word),+],
                    schema: || serde_json::json!({ "enum": [$($word),+] }),
                    ..$crate::config::key::ValueFormat::of::<Self>("word", "")
                });

            fn read(
                node: &$crate::config::tree::TomlNode,
            ) -> Result<Self, $crate::config::key::ValueError> {
                match node.text() {
                    $(Some($word) => Ok(Self::$variant $(($inner))?),)+
                    _ => Err($crate::config::formats::not_one_of(node, &[$($word),+])),
                }
            }
        }
    };
}

pub(super) use {keys, words};
