package cosign_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/trust/cosign"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

// What Cosign itself has written (testdata/README.md says how) is understood, and worth nothing for another artifact or another policy.
func TestRealCosign(t *testing.T) {
	text := func(name string) string {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		return string(must(t, content, err))
	}
	p := policy.Policy{
		Roots: map[string]policy.Root{"private": {CA: text("root.pem")}},
		Signers: []policy.Signer{
			{Name: "ecdsa", Keys: []string{text("cosign.pub")}}, {Name: "rsa", Keys: []string{text("rsa.pub")}},
			{Name: "ed25519", Keys: []string{text("ed.pub")}}, {Name: "p384", Keys: []string{text("p384.pub")}},
			{Name: "alice", Identities: []policy.Identity{{Root: "private", Issuer: idp, Subject: alice}}},
		},
	}
	const attests = "https://example.com/test/v1"
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string][]evidence.Piece{
		"bundle-cosign":             {{Signers: []string{"ecdsa"}}},
		"bundle-rsa":                {{Signers: []string{"rsa"}}},
		"bundle-ed":                 {{Signers: []string{"ed25519"}}},
		"bundle-p384":               {{Signers: []string{"p384"}}},
		"bundle-attest":             {{Signers: []string{"ecdsa"}, PredicateType: attests}},
		"bundle-certificate":        {{Signers: []string{"alice"}}},
		"bundle-certificate-attest": {{Signers: []string{"alice"}, PredicateType: attests}},
		"legacy-p384":               {{Signers: []string{"ecdsa"}}, {Signers: []string{"rsa"}}, {Signers: []string{"ed25519"}}, {Signers: []string{"p384"}}},
		"legacy-attest":             {{Signers: []string{"ecdsa"}, PredicateType: attests}},
		"legacy-certificate":        {{Signers: []string{"alice"}}},
		"legacy-certificate-attest": {{Signers: []string{"alice"}, PredicateType: attests}},
		"referrer-key":              {{Signers: []string{"ecdsa"}}, {Signers: []string{"rsa"}}, {Signers: []string{"ed25519"}}, {Signers: []string{"p384"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var kept struct {
				Subject  oci.Digest            `json:"subject"`
				Manifest string                `json:"manifest"`
				Blobs    map[oci.Digest]string `json:"blobs"`
			}
			if err := json.Unmarshal([]byte(text(name+".json")), &kept); err != nil {
				t.Fatal(err)
			}
			m, err := oci.ParseManifest("", []byte(kept.Manifest))
			if err != nil {
				t.Fatal(err)
			}
			r := newRepository()
			r.manifest = *m
			for digest, content := range kept.Blobs {
				r.blobs[digest] = []byte(content)
			}
			judge := func(p policy.Policy, subject oci.Digest, now time.Time) []evidence.Piece {
				v, err := cosign.New(p)
				pieces, err2 := must(t, v, err).Pieces(t.Context(), oci.Descriptor{Digest: subject}, m, r.read, now)
				if !cosign.Reads(m) || len(pieces) != len(want) {
					t.Fatalf("got %+v", pieces)
				}
				return must(t, pieces, err2)
			}
			for i, piece := range judge(p, kept.Subject, now) {
				if piece.State != evidence.Verified || len(piece.Signers) != 1 || piece.Signers[0] != want[i].Signers[0] || piece.PredicateType != want[i].PredicateType {
					t.Errorf("got %+v", piece)
				}
			}
			for _, piece := range judge(p, another.Digest, now) {
				if piece.State != evidence.Invalid {
					t.Errorf("of another artifact: %+v", piece)
				}
			}
			for _, piece := range judge(policy.Policy{}, kept.Subject, now) {
				if piece.State != evidence.Unverified {
					t.Errorf("without a policy: %+v", piece)
				}
			}
			for _, piece := range judge(p, kept.Subject, now.AddDate(50, 0, 0)) {
				if piece.State == evidence.Verified && !piece.Until.IsZero() || (piece.State == evidence.Invalid) != (want[0].Signers[0] == "alice") {
					t.Errorf("when certificates have ended: %+v", piece)
				}
			}
		})
	}
}
