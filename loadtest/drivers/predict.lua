-- wrk -s predict.lua URL -- FILE: posts the lines of a file in turn.

local requests, last = {}, 0
local shares = {50, 90, 95, 99, 99.9}

function init(args)
  local headers = {["content-type"] = "application/json"}
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write("RESULT requests=", summary.requests, " duration=", summary.duration, " status=",
    errors.status, " connect=", errors.connect, " read=", errors.read, " write=", errors.write,
    " timeout=", errors.timeout)
  for _, share in ipairs(shares) do
    io.write(" p", share, "=", latency:percentile(share))
  end
  io.write(" max=", latency.max, "\n")
end
