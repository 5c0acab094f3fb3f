//! What the page is told, as the page asks it.

use dcmc_playground::{EXAMPLES, Example, Playground, page};
use serde_json::{Value, json};

/// A page after it sent a text.
struct Page(Playground);

impl Page {
    fn with(text: &str) -> (Self, Value) {
        let mut page = Self(Playground::default());
        let check = page.check(text);
        (page, check)
    }

    fn check(&mut self, text: &str) -> Value {
        self.ask(&json!({ "ask": "check", "text": text }))
    }

    fn ask(&mut self, request: &Value) -> Value {
        serde_json::from_str(&self.0.reply(&request.to_string())).unwrap()
    }

    fn conclude(&mut self) -> Value {
        self.ask(&json!({ "ask": "conclude", "down": false }))
    }

    fn query(&mut self, at: usize) -> Value {
        self.ask(&json!({ "ask": "query", "at": at, "down": false }))
    }
}

fn codes(reply: &Value) -> Vec<&str> {
    reply["problems"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect()
}

/// The text of a place that counts UTF-16 units.
fn at<'a>(text: &'a [u16], place: &Value) -> String {
    let unit = |key: &str| place[key].as_u64().unwrap() as usize;
    String::from_utf16(&text[unit("start")..unit("end")]).unwrap()
}

fn example(name: &str) -> &'static str {
    EXAMPLES.iter().find(|e| e.name == name).unwrap().text
}

#[test]
fn mistakes_have_places_and_repairs_in_utf_16_units() {
    let text = "# 𝒳 → y\nsmoker -> É; É -> cancer\nsmoker, É, cancer: binary\nquery q: P(cancr | do(smoker))\n";
    let (mut page, check) = Page::with(text);
    assert_eq!(codes(&check), ["E0201"]);
    assert_eq!(check["errors"], true);
    let units: Vec<u16> = text.encode_utf16().collect();
    let problem = &check["problems"][0];
    assert_eq!(at(&units, &problem["labels"][0]), "cancr");
    assert_eq!((problem["labels"][0]["line"].as_u64(), problem["labels"][0]["column"].as_u64()), (Some(4), Some(12)));
    let edit = &problem["fixes"][0]["edits"][0];
    let (start, end) = (edit["start"].as_u64().unwrap() as usize, edit["end"].as_u64().unwrap() as usize);
    let repaired: Vec<u16> = units[..start]
        .iter()
        .copied()
        .chain(edit["text"].as_str().unwrap().encode_utf16())
        .chain(units[end..].iter().copied())
        .collect();
    let repaired = String::from_utf16(&repaired).unwrap();
    assert_eq!(repaired, text.replace("cancr", "cancer"));
    assert_eq!(codes(&page.check(&repaired)), [""; 0]);
}

#[test]
fn words_have_colours() {
    let text = "dcm 1 \"É\"\nA -> B # c\nlatent U -> {A, B}\nA: binary\n";
    let (_, check) = Page::with(text);
    let units: Vec<u16> = text.encode_utf16().collect();
    let words: Vec<(String, &str)> = check["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| (at(&units, &json!({ "start": w[0], "end": w[1] })), w[2].as_str().unwrap()))
        .collect();
    for (word, colour) in [
        ("dcm", "Keyword"),
        ("\"É\"", "Text"),
        ("A", "Variable"),
        ("->", "Operator"),
        ("# c", "Comment"),
        ("U", "Hidden"),
        ("binary", "Type"),
    ] {
        assert!(words.contains(&(word.to_owned(), colour)), "{word} is not {colour}: {words:?}");
    }
    assert!(check["words"].as_array().unwrap().windows(2).all(|w| w[0][1].as_u64() <= w[1][0].as_u64()));
}

#[test]
fn the_front_door_has_a_graph_with_modules_a_plan_and_a_formula() {
    let (mut page, check) = Page::with(example("front_door"));
    assert_eq!(check["queries"][0], json!({ "name": "effect", "text": "P(cancer | do(smoker))" }));
    let all = page.conclude();
    assert_eq!(codes(&all), [""; 0]);
    let svg = all["graph"]["svg"].as_str().unwrap();
    for part in ["smoker &lt;-&gt; cancer", "class=\"module h0\"", "class=\"module h1\"", "<title id=\"graph-title\">"]
    {
        assert!(svg.contains(part), "{part} is not in {svg}");
    }
    assert!(all["plan"]["summary"].as_str().unwrap().starts_with("2 modules"), "{}", all["plan"]);
    assert_eq!(all["plan"]["modules"].as_array().unwrap().len(), 2);
    let effect = page.query(0);
    assert_eq!(effect["verdict"], true);
    let html = effect["html"].as_str().unwrap();
    for part in ["<math", "Front door", "id=\"figure1-1-title\"", "the truth itself", "identifiable"] {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    // P(cancer = 1 | do(smoker = 1)) = 0.5 - 0.4 * 0.5 + 0.1 * 0.95 by hand.
    assert!(html.contains("<td>0.395000</td>"), "{html}");
    // Ids of another query are others.
    let ids = |html: &str| -> Vec<String> {
        html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let naive = page.query(1);
    let (first, second) = (ids(html), ids(naive["html"].as_str().unwrap()));
    assert!(!first.is_empty() && first.iter().all(|id| !second.contains(id)), "{first:?} {second:?}");
}

#[test]
fn a_hedge_is_shown_with_bounds_and_two_models() {
    let (mut page, check) = Page::with(example("bow"));
    assert_eq!(check["errors"], false);
    assert_eq!(codes(&page.conclude()), ["E0701"]);
    let effect = page.query(0);
    assert_eq!(effect["verdict"], false);
    let html = effect["html"].as_str().unwrap();
    for part in
        ["Hedge in clinic", "The hedge in clinic.", "node fp", "node f\"", "lies in [", "Two models that show it"]
    {
        assert!(html.contains(part), "{part} is not in {html}");
    }
    assert_eq!(page.query(1)["verdict"], true);
}

#[test]
fn data_files_are_taken_for_granted_and_imports_are_explained() {
    let text = "A -> B -> C; A <-> C\nA, B, C: binary\ndata d = \"d.csv\"\ndata e = \"e.csv\" { columns: { B, C } } do(B)\nquery q: P(C | do(A))\n";
    let (mut page, check) = Page::with(text);
    assert_eq!((codes(&check), &check["errors"]), (vec!["E0501", "E0501"], &json!(false)));
    let problem = &check["problems"][0];
    assert_eq!(problem["severity"], "note");
    assert!(problem["message"].as_str().unwrap().contains("the playground reads no files"), "{problem}");
    assert!(check["problems"][1]["message"].as_str().unwrap().contains("the columns that it names"));
    let all = page.conclude();
    assert_eq!(codes(&all), ["E0501", "E0501"]);
    assert_eq!(page.query(0)["verdict"], true);
    assert!(!all["plan"].is_null());
    let (_, check) = Page::with("import \"colours.scm\" as c\nA -> c.B\n");
    assert_eq!((codes(&check), &check["errors"]), (vec!["E0205"], &json!(true)));
    assert!(check["problems"][0]["helps"][0].as_str().unwrap().contains("holds one text"), "{check}");
    let pretrained =
        "A -> X; A: binary; X: image[3,32,32] { mechanism: pretrained { file: \"x.safetensors\", inputs: [A] } }\n";
    let (_, check) = Page::with(pretrained);
    assert_eq!((codes(&check), &check["errors"]), (vec!["W0609"], &json!(false)));
}

#[test]
fn rows_are_drawn_and_no_more_than_a_page_can_bear() {
    let (mut page, _) = Page::with(&example("front_door").replace("n: 10000", "n: 3000000"));
    let reply = page.ask(&json!({ "ask": "rows" }));
    let set = &reply["sets"][0];
    assert_eq!(set["head"], json!(["smoker", "tar", "cancer"]));
    assert_eq!(set["rows"].as_array().unwrap().len(), 12);
    assert!(set["rows"][0].as_array().unwrap().iter().all(|cell| cell == "0" || cell == "1"));
    assert!(set["about"].as_str().unwrap().starts_with("20000 rows drawn from the truth block of the 3000000"));
    let pictures = "D -> I; D: binary; I: image[3,32,32]\ntruth {\n  D ~ bernoulli(0.5)\n  I = digit(D)\n}\ndata o = simulate(truth, n: 100000)\n";
    let (mut page, check) = Page::with(pictures);
    assert_eq!(check["errors"], false, "{check}");
    assert!(page.ask(&json!({ "ask": "rows" }))["sets"][0]["about"].as_str().unwrap().contains("with images"));
}

#[test]
fn examples_need_no_file_and_say_what_they_promise() {
    let (mut page, _) = Page::with("");
    let listed = page.ask(&json!({ "ask": "examples" }));
    assert_eq!(listed["examples"].as_array().unwrap().len(), EXAMPLES.len());
    for (Example { group, name, text }, shown) in EXAMPLES.iter().zip(listed["examples"].as_array().unwrap()) {
        assert!(text.starts_with("dcm 1 \"") && shown["title"].as_str().unwrap().len() > 5, "{name}");
        assert_eq!(shown["group"], *group);
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("# ")), "{name} says nothing of itself");
        assert_eq!(page.ask(&json!({ "ask": "format", "text": text }))["text"], *text, "{name} has another layout");
        let check = page.check(text);
        assert_eq!(check["errors"], false, "{name}: {check}");
        let all = page.conclude();
        let wrong: Vec<&str> =
            codes(&all).into_iter().filter(|c| c.starts_with('E') && !["E0701", "E0702"].contains(c)).collect();
        assert!(wrong.is_empty(), "{name}: {all}");
        assert!(all["graph"]["svg"].is_string() && !all["plan"].is_null(), "{name}");
        for at in 0..check["queries"].as_array().unwrap().len() {
            assert!(page.query(at)["html"].as_str().unwrap().contains("<h2"), "{name} {at}");
        }
    }
}

#[test]
fn classics_have_their_numbers() {
    // Each by hand: the answer of the truth block that a row of the table of numbers ends with.
    for (name, query, number) in [
        ("m_bias", 0, "0.100000"),  // 0.1 by the equation of diabetes
        ("m_bias", 2, "-0.011673"), // within mothers who have it, schooling seems to protect
        ("napkin", 0, "0.650000"),  // P(Y = 1 | do(X = 1)) = 0.1 + 0.3 + 0.5 / 2
        ("berkson", 0, "0.100000"), // the flu has nothing to do with fractures
        ("berkson", 1, "0.142187"), // 0.1 · 0.91 / (0.1 · 0.91 + 0.9 · 0.61)
        ("berkson", 1, "0.775000"), // 0.1 · 0.31 / (0.1 · 0.31 + 0.9 · 0.01)
    ] {
        let (mut page, _) = Page::with(example(name));
        let html = page.query(query)["html"].as_str().unwrap().to_owned();
        assert!(html.contains(&format!("<td>{number}</td>")), "{name}: {html}");
    }
}

#[test]
fn real_variables_have_rows_too() {
    let (mut page, _) = Page::with(example("wage"));
    let set = page.ask(&json!({ "ask": "rows" }))["sets"][0].take();
    assert_eq!(set["head"], json!(["ability", "study", "pay"]));
    for row in set["rows"].as_array().unwrap() {
        let numbers: Vec<f64> = (0..3).map(|at| row[at].as_str().unwrap().parse().unwrap()).collect();
        // Four standard deviations of its noise around its mean.
        assert!((numbers[2] - (8.0 + 0.2 * numbers[1] + 2.0 * numbers[0])).abs() < 4.0, "{row}");
    }
}

#[test]
fn the_other_requests_have_replies_too() {
    let (mut page, _) = Page::with("A->B\n");
    assert_eq!(page.ask(&json!({ "ask": "format", "text": "A->B" }))["text"], "A -> B\n");
    assert_eq!(page.ask(&json!({ "ask": "format", "text": "A ->" }))["text"], Value::Null);
    assert!(page.ask(&json!({ "ask": "explain", "code": "E0201" }))["markdown"].as_str().unwrap().contains("E0201"));
    assert_eq!(page.ask(&json!({ "ask": "explain", "code": "E9999" }))["markdown"], Value::Null);
    assert!(page.query(0)["error"].is_string());
    for request in [json!({}), json!({ "ask": "fly" }), json!({ "ask": "check" }), json!([1])] {
        assert!(page.ask(&request)["error"].is_string(), "{request}");
    }
    let down = page.ask(&json!({ "ask": "conclude", "down": true }));
    assert_ne!(down["graph"]["svg"], page.conclude()["graph"]["svg"]);
    let many: String = (0..500).map(|n| format!("A -> V{n}\n")).collect();
    page.check(&many);
    assert!(page.conclude()["graph"]["message"].as_str().unwrap().contains("too many"));
}

#[test]
fn pieces_and_mixtures_of_programs_have_replies() {
    let mut page = Page(Playground::default());
    for Example { text, .. } in EXAMPLES {
        for cut in (0..text.len()).step_by(97).filter(|&at| text.is_char_boundary(at)) {
            let mixed = format!("{}{}", &text[cut..], &text[..cut]);
            for part in [&text[..cut], &text[cut..], &mixed] {
                assert!(page.check(part)["words"].is_array());
            }
        }
    }
}

#[test]
fn the_memory_that_a_page_shares_holds_requests_and_replies() {
    let ask = |request: &str| {
        let place = page::input(request.len());
        // SAFETY: `input` says where as many bytes may be written, `output` where as many may be read, until the next request.
        unsafe {
            std::ptr::copy_nonoverlapping(request.as_ptr(), place, request.len());
            let length = page::answer();
            String::from_utf8(std::slice::from_raw_parts(page::output(), length).to_vec()).unwrap()
        }
    };
    assert!(ask("{\"ask\": \"check\", \"text\": \"É -> B\"}").contains("\"words\""));
    assert!(ask("{\"ask\": \"conclude\", \"down\": false}").contains("É"));
    assert!(ask("no JSON").contains("error"));
    assert!(ask("").contains("error"));
}
