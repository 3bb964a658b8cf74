{{- define "operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ printf "%s@%s" .repository .digest }}
{{- else -}}{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "operator.progressSecret" -}}
{{- default (printf "%s-progress-tls" (include "operator.fullname" .)) .Values.progress.existingSecret -}}
{{- end -}}

{{- define "operator.progressAddress" -}}
{{- default (printf "https://%s.%s.svc:8443" (include "operator.fullname" .) .Release.Namespace) .Values.progress.address -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: batchprocess-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: batchprocess
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the operator does with jobs, their children and pods; of one namespace or of all. */}}
{{- define "operator.rules" -}}
- apiGroups: [batchprocess.dev]
  resources: [batchprocessjobs]
  verbs: [get, list, watch]
- apiGroups: [batchprocess.dev]
  resources: [batchprocessjobs/status]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  # patch: an annotation that shortens the wait after a failure that was nobody's fault
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [pods/status]
  # patch: a pod on a lost node is declared failed
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  # list: why does this pod not start?
  verbs: [create, list]
{{- end -}}

{{/* Secrets of a destination's values, and the files that have them. */}}
{{- define "operator.destinationFiles" -}}
{{- dict "urlSecret" "urlFile" "signingSecret" "signingSecretFile" "caSecret" "caFile" | toJson -}}
{{- end }}

{{/* The setting `notifications`: names of files in place of Secrets. */}}
{{- define "operator.notifications" -}}
{{- $files := include "operator.destinationFiles" . | fromJson }}
{{- $made := list }}
{{- $names := list }}
{{- range $one := (.Values.notifications).destinations }}
{{- if has $one.name $names }}
{{- fail (printf "notifications.destinations: there are two of the name %s" $one.name) }}
{{- end }}
{{- $names = append $names $one.name }}
{{- $setting := dict }}
{{- range $key, $value := $one }}
{{- if hasKey $files $key }}
{{- $_ := set $setting (get $files $key) (printf "/etc/batchprocess/notifications/%s/%s" $one.name $key) }}
{{- else }}
{{- $_ := set $setting $key $value }}
{{- end }}
{{- end }}
{{- $made = append $made $setting }}
{{- end }}
{{- dict "cluster" (.Values.notifications.cluster | default "") "destinations" $made | toJson -}}
{{- end }}

{{/* Sources of the volume with the Secrets. One that is missing keeps nobody from starting. */}}
{{- define "operator.notificationSecrets" -}}
{{- $files := include "operator.destinationFiles" . | fromJson }}
{{- range $one := (.Values.notifications).destinations }}
{{- range $key, $value := $one }}
{{- if hasKey $files $key }}
- secret:
    name: {{ $value.name }}
    optional: true
    items: [{key: {{ $value.key | quote }}, path: {{ printf "%s/%s" $one.name $key | quote }}}]
{{- end }}
{{- end }}
{{- end }}
{{- end }}
