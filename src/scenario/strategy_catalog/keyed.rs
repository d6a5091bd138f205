//! Strategies by key.

use super::{Evidence, StrategyInfo};

/// Strategies by key, all but `ring`, which is among the plain ones.
pub const STRATEGIES: &[StrategyInfo] = &[
    StrategyInfo {
        name: "modulo",
        summary: "the hash of the key modulo the number of candidates",
        source: "textbook",
        evidence: Evidence::Published("n / (n + 1) of the keys move (closed form)"),
        guarantee: "equal shares; a change from n to n + 1 candidates moves n / (n + 1) of the \
                    keys, all but 1 / (n + 1) needlessly; weights are ignored but for 0, which \
                    drains; a retry takes the next one in order of path",
        cost: "O(1)",
        use_when: "the candidates never change",
        avoid_when: "they do: nearly every cached or stored key is then in the wrong place",
    },
    StrategyInfo {
        name: "ketama",
        summary: "the ring of memcached clients: MD5, 160 points for each unit of weight",
        source: "libketama (2007); names are texts, keys are decimal digits",
        evidence: Evidence::Published("a million lookups of libketama, go-ketama, uhashring"),
        guarantee: "no key moves needlessly; with `rescaled` points are counted as in libketama, \
                    by the weights of all, and with unequal weights some keys of survivors move \
                    (0.8 % of them when the last of ten left); a retry walks on clockwise",
        cost: "O(1) and one MD5",
        use_when: "caches are shared with clients that use ketama",
        avoid_when: "a faster hash will do (ring)",
    },
    StrategyInfo {
        name: "nginx_hash",
        summary: "nginx `hash` without `consistent`: CRC-32 of the key modulo the sum of weights",
        source: "nginx 1.22.1, ngx_http_upstream_hash_module",
        evidence: Evidence::Recorded("nginx 1.22.1, nginx-hash-plain.json: 16,000 of 16,000 keys"),
        guarantee: "a server that leaves the list moves nearly everything (33 to 65 % of all keys \
                    needlessly), one that comes 49 to 84 %; whole weights; a retry hashes anew up \
                    to 20 times and then takes weighted round robin",
        cost: "O(log n); O(n) by round robin",
        use_when: "an nginx that does so is modelled",
        avoid_when: "servers come and go: write `consistent`",
    },
    StrategyInfo {
        name: "nginx_hash_consistent",
        summary: "nginx `hash ... consistent`: a ring by CRC-32, 160 points for each weight unit",
        source: "nginx 1.22.1, ngx_http_upstream_hash_module",
        evidence: Evidence::Recorded("nginx 1.22.1, nginx-hash-consistent.json: 16,000 of 16,000"),
        guarantee: "no key moves needlessly; whole weights; of equal points the first in order of \
                    path remains; a retry steps on to the next point, up to 20, and then takes \
                    weighted round robin",
        cost: "O(1); O(n) by round robin",
        use_when: "nginx stands before caches or sharded servers",
        avoid_when: "few equal servers must share evenly: 3 had 35, 34 and 31 % in the recording",
    },
    StrategyInfo {
        name: "nginx_ip_hash",
        summary: "nginx `ip_hash`: the first three bytes of the client's IPv4 address",
        source: "nginx 1.22.1, ngx_http_upstream_ip_hash_module",
        evidence: Evidence::SourceReading("nginx; nothing was recorded"),
        guarantee: "the lower 32 bits of the key are the address, so 256 neighbouring keys share \
                    a server; a change of the list moves nearly everything; whole weights; a \
                    retry hashes on up to 20 times and then takes weighted round robin",
        cost: "O(log n); O(n) by round robin",
        use_when: "sessions must stay and clients come from many networks",
        avoid_when: "clients are behind few addresses: each is a heavy hitter",
    },
    StrategyInfo {
        name: "haproxy_consistent",
        summary: "HAProxy `hash-type consistent`: the closest of 16 points for each weight unit",
        source: "HAProxy 2.6.12, lb_chash.c, with sdbm and avalanche; points by server id",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-hash.json: 10,000 of 10,000 keys"),
        guarantee: "no key moves needlessly; of two points as close the one before counts; whole \
                    weights up to 256; a retry walks on to the next that was not tried (HAProxy \
                    itself avoids the last one only, with `option redispatch`)",
        cost: "O(1)",
        use_when: "HAProxy stands before caches; with weights of 10 and more",
        avoid_when: "weights are 1: with 16 points the largest of 10 shares is 1.4 times the mean",
    },
    StrategyInfo {
        name: "haproxy_map_based",
        summary: "HAProxy `hash-type map-based`: a table by weight and sdbm modulo its length",
        source: "HAProxy 2.6.12, lb_map.c",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-hash.json"),
        guarantee: "shares exactly by weight; a change moves nearly everything: 67 to 75 % of the \
                    keys of 3 servers, a half to two thirds of it needlessly; whole weights up to \
                    256, divided by their greatest common divisor; a retry goes to the same \
                    instance",
        cost: "O(1)",
        use_when: "the servers never change and shares must be exact",
        avoid_when: "they do, or calls are retried",
    },
    StrategyInfo {
        name: "haproxy_balance_factor",
        summary: "haproxy_consistent that passes over instances with their share in flight",
        source: "HAProxy 2.6.12, chash_server_is_eligible, after Mirrokni et al.",
        evidence: Evidence::Recorded("HAProxy 2.6.12, haproxy-hash-balance-factor.json, shares"),
        guarantee: "no instance has more than the factor times the mean in flight from this \
                    caller, rounded up, at least one; keys move with the load and back; the rest \
                    of the slots is spread by running sums of the weights",
        cost: "O(1); O(points) when many are full",
        use_when: "some keys are hot and a second copy of them elsewhere is cheap",
        avoid_when: "a key must stay where it is, or each caller sees little of the load",
    },
    StrategyInfo {
        name: "envoy_ring_hash",
        summary: "Envoy `ring_hash`: a ring of at least 1,024 points by xxHash64",
        source: "Envoy 1.39.3, ring_hash_lb.cc, thread_aware_lb_impl.cc",
        evidence: Evidence::Recorded("Envoy 1.39.3, envoy-hash.json: 6,000 of 6,000 keys"),
        guarantee: "the points of all instances change with their number: 10 to 11 % of all keys \
                    move needlessly with 3 instances and the default sizes; a retry looks at the \
                    next point, which may be of the same instance, and then stays with it; \
                    `hash_balance_factor` shuffles by the hash when an instance is overloaded",
        cost: "O(1); O(n) when an instance is overloaded",
        use_when: "Envoy balances by key and its ring is large",
        avoid_when: "needless moves are dear: maglev moves far fewer at the default sizes",
    },
    StrategyInfo {
        name: "maglev",
        summary: "a table of a prime size, filled by the permutations of the instances",
        source: "Eisenbud et al., NSDI 2016, sec. 3.4; hashes and weights of Envoy 1.39.3",
        evidence: Evidence::Recorded("Envoy 1.39.3, envoy-hash.json: 6,000 of 6,000 keys"),
        guarantee: "slots of equal instances differ by at most one; a few keys move needlessly: \
                    0.1 % with 3 instances, 0.6 % with 1,000 of which one fails (2.3 % with ten); \
                    instances take turns in order of their names",
        cost: "O(1); a change rebuilds the table",
        use_when: "shares must be equal and lookups fast",
        avoid_when: "there are more than some hundred instances for 65,537 slots",
    },
    StrategyInfo {
        name: "rendezvous",
        summary: "the instance with the highest score for the key",
        source: "Thaler & Ravishankar, IEEE/ACM ToN 6 (1998); weights by -w / ln u",
        evidence: Evidence::Published("pymemcache; shares and moves by closed forms"),
        guarantee: "no key moves needlessly; shares are exactly in proportion to weights; the \
                    keys of one that leaves spread over all; ties go to the first in order of \
                    path; a retry takes the next highest score",
        cost: "O(n)",
        use_when: "instances are few, or weights must be met exactly",
        avoid_when: "there are thousands of candidates",
    },
    StrategyInfo {
        name: "jump",
        summary: "jump consistent hash over the candidates in order of path",
        source: "Lamping & Veach, arXiv:1406.2294 (2014)",
        evidence: Evidence::Published("vectors of the reference, Guava and PyPI; steps H_n"),
        guarantee: "equal shares within 1e-8; no needless moves when the last one comes or goes; \
                    elsewhere those behind it are renumbered and their keys move; weights are \
                    ignored but for 0, which drains; a retry hashes the key anew",
        cost: "O(log n), no table",
        use_when: "shards are numbered and only grow or shrink at the end",
        avoid_when: "any instance may fail",
    },
    StrategyInfo {
        name: "multi_probe",
        summary: "one point for each candidate, 21 probes of the key, the closest counts",
        source: "Appleton & O'Reilly, arXiv:1505.00062 (2015); hashes of go-mpchash",
        evidence: Evidence::Published("go-mpchash; a peak of k / (k - 1) by theory"),
        guarantee: "no key moves needlessly; with k independent probes no share is above k / (k - \
                    1) times the mean; weights are ignored but for 0, which drains",
        cost: "O(probes); 16 bytes for each candidate",
        use_when: "candidates are many and memory is short",
        avoid_when: "a pick must be cheap",
    },
    StrategyInfo {
        name: "anchor",
        summary: "AnchorHash: candidates take and leave buckets of a fixed number",
        source: "Mendelson et al., IEEE/ACM ToN 29 (2021)",
        evidence: Evidence::Published("1 + H_a - H_w steps (closed form)"),
        guarantee: "equal shares; no key moves needlessly, whoever comes or goes, up to the \
                    capacity; callers that saw changes in another order disagree; weights are \
                    ignored but for 0, which drains; a retry hashes the key anew",
        cost: "O(1 + ln(capacity / n)); 20 bytes for each bucket and history",
        use_when: "equal shares and no needless moves are both needed, and changes come in order",
        avoid_when: "callers' views disagree, or instances are unequal",
    },
    StrategyInfo {
        name: "bounded_load",
        summary: "a ring whose full instances are passed over",
        source: "Mirrokni, Thorup & Zadimoghaddam, SODA 2018",
        evidence: Evidence::Published("the paper's bound; independent computations"),
        guarantee: "no instance has more than ceil(c m s) in flight from this caller, of m in \
                    all, with its share s of the weights; a key moves while its instance is full, \
                    O(1 / (c - 1)^2) moves for each arrival",
        cost: "O(1); O(points) when many are full",
        use_when: "some keys are hot and a second copy of them elsewhere is cheap",
        avoid_when: "a key must stay where it is, or each caller sees little of the load",
    },
    StrategyInfo {
        name: "dubbo_consistent_hash",
        summary: "Dubbo `consistenthash`: a ring by MD5 with 160 points for each candidate",
        source: "Apache Dubbo 3.x, ConsistentHashLoadBalance",
        evidence: Evidence::SourceReading("Dubbo; nothing was recorded"),
        guarantee: "no key moves needlessly; weights are ignored but for 0, which drains; of \
                    equal points the last in order of path owns the arc; a retry draws up to 10 \
                    others and takes the first of them clockwise",
        cost: "O(1) and one MD5",
        use_when: "Dubbo providers hold state for the first argument",
        avoid_when: "providers are unequal",
    },
    StrategyInfo {
        name: "naive_ring",
        summary: "a ring with one point for each candidate: a warning",
        source: "a textbook sketch that is widely copied",
        evidence: Evidence::Published("the largest share is H_n times the mean (closed form)"),
        guarantee: "no key moves needlessly, but the largest share is 2.9 times the mean with 10 \
                    candidates, and all keys of one that leaves go to one other",
        cost: "O(1)",
        use_when: "never; it shows what virtual nodes are for",
        avoid_when: "always: one neighbour inherits everything, fails, and the next one follows",
    },
];
