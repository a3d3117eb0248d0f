//! Points in time as people and programs write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};

/// Seconds since 1970 before which no log was kept: 1973. Smaller numbers are years, days or something else.
const EARLIEST: i64 = 100_000_000;

/// Seconds since 1970: given as such, as RFC 3339 has it, or as date and perhaps time of the machine's time zone.
pub fn moment(text: &str) -> Result<i64, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        let is_plausible = (EARLIEST..=Timestamp::now().as_second() + 86_400).contains(&seconds);
        return if is_plausible { Ok(seconds) } else { Err(format!("{text:?} are no seconds since 1970, before now")) };
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.as_second());
    }
    let here =
        |time: DateTime| time.to_zoned_datetime(TimeZone::system()).ok().map(|moment| moment.timestamp().as_second());
    let example = "2026-11-24, 2026-11-24T21:05, 2026-11-24T21:05:00Z or seconds since 1970";
    text.parse().ok().and_then(here).ok_or_else(|| format!("{text:?} is no time, such as {example}"))
}

/// The same, or how long ago it was: `30d`, `6 weeks`.
pub fn moment_or_ago(text: &str) -> Result<i64, String> {
    let ago =
        |span: Span| ZonedDateTime::now().checked_sub(span.abs()).ok().map(|moment| moment.timestamp().as_second());
    let is_number = text.trim().parse::<i64>().is_ok();
    match text.trim().parse().ok().filter(|_| !is_number).and_then(ago) {
        Some(moment) => Ok(moment),
        None => moment(text).map_err(|error| format!("{error}, nor a time ago, such as 30d or 6 weeks")),
    }
}

/// Seconds since 1970 as a reader here writes them, to the minute.
pub fn told(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap_or_default();
    moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        for same in ["1000000000", "2001-09-09T01:46:40Z", " 2001-09-09T03:46:40+02:00 "] {
            assert_eq!(moment(same), Ok(1_000_000_000), "{same}");
        }
        let here = "2001-09-09".parse::<DateTime>().unwrap().to_zoned_datetime(TimeZone::system()).unwrap();
        assert_eq!(moment("2001-09-09"), Ok(here.timestamp().as_second()));
        assert_eq!(moment("2001-09-09T00:30"), Ok(here.timestamp().as_second() + 1800));
        assert_eq!(moment("2001-09-09 00:30:00"), moment("2001-09-09T00:30"));
        for wrong in ["", "yesterday", "2001-13-01", "30d", "2026", "20261124", "1700000000000"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_ago_is_read() {
        let now = Timestamp::now().as_second();
        let hours = now - moment_or_ago("48h").unwrap();
        assert!((2 * 86_400..2 * 86_400 + 60).contains(&hours), "{hours}");
        // A day may have 23 or 25 hours.
        let weeks = now - moment_or_ago("6 weeks").unwrap();
        assert!((42 * 86_400 - 3700..42 * 86_400 + 3700).contains(&weeks), "{weeks}");
        assert_eq!(moment_or_ago("1000000000"), Ok(1_000_000_000));
        assert!(moment_or_ago("soon").is_err() && moment_or_ago("30").is_err());
    }
}
