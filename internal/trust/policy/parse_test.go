package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/policy"
)

const full = `{
	"roots": {
		"acme": {"ca": "PEM", "log": "PEM", "ct_log": "PEM", "tsa": "PEM"},
		"public": {"trusted_root": {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": [{"baseUrl": "x", "n": 1e999}]}}
	},
	"signers": [
		{"name": "ci", "keys": ["PEM"], "identities": [
			{"root": "acme", "issuer": "https://ci.example", "subject_regexp": "https://ci\\.example/acme/.*"},
			{"root": "public", "issuer_regexp": ".*", "subject": "dev@example.com"},
			{"root": "acme", "subject": "build"}]},
		{"name": "ops.2", "notation": {"certificates": "PEM", "identities": ["C=US, ST=WA, O=acme"], "tsa": "PEM", "revocation": "enforce", "crls": "PEM"}}
	],
	"require": {"all_of": [
		{"signed_by": "ci"},
		{"any_of": [{"signed_by": "ops.2"}, {"attestation": {"predicate_type": "https://slsa.dev/provenance/v1", "by": "*", "builder": "b", "rule": "true"}}]}
	]}
}`

func TestParse(t *testing.T) {
	p, err := policy.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q, err := policy.Parse(again)
	if err != nil {
		t.Fatal(err)
	}
	// The raw root is compacted by the way there and back.
	p.Roots["public"], q.Roots["public"] = policy.Root{}, policy.Root{}
	if !reflect.DeepEqual(p, q) {
		t.Errorf("got %+v, want %+v", q, p)
	}
	if got := p.Require.AllOf[1].AnyOf[1].Attestation.Builder; got != "b" {
		t.Errorf("builder %q", got)
	}
}

func TestParseTakesWhatDemandsLittle(t *testing.T) {
	for _, text := range []string{
		`{"signers":[{"name":"a","keys":["k"]}]}`,
		`{"signers":[{"name":"a","keys":["k"]}],"require":null}`,
		`{"signers":[{"name":"a","keys":["k"],"notation":null}],"require":{"signed_by":"*"}}`,
		`{"roots":{"public":{"trusted_root":{}}}}`,
	} {
		if _, err := policy.Parse([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Every refusal leads to the field.
func TestParseRefuses(t *testing.T) {
	signers := func(s string) string { return `{"signers":[` + s + `]}` }
	identity := func(s string) string { return signers(`{"name":"a","identities":[{` + s + `}]}`) }
	notation := func(s string) string { return signers(`{"name":"a","notation":{` + s + `}}`) }
	require := func(s string) string { return `{"signers":[{"name":"a","keys":["k"]}],"require":` + s + `}` }
	attestation := func(s string) string { return require(`{"attestation":{` + s + `}}`) }
	repeat := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ",")
	}
	signer := func(i int) string { return fmt.Sprintf(`{"name":"s%d","keys":["k"]}`, i) }
	same := func(s string) func(int) string { return func(int) string { return s } }
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                  {``, "isn't valid JSON"},
		"not JSON":                 {`{,}`, "isn't valid JSON"},
		"more after it":            {`{"signers":[{"name":"a","keys":["k"]}]} x`, "isn't valid JSON"},
		"not UTF-8":                {"{\"\xff\":1}", "isn't valid UTF-8"},
		"too long":                 {strings.Repeat(" ", policy.MaxSize) + "{}", "longer than 256 KiB"},
		"list":                     {`[]`, "the policy: want an object"},
		"text":                     {`"x"`, "the policy: want an object"},
		"null":                     {`null`, "the policy: want an object"},
		"empty":                    {`{}`, "signers: the policy names nobody"},
		"no signers":               {`{"roots":{"public":{"trusted_root":{}}},"require":{"signed_by":"*"}}`, "require: the policy has no signers"},
		"unknown field":            {`{"signer":[]}`, `the policy: unknown field "signer"; known are require, roots, signed_before_tag, signers`},
		"unknown field below":      {signers(`{"name":"a","key":["k"]}`), `signers[0]: unknown field "key"`},
		"other case":               {signers(`{"Name":"a","keys":["k"]}`), `signers[0]: unknown field "Name"`},
		"folds to a known one":     {signers(`{"name":"a","\u212aeys":["k"]}`), "unknown field"},
		"key twice":                {signers(`{"name":"a","keys":["k"],"keys":[]}`), `signers[0]: the key "keys" stands twice`},
		"key twice, escaped":       {signers(`{"name":"a","n\u0061me":"b"}`), "stands twice"},
		"key twice in a root":      {`{"roots":{"p":{"trusted_root":{"a":[{"b":1,"b":2}]}}}}`, `roots.p.trusted_root.a[0]: the key "b" stands twice`},
		"root twice":               {`{"roots":{"p":{"ca":"x"},"p":{"ca":"x"}}}`, `roots: the key "p" stands twice`},
		"number for a text":        {signers(`{"name":1}`), "signers[0].name: want a text"},
		"object for a list":        {`{"signers":{}}`, "signers: want a list"},
		"null for a list":          {`{"signers":null}`, "signers: want a list"},
		"null in a list":           {`{"signers":[null]}`, "signers[0]: want an object"},
		"list for a text":          {signers(`{"name":["a"]}`), "signers[0].name: want a text"},
		"too deep":                 {`{"roots":{"p":{"trusted_root":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}}`, "nested more than 32"},
		"too many values":          {`{"roots":{"p":{"trusted_root":{"a":[` + repeat(33000, same("1")) + `]}}}}`, "more than 32768 values"},
		"many roots":               {`{"roots":{` + repeat(21, func(i int) string { return fmt.Sprintf(`"r%d":{"ca":"x"}`, i) }) + `}}`, "roots: at most 20"},
		"root without a name":      {`{"roots":{"":{"ca":"x"}}}`, `roots: "" isn't a name`},
		"root's name":              {`{"roots":{"A":{"ca":"x"}}}`, `roots: "A" isn't a name`},
		"root of nothing":          {`{"roots":{"p":{}}}`, "roots.p: give trusted_root, or ca"},
		"root without authority":   {`{"roots":{"p":{"log":"x"}}}`, "roots.p: give trusted_root, or ca"},
		"root both ways":           {`{"roots":{"p":{"ca":"x","trusted_root":{}}}}`, "roots.p: give either"},
		"root is a text":           {`{"roots":{"p":{"trusted_root":"x"}}}`, "roots.p.trusted_root: want an object"},
		"root is null":             {`{"roots":{"p":{"trusted_root":null}}}`, "roots.p.trusted_root: want an object"},
		"root too long":            {`{"roots":{"p":{"trusted_root":{"a":"` + strings.Repeat("x", 129<<10) + `"}}}}`, "roots.p.trusted_root: longer than 128 KiB"},
		"many signers":             {signers(repeat(51, signer)), "signers: at most 50"},
		"signer's name":            {signers(`{"name":"A","keys":["k"]}`), `signers[0].name: "A" isn't a name`},
		"signer's long name":       {signers(`{"name":"` + strings.Repeat("a", 64) + `","keys":["k"]}`), "signers[0].name"},
		"name with a line":         {signers(`{"name":"a\n","keys":["k"]}`), "signers[0].name"},
		"same name":                {signers(`{"name":"a","keys":["k"]},{"name":"a","keys":["k"]}`), `signers[1].name: there is another signer "a"`},
		"signer of nothing":        {signers(`{"name":"a"}`), `signers[0]: "a" has nothing to be known by`},
		"many keys":                {signers(`{"name":"a","keys":[` + repeat(21, same(`"k"`)) + `]}`), "signers[0].keys: at most 20"},
		"empty key":                {signers(`{"name":"a","keys":["k"," "]}`), "signers[0].keys[1]: want a public key"},
		"many identities":          {signers(`{"name":"a","identities":[` + repeat(21, same(`{"root":"r","subject":"s"}`)) + `]}`), "signers[0].identities: at most 20"},
		"identity without root":    {identity(`"subject":"s"`), "signers[0].identities[0].root: want the name"},
		"two issuers":              {identity(`"root":"r","issuer":"i","issuer_regexp":"i","subject":"s"`), "identities[0]: give issuer or issuer_regexp"},
		"two subjects":             {identity(`"root":"r","subject":"s","subject_regexp":"s"`), "identities[0]: give exactly one of subject"},
		"no subject":               {identity(`"root":"r","issuer":"i"`), "identities[0]: give exactly one of subject"},
		"bad expression":           {identity(`"root":"r","subject_regexp":"("`), "identities[0].subject_regexp: isn't a regular expression"},
		"no RE2":                   {identity(`"root":"r","subject":"s","issuer_regexp":"(?=a)"`), "identities[0].issuer_regexp: isn't a regular expression"},
		"long subject":             {identity(`"root":"r","subject":"` + strings.Repeat("s", 1025) + `"`), "identities[0].subject: longer"},
		"no certificates":          {notation(`"identities":["*"]`), "signers[0].notation.certificates: want at least one"},
		"no names":                 {notation(`"certificates":"x"`), "signers[0].notation.identities: give 1 to 20"},
		"empty name":               {notation(`"certificates":"x","identities":[""]`), "signers[0].notation.identities[0]: want a distinguished name"},
		"all and one":              {notation(`"certificates":"x","identities":["O=a","*"]`), `signers[0].notation.identities[1]: "*" stands for all`},
		"revocation":               {notation(`"certificates":"x","identities":["*"],"revocation":"on"`), `notation.revocation: "on" isn't one of`},
		"enforced without lists":   {notation(`"certificates":"x","identities":["*"],"revocation":"enforce"`), "notation.crls: without a list nothing is good"},
		"rule of nothing":          {require(`{}`), "require: want exactly one"},
		"empty alternatives":       {require(`{"any_of":[]}`), "require: want exactly one"},
		"two rules":                {require(`{"signed_by":"a","any_of":[{"signed_by":"a"}]}`), "require: want exactly one"},
		"rule below":               {require(`{"any_of":[{"signed_by":"a"},{"all_of":[{}]}]}`), "require.any_of[1].all_of[0]: want exactly one"},
		"unknown signer":           {require(`{"all_of":[{"signed_by":"b"}]}`), `require.all_of[0].signed_by: there is no signer "b"`},
		"deep rules":               {require(strings.Repeat(`{"any_of":[`, 5) + `{"signed_by":"a"}` + strings.Repeat(`]}`, 5)), "nested more than 5"},
		"many demands":             {require(`{"any_of":[` + repeat(101, same(`{"signed_by":"a"}`)) + `]}`), "require.any_of[100]: at most 100"},
		"no type":                  {attestation(`"by":"a"`), "require.attestation.predicate_type: want a type"},
		"no attester":              {attestation(`"predicate_type":"t"`), `require.attestation.by: there is no signer ""`},
		"unknown attester":         {attestation(`"predicate_type":"t","by":"b"`), `require.attestation.by: there is no signer "b"`},
		"builder of another thing": {attestation(`"predicate_type":"https://spdx.dev/Document","by":"a","builder":"b"`), "require.attestation.builder: only provenance"},
		"long rule":                {attestation(`"predicate_type":"t","by":"a","rule":"` + strings.Repeat(" ", 4097) + `"`), "require.attestation.rule: longer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Parse([]byte(test.text))
			if err == nil || !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestParseAtTheBounds(t *testing.T) {
	p := policy.Policy{Require: &policy.Requirement{}}
	for i := range 50 {
		p.Signers = append(p.Signers, policy.Signer{Name: fmt.Sprintf("s%d", i), Keys: make([]string, 20)})
		for j := range p.Signers[i].Keys {
			p.Signers[i].Keys[j] = "k"
		}
	}
	deep := p.Require
	for range 3 {
		deep.AnyOf = []policy.Requirement{{}}
		deep = &deep.AnyOf[0]
	}
	for range 100 {
		deep.AllOf = append(deep.AllOf, policy.Requirement{SignedBy: "s49"})
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Parse(raw); err != nil {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	parse := func(text string) policy.Policy {
		t.Helper()
		p, err := policy.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := parse(`{"roots":{"p":{"trusted_root":{"a":1,"b":[2]}}},"signers":[{"name":"a","keys":["k"]}]}`)
	spaced := parse(`{ "signers":[{"keys":["k"], "name":"a"}],
		"roots":{"p":{"trusted_root":{ "a": 1, "b": [ 2 ] }}}, "require": null}`)
	if policy.Hash(p) != policy.Hash(spaced) {
		t.Error("white space makes another policy")
	}
	for _, other := range []string{
		`{"roots":{"p":{"trusted_root":{"a":1,"b":[3]}}},"signers":[{"name":"a","keys":["k"]}]}`,
		`{"roots":{"p":{"trusted_root":{"a":1,"b":[2]}}},"signers":[{"name":"a","keys":["k"]}],"require":{"signed_by":"a"}}`,
		`{"roots":{"p":{"trusted_root":{"a":1,"b":[2]}}},"signers":[{"name":"a","keys":["K"]}]}`,
	} {
		if policy.Hash(p) == policy.Hash(parse(other)) {
			t.Errorf("the same hash: %s", other)
		}
	}
	broken := policy.Policy{Roots: map[string]policy.Root{"p": {TrustedRoot: json.RawMessage("{")}}}
	if len(policy.Hash(broken)) != 64 || policy.Hash(broken) == policy.Hash(policy.Policy{}) {
		t.Error("what isn't JSON has no hash of its own")
	}
}

func TestWith(t *testing.T) {
	system := policy.Policy{
		Roots:   map[string]policy.Root{"public": {CA: "system"}, "acme": {CA: "system"}, "unused": {CA: "system"}},
		Signers: []policy.Signer{{Name: "system", Keys: []string{"k"}}},
		Require: &policy.Requirement{SignedBy: "system"},
	}
	p := policy.Policy{
		Roots: map[string]policy.Root{"acme": {CA: "project"}},
		Signers: []policy.Signer{{Name: "ci", Identities: []policy.Identity{
			{Root: "public", Subject: "a"}, {Root: "acme", Subject: "a"}, {Root: "elsewhere", Subject: "a"}}}},
	}
	got := p.With(system)
	want := map[string]policy.Root{"acme": {CA: "project"}, "public": {CA: "system"}}
	if !reflect.DeepEqual(got.Roots, want) {
		t.Errorf("roots %v, want %v", got.Roots, want)
	}
	if len(got.Signers) != 1 || got.Require != nil || len(p.Roots) != 1 {
		t.Errorf("more than roots was taken: %+v of %+v", got, p)
	}
	err := got.Complete()
	if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `signers[0].identities[2].root: there is no root "elsewhere"`) {
		t.Errorf("got %v", err)
	}
	got.Roots["elsewhere"] = policy.Root{}
	if err := got.Complete(); err != nil {
		t.Error(err)
	}
	plain := policy.Policy{Signers: []policy.Signer{{Name: "ci", Keys: []string{"k"}}}}
	if got := plain.With(system); got.Roots != nil || policy.Hash(got) != policy.Hash(plain) {
		t.Errorf("got %+v", got)
	}
}

// Whatever is read is read the same from its own canonical form, and can be compiled or is refused in words.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{full, `{}`, `{"signers":[{"name":"a","keys":["k"]}],"require":{"attestation":{"predicate_type":"t","by":"a","rule":"predicate.x > 1"}}}`,
		`{"roots":{"p":{"trusted_root":{"a":[null,1e999,{"":{}}]}}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := policy.Parse(raw)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || len(err.Error()) > 4096 {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		canonical, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := policy.Parse(canonical)
		if err != nil && len(canonical) <= policy.MaxSize {
			t.Fatalf("%s: %v", canonical, err)
		}
		if err == nil && policy.Hash(again) != policy.Hash(p) {
			t.Fatalf("%s: another hash", canonical)
		}
		if _, err := policy.Compile(p); err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}

func TestWantsSignedBeforeTag(t *testing.T) {
	for text, want := range map[string]bool{
		`{"signers":[]}`: false, `{"signed_before_tag":false}`: false, `{"signed_before_tag":true}`: true, `{"signed_before_tag":true,"later":1}`: true,
		`{"signed_before_tag":"yes"}`: true, `{`: true,
	} {
		if got := policy.WantsSignedBeforeTag([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
