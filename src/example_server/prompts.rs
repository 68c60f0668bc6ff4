//! The only prompt, whose arguments are only checked for presence, because MCP passes them as text.

use rmcp::{
    handler::server::wrapper::Parameters,
    model::{GetPromptResult, PromptMessage, Role},
    prompt, prompt_router,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ExampleServer;

#[derive(Deserialize, JsonSchema)]
struct PlanMeeting {
    /// The city where the meeting takes place
    city: String,
    /// When it begins there, "HH:MM"
    time: String,
}

#[prompt_router(vis = "pub(super)")]
impl ExampleServer {
    /// Plan a meeting for people in several time zones.
    #[prompt(title = "Plan a meeting")]
    fn plan_meeting(
        &self,
        Parameters(PlanMeeting { city, time }): Parameters<PlanMeeting>,
    ) -> GetPromptResult {
        let request = format!(
            "Plan a meeting that begins at {time} in {city}. Use convert_time to say what time that is for each \
             person, and warn where it falls outside 08:00 to 18:00."
        );
        GetPromptResult::new(vec![PromptMessage::new_text(Role::User, request)])
            .with_description(format!("A meeting at {time} in {city}"))
    }
}
