//! `dcmc explain`: the page of a code, for a terminal.

use super::messages::Messages;
use super::session::{print, usage};
use super::{OK, USAGE_ERROR};
use crate::diag::catalogue::{CATALOGUE, Entry, entry};
use clap::Args;

#[derive(Args)]
pub(super) struct Arguments {
    /// The code, e.g. E0301; without one, all codes are listed.
    code: Option<String>,
    /// List all codes.
    #[arg(long)]
    list: bool,
}

/// Stands for a space at which no line is broken.
const GLUE: char = '\u{1}';

/// The longest line of text, in characters.
const WIDTH: usize = 84;

pub(super) fn run(arguments: &Arguments, messages: Messages) -> u8 {
    let colour = messages.color.resolve(false);
    let Some(code) = arguments.code.as_deref().filter(|_| !arguments.list) else {
        let lines: String = CATALOGUE.iter().map(|e| format!("{}  {}\n", bold(e.code, colour), e.title)).collect();
        print(&lines);
        return OK;
    };
    match entry(code.trim()) {
        Some(entry) => {
            print(&page(entry.page, colour));
            OK
        }
        None => {
            let near = nearest(code).map_or(String::new(), |e| format!("; did you mean {} ({})?", e.code, e.title));
            usage(format!("there is no code `{code}`{near} `dcmc explain` lists all"));
            USAGE_ERROR
        }
    }
}

/// The code most like `code`, if one is like it.
fn nearest(code: &str) -> Option<&'static Entry> {
    let wanted = code.trim().to_uppercase();
    let letter = wanted.chars().next()?;
    let distance = |e: &Entry| {
        let other_letter = usize::from(!e.code.starts_with(letter));
        (strsim::damerau_levenshtein(&wanted, e.code), other_letter)
    };
    CATALOGUE.iter().min_by_key(|e| distance(e)).filter(|e| distance(e).0 <= 2)
}

/// Markdown as text: titles stand out, paragraphs are wrapped, code is indented.
fn page(markdown: &str, colour: bool) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let item = line.starts_with("- ");
        if line.is_empty() || line.starts_with(['#', '`']) && fence(line).is_some() || line.starts_with('#') || item {
            text += &wrapped(&std::mem::take(&mut paragraph), colour);
        }
        if let Some(title) = line.strip_prefix("## ") {
            text += &format!("{}\n", bold(&title.to_uppercase(), colour));
        } else if let Some(title) = line.strip_prefix("# ") {
            text += &format!("{}\n", bold(title, colour));
        } else if let Some(info) = fence(line) {
            let name = info.split_once(' ').filter(|(language, _)| *language != "scm").map(|(_, name)| name);
            text += &name.map_or(String::new(), |name| format!("    {name}:\n"));
            for code in lines.by_ref().take_while(|l| fence(l).is_none()) {
                text += format!("      {code}").trim_end();
                text.push('\n');
            }
        } else if line.is_empty() {
            text.push('\n');
        } else {
            let gap = if paragraph.is_empty() { "" } else { " " };
            paragraph += &format!("{gap}{line}");
        }
    }
    text + &wrapped(&paragraph, colour)
}

/// What stands after the three backquotes of a fence.
fn fence(line: &str) -> Option<&str> {
    line.strip_prefix("```")
}

/// A paragraph in lines, indented by two; an item of a list hangs.
fn wrapped(paragraph: &str, colour: bool) -> String {
    let hang = if paragraph.starts_with("- ") { "    " } else { "  " };
    let mut lines: Vec<String> = vec![];
    let mut line = String::from("  ");
    // What stands in backquotes is not torn apart.
    let mut code = false;
    let glued = paragraph.chars().map(|c| {
        code ^= c == '`';
        if code && c == ' ' { GLUE } else { c }
    });
    for word in glued.collect::<String>().split(' ').filter(|word| !word.is_empty()) {
        if line.trim().is_empty() {
            line += word;
        } else if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, format!("{hang}{word}")));
        } else {
            line += &format!(" {word}");
        }
    }
    if !line.trim().is_empty() {
        lines.push(line);
    }
    lines.iter().map(|line| emphasis(&line.replace(GLUE, " "), colour) + "\n").collect()
}

/// `*word*` as the terminal can show it; stars inside backquotes are code.
fn emphasis(line: &str, colour: bool) -> String {
    let pieces = line.split('`').enumerate().map(|(at, piece)| match (at % 2, colour) {
        (0, true) => styled(piece, '*', "\u{1b}[3m", "\u{1b}[23m"),
        (0, false) => piece.to_owned(),
        _ => format!("`{piece}`"),
    });
    pieces.collect()
}

/// Every second piece between `mark`s in a style; a mark without a partner stays.
fn styled(text: &str, mark: char, on: &str, off: &str) -> String {
    if text.matches(mark).count() % 2 == 1 {
        return text.to_owned();
    }
    text.split(mark)
        .enumerate()
        .map(|(at, piece)| if at % 2 == 1 { format!("{on}{piece}{off}") } else { piece.to_owned() })
        .collect()
}

fn bold(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}
