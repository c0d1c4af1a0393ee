package s3

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct{ url, want string }{
		"bucket":              {"s3://registry", ""},
		"all":                 {"s3://registry/a/b?endpoint=minio:9000&region=eu&path_style=true&insecure=true&sse=aws:kms&sse_kms_key_id=k&access_key=a&secret_key=s&session_token=t&redirect=true&part_size=16MiB&memory=128MiB&spool=/tmp", ""},
		"no bucket":           {"s3://?region=eu", "expected s3://BUCKET"},
		"other scheme":        {"gs://registry", "expected s3://BUCKET"},
		"prefix with dots":    {"s3://registry/a/../b", "prefix"},
		"unknown parameter":   {"s3://registry?pathstyle=true", "parameter pathstyle: unknown"},
		"piece of a secret":   {"s3://registry?access_key=a&secret_key=abc&SECRETdef", "a parameter is unknown"},
		"twice":               {"s3://registry?region=a&region=b", "parameter region: expected to be given once"},
		"no boolean":          {"s3://registry?redirect=yes", "parameter redirect: expected true or false"},
		"part too small":      {"s3://registry?part_size=1MiB", "parameter part_size: expected a size between 5 and 1024 MiB"},
		"part no size":        {"s3://registry?part_size=big", "parameter part_size: expected a size"},
		"endpoint with path":  {"s3://registry?endpoint=https://h/p", "parameter endpoint: expected HOST"},
		"encryption":          {"s3://registry?sse=rot13", "parameter sse: expected AES256 or aws:kms"},
		"key without kms":     {"s3://registry?sse=AES256&sse_kms_key_id=k", "parameter sse: expected aws:kms"},
		"key id without key":  {"s3://registry?access_key=SECRET", "parameter secret_key: expected to be given together"},
		"several things":      {"s3://registry?sse=x&redirect=x", "redirect"},
		"user in the address": {"s3://SECRET:SECRET@registry", "expected s3://BUCKET"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Parse(test.url)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// Whatever goes wrong at the start, nobody reads the key in a log.
func TestOpenHidesSecrets(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, server := range []*httptest.Server{refusing, gone} {
		_, err := Open(t.Context(), "s3://registry?endpoint="+server.URL+"&access_key=SECRETKEYID&secret_key=SECRETKEY")
		if err == nil || !strings.Contains(err.Error(), "bucket registry") || strings.Contains(err.Error(), "SECRETKEY") {
			t.Errorf("got %v", err)
		}
	}
}

func TestServerEncryption(t *testing.T) {
	c, err := parse("s3://registry?sse=aws:kms&sse_kms_key_id=key")
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBucket(c)
	if err != nil {
		t.Fatal(err)
	}
	header := b.putOptions().Header()
	if header.Get("X-Amz-Server-Side-Encryption") != "aws:kms" || header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") != "key" {
		t.Errorf("got %v", header)
	}
}
