{{/* haven.escape writes a text as a part of a URL. */}}
{{- define "haven.escape" -}}
{{- . | toString | urlquery | replace "+" "%20" -}}
{{- end -}}

{{/* haven.query is the query of a URL of those parameters that have a value, in order of their names. */}}
{{- define "haven.query" -}}
{{- $parts := list -}}
{{- range $name, $value := . -}}
{{- if and (ne ($value | toString) "") (not (kindIs "invalid" $value)) -}}
{{- $text := ternary ($value | int64 | toString) ($value | toString) (kindIs "float64" $value) -}}
{{- $parts = append $parts (printf "%s=%s" $name (include "haven.escape" $text)) -}}
{{- end -}}
{{- end -}}
{{- with $parts }}?{{ join "&" . }}{{ end -}}
{{- end -}}

{{/* haven.databaseURL has no password: PostgreSQL's client takes it from PGPASSWORD. */}}
{{- define "haven.databaseURL" -}}
{{- $e := .Values.database.external -}}
{{- if eq .Values.database.type "external" -}}
{{- $host := ternary (printf "[%s]" $e.host) $e.host (and (contains ":" $e.host) (not (hasPrefix "[" $e.host))) -}}
postgres://{{ include "haven.escape" $e.username }}@{{ $host }}:{{ $e.port }}/{{ include "haven.escape" $e.coreDatabase }}?sslmode={{ $e.sslmode }}
{{- else -}}
sqlite:/data/haven.db
{{- end -}}
{{- end -}}

{{/*
haven.redisURL is called with the whole context and, as password, what stands for it in the URL. With sentinels the login before the host would
be theirs; that of Redis is in parameters then.
*/}}
{{- define "haven.redisURL" -}}
{{- $e := .context.Values.redis.external -}}
{{- $hosts := $e.addr | nospace | splitList "," -}}
{{ ternary "rediss" "redis" $e.tlsOptions.enable }}://
{{- if $e.sentinelMasterSet -}}
{{ first $hosts }}/{{ $e.coreDatabaseIndex }}?master_name={{ include "haven.escape" $e.sentinelMasterSet }}
{{- range rest $hosts }}&addr={{ include "haven.escape" . }}{{ end }}
{{- with $e.username }}&username={{ include "haven.escape" . }}{{ end }}
{{- with .password }}&password={{ . }}{{ end }}
{{- else -}}
{{- if or $e.username .password }}{{ include "haven.escape" $e.username }}:{{ .password }}@{{ end -}}
{{ first $hosts }}/{{ $e.coreDatabaseIndex }}
{{- end -}}
{{- end -}}

{{/* haven.storageURL has no secrets: keys come by the environment or as a file. */}}
{{- define "haven.storageURL" -}}
{{- $s := .Values.persistence.imageChartStorage -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $ca := ternary "/etc/haven/storage-ca/ca.crt" "" (not (empty $s.caBundleSecretName)) -}}
{{- $redirect := ternary "" "true" $s.disableredirect -}}
{{- if eq $s.type "s3" -}}
{{- $sse := ternary (ternary "aws:kms" "AES256" (not (empty $s.s3.keyid))) "" $s.s3.encrypt -}}
s3://{{ $s.s3.bucket }}{{ include "haven.prefix" $s.s3.rootdirectory }}
{{- include "haven.query" (dict "region" $s.s3.region "endpoint" $s.s3.regionendpoint "insecure" (ternary "" "true" $s.s3.secure)
  "sse" $sse "sse_kms_key_id" (ternary $s.s3.keyid "" $s.s3.encrypt) "part_size" $s.s3.chunksize "ca_file" $ca "redirect" $redirect) -}}
{{- else if eq $s.type "gcs" -}}
{{- $file := ternary "/etc/haven/gcs/GCS_KEY_DATA" "" (eq (include "haven.gcsKey" .) "true") -}}
gs://{{ $s.gcs.bucket }}{{ include "haven.prefix" $s.gcs.rootdirectory }}
{{- include "haven.query" (dict "credentials_file" $file "part_size" $s.gcs.chunksize "ca_file" $ca "redirect" (ternary $redirect "" (not (empty $file)))) -}}
{{- else if eq $s.type "azure" -}}
{{- $endpoint := "" -}}
{{- if $s.azure.realm -}}{{- $endpoint = printf "https://%s.blob.%s" $s.azure.accountname $s.azure.realm -}}{{- end -}}
azblob://{{ $s.azure.container }}
{{- include "haven.query" (dict "account" $s.azure.accountname "endpoint" $endpoint "ca_file" $ca "redirect" (ternary $redirect "" (or (not (empty $s.azure.existingSecret)) (eq (include "haven.azureKey" .) "true")))) -}}
{{- else if eq $shape.stores "shared" -}}
file:/shared/storage
{{- else -}}
file:/data/storage
{{- end -}}
{{- end -}}

{{- define "haven.prefix" -}}
{{- with . | default "" | trimAll "/" }}/{{ . }}{{ end -}}
{{- end -}}

{{/* haven.gcsKey: whether a service account's key is given. */}}
{{- define "haven.gcsKey" -}}
{{- $g := .Values.persistence.imageChartStorage.gcs -}}
{{- and (not $g.useWorkloadIdentity) (or (not (empty $g.existingSecret)) (not (has $g.encodedkey (list "" "base64-encoded-json-key-file")))) -}}
{{- end -}}

{{/* haven.azureKey: whether the account's key is given in the values. */}}
{{- define "haven.azureKey" -}}
{{- $a := .Values.persistence.imageChartStorage.azure -}}
{{- and (empty $a.existingSecret) (not (has $a.accountkey (list "" "base64encodedaccountkey"))) -}}
{{- end -}}
