//! What fits into one message of a channel, as data.

/// What fits into one message. Lengths are in UTF-16 units, which is how an emoji counts as two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Words alone; `None` is any length.
    pub text: Option<usize>,
    /// Words above buttons or a list.
    pub body: usize,
    /// Buttons below a message.
    pub buttons: usize,
    /// The words on a button.
    pub button_title: usize,
    /// The id of a button.
    pub button_id: usize,
    /// The rows of a list, in all.
    pub rows: usize,
    /// The title of a row.
    pub row_title: usize,
    /// The words below the title of a row.
    pub row_description: usize,
    /// The id of a row.
    pub row_id: usize,
    /// The words on what opens a list.
    pub opener: usize,
    /// A file that is sent or fetched, in bytes.
    pub media: usize,
}

impl Limits {
    /// The length of a text as it is limited.
    pub fn length(text: &str) -> usize {
        text.encode_utf16().count()
    }

    /// Whether a text alone is one message.
    pub fn takes_text(&self, text: &str) -> bool {
        self.text.is_none_or(|most| Self::length(text) <= most)
    }
}

const MEDIA: usize = 16 * 1024 * 1024;

/// WhatsApp by Twilio, inside a conversation and without an approved template.
pub(super) const TWILIO: Limits = Limits {
    text: Some(1600),
    body: 1024,
    buttons: 3,
    button_title: 20,
    button_id: 200,
    rows: 10,
    row_title: 24,
    row_description: 72,
    row_id: 200,
    opener: 20,
    media: MEDIA,
};

/// WhatsApp by Meta.
pub(super) const META: Limits = Limits {
    text: Some(4096),
    body: 1024,
    buttons: 3,
    button_title: 20,
    button_id: 256,
    rows: 10,
    row_title: 24,
    row_description: 72,
    row_id: 200,
    opener: 20,
    media: MEDIA,
};

/// The console and the terminal, which show words of any length, and as many buttons as WhatsApp.
pub(super) const LOCAL: Limits = Limits {
    text: None,
    body: usize::MAX,
    buttons: 3,
    button_title: usize::MAX,
    button_id: usize::MAX,
    rows: 3,
    row_title: usize::MAX,
    row_description: usize::MAX,
    row_id: usize::MAX,
    opener: usize::MAX,
    media: MEDIA,
};
