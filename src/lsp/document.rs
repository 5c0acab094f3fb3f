//! An open document: its text, and what is known of it.

use super::uri;
use crate::ide::{Analysis, Slow};
use lsp_types::{Position, TextDocumentContentChangeEvent as Change, Uri};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A document that is open in the editor.
pub(super) struct Document {
    /// Its URI, as the editor writes it.
    pub uri: String,
    /// The file.
    pub path: PathBuf,
    /// Its text in the editor, saved or not.
    pub text: String,
    /// The editor's number of that text.
    pub version: i32,
    /// What is quickly known of that text; `None` until it was looked at.
    pub analysis: Option<Arc<Analysis>>,
    /// Of the latest text that could be read without a mistake; the next one is likely to be like it.
    readable: Option<Arc<Analysis>>,
    /// What is slowly known.
    pub latest: Arc<Latest>,
}

/// What was found out about the latest text of a document, shared with the worker.
#[derive(Default)]
pub(super) struct Latest {
    state: Mutex<State>,
    found: Condvar,
}

#[derive(Default)]
struct State {
    /// Counts the texts; what was found for an earlier one is of no use.
    revision: u64,
    slow: Option<Arc<Slow>>,
}

impl Latest {
    /// The number of the latest text.
    pub(super) fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// What is slowly known of the latest text.
    pub(super) fn slow(&self) -> Option<Arc<Slow>> {
        self.lock().slow.clone()
    }

    /// Keeps what was found for text `revision` and calls `publish`, unless there is a newer text.
    pub(super) fn settle(&self, revision: u64, slow: Slow, publish: impl FnOnce(&Slow)) {
        let mut state = self.lock();
        if state.revision == revision {
            publish(&slow);
            state.slow = Some(Arc::new(slow));
            self.found.notify_all();
        }
    }

    /// Calls `publish`, unless there is a newer text or all is known of this one within `patience`.
    pub(super) fn meanwhile(&self, revision: u64, patience: Duration, publish: impl FnOnce()) {
        let waiting = |state: &mut State| state.revision == revision && state.slow.is_none();
        let state = self.found.wait_timeout_while(self.lock(), patience, waiting);
        let state = state.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
        if state.revision == revision && state.slow.is_none() {
            publish();
        }
    }

    fn next(&self) {
        let mut state = self.lock();
        state.revision += 1;
        state.slow = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Document {
    pub(super) fn new(name: &Uri, text: String, version: i32) -> Self {
        let uri = name.as_str().to_owned();
        Self { path: uri::path(&uri), uri, text, version, analysis: None, readable: None, latest: Arc::default() }
    }

    /// Makes the edits of a notification, one after the other.
    pub(super) fn change(&mut self, version: i32, changes: &[Change]) {
        for change in changes {
            let range = change.range.map(|range| (range.start, range.end));
            self.text = edited(&self.text, range, &change.text);
        }
        self.version = version;
        self.outdated();
    }

    /// What is known is no longer of use.
    pub(super) fn outdated(&mut self) {
        self.analysis = None;
        self.latest.next();
    }

    /// Looks at the text; `texts` stand for files.
    pub(super) fn analyse(&mut self, texts: &BTreeMap<PathBuf, String>) {
        let read = |path: &Path| match texts.get(path) {
            Some(text) => Ok(text.clone()),
            None => std::fs::read_to_string(path),
        };
        let name = self.path.display().to_string();
        let analysis = Arc::new(Analysis::after(self.readable.as_deref(), &name, self.text.clone(), &read));
        if analysis.program.only_text().is_some() {
            self.readable = Some(Arc::clone(&analysis));
        }
        self.analysis = Some(analysis);
    }
}

/// The text after an edit: `new` in the place of a range, or of everything. Positions behind a line or the text are
/// moved to its end, those inside a character to its start; lines end with `\n` or `\r\n`.
pub fn edited(text: &str, range: Option<(Position, Position)>, new: &str) -> String {
    let Some((start, end)) = range else { return new.to_owned() };
    let start = offset(text, start);
    let end = offset(text, end).max(start);
    [&text[..start], new, &text[end..]].concat()
}

fn offset(text: &str, position: Position) -> usize {
    let line = position.line as usize;
    let start = match line {
        0 => Some(0),
        _ => text.bytes().enumerate().filter(|&(_, b)| b == b'\n').nth(line - 1).map(|(at, _)| at + 1),
    };
    let Some(start) = start else { return text.len() };
    let rest = &text[start..];
    let line = rest.split('\n').next().unwrap_or("").trim_end_matches('\r');
    let mut units = 0;
    for (at, c) in line.char_indices() {
        units += c.len_utf16();
        if units > position.character as usize {
            return start + at;
        }
    }
    start + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf16_and_are_clamped() {
        let at = |line, character| Position { line, character };
        let edit = |from, to, new| edited("a😀b\r\nc", Some((from, to)), new);
        assert_eq!(edit(at(0, 3), at(0, 4), "x"), "a😀x\r\nc");
        assert_eq!(edit(at(0, 2), at(0, 3), "x"), "axb\r\nc");
        assert_eq!(edit(at(0, 99), at(0, 99), "x"), "a😀bx\r\nc");
        assert_eq!(edit(at(1, 1), at(9, 0), "\n→"), "a😀b\r\nc\n→");
        assert_eq!(edit(at(1, 0), at(0, 0), "x"), "a😀b\r\nxc");
        assert_eq!(edited("abc", None, ""), "");
    }
}
