//! A form with files, as RFC 7578 writes it.

use uuid::Uuid;

/// What stands in place of a type that cannot be written into a header.
const ANY_TYPE: &str = "application/octet-stream";

/// A form that is being filled. Its boundary is random: no file holds it.
#[derive(Debug)]
pub(crate) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty form.
    pub(crate) fn new() -> Self {
        Self { boundary: Uuid::new_v4().simple().to_string(), body: Vec::new() }
    }

    /// The same form with a field. The name is one of ours.
    #[must_use]
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        let Self { boundary, body } = &mut self;
        body.extend(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .into_bytes(),
        );
        self
    }

    /// The same form with a file. Both names are ours.
    #[must_use]
    pub(crate) fn file(mut self, name: &str, file: &str, content_type: &str, bytes: &[u8]) -> Self {
        let Self { boundary, body } = &mut self;
        let content_type = header_safe(content_type);
        body.extend(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                 Content-Type: {content_type}\r\n\r\n"
            )
            .into_bytes(),
        );
        body.extend(bytes);
        body.extend(b"\r\n");
        self
    }

    /// The content type and the body.
    pub(crate) fn finish(mut self) -> (String, Vec<u8>) {
        let end = format!("--{}--\r\n", self.boundary);
        self.body.extend(end.into_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body)
    }
}

/// A type as it may stand in a header; one with characters that could end the header's line is left out.
pub(crate) fn header_safe(content_type: &str) -> &str {
    if content_type.is_empty() || content_type.chars().any(|c| c.is_control() || !c.is_ascii()) {
        ANY_TYPE
    } else {
        content_type
    }
}
