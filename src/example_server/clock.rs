//! Time zone arithmetic with the bundled IANA database, from an instant and zone names to local times.

use jiff::{Timestamp, Zoned, civil::Time, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;

/// What the clocks of a time zone show.
#[derive(Serialize, JsonSchema)]
pub(super) struct ZoneTime {
    /// IANA time zone name
    timezone: String,
    /// ISO 8601 with the offset from UTC, to the second
    #[schemars(extend("format" = "date-time"))]
    datetime: String,
    /// Day of the week in English
    day_of_week: String,
    /// Whether daylight saving time is in force
    is_dst: bool,
}

/// One instant on two clocks.
#[derive(Serialize, JsonSchema)]
pub(super) struct TimeConversion {
    source: ZoneTime,
    target: ZoneTime,
    /// How far the target is ahead of the source, such as "+9.0h" or "-3.5h"
    time_difference: String,
}

/// Returns the local time of `timezone` at `instant`.
pub(super) fn at(instant: Timestamp, timezone: &str) -> Result<ZoneTime, String> {
    Ok(show(&instant.to_zoned(zone(timezone)?), timezone))
}

/// Converts today's `time` ("HH:MM") from the source zone to the target zone; today is the date of `now` in the source
/// zone.
pub(super) fn convert(
    now: Timestamp,
    source: &str,
    time: &str,
    target: &str,
) -> Result<TimeConversion, String> {
    let source_zone = zone(source)?;
    let target_zone = zone(target)?;
    let clock = Time::strptime("%H:%M", time)
        .map_err(|_| format!("invalid time {time:?}: write HH:MM on the 24-hour clock, such as \"16:30\""))?;
    let at_source = now
        .to_zoned(source_zone.clone())
        .date()
        .to_datetime(clock)
        .to_zoned(source_zone)
        .map_err(|error| format!("no {time} today in {source}: {error}"))?;
    let at_target = at_source.with_time_zone(target_zone);
    let ahead = at_target.offset().seconds() - at_source.offset().seconds();
    Ok(TimeConversion {
        source: show(&at_source, source),
        target: show(&at_target, target),
        time_difference: hours(ahead),
    })
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| {
        format!("unknown time zone {name:?}: give an IANA name, such as \"Europe/Berlin\" or \"UTC\"")
    })
}

fn show(moment: &Zoned, timezone: &str) -> ZoneTime {
    ZoneTime {
        timezone: moment.time_zone().iana_name().unwrap_or(timezone).to_owned(),
        datetime: moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        day_of_week: moment.strftime("%A").to_string(),
        is_dst: moment.time_zone().to_offset_info(moment.timestamp()).dst().is_dst(),
    }
}

/// Formats signed hours with one decimal, or with two for quarter hours: "+9.0h", "+5.5h", "+5.75h".
fn hours(seconds: i32) -> String {
    let hours = f64::from(seconds) / 3600.0;
    if (hours * 10.0).fract() == 0.0 { format!("{hours:+.1}h") } else { format!("{hours:+.2}h") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(now: &str, source: &str, target: &str) -> String {
        convert(now.parse().unwrap(), source, "12:00", target).unwrap().time_difference
    }

    #[test]
    fn differences_are_written_in_hours() {
        let now = "2026-01-15T12:00:00Z";
        assert_eq!(difference(now, "UTC", "Asia/Tokyo"), "+9.0h");
        assert_eq!(difference(now, "UTC", "Asia/Kolkata"), "+5.5h");
        assert_eq!(difference(now, "UTC", "Asia/Kathmandu"), "+5.75h");
        assert_eq!(difference(now, "Europe/London", "America/St_Johns"), "-3.5h");
        assert_eq!(difference(now, "UTC", "UTC"), "+0.0h");
    }

    #[test]
    fn the_date_is_that_of_the_source_zone() {
        // 22:30 UTC on the 14th is the 15th in Tokyo.
        let converted =
            convert("2026-07-14T22:30:00Z".parse().unwrap(), "Asia/Tokyo", "01:05", "Europe/Paris").unwrap();
        assert_eq!(converted.source.datetime, "2026-07-15T01:05:00+09:00");
        assert_eq!(converted.source.day_of_week, "Wednesday");
        assert_eq!(converted.target.datetime, "2026-07-14T18:05:00+02:00");
        assert_eq!(converted.target.day_of_week, "Tuesday");
        assert!(converted.target.is_dst && !converted.source.is_dst);
    }

    #[test]
    fn daylight_saving_follows_the_date() {
        let winter = at("2026-01-15T12:00:00.9Z".parse().unwrap(), "America/New_York").unwrap();
        assert_eq!((winter.datetime.as_str(), winter.is_dst), ("2026-01-15T07:00:00-05:00", false));
        let summer = at("2026-07-15T12:00:00Z".parse().unwrap(), "america/new_york").unwrap();
        assert_eq!((summer.datetime.as_str(), summer.is_dst), ("2026-07-15T08:00:00-04:00", true));
        assert_eq!(summer.timezone, "America/New_York");
    }
}
