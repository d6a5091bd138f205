//! The nearest known word to an unknown one.

/// `did you mean `x`?` for the nearest of `known`, if one is near.
pub fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// Letters at the end in which two forms of one word may differ: `retries`, `retry`.
const ENDING_LENGTH_MAX: usize = 3;

/// The nearest of `known`: at most a third of the letters differ, a prefix always counts as near,
/// and so does another form of the word.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Long hostile words are never near, and the distance is quadratic in the length.
    if 100 < word.len() {
        return None;
    }
    let near = |candidate: &&'a str| -> Option<usize> {
        let distance = strsim::damerau_levenshtein(word, candidate);
        let is_prefix = 3 <= word.len() && candidate.starts_with(word);
        let tolerated = word.len().max(candidate.len()) / 3;
        let is_form = is_form_of(word, candidate);
        (distance <= tolerated || is_prefix || is_form).then_some(distance)
    };
    known
        .filter_map(|candidate| near(&candidate).map(|distance| (distance, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Whether two words begin alike and differ in their endings only.
fn is_form_of(word: &str, other: &str) -> bool {
    let pairs = word.bytes().zip(other.bytes());
    let stem = pairs.take_while(|(a, b)| a == b).count();
    ENDING_LENGTH_MAX < stem && word.len().max(other.len()) <= stem + ENDING_LENGTH_MAX
}

/// The one of `known` that `word` misspells: at most a third of the letters differ, and no other
/// is as near.
pub fn misspelt<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let near = nearest(word, known.clone())?;
    let distance = |candidate: &str| strsim::damerau_levenshtein(word, candidate);
    let least = distance(near);
    let is_near = least <= word.len().max(near.len()) / 3;
    let mut others = known.filter(|other| *other != near);
    (is_near && others.all(|other| least < distance(other))).then_some(near)
}

/// `expected one of a, b, c`; long lists are cut.
pub fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.len() {
        0 => "none is defined".to_string(),
        1 => format!("expected {}", words[0]),
        count if 20 < count => format!("expected one of {}, ...", words[..20].join(", ")),
        _ => format!("expected one of {}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_wins_and_far_words_are_not_named() {
        let known = || ["rate", "ratio", "target"].into_iter();
        assert_eq!(nearest("rat", known()), Some("rate"));
        assert_eq!(nearest("tagret", known()), Some("target"));
        assert_eq!(nearest("colour", known()), None);
        assert_eq!(
            nearest("retries", ["rate", "retry"].into_iter()),
            Some("retry")
        );
        assert_eq!(nearest(&"rate".repeat(100), known()), None);
    }

    #[test]
    fn a_misspelling_means_one_word_and_a_prefix_means_none() {
        let known = || ["nginx", "haproxy", "leader", "loader"].into_iter();
        assert_eq!(misspelt("ngnix", known()), Some("nginx"));
        assert_eq!(misspelt("lader", known()), None, "it is as near to both");
        assert_eq!(
            misspelt("hap", known()),
            None,
            "it is a prefix, and may mean more"
        );
    }
}
