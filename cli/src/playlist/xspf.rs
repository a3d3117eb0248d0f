//! XSPF version 1 (Xiph.org).

use std::io::Cursor;

use index::TrackRecord;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{address_of, milliseconds_of};
use crate::output;

/// A playlist in XML.
///
/// # Errors
/// None that can be brought about: it is written into memory.
pub fn xspf<'a>(records: impl IntoIterator<Item = &'a TrackRecord>) -> anyhow::Result<String> {
    let mut writer = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let playlist = writer.create_element("playlist");
    let playlist = playlist.with_attributes([("version", "1"), ("xmlns", "http://xspf.org/ns/0/")]);
    playlist.write_inner_content(|writer| {
        writer
            .create_element("trackList")
            .write_inner_content(|writer| records.into_iter().try_for_each(|record| write_track(writer, record)))?;
        Ok(())
    })?;
    Ok(String::from_utf8(writer.into_inner().into_inner())? + "\n")
}

fn write_track(writer: &mut Writer<Cursor<Vec<u8>>>, record: &TrackRecord) -> std::io::Result<()> {
    let file = &record.file;
    let elements = [
        ("location", Some(address_of(&file.path))),
        ("title", Some(record.title())),
        ("creator", file.artist.clone()),
        ("album", file.album.clone()),
        ("duration", milliseconds_of(record).map(|milliseconds| milliseconds.to_string())),
    ];
    writer.create_element("track").write_inner_content(|writer| {
        for (name, text) in elements {
            let Some(text) = text else { continue };
            // XML has no way to write most control characters.
            let text = output::one_line(&text);
            writer.create_element(name).write_text_content(BytesText::new(&text))?;
        }
        Ok(())
    })?;
    Ok(())
}
