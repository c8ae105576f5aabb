-- wrk -s predict.lua URL -- FILE [RATE]: posts the lines of a file in turn; with a rate, at so many
-- a second in each thread as long as connections are idle. The latencies are not from planned times.
-- A URL that ends in /infer is sent the candidates as a binary tensor, and asked for one.

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

local function prediction(line)
  return wrk.format("POST", nil, {["content-type"] = "application/json"}, line)
end

local function inference(line)
  local ids = {}
  for id in line:match('"candidates": %[(.-)%]'):gmatch('"([^"]*)"') do
    ids[#ids + 1] = ffi.string(ffi.new("uint32_t[1]", #id), 4) .. id
  end
  local tensor = table.concat(ids)
  local envelope = string.format('{"inputs":[{"name":"ids","datatype":"BYTES","shape":[%d],' ..
    '"parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}', #ids, #tensor)
  local headers = {["content-type"] = "application/octet-stream", ["inference-header-content-length"] = #envelope}
  return wrk.format("POST", nil, headers, envelope .. tensor)
end

function init(args)
  local made = wrk.path:match("/infer$") and inference or prediction
  for line in io.lines(args[1]) do
    requests[#requests + 1] = made(line)
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
