//! A zip of few small files that are stored as they are. (The crate for it would bring four others.)

use flate2::Crc;

/// The first version of the format: nothing newer is used.
const VERSION: u16 = 10;

/// 1 January 1980, when its time begins: the same files always give the same bytes.
const DATE: u16 = 0x0021;

/// What begins a file, its entry in the list at the end, and the end of that.
const FILE: u32 = 0x0403_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// The archive of these files: names of ASCII, and less than four gigabytes in all.
pub(crate) fn archive(files: &[(String, String)]) -> Vec<u8> {
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let offset = small(zip.len());
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        let mut header = Vec::new();
        // No flags, stored, at no time of that day.
        for field in [VERSION, 0, 0, 0, DATE] {
            header.extend(field.to_le_bytes());
        }
        for field in [crc.sum(), small(text.len()), small(text.len())] {
            header.extend(field.to_le_bytes());
        }
        header.extend(short(name.len()).to_le_bytes());
        // Nothing extra.
        header.extend([0; 2]);
        zip.extend(FILE.to_le_bytes());
        zip.extend(&header);
        zip.extend(name.as_bytes());
        zip.extend(text.as_bytes());
        list.extend(ENTRY.to_le_bytes());
        list.extend(VERSION.to_le_bytes());
        list.extend(&header);
        // No comment, the first disk, no attributes of a text or of a system.
        list.extend([0; 10]);
        list.extend(offset.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (count, at, length) = (short(files.len()), small(zip.len()), small(list.len()));
    zip.extend(list);
    zip.extend(END.to_le_bytes());
    // Of one disk.
    zip.extend([0; 4]);
    zip.extend(count.to_le_bytes());
    zip.extend(count.to_le_bytes());
    zip.extend(length.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_has_the_bytes_that_the_format_wants() {
        let zip = archive(&[("a".to_owned(), "123456789".to_owned())]);
        // The check value of CRC-32 over these nine digits is 0xcbf43926.
        let header = b"\x0a\0\0\0\0\0\0\0\x21\0\x26\x39\xf4\xcb\x09\0\0\0\x09\0\0\0\x01\0\0\0";
        let file = [b"PK\x03\x04".as_slice(), header, b"a123456789"].concat();
        let entry = [b"PK\x01\x02\x0a\0".as_slice(), header, &[0; 10], &[0; 4], b"a"].concat();
        let end = [
            b"PK\x05\x06\0\0\0\0\x01\0\x01\0".as_slice(),
            &small(entry.len()).to_le_bytes(),
            &small(file.len()).to_le_bytes(),
            b"\0\0",
        ]
        .concat();
        assert_eq!(zip, [file, entry, end].concat());
    }
}
