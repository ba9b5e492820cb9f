local ended = {Succeeded = true, Skipped = true, Failed = true, TimedOut = true, Aborted = true, Rejected = true}
local over = obj.status ~= nil and obj.status.phase ~= nil and ended[obj.status.phase] == true

local actions = {}
actions["terminate"] = {
  ["displayName"] = "Terminate", ["iconClass"] = "fa fa-fw fa-stop", ["disabled"] = over or obj.spec.terminate ~= nil
}
return actions
