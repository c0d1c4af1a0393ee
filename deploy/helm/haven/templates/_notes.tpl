{{/* haven.withoutEffect: a line for each value that was set and does nothing, from files/without-effect.yaml. */}}
{{- define "haven.withoutEffect" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $filesystem := ne $shape.stores "bucket" -}}
{{- $holds := dict "" true "filesystem" $filesystem "bucket" (not $filesystem) "local" $shape.local -}}
{{- $values := .Values -}}
{{- range .Files.Get "files/without-effect.yaml" | fromYamlArray -}}
{{- $because := .because -}}
{{- if get $holds (default "" .when) -}}
{{- range $name, $default := .values -}}
{{- $value := $values -}}
{{- range splitList "." $name -}}
{{- $value = ternary (get $value .) nil (and (kindIs "map" $value) (hasKey $value .)) -}}
{{- end -}}
{{- $empty := and (kindIs "map" $value) (empty $value) (empty $default) -}}
{{- if not (or (kindIs "invalid" $value) $empty (eq (toJson $value) (toJson $default))) }}
  {{ $name }}: {{ $because }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* haven.warnings: what whoever installs this should know, a line each. */}}
{{- define "haven.warnings" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- if eq .Values.harborAdminPassword "Harbor12345" }}
  harborAdminPassword is the password that Harbor publishes as its default: everybody knows it. Change it before others can reach the registry.
{{- end }}
{{- if eq .Values.secretKey "not-a-secure-key" }}
  secretKey is the key that Harbor publishes as its default. It is not used.
{{- end }}
{{- if and .Values.trace.enabled (eq .Values.trace.provider "jaeger") }}
  trace.provider is jaeger: nothing is traced. Jaeger takes OTLP too: set trace.provider to otel and trace.otel.endpoint to its port 4318.
{{- end }}
{{- if include "haven.foreignImage" . }}
  core.image.repository is an image of Harbor. {{ include "haven.image" . }} runs in its place.
{{- end }}
{{- if and $shape.local (not .Values.persistence.enabled) }}
  persistence.enabled is false: all images and settings are lost when the pod goes.
{{- end }}
{{- if and (eq .Values.database.type "external") (not .Values.database.external.existingSecret) (eq (toString .Values.database.external.password) "password") }}
  database.external.password is still the one of the examples.
{{- end }}
{{- if and .Values.haven.autoscaling.enabled (not (dig "requests" "cpu" "" .Values.core.resources)) }}
  haven.autoscaling counts in percent of what is requested: set core.resources.requests.
{{- end }}
{{- if not .Values.trivy.enabled }}
  trivy.enabled is false: no vulnerability database is fetched, so no image is judged until one is imported (haven vulndb import).
{{- end }}
{{- if eq $shape.certificate "made" }}
  The certificate in the Secret {{ include "haven.certificateSecret" . }} was made by this chart and stays as it is. Clients trust it by its ca.crt. Rendered without a
  cluster (helm template, Argo CD) it would be another each time: take expose.tls.certSource=secret or haven.certificate.issuer there.
{{- end }}
{{- if and (eq .Values.expose.type "ingress") .Values.expose.tls.enabled (not $shape.certificate) }}
  The Ingress names no certificate, so the controller uses its own. For another set expose.tls.certSource=secret and expose.tls.secret.secretName,
  or haven.certificate.issuer.name for one of cert-manager's.
{{- end }}
{{- $host := include "haven.externalHost" . }}
{{- if and (eq .Values.expose.type "ingress") (ne $host .Values.expose.ingress.hosts.core) }}
  externalURL has the host {{ $host }}, and expose.ingress.hosts.core is {{ .Values.expose.ingress.hosts.core }}: Haven answers to the former only.
{{- end }}
{{- if and .Values.haven.admission.enabled (eq .Values.haven.admission.certificate.source "self-signed") }}
  The admission webhook writes its authority into the webhook configurations. Have Argo CD ignore the difference (docs/kubernetes-install.md).
{{- end }}
{{- end -}}
