//! Networks of addresses, as they are configured.

use std::{net::IpAddr, str::FromStr};

/// One address, or all that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// How many bits all have in common.
    prefix: u8,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is something else.
    #[error("is neither an address such as 127.0.0.1 nor a network such as 10.0.0.0/8")]
    Form,
    /// It begins in the midst of one, so that it is not clear which is meant.
    #[error("is an address with the length of a network; write {0} for the network")]
    NotFirst(String),
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let bits = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| NetworkError::Form)?;
        if prefix > bits {
            return Err(NetworkError::Form);
        }
        let begin = masked(first, prefix);
        if begin != first {
            return Err(NetworkError::NotFirst(format!("{begin}/{prefix}")));
        }
        Ok(Self { first: first.to_canonical(), prefix: canonical(first, prefix) })
    }
}

impl Network {
    /// Whether an address is in it. One of version 4 that a socket of version 6 has is that of version 4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

/// The length of what is left of a network of version 4 that is written as one of version 6.
fn canonical(first: IpAddr, prefix: u8) -> u8 {
    let is_mapped = first.is_ipv6() && first.to_canonical().is_ipv4();
    if is_mapped { prefix.saturating_sub(96) } else { prefix }
}

/// The address with only its first bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_network_alone() {
        let contains = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        for (network, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "::ffff:127.0.0.1"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("10.0.0.0/8", "10.255.0.1"),
            ("10.1.2.0/23", "10.1.3.255"),
            ("0.0.0.0/0", "203.0.113.9"),
            ("::1", "::1"),
            ("fd00::/8", "fd12::9"),
            ("::/0", "2001:db8::1"),
        ] {
            assert!(contains(network, address), "{address} in {network}");
        }
        for (network, address) in [
            ("127.0.0.1", "127.0.0.2"),
            ("10.0.0.0/8", "11.0.0.1"),
            ("10.1.2.0/23", "10.1.4.0"),
            ("0.0.0.0/0", "::1"),
            ("::/0", "10.0.0.1"),
            ("fd00::/8", "fe00::1"),
        ] {
            assert!(!contains(network, address), "{address} in {network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10/8"]
        {
            assert_eq!(wrong.parse::<Network>(), Err(NetworkError::Form), "{wrong}");
        }
        let begin = NetworkError::NotFirst("10.0.0.0/8".to_owned());
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(begin));
    }
}
