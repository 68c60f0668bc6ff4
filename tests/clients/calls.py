"""One call of every tool of the example server, and what must come of it."""

from dataclasses import dataclass


@dataclass
class Call:
    tool: str
    arguments: dict
    status: int
    #: What the answer must contain.
    text: str


ZONES = {"source_timezone": "UTC", "time": "16:30", "target_timezone": "Asia/Tokyo"}
CALLS = (
    Call("get_current_time", {"timezone": "Asia/Tokyo"}, 200, "+09:00"),
    Call("convert_time", ZONES, 200, "T01:30"),
    Call("describe_weather", {"city": "Nairobi"}, 200, "Nairobi"),
    Call("get_image", {}, 200, "data:image/png;base64,iVBOR"),
    Call("wait", {"seconds": 0.1, "steps": 2}, 200, "Waited 0.1 s in 2 steps."),
    Call("fail", {"message": "as I was told"}, 500, "as I was told"),
    Call("echo", {"message": 'a\n"b" \u2028 é', "repeat": 2}, 200, "é"),
)


@dataclass
class Answer:
    """What a client got from a tool."""

    tool: str
    status: int
    text: str


def faults(answers: list[Answer], served: set[str]) -> list[str]:
    """One sentence for each tool that was not called, or not answered as it should be."""
    calls = {call.tool: call for call in CALLS}
    found = unheard(answers, served)
    for answer in answers:
        call = calls[answer.tool]
        if answer.status != call.status or call.text not in answer.text:
            found.append(f"{answer.tool} answered {answer.status}: {answer.text[:300]}")
    return found


def unheard(answers: list[Answer], served: set[str]) -> list[str]:
    """One sentence for each tool that was not called, or that there is no call for."""
    missing = served - {answer.tool for answer in answers}
    unknown = served ^ {call.tool for call in CALLS}
    found = [f"{tool} was not called" for tool in missing]
    return found + [f"{tool} is not what is served" for tool in unknown]
