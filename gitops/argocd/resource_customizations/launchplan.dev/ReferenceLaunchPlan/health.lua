local function condition(kind)
  if obj.status == nil or obj.status.conditions == nil then
    return nil
  end
  for _, each in ipairs(obj.status.conditions) do
    if each.type == kind then
      return each
    end
  end
  return nil
end

local function holds(found)
  return found ~= nil and found.status == "True"
end

local ready = condition("Ready")
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "Waiting for the operator to look at this spec"}
end
local said = ready.message == "" and ready.reason or ready.reason .. ": " .. ready.message
if holds(condition("Stalled")) then
  return {status = "Degraded", message = said}
end
if holds(ready) then
  return {status = "Healthy", message = said}
end
return {status = "Progressing", message = said}
