//! `decode` and `compare`: texts in, meanings out.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Exit code and standard output.
fn vinspect(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vinspect"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_vin_is_explained_place_by_place() {
    let (code, text) = vinspect(&["decode", "1hgcm-82633 a004352"], "");
    assert_eq!(code, Some(0));
    for part in [
        "1HGCM82633A004352\n",
        "Honda; United States",
        "the check digit holds",
        " 2003\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours into a pipe");
}

#[test]
fn a_bad_line_is_named_and_the_others_are_decoded() {
    let input = "WVWZZZ1JZYW000001\n\nWVWZZZ1JZYW00000O\n1HGCM8Z633A004352";
    let (code, text) = vinspect(&["decode", "--json", "-"], input);
    assert_eq!(code, Some(1));
    let [good, bad, doubtful] = objects(&text).try_into().unwrap();
    assert_eq!(good["maker"], json!("Volkswagen"));
    assert_eq!(good["year_conclusive"], json!(false));
    assert_eq!(bad["line"], json!(3));
    assert!(
        bad["error"]
            .as_str()
            .unwrap()
            .contains("probably 0 was meant")
    );
    assert_eq!(doubtful["check_digit"], json!("fail"));
    assert_eq!(doubtful["corrections"][0], json!("1HGCM82633A004352"));
}

#[test]
fn a_table_for_other_programs() {
    let input = "wvw-zzz1jzyw000001\nno, \"VIN\"\n";
    let (code, text) = vinspect(&["decode", "--csv", "-"], input);
    assert_eq!(code, Some(1));
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let columns = table.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let at = |row: usize, name: &str| {
        let column = columns.iter().position(|column| column == name).unwrap();
        rows[row][column].to_owned()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(at(0, "input"), "wvw-zzz1jzyw000001");
    assert_eq!(at(0, "vin"), "WVWZZZ1JZYW000001");
    assert_eq!(at(0, "model_year"), "2000");
    assert_eq!(at(0, "check_digit"), "not_applicable");
    assert_eq!(at(1, "input"), "no, \"VIN\"");
    assert!(at(1, "error").contains("17 characters"));
}

#[test]
fn bytes_that_are_no_text_are_a_bad_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vins.txt");
    std::fs::write(&path, b"\xff\xfe\n1HGCM82633A004352\n").unwrap();
    let (code, text) = vinspect(&["decode", "--json", "--file", path.to_str().unwrap()], "");
    assert_eq!((code, objects(&text).len()), (Some(1), 2));
}

#[test]
fn the_vins_of_one_car_agree() {
    let car = "1HGCM82633A004352";
    assert_eq!(vinspect(&["compare", car, car], "").0, Some(0));
    let (code, text) = vinspect(&["compare", "--json", car, "1HGCM8Z633A004352"], "");
    assert_eq!(code, Some(1));
    assert_eq!(objects(&text)[0]["result"], json!("misread"));
    assert_eq!(objects(&text)[0]["likelier"], json!(car));
    let (_, text) = vinspect(&["compare", car, "WVWZZZ1JZYW000001"], "");
    assert!(text.contains("another car"), "{text}");
}
