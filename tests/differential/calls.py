"""Calls of real tools, in the order in which they are made: (path, arguments).

`$FILES`, `$REPOSITORY` and `$SITE` stand for what the world has there.
"""

SERVERS = (
    "time",
    "fetch",
    "everything",
    "everything-sse",
    "everything-http",
    "memory",
    "filesystem",
    "sequential-thinking",
    "git",
    "sqlite",
    "notion",
    "github",
    "example",
)


def of(server: str, *calls: tuple[str, dict]) -> list[tuple[str, dict]]:
    return [(f"/{server}/{tool}", arguments) for tool, arguments in calls]


TIME = of(
    "time",
    ("get_current_time", {"timezone": "Asia/Tokyo"}),
    ("get_current_time", {"timezone": "Mars/X"}),
    ("get_current_time", {"timezone": ""}),
    ("get_current_time", {"timezone": None}),
    ("get_current_time", {"timezone": 5}),
    ("get_current_time", {"timezone": ["UTC"]}),
    ("get_current_time", {"timezone": "UTC", "undeclared": 1}),
    ("get_current_time", {"Timezone": "UTC"}),
    ("get_current_time", {}),
    ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
    ("convert_time", {"source_timezone": "UTC", "time": "25:00", "target_timezone": "Asia/Tokyo"}),
    ("convert_time", {"source_timezone": "UTC"}),
    ("convert_time", {"source_timezone": 1, "time": 2, "target_timezone": 3}),
)

FETCH = of(
    "fetch",
    ("fetch", {"url": "$SITE/index.html"}),
    ("fetch", {"url": "$SITE/index.html", "raw": True}),
    ("fetch", {"url": "$SITE/index.html", "raw": "yes", "max_length": "20"}),
    ("fetch", {"url": "$SITE/index.html", "raw": "maybe"}),
    ("fetch", {"url": "$SITE/index.html", "start_index": 10000}),
    ("fetch", {"url": "$SITE/index.html", "max_length": 0}),
    ("fetch", {"url": "$SITE/index.html", "max_length": 1.5}),
    ("fetch", {"url": "$SITE/index.html", "max_length": 20.0}),
    ("fetch", {"url": "$SITE/missing.html"}),
    ("fetch", {"url": "not a url"}),
    ("fetch", {}),
)

EVERYTHING = [
    call
    for server in ("everything", "everything-sse", "everything-http")
    for call in of(
        server,
        ("echo", {"message": "héllo 🎉\r\n"}),
        ("get-sum", {"a": 2, "b": 3.5}),
        ("get-sum", {"a": "2", "b": "3"}),
        ("get-sum", {"a": "two", "b": 3}),
        ("get-tiny-image", {}),
        ("get-structured-content", {"location": "Chicago"}),
    )
] + of(
    "everything",
    ("echo", {"message": ""}),
    ("echo", {"message": '{"looks": ["like", "JSON"]}'}),
    ("echo", {"message": 123456789012345678901234567890}),
    ("echo", {"message": True}),
    ("echo", {"message": None}),
    ("get-sum", {"a": 9007199254740993, "b": 0}),
    ("get-sum", {"a": True, "b": False}),
    ("get-sum", {"a": None, "b": 1}),
    ("get-sum", {"a": 1}),
    ("get-sum", {"a": [1], "b": {"c": 1}}),
    ("get-annotated-message", {"messageType": "error"}),
    ("get-annotated-message", {"messageType": "success", "includeImage": True}),
    ("get-annotated-message", {"messageType": "success", "includeImage": "on"}),
    ("get-annotated-message", {"messageType": "success", "includeImage": 1}),
    ("get-annotated-message", {"messageType": "success", "includeImage": None}),
    ("get-annotated-message", {"messageType": "nope"}),
    ("get-structured-content", {"location": "Paris"}),
    ("get-resource-links", {"count": 2}),
    ("get-resource-links", {}),
    ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}),
    ("get-resource-reference", {"resourceType": "Blob", "resourceId": 2}),
    ("get-resource-reference", {"resourceType": "Text", "resourceId": -1}),
    ("gzip-file-as-resource", {"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resource"}),
    ("gzip-file-as-resource", {"name": "a.gz", "data": "data:text/plain,hello"}),
    ("simulate-research-query", {"topic": "x"}),
    ("trigger-long-running-operation", {"duration": 0.2, "steps": 2}),
    ("toggle-simulated-logging", {}),
    ("echo", {"message": "a line separator: \u2028"}),
)

#: Sent last: the Python mcpo never answers these.
UNANSWERED = of("everything-sse", ("echo", {"message": "a line separator: \u2028"}))

ADA = {"name": "Ada", "entityType": "person", "observations": ["counts", "writes"]}
BOB = {"name": "Bob", "entityType": "person", "observations": []}
KNOWS = {"from": "Ada", "to": "Bob", "relationType": "knows"}

MEMORY = of(
    "memory",
    ("read_graph", {}),
    ("create_entities", {"entities": [ADA, BOB]}),
    ("create_entities", {"entities": [ADA]}),
    ("create_relations", {"relations": [KNOWS]}),
    ("add_observations", {"observations": [{"entityName": "Bob", "contents": ["reads"]}]}),
    ("add_observations", {"observations": [{"entityName": "Eve", "contents": ["x"]}]}),
    ("search_nodes", {"query": "reads"}),
    ("open_nodes", {"names": ["Ada", "Bob"]}),
    ("delete_observations", {"deletions": [{"entityName": "Ada", "observations": ["writes"]}]}),
    ("delete_relations", {"relations": [KNOWS]}),
    ("delete_entities", {"entityNames": ["Bob"]}),
    ("read_graph", {}),
    ("read_graph", {"undeclared": True}),
    ("create_entities", {"entities": ADA}),
    ("create_entities", {"entities": [{"name": "Eve"}]}),
    ("create_entities", {"entities": [{**BOB, "observations": [1]}]}),
    ("create_entities", {"entities": []}),
    ("open_nodes", {"names": "Ada"}),
)

NOTE = "$FILES/note.txt"
EDIT = {"oldText": "two", "newText": "2"}

FILESYSTEM = of(
    "filesystem",
    ("list_allowed_directories", {}),
    ("read_text_file", {"path": NOTE}),
    ("read_text_file", {"path": NOTE, "head": 1}),
    ("read_text_file", {"path": NOTE, "tail": "1"}),
    ("read_text_file", {"path": NOTE, "head": None}),
    ("read_text_file", {"path": NOTE, "head": 1, "tail": 1}),
    ("read_text_file", {"path": "$FILES/below/data.json"}),
    ("read_text_file", {"path": "$FILES/none"}),
    ("read_text_file", {"path": "/etc/hostname"}),
    ("read_text_file", {}),
    ("read_media_file", {"path": "$FILES/pixel.png"}),
    ("read_multiple_files", {"paths": [NOTE, "$FILES/none"]}),
    ("read_multiple_files", {"paths": []}),
    ("read_multiple_files", {"paths": NOTE}),
    ("list_directory", {"path": "$FILES"}),
    ("list_directory_with_sizes", {"path": "$FILES", "sortBy": "size"}),
    ("list_directory_with_sizes", {"path": "$FILES", "sortBy": "colour"}),
    ("directory_tree", {"path": "$FILES"}),
    ("directory_tree", {"path": "$FILES", "excludePatterns": ["below"]}),
    ("search_files", {"path": "$FILES", "pattern": "**/*.json"}),
    ("edit_file", {"path": NOTE, "edits": [EDIT], "dryRun": True}),
    ("edit_file", {"path": NOTE, "edits": [EDIT]}),
    ("edit_file", {"path": NOTE, "edits": [{"oldText": "two"}]}),
    ("write_file", {"path": "$FILES/empty.txt", "content": ""}),
    ("read_text_file", {"path": "$FILES/empty.txt"}),
    ("write_file", {"path": "$FILES/number.txt", "content": "42"}),
    ("read_text_file", {"path": "$FILES/number.txt"}),
    ("write_file", {"path": "$FILES/more.txt", "content": 5}),
    ("create_directory", {"path": "$FILES/new/deep"}),
    ("move_file", {"source": "$FILES/empty.txt", "destination": "$FILES/new/empty.txt"}),
    ("move_file", {"source": "$FILES/empty.txt", "destination": "$FILES/new/empty.txt"}),
    ("get_file_info", {"path": NOTE}),
)

THOUGHT = {"thought": "t", "nextThoughtNeeded": True, "thoughtNumber": 1, "totalThoughts": 2}

THINKING = of(
    "sequential-thinking",
    ("sequentialthinking", THOUGHT),
    ("sequentialthinking", THOUGHT | {"thoughtNumber": "2", "nextThoughtNeeded": "false"}),
    ("sequentialthinking", THOUGHT | {"branchFromThought": 1, "branchId": "b"}),
    ("sequentialthinking", THOUGHT | {"thoughtNumber": 0}),
    ("sequentialthinking", THOUGHT | {"thoughtNumber": 1.5}),
    ("sequentialthinking", THOUGHT | {"branchId": None}),
    ("sequentialthinking", THOUGHT | {"nextThoughtNeeded": "perhaps"}),
    ("sequentialthinking", {"thought": "t"}),
)

REPOSITORY = {"repo_path": "$REPOSITORY"}

GIT = of(
    "git",
    ("git_status", REPOSITORY),
    ("git_add", REPOSITORY | {"files": ["new.txt"]}),
    ("git_add", REPOSITORY | {"files": "new.txt"}),
    ("git_diff_staged", REPOSITORY),
    ("git_diff_staged", REPOSITORY | {"context_lines": "1"}),
    ("git_commit", REPOSITORY | {"message": "second"}),
    ("git_log", REPOSITORY),
    ("git_log", REPOSITORY | {"max_count": 1}),
    ("git_log", REPOSITORY | {"max_count": "1"}),
    ("git_log", REPOSITORY | {"max_count": "one"}),
    ("git_log", REPOSITORY | {"start_timestamp": None}),
    ("git_show", REPOSITORY | {"revision": "HEAD"}),
    ("git_show", REPOSITORY | {"revision": "nothing"}),
    ("git_create_branch", REPOSITORY | {"branch_name": "other"}),
    ("git_create_branch", REPOSITORY | {"branch_name": "third", "base_branch": None}),
    ("git_checkout", REPOSITORY | {"branch_name": "other"}),
    ("git_branch", REPOSITORY | {"branch_type": "local"}),
    ("git_branch", REPOSITORY | {"branch_type": "local", "contains": None}),
    ("git_status", {"repo_path": "/nowhere"}),
    ("git_status", {}),
)

SQLITE = of(
    "sqlite",
    ("list_tables", {}),
    ("create_table", {"query": "CREATE TABLE t (a INTEGER, b TEXT)"}),
    ("write_query", {"query": "INSERT INTO t VALUES (1, 'one'), (2, NULL)"}),
    ("read_query", {"query": "SELECT * FROM t"}),
    ("read_query", {"query": "SELECT * FROM nothing"}),
    ("read_query", {"query": "DELETE FROM t"}),
    ("read_query", {"query": "SELECT a FROM t WHERE a > 5"}),
    ("list_tables", {}),
    ("describe_table", {"table_name": "t"}),
    ("append_insight", {"insight": "two rows"}),
    ("read_query", {}),
    ("read_query", {"query": 1}),
)

#: These reach for the internet as soon as their arguments are right.
REMOTE = of("notion", ("API-get-user", {}), ("API-get-users", {"page_size": "many"})) + of(
    "github",
    ("search_repositories", {}),
    ("create_issue", {"owner": "o", "repo": "r"}),
    ("list_issues", {"owner": "o", "repo": "r", "labels": "bug"}),
    ("list_issues", {"owner": "o", "repo": "r", "direction": "up"}),
)

EXAMPLE = of(
    "example",
    ("get_current_time", {"timezone": "Asia/Tokyo"}),
    ("convert_time", {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
    ("convert_time", {"source_timezone": "UTC", "time": "noon", "target_timezone": "Asia/Tokyo"}),
    ("describe_weather", {"city": "Berlin"}),
    ("describe_weather", {"city": "Lisbon"}),
    ("echo", {"message": "a", "repeat": 2}),
    ("echo", {"message": "a", "repeat": "2"}),
    ("echo", {"message": "a", "repeat": 99}),
    ("echo", {"message": "a", "repeat": None}),
    ("fail", {"message": "no 'way' \"out\"\n"}),
    ("fail", {"message": ""}),
    ("get_image", {}),
    ("wait", {"seconds": 0.1, "steps": 2}),
)

CALLS = [*TIME, *FETCH, *EVERYTHING, *MEMORY, *FILESYSTEM, *THINKING, *GIT, *SQLITE, *REMOTE, *EXAMPLE]
