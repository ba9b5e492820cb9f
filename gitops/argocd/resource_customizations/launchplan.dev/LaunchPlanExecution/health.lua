-- A run that was skipped is Healthy: a limit, a pause or a newer run let it be, and nothing has failed.
local healthy = {Succeeded = true, Skipped = true}
local degraded = {Failed = true, TimedOut = true, Aborted = true, Rejected = true}

local function said()
  for _, each in ipairs(obj.status.conditions or {}) do
    if each.type == "Ready" then
      return each.message == "" and each.reason or each.reason .. ": " .. each.message
    end
  end
  return obj.status.phase
end

if obj.status == nil or obj.status.phase == nil then
  return {status = "Progressing", message = "Waiting for the operator to accept this run"}
end
if healthy[obj.status.phase] then
  return {status = "Healthy", message = said()}
end
if degraded[obj.status.phase] then
  return {status = "Degraded", message = said()}
end
return {status = "Progressing", message = said()}
