"""The load tool: wrk with a script that gives every request an update id of its own."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from service.local.packages import ensure_installed

_SCRIPT = """
local id = {first}
local chats = {chats}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Telegram-Bot-Api-Secret-Token"] = "{secret}"
local body = '{{"update_id":%d,"message":{{"message_id":%d,"from":{{"id":%d,"is_bot":false,' ..
  '"first_name":"Ann","username":"ann","language_code":"en"}},"chat":{{"id":%d,' ..
  '"first_name":"Ann","username":"ann","type":"private"}},"date":1795400000,' ..
  '"text":"/start","entities":[{{"offset":0,"length":6,"type":"bot_command"}}]}}}}'
request = function()
  id = id + 1
  local chat = 600000000 + id % chats
  return wrk.format(nil, "/telegram/webhook", nil, string.format(body, id, id, chat, chat))
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %.3f %.3f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class LoadResult:
    """What the load tool saw."""

    requests: int
    errors: int
    per_second: float
    p50_ms: float
    p99_ms: float


def wrk(
    url: str, folder: Path, *, connections: int, seconds: int, first_id: int, secret: str,
    core: int | None,
) -> LoadResult:  # fmt: skip
    """Post updates as fast as they are answered, from one core."""
    if shutil.which("wrk") is None:
        ensure_installed("wrk")
    script = folder / f"load-{first_id}.lua"
    script.write_text(_SCRIPT.format(first=first_id, chats=1000, secret=secret))
    limits = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s"]
    command = ["wrk", *limits, "-s", str(script), url]
    pinned = ["taskset", "-c", str(core), *command] if core is not None else command
    done = subprocess.run(pinned, capture_output=True, text=True, timeout=seconds + 60, check=True)
    match = re.search(r"RESULT (\d+) (\d+) (\d+) (\S+) (\S+)", done.stdout)
    assert match, done.stdout
    requests, duration_us, errors = (int(match[i]) for i in (1, 2, 3))
    return LoadResult(
        requests, errors, requests / (duration_us / 1e6), float(match[4]), float(match[5])
    )
