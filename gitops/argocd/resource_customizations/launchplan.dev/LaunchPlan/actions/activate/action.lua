obj.spec.autoActivate = true
obj.spec.activeVersion = nil
return obj
