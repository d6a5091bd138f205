//! `hash ... consistent` of nginx (1.22, `ngx_http_upstream_hash_module`): 160 points for each unit
//! of weight, by CRC-32, each hashed from the one before it.

/// Points for each unit of weight.
pub const POINT_COUNT: u32 = 160;

/// Points that a request steps over before it is balanced by round robin.
pub const STEP_COUNT_MAX: u32 = 20;

/// The points of a server, whose name is parted before its port: CRC-32 of the host, a zero byte,
/// the port and the point before, which is 0 at first.
pub fn points(name: &str, point_count: u32) -> impl Iterator<Item = u32> {
    let (host, port) = parted(name);
    let mut base = crc32fast::Hasher::new();
    base.update(host.as_bytes());
    base.update(&[0]);
    base.update(port.as_bytes());
    let mut last = 0u32;
    (0..point_count).map(move |_| {
        let mut hasher = base.clone();
        hasher.update(&last.to_le_bytes());
        last = hasher.finalize();
        last
    })
}

/// Host and port. The port is empty unless the name ends with a colon and digits.
fn parted(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (name, ""),
    }
}
