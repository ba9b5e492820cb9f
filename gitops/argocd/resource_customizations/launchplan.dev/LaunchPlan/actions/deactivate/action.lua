obj.spec.autoActivate = false
obj.spec.activeVersion = nil
return obj
