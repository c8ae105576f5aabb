-- wrk -s predict.lua URL -- FILE [RATE]: posts the lines of a file in turn; with a rate, at so many
-- a second in each thread as long as connections are idle. The latencies are not from planned times.

local ffi = require("ffi")
ffi.cdef("struct moment { long s, ns; }; int clock_gettime(int, struct moment *);")
local moment, MONOTONIC = ffi.new("struct moment"), 1

local function now_ms()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.s) * 1e3 + tonumber(moment.ns) / 1e6
end

local function paced(period_ms)
  local due = now_ms()
  return function()
    due = due + period_ms
    return math.max(0, math.floor(due - now_ms() + 0.5))
  end
end

local requests, last = {}, 0
local threads = {}
statuses = {}
local shares = {50, 90, 95, 99, 99.9}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local headers = {["content-type"] = "application/json"}
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
  delay = args[2] and paced(1e3 / tonumber(args[2]))
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write("RESULT duration=", summary.duration, " connect=", errors.connect, " read=", errors.read, " write=", errors.write,
    " timeout=", errors.timeout)
  for _, share in ipairs(shares) do
    io.write(" p", share, "=", latency:percentile(share))
  end
  io.write(" max=", latency.max)
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      io.write(" ", status, "=", count)
    end
  end
  io.write("\n")
end
