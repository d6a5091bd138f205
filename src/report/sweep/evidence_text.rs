//! What the numbers of a run were read from as short texts: samples are whole numbers of any size
//! in letters, six bits each, of which one says that another follows (as in the source maps of
//! browsers, without signs).

use crate::metrics::lengths::{Buckets, KeptEvidence};

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Bits of the number in one letter.
const BITS: u32 = 5;
const MORE: u64 = 1 << BITS;

/// What every measure was read from, as it stands in a record: nothing where that is not kept, `=2`
/// where it is that of the measure at place 2 before it, like p50 and p99 of one latency, `%3/40`
/// of a share, and samples otherwise.
pub fn to_texts(evidence: &[Option<KeptEvidence>]) -> Vec<String> {
    let text = |(place, own): (usize, &Option<KeptEvidence>)| {
        let Some(own) = own else {
            return String::new();
        };
        let mut before = evidence[..place].iter();
        match (before.position(|other| other.as_ref() == Some(own)), own) {
            (Some(same), _) => format!("={same}"),
            (None, KeptEvidence::Samples(buckets)) => to_text(buckets),
            (None, KeptEvidence::Share { part, whole }) => format!("%{part}/{whole}"),
        }
    };
    evidence.iter().enumerate().map(text).collect()
}

/// The evidence of a record; None of what [`to_texts`] never gives.
pub fn from_texts(texts: &[String]) -> Option<Vec<Option<KeptEvidence>>> {
    let mut evidence: Vec<Option<KeptEvidence>> = Vec::new();
    for text in texts {
        let own = match (text.strip_prefix('='), text.strip_prefix('%')) {
            (Some(same), _) => evidence.get(same.parse::<usize>().ok()?)?.clone(),
            (None, Some(share)) => Some(share_of(share)?),
            (None, None) if text.is_empty() => None,
            (None, None) => Some(KeptEvidence::Samples(from_text(text)?)),
        };
        evidence.push(own);
    }
    Some(evidence)
}

fn share_of(text: &str) -> Option<KeptEvidence> {
    let (part, whole) = text.split_once('/')?;
    Some(KeptEvidence::Share {
        part: part.parse().ok()?,
        whole: whole.parse().ok()?,
    })
}

/// How many never ended, the ends, and of each bucket how far it is from the one before and how
/// many are in it.
fn to_text(buckets: &Buckets) -> String {
    let (shortest, longest) = buckets.ends_ns;
    let mut text = String::new();
    let mut put = |number| put(&mut text, number);
    put(buckets.infinite_count);
    put(shortest);
    put(longest - shortest);
    let mut before = 0;
    for (bucket, count) in &buckets.counts {
        put(u64::from(*bucket - before));
        put(u64::from(*count));
        before = *bucket;
    }
    text
}

fn from_text(text: &str) -> Option<Buckets> {
    let mut letters = text.bytes();
    let infinite_count = take(&mut letters)?;
    let shortest = take(&mut letters)?;
    let longest = shortest.checked_add(take(&mut letters)?)?;
    let mut counts = Vec::new();
    let mut bucket = 0_u16;
    while letters.len() != 0 {
        bucket = bucket.checked_add(u16::try_from(take(&mut letters)?).ok()?)?;
        counts.push((bucket, u32::try_from(take(&mut letters)?).ok()?));
    }
    Some(Buckets {
        counts,
        infinite_count,
        ends_ns: (shortest, longest),
    })
}

fn put(text: &mut String, mut number: u64) {
    loop {
        let low = number % MORE;
        number /= MORE;
        let digit = if number == 0 { low } else { low | MORE };
        text.push(char::from(LETTERS[digit as usize]));
        if number == 0 {
            return;
        }
    }
}

fn take(letters: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0.. {
        let digit = digit(letters.next()?)?;
        let part = digit % MORE;
        let shifted = part.checked_shl(place * BITS)?;
        if shifted >> (place * BITS) != part {
            return None;
        }
        number |= shifted;
        if digit < MORE {
            break;
        }
    }
    Some(number)
}

fn digit(letter: u8) -> Option<u64> {
    Some(u64::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(infinite_count: u64) -> Option<KeptEvidence> {
        Some(KeptEvidence::Samples(Buckets {
            counts: vec![(3, 1), (4, 40), (2_000, u32::MAX)],
            infinite_count,
            ends_ns: (7, u64::MAX),
        }))
    }

    #[test]
    fn a_text_gives_back_every_number() {
        let share = KeptEvidence::Share {
            part: 3,
            whole: u64::MAX,
        };
        let evidence = vec![
            None,
            samples(0),
            Some(KeptEvidence::Samples(Buckets::default())),
            samples(0),
            samples(u64::MAX),
            Some(share),
        ];
        let texts = to_texts(&evidence);
        assert_eq!((texts[0].as_str(), texts[3].as_str()), ("", "=1"));
        // Nothing in it: three zeros.
        assert_eq!(texts[2], "AAA");
        assert_eq!(texts[5], "%3/18446744073709551615");
        assert_eq!(from_texts(&texts), Some(evidence));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        // An unknown letter, an end in a number, a number above 64 bits, a place that is not
        // before, a bucket above all.
        for text in [
            "AA!",
            "AAg",
            "//////////////",
            "AAAg",
            "=0",
            "=x",
            "%3",
            "%-1/2",
            "AAA////BB",
        ] {
            assert_eq!(from_texts(&[text.to_string()]), None, "{text}");
        }
    }
}
