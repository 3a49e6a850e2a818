//! Refuses what TOML 1.1 added to TOML 1.0, which the parser takes: readers of 1.0 would not read such a policy.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::super::error::PolicyError;
use super::values::PolicyFile;

impl PolicyFile<'_> {
    /// Refuses a text that is not TOML 1.0. A time without seconds is not looked for: a policy has no times.
    pub(super) fn refuse_toml_1_1(&self) -> Result<(), PolicyError> {
        let mut open = Vec::new();
        let mut follows_comma = false;
        for token in Source::new(self.0).lex() {
            let (kind, span) = (token.kind(), token.span());
            let in_inline_table = open.last() == Some(&TokenKind::LeftCurlyBracket);
            let text = &self.0[span.start()..span.end()];
            let added = match kind {
                TokenKind::Newline | TokenKind::Comment if in_inline_table => {
                    Some("a table in braces ends on the line that it begins on")
                }
                TokenKind::RightCurlyBracket if follows_comma => Some("no comma follows the last item in braces"),
                TokenKind::BasicString | TokenKind::MlBasicString if has_new_escape(text) => {
                    Some("write \\u and four digits in place of \\e or \\x")
                }
                _ => None,
            };
            if let Some(finding) = added {
                return Err(self.wrong(span.start(), "TOML 1.0", finding));
            }
            match kind {
                TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket => open.push(kind),
                TokenKind::RightCurlyBracket | TokenKind::RightSquareBracket => drop(open.pop()),
                _ => {}
            }
            follows_comma = kind == TokenKind::Comma || follows_comma && kind == TokenKind::Whitespace;
        }
        Ok(())
    }
}

/// Whether a string has one of the escapes that TOML 1.1 added.
fn has_new_escape(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\\' && matches!(characters.next(), Some('e' | 'x')) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use crate::policy::Policy;

    #[test]
    fn what_toml_1_1_added_is_refused() {
        let levels = "threshold = 2\nlevels = [\"unit\", \"number\",\n# both\n]";
        assert!(Policy::parse(&sample::changed_text(&[("threshold = 2", levels)])).is_ok(), "an array goes over lines");
        let counting = "[counting]\nthreshold = 2";
        let inline = |inner: &str| {
            let text = sample::changed_text(&[(counting, "")]);
            text.replacen("\n[operator]", &format!("\ncounting = {{{inner}}}\n[operator]"), 1)
        };
        assert!(Policy::parse(&inline(" threshold = 2, levels = [\"unit\",\n] ")).is_ok());
        let escape = |name: &str| sample::changed_text(&[("\"Stichting Voorbeeldbroker\"", name)]);
        assert!(Policy::parse(&escape(r#""a\\eb\\x41 \u0041""#)).is_ok());
        for text in [
            inline("threshold = 2,"),
            inline("threshold = 2 , "),
            inline("\nthreshold = 2"),
            inline("threshold = 2\n"),
            inline("threshold = 2 # two\n"),
            escape(r#""a\x41""#),
            escape(r#""a\\\x41""#),
            escape(r#""""a\eb""""#),
        ] {
            let error = Policy::parse(&text).unwrap_err();
            assert_eq!(error.code(), "policy_text");
            assert!(error.to_string().contains("TOML 1.0"), "{error}");
        }
    }
}
