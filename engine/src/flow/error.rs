//! Mistakes in authored flows: each with its place, a pointer into the text, and what was meant.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use serde::Serialize;

/// Every mistake in a set of flow files, in the order of the files and of the lines in them. Never empty.
///
/// Its `Display` is plain text with all of it, for a log or a test; a terminal shows [`Mistakes::into_shown`] in colours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Mistakes(pub Vec<Mistake>);

/// [`Mistakes`] for a terminal: a [`miette::Diagnostic`] with every mistake related to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(Mistakes);

/// One mistake. Its `Display` is the sentence alone; with its place it is in the `Display` of [`Mistakes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The rule that is broken.
    pub rule: Rule,
    /// What is wrong, one sentence.
    pub message: String,
    /// What was probably meant, or what to write.
    pub help: Option<String>,
    /// Where it is; a file that is missing altogether has no place.
    pub place: Option<Place>,
}

/// A place in a flow file.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The first byte of what is wrong.
    pub start: usize,
    /// The byte after it.
    pub end: usize,
    /// The text of the whole file.
    #[serde(skip)]
    text: Arc<str>,
}

/// What a flow file has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The file is YAML, without anchors, tags and further documents.
    Syntax,
    /// Keys are known where they stand.
    UnknownKey,
    /// Nothing is named or written twice.
    Duplicate,
    /// What is required is there.
    Missing,
    /// Values have the type that is expected.
    WrongType,
    /// Names are words of small letters, digits and `_`, and mean one thing.
    BadName,
    /// A state does one thing, a transition goes one way.
    Conflict,
    /// Flows that are named exist.
    UnknownFlow,
    /// States that are named exist.
    UnknownState,
    /// Slots that are named exist.
    UnknownSlot,
    /// Names in expressions are slots, results or facts.
    UnknownName,
    /// Fields that are read exist.
    UnknownField,
    /// Tools that are called exist.
    UnknownTool,
    /// Arguments that are given exist.
    UnknownArgument,
    /// Arguments that are required are given.
    MissingArgument,
    /// Arguments have the type that the tool expects.
    ArgumentType,
    /// Events that are answered exist.
    UnknownEvent,
    /// Slot types exist.
    UnknownType,
    /// Conditions and arguments are expressions.
    BadExpression,
    /// What conditions compare with is among what there can be, and outcomes are not nearly others.
    UnknownOption,
    /// Ways by which something is sent exist.
    UnknownWay,
    /// A choice's list is a list of objects with the fields that are named.
    BadList,
    /// A list of guarded cases ends with one that always holds.
    NoLastCase,
    /// Prompts that are named exist for every language and channel.
    MissingPrompt,
    /// Prompts use variables that the flow can have.
    PromptVariable,
    /// A read-back shows everything that a yes to it confirms, and a question has words.
    NotShown,
    /// Every state can be reached.
    Unreachable,
    /// From every state there is a way to an end.
    DeadEnd,
    /// Between two automatic states of a loop the guest has a turn.
    Loop,
    /// What is read was filled on every path.
    NeverFilled,
    /// A tool that writes is called only after a yes to a read-back of everything it is sent.
    Unconfirmed,
    /// What the flow says about itself under `never` and `always` is so.
    Violated,
}

impl Rule {
    /// The name that programs see, for example `unknown_state`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownKey => "unknown_key",
            Self::Duplicate => "duplicate",
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::BadName => "bad_name",
            Self::Conflict => "conflict",
            Self::UnknownFlow => "unknown_flow",
            Self::UnknownState => "unknown_state",
            Self::UnknownSlot => "unknown_slot",
            Self::UnknownName => "unknown_name",
            Self::UnknownField => "unknown_field",
            Self::UnknownTool => "unknown_tool",
            Self::UnknownArgument => "unknown_argument",
            Self::MissingArgument => "missing_argument",
            Self::ArgumentType => "argument_type",
            Self::UnknownEvent => "unknown_event",
            Self::UnknownType => "unknown_type",
            Self::BadExpression => "bad_expression",
            Self::UnknownOption => "unknown_option",
            Self::UnknownWay => "unknown_way",
            Self::BadList => "bad_list",
            Self::NoLastCase => "no_last_case",
            Self::MissingPrompt => "missing_prompt",
            Self::PromptVariable => "prompt_variable",
            Self::NotShown => "not_shown",
            Self::Unreachable => "unreachable",
            Self::DeadEnd => "dead_end",
            Self::Loop => "loop",
            Self::NeverFilled => "never_filled",
            Self::Unconfirmed => "unconfirmed",
            Self::Violated => "violated",
        }
    }
}

impl Place {
    /// The place of the bytes `start..end` of `text`. Offsets outside the text are moved to its end.
    pub fn new(file: &str, text: &Arc<str>, start: usize, end: usize) -> Self {
        let start = floor_boundary(text, start);
        let end = floor_boundary(text, end.max(start));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            start,
            end,
            text: Arc::clone(text),
        }
    }

    /// The line and the column, counted as [`line`](Self::line) and [`column`](Self::column) are, behind what is wrong.
    pub fn until(&self) -> (usize, usize) {
        let behind = Self::new("", &self.text, self.end, self.end);
        (behind.line, behind.column)
    }

    /// The line it stands in, without its line break.
    pub fn source_line(&self) -> &str {
        self.text.lines().nth(self.line - 1).unwrap_or_default()
    }

    /// Its line with its number, and below it a pointer to what is meant.
    pub fn excerpt(&self) -> String {
        let number = self.line.to_string();
        let margin = self.margin();
        // A tab stays a tab, so that the caret stands under what it points at.
        let indent: String = self
            .source_line()
            .chars()
            .take(self.column - 1)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.width());
        format!(" {number} | {}\n {margin} | {indent}{carets}", self.source_line())
    }

    /// As wide as the line's number.
    fn margin(&self) -> String {
        " ".repeat(self.line.to_string().len())
    }

    /// How many characters of its line are meant, at least one.
    fn width(&self) -> usize {
        let rest = self.source_line().chars().count().saturating_sub(self.column - 1);
        let meant = self.text.get(self.start..self.end).unwrap_or_default();
        meant.lines().next().unwrap_or_default().trim_end().chars().count().min(rest).max(1)
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{} ({}..{})", self.file, self.line, self.column, self.start, self.end)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Mistake {
    /// Its place, the line with a pointer, the sentence and what was meant.
    fn write_whole(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else {
            write!(formatter, "{}", self.message)?;
            return match &self.help {
                Some(help) => write!(formatter, "\n  help: {}", help.replace('\n', "\n  ")),
                None => Ok(()),
            };
        };
        let margin = place.margin();
        writeln!(formatter, "{}:{}:{}: {}", place.file, place.line, place.column, self.message)?;
        formatter.write_str(&place.excerpt())?;
        // Further lines of it, a conversation, stand below.
        let help = |help: &String| help.replace('\n', &format!("\n {margin}   "));
        match &self.help {
            Some(text) => write!(formatter, "\n {margin} = help: {}", help(text)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.0 {
            mistake.write_whole(formatter)?;
            formatter.write_str("\n\n")?;
        }
        write!(formatter, "{}", self.summary())
    }
}

impl std::error::Error for Mistakes {}

impl Mistakes {
    /// The form that a terminal shows in colours.
    pub fn into_shown(self) -> Shown {
        Shown(self)
    }

    /// How many there are, in how many files.
    pub fn summary(&self) -> String {
        let files: BTreeSet<&str> =
            self.0.iter().filter_map(|mistake| Some(mistake.place.as_ref()?.file.as_str())).collect();
        let mistakes = if self.0.len() == 1 { "mistake" } else { "mistakes" };
        match files.len() {
            0 => format!("{} {mistakes} in the flows", self.0.len()),
            1 => format!("{} {mistakes} in 1 file", self.0.len()),
            count => format!("{} {mistakes} in {count} files", self.0.len()),
        }
    }
}

impl SourceCode for Place {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        context_lines_before: usize,
        context_lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text.read_span(span, context_lines_before, context_lines_after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            contents.data(),
            *contents.span(),
            contents.line(),
            contents.column(),
            contents.line_count(),
        )))
    }
}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.rule.name()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| place as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let span = (place.start, place.end - place.start);
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, span))))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.summary())
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.0.0.iter().map(|mistake| mistake as &dyn Diagnostic)))
    }
}
