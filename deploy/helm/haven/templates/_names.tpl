{{/* haven.fullname: the name of all objects. */}}
{{- define "haven.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* haven.selector: the labels that tell this release's objects from all others. They never change. */}}
{{- define "haven.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* haven.labels: of all objects. */}}
{{- define "haven.labels" -}}
{{ include "haven.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* haven.podSelector: the labels of the pods that serve. The admission webhook's have another component. */}}
{{- define "haven.podSelector" -}}
{{ include "haven.selector" . }}
app.kubernetes.io/component: registry
{{- end -}}

{{- define "haven.serviceAccountName" -}}
{{- if .Values.haven.serviceAccount.create -}}
{{- default (include "haven.fullname" .) .Values.core.serviceAccountName -}}
{{- else -}}
{{- default "default" .Values.core.serviceAccountName -}}
{{- end -}}
{{- end -}}

{{/* haven.foreignImage: whether core.image is one of Harbor's, as in a values file that was written for Harbor. */}}
{{- define "haven.foreignImage" -}}
{{- if regexMatch "(^|/)goharbor/" .Values.core.image.repository }}true{{ end -}}
{{- end -}}

{{- define "haven.image" -}}
{{- $repository := .Values.core.image.repository -}}
{{- $tag := default .Chart.AppVersion .Values.core.image.tag -}}
{{- if include "haven.foreignImage" . -}}
{{- $repository = "ghcr.io/havenregistry/haven" -}}
{{- $tag = .Chart.AppVersion -}}
{{- end -}}
{{- if .Values.haven.image.digest -}}
{{- printf "%s@%s" $repository .Values.haven.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository $tag -}}
{{- end -}}
{{- end -}}

{{/* haven.ipFamily: address families of a Service; empty when nothing is set. */}}
{{- define "haven.ipFamily" -}}
{{- $families := dict -}}
{{- with .Values.ipFamily.policy -}}{{- $_ := set $families "ipFamilyPolicy" . -}}{{- end -}}
{{- with .Values.ipFamily.families -}}{{- $_ := set $families "ipFamilies" . -}}{{- end -}}
{{- if $families -}}{{- toYaml $families -}}{{- end -}}
{{- end -}}
