-- Health of a BankModel for Argo CD. How to install it: docs/gitops.md. Argo CD runs it with the live object as `obj`.
--   Degraded     stuck until somebody acts (RolledBack and every other reason of Stalled), or nobody answers callers any more
--   Suspended    held by somebody: spec.suspend, or a paused rollout
--   Healthy      serves what the spec asks for
--   Progressing  all else: what is not known to be well is not called well

local function conditions(status)
  local found = {}
  for _, condition in ipairs(status.conditions or {}) do
    found[condition.type] = condition
  end
  return found
end

local function is(condition, status)
  return condition ~= nil and condition.status == status
end

local function health(status, condition)
  return {status = status, message = condition.reason .. ": " .. condition.message}
end

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "It is being deleted."}
end

local status = obj.status or {}
if (status.observedGeneration or -1) < (obj.metadata.generation or 0) then
  return {status = "Progressing", message = "The operator has not looked at this spec yet."}
end

local found = conditions(status)
local ready = found.Ready
if ready == nil then
  return {status = "Progressing", message = "Nothing is known of it yet."}
end
if is(found.Stalled, "True") then
  return health("Degraded", found.Stalled)
end
if status.stable ~= nil and is(found.Available, "False") then
  return health("Degraded", found.Available)
end
if ready.reason == "Paused" or ready.reason == "Suspended" then
  return health("Suspended", ready)
end
if is(ready, "True") then
  return health("Healthy", ready)
end
return health("Progressing", ready)
