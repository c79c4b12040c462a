//! Files: bytes and what is said of them in one request.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Fields;
use crate::{
    outgoing::Use,
    salesforce::{
        Client, Error,
        call::{Body, Call},
    },
};

impl Client {
    /// Makes a version of a file with these fields, and says its id.
    ///
    /// # Errors
    /// As [`Client::create_many`]; a key of its own makes it safe to repeat.
    pub async fn upload(&self, fields: &Fields, contents: &[u8]) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Made {
            id: String,
        }
        let boundary = format!("bridge-{:032x}", rand::random::<u128>());
        let body = multipart(&boundary, fields, contents);
        let kind = format!("multipart/form-data; boundary={boundary}");
        let body = Body::Bytes(kind, body.into());
        let call = Call::of(Method::POST, "/sobjects/ContentVersion", body);
        let json = self.call(Use::Create, call).await?;
        let made = Made::deserialize(json).map_err(|_| Error::NoClearAnswer {
            reason: "a file was taken, and its id was not told".to_owned(),
        })?;
        Ok(made.id)
    }
}

fn multipart(boundary: &str, fields: &Fields, contents: &[u8]) -> Vec<u8> {
    // A header has no quotation marks and no line breaks in a name; its true one stands in the fields.
    let name = fields.get("PathOnClient").and_then(Value::as_str).unwrap_or("file");
    let plain = |c: char| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"entity_content\"\r\nContent-Type: \
         application/json\r\n\r\n{}\r\n--{boundary}\r\nContent-Disposition: form-data; \
         name=\"VersionData\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        json!(fields)
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = Vec::with_capacity(head.len() + contents.len() + tail.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(contents);
    body.extend_from_slice(tail.as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::examples;

    #[test]
    fn a_file_is_sent_as_in_the_example() {
        let example = examples::file("52-contentversion-multipart");
        let fields = json!({
            "Title": "log", "PathOnClient": "log.txt",
            "FirstPublishLocationId": "500xx000000aB1CAAU",
        });
        let sent = multipart("b", fields.as_object().unwrap(), b"<bytes>");
        assert_eq!(String::from_utf8(sent).unwrap(), example["request"]["body"].as_str().unwrap());
        let fields = json!({"PathOnClient": "lettre \"é\"\r\n.txt"});
        let sent = String::from_utf8(multipart("b", fields.as_object().unwrap(), b"")).unwrap();
        assert!(sent.contains("filename=\"lettre______.txt\""), "{sent}");
    }
}
