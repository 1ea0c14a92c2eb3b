//! DVT-S003: a private, local or metadata address in `permissions.egress` or in what the steps are given.
//!
//! A plan that reaches the network of its worker can reach what that network trusts: metadata services hand out the
//! machine's own credentials to whoever asks.

use super::codes::PRIVATE_EGRESS;
use super::texts;
use crate::diagnostic::collector::{Collector, Report, shown};
use crate::read::tree::Node;
use core::net::IpAddr;

pub(super) fn check(root: &Node<'_>, sink: &mut Collector<'_>) {
    for key in ["permissions", "vars", "steps", "finally"] {
        let Some(entry) = root.entry(key) else { continue };
        texts(&entry.value, key, &mut |name, node, text| {
            let is_permission = key == "permissions" && name == "egress";
            let hosts: Vec<&str> = if is_permission { vec![text] } else { hosts_of_urls(text) };
            if let Some((host, what)) =
                hosts.iter().find_map(|host| Some((*host, private(without_port(host))?)))
            {
                let message = format!("{} is {what}", shown(host));
                let report = Report::warning(PRIVATE_EGRESS, node.place, message)
                    .why("it is reached with the trust that the worker's network has, not with the tenant's");
                sink.add(report.fix("name a public host, or let an operator allow this one by policy"));
            }
        });
    }
}

/// `host`, `host:port` or `[address]:port` behind `scheme://` and what may stand before `@`.
fn hosts_of_urls(text: &str) -> Vec<&str> {
    let ends = |letter: char| letter.is_whitespace() || "/?#\"'`<>|;,)\\".contains(letter);
    text.split("://")
        .skip(1)
        .map(|rest| rest.split(ends).next().unwrap_or_default())
        .map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host))
        .collect()
}

fn without_port(host: &str) -> &str {
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split(']').next().unwrap_or_default();
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

/// What a host is, where it is not the public network's.
fn private(host: &str) -> Option<&'static str> {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let local = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];
    if name == "metadata" || name == "metadata.google.internal" {
        return Some("a metadata service");
    }
    if name == "localhost" || local.iter().any(|end| name.ends_with(end)) {
        return Some("a name of the worker's own network");
    }
    // `127.1`, `0x7f000001` and `2130706433` are addresses to a resolver, and to nobody who reads a plan.
    let is_odd = !name.is_empty()
        && name.split('.').all(|part| {
            part.strip_prefix("0x")
                .map_or(!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()), |hex| {
                    !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
                })
        });
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => of_four(address.octets()),
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(inside) => of_four(inside.octets()),
            None => of_six(address.segments()),
        },
        Err(_) if is_odd => Some("an address written so that it is not seen to be one"),
        Err(_) => None,
    }
}

fn of_four(octets: [u8; 4]) -> Option<&'static str> {
    match octets {
        [169, 254, 169, 254] | [100, 100, 100, 200] => Some("a metadata service"),
        [127 | 0, ..] => Some("the worker itself"),
        [10, ..] | [192, 168, ..] => Some("an address of a private network"),
        [172, second, ..] if (16..32).contains(&second) => Some("an address of a private network"),
        [100, second, ..] if (64..128).contains(&second) => Some("an address of a private network"),
        [169, 254, ..] => Some("an address of the local link"),
        _ => None,
    }
}

fn of_six(segments: [u16; 8]) -> Option<&'static str> {
    match segments {
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some("a metadata service"),
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Some("the worker itself"),
        [first, ..] if first & 0xfe00 == 0xfc00 => Some("an address of a private network"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("an address of the local link"),
        _ => None,
    }
}
