//! `mcpo example-server`: a small MCP server over stdin and stdout, so that a first run needs nothing else.
//!
//! It has one of everything that a gateway meets: plain text, an image, structured output with a schema, slow work with
//! progress, an error, a resource and a prompt. Only protocol messages go to stdout, and no log subscriber is
//! installed. It uses neither files nor network.

mod clock;
mod prompts;
mod tools;
mod weather;

use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        Implementation, ListResourcesResult, PaginatedRequestParams, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, ServerCapabilities,
        ServerConfig,
    },
    prompt_handler,
    service::{RequestContext, ServerInitializeError},
    tool_handler,
    transport::io::stdio_pipes,
};

/// The reason why the example server ended before its input did.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first message was neither `initialize` nor a request that carries its own protocol version.
    #[error(
        "no MCP session: the client must begin with `initialize`, `server/discover` or a stateless request"
    )]
    Opening(#[source] Box<ServerInitializeError>),
    /// The task that serves the session panicked.
    #[error("the MCP session broke off")]
    Broken(#[from] tokio::task::JoinError),
}

/// Serves one client on stdin and stdout, and returns when stdin ends.
///
/// The client chooses the protocol: `initialize` for 2025-11-25 and older, or stateless requests that name
/// 2026-07-28 themselves, with or without `server/discover` first.
///
/// # Errors
/// When the client begins with something that is not MCP, or the session's task panics.
pub async fn run() -> Result<(), Error> {
    match ExampleServer.serve(stdio_pipes()).await {
        Ok(session) => {
            session.waiting().await?;
            Ok(())
        }
        // Input that ends before the first request is no error, because the client may change its mind.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(Error::Opening(Box::new(error))),
    }
}

/// The server, which has no state, so calls are independent of each other.
struct ExampleServer;

const README_URI: &str = "mcpo://example/readme";

const README: &str = "\
# The example server

This MCP server is part of the `mcpo` binary and speaks over stdin and stdout. Any MCP client can start it:

```json
{ \"mcpServers\": { \"example\": { \"command\": \"mcpo\", \"args\": [\"example-server\"] } } }
```

It reads the clock and nothing else: no files, no network. Replace it in the configuration with servers of your own.
";

#[tool_handler]
#[prompt_handler]
impl ServerHandler for ExampleServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("mcpo-example", env!("CARGO_PKG_VERSION")).with_title("mcpo example server"),
            )
            .with_instructions(
                "Tools to try mcpo with: time zones, an image, structured output, a slow call and a failing one. \
                 Nothing here reads files or the network, so every call is safe.",
            )
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let readme = Resource::new(README_URI, "readme")
            .with_title("About this server")
            .with_description("What the example server is and how to replace it")
            .with_mime_type("text/markdown")
            .with_size(README.len() as u64);
        Ok(ListResourcesResult::with_all_items(vec![readme]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != README_URI {
            let message = format!("no resource {:?}; there is {README_URI}", request.uri);
            return Err(ErrorData::resource_not_found(message, None));
        }
        let contents = ResourceContents::text(README, README_URI).with_mime_type("text/markdown");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}
