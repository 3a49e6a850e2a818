//! Macros that give the variants of an enum their stable names, each written once.

/// Gives `$error` the method `code` and the list `CODES` from one table of its variants. Variants with one remedy may
/// share a code.
///
/// `wraps` names the variants that hold another folder's error; their code is that error's own.
macro_rules! codes {
    ($error:ident { $($($variant:ident)|+ => $code:literal),+ $(,)? } $(wraps $($wrapped:ident),+)?) => {
        impl $error {
            /// The code of each variant, but for those that wrap another error: these have that error's codes.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// The stable code of this error, in `snake_case`.
            pub fn code(&self) -> &'static str {
                match self {
                    $($($error::$variant { .. })|+ => $code,)+
                    $($($error::$wrapped(error) => error.code(),)+)?
                }
            }
        }
    };
}

/// Declares an enum whose variants have names: their text in files, and in formats such as JSON.
macro_rules! named {
    (
        $(#[$attribute:meta])*
        pub enum $type:ident {
            $($(#[$variant_attribute:meta])* $variant:ident $(= $number:literal)? => $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $type {
            $($(#[$variant_attribute])* $variant $(= $number)?,)+
        }

        impl $type {
            /// All of them, in their order.
            pub const ALL: [$type; [$($type::$variant),+].len()] = [$($type::$variant),+];

            /// The stable name, as files and JSON have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)+
                }
            }

            /// The one of that name.
            pub(crate) fn named(name: &str) -> Option<$type> {
                $type::ALL.into_iter().find(|this| this.as_str() == name)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                $type::named(&String::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("unknown name"))
            }
        }
    };
}

pub(crate) use {codes, named};
