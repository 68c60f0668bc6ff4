//! Fixed sample weather, to show enums and bounded numbers in schemas.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(super) enum City {
    Lisbon,
    Nairobi,
    Reykjavik,
    Singapore,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Cloudy,
    Rain,
    Snow,
    Sunny,
}

/// The weather of a city.
#[derive(Serialize, JsonSchema)]
pub(super) struct Weather {
    city: City,
    condition: Condition,
    /// Air temperature in degrees Celsius
    temperature: f64,
    /// Relative humidity in percent
    #[schemars(range(min = 0, max = 100))]
    humidity: u8,
}

impl Weather {
    pub(super) fn in_city(city: City) -> Self {
        let (condition, temperature, humidity) = match city {
            City::Lisbon => (Condition::Sunny, 23.5, 48),
            City::Nairobi => (Condition::Cloudy, 19.0, 63),
            City::Reykjavik => (Condition::Snow, -2.5, 81),
            City::Singapore => (Condition::Rain, 28.0, 92),
        };
        Self { city, condition, temperature, humidity }
    }
}
