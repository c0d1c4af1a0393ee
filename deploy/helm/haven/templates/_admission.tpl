{{- define "haven.admissionSelector" -}}
{{ include "haven.selector" . }}
app.kubernetes.io/component: admission
{{- end -}}

{{/* haven.admissionPolicy: the policy of the values, with what is left out filled in. */}}
{{- define "haven.admissionPolicy" -}}
{{- $given := .Values.haven.admission.policy -}}
{{- $host := .Values.externalURL | trimSuffix "/" | trimPrefix "https://" | trimPrefix "http://" -}}
{{- $haven := dict "username_file" "/etc/haven-admission/robot/username" "password_file" "/etc/haven-admission/robot/password" -}}
{{- if .Values.externalURL -}}{{- $_ := set $haven "url" (trimSuffix "/" .Values.externalURL) -}}{{- end -}}
{{- $rest := list (dict "prefix" (printf "%s/" $host) "by" "haven") (dict "prefix" "*" "by" "allow") -}}
{{- $policy := merge (dict) (omit $given "haven" "registries") -}}
{{- $_ := set $policy "haven" (merge (dict) (default dict $given.haven) $haven) -}}
{{- $_ := set $policy "registries" (default $rest $given.registries) -}}
{{- toYaml $policy -}}
{{- end -}}
