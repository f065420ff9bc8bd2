{{- define "chatgate.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "chatgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chatgate.labels" -}}
{{ include "chatgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "chatgate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "chatgate.config" -}}
{{ toYaml .Values.config }}
{{- end -}}

{{/* A changed configuration is a new ConfigMap, and rolls the Pods; a watched one keeps its name. */}}
{{- define "chatgate.configMap" -}}
{{- $name := include "chatgate.name" . -}}
{{- if .Values.watch -}}
{{ $name }}
{{- else -}}
{{ $name }}-{{ include "chatgate.config" . | sha256sum | trunc 10 }}
{{- end -}}
{{- end -}}

{{/* Seconds of a duration such as 1m30s; values.schema.json admits hours, minutes and seconds. */}}
{{- define "chatgate.seconds" -}}
{{- $seconds := 0 -}}
{{- range $unit, $factor := dict "h" 3600 "m" 60 "s" 1 -}}
{{- $part := regexFind (printf "[0-9]+%s" $unit) $ -}}
{{- if $part -}}
{{- $seconds = add $seconds (mul $factor (trimSuffix $unit $part | atoi)) -}}
{{- end -}}
{{- end -}}
{{ $seconds }}
{{- end -}}

{{/* Without a deadline of its own the gateway has its default, 20 s. */}}
{{- define "chatgate.terminationGrace" -}}
{{- $drain := .Values.config.drain | default dict -}}
{{ add 10 (include "chatgate.seconds" ($drain.deadline | default "20s")) }}
{{- end -}}
