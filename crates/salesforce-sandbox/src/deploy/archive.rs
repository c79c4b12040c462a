//! A zip as it is deployed: small files, stored or deflated.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

/// Name and text of each file; none if it is no zip.
pub(super) fn files(zip: &[u8]) -> Option<Vec<(String, String)>> {
    let end = zip.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = short(zip, end + 10)?;
    let mut at = long(zip, end + 16)?;
    let mut files = Vec::new();
    for _ in 0..count {
        if zip.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let method = short(zip, at + 10)?;
        let packed = long(zip, at + 20)?;
        let [name, extra, comment] = [28, 30, 32].map(|place| short(zip, at + place));
        let (name, extra, comment) = (name?, extra?, comment?);
        let header = long(zip, at + 42)?;
        let text = String::from_utf8_lossy(zip.get(at + 46..at + 46 + name)?).into_owned();
        at += 46 + name + extra + comment;
        if text.ends_with('/') {
            continue;
        }
        // The local header has an extra part of its own.
        let begin = header + 30 + short(zip, header + 26)? + short(zip, header + 28)?;
        let bytes = zip.get(begin..begin + packed)?;
        let mut plain = Vec::new();
        match method {
            0 => plain.extend_from_slice(bytes),
            8 => {
                DeflateDecoder::new(bytes).take(39 << 20).read_to_end(&mut plain).ok()?;
            }
            _ => return None,
        }
        files.push((text, String::from_utf8(plain).ok()?));
    }
    Some(files)
}

fn short(zip: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 2] = zip.get(at..at + 2)?.try_into().ok()?;
    Some(usize::from(u16::from_le_bytes(bytes)))
}

fn long(zip: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 4] = zip.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
