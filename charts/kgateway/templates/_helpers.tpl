{{- define "kgateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kgateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "kgateway.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "kgateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kgateway.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kgateway.selectorLabels" -}}
kgateway: kgateway
app.kubernetes.io/name: {{ include "kgateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kgateway.labels" -}}
{{ include "kgateway.selectorLabels" . }}
app.kubernetes.io/component: controller
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* registry/repository:tag of the controller */}}
{{- define "kgateway.image" -}}
{{- $image := .Values.controller.image -}}
{{- $registry := default .Values.image.registry $image.registry -}}
{{- $tag := default (default .Chart.AppVersion .Values.image.tag) $image.tag -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $image.repository }}:{{ $tag -}}
{{- end -}}

{{/* A value below `controller`, else the deprecated one of the same name: (list $ "resources") */}}
{{- define "kgateway.twin" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $value := index $root.Values.controller $name -}}
{{- if kindIs "invalid" $value -}}{{- $value = index $root.Values $name -}}{{- end -}}
{{- if $value }}{{ toYaml $value }}{{ end -}}
{{- end -}}

{{/* A probe of the user over GET /readyz: (dict "standard" {...} "own" {...}) */}}
{{- define "kgateway.probe" -}}
{{- $probe := deepCopy .standard -}}
{{- range $handler := list "exec" "grpc" "tcpSocket" -}}
{{- if hasKey $.own $handler -}}{{- $_ := unset $probe "httpGet" -}}{{- end -}}
{{- end -}}
{{- toYaml (mergeOverwrite $probe (deepCopy .own)) -}}
{{- end -}}
