-- Makes a run of the plan. Its name ends in the seconds since 1970: ten digits, which no slot's name does.
local os = require("os")

local run = {
  apiVersion = obj.apiVersion,
  kind = "LaunchPlanExecution",
  metadata = {
    name = obj.metadata.name .. "-" .. tostring(os.time()),
    namespace = obj.metadata.namespace
  },
  spec = {launchPlanRef = {name = obj.metadata.name}}
}
return {{operation = "create", resource = run}}
