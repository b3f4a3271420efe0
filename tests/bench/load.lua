-- wrk's script: sends the requests of a file in turn, and prints what became of them as JSON.

local requests = {}
local last = 0

-- The file has each request behind its length, which is decimal and ends its line.
function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local length = file:read("*n")
   while length do
      file:read(1)
      requests[#requests + 1] = file:read(length)
      length = file:read("*n")
   end
   file:close()
end

function request()
   last = last % #requests + 1
   return requests[last]
end

-- There is no response(): wrk would copy each body for it. It counts statuses above 399 itself.

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
      '"refused": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3,
      errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
