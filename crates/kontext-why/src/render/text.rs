//! The chain as text.
//!
//! One line a step, newest first: who, what, why, when. The last step of a chain has a time of day; each step above
//! it says how much later it was than the step below it. Times are those of the reader's zone, because people compare
//! them with their own clocks and chats (JSON has UTC); UTC is marked with `Z`, and the date is there if it is not today.
//! A word at the end of a line says how the step is known, unless it was plainly stamped.

use jiff::{Timestamp, tz::TimeZone};
use kontext_core::text::harmless;

use super::{
    clock::{clock, since},
    line::{Look, Page, columns, left, right, wrapped},
};
use crate::model::{ActionTold, CauseTold, Certainty, Chain, Deed, Step, WriteTold};

/// Blanks between columns.
const GAP: usize = 2;
/// The widest column of who did it.
const MAX_WHO: usize = 40;
/// A reason needs this much room beside its action; with less, the page is narrow.
const MIN_WHY: usize = 20;
/// Narrower than this, nothing can be told.
const MIN_WIDTH: usize = 40;
/// How far what and why are moved in on a narrow page.
const INDENT: usize = 4;

/// How a chain is written.
#[derive(Clone, Debug)]
pub struct TextOptions {
    /// Columns of the terminal; `None` where it is none, and nothing is wrapped.
    pub width: Option<usize>,
    /// Whether to use colour.
    pub colour: bool,
    /// The zone of the reader.
    pub zone: TimeZone,
    /// The present time: of today, no date is told.
    pub now: Timestamp,
}

impl Default for TextOptions {
    /// Unbounded width, no colour, UTC, now.
    fn default() -> Self {
        Self { width: None, colour: false, zone: TimeZone::UTC, now: Timestamp::now() }
    }
}

/// One step, ready to be laid out.
struct Row {
    who: String,
    what: String,
    why: String,
    when: String,
    certainty: String,
    /// Lines below; the flag says whether they are dim.
    below: Vec<(Look, String)>,
    older: bool,
}

/// The chain as text, with a newline at the end of each line.
pub fn text(chain: &Chain, options: &TextOptions) -> String {
    let home = chain.object.namespace.as_deref();
    let rows: Vec<Row> = chain
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let below = chain.steps.get(at + 1).filter(|below| below.older == step.older);
            row(step, below, home, options)
        })
        .collect();
    let layout = Layout::of(&rows, options.width);
    let mut page = Page::new(options.colour);
    head(&mut page, chain, options, &layout);
    if rows.is_empty() {
        page.line(&[(Look::Plain, "nothing is known of why")]);
    }
    let mut older = false;
    for row in &rows {
        if row.older && !older {
            older = true;
            page.line(&[(Look::Dim, "before that, and not why it is so now:")]);
        }
        layout.put(&mut page, row);
    }
    for note in &chain.notes {
        for line in layout.wrap(&format!("note: {}", harmless(note)), 0) {
            page.line(&[(Look::Dim, &line)]);
        }
    }
    page.finish()
}

fn head(page: &mut Page, chain: &Chain, options: &TextOptions, layout: &Layout) {
    let home = Some("default");
    let object = harmless(&chain.object.short(home)).into_owned();
    let created = chain.created.map(|at| format!("created {}", clock(at, &options.zone, options.now)));
    let state = chain.state.as_deref().map(|state| harmless(state).into_owned());
    let facts: Vec<String> = created.into_iter().chain(state).collect();
    let facts = facts.join(", ");
    let room = layout.end().saturating_sub(columns(&object));
    if room >= columns(&facts) + GAP {
        page.line(&[(Look::Bold, &object), (Look::Plain, &right(&facts, room))]);
    } else {
        page.line(&[(Look::Bold, &object)]);
        page.line(&[(Look::Plain, &format!("{}{facts}", " ".repeat(GAP)))]);
    }
}

fn row(step: &Step, below: Option<&Step>, home: Option<&str>, options: &TextOptions) -> Row {
    let when = match (step.at, below.and_then(|below| below.at)) {
        (Some(this), Some(below)) => since(this, below),
        (Some(this), None) => clock(this, &options.zone, options.now),
        (None, _) => String::new(),
    };
    let certainty = match step.certainty {
        Certainty::Stamped => String::new(),
        other => other.to_string(),
    };
    let mut lines = Vec::new();
    let (who, what, why) = match &step.deed {
        Deed::Action(action) => {
            causes(action, home, &mut lines);
            let why = action.reason.as_ref().map_or_else(String::new, |reason| format!("\"{reason}\""));
            (action.controller.clone().unwrap_or_default(), action.name.clone(), why)
        }
        Deed::Write(write) => {
            lines.extend(write.changes.iter().map(|change| (Look::Plain, change.clone())));
            if !write.owns.is_empty() {
                let more = match write.owns_more {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                lines.push((Look::Dim, format!("owns {}{more}", write.owns.join(", "))));
            }
            (write.who.to_string(), written(step, write, home), String::new())
        }
    };
    lines.extend(step.notes.iter().map(|note| (Look::Dim, note.clone())));
    let clean = |text: String| harmless(&text).into_owned();
    Row {
        who: clean(who),
        what: clean(what),
        why: clean(why),
        when,
        certainty,
        below: lines.into_iter().map(|(look, text)| (look, clean(text))).collect(),
        older: step.older,
    }
}

/// The causes of an action that are not the step below it.
fn causes(action: &ActionTold, home: Option<&str>, lines: &mut Vec<(Look, String)>) {
    let followed = action.causes.iter().any(|cause| cause.followed);
    // A forged stamp may count as far as numbers go.
    let mut more = action.more_causes.saturating_add(action.causes.len() as u64);
    if let Some(first) = action.causes.first() {
        more -= 1;
        if !followed {
            lines.push((Look::Dim, occasion(first, home)));
        }
        if more > 0 {
            lines.push((Look::Dim, format!("and {more} more cause{}", if more == 1 { "" } else { "s" })));
        }
    }
}

fn occasion(cause: &CauseTold, home: Option<&str>) -> String {
    let object = cause.object.short(home);
    let mut text = match &*cause.event {
        "timer" => format!("when a time set for {object} came"),
        "retry" => format!("when {object} was tried again after a failure"),
        "requeue" => format!("when {object} was looked at again"),
        "resync" => format!("when {object} was found so"),
        event => format!("when {object} was {event}"),
    };
    if let Some(manager) = &cause.manager {
        text.push_str(&format!(" by field manager {manager}"));
    } else if let Some(action) = &cause.action {
        text.push_str(&format!(" by {action}"));
    }
    if !cause.changes.is_empty() {
        text.push_str(&format!(": {}", cause.changes.join(", ")));
    }
    text
}

fn written(step: &Step, write: &WriteTold, home: Option<&str>) -> String {
    let object = step.object.short(home);
    let mut text = match &*write.verb {
        "found" => format!("wrote {object} before it was watched"),
        verb => format!("{verb} {object}"),
    };
    match write.generation.map(|generation| (generation.from, generation.to)) {
        Some((Some(from), to)) => text.push_str(&format!(", generation {from} -> {to}")),
        Some((None, to)) => text.push_str(&format!(", generation {to}")),
        None => {}
    }
    if let Some(owner) = &write.owner {
        text.push_str(&format!(" for {}", owner.short(home)));
    }
    text
}

/// The columns of a page.
struct Layout {
    who: usize,
    what: usize,
    /// What and why together, or each of them where the page is narrow.
    middle: usize,
    when: usize,
    /// Whether there is no room for what and why beside who: they stand below.
    narrow: bool,
    width: Option<usize>,
}

impl Layout {
    fn of(rows: &[Row], width: Option<usize>) -> Self {
        let longest =
            |column: fn(&Row) -> &str| rows.iter().map(|row| columns(column(row))).max().unwrap_or(0);
        let (when, certainty) = (longest(|row| &row.when), longest(|row| &row.certainty));
        let with_why = rows.iter().filter(|row| !row.why.is_empty());
        let what = with_why.map(|row| columns(&row.what)).max().unwrap_or(0);
        let why = longest(|row| &row.why);
        let wanted = longest(|row| &row.what).max(if why == 0 { 0 } else { what + GAP + why });
        let who = longest(|row| &row.who).min(MAX_WHO);
        let Some(width) = width.map(|width| width.max(MIN_WIDTH)) else {
            return Self { who, what, middle: wanted, when, narrow: false, width: None };
        };
        let tail = GAP + when + if certainty > 0 { GAP + certainty } else { 0 };
        let who = who.min(width * 2 / 5);
        let room = width.saturating_sub(who + GAP + tail);
        if room < what + GAP + MIN_WHY.min(why) {
            let who = width.saturating_sub(tail);
            return Self { who, what, middle: width - INDENT, when, narrow: true, width: Some(width) };
        }
        Self { who, what, middle: room.min(wanted), when, narrow: false, width: Some(width) }
    }

    /// The column after the times.
    fn end(&self) -> usize {
        self.who + if self.narrow { 0 } else { GAP + self.middle } + GAP + self.when
    }

    /// Where what does not fit on the first line of a step goes on.
    fn indent(&self) -> usize {
        if self.narrow { INDENT } else { self.who + GAP }
    }

    fn wrap(&self, text: &str, indent: usize) -> Vec<String> {
        let lines = match self.width {
            None => vec![text.into()],
            Some(width) => wrapped(text, width.saturating_sub(indent)),
        };
        lines.into_iter().map(|line| format!("{}{line}", " ".repeat(indent))).collect()
    }

    fn put(&self, page: &mut Page, row: &Row) {
        let look = if row.older { Look::Dim } else { Look::Plain };
        let gap = " ".repeat(GAP);
        let mut lines = self.middle_lines(row).into_iter();
        // Who did it has the line alone on a narrow page, and where the name is long.
        let alone = self.narrow || columns(&row.who) > self.who;
        let front = if alone {
            left(&row.who, self.end() - GAP - self.when)
        } else {
            let first = lines.next().unwrap_or_default();
            format!("{}{gap}{}", left(&row.who, self.who), left(&first, self.middle))
        };
        let when = format!("{gap}{}", right(&row.when, self.when));
        page.line(&[(look, &front), (look, &when), (Look::Dim, &format!("{gap}{}", row.certainty))]);
        for line in lines {
            page.line(&[(look, &format!("{}{line}", " ".repeat(self.indent())))]);
        }
        for (own, text) in &row.below {
            let look = if row.older { Look::Dim } else { *own };
            for line in self.wrap(text, self.indent()) {
                page.line(&[(look, &line)]);
            }
        }
    }

    /// What and why, in lines.
    fn middle_lines(&self, row: &Row) -> Vec<String> {
        if row.why.is_empty() {
            return wrapped(&row.what, self.middle);
        }
        if self.narrow {
            return [wrapped(&row.what, self.middle), wrapped(&row.why, self.middle)].concat();
        }
        let room = self.middle.saturating_sub(self.what + GAP);
        let mut lines = wrapped(&row.why, room);
        for (at, line) in lines.iter_mut().enumerate() {
            let what = left(if at == 0 { &row.what } else { "" }, self.what);
            *line = format!("{what}{}{line}", " ".repeat(GAP));
        }
        lines
    }
}
