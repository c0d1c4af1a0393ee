{{/* haven.pod: the pod's template, of a StatefulSet or a Deployment. */}}
{{- define "haven.pod" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
metadata:
  labels:
    {{- include "haven.podSelector" . | nindent 4 }}
    {{- with $v.core.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/settings: {{ include "haven.settings" . | sha256sum }}
    checksum/secrets: {{ include "haven.secrets" . | sha256sum }}
    {{- with $v.core.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "haven.serviceAccountName" . }}
  automountServiceAccountToken: {{ $v.core.automountServiceAccountToken }}
  enableServiceLinks: false
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.core.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  terminationGracePeriodSeconds: {{ $v.haven.terminationGracePeriodSeconds }}
  securityContext:
    {{- toYaml $v.haven.podSecurityContext | nindent 4 }}
  {{- with $v.core.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.core.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.core.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "haven.spread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $v.core.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: haven
      image: {{ include "haven.image" . | quote }}
      imagePullPolicy: {{ $v.imagePullPolicy }}
      args: [serve]
      env:
        {{- include "haven.env" . | nindent 8 }}
      {{- with $v.haven.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: {{ ternary "https" "http" $shape.tls }}
          containerPort: {{ ternary 8443 8080 $shape.tls }}
        {{- if $v.metrics.enabled }}
        - name: metrics
          containerPort: {{ $v.metrics.core.port }}
        {{- end }}
      {{- if $v.core.startupProbe.enabled }}
      startupProbe:
        {{- include "haven.probe" (dict "path" "/healthz" "tls" $shape.tls "probe" (omit $v.core.startupProbe "enabled")) | nindent 8 }}
      {{- end }}
      livenessProbe:
        {{- include "haven.probe" (dict "path" "/healthz" "tls" $shape.tls "probe" $v.core.livenessProbe) | nindent 8 }}
      readinessProbe:
        {{- include "haven.probe" (dict "path" "/readyz" "tls" $shape.tls "probe" $v.core.readinessProbe) | nindent 8 }}
      {{- if $v.haven.drainDelaySeconds }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $v.haven.drainDelaySeconds }}
      {{- end }}
      {{- with $v.core.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- merge (dict) $v.containerSecurityContext (dict "readOnlyRootFilesystem" true) | toYaml | nindent 8 }}
      volumeMounts:
        {{- include "haven.mounts" . | nindent 8 }}
  volumes:
    {{- include "haven.volumes" . | nindent 4 }}
{{- end -}}

{{- define "haven.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ ternary "https" "http" .tls }}
  scheme: {{ ternary "HTTPS" "HTTP" .tls }}
{{ toYaml .probe }}
{{- end -}}

{{/* haven.spread: constraints with this release's pods filled in; of several pods without any, over nodes. */}}
{{- define "haven.spread" -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "haven.podSelector" . | fromYaml)) -}}
{{- $given := .Values.core.topologySpreadConstraints -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- if and (not $given) (not $shape.local) -}}
{{- $given = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway") -}}
{{- end -}}
{{- $all := list -}}
{{- range $given -}}{{- $all = append $all (merge (dict) . $selector) -}}{{- end -}}
{{- with $all }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "haven.mounts" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
- name: data
  mountPath: /data
  {{- if and $shape.local $shape.claim }}
  {{- with (get $v.persistence.persistentVolumeClaim $shape.claim).subPath }}
  subPath: {{ . }}
  {{- end }}
  {{- end }}
{{- if eq $shape.stores "shared" }}
- name: shared
  mountPath: /shared
  {{- with $v.persistence.persistentVolumeClaim.registry.subPath }}
  subPath: {{ . }}
  {{- end }}
{{- end }}
- name: tmp
  mountPath: /tmp
- name: config
  mountPath: /etc/haven/config
  readOnly: true
{{- if has $shape.secretKey (list "chart" "existing") }}
- name: secret-key
  mountPath: /etc/haven/secret-key
  readOnly: true
{{- end }}
{{- if $shape.tls }}
- name: tls
  mountPath: /etc/haven/tls
  readOnly: true
{{- end }}
{{- if $v.caBundleSecretName }}
- name: ca
  mountPath: /etc/haven/ca
  readOnly: true
{{- end }}
{{- if and $v.persistence.imageChartStorage.caBundleSecretName (eq $shape.stores "bucket") }}
- name: storage-ca
  mountPath: /etc/haven/storage-ca
  readOnly: true
{{- end }}
{{- if and (eq $v.persistence.imageChartStorage.type "gcs") (eq (include "haven.gcsKey" .) "true") }}
- name: gcs
  mountPath: /etc/haven/gcs
  readOnly: true
{{- end }}
{{- with $v.haven.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "haven.volumes" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $v := .Values -}}
{{- $own := include "haven.fullname" . -}}
- name: data
  {{- if and $shape.local $shape.claim }}
  persistentVolumeClaim:
    claimName: {{ include "haven.claimName" . }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- if eq $shape.stores "shared" }}
- name: shared
  persistentVolumeClaim:
    claimName: {{ include "haven.claimName" . }}
{{- end }}
- name: tmp
  emptyDir: {}
- name: config
  configMap:
    name: {{ $own }}
{{- if has $shape.secretKey (list "chart" "existing") }}
{{ include "haven.secretVolume" (dict "name" "secret-key" "secret" (default $own $v.existingSecretSecretKey) "keys" (list "secretKey")) }}
{{- end }}
{{- if $shape.tls }}
{{ include "haven.secretVolume" (dict "name" "tls" "secret" (include "haven.certificateSecret" .) "keys" (list "tls.crt" "tls.key")) }}
{{- end }}
{{- if $v.caBundleSecretName }}
{{ include "haven.secretVolume" (dict "name" "ca" "secret" $v.caBundleSecretName "keys" (list "ca.crt")) }}
{{- end }}
{{- if and $v.persistence.imageChartStorage.caBundleSecretName (eq $shape.stores "bucket") }}
{{ include "haven.secretVolume" (dict "name" "storage-ca" "secret" $v.persistence.imageChartStorage.caBundleSecretName "keys" (list "ca.crt")) }}
{{- end }}
{{- if and (eq $v.persistence.imageChartStorage.type "gcs") (eq (include "haven.gcsKey" .) "true") }}
{{ include "haven.secretVolume" (dict "name" "gcs" "secret" (default $own $v.persistence.imageChartStorage.gcs.existingSecret) "keys" (list "GCS_KEY_DATA")) }}
{{- end }}
{{- with $v.haven.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* haven.secretVolume mounts single keys of a Secret, readable by the pod's group only. */}}
{{- define "haven.secretVolume" -}}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      {{- range .keys }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end -}}

{{- define "haven.claimName" -}}
{{- $shape := include "haven.shape" . | fromYaml -}}
{{- $claim := get .Values.persistence.persistentVolumeClaim $shape.claim -}}
{{- default (printf "%s-%s" (include "haven.fullname" .) $shape.claim) $claim.existingClaim -}}
{{- end -}}
