//! The name that was probably meant.

/// The candidate that is most like `name`, if one is alike enough to be a slip of the fingers.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (far(&name.to_lowercase(), &candidate.to_lowercase(), allowed), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A sentence that helps: the nearest name, or what there is.
pub(super) fn meant<'c>(
    name: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> Option<String> {
    if let Some(candidate) = nearest(name, candidates.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.as_slice() {
        [] => Some(format!("there are no {what}")),
        [..] if all.len() <= 16 => Some(format!("{what}: {}", listed(&all))),
        [..] => None,
    }
}

/// Names in a row: `a`, `b` and `c`.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// How far two words are from each other. The beginning of a word is as near to it as is `allowed`.
fn far(left: &str, right: &str, allowed: usize) -> usize {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    let distance = distance(left, right);
    if short.len() > 2 && long.starts_with(short) { distance.min(allowed) } else { distance }
}

/// Insertions, deletions, replacements and swapped neighbours that make one into the other.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let mut cost =
                (above[column] + usize::from(from != to)).min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && left[row - 1] == *to && *from == right[column - 1] {
                cost = cost.min(before[column - 1] + 1);
            }
            current.push(cost);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or_default()
}
