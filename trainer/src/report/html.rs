//! Elements of HTML and SVG. Text and attributes are escaped here and nowhere else, so that no part
//! of the report can forget it: labels come from the tags of strangers' files.

/// Elements that HTML closes by itself.
const VOID: [&str; 2] = ["meta", "br"];

/// An element with its attributes and what stands inside of it.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Element(Element),
    Text(String),
}

/// An empty element.
pub(super) fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    /// With an attribute.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With a class.
    pub(super) fn class(self, class: impl Into<String>) -> Self {
        self.with("class", class)
    }

    /// With a coordinate or length, to a hundredth.
    pub(super) fn at(self, name: &'static str, value: f64) -> Self {
        self.with(name, coordinate(value))
    }

    /// With text after what stands inside so far.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// With an element after what stands inside so far.
    pub(super) fn push(mut self, child: Element) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// With several elements, or with one where there is one.
    pub(super) fn extend(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// Appends the element to a page.
    pub(super) fn write(&self, page: &mut String) {
        page.push('<');
        page.push_str(self.name);
        for (name, value) in &self.attributes {
            page.push(' ');
            page.push_str(name);
            page.push_str("=\"");
            escape(value, page);
            page.push('"');
        }
        if VOID.contains(&self.name) {
            page.push_str("/>");
            return;
        }
        page.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(page),
                Node::Text(text) => escape(text, page),
            }
        }
        page.push_str("</");
        page.push_str(self.name);
        page.push('>');
    }
}

/// A length for an attribute: at most two decimals. Scales give no place to what is not a number,
/// so the zero stands for a fault of the layout only.
pub(super) fn coordinate(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.is_finite() && rounded != 0.0 { rounded.to_string() } else { "0".to_owned() }
}

/// Fits both text and attributes. What XML forbids, and marks that turn the direction of the text
/// around them, become replacement characters.
pub(super) fn escape(text: &str, page: &mut String) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            '\n' | '\t' => page.push(character),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => page.push('\u{fffd}'),
            control if control.is_control() => page.push('\u{fffd}'),
            other => page.push(other),
        }
    }
}

/// At most so many columns of text, the last an ellipsis where something was left out. East Asian
/// characters take two.
pub(super) fn shorten(text: &str, columns: usize) -> String {
    let width = |character: char| if character < '\u{1100}' { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let mut short: String = text
        .chars()
        .take_while(|character| {
            let fits = width(*character) <= left;
            left = left.saturating_sub(width(*character));
            fits
        })
        .collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(element: Element) -> String {
        let mut page = String::new();
        element.write(&mut page);
        page
    }

    #[test]
    fn text_and_attributes_are_escaped() {
        let hostile = "<script>alert(\"it's\")</script> & \u{0}\u{1b}[31m\u{202e}";
        let expected = "&lt;script&gt;alert(&quot;it&#39;s&quot;)&lt;/script&gt; &amp; \u{fffd}\u{fffd}[31m\u{fffd}";
        assert_eq!(
            written(element("td").with("title", hostile).text(hostile)),
            format!("<td title=\"{expected}\">{expected}</td>")
        );
    }

    #[test]
    fn only_void_elements_close_themselves() {
        assert_eq!(written(element("p").push(element("br")).push(element("td"))), "<p><br/><td></td></p>");
    }

    #[test]
    fn coordinates_have_two_decimals_and_are_numbers() {
        assert_eq!(coordinate(12.0), "12");
        assert_eq!(coordinate(-0.125), "-0.13");
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(f64::NAN), "0");
    }

    #[test]
    fn long_text_ends_with_an_ellipsis() {
        assert_eq!(shorten("jazz", 4), "jazz");
        assert_eq!(shorten("drum and bass", 9), "drum and…");
        assert_eq!(shorten("音楽の時間", 6), "音楽…");
        assert_eq!(shorten("jazz", 0), "…");
    }
}
