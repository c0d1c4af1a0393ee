package remote

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// Signatures of requests, as the vendors' documentation has them. They differ in what is hashed around the same canonical form of a
// request, and never show the secret.

// keys are what a vendor's API knows somebody by.
type keys struct {
	id      string
	secret  secret.Text
	session secret.Text // of keys for a while; "" for others
}

// canonical is the form of a request that signatures are made of, and the headers that are in it: the host and those that are named.
func canonical(r *http.Request, uri string, body []byte, named ...string) (text, signed string) {
	named = append(slices.Clone(named), "host")
	slices.Sort(named)
	var headers strings.Builder
	for _, name := range named {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	signed = strings.Join(named, ";")
	return strings.Join([]string{r.Method, uri, canonicalQuery(r.URL.Query()), headers.String(), signed, hexSum(body)}, "\n"), signed
}

// canonicalQuery is sorted, and escaped as RFC 3986 has it.
func canonicalQuery(values url.Values) string {
	return strings.ReplaceAll(values.Encode(), "+", "%20")
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// derived is a key for a day and a place.
func derived(first string, of ...string) []byte {
	key := []byte(first)
	for _, each := range of {
		key = mac(key, each)
	}
	return key
}

func escapedPath(r *http.Request) string {
	if p := r.URL.EscapedPath(); p != "" {
		return p
	}
	return "/"
}

const compact = "20060102T150405Z"

// signAWS is Signature Version 4 of Amazon Web Services.
func signAWS(r *http.Request, body []byte, k keys, region, service string, now time.Time) {
	now = now.UTC()
	at, day := now.Format(compact), now.Format("20060102")
	named := []string{"x-amz-date"}
	r.Header.Set("X-Amz-Date", at)
	if k.session != "" {
		r.Header.Set("X-Amz-Security-Token", k.session.Reveal())
		named = append(named, "x-amz-security-token")
	}
	for _, name := range []string{"Content-Type", "X-Amz-Target"} {
		if r.Header.Get(name) != "" {
			named = append(named, strings.ToLower(name))
		}
	}
	text, signed := canonical(r, escapedPath(r), body, named...)
	scope := strings.Join([]string{day, region, service, "aws4_request"}, "/")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hexSum([]byte(text))}, "\n")
	signature := hex.EncodeToString(mac(derived("AWS4"+k.secret.Reveal(), day, region, service, "aws4_request"), toSign))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

// signVolcengine is HMAC-SHA256 of Volcengine.
func signVolcengine(r *http.Request, body []byte, k keys, region, service string, now time.Time) {
	now = now.UTC()
	at, day := now.Format(compact), now.Format("20060102")
	r.Header.Set("X-Date", at)
	r.Header.Set("X-Content-Sha256", hexSum(body))
	text, signed := canonical(r, escapedPath(r), body, "content-type", "x-content-sha256", "x-date")
	scope := strings.Join([]string{day, region, service, "request"}, "/")
	toSign := strings.Join([]string{"HMAC-SHA256", at, scope, hexSum([]byte(text))}, "\n")
	signature := hex.EncodeToString(mac(derived(k.secret.Reveal(), day, region, service, "request"), toSign))
	r.Header.Set("Authorization", "HMAC-SHA256 Credential="+k.id+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

// signTencent is TC3-HMAC-SHA256 of Tencent Cloud.
func signTencent(r *http.Request, body []byte, k keys, service string, now time.Time) {
	now = now.UTC()
	at, day := strconv.FormatInt(now.Unix(), 10), now.Format("2006-01-02")
	r.Header.Set("X-Tc-Timestamp", at)
	text, signed := canonical(r, "/", body, "content-type")
	scope := strings.Join([]string{day, service, "tc3_request"}, "/")
	toSign := strings.Join([]string{"TC3-HMAC-SHA256", at, scope, hexSum([]byte(text))}, "\n")
	signature := hex.EncodeToString(mac(derived("TC3"+k.secret.Reveal(), day, service, "tc3_request"), toSign))
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+k.id+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

// signAli is signature version 3 of Alibaba Cloud.
func signAli(r *http.Request, body []byte, k keys, action, version string, now time.Time) {
	r.Header.Set("X-Acs-Action", action)
	r.Header.Set("X-Acs-Version", version)
	r.Header.Set("X-Acs-Date", now.UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("X-Acs-Signature-Nonce", rand.Text())
	r.Header.Set("X-Acs-Content-Sha256", hexSum(body))
	text, signed := canonical(r, escapedPath(r), body, "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")
	signature := hex.EncodeToString(mac([]byte(k.secret.Reveal()), "ACS3-HMAC-SHA256\n"+hexSum([]byte(text))))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+k.id+",SignedHeaders="+signed+",Signature="+signature)
}

// signHuawei is SDK-HMAC-SHA256 of Huawei Cloud.
func signHuawei(r *http.Request, body []byte, k keys, now time.Time) {
	at := now.UTC().Format(compact)
	r.Header.Set("X-Sdk-Date", at)
	text, signed := canonical(r, strings.TrimSuffix(escapedPath(r), "/")+"/", body, "x-sdk-date")
	signature := hex.EncodeToString(mac([]byte(k.secret.Reveal()), "SDK-HMAC-SHA256\n"+at+"\n"+hexSum([]byte(text))))
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+k.id+", SignedHeaders="+signed+", Signature="+signature)
}
