//! Texts in the alphabet of an older Windows, and in that of its spreadsheets.

/// What the bytes 0x80 to 0x9f mean in Windows-1252; in Latin-1 nothing, so that one table does.
const FROM_80: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

const NAMES: [&str; 9] = [
    "windows-1252",
    "cp1252",
    "x-cp1252",
    "iso-8859-1",
    "iso8859-1",
    "iso_8859-1",
    "latin1",
    "latin-1",
    "l1",
];

/// The text of such bytes, if the parameter `charset` of the content type says that they are such.
#[must_use]
pub fn decoded(content_type: &str, bytes: &[u8]) -> Option<String> {
    let is_old = |charset: &str| NAMES.iter().any(|name| name.eq_ignore_ascii_case(charset));
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    charset.filter(|charset| is_old(charset)).map(|_| from_windows(bytes))
}

/// The text of such bytes, whatever anybody says of them.
#[must_use]
pub fn from_windows(bytes: &[u8]) -> String {
    bytes.iter().copied().map(meaning).collect()
}

/// The text of bytes that nobody says anything of: UTF-8, or what is none as that of an older Windows.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    str::from_utf8(bytes).map_or_else(|_| from_windows(bytes), ToOwned::to_owned)
}

/// The text of bytes that begin with the mark of UTF-16, as spreadsheets write "Unicode text".
#[must_use]
pub fn from_utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes.first_chunk()? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn meaning(byte: u8) -> char {
    match byte {
        0x80..=0x9f => FROM_80[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_is_decoded() {
        let bytes = b"\xc9t\xe9 \x80 \x93x\x94";
        for content_type in [
            "application/json; charset=windows-1252",
            "application/json;charset=\"ISO-8859-1\"",
            "application/json; version=1; Charset = latin1",
        ] {
            assert_eq!(
                decoded(content_type, bytes).as_deref(),
                Some("Été € “x”"),
                "{content_type}"
            );
        }
        for content_type in ["application/json", "application/json; charset=utf-8", "latin1"] {
            assert_eq!(decoded(content_type, bytes), None, "{content_type}");
        }
    }

    #[test]
    fn utf_16_is_told_by_its_mark() {
        let text = "\u{feff}Été;😀";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            assert_eq!(from_utf16(&bytes).as_deref(), Some("Été;😀"));
        }
        assert_eq!(from_utf16("Été".as_bytes()), None);
        assert_eq!(from_utf16(b"\xff"), None);
    }
}
