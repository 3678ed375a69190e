//! TwiML as Twilio reads it: elements, attributes, text.

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that must be there.
    pub(crate) fn wants(&self, name: &str) -> &str {
        self.attribute(name).unwrap_or_else(|| panic!("<{}> has no {name}", self.name))
    }

    /// The parameters inside, by name.
    pub(crate) fn parameters(&self) -> serde_json::Map<String, serde_json::Value> {
        let parameters = self.children.iter().filter(|child| child.name == "Parameter");
        parameters.map(|child| (child.wants("name").to_owned(), child.wants("value").into())).collect()
    }
}

/// The root of a document; what is not well-formed is a mistake of the server's.
pub(crate) fn parse(document: &str) -> Result<Element, String> {
    let rest = document.trim_start();
    let rest = match rest.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").ok_or("the declaration does not end")?.1,
        None => rest,
    };
    let (root, rest) = element(rest.trim_start())?;
    if rest.trim().is_empty() { Ok(root) } else { Err(format!("something follows the root: {rest}")) }
}

fn element(text: &str) -> Result<(Element, &str), String> {
    let rest = text.strip_prefix('<').ok_or_else(|| format!("an element was expected: {text}"))?;
    let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/').ok_or("a tag does not end")?;
    let mut found = Element { name: rest[..end].to_owned(), ..Element::default() };
    let mut rest = rest[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok((found, after));
        }
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        let (name, after) =
            rest.split_once("=\"").ok_or_else(|| format!("an attribute was expected: {rest}"))?;
        let (value, after) = after.split_once('"').ok_or("a value does not end")?;
        found.attributes.push((name.trim().to_owned(), unescaped(value)?));
        rest = after.trim_start();
    }
    loop {
        let at = rest.find('<').ok_or_else(|| format!("<{}> does not end", found.name))?;
        found.text.push_str(&unescaped(&rest[..at])?);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("</") {
            let (name, after) = after.split_once('>').ok_or("a tag does not end")?;
            return if name.trim() == found.name {
                Ok((found, after))
            } else {
                Err(format!("<{}> is closed by </{name}>", found.name))
            };
        }
        let (child, after) = element(rest)?;
        found.children.push(child);
        rest = after;
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (entity, after) = after.split_once(';').ok_or_else(|| format!("a bare & in {text}"))?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" | "#39" => '\'',
            other => return Err(format!("an entity nobody knows: {other}")),
        });
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}
