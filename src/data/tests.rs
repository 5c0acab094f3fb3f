//! Data files in temporary folders, read through the module's public functions.

use super::*;
use crate::diag::{Diagnostic, Span};
use crate::model::{ColumnBinding, Comparison, DoValue, Domain, Filter, FilterTerm, Model, Regime, Source, Variable};
use std::path::Path;
use tempfile::TempDir;

const PATH: Span = Span { start: 10, end: 20 };

fn model(variables: &[(&str, Option<Domain>)], path: &str) -> Model {
    let mut model = Model::default();
    for (at, (name, domain)) in variables.iter().enumerate() {
        let span = Span::new(100 + at, 101 + at);
        model.variables.insert((*name).to_owned(), Variable { domain: domain.clone(), span, ..Variable::default() });
    }
    model.regimes.push(Regime {
        name: "obs".to_owned(),
        span: Span::new(0, 50),
        source: Source::File { path: path.to_owned(), span: PATH },
        interventions: vec![],
        columns: None,
        images: vec![],
        filter: None,
        weight: None,
        test: false,
        prefix: String::new(),
    });
    model
}

/// `A: binary`, `D: int[1..3]`, `C: categorical {red, green}`.
fn typed(path: &str) -> Model {
    let labels = Domain::Labels(vec!["red".into(), "green".into()]);
    let int = Domain::Int { low: 1, high: 3 };
    model(&[("A", Some(Domain::Binary)), ("D", Some(int)), ("C", Some(labels))], path)
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load_text(model: &Model, text: &[u8]) -> Result<(Table, Vec<Diagnostic>), Vec<Diagnostic>> {
    load(model, 0, folder(&[("x.csv", text)]).path(), 1)
}

fn column(table: &Table, variable: VarId) -> Vec<u32> {
    table.column(variable).unwrap().to_vec()
}

/// The only error of a load and of a schema, the same for small files.
fn only_error(model: &Model, folder: &Path) -> Diagnostic {
    let errors = load(model, 0, folder, 1).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(schema(model, 0, folder).unwrap_err(), errors);
    errors[0].clone()
}

fn text_error(model: &Model, text: &[u8]) -> Diagnostic {
    only_error(model, folder(&[("x.csv", text)]).path())
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.code).collect()
}

fn term(column: &str, op: Comparison, value: &str) -> FilterTerm {
    FilterTerm { column: column.into(), op, value: value.into(), span: Span::new(30, 31) }
}

#[test]
fn delimiters_line_ends_quotes_spaces_and_a_byte_order_mark_do_not_matter() {
    let expected = (vec![0, 1, 1], vec![2, 0, 1], vec![1, 0, 0]);
    let texts: [&[u8]; 7] = [
        b"A,D,C\n0,3,green\n1,1,red\n1,2,red\n",
        b"\xef\xbb\xbfA,D,C\r\n0,3,green\r\n1,1,red\r\n1,2,red",
        b" A ; D;C\n0;3 ; green\n1;1;red\n1;2;red\n",
        b"C\tD\tA\ngreen\t3\t0\nred\t1\t1\nred\t2\t1\n",
        b"\"A\",\"D\",\"C\"\n\"0\",\"3\",\"green\"\n1,1,\"red\"\n\" 1\",2,red\n",
        b"A,D,C\n\n0,3.0,green\n   \ntrue,1.0,red\nTRUE,2,red\n\n",
        b"\"A;\",A,D,C,\"x,y\"\n9,0,3,green,\"1,2\"\n,1,1,red,\"a \"\"b\"\"\"\n,1,2,red,\"line\nbreak\"\n",
    ];
    for text in texts {
        let (table, _) = load_text(&typed("x.csv"), text).unwrap();
        let shown = String::from_utf8_lossy(text);
        assert_eq!((column(&table, 0), column(&table, 1), column(&table, 2)), expected, "{shown}");
        assert_eq!((table.rows, table.weights.as_ref()), (3, None), "{shown}");
    }
}

#[test]
fn a_schema_holds_the_columns_that_are_variables_and_the_interventions() {
    let mut model = typed("x.csv");
    let folder = folder(&[("x.csv", b"id,D,note\n1,2,x\n2,3,y\n")]);
    model.regimes[0].interventions = vec![(0, DoValue::Fixed(1))];
    let (schema, warnings) = schema(&model, 0, folder.path()).unwrap();
    assert_eq!(schema, Schema { name: "obs".into(), observed: vec![0, 1] });
    assert_eq!(codes(&warnings), ["W0506"]);
    assert_eq!(warnings[0].message, "`x.csv` has columns that are not in the graph: `id`, `note`");
    let (table, _) = load(&model, 0, folder.path(), 1).unwrap();
    assert_eq!(column(&table, 0), [1, 1], "a fixed value fills the missing column");
    assert_eq!(table.column(2), None);
}

#[test]
fn a_schema_reads_a_sample_and_load_reads_everything() {
    let mut text = "A,D,C\n".to_owned() + &"1,1,red\n".repeat(1_500);
    text += "7,1,red\n";
    let folder = folder(&[("x.csv", text.as_bytes())]);
    let model = typed("x.csv");
    assert!(schema(&model, 0, folder.path()).is_ok());
    let early = "A\n5\n".to_owned() + &"1\n".repeat(1_500);
    std::fs::write(folder.path().join("early.csv"), early).unwrap();
    let errors = schema(&typed("early.csv"), 0, folder.path()).unwrap_err();
    assert_eq!(errors[0].notes[1], "only the first 1000 rows were looked at");
    let errors = load(&model, 0, folder.path(), 1).unwrap_err();
    assert_eq!(errors[0].notes, ["line 1502, `A`: `7` is not in binary"]);
}

#[test]
fn filters_weights_and_bindings_choose_rows_and_columns() {
    let mut model = typed("x.csv");
    let text = b"regime,n,a col,D,C\nobs,2.5,1,1,red\nexp,1,0,2,red\nobs,0,0,3,green\nobs,10,1,9,red\n";
    let regime = &mut model.regimes[0];
    regime.columns = Some(vec![
        ColumnBinding { variable: 0, column: "a col".into(), span: Span::new(21, 22) },
        ColumnBinding { variable: 1, column: "D".into(), span: Span::new(23, 24) },
    ]);
    regime.filter = Some(Filter { terms: vec![term("regime", Comparison::Eq, "obs"), term("n", Comparison::Lt, "9")] });
    regime.weight = Some(("n".into(), Span::new(40, 41)));
    let (table, warnings) = load_text(&model, text).unwrap();
    assert_eq!((column(&table, 0), column(&table, 1)), (vec![1, 0], vec![0, 2]));
    assert_eq!(table.weights, Some(vec![2.5, 0.0]));
    assert_eq!(table.column(2), None, "only bound variables are observed");
    assert_eq!(warnings, []);

    model.regimes[0].columns = None;
    let (_, warnings) = load_text(&model, text).unwrap();
    assert_eq!(warnings[0].message, "`x.csv` has a column that is not in the graph: `a col`");
}

#[test]
fn a_filter_that_keeps_nothing_is_an_error() {
    let mut model = typed("x.csv");
    model.regimes[0].filter = Some(Filter { terms: vec![term("D", Comparison::Gt, "3")] });
    let error = text_error(&model, b"A,D,C\n1,1,red\n0,2,red\n");
    assert_eq!(error.message, "cannot read `x.csv`: the filter keeps 0 of its 2 rows");
    assert_eq!(error.labels[1].span, Span::new(30, 31));
}

#[test]
fn fixed_interventions_are_checked_row_by_row() {
    let mut model = typed("x.csv");
    model.regimes[0].interventions = vec![(1, DoValue::Fixed(1))];
    let (table, warnings) = load_text(&model, b"A,D,C\n1,2,red\n0,,green\n").unwrap();
    assert_eq!((column(&table, 1), warnings.len()), (vec![1, 1], 0), "an empty cell is known by the intervention");
    let error = text_error(&model, b"A,D,C\n1,2,red\n0,3,red\n0,x,red\n");
    assert_eq!(error.code, "E0504");
    assert_eq!(error.message, "`x.csv` does not hold `do(D = 2)`: line 3 has D = 3");
    assert_eq!(error.labels[0].span, model.regimes[0].span);
    assert_eq!(error.notes, ["2 rows have another value of `D` than 2"]);
}

#[test]
fn an_intervention_by_column_needs_the_column() {
    let mut model = typed("x.csv");
    model.regimes[0].interventions = vec![(1, DoValue::Column)];
    let (table, _) = load_text(&model, b"A,D\n1,2\n0,3\n").unwrap();
    assert_eq!(column(&table, 1), [1, 2]);
    let error = text_error(&model, b"A,d\n1,2\n0,3\n");
    assert_eq!((error.code, error.message.as_str()), ("E0502", "`x.csv` has no column `D`"));
    assert_eq!(error.helps, ["did you mean `d`?"]);
}

#[test]
fn each_missing_column_is_named_with_what_is_there() {
    let mut model = typed("x.csv");
    let regime = &mut model.regimes[0];
    regime.columns = Some(vec![ColumnBinding { variable: 0, column: "Aa".into(), span: Span::new(21, 22) }]);
    regime.filter = Some(Filter { terms: vec![term("regim", Comparison::Eq, "x")] });
    regime.weight = Some(("freq".into(), Span::new(40, 41)));
    let errors = load_text(&model, b"aa,D,regime\n1,2,x\n").unwrap_err();
    assert_eq!(codes(&errors), ["E0502"; 3]);
    let places: Vec<Span> = errors.iter().map(|e| e.labels[0].span).collect();
    assert_eq!(places, [Span::new(21, 22), Span::new(30, 31), Span::new(40, 41)]);
    assert_eq!(errors[0].helps, ["did you mean `aa`?"]);
    assert_eq!(errors[1].helps, ["did you mean `regime`?"]);
    assert_eq!(errors[2].notes, ["the columns of `x.csv`: `aa`, `D`, `regime`"]);
}

#[test]
fn a_file_without_variables_or_with_a_column_twice_is_refused() {
    let error = text_error(&typed("x.csv"), b"a,x\n1,2\n");
    assert_eq!((error.code, error.labels[0].span), ("E0502", PATH));
    assert_eq!(error.helps, ["did you mean `{ columns: { A: \"a\" } }`?"]);
    let error = text_error(&typed("x.csv"), b"A,D,A\n1,2,1\n");
    assert_eq!(error.message, "`x.csv` has more than one column `A`");
}

#[test]
fn bad_cells_are_shown_five_at_most() {
    let mut text = b"A,D,C\n1,1,red\n".to_vec();
    (0..8).for_each(|i| text.extend(format!("1,{},blue\n", 1 + i % 2 * 9).bytes()));
    let error = text_error(&typed("x.csv"), &text);
    assert_eq!((error.code, error.message.as_str()), ("E0503", "12 cells of `x.csv` do not fit their columns"));
    assert_eq!(error.notes.len(), 6);
    assert_eq!(error.notes[0], "line 3, `C`: `blue` is not in categorical {red, green}");
    assert_eq!(error.notes[1], "line 4, `D`: `10` is not in int[1..3]");
    assert_eq!(error.notes[5], "and 7 more");
    let places: Vec<Span> = error.labels.iter().map(|l| l.span).collect();
    assert_eq!(places, [PATH, Span::new(102, 103), Span::new(101, 102)]);
}

#[test]
fn line_numbers_are_those_of_an_editor() {
    for text in [
        "A,D,C\n\n1,1,red\n\n\n9,1,red\n",
        "A,D,C\r\n\r\n1,1,red\r\n\r\n\r\n9,1,red\r\n",
        "A,D,C\n1,1,\"r\n\ned\"\n\n9,1,red",
    ] {
        let error = text_error(&typed("x.csv"), text.as_bytes());
        assert!(error.notes.contains(&"line 6, `A`: `9` is not in binary".to_owned()), "{text:?}: {:?}", error.notes);
    }
}

#[test]
fn weights_are_numbers_from_zero() {
    let mut model = typed("x.csv");
    model.regimes[0].weight = Some(("n".into(), Span::new(40, 41)));
    let error = text_error(&model, b"A,n\n1,2\n1,-1\n0,x\n0,inf\n");
    assert_eq!((error.code, error.notes.len()), ("E0503", 3));
    assert_eq!(error.notes[0], "line 3: `-1` is no weight: weights are numbers from 0");
    assert_eq!(error.labels[1].span, Span::new(40, 41));
    let error = text_error(&model, b"A,n\n1,0\n1,0\n");
    assert_eq!(error.message, "cannot read `x.csv`: its weights are all 0");
}

#[test]
fn rows_with_empty_cells_are_dropped_and_counted() {
    let mut model = typed("x.csv");
    model.regimes[0].weight = Some(("n".into(), Span::new(40, 41)));
    let text = b"A,D,C,n\n1,1,red,1\n,1,red,1\nNA,NaN,red,1\n1,2,green,\n0,2,red,5\n";
    let (table, warnings) = load_text(&model, text).unwrap();
    assert_eq!((column(&table, 0), table.weights, table.rows), (vec![1, 0], Some(vec![1.0, 5.0]), 2));
    assert_eq!(codes(&warnings), ["W0508"]);
    assert_eq!(warnings[0].message, "3 of 5 rows of `x.csv` are dropped: a cell they need is empty");
    assert_eq!(warnings[0].notes, ["empty cells: `A` 2, `D` 1, the weight 1"]);
    let error = text_error(&model, b"A,D,C,n\n,1,red,1\n");
    assert_eq!(error.message, "cannot read `x.csv`: every row has an empty cell");
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let cases: [(&str, &[u8], &str); 9] = [
        ("x.csv", b"", "the file is empty"),
        ("x.csv", b"\n\n", "the file is empty"),
        ("x.csv", b"A,D,C\n", "it has a header but no rows"),
        ("x.csv", b"A,D\n1,2\n1\n", "line 3 has 1 cell, the header has 2"),
        ("x.csv", b"A,D\n1,2\n\n1,2,3\n", "line 4 has 3 cells, the header has 2"),
        ("x.csv", b"\xff\xfeA\0,\0D\0", "it is UTF-16 text"),
        ("x.csv", b"A,D,Gr\xf6\xdfe\n1,2,3\n", "its first line is not UTF-8 text"),
        ("x.csv", b"A,D,C\n1,2,gr\xfcn\n", "line 2 is not UTF-8 text (column `C`)"),
        ("x.xlsx", b"PK", "`.xlsx` files are not data sets that dcmc reads"),
    ];
    for (name, bytes, expected) in cases {
        let error = only_error(&typed(name), folder(&[(name, bytes)]).path());
        assert_eq!((error.code, error.labels[0].span), ("E0501", PATH));
        assert_eq!(error.message, format!("cannot read `{name}`: {expected}"));
    }
}

#[test]
fn a_missing_file_is_searched_for() {
    let folder = folder(&[("Cells.csv", b"A\n1\n"), ("cells.parquet", b""), ("other.csv", b""), ("cells.txt", b"")]);
    let error = only_error(&typed("cells.csv"), folder.path());
    assert_eq!(error.message, "cannot read `cells.csv`: there is no such file");
    assert_eq!(error.notes, [format!("looked for {}", folder.path().join("cells.csv").display())]);
    assert_eq!(error.helps, ["did you mean `Cells.csv` or `cells.parquet`?"]);
    let error = only_error(&typed("deep/x.csv"), folder.path());
    assert_eq!(error.notes[1], format!("there is no folder {}", folder.path().join("deep").display()));
    std::fs::create_dir(folder.path().join("d.csv")).unwrap();
    let error = only_error(&typed("d.csv"), folder.path());
    assert_eq!(error.message, "cannot read `d.csv`: it is a folder, not a file");
    assert_eq!(only_error(&typed("data"), folder.path()).helps[0], "data sets are .csv, .tsv, .parquet or .npz files");
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("x.csv", b"A\n1\n")]);
    let path = folder.path().join("x.csv");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        return; // the super-user reads everything
    }
    let error = only_error(&typed("x.csv"), folder.path());
    assert_eq!(error.message, "cannot read `x.csv`: no permission to read it");
}

#[test]
fn reals_are_numbers_and_what_cannot_be_loaded_is_left_out_with_a_warning() {
    let types = [("A", Some(Domain::Binary)), ("X", Some(Domain::REAL)), ("U", None), ("V", Some(Domain::Vector(2)))];
    let mut model = model(&types, "x.csv");
    let (table, warnings) = load_text(&model, b"A,X,U,V\n1,0.5,3,1\n0,-2e3,4,2\n").unwrap();
    assert_eq!((table.rows, column(&table, 0), &table.reals[&1]), (2, vec![1, 0], &vec![0.5, -2000.0]));
    assert!(table.observes(1) && !table.observes(2) && !table.observes(3));
    assert_eq!(codes(&warnings), ["W0509"]);
    assert!(warnings[0].message.ends_with("no type: `U`, `V`"), "{}", warnings[0].message);
    model.variables.truncate(2);
    let (table, warnings) = load_text(&model, b"A,X\n1,0.5\n0,\n").unwrap();
    assert_eq!((table.rows, codes(&warnings)), (1, vec!["W0508"]));
    assert_eq!(warnings[0].notes, ["empty cells: `X` 1"]);
    let error = text_error(&model, b"A,X\n1,0.5\n0,much\n");
    assert_eq!((error.code, &error.notes[0][..]), ("E0503", "line 3, `X`: `much` is not in real"));
}

#[test]
fn types_come_from_the_data() {
    let names = ["two", "ints", "text", "mixed", "real", "far", "many", "none", "absent", "yes"];
    let mut model = model(&names.map(|n| (n, None)), "x.csv");
    let typed = Variable { domain: Some(Domain::REAL), ..Variable::default() };
    model.variables.insert("typed".into(), typed);
    let mut text = "two,ints,text,mixed,real,far,many,none,yes,typed\n".to_owned();
    for i in 0..30 {
        let row = [
            (i % 2).to_string(),
            (i % 4 + 2).to_string(),
            ["b", "a", "NA"][i % 3].to_owned(),
            ["7", "x"][i % 2].to_owned(),
            format!("{}.5", i % 3),
            (i % 2 * 1000).to_string(),
            i.to_string(),
            String::new(),
            ["true", "False"][i % 2].to_owned(),
            "1".to_owned(),
        ];
        text += &(row.join(",") + "\n");
    }
    text += "1,900,zzz,x,1,1,1,,true,1\n";
    model.regimes[0].filter = Some(Filter { terms: vec![term("ints", Comparison::Ne, "900")] });
    let notes = infer_domains(&mut model, folder(&[("x.csv", text.as_bytes())]).path(), usize::MAX);
    let domains: Vec<String> =
        names.iter().map(|n| model.variables[*n].domain.as_ref().map_or("-".into(), Domain::to_string)).collect();
    let expected =
        ["binary", "int[2..5]", "categorical {a, b}", "categorical {7, x}", "-", "-", "-", "-", "-", "binary"];
    assert_eq!(domains, expected);
    assert_eq!(codes(&notes), ["N0407"; 5], "one for each variable without an answer, and one for the rest");
    let taken = &notes[4];
    assert_eq!(taken.labels.len(), 5);
    assert_eq!(taken.labels[1].message, "int[2..5], as in `x.csv`");
    assert_eq!(taken.labels[1].span, Span::new(101, 102));
    let why: Vec<&str> = notes[..4].iter().map(|n| n.message.rsplit(": ").next().unwrap()).collect();
    assert_eq!(
        why,
        [
            "it has numbers that are not whole",
            "its numbers range from 0 to 1000",
            "it has more than 20 different numbers",
            "all its cells are empty"
        ]
    );
}

#[test]
fn suggested_types_can_be_written_into_the_model() {
    let mut model = model(&[("C", None)], "x.csv");
    let text = "C\n\"dark red\"\n7\nblue\n007\n";
    let notes = infer_domains(&mut model, folder(&[("x.csv", text.as_bytes())]).path(), usize::MAX);
    assert_eq!(notes[0].helps, [r#"write `C: categorical {"007", 7, blue, "dark red"}` to settle it"#]);
}

#[test]
fn types_are_the_union_over_data_sets_and_files_may_be_missing() {
    let mut model = model(&[("D", None)], "a.csv");
    let mut other = model.regimes[0].clone();
    other.source = Source::File { path: "b.csv".into(), span: PATH };
    model.regimes.push(other.clone());
    other.source = Source::File { path: "c.csv".into(), span: PATH };
    model.regimes.push(other);
    let folder = folder(&[("a.csv", b"D\n1\n2\n"), ("b.csv", b"D\n4\n")]);
    let diagnostics = infer_domains(&mut model, folder.path(), usize::MAX);
    assert_eq!(model.domain(0), Some(&Domain::Int { low: 1, high: 4 }));
    assert_eq!(codes(&diagnostics), ["E0501", "N0407"]);
    assert_eq!(diagnostics[1].labels[0].message, "int[1..4], as in `a.csv`, `b.csv`");
}

#[cfg(feature = "run")]
mod written {
    use super::*;
    use crate::data::write::{Column, Values, columns_of_table, write_table, write_whole};
    use rand::Rng;

    fn random_table(model: &Model, rows: usize) -> Table {
        let mut rng = crate::seed::stream(3, "data");
        let cards: Vec<u32> = (0..model.variables.len()).map(|v| model.card(v).unwrap() as u32).collect();
        let columns = cards.iter().map(|&k| Some((0..rows).map(|_| rng.random_range(0..k)).collect())).collect();
        let weights = Some((0..rows).map(|_| rng.random_range(0.0..2.0)).collect());
        Table { name: "obs".to_owned(), rows, columns, weights, ..Table::default() }
    }

    #[test]
    fn tables_survive_every_format() {
        for name in ["t.csv", "t.tsv", "t.parquet"] {
            let mut model = typed(name);
            model.regimes[0].weight = Some(("weight".into(), Span::default()));
            let table = random_table(&model, 1_234);
            let folder = folder(&[]);
            write_table(&folder.path().join(name), &columns_of_table(&model, &table)).unwrap();
            let (read, warnings) = load(&model, 0, folder.path(), 1).unwrap();
            assert_eq!((read, warnings), (table, vec![]), "{name}");
            let (schema, _) = schema(&model, 0, folder.path()).unwrap();
            assert_eq!(schema.observed, [0, 1, 2]);
            let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
            assert_eq!(names, [name], "no temporary file is left");
        }
    }

    fn parquet_folder(columns: &[Column]) -> TempDir {
        let folder = folder(&[]);
        write_table(&folder.path().join("x.parquet"), columns).unwrap();
        folder
    }

    #[test]
    fn parquet_columns_of_every_type_are_read() {
        let columns = [
            Column { name: "A".into(), values: Values::Float(vec![Some(1.0), Some(0.0), None, Some(f64::NAN)]) },
            Column { name: "D".into(), values: Values::Text(["1", "3", "2", "2"].map(|t| Some(t.into())).into()) },
            Column {
                name: "C".into(),
                values: Values::Text(["red", " green", "red", "red"].map(|t| Some(t.into())).into()),
            },
            Column { name: "k".into(), values: Values::Int(vec![Some(1), Some(2), Some(3), None]) },
        ];
        let folder = parquet_folder(&columns);
        let mut model = typed("x.parquet");
        let (table, warnings) = load(&model, 0, folder.path(), 1).unwrap();
        assert_eq!((column(&table, 0), column(&table, 1), column(&table, 2)), (vec![1, 0], vec![0, 2], vec![0, 1]));
        assert_eq!(codes(&warnings), ["W0506", "W0508"]);
        model.regimes[0].filter = Some(Filter { terms: vec![term("k", Comparison::Ge, "2")] });
        assert_eq!(load(&model, 0, folder.path(), 1).unwrap().0.rows, 1);
        let mut untyped = super::model(&["A", "D", "C", "k"].map(|n| (n, None)), "x.parquet");
        infer_domains(&mut untyped, folder.path(), usize::MAX);
        let domains: Vec<String> = (0..4).map(|v| untyped.domain(v).unwrap().to_string()).collect();
        assert_eq!(domains, ["binary", "int[1..3]", "categorical {green, red}", "int[1..3]"]);
    }

    #[test]
    fn bad_cells_of_parquet_files_have_row_numbers() {
        let columns = [Column { name: "D".into(), values: Values::Int(vec![Some(1), Some(7)]) }];
        let errors = load(&typed("x.parquet"), 0, parquet_folder(&columns).path(), 1).unwrap_err();
        assert_eq!(errors[0].notes, ["row 2, `D`: `7` is not in int[1..3]"]);
    }

    #[test]
    fn broken_parquet_files_are_errors_and_never_panic() {
        let model = typed("x.parquet");
        let table = random_table(&model, 300);
        let folder = parquet_folder(&columns_of_table(&model, &table));
        let path = folder.path().join("x.parquet");
        let whole = std::fs::read(&path).unwrap();
        let mut rng = crate::seed::stream(5, "corrupt");
        let mut refused = 0;
        for round in 0..800 {
            let mut bytes = whole.clone();
            if round % 2 == 0 {
                bytes.truncate(rng.random_range(0..whole.len()));
            } else {
                for _ in 0..rng.random_range(1..8) {
                    let at = rng.random_range(0..bytes.len());
                    bytes[at] = rng.random();
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            if let Err(errors) = load(&model, 0, folder.path(), 1) {
                refused += 1;
                assert!(errors.iter().all(|e| ["E0501", "E0502", "E0503"].contains(&e.code)), "{errors:?}");
            }
        }
        assert!(refused > 500, "{refused}");
    }

    #[test]
    fn text_formats_quote_and_leave_out() {
        let columns = [
            Column { name: "C".into(), values: Values::Text(vec![Some("a,b".into()), Some("say \"x\"".into())]) },
            Column { name: "p".into(), values: Values::Float(vec![Some(0.5), Some(1.0)]) },
            Column { name: "q".into(), values: Values::Int(vec![None, Some(2)]) },
        ];
        let folder = folder(&[]);
        write_table(&folder.path().join("sub/r.csv"), &columns).unwrap();
        let text = std::fs::read_to_string(folder.path().join("sub/r.csv")).unwrap();
        assert_eq!(text, "C,p,q\n\"a,b\",0.5,\n\"say \"\"x\"\"\",1,2\n");
        write_table(&folder.path().join("r.json"), &columns).unwrap();
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("r.json")).unwrap()).unwrap();
        assert_eq!(json, serde_json::json!([{"C": "a,b", "p": 0.5}, {"C": "say \"x\"", "p": 1.0, "q": 2}]));
        let error = write_table(&folder.path().join("r.xlsx"), &columns).unwrap_err();
        assert!(error.to_string().contains(".parquet"));
        let uneven = [columns[0].clone(), Column { name: "q".into(), values: Values::Int(vec![]) }];
        assert!(write_table(&folder.path().join("r.csv"), &uneven).is_err());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = folder(&[("x.txt", b"old")]);
        let path = folder.path().join("x.txt");
        let failed = write_whole(&path, |_| Err(std::io::Error::other("full")));
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// 200,000 rows of 10 columns in well under a second: no allocation per cell.
    #[test]
    fn large_files_are_read_quickly() {
        let names: Vec<String> = (0..10).map(|i| format!("V{i}")).collect();
        let labels = Domain::Labels(vec!["low".into(), "average".into(), "high".into()]);
        let domain =
            |i: usize| Some(if i.is_multiple_of(5) { labels.clone() } else { Domain::Int { low: 0, high: 9 } });
        let variables: Vec<(&str, Option<Domain>)> =
            names.iter().enumerate().map(|(i, n)| (n.as_str(), domain(i))).collect();
        for name in ["big.csv", "big.parquet"] {
            let model = model(&variables, name);
            let mut table = random_table(&model, 200_000);
            table.weights = None;
            let folder = folder(&[]);
            write_table(&folder.path().join(name), &columns_of_table(&model, &table)).unwrap();
            let start = std::time::Instant::now();
            let (read, _) = load(&model, 0, folder.path(), 1).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            assert_eq!(read, table);
            println!("{name}: 200,000 x 10 cells in {seconds:.3} s");
            assert!(seconds < 5.0, "{name}: {seconds} s");
        }
    }
}
