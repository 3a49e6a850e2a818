//! The parts of a workbook's archive, as XML: each inflated up to a limit, whatever the archive says of its size.

use std::collections::HashMap;
use std::io::{BufReader, Cursor, Error, ErrorKind, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::kind::no_table;
use crate::failure::Failure;

/// The most bytes of one part. A million rows of ten cells take about half.
pub(super) const MOST_INFLATED: u64 = 1 << 30;

/// The most sheets of a workbook, and the most parts that belong to one.
pub(super) const MOST_SHEETS: usize = 10_000;

/// An archive with the parts of a workbook.
pub(super) struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The place of each part, by its name. Programs differ in capitals and slashes.
    places: HashMap<String, usize>,
    /// The most bytes that a part may have; less in tests.
    most: u64,
}

/// Which workbook an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xlsx,
    Ods,
}

/// A part that is read, with what its last event was read into.
pub(super) struct Part<'p, 'a> {
    reader: Reader<BufReader<Bounded<Inflated<'p, 'a>>>>,
    buffer: Vec<u8>,
}

/// A part as the archive gives it.
type Inflated<'p, 'a> = ZipFile<'p, Cursor<&'a [u8]>>;

/// Ends with an error where more was read than may be.
struct Bounded<R> {
    inner: R,
    left: u64,
}

/// Something in a workbook that no program writes so.
pub(super) fn damaged(what: &str) -> Failure {
    Failure::new("workbook", format!("the workbook is damaged ({what}): open it, and save it as xlsx or CSV again"))
}

/// There are more sheets in a workbook than any program makes.
pub(super) fn too_many_sheets() -> Failure {
    Failure::new("too_large", "the workbook has more than 10,000 sheets: save the one with the rows as CSV")
}

/// There is more in a workbook than is read.
pub(super) fn too_large() -> Failure {
    let message = "the workbook is too large: a sheet may have 1,048,576 rows and 1 GiB of text; save it as CSV";
    Failure::new("too_large", message)
}

impl<'a> Package<'a> {
    pub(super) fn open(bytes: &'a [u8], most: u64) -> Result<Package<'a>, Failure> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged("its archive cannot be read"))?;
        let mut places = HashMap::new();
        for at in 0..zip.len() {
            if let Some(Ok(name)) = zip.name_for_index(at) {
                places.entry(plain_name(&name)).or_insert(at);
            }
        }
        Ok(Package { zip, places, most })
    }

    /// Which workbook this is, or what it is instead.
    pub(super) fn format(&mut self) -> Result<Format, Failure> {
        let has = |beginning: &str| self.places.keys().any(|name| name.starts_with(beginning));
        if let Some(at) = self.places.get("mimetype") {
            let mut kind = String::new();
            let read = self.zip.by_index(*at).map(|part| part.take(200).read_to_string(&mut kind));
            return match (read, kind.trim()) {
                (Ok(Ok(_)), "application/vnd.oasis.opendocument.spreadsheet") => Ok(Format::Ods),
                _ => Err(no_table("a document (odt or the like) and no spreadsheet: save its table as CSV")),
            };
        }
        if has("word/") {
            return Err(no_table("a Word document (docx): copy its table to a spreadsheet, and save that as xlsx"));
        }
        if has("ppt/") {
            return Err(no_table("a presentation (pptx): copy its table to a spreadsheet, and save that as xlsx"));
        }
        if has("xl/workbook.bin") {
            return Err(no_table("a binary workbook (xlsb): save it as xlsx or CSV"));
        }
        if has("[content_types].xml") {
            return Ok(Format::Xlsx);
        }
        Err(no_table("packed (zip): unpack it first"))
    }

    /// A part by its name; none where there is none.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<Part<'_, 'a>>, Failure> {
        let Some(at) = self.places.get(&plain_name(name)).copied() else { return Ok(None) };
        let left = self.most;
        let inner = self.zip.by_index(at).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                no_table("a workbook with a password: open it, and save it without one")
            }
            _ => damaged("a part of it cannot be read"),
        })?;
        let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 16, Bounded { inner, left }));
        reader.config_mut().expand_empty_elements = true;
        Ok(Some(Part { reader, buffer: Vec::new() }))
    }
}

impl Part<'_, '_> {
    /// The next event; an end of the part is one, too.
    pub(super) fn next(&mut self) -> Result<Event<'_>, Failure> {
        self.buffer.clear();
        self.reader.read_event_into(&mut self.buffer).map_err(wrong)
    }

    /// Passes over what is in an element that was begun.
    pub(super) fn skip(&mut self, name: &str) -> Result<(), Failure> {
        self.buffer.clear();
        self.reader.read_to_end_into(quick_xml::name::QName(name), &mut self.buffer).map_err(wrong)?;
        Ok(())
    }
}

fn wrong(error: quick_xml::Error) -> Failure {
    match error {
        quick_xml::Error::Io(error) if error.kind() == ErrorKind::FileTooLarge => too_large(),
        _ => damaged("it is not well-formed"),
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or(Error::from(ErrorKind::FileTooLarge))?;
        Ok(read)
    }
}

/// A part's name as all are compared.
fn plain_name(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

/// The value of an attribute, by its name without a prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Failure> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|_| damaged("an attribute is not well-formed"))?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(wrong)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// Adds what an event has of text.
pub(super) fn push_text(event: &Event<'_>, to: &mut String) -> Result<(), Failure> {
    match event {
        Event::Text(text) => to.push_str(&text.xml10_content()),
        Event::CData(text) => to.push_str(&text.xml10_content()),
        Event::GeneralRef(reference) => {
            let named = match reference.as_ref() {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "apos" => Some('\''),
                "quot" => Some('"'),
                _ => reference.resolve_char_ref().map_err(wrong)?,
            };
            to.push(named.ok_or_else(|| damaged("it has an entity of its own"))?);
        }
        _ => {}
    }
    Ok(())
}
