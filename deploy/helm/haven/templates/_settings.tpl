{{/* haven.settings: what the program is told by its configuration file, as YAML. It holds no secrets. */}}
{{- define "haven.settings" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
{{- $host := ternary "" "0.0.0.0" $v.ipFamily.ipv6.enabled -}}
{{- $settings := dict
  "data_dir" "/data"
  "listen" (printf "%s:%s" $host (ternary "8443" "8080" $shape.tls))
  "metrics_listen" (ternary (printf "%s:%d" $host (int $v.metrics.core.port)) "off" $v.metrics.enabled)
  "log_level" (get (dict "warning" "warn" "fatal" "error") $v.logLevel | default $v.logLevel)
  "log_format" "json"
  "database_url" (include "haven.databaseURL" .)
  "storage_url" (include "haven.storageURL" .)
  "upload_lifetime" $v.registry.upload_purging.age -}}
{{- $names := list -}}
{{- if $v.externalURL -}}{{- $names = append $names (trimSuffix "/" $v.externalURL) -}}{{- end -}}
{{- $names = concat $names (default list $v.haven.settings.external_url) | uniq -}}
{{- if $names -}}{{- $_ := set $settings "external_url" $names -}}{{- end -}}
{{- if and (eq $v.redis.type "external") (not (include "haven.redisSecret" .)) -}}
{{- $_ := set $settings "redis_url" (include "haven.redisURL" (dict "context" . "password" "")) -}}
{{- end -}}
{{- if has $shape.secretKey (list "chart" "existing") -}}
{{- $_ := set $settings "secret_key_file" "/etc/haven/secret-key/secretKey" -}}
{{- else if eq $shape.secretKey "shared" -}}
{{- $_ := set $settings "secret_key_file" "/shared/secret-key" -}}
{{- end -}}
{{- if $shape.tls -}}
{{- $_ := set $settings "tls_cert_file" "/etc/haven/tls/tls.crt" -}}
{{- $_ := set $settings "tls_key_file" "/etc/haven/tls/tls.key" -}}
{{- end -}}
{{- $sources := include "haven.vulndbSources" . | fromYamlArray -}}
{{- if $sources -}}{{- $_ := set $settings "vulndb_source" $sources -}}{{- end -}}
{{- $t := $v.trace -}}
{{- if and $t.enabled (eq $t.provider "otel") -}}
{{- $_ := set $settings "tracing_endpoint" (printf "%s://%s/%s" (ternary "http" "https" $t.otel.insecure) $t.otel.endpoint (trimPrefix "/" $t.otel.url_path)) -}}
{{- $_ := set $settings "tracing_sample" $t.sample_rate -}}
{{- $said := list -}}
{{- if $t.namespace -}}{{- $said = append $said (printf "service.namespace=%s" $t.namespace) -}}{{- end -}}
{{- range $name, $value := $t.attributes -}}{{- $said = append $said (printf "%s=%v" $name $value) -}}{{- end -}}
{{- if $said -}}{{- $_ := set $settings "tracing_attributes" $said -}}{{- end -}}
{{- end -}}
{{- range $key, $value := omit $v.haven.settings "external_url" -}}
{{- $_ := set $settings $key $value -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* haven.vulndbSources: addresses of the vulnerability database, as a list. */}}
{{- define "haven.vulndbSources" -}}
{{- $sources := list -}}
{{- if and .Values.trivy.enabled (not .Values.trivy.skipUpdate) -}}
{{- $given := .Values.trivy.dbRepository -}}
{{- if kindIs "string" $given -}}{{- $given = $given | nospace | splitList "," -}}{{- end -}}
{{- range $given -}}
{{- $sources = append $sources (printf "oci://%s" (ternary . (printf "%s:2" .) (contains ":" (splitList "/" . | last)))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $sources -}}
{{- end -}}

{{/* haven.redisSecret: whether the address of Redis holds a password. */}}
{{- define "haven.redisSecret" -}}
{{- $e := .Values.redis.external -}}
{{- if and (eq .Values.redis.type "external") (or $e.existingSecret $e.password $e.username) }}true{{ end -}}
{{- end -}}

{{/* haven.secrets: what the chart's own Secret holds, by key, base64. */}}
{{- define "haven.secrets" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
{{- $s := $v.persistence.imageChartStorage -}}
{{- $secrets := dict -}}
{{- if and $v.harborAdminPassword (not $v.existingSecretAdminPassword) -}}
{{- $_ := set $secrets "HARBOR_ADMIN_PASSWORD" (b64enc $v.harborAdminPassword) -}}
{{- end -}}
{{- if eq $shape.secretKey "chart" -}}
{{- $_ := set $secrets "secretKey" (include "haven.secretKey" . | b64enc) -}}
{{- end -}}
{{- if and (eq $v.database.type "external") (not $v.database.external.existingSecret) -}}
{{- $_ := set $secrets "PGPASSWORD" ($v.database.external.password | toString | b64enc) -}}
{{- end -}}
{{- if and (include "haven.redisSecret" .) (not $v.redis.external.existingSecret) -}}
{{- $_ := set $secrets "HAVEN_REDIS_URL" (include "haven.redisURL" (dict "context" . "password" (include "haven.escape" $v.redis.external.password)) | b64enc) -}}
{{- end -}}
{{- if and (eq $s.type "s3") (not $s.s3.existingSecret) $s.s3.accesskey -}}
{{- $_ := set $secrets "REGISTRY_STORAGE_S3_ACCESSKEY" (b64enc $s.s3.accesskey) -}}
{{- $_ := set $secrets "REGISTRY_STORAGE_S3_SECRETKEY" (b64enc $s.s3.secretkey) -}}
{{- end -}}
{{- if and (eq $s.type "azure") (eq (include "haven.azureKey" .) "true") -}}
{{- $_ := set $secrets "AZURE_STORAGE_ACCESS_KEY" (b64enc $s.azure.accountkey) -}}
{{- end -}}
{{- if and (eq $s.type "gcs") (eq (include "haven.gcsKey" .) "true") (not $s.gcs.existingSecret) -}}
{{- $_ := set $secrets "GCS_KEY_DATA" (nospace $s.gcs.encodedkey) -}}
{{- end -}}
{{- if $v.core.configureUserSettings -}}
{{- $given := $v.core.configureUserSettings -}}
{{- $_ := set $secrets "HAVEN_CONFIG_OVERWRITE_JSON" (ternary $given (toJson $given) (kindIs "string" $given) | b64enc) -}}
{{- end -}}
{{- range $key, $value := $v.haven.secretSettings -}}
{{- $text := ternary ($value | toString) (join "," $value) (not (kindIs "slice" $value)) -}}
{{- $_ := set $secrets (printf "HAVEN_%s" (upper $key)) (b64enc $text) -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end -}}

{{- define "haven.fromSecret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{/* haven.env: the environment of the container, as a list. */}}
{{- define "haven.env" -}}
{{- $v := .Values -}}
{{- $s := $v.persistence.imageChartStorage -}}
{{- $own := include "haven.fullname" . -}}
{{- $secrets := include "haven.secrets" . | fromYaml -}}
- name: HAVEN_CONFIG
  value: /etc/haven/config/haven.yaml
{{- if or $v.existingSecretAdminPassword $v.harborAdminPassword }}
{{ include "haven.fromSecret" (dict "name" "HAVEN_ADMIN_PASSWORD" "secret" (default $own $v.existingSecretAdminPassword)
  "key" (ternary $v.existingSecretAdminPasswordKey "HARBOR_ADMIN_PASSWORD" (not (empty $v.existingSecretAdminPassword)))) }}
{{- end }}
{{- if eq $v.database.type "external" }}
{{ include "haven.fromSecret" (dict "name" "PGPASSWORD" "secret" (default $own $v.database.external.existingSecret)
  "key" (ternary "password" "PGPASSWORD" (not (empty $v.database.external.existingSecret)))) }}
{{- end }}
{{- if and (eq $v.redis.type "external") $v.redis.external.existingSecret (not (hasKey $secrets "HAVEN_REDIS_URL")) }}
{{ include "haven.fromSecret" (dict "name" "REDIS_PASSWORD" "secret" $v.redis.external.existingSecret "key" "REDIS_PASSWORD") }}
- name: HAVEN_REDIS_URL
  value: {{ include "haven.redisURL" (dict "context" . "password" "$(REDIS_PASSWORD)") | quote }}
{{- end }}
{{- if and (eq $s.type "s3") (or $s.s3.existingSecret $s.s3.accesskey) }}
{{ include "haven.fromSecret" (dict "name" "AWS_ACCESS_KEY_ID" "secret" (default $own $s.s3.existingSecret) "key" "REGISTRY_STORAGE_S3_ACCESSKEY") }}
{{ include "haven.fromSecret" (dict "name" "AWS_SECRET_ACCESS_KEY" "secret" (default $own $s.s3.existingSecret) "key" "REGISTRY_STORAGE_S3_SECRETKEY") }}
{{- end }}
{{- if and (eq $s.type "azure") (or $s.azure.existingSecret (eq (include "haven.azureKey" .) "true")) }}
{{ include "haven.fromSecret" (dict "name" "AZURE_STORAGE_KEY" "secret" (default $own $s.azure.existingSecret) "key" "AZURE_STORAGE_ACCESS_KEY") }}
{{- end }}
{{- range $key := keys $secrets | sortAlpha }}
{{- if hasPrefix "HAVEN_" $key }}
{{ include "haven.fromSecret" (dict "name" $key "secret" $own "key" $key) }}
{{- end }}
{{- end }}
{{- include "haven.proxyEnv" . }}
{{- if $v.caBundleSecretName }}
- name: SSL_CERT_DIR
  value: /etc/haven/ca
{{- end }}
{{- with $v.core.extraEnvVars }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "haven.proxyEnv" -}}
{{- if or .Values.proxy.httpProxy .Values.proxy.httpsProxy }}
{{- with .Values.proxy.httpProxy }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.httpsProxy }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
- name: NO_PROXY
  value: {{ .Values.proxy.noProxy | quote }}
{{- end }}
{{- end -}}
