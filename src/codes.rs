//! A macro that gives an error enum its stable codes, each written once.

/// Gives `$error` the method `code` and the list `CODES` from one table of its variants.
///
/// `wraps` names the variants that hold another folder's error; their code is that error's own.
macro_rules! codes {
    ($error:ident { $($variant:ident => $code:literal),+ $(,)? } $(wraps $($wrapped:ident),+)?) => {
        impl $error {
            /// The code of each variant, but for those that wrap another error: these have that error's codes.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// The stable code of this error, in `snake_case`.
            pub fn code(&self) -> &'static str {
                match self {
                    $($error::$variant { .. } => $code,)+
                    $($($error::$wrapped(error) => error.code(),)+)?
                }
            }
        }
    };
}

pub(crate) use codes;
