//! What a running bridge takes over from a configuration that is read again.

use super::Config;

impl Config {
    /// This configuration with the tokens, the hooks, the secrets, the certificate and the log filter of another
    /// one, and how it logs in to iTop: a user and its password change together. The rest needs a start.
    #[must_use]
    pub fn renewed(&self, read: &Self) -> Self {
        let mut renewed = self.clone();
        renewed.auth = read.auth.clone();
        renewed.hooks.clone_from(&read.hooks);
        renewed.log.filter.clone_from(&read.log.filter);
        let has_tls = |config: &Self| config.server.has_tls();
        if has_tls(self) && has_tls(read) {
            renewed.server.tls_certificate.clone_from(&read.server.tls_certificate);
            renewed.server.tls_key.clone_from(&read.server.tls_key);
        }
        renewed.server.link_key.clone_from(&read.server.link_key);
        renewed.server.link_key_file.clone_from(&read.server.link_key_file);
        if let Some((known, read)) = renewed.itop.as_mut().zip(read.itop.as_ref()) {
            known.take_login(read);
        }
        if let Some((known, read)) = renewed.salesforce.as_mut().zip(read.salesforce.as_ref()) {
            known.take_login(read);
        }
        if let Some((known, read)) = renewed.cmdb.as_mut().zip(read.cmdb.as_ref()) {
            known.user.clone_from(&read.user);
            known.password.clone_from(&read.password);
            known.password_file.clone_from(&read.password_file);
        }
        renewed
    }
}
