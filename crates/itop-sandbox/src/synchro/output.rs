//! How the pages write.

/// What iTop answers when PHP has no memory left, with status 500.
pub(super) const NO_MEMORY: &str = "<p>iTop: Allowed memory size of 512M exhausted, contact your \
     administrator to increase 'memory_limit' in php.ini</p>\n";

/// The page of `synchro_import.php`: comments, each on a line of its own.
#[derive(Debug, Default)]
pub(super) struct Page {
    lines: Vec<String>,
}

impl Page {
    pub(super) fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub(super) fn comment(&mut self, text: &str) {
        self.line(format!("#{text}<br/>"));
    }

    /// The title of a part.
    pub(super) fn title(&mut self, text: &str) {
        let rule = "-".repeat(60);
        self.comment(&rule);
        // The blank is iTop's.
        self.comment(&format!(" {text}"));
        self.comment(&rule);
    }

    /// A paragraph: it begins no line.
    pub(super) fn paragraph(&mut self, text: &str) {
        let paragraph = format!("<p>{text}</p>");
        match self.lines.last_mut() {
            Some(last) => last.push_str(&paragraph),
            None => self.lines.push(paragraph),
        }
    }

    pub(super) fn written(&self) -> String {
        self.lines.join("\n  ")
    }
}

/// A page of iTop's console around some content. The recordings leave the head and the foot out.
pub(super) fn framed(content: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>iTop</title></head>\n \
         <body data-gui-type=\"backoffice\">\n<div id=\"ibo-page-container\">\n{content}\n</div>\n\
         </body>\n</html>\n"
    )
}

/// The page that asks for a login, in short.
pub(super) fn login_page() -> String {
    framed(
        "<div id=\"login-body\"><div id=\"login-header\"></div><form id=\"login_form\" \
         method=\"post\"><p>Identify yourself before continuing</p><input name=\"auth_user\">\
         <input name=\"auth_pwd\" type=\"password\"></form></div>",
    )
}

/// As PHP writes a text into HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#039;")
}
