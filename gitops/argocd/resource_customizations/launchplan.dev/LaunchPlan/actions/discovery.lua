-- A run from here passes no inputs: one that the plan leaves open and that has no default would be missing.
local lacks_input = false
if obj.status ~= nil and obj.status.interface ~= nil then
  for _, each in ipairs(obj.status.interface.parameters or {}) do
    lacks_input = lacks_input or each.required == true
  end
end

local follows = obj.spec.autoActivate == true and obj.spec.activeVersion == nil
local inactive = obj.spec.autoActivate ~= true and obj.spec.activeVersion == nil
local suspended = obj.spec.suspend == true

local actions = {}
actions["run"] = {
  ["displayName"] = "Run now", ["iconClass"] = "fa fa-fw fa-play", ["disabled"] = obj.status == nil or obj.status.interface == nil or lacks_input
}
actions["activate"] = {
  ["displayName"] = "Activate the newest version", ["iconClass"] = "fa fa-fw fa-toggle-on", ["disabled"] = follows
}
actions["deactivate"] = {
  ["displayName"] = "Deactivate", ["iconClass"] = "fa fa-fw fa-toggle-off", ["disabled"] = inactive
}
actions["suspend"] = {
  ["displayName"] = "Suspend the schedule", ["iconClass"] = "fa fa-fw fa-pause", ["disabled"] = suspended
}
actions["resume"] = {
  ["displayName"] = "Resume the schedule", ["iconClass"] = "fa fa-fw fa-step-forward", ["disabled"] = not suspended
}
return actions
