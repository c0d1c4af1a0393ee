{{/*
haven.shape decides what this installation is, once for all templates. It is YAML:
  stores:  volume | shared | bucket   where blobs lie: a volume of one pod, one of all pods, an object store
  local:   whether something lies on a volume of one pod, so that there can be one pod only
  tls:     whether Haven itself speaks HTTPS
  claim:   which of persistence.persistentVolumeClaim is the volume's; "" for none
  made:    whether the chart makes that claim
  secretKey: volume | shared | chart | existing   where the key comes from that seals stored secrets
  certificate: where the certificate comes from: "" | secret | issuer | made
*/}}
{{- define "haven.shape" -}}
{{- $p := .Values.persistence -}}
{{- $filesystem := eq $p.imageChartStorage.type "filesystem" -}}
{{- $sqlite := eq .Values.database.type "internal" -}}
{{- $shared := and $filesystem (not $sqlite) $p.enabled (eq $p.persistentVolumeClaim.registry.accessMode "ReadWriteMany") -}}
{{- $local := or $sqlite (and $filesystem (not $shared)) -}}
{{- $claim := "" -}}
{{- if and $p.enabled (or $local $shared) -}}{{- $claim = ternary "registry" "database" $filesystem -}}{{- end -}}
stores: {{ if $shared }}shared{{ else if $filesystem }}volume{{ else }}bucket{{ end }}
local: {{ $local }}
tls: {{ and .Values.expose.tls.enabled (not (has .Values.expose.type (list "ingress" "route"))) }}
claim: {{ $claim | quote }}
made: {{ and (ne $claim "") (empty (get (get $p.persistentVolumeClaim (default "registry" $claim)) "existingClaim")) }}
{{- if .Values.existingSecretSecretKey }}
secretKey: existing
{{- else if include "haven.secretKey" . }}
secretKey: chart
{{- else if $local }}
secretKey: volume
{{- else }}
secretKey: {{ ternary "shared" "none" $shared }}
{{- end }}
certificate: {{ include "haven.certificateSource" . | quote }}
{{- end -}}

{{- define "haven.certificateSource" -}}
{{- $tls := .Values.expose.tls -}}
{{- if and $tls.enabled (ne .Values.expose.type "route") -}}
{{- if eq $tls.certSource "secret" -}}secret
{{- else if eq $tls.certSource "auto" -}}
{{- if .Values.haven.certificate.issuer.name -}}issuer
{{- else if $tls.auto.commonName -}}made
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "haven.certificateSecret" -}}
{{- if eq .Values.expose.tls.certSource "secret" -}}
{{- .Values.expose.tls.secret.secretName -}}
{{- else -}}
{{- include "haven.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* haven.secretKey is the key in the program's form: as it is given, or made of another text. "" when there is none. */}}
{{- define "haven.secretKey" -}}
{{- $key := default "" .Values.secretKey -}}
{{- if or (not $key) (eq $key "not-a-secure-key") -}}
{{- else if regexMatch "^[A-Za-z0-9+/]{43}=(\\s+[A-Za-z0-9+/]{43}=)*\\s*$" $key -}}
{{- $key -}}
{{- else -}}
{{- printf "haven secret key\n%s" $key | sha256sum | trunc 32 | b64enc -}}
{{- end -}}
{{- end -}}

{{/* haven.externalHost: the host name that clients use, without a port; "" when nobody says it. */}}
{{- define "haven.externalHost" -}}
{{- if .Values.externalURL -}}
{{- (urlParse .Values.externalURL).host | splitList ":" | first -}}
{{- else if eq .Values.expose.type "ingress" -}}
{{- .Values.expose.ingress.hosts.core -}}
{{- end -}}
{{- end -}}

{{/* haven.check refuses what can't work, with words that say what to set. */}}
{{- define "haven.check" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
{{- $many := or (gt (int $v.core.replicas) 1) $v.haven.autoscaling.enabled -}}
{{- $wish := ternary "haven.autoscaling.enabled is true" (printf "core.replicas is %d" (int $v.core.replicas)) $v.haven.autoscaling.enabled -}}
{{- if and $many (eq $v.database.type "internal") -}}
{{- fail (printf "%s, but database.type is internal, which is SQLite on the volume of one pod: set database.type=external and database.external.* to a PostgreSQL, or core.replicas=1 and haven.autoscaling.enabled=false" $wish) -}}
{{- else if and $many $shape.local -}}
{{- fail (printf "%s, but blobs lie on the volume of one pod: set persistence.imageChartStorage.type to s3, gcs or azure, or persistence.persistentVolumeClaim.registry.accessMode=ReadWriteMany with a storage class that has it, or core.replicas=1" $wish) -}}
{{- end -}}
{{- if has $v.persistence.imageChartStorage.type (list "swift" "oss") -}}
{{- fail (printf "persistence.imageChartStorage.type is %s, which Haven doesn't speak: set it to s3, gcs, azure or filesystem (many stores speak S3, by persistence.imageChartStorage.s3.regionendpoint)" $v.persistence.imageChartStorage.type) -}}
{{- end -}}
{{- if eq $shape.secretKey "none" -}}
{{- fail "there is no volume to keep a key on, which seals stored secrets: set secretKey to the output of `openssl rand -base64 32`, and keep it, or existingSecretSecretKey to a Secret that has it under the key secretKey" -}}
{{- end -}}
{{- if and $v.expose.tls.enabled (eq $v.expose.tls.certSource "secret") (not $v.expose.tls.secret.secretName) (ne $v.expose.type "route") -}}
{{- fail "expose.tls.certSource is secret: set expose.tls.secret.secretName to a Secret with tls.crt and tls.key" -}}
{{- end -}}
{{- if and $shape.tls (not $shape.certificate) -}}
{{- fail (printf "expose.type is %s and expose.tls.enabled is true, so Haven needs a certificate: set expose.tls.certSource=secret and expose.tls.secret.secretName, or haven.certificate.issuer.name for one of cert-manager's, or expose.tls.auto.commonName for one that is made now and trusted by nobody, or expose.tls.enabled=false" $v.expose.type) -}}
{{- end -}}
{{- if and (eq $v.expose.type "route") (not $v.expose.route.parentRefs) -}}
{{- fail "expose.type is route: set expose.route.parentRefs to the Gateway that takes it, such as [{name: public, namespace: gateways}]" -}}
{{- end -}}
{{- if and $v.externalURL (not (regexMatch "^https?://[^/?#@]+/?$" $v.externalURL)) -}}
{{- fail (printf "externalURL is %q: expected http://HOST or https://HOST, without a path" $v.externalURL) -}}
{{- end -}}
{{- if and $v.haven.admission.enabled (not $v.externalURL) (not (dig "haven" "url" "" $v.haven.admission.policy)) -}}
{{- fail "haven.admission.enabled is true: set externalURL, which the webhook asks, or haven.admission.policy.haven.url" -}}
{{- end -}}
{{- if and $v.haven.admission.enabled (eq $v.haven.admission.certificate.source "cert-manager") (not $v.haven.certificate.issuer.name) -}}
{{- fail "haven.admission.certificate.source is cert-manager: set haven.certificate.issuer.name" -}}
{{- end -}}
{{- if and $v.haven.admission.enabled (eq $v.haven.admission.certificate.source "secret") (not (and $v.haven.admission.certificate.secretName $v.haven.admission.certificate.caBundle)) -}}
{{- fail "haven.admission.certificate.source is secret: set haven.admission.certificate.secretName and haven.admission.certificate.caBundle" -}}
{{- end -}}
{{- end -}}
