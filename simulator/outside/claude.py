"""Claude's Messages API as far as somebody meets it who forces a tool."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.catalogue import CLAUDE
from simulator.exchange import Dropped
from simulator.outside.claude_writing import Writer
from simulator.outside.counted import CountedRules
from simulator.outside.neighbour import Neighbour

if TYPE_CHECKING:
    from simulator.scenario import ClaudeRule, Scenario

__all__ = ["Claude"]

CHARS_PER_TOKEN = 4
INVALID_KEY = "invalid API key"
PROSE = "Of course! I would be glad to help with that. What would you like to know first?"
# As the API names its errors.
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_DATA = re.compile(r"<data>(.*)</data>", re.DOTALL)
_MODEL = re.compile(r"/v1/models/([\w.-]+)")
_PURPOSE = re.compile(r"\((\w+)\)")


class Refused(Exception):
    """Raised for a request that the API answers with an error."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class Claude(Neighbour):
    """Answers in the shape it is told to; the same answer to the same question.

    Logs each answer with its purpose (in brackets in the tool's description), model and tokens.
    """

    name = CLAUDE
    _requests = 0

    def play(self, scenario: Scenario) -> None:
        self._settings = scenario.claude
        self._rules = CountedRules(scenario.claude.rules)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._requests += 1
        try:
            self._check_key(request)
            if request.method == "GET" and (model := _MODEL.fullmatch(request.path)):
                return self._model(model[1])
            return await self._message(request)
        except Refused as error:
            text = str(error)
            self.world.record(CLAUDE, "claude_refused", "", text, self._requests)
            said = {"type": ERRORS.get(error.status, "api_error"), "message": text}
            body = {"type": "error", "error": said, "request_id": f"req_{self._requests}"}
            return web.json_response(body, status=error.status, headers=error.headers)

    def _check_key(self, request: web.BaseRequest) -> None:
        # The SDK sends the key as a bearer token since its second version.
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key", bearer)
        if not key or self._settings.key not in (None, key):
            raise Refused(401, INVALID_KEY)

    def _model(self, model: str) -> web.Response:
        """Describe a model; one that was retired stays in the catalogue."""
        if not model.startswith("claude-"):
            raise Refused(404, f"model: {model}")
        return web.json_response(
            {
                "id": model,
                "type": "model",
                "display_name": model,
                "created_at": "2025-10-01T00:00:00Z",
                "lifecycle": "retired" if model in self._settings.retired else "active",
            }
        )

    async def _message(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST" or request.path != "/v1/messages":
            raise Refused(404, "Not found")
        body = _checked(request, await request.read())
        tool, purpose = _forced_tool(body)
        rule = self._rules.find(
            lambda rule: rule.purpose in ("", purpose) and rule.text in _said(body)
        )
        if body["model"] in self._settings.retired:
            raise Refused(404, f"model: {body['model']}")
        if rule is not None:
            await _play(rule, body)
        return self._reply(body, tool, purpose, rule)

    def _reply(
        self,
        body: dict[str, Any],
        tool: dict[str, Any] | None,
        purpose: str,
        rule: ClaudeRule | None,
    ) -> web.Response:
        behaviour = "ok" if rule is None else rule.behaviour
        if behaviour == "not_json":
            return web.Response(text="<html>gateway</html>", content_type="text/html")
        stopped = "tool_use"
        if tool is None or behaviour == "prose":
            content: dict[str, Any] = {"type": "text", "text": PROSE}
            stopped = "end_turn"
        else:
            given = _input(tool, body, obeys=behaviour == "obey_injection")
            spoiled = {"garbage": {"\u2588": "\u2588\u2588"}, "wrong_shape": [given]}
            content = {
                "type": "tool_use",
                "id": f"toolu_{self._requests}",
                "name": tool["name"],
                "input": spoiled.get(behaviour, given),
            }
        stopped = {"cut_off": "max_tokens", "refusal": "refusal"}.get(behaviour, stopped)
        asked = len(json.dumps(body)) // CHARS_PER_TOKEN
        answered = len(json.dumps(content)) // CHARS_PER_TOKEN
        self.world.record(
            CLAUDE,
            "claude",
            body["model"],
            purpose,
            self._requests,
            input_tokens=asked,
            output_tokens=answered,
        )
        return web.json_response(
            {
                "id": f"msg_{self._requests}",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [content],
                "stop_reason": stopped,
                "stop_sequence": None,
                "usage": {"input_tokens": asked, "output_tokens": answered},
            }
        )


def _checked(request: web.BaseRequest, raw: bytes) -> dict[str, Any]:
    if "anthropic-version" not in request.headers:
        raise Refused(400, "anthropic-version: header is required")
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refused(400, "The request body is not valid JSON") from None
    for name, kind in (("model", str), ("max_tokens", int), ("messages", list)):
        if not isinstance(body, dict) or not isinstance(body.get(name), kind):
            raise Refused(400, f"{name}: Field required")
    return dict(body)


def _forced_tool(body: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    wanted = (body.get("tool_choice") or {}).get("name")
    tool = next((tool for tool in body.get("tools", ()) if tool.get("name") == wanted), None)
    if tool is None:
        return None, ""
    if tool.get("input_schema", {}).get("type") != "object":
        raise Refused(400, "tools.0.custom.input_schema.type: Input should be 'object'")
    purpose = _PURPOSE.search(tool.get("description", ""))
    return tool, "" if purpose is None else purpose[1]


def _input(tool: dict[str, Any], body: dict[str, Any], *, obeys: bool) -> Any:
    found = _DATA.search(_said(body))
    try:
        data = json.loads(found[1]) if found else {}
    except ValueError:
        data = {}
    return Writer(tool["input_schema"], data, obeys=obeys).write()


def _said(body: dict[str, Any]) -> str:
    """Give all text of the messages."""
    texts = []
    for message in body["messages"]:
        content = message.get("content", "")
        blocks = content if isinstance(content, list) else [{"text": content}]
        texts += [str(block.get("text", "")) for block in blocks]
    return "\n".join(texts)


async def _play(rule: ClaudeRule, body: dict[str, Any]) -> None:
    match rule.behaviour:
        case "too_many_requests":
            seconds = {"retry-after": str(rule.retry_after_seconds)}
            raise Refused(429, "This request would exceed your rate limit", **seconds)
        case "overloaded":
            raise Refused(529, "Overloaded")
        case "server_error":
            raise Refused(500, "Internal server error")
        case "unauthorized":
            raise Refused(401, INVALID_KEY)
        case "bad_request":
            # The real one quotes, too.
            raise Refused(400, f"messages: cannot be used: {_said(body)}")
        case "drop":
            raise Dropped
        case "hang":
            await asyncio.sleep(rule.seconds)
            raise Dropped
