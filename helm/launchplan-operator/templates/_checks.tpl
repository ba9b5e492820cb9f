{{/* What no schema can see: values that exclude each other. */}}
{{- define "launchplan.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- fail (printf "replicas: found %d, expected 1 since leaderElection.enabled is false: all would do the same work at once" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.settings.context (not (include "launchplan.hasKubeconfig" .)) -}}
{{- fail "settings.context: expected KUBECONFIG in extraEnv, too: a pod's own ServiceAccount knows no contexts" -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if hasPrefix "LAUNCHPLAN_OPERATOR_" .name -}}
{{- fail (printf "extraEnv: found %s, expected it to be set by a value of its own (settings, leaderElection, watchNamespaces)" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "launchplan.hasKubeconfig" -}}
{{- range .Values.extraEnv }}{{ if eq .name "KUBECONFIG" }}true{{ end }}{{ end -}}
{{- end -}}
