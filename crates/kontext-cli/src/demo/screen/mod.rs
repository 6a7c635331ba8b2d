//! What the viewer sees: on a terminal, lines that stay and below them a picture that is redrawn; else lines only.
//!
//! The cursor is never hidden and no mode is changed, so there is nothing to restore, however the process ends.

mod frame;

use std::{io, sync::Arc, time::Instant};

use jiff::Zoned;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::{people::Person, world::World};
use crate::output::{self, Terminal};

/// Columns of a terminal that does not tell.
const WIDTH: usize = 80;
/// Where the text after time and name begins.
const INDENT: usize = 20;

/// The viewer's side.
pub(super) struct Screen {
    terminal: Terminal,
    picture: Arc<Mutex<Picture>>,
    painter: Option<JoinHandle<()>>,
}

/// The part that is redrawn.
struct Picture {
    world: World,
    terminal: Terminal,
    /// Lines on the screen now.
    drawn: usize,
}

impl Screen {
    pub(super) fn new(terminal: Terminal, world: World) -> Self {
        let picture = Arc::new(Mutex::new(Picture { world: world.clone(), terminal, drawn: 0 }));
        let painter = terminal.is.then(|| tokio::spawn(paint(picture.clone(), world)));
        Self { terminal, picture, painter }
    }

    /// Somebody does something.
    pub(super) fn act(&self, who: &Person, command: &str) -> io::Result<()> {
        let (bold, plain) = if self.terminal.colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        self.line(&format!("{} {:<6} {bold}{command}{plain}", clock(), who.name))
    }

    /// What came of it.
    pub(super) fn note(&self, text: &str, since: Instant) -> io::Result<()> {
        self.line(&format!("{:INDENT$} {text}, after {} ms", "", since.elapsed().as_millis()))
    }

    fn line(&self, text: &str) -> io::Result<()> {
        let mut picture = self.picture.lock();
        if !self.terminal.is {
            return output::say(&format!("{text}\n"));
        }
        let (erase, redraw) = (picture.erase(), picture.draw());
        output::say(&format!("{erase}{text}\n{redraw}"))
    }

    /// Leaves the last picture where it is.
    pub(super) fn finish(&self) -> io::Result<()> {
        let mut picture = self.picture.lock();
        if let Some(painter) = &self.painter {
            painter.abort();
            let (erase, redraw) = (picture.erase(), picture.draw());
            picture.drawn = 0;
            return output::say(&format!("{erase}{redraw}"));
        }
        let lines = frame::lines(&picture.world.snapshot(), WIDTH, false);
        output::say(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(painter) = &self.painter {
            painter.abort();
        }
    }
}

impl Picture {
    fn erase(&mut self) -> String {
        match std::mem::take(&mut self.drawn) {
            0 => String::new(),
            // Up to the first of the lines, and erase from there on.
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }

    fn draw(&mut self) -> String {
        // The window may have been resized since.
        let width = Terminal::stdout().width.or(self.terminal.width).unwrap_or(WIDTH);
        let lines = frame::lines(&self.world.snapshot(), width, self.terminal.colour);
        self.drawn = lines.len();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

async fn paint(picture: Arc<Mutex<Picture>>, mut world: World) {
    while world.changed().await {
        let mut picture = picture.lock();
        let (erase, redraw) = (picture.erase(), picture.draw());
        if output::say(&format!("{erase}{redraw}")).is_err() {
            // The story's next line meets the same error and ends the demo with it.
            return;
        }
    }
}

fn clock() -> String {
    Zoned::now().strftime("%H:%M:%S.%3f").to_string()
}
