package remote

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The first example of Amazon's test suite for Signature Version 4 (get-vanilla). The other vendors' signatures are made of the same
// canonical form and keys.
func TestSignAWS(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	signAWS(r, nil, keys{id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, "us-east-1", "service", at)
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSignaturesHideTheSecret(t *testing.T) {
	k, now := keys{id: "id", secret: "canary-secret", session: "session"}, time.Unix(1_800_000_000, 0)
	for name, sign := range map[string]func(*http.Request){
		"aws":        func(r *http.Request) { signAWS(r, []byte("{}"), k, "a", "b", now) },
		"volcengine": func(r *http.Request) { signVolcengine(r, []byte("{}"), k, "a", "b", now) },
		"tencent":    func(r *http.Request) { signTencent(r, []byte("{}"), k, "a", now) },
		"ali":        func(r *http.Request) { signAli(r, []byte("{}"), k, "a", "b", now) },
		"huawei":     func(r *http.Request) { signHuawei(r, []byte("{}"), k, now) },
	} {
		once := ""
		for _, query := range []string{"a=1&b=2", "b=2&a=1", "a=1&b=3"} {
			r, err := http.NewRequest(http.MethodPost, "https://example.com/x?"+query, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			sign(r)
			_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			if len(signature) != 64 {
				t.Errorf("%s: %v", name, r.Header)
			}
			for _, values := range r.Header {
				if strings.Contains(strings.Join(values, " "), "canary") {
					t.Errorf("%s: the secret is in %v", name, values)
				}
			}
			switch { // Alibaba's has a nonce in it
			case once == "" || name == "ali":
				once = signature
			case (once == signature) != (query == "b=2&a=1"):
				t.Errorf("%s: the signature of %s", name, query)
			}
		}
	}
}
