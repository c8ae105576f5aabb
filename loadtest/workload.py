"""Seeded bodies of predict requests."""

import json
from pathlib import Path

import numpy as np

__all__ = ["predict_bodies", "wrk_script"]


def predict_bodies(ids: list[str], candidates: int, bodies: int, seed: int) -> list[str]:
    """Return JSON bodies, each with `candidates` distinct ids drawn uniformly."""
    rng = np.random.default_rng(seed)
    return [
        json.dumps(
            {"candidates": [ids[i] for i in rng.choice(len(ids), candidates, replace=False)]}
        )
        for _ in range(bodies)
    ]


def wrk_script(bodies: list[str], path: Path) -> None:
    """Write a wrk script that posts the bodies in turn and prints what was not a 200."""
    quoted = ",\n".join(f"[==[{body}]==]" for body in bodies)
    path.write_text(
        f"""local bodies = {{{quoted}}}
local headers = {{["content-type"] = "application/json"}}
local next = 0
request = function()
  next = next % #bodies + 1
  return wrk.format("POST", nil, headers, bodies[next])
end
done = function(summary, latency, _)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %.1f %.1f\\n", summary.requests, summary.duration,
    e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50),
    latency:percentile(99)))
end
"""
    )
