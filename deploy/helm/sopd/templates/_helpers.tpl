{{- define "sopd.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "sopd.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sopd.labels" -}}
{{ include "sopd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "sopd.meta" -}}
name: {{ include "sopd.name" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "sopd.labels" . | nindent 2 }}
{{- end }}

{{- /* The embedded database is used when no database is named. */ -}}
{{- define "sopd.embedded" -}}
{{- if not (hasKey .Values.secret.keys "SOPD_DATABASE_URL") }}yes{{ end }}
{{- end }}

{{- define "sopd.policies" -}}
{{- .Values.policies.configMap | default (printf "%s-policies" (include "sopd.name" .)) }}
{{- end }}

{{- define "sopd.scheme" -}}
{{- if .Values.web.tls }}HTTPS{{ else }}HTTP{{ end }}
{{- end }}

{{- /* What cannot work is refused before it is installed. */ -}}
{{- define "sopd.check" -}}
{{- if and (include "sopd.embedded" .) (gt (int .Values.replicas) 1) }}
{{- fail "replicas: more than one needs PostgreSQL; name its URL in secret.keys.SOPD_DATABASE_URL, or set replicas to 1" }}
{{- end }}
{{- if and (not .Values.policies.configMap) (not .Values.policies.files) }}
{{- fail "policies: name a ConfigMap in policies.configMap, or put the files into policies.files" }}
{{- end }}
{{- if not (or (hasKey .Values.secret.keys "SOPD_OKTA_TOKEN") (and .Values.okta.clientID (hasKey .Values.secret.keys "SOPD_OKTA_PRIVATE_KEY"))) }}
{{- fail "okta: set okta.clientID with secret.keys.SOPD_OKTA_PRIVATE_KEY for a service app, or secret.keys.SOPD_OKTA_TOKEN" }}
{{- end }}
{{- if and .Values.web.tls (not .Values.web.secret) }}
{{- fail "web.tls: needs web.secret, which holds web.yml and the certificate" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "ingress.host: name the host that the vendors send webhooks to" }}
{{- end }}
{{- end }}
