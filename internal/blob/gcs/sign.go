package gcs

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// signer signs addresses with a service account's key: V4 signing with RSA, as
// https://cloud.google.com/storage/docs/access-control/signing-urls-manually describes it.
type signer struct {
	email string
	key   *rsa.PrivateKey
}

const (
	algorithm = "GOOG4-RSA-SHA256"
	stamp     = "20060102T150405Z"
)

// newSigner returns nil when the credentials hold no private key.
func newSigner(credentials []byte) *signer {
	var account struct {
		Email string `json:"client_email"`
		Key   string `json:"private_key"`
	}
	if json.Unmarshal(credentials, &account) != nil || account.Email == "" {
		return nil
	}
	block, _ := pem.Decode([]byte(account.Key))
	if block == nil {
		return nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); err == nil && ok {
		return &signer{email: account.Email, key: key}
	}
	return nil
}

func (s *signer) sign(endpoint, bucket, key string, now time.Time, ttl time.Duration) (string, error) {
	base, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	now = now.UTC()
	scope := now.Format("20060102") + "/auto/storage/goog4_request"
	query := url.Values{
		"X-Goog-Algorithm":     {algorithm},
		"X-Goog-Credential":    {s.email + "/" + scope},
		"X-Goog-Date":          {now.Format(stamp)},
		"X-Goog-Expires":       {strconv.Itoa(int(ttl.Seconds()))},
		"X-Goog-SignedHeaders": {"host"},
	}.Encode()
	parts := strings.Split(bucket+"/"+key, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	path := "/" + strings.Join(parts, "/")
	request := "GET\n" + path + "\n" + query + "\nhost:" + base.Host + "\n\nhost\nUNSIGNED-PAYLOAD"
	digest := sha256.Sum256([]byte(request))
	text := strings.Join([]string{algorithm, now.Format(stamp), scope, hex.EncodeToString(digest[:])}, "\n")
	hashed := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, hashed[:])
	if err != nil {
		return "", fmt.Errorf("sign an address: %w", err)
	}
	return base.Scheme + "://" + base.Host + path + "?" + query + "&X-Goog-Signature=" + hex.EncodeToString(signature), nil
}
