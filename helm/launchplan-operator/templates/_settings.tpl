{{/* Every setting of the operator, as its environment. */}}
{{- define "launchplan.settings" -}}
- {name: LAUNCHPLAN_OPERATOR_NAMESPACES, value: {{ join "," .Values.watchNamespaces | quote }}}
- {name: LAUNCHPLAN_OPERATOR_WORKERS, value: {{ .Values.settings.workers | quote }}}
- {name: LAUNCHPLAN_OPERATOR_CONNECTIONS, value: {{ .Values.settings.connections | quote }}}
- {name: LAUNCHPLAN_OPERATOR_REQUEST_TIMEOUT, value: {{ .Values.settings.requestTimeout | quote }}}
- {name: LAUNCHPLAN_OPERATOR_HEALTH_PORT, value: {{ .Values.settings.healthPort | quote }}}
- {name: LAUNCHPLAN_OPERATOR_LOG_LEVEL, value: {{ .Values.settings.logLevel | quote }}}
- {name: LAUNCHPLAN_OPERATOR_CONTEXT, value: {{ .Values.settings.context | quote }}}
- {name: LAUNCHPLAN_OPERATOR_LEADER_ELECTION, value: {{ .Values.leaderElection.enabled | quote }}}
- {name: LAUNCHPLAN_OPERATOR_LEASE_NAME, value: {{ include "launchplan.lease" . | quote }}}
- {name: LAUNCHPLAN_OPERATOR_LEASE_NAMESPACE, value: {{ .Release.Namespace | quote }}}
- {name: LAUNCHPLAN_OPERATOR_DEFAULTS, value: {{ .Values.settings.defaults | toJson | quote }}}
{{- end -}}
