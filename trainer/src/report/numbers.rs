//! Numbers for a reader. What is not a number is a dash.

use crate::evaluate::scores::Interval;

/// Stands where there is no number.
pub(super) const NONE: &str = "–";

/// Three decimals, which is what the intervals of a few hundred tracks bear.
pub(super) fn score(value: f64) -> String {
    decimals(value, 3)
}

/// A difference, with its sign.
pub(super) fn difference(value: f64) -> String {
    let written = score(value);
    if value > 0.0 && value.is_finite() { format!("+{written}") } else { written }
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", decimals(share * 100.0, 1)) } else { NONE.to_owned() }
}

/// An interval's ends; `None` where one is not a number.
pub(super) fn ends(interval: &Interval, write: fn(f64) -> String) -> Option<(String, String)> {
    (interval.low.is_finite() && interval.high.is_finite()).then(|| (write(interval.low), write(interval.high)))
}

/// An interval's ends in a sentence; `None` where one is not a number.
pub(super) fn from_to(interval: &Interval, write: fn(f64) -> String) -> Option<String> {
    ends(interval, write).map(|(low, high)| format!("{low} to {high}"))
}

/// A fixed number of decimals, with a minus sign as long as a plus sign.
pub(super) fn decimals(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let written = format!("{value:.decimals$}");
    match written.strip_prefix('-') {
        Some(zero) if zero.bytes().all(|byte| matches!(byte, b'0' | b'.')) => zero.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => written,
    }
}

/// A count with its thousands apart.
pub(super) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push('\u{202f}');
        }
        written.push(digit);
    }
    written
}

/// `1 track`, `2 tracks`.
pub(super) fn plural(value: usize, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// With as many decimals as tell it from a neighbour one step away; powers of ten where all of the
/// scale, up to `largest`, is very small or very large.
pub(super) fn tick(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if !(5e-3..1e6).contains(&largest) {
        scientific(value)
    } else if step >= 1.0 && value > 0.0 {
        count(value.round() as usize)
    } else {
        decimals(value, (-step.log10()).ceil().clamp(0.0, 6.0) as usize)
    }
}

/// Two digits and a power of ten: 3·10⁻⁴.
pub(super) fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let written = format!("{value:.1e}");
    let Some((digits, exponent)) = written.split_once('e') else { return written };
    let raised = exponent.chars().map(|digit| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
        other => other,
    });
    let digits = digits.strip_suffix(".0").unwrap_or(digits).replace('-', "−");
    format!("{digits}·10{}", raised.collect::<String>())
}

/// Few digits for a number of any size: a loss, a rate.
pub(super) fn brief(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        NONE.to_owned()
    } else if size != 0.0 && !(1e-3..1e5).contains(&size) {
        scientific(value)
    } else {
        decimals(value, if size < 10.0 { 3 } else { 1 })
    }
}

/// Names as a sentence has them: `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_three_decimals_and_a_true_minus() {
        assert_eq!(score(0.87654), "0.877");
        assert_eq!(score(-0.0123), "−0.012");
        assert_eq!(score(-0.0001), "0.000");
        assert_eq!(difference(0.5), "+0.500");
        assert_eq!(difference(-0.5), "−0.500");
        assert_eq!(percent(0.0425), "4.2 %");
    }

    #[test]
    fn what_is_not_a_number_is_a_dash() {
        for write in [score, difference, percent, scientific, brief] {
            assert_eq!(write(f64::NAN), NONE);
            assert_eq!(write(f64::INFINITY), NONE);
        }
        assert_eq!(from_to(&Interval { value: 0.5, low: f64::NAN, high: 0.6 }, score), None);
        assert_eq!(from_to(&Interval { value: 0.5, low: 0.4, high: 0.6 }, score).unwrap(), "0.400 to 0.600");
    }

    #[test]
    fn ticks_are_as_long_as_they_must_be() {
        assert_eq!(tick(0.0, 0.1, 0.5), "0");
        assert_eq!(tick(0.30000000000000004, 0.1, 0.5), "0.3");
        assert_eq!(tick(0.25, 0.05, 0.5), "0.25");
        assert_eq!(tick(0.8701, 1e-4, 0.8704), "0.8701");
        assert_eq!(tick(2.0, 1.0, 4.0), "2");
        assert_eq!(tick(12_000.0, 2000.0, 2e4), "12\u{202f}000");
        assert_eq!(tick(3e-4, 1e-4, 1e-3), "3·10⁻⁴");
        assert_eq!(tick(1e-3, 1e-4, 1e-3), "1·10⁻³");
        assert_eq!(tick(2.5e6, 5e5, 2.5e6), "2.5·10⁶");
        assert_eq!(tick(-0.5, 0.5, 1.0), "−0.5");
    }

    #[test]
    fn powers_of_ten_are_raised() {
        assert_eq!(scientific(1.25e-12), "1.2·10⁻¹²");
        assert_eq!(scientific(-3e10), "−3·10¹⁰");
        assert_eq!(brief(0.25), "0.250");
        assert_eq!(brief(123.45), "123.5");
        assert_eq!(brief(0.0), "0.000");
    }

    #[test]
    fn names_and_counts_read_as_a_sentence() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(plural(1, "track"), "1 track");
        assert_eq!(plural(1234567, "track"), "1\u{202f}234\u{202f}567 tracks");
    }
}
