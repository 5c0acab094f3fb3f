//! `dcmc playground`: the front end in a browser, from this machine alone.

use super::{OK, USAGE_ERROR};
use clap::Args;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The page with everything it needs, where it was built before this program.
#[cfg(playground_page)]
const PAGE: Option<&str> =
    Some(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/editors/playground/dist/playground.html")));
#[cfg(not(playground_page))]
const PAGE: Option<&str> = None;

/// Where links of earlier days lead, unless `--port` says otherwise or it is taken.
const PORT: u16 = 8150;
/// The longest request: a browser sends a few hundred bytes.
const MAX_REQUEST: u64 = 16 << 10;
/// A client that says nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Arguments {
    /// The port on this machine [default: 8150, or any that is free].
    #[arg(long)]
    port: Option<u16>,
    /// Open the page in a browser, as is done by default in a terminal.
    #[arg(long, overrides_with = "no_open")]
    open: bool,
    /// Only say where the page is.
    #[arg(long)]
    no_open: bool,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let Some(page) = PAGE else {
        eprintln!(
            "error: this dcmc was built without the playground's page\n  help: in a copy of its sources run\n    \
             rustup target add wasm32-unknown-unknown\n    scripts/build-playground.sh\n    cargo install --path ."
        );
        return USAGE_ERROR;
    };
    let listener = match listen(arguments.port) {
        Ok(listener) => listener,
        Err(why) => {
            eprintln!("error: {why}");
            return USAGE_ERROR;
        }
    };
    let address = match listener.local_addr() {
        Ok(address) => format!("http://{address}/"),
        Err(error) => {
            eprintln!("error: {error}");
            return USAGE_ERROR;
        }
    };
    println!("The playground is at {address} (Ctrl+C ends it)");
    let _ = io::stdout().flush();
    if arguments.open || (!arguments.no_open && io::stdout().is_terminal()) {
        open(&address);
    }
    serve(&listener, page);
    OK
}

fn listen(port: Option<u16>) -> Result<TcpListener, String> {
    let on = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => on(port).map_err(|e| format!("cannot serve on port {port}: {e}")),
        None => on(PORT).or_else(|_| on(0)).map_err(|e| format!("cannot serve on this machine: {e}")),
    }
}

/// Asks the system's program for pages; that it has none is no mistake, as the address is printed.
fn open(address: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let _ = Command::new(program).arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
}

/// Answers until the program ends. A browser opens several connections, of which some say nothing: each has a thread.
fn serve(listener: &TcpListener, page: &'static str) {
    for stream in listener.incoming().flatten() {
        // Without a thread this one request has no answer.
        let _ = std::thread::Builder::new().spawn(move || {
            let _ = answer(stream, page);
        });
    }
}

fn answer(mut stream: TcpStream, page: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(Read::by_ref(&mut stream).take(MAX_REQUEST));
    let mut first = String::new();
    request.read_line(&mut first)?;
    // The rest is read, or the system would break the connection off.
    let mut line = first.clone();
    while line.trim_end() != "" {
        line.clear();
        request.read_line(&mut line)?;
    }
    stream.write_all(&reply(&first, page))?;
    stream.flush()
}

/// The reply to a request by its first line: the page, or that there is nothing else.
fn reply(first: &str, page: &str) -> Vec<u8> {
    let mut words = first.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        ("GET" | "HEAD", "/" | "/index.html") => ("200 OK", "text/html", page),
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain", "There is one page: /\n"),
        _ => ("405 Method Not Allowed", "text/plain", "Only GET.\n"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n\
         X-Frame-Options: DENY\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let body = if method == "HEAD" { "" } else { body };
    [head.as_bytes(), body.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "<!doctype html><p>É";

    fn ask(request: &[u8]) -> String {
        let listener = listen(Some(0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        std::thread::spawn(move || serve(&listener, BODY));
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    #[test]
    fn there_is_one_page_and_nothing_else() {
        for (request, status, body) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", BODY),
            ("GET /?a=b HTTP/1.0\r\n\r\n", "200 OK", BODY),
            ("GET /index.html HTTP/1.1\r\n\r\n", "200 OK", BODY),
            ("HEAD / HTTP/1.1\r\n\r\n", "200 OK", ""),
            ("GET /../Cargo.toml HTTP/1.1\r\n\r\n", "404 Not Found", "There is one page: /\n"),
            ("GET /etc/passwd HTTP/1.1\r\n\r\n", "404 Not Found", "There is one page: /\n"),
            ("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed", "Only GET.\n"),
            ("\r\n", "405 Method Not Allowed", "Only GET.\n"),
        ] {
            let reply = ask(request.as_bytes());
            let (head, found) = reply.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {head}");
            assert_eq!(found, body, "{request}");
            let length = if request.starts_with("HEAD") { BODY.len() } else { body.len() };
            assert!(head.contains(&format!("Content-Length: {length}\r\n")), "{request}: {head}");
        }
    }

    #[test]
    fn a_request_without_an_end_is_cut() {
        let endless = vec![b'a'; 2 * MAX_REQUEST as usize];
        let listener = listen(Some(0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(&listener, BODY));
        let mut stream = TcpStream::connect(address).unwrap();
        let _ = stream.write_all(&endless);
        let mut reply = vec![];
        // The system may break off what was sent in vain; the next client has its answer all the same.
        let _ = stream.read_to_end(&mut reply);
        let mut next = TcpStream::connect(address).unwrap();
        next.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut found = String::new();
        next.read_to_string(&mut found).unwrap();
        assert!(found.ends_with(BODY));
    }

    #[test]
    fn a_port_that_is_asked_for_and_taken_is_a_mistake() {
        let taken = listen(Some(0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(listen(Some(port)).unwrap_err().contains(&port.to_string()));
        assert!(listen(None).is_ok());
    }
}
