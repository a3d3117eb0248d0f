//! An answer in XML: the same tree as in JSON, by one rule.

use std::io::{Cursor, Result};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde_json::{Map, Value};

/// What this key holds is an element's text.
const TEXT: &str = "value";

/// An element with what a tree says: scalars are attributes, objects are elements in it, arrays are elements that repeat.
///
/// # Errors
/// None that can be brought about: it is written into memory.
pub(super) fn document(root: &str, tree: &Map<String, Value>) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    write_object(&mut writer, root, tree)?;
    Ok(writer.into_inner().into_inner())
}

fn write(writer: &mut Writer<Cursor<Vec<u8>>>, name: &str, value: &Value) -> Result<()> {
    match value {
        Value::Object(tree) => write_object(writer, name, tree),
        Value::Array(values) => values.iter().try_for_each(|value| write(writer, name, value)),
        scalar => match text_of(scalar) {
            Some(text) => writer.create_element(name).write_text_content(BytesText::new(&text)).map(|_| ()),
            None => Ok(()),
        },
    }
}

fn write_object(writer: &mut Writer<Cursor<Vec<u8>>>, name: &str, tree: &Map<String, Value>) -> Result<()> {
    let mut start = BytesStart::new(name);
    for (key, value) in tree.iter().filter(|(key, _)| *key != TEXT) {
        if let Some(text) = text_of(value) {
            start.push_attribute((key.as_str(), text.as_str()));
        }
    }
    let text = tree.get(TEXT).and_then(text_of);
    let children = || tree.iter().filter(|(_, value)| value.is_object() || value.is_array());
    if text.is_none() && children().next().is_none() {
        return writer.write_event(Event::Empty(start));
    }
    writer.write_event(Event::Start(start))?;
    if let Some(text) = text {
        writer.write_event(Event::Text(BytesText::new(&text)))?;
    }
    children().try_for_each(|(key, value)| write(writer, key, value))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}

/// A scalar as text, without the characters that XML has no way to write; `None`: it is none.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().filter(|&character| is_allowed(character)).collect()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The production `Char` of XML 1.0.
fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(tree: Value) -> String {
        let document = document("r", tree.as_object().unwrap()).unwrap();
        String::from_utf8(document).unwrap().replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "")
    }

    #[test]
    fn scalars_are_attributes_objects_elements_and_arrays_repeat() {
        let tree = json!({
            "ok": true, "song": [{ "id": "1", "size": 7 }, { "id": "2" }], "empty": [], "none": null,
            "genre": { "value": "R & <B>", "songCount": 3 }, "versions": [1, 2], "nothing": {},
        });
        let expected = "<r ok=\"true\"><genre songCount=\"3\">R &amp; &lt;B&gt;</genre><nothing/>\
                        <song id=\"1\" size=\"7\"/><song id=\"2\"/><versions>1</versions><versions>2</versions></r>";
        assert_eq!(written(tree), expected);
    }

    #[test]
    fn whatever_a_name_holds_the_document_can_be_read() {
        let name = "\u{1}a\"<&>'\u{b}é\u{ffff}\u{10ffff}";
        let text = written(json!({ "name": name, "inner": { "value": name } }));
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        let expected = Some("a\"<&>'é\u{10ffff}");
        assert_eq!(root.attribute("name"), expected);
        assert_eq!(root.first_child().and_then(|inner| inner.text()), expected);
    }
}
