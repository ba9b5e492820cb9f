obj.spec.terminate = {cause = "terminated from Argo CD"}
return obj
