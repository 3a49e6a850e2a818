//! A policy's text as tables and lines, so that a next version can be written with its comments kept.
//!
//! It knows as much of TOML as the edits need: where tables and values begin and end. What comes out is read by the
//! policy's reader, so that a text laid out otherwise is at worst refused.

/// A text, table by table, the keys before the first table in one of their own.
pub(super) struct Layout {
    tables: Vec<Table>,
}

/// A table: its header without spaces, and its statements.
pub(super) struct Table {
    header: String,
    statements: Vec<Statement>,
}

/// A key with its value, or a line that is a header, a comment or empty.
struct Statement {
    text: String,
    /// Where the comment after a value begins; the length of the text where there is none.
    comment: usize,
}

impl Layout {
    pub(super) fn of(text: &str) -> Layout {
        let mut tables = vec![Table { header: String::new(), statements: Vec::new() }];
        for statement in statements(text) {
            if let Some(header) = statement.header() {
                // Comments right above a header are about its table.
                let is_first = tables.len() == 1;
                let above = &mut tables.last_mut().expect("there is a first").statements;
                let from = above.iter().rposition(|one| !one.is_comment()).map_or(0, |last| last + 1);
                let mut statements = if is_first && from == 0 { Vec::new() } else { above.split_off(from) };
                statements.push(statement);
                tables.push(Table { header, statements });
            } else {
                tables.last_mut().expect("there is a first").statements.push(statement);
            }
        }
        Layout { tables }
    }

    pub(super) fn text(&self) -> String {
        self.tables.iter().flat_map(|table| &table.statements).map(|statement| statement.text.as_str()).collect()
    }

    /// The keys before the first table.
    pub(super) fn head(&mut self) -> &mut Table {
        &mut self.tables[0]
    }

    /// The table `[header]`.
    pub(super) fn table(&mut self, name: &str) -> Option<&mut Table> {
        let header = format!("[{name}]");
        self.tables.iter_mut().find(|table| table.header == header)
    }

    /// The table `[[name]]` in which `key` has this value, as it is written.
    pub(super) fn one(&mut self, name: &str, key: &str, value: &str) -> Option<&mut Table> {
        let header = format!("[[{name}]]");
        self.tables.iter_mut().find(|table| table.header == header && table.value(key) == Some(value))
    }

    /// Takes the tables `[[name]]` out in which `key` has this value; how many there were.
    pub(super) fn remove(&mut self, name: &str, key: &str, value: &str) -> usize {
        let header = format!("[[{name}]]");
        let before = self.tables.len();
        self.tables.retain(|table| table.header != header || table.value(key) != Some(value));
        before - self.tables.len()
    }

    /// Takes the table `[name]` out, if it is there.
    pub(super) fn remove_table(&mut self, name: &str) {
        let header = format!("[{name}]");
        self.tables.retain(|table| table.header != header);
    }

    /// Puts a table behind the last one of its name, or at the end.
    pub(super) fn add(&mut self, header: &str, lines: &str) {
        let last = self.tables.iter().rposition(|table| table.header == header);
        let at = last.map_or(self.tables.len(), |last| last + 1);
        // An empty line between this and what is before and after.
        self.tables[at - 1].end_with_empty_line();
        let between = if at < self.tables.len() { "\n" } else { "" };
        let added = Layout::of(&format!("{header}\n{lines}{between}"));
        self.tables.splice(at..at, added.tables.into_iter().skip(1));
    }
}

impl Table {
    /// A key's value, as it is written.
    fn value(&self, key: &str) -> Option<&str> {
        self.statements.iter().find(|one| one.key() == Some(key)).map(Statement::value)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Gives a key another value. A comment behind it stays.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        match self.statements.iter_mut().find(|one| one.key() == Some(key)) {
            Some(found) => *found = found.with(key, value),
            None => {
                let last = self.statements.iter().rposition(|one| one.key().is_some() || one.header().is_some());
                let at = last.map_or(0, |last| last + 1);
                if let Some(before) = at.checked_sub(1)
                    && !self.statements[before].text.ends_with('\n')
                {
                    self.statements[before].text.push('\n');
                }
                self.statements.insert(at, Statement::plain(format!("{key} = {value}\n")));
            }
        }
    }

    /// As [`Table::set`], but a key that is not there comes right behind another one.
    pub(super) fn set_behind(&mut self, key: &str, value: &str, behind: &str) {
        let at = self.statements.iter().position(|one| one.key() == Some(behind));
        match at.filter(|_| self.value(key).is_none()) {
            Some(at) => self.statements.insert(at + 1, Statement::plain(format!("{key} = {value}\n"))),
            None => self.set(key, value),
        }
    }

    /// Takes a key out, if it is there.
    pub(super) fn unset(&mut self, key: &str) {
        self.statements.retain(|one| one.key() != Some(key));
    }

    fn end_with_empty_line(&mut self) {
        let Some(last) = self.statements.last_mut() else { return };
        if !last.text.ends_with('\n') {
            last.text.push('\n');
        }
        if !last.text.trim().is_empty() {
            self.statements.push(Statement::plain("\n".to_owned()));
        }
    }
}

impl Statement {
    /// Lines of this program's own, without a comment behind a value.
    fn plain(text: String) -> Statement {
        Statement { comment: text.len(), text }
    }

    fn header(&self) -> Option<String> {
        let line = self.text[..self.comment].trim();
        line.starts_with('[').then(|| line.split_whitespace().collect())
    }

    fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    fn key(&self) -> Option<&str> {
        if self.is_comment() || self.header().is_some() {
            return None;
        }
        self.text.split_once('=').map(|(key, _)| key.trim())
    }

    fn value(&self) -> &str {
        self.text[..self.comment].split_once('=').map_or("", |(_, value)| value.trim())
    }

    fn with(&self, key: &str, value: &str) -> Statement {
        let indent = self.text.len() - self.text.trim_start().len();
        let comment = self.text[self.comment..].trim_end();
        let gap = if comment.is_empty() { "" } else { " " };
        let begin = format!("{}{key} = {value}{gap}", &self.text[..indent]);
        Statement { comment: begin.len(), text: format!("{begin}{comment}\n") }
    }
}

/// What a character is within.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Nothing,
    Comment,
    /// A string that these characters end, with escapes or without.
    String {
        end: &'static str,
        escapes: bool,
    },
}

fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    let (mut begin, mut depth, mut comment, mut at) = (0, 0_usize, None, 0);
    let mut within = Within::Nothing;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let mut length = c.len_utf8();
        match within {
            Within::String { end, escapes } => {
                if escapes && c == '\\' {
                    length += rest[1..].chars().next().map_or(0, char::len_utf8);
                } else if let Some(after) = rest.strip_prefix(end) {
                    // Of quotes before the last three the string may have two more.
                    let more = after.chars().take_while(|next| end.len() == 3 && end.starts_with(*next));
                    length = end.len() + more.take(2).count();
                    within = Within::Nothing;
                }
            }
            Within::Comment | Within::Nothing if c == '\n' => {
                within = Within::Nothing;
                // A header's brackets are closed on its line.
                if depth == 0 {
                    let end = at + 1;
                    let comment = comment.take().unwrap_or(end) - begin;
                    found.push(Statement { text: text[begin..end].to_owned(), comment });
                    begin = end;
                }
                comment = None;
            }
            Within::Comment => {}
            Within::Nothing => match c {
                '#' => {
                    within = Within::Comment;
                    comment = Some(at);
                }
                '"' | '\'' => {
                    let ends = if c == '"' { ["\"\"\"", "\""] } else { ["'''", "'"] };
                    let end = ends.into_iter().find(|end| rest.starts_with(end)).unwrap_or("\"");
                    within = Within::String { end, escapes: c == '"' };
                    length = end.len();
                }
                '[' | '{' => depth += 1,
                ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
        at += length;
    }
    if begin < text.len() {
        let comment = comment.unwrap_or(text.len()) - begin;
        found.push(Statement { text: text[begin..].to_owned(), comment });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# of the whole\na = 1 # why\n\"b\" = [\n  \"x # no\", # yes\n]\n\n# of t\n[t] # \
                        header\nc = \"\"\"\n[u]\nd = 2\"\"\"\n[[n]]\nk = 1\n[[ n ]]\nk = 2\n";

    #[test]
    fn what_is_not_changed_stays_as_it_was() {
        for text in
            [TEXT, "", "\n", "a=1", "[t]", "# c", "x = '''\n\\'''\ny = \"\\\"#\"", super::super::published::SAMPLE]
        {
            assert_eq!(Layout::of(text).text(), text);
        }
    }

    #[test]
    fn keys_are_set_where_they_stand_with_their_comments() {
        let mut layout = Layout::of(TEXT);
        layout.head().set("a", "2");
        layout.head().set_behind("z", "3", "a");
        layout.table("t").unwrap().set("e", "5");
        assert!(layout.table("u").is_none(), "that is in a string");
        layout.one("n", "k", "2").unwrap().set("k", "3");
        layout.add("[[n]]", "k = 4\n");
        assert_eq!(layout.remove("n", "k", "1"), 1);
        assert_eq!(
            layout.text(),
            "# of the whole\na = 2 # why\nz = 3\n\"b\" = [\n  \"x # no\", # yes\n]\n\n# of t\n[t] # header\nc = \
             \"\"\"\n[u]\nd = 2\"\"\"\ne = 5\n[[ n ]]\nk = 3\n\n[[n]]\nk = 4\n"
        );
    }
}
