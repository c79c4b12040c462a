//! Lists in all their forms, right and wrong.

use std::io;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::priority::Criticality;

const FORMATS: [Format; 3] = [Format::Json, Format::Lines, Format::Csv];

/// Row, member and code of each error.
fn refused(text: impl AsRef<[u8]>, format: Format) -> Vec<String> {
    match read(text.as_ref(), format) {
        Err(ListError::Rows { errors, .. }) => {
            let told = |RowError { row, member, code, .. }| {
                format!("{row} {} {code}", member.as_deref().unwrap_or("-"))
            };
            errors.into_iter().map(told).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_three_forms_say_the_same() {
    let json = r#"[{"id": 1207, "name": "srv-sql-01 ", "address": "192.0.2.7", "category": "Windows server",
        "itsm_id": 29, "site": {"id": 7, "name": "Lyon"}, "criticality": "HIGH", "manufacturer": "Dell",
        "model": "R740", "serial_number": "X1", "os": "Windows", "os_version": "2022",
        "purchase_date": "2024-02-29", "end_of_warranty": "2027-03-01T00:00:00Z",
        "description": "two\r\nlines"}, {"id": "b", "name": "b", "model": null, "os": " "}]"#;
    let lines = "\u{feff}{\"id\":\"1207\",\"name\":\"srv-sql-01\",\"address\":\"192.0.2.7\",\
        \"category\":\"Windows server\",\"itsm_id\":\"29\",\"site\":\"Lyon\",\"site_id\":7,\
        \"criticality\":\"high\",\"manufacturer\":\"Dell\",\"model\":\"R740\",\"serial_number\":\"X1\",\
        \"os\":\"Windows\",\"os_version\":\"2022\",\"purchase_date\":\"2024/02/29\",\
        \"end_of_warranty\":\"2027-03-01\",\"description\":\"two\\nlines\"}\r\n\r\n\
        {\"id\":\"b\",\"name\":\"b\"}";
    let table = "\u{feff}ID;Name;address;category;itsm_id;site;site_id;criticality;manufacturer;model;\
        Serial number;os;os-version;purchase_date;end_of_warranty;description\r\n\
        1207; srv-sql-01;192.0.2.7;Windows server;29;Lyon;7;High;Dell;R740;X1;Windows;2022;29.02.2024;\
        2027-03-01;\"two\r\nlines\"\r\n;;\r\nb;b\r\n";
    let expected = read(json.as_bytes(), Format::Json).unwrap();
    assert_eq!(expected.rows.len(), 2);
    assert_eq!(expected.warnings(), Vec::<String>::new());
    let first = expected.rows[0].equipment().unwrap();
    assert_eq!(expected.rows[0].id.as_str(), "1207");
    assert_eq!((first.name.as_str(), first.criticality), ("srv-sql-01", Some(Criticality::High)));
    assert_eq!(first.site_key().unwrap().unwrap().to_string(), "id:7");
    assert_eq!(first.purchase_date, Some(jiff::civil::date(2024, 2, 29)));
    assert_eq!(first.description.as_deref(), Some("two\nlines"));
    assert_eq!(expected.rows[1].equipment().unwrap(), Equipment::named("b"));
    for (text, format) in [(lines, Format::Lines), (table, Format::Csv)] {
        let list = read(text.as_bytes(), format).unwrap();
        assert_eq!(list.rows[0].equipment().unwrap(), first, "{format:?}");
        assert_eq!(list, expected, "{format:?}");
    }
    // Objects one after another, on however many lines.
    let objects = "{\"id\": \"b\",\n \"name\": \"b\"} {\"id\": \"c\", \"name\": \"c\"}";
    assert_eq!(read(objects.as_bytes(), Format::Json).unwrap().rows.len(), 2);
}

#[test]
fn a_table_is_read_however_a_spreadsheet_wrote_it() {
    let plain = read(&b"id,name\n1,\xc3\xa9t\xc3\xa9\n"[..], Format::Csv).unwrap();
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain("id\tname\r\n1\tété\r\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for table in [
        &b"sep=;\r\nid;name\r\n1;\xe9t\xe9\r\n"[..],
        b"\"id\";\"name\";\r\n\"1\";\"\xe9t\xe9\";;\r\n",
        b"name|id\r\xc3\xa9t\xc3\xa9|1",
        &utf16,
    ] {
        let table =
            if table.contains(&b'|') { [b"sep=|\n", table].concat() } else { table.to_vec() };
        assert_eq!(read(table.as_slice(), Format::Csv).unwrap(), plain, "{table:?}");
    }
    // A guard against formulas is taken off; what was no guard stays.
    let guarded = read(&b"id,name,model\n1,'=A1,'-7\n2,'Demo',x\n"[..], Format::Csv).unwrap();
    let told: Vec<_> = guarded.rows.iter().map(|row| row.equipment().unwrap().name).collect();
    assert_eq!(told, ["=A1", "'Demo'"]);
    assert_eq!(guarded.rows[0].equipment().unwrap().model.as_deref(), Some("-7"));
}

#[test]
fn each_wrong_row_is_named_where_it_stands() {
    let rows = json!([
        {"id": "1", "name": "a"},
        {"name": "no id"},
        {"id": "3"},
        "no object",
        {"id": "5", "name": "b", "purchase_date": "02/03/2024", "criticality": "urgent"},
        {"id": "6", "name": "$HOSTNAME$"},
        {"id": "7", "name": "n".repeat(501)},
        {"id": "8", "name": ["a"]},
        {"id": "1", "name": "again"},
        {"id": "10", "name": "x", "description": "d".repeat(4_001)},
    ]);
    let expected = [
        "2 id required",
        "3 name required",
        "4 - type",
        "5 criticality value",
        "5 purchase_date format",
        "6 name macro",
        "7 name length",
        "8 name type",
        "9 id duplicate",
        "10 description length",
    ];
    assert_eq!(refused(rows.to_string(), Format::Json), expected);
    let lines: String = rows
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| [row.to_string(), "\n".to_owned()])
        .collect();
    assert_eq!(refused(&lines, Format::Lines), expected);
    let error = read(lines.as_bytes(), Format::Lines).unwrap_err().sentence();
    let begin =
        "9 of 10 rows are wrong, so nothing was changed. line 2, id: 'id' is missing or empty; ";
    assert!(error.starts_with(begin), "{error}");
    let twice =
        read(&b"[{\"id\":1,\"name\":\"a\"},{\"id\":\" 1\",\"name\":\"b\"}]"[..], Format::Json);
    let twice = twice.unwrap_err().sentence();
    assert!(twice.contains("row 2, id: the id '1' stands in row 1 already"), "{twice}");
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let table =
        "sep=,\r\nid,name\r\n\r\n1,\"two\r\nlines\"\r\n\r\n\r\n2,\r\n3,c,d\r\n2\r\n4,d\r\n,\r\n5,";
    for table in [table.to_owned(), table.replace("\r\n", "\n"), table.replace("\r\n", "\r")] {
        let expected = ["8 name required", "9 - length", "10 name required", "13 name required"];
        assert_eq!(refused(&table, Format::Csv), expected, "{table:?}");
    }
}

#[test]
fn what_is_wrong_with_the_columns_is_named() {
    assert_eq!(refused("name;name\na;b\n", Format::Csv), ["1 name duplicate", "1 id required"]);
    for (text, format) in [
        ("", Format::Csv),
        ("\n\n", Format::Csv),
        ("", Format::Json),
        ("\"a\"", Format::Json),
        ("[{\"id\":1,\"name\":\"a\"}", Format::Json),
        ("[] x", Format::Json),
        ("{\"id\":1,\"name\":\"a\"} x", Format::Json),
    ] {
        let error = read(text.as_bytes(), format).unwrap_err();
        assert!(matches!(error, ListError::Unreadable(_)), "{text:?}: {error:?}");
    }
    let wrong = read(&b"{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\n"[..], Format::Lines).unwrap_err();
    assert!(wrong.sentence().contains("line 2: is not JSON"), "{}", wrong.sentence());
    assert!(read(&b""[..], Format::Lines).unwrap().rows.is_empty());
    assert!(read(&b" [ ] "[..], Format::Json).unwrap().rows.is_empty());
    assert!(read(&b"id,name\n"[..], Format::Csv).unwrap().rows.is_empty());
}

#[test]
fn what_nobody_knows_is_passed_over_with_a_warning() {
    let rows =
        json!([{"id": 1, "name": "a", "rack": "B2"}, {"id": 2, "name": "b", "rack": 7, "x": {}}]);
    let list = read(rows.to_string().as_bytes(), Format::Json).unwrap();
    assert_eq!(
        list.warnings(),
        [
            "'rack' is no member here: it was passed over in 2 rows.",
            "'x' is no member here: it was passed over in 1 row."
        ]
    );
    let table = read(&b"id,name,Rack\n1,a,B2\n"[..], Format::Csv).unwrap();
    assert_eq!(table.warnings(), ["There is no column 'Rack' here: it was passed over."]);
    // Of very many, some are told.
    let mut many = json!({"id": 1, "name": "a"});
    for at in 0..100 {
        many[format!("member-{at}")] = json!(0);
    }
    let list = read(json!([many]).to_string().as_bytes(), Format::Json).unwrap();
    assert_eq!(list.warnings().len(), MOST_UNKNOWN);
}

#[test]
fn dates_are_read_where_they_can_be_read_in_one_way_only() {
    let read_date = |date: &str| {
        let row = json!([{"id": 1, "name": "a", "purchase_date": date}]);
        let list = read(row.to_string().as_bytes(), Format::Json);
        list.map(|list| {
            list.rows[0].equipment().unwrap().purchase_date.map(|date| date.to_string())
        })
    };
    for (text, expected) in [
        ("2026-11-21", Some("2026-11-21")),
        ("2026-11-21T23:30:00-05:00", Some("2026-11-21")),
        ("2026-11-21 09:00:00", Some("2026-11-21")),
        ("2026/1/2", Some("2026-01-02")),
        ("31.12.2026", Some("2026-12-31")),
        ("0000-00-00", None),
        ("0000-00-00 00:00:00", None),
        ("  ", None),
    ] {
        assert_eq!(read_date(text).unwrap().as_deref(), expected, "{text}");
    }
    for text in [
        "01/02/2026",
        "2026-13-01",
        "2026-02-30",
        "tomorrow",
        "20261121",
        "26-11-21",
        "-1-1-1",
        "é",
    ] {
        assert!(read_date(text).is_err(), "{text}");
    }
}

#[test]
fn a_list_has_its_bounds() {
    let row = |at: usize| format!("{{\"id\":{at},\"name\":\"n\"}}\n");
    let most: String = (0..MAX_ROWS).map(row).collect();
    assert_eq!(read(most.as_bytes(), Format::Lines).unwrap().rows.len(), MAX_ROWS);
    let over: String = (0..=MAX_ROWS).map(row).collect();
    let at = u64::try_from(MAX_ROWS).unwrap() + 1;
    assert_eq!(refused(&over, Format::Lines), [format!("{at} - length")]);
    assert_eq!(refused(&over, Format::Json), [format!("{at} - length")]);
    let array = format!("[{}]", over.trim_end().replace('\n', ","));
    assert_eq!(refused(array, Format::Json), [format!("{at} - length")]);
    let table = (0..=MAX_ROWS)
        .fold("id,name\n".to_owned(), |table, at| table + at.to_string().as_str() + ",n\n");
    assert_eq!(refused(table, Format::Csv), [format!("{} - length", at + 1)]);
    // Many wrong rows are counted, and the first of them told.
    let wrong = "{}\n".repeat(100);
    match read(wrong.as_bytes(), Format::Lines) {
        Err(ListError::Rows { errors, bad, total, .. }) => {
            assert_eq!((errors.len(), bad, total), (2 * MOST_TOLD, 100, 100));
        }
        other => panic!("{other:?}"),
    }
}

/// Gives a byte at a time, and then breaks off.
struct Slow<'t> {
    text: &'t [u8],
    breaks: bool,
}

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.text.split_first() {
            Some((byte, rest)) => {
                (into[0], self.text) = (*byte, rest);
                Ok(1)
            }
            None if self.breaks => Err(io::ErrorKind::ConnectionReset.into()),
            None => Ok(0),
        }
    }
}

#[test]
fn a_list_that_breaks_off_is_none() {
    for (text, format) in [
        ("[{\"id\":1,\"name\":\"a\"}]", Format::Json),
        ("{\"id\":1,\"name\":\"a\"}\n", Format::Lines),
        ("id,name\r\n1,a\r\n", Format::Csv),
    ] {
        let text = text.as_bytes();
        assert_eq!(read(Slow { text, breaks: false }, format).unwrap().rows.len(), 1);
        let broken = read(Slow { text, breaks: true }, format);
        assert!(matches!(broken, Err(ListError::Broken(_))), "{format:?}: {broken:?}");
    }
}

fn cell() -> impl Strategy<Value = String> {
    "[a-cé =+@'\";,|\t\n-]{0,12}"
}

proptest! {
    #[test]
    fn the_forms_are_one_list(
        rows in prop::collection::vec((cell(), cell(), cell()), 0..12),
    ) {
        let rows: Vec<_> = rows
            .into_iter()
            .enumerate()
            .map(|(at, (name, model, description))| {
                [format!("{at}"), format!("n{name}"), model, description]
            })
            .collect();
        let names = ["id", "name", "model", "description"];
        let objects: Vec<_> = rows
            .iter()
            .map(|row| names.into_iter().zip(row.clone()).collect::<BTreeMap<_, _>>())
            .collect();
        let array = serde_json::to_string(&objects).unwrap();
        let lines: String =
            objects.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
        let array = read(array.as_bytes(), Format::Json).unwrap();
        prop_assert_eq!(&read(lines.as_bytes(), Format::Lines).unwrap(), &array);
        for delimiter in [b',', b';', b'\t'] {
            let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            table.write_record(names).unwrap();
            for row in &rows {
                table.write_record(row.iter().map(|cell| {
                    // As the bridge itself writes tables.
                    crate::domain::link_table::guarded(cell).into_owned()
                })).unwrap();
            }
            let table = table.into_inner().unwrap();
            prop_assert_eq!(&read(table.as_slice(), Format::Csv).unwrap(), &array);
        }
    }

    #[test]
    fn whatever_comes_is_a_list_or_refused_in_words(
        text in prop::collection::vec(any::<u8>(), 0..200),
        format in 0..3_usize,
    ) {
        match read(text.as_slice(), FORMATS[format]) {
            Ok(list) => {
                for row in &list.rows {
                    prop_assert_eq!(row.equipment().unwrap().hash(), row.hash);
                }
            }
            Err(error) => prop_assert!(!error.sentence().is_empty()),
        }
    }
}
