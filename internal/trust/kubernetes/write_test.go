package kubernetes_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/kubernetes"
	"github.com/havenregistry/haven/internal/trust/policy"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	ci         = `{"name":"ci","keys":["` + keyA + `"]}`
	other      = `{"name":"other","keys":["-----BEGIN PUBLIC KEY-----\nMFkwCCCC\n-----END PUBLIC KEY-----\n"]}`
	ops        = `{"name":"ops","keys":["` + keyB + `"]}`
	keyA       = `-----BEGIN PUBLIC KEY-----\nMFkwAAAA\n-----END PUBLIC KEY-----\n`
	keyB       = `-----BEGIN PUBLIC KEY-----\nMFkwBBBB\n-----END PUBLIC KEY-----\n`
	authorityA = `-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n`
	roots      = `"roots":{"acme":{"ca":"` + authorityA + `"},"logged":{"ca":"` + authorityA + `","log":"` + keyA + `","ct_log":"` + keyB + `","tsa":"` + authorityA + `"},"public":{"trusted_root":{}}},`
	workflow   = `{"name":"workflow","identities":[{"root":"logged","issuer":"https://ci.example","subject_regexp":"https://ci\\.example/acme/.*"}]}`
	private    = `{"name":"private","identities":[{"root":"acme","issuer_regexp":"https://.*\\.example","subject":"build*@example.com"}]}`
	notation   = `{"name":"notation","notation":{"certificates":"` + authorityA + `","identities":["*"]}}`
	slsa1      = `https://slsa.dev/provenance/v1`
)

func document(signers, require string) string {
	if require != "" {
		require = `,"require":` + require
	}
	return `{` + roots + `"signers":[` + signers + `]` + require + `}`
}

func parse(t testing.TB, text string) policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var kinds = []string{kubernetes.ClusterPolicy, kubernetes.ImageValidatingPolicy, kubernetes.ClusterImagePolicy}

// What is written, word for word; run with -update after a change, and read it.
func TestWritten(t *testing.T) {
	patterns := []string{"registry.example/shop/*", "*/library/base:*"}
	for name, test := range map[string]struct {
		policy string
		kinds  []string
	}{
		"key":       {document(ci, ""), kinds},
		"both-keys": {document(ci+","+ops, `{"all_of":[{"signed_by":"ci"},{"signed_by":"ops"}]}`), kinds},
		"either-key-and-provenance": {document(ci+","+ops, `{"all_of":[{"any_of":[{"signed_by":"ci"},{"signed_by":"ops"}]},
			{"attestation":{"predicate_type":"`+slsa1+`","by":"ci"}}]}`), kinds},
		"builder":       {document(ci, `{"attestation":{"predicate_type":"`+slsa1+`","by":"ci","builder":"https://builder.example/v1"}}`), kinds[:2]},
		"identities":    {document(workflow+","+private, ""), kinds[:1]},
		"nested":        {document(ci+","+ops+","+other, `{"any_of":[{"signed_by":"ci"},{"all_of":[{"signed_by":"ops"},{"signed_by":"other"}]}]}`), kinds[:2]},
		"either-format": {document(ci+","+notation, ""), kinds[1:2]},
		"notation":      {document(notation, ""), kinds[:2]},
		"rules": {document(ci+","+notation, `{"any_of":[{"signed_by":"notation"},{"attestation":{"predicate_type":"https://cosign.sigstore.dev/attestation/vuln/v1","by":"ci",
			"rule":"predicate.scanner.result.all(v, v.severity != \"CRITICAL\")"}}]}`), kinds[1:2]},
	} {
		for _, kind := range test.kinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				got, err := kubernetes.Write(kind, "shop", patterns, parse(t, test.policy))
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join("testdata", name+"."+strings.ToLower(kind)+".yaml")
				if *update {
					if err := os.WriteFile(path, got, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// What a kind can't say is refused, where it is said.
func TestRefused(t *testing.T) {
	provenance := func(more string) string {
		return `{"attestation":{"predicate_type":"` + slsa1 + `","by":"ci"` + more + `}}`
	}
	both := ci + "," + notation
	for name, test := range map[string]struct {
		kind, policy, want string
	}{
		"rule in a ClusterPolicy":            {kinds[0], document(ci, provenance(`,"rule":"true"`)), "require.attestation.rule: a ClusterPolicy can't say a rule in CEL; an ImageValidatingPolicy can"},
		"attestation in any_of":              {kinds[0], document(ci, `{"any_of":[{"signed_by":"ci"},`+provenance("")+`]}`), "require.any_of[1]: a ClusterPolicy can't say an attestation within any_of"},
		"a builder like a pattern":           {kinds[0], document(ci, provenance(`,"builder":"https://b/*"`)), "require.attestation.builder: a ClusterPolicy can't say that a builder is exactly"},
		"a builder like a quantity":          {kinds[0], document(ci, provenance(`,"builder":"1h"`)), "require.attestation.builder"},
		"a variable":                         {kinds[0], document(`{"name":"ci","identities":[{"root":"acme","issuer":"{{ request.x }}","subject":"s"}]}`, ""), "signers[0].identities[0]: a ClusterPolicy can't say a text with {{"},
		"two formats in a ClusterPolicy":     {kinds[0], document(both, `{"all_of":[{"signed_by":"ci"},{"signed_by":"notation"}]}`), "require: a ClusterPolicy can't say anything of signatures of Cosign and of Notation together"},
		"either format in a ClusterPolicy":   {kinds[0], document(both, ""), "together"},
		"time stamps in a ClusterPolicy":     {kinds[0], document(strings.Replace(notation, `"identities"`, `"tsa":"`+authorityA+`","identities"`, 1), ""), "signers[0].notation.tsa"},
		"names of Notation":                  {kinds[0], document(strings.Replace(notation, `"*"`, `"C=US,ST=WA,O=a"`, 1), ""), "signers[0].notation.identities: a ClusterPolicy can't say which subjects"},
		"names of Notation, CEL":             {kinds[1], document(strings.Replace(notation, `"*"`, `"C=US,ST=WA,O=a"`, 1), ""), "signers[0].notation.identities: an ImageValidatingPolicy can't say which subjects"},
		"revocation lists":                   {kinds[1], document(strings.Replace(notation, `"identities"`, `"crls":"x","identities"`, 1), ""), "signers[0].notation.crls: an ImageValidatingPolicy can't say revocation lists"},
		"a trusted root":                     {kinds[0], document(strings.Replace(private, `"acme"`, `"public"`, 1), ""), "roots.public.trusted_root: a ClusterPolicy can't say a whole trusted_root.json"},
		"no root":                            {kinds[0], document(strings.Replace(private, `"acme"`, `"elsewhere"`, 1), ""), `signers[0].identities[0].root: there is no root "elsewhere"`},
		"no issuer":                          {kinds[0], document(`{"name":"a","identities":[{"root":"acme","subject":"s"}]}`, ""), "that a certificate has no issuer"},
		"two rules for one type":             {kinds[1], document(ci+","+ops, `{"all_of":[`+provenance(`,"rule":"true"`)+`,{"attestation":{"predicate_type":"`+slsa1+`","by":"ops"}}]}`), "require.all_of[1].attestation: an ImageValidatingPolicy can't say what attestations"},
		"two rules for one type, later":      {kinds[1], document(ci+","+ops, `{"all_of":[{"attestation":{"predicate_type":"`+slsa1+`","by":"ops"}},`+provenance(`,"rule":"true"`)+`]}`), "require.all_of[1].attestation"},
		"attestations by Notation":           {kinds[1], document(notation, `{"attestation":{"predicate_type":"t","by":"notation"}}`), `require.attestation.by: "notation" has no keys or identities`},
		"Notation in a ClusterImagePolicy":   {kinds[2], document(notation, ""), "signers[0].notation: a ClusterImagePolicy can't say anything of signatures of Notation"},
		"identities in a ClusterImagePolicy": {kinds[2], document(private, ""), "signers[0].identities[0]: a ClusterImagePolicy can't say which authority"},
		"identities in CEL":                  {kinds[1], document(private, ""), "signers[0].identities[0]: an ImageValidatingPolicy can't say which authority"},
		"a signature as an attestation":      {kinds[1], document(ci, `{"attestation":{"predicate_type":"https://sigstore.dev/cosign/sign/v1","by":"ci"}}`), "require.attestation.predicate_type: an ImageValidatingPolicy can't say that a signature is no attestation"},
		"all_of in any_of":                   {kinds[2], document(ci+","+ops, `{"any_of":[{"signed_by":"ci"},{"all_of":[{"signed_by":"ops"}]}]}`), "require.any_of[1]: a ClusterImagePolicy can't say all_of within any_of"},
		"rule in a ClusterImagePolicy":       {kinds[2], document(ci, provenance(`,"rule":"true"`)), "require.attestation.rule"},
		"builder in a ClusterImagePolicy":    {kinds[2], document(ci, provenance(`,"builder":"https://b"`)), "require.attestation.builder: a ClusterImagePolicy can't say who built"},
		"type in a ClusterImagePolicy":       {kinds[2], document(ci, `{"attestation":{"predicate_type":"t","by":"ci"}}`), "require.attestation.predicate_type"},
		"several keys in one":                {kinds[2], document(`{"name":"ci","keys":["`+keyA+keyB+`"]}`, ""), "signers[0].keys[0]: want one public key"},
		"several logs":                       {kinds[0], strings.Replace(document(private, ""), `"acme":{`, `"acme":{"log":"`+keyA+keyB+`",`, 1), "roots.acme: a ClusterPolicy can't say that either of several logs"},
		"another kind":                       {"Policy", document(ci, ""), `"Policy" isn't one of ClusterPolicy, ImageValidatingPolicy and ClusterImagePolicy`},
		"no CEL":                             {kinds[1], document(ci, provenance(`,"rule":"predicate."`)), "require.attestation.rule: isn't valid CEL"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := kubernetes.Write(test.kind, "shop", []string{"registry.example/*"}, parse(t, test.policy))
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) || got != nil {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestNamesAndPatterns(t *testing.T) {
	p := parse(t, document(ci, ""))
	write := func(name string, patterns ...string) error {
		_, err := kubernetes.Write(kubernetes.ClusterPolicy, name, patterns, p)
		return err
	}
	for _, name := range []string{"", "Shop", "-a", "a.", "a b", "a\n", strings.Repeat("a", 300)} {
		if err := write(name, "a/*"); !errors.Is(err, fault.Invalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for _, pattern := range []string{"", " ", "a b", "{{ x }}", "a?", "[a]", "a\n- b", "/a", strings.Repeat("a", 600)} {
		if err := write("shop", pattern); !errors.Is(err, fault.Invalid) {
			t.Errorf("pattern %q: %v", pattern, err)
		}
	}
	if err := write("shop"); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if err := write("shop.v1-2", "*", "registry.example:5000/a/b@sha256:*"); err == nil {
		t.Error("@ is taken")
	}
	if err := write("shop.v1-2", "*", "registry.example:5000/a/b:v1"); err != nil {
		t.Error(err)
	}
}
