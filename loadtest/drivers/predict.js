// k6 run -e URL=... -e BODIES=FILE -e SECONDS=10 -e CONNECTIONS=64 [-e RATE=500] predict.js
// posts the lines of a file in turn and prints counts and milliseconds by status as JSON.

import exec from "k6/execution";
import http from "k6/http";

// A SharedArray would parse an element at each use, which costs more than the request.
const bodies = open(__ENV.BODIES).trim().split("\n");
const headers = { "content-type": "application/json" };
const connections = Number(__ENV.CONNECTIONS);
const duration = `${__ENV.SECONDS}s`;
const openLoop = {
  executor: "constant-arrival-rate",
  rate: Math.round(Number(__ENV.RATE) * 1000),
  timeUnit: "1000s",
  preAllocatedVUs: connections,
};
const closedLoop = { executor: "constant-vus", vus: connections };

// A threshold that always holds makes k6 tell a status apart; 0 is a request without an answer.
const statuses = [0, 200, 400, 404, 413, 415, 422, 429, 500, 502, 503, 504];
const told = statuses.map((status) => [`http_req_duration{status:${status}}`, ["max>=0"]]);

export const options = {
  scenarios: { predict: { ...(__ENV.RATE ? openLoop : closedLoop), duration, gracefulStop: "10s" } },
  thresholds: Object.fromEntries(told),
  summaryTrendStats: ["count", "med", "p(90)", "p(95)", "p(99)", "p(99.9)", "max"],
  discardResponseBodies: true,
  noUsageReport: true,
  systemTags: ["status"],
};

export default function () {
  const body = bodies[exec.scenario.iterationInTest % bodies.length];
  http.post(__ENV.URL, body, { headers, timeout: "10s" });
}

export function handleSummary(data) {
  const found = { dropped: 0, all: data.metrics.http_req_duration.values.count, statuses: {} };
  if (data.metrics.dropped_iterations) {
    found.dropped = data.metrics.dropped_iterations.values.count;
  }
  for (const status of statuses) {
    const metric = data.metrics[`http_req_duration{status:${status}}`];
    if (metric && metric.values.count) {
      found.statuses[status] = metric.values;
    }
  }
  return { stdout: JSON.stringify(found) };
}
