package policy_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
)

const (
	slsa1  = "https://slsa.dev/provenance/v1"
	slsa02 = "https://slsa.dev/provenance/v0.2"
	vuln   = "https://cosign.sigstore.dev/attestation/vuln/v1"
)

func compile(t testing.TB, require *policy.Requirement) *policy.Program {
	t.Helper()
	g, err := policy.Compile(policy.Policy{Signers: []policy.Signer{{Name: "ci"}, {Name: "ops"}}, Require: require})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func signature(signers ...string) evidence.Piece {
	return evidence.Piece{State: evidence.Verified, Signers: signers}
}

func attestation(predicateType, predicate string, signers ...string) evidence.Piece {
	return evidence.Piece{State: evidence.Verified, Signers: signers, PredicateType: predicateType, Predicate: json.RawMessage(predicate)}
}

func decide(g *policy.Program, pieces ...evidence.Piece) (bool, string) {
	satisfied := map[int]bool{}
	for _, n := range g.Satisfies(pieces) {
		satisfied[n] = true
	}
	return g.Decide(satisfied)
}

func TestSatisfies(t *testing.T) {
	demand := func(a policy.Attestation) *policy.Requirement { return &policy.Requirement{Attestation: &a} }
	builder := demand(policy.Attestation{PredicateType: slsa1, By: "ci", Builder: "https://b"})
	old := demand(policy.Attestation{PredicateType: slsa02, By: "ci", Builder: "https://b"})
	rule := func(text string) *policy.Requirement {
		return demand(policy.Attestation{PredicateType: vuln, By: "*", Rule: text})
	}
	unverified := attestation(vuln, `{"n":1}`, "ci")
	unverified.State = evidence.Unverified
	invalid := signature("ci")
	invalid.State = evidence.Invalid
	scan := `{"scanner":{"result":[{"id":"a","severity":"LOW"},{"id":"b","severity":"HIGH"}]},"n":3,"ok":true,"at":"2026-01-02T03:04:05Z"}`
	many := `{"list":[` + strings.Repeat(`1,`, 300_000) + `1]}`
	for name, test := range map[string]struct {
		require *policy.Requirement
		piece   evidence.Piece
		want    bool
	}{
		"any signer":                     {nil, signature("ops"), true},
		"any signer, nobody":             {nil, signature(), false},
		"an attestation is no signature": {nil, attestation(vuln, `{}`, "ci"), false},
		"right signer":                   {&policy.Requirement{SignedBy: "ci"}, signature("ops", "ci"), true},
		"wrong signer":                   {&policy.Requirement{SignedBy: "ci"}, signature("ops"), false},
		"invalid":                        {&policy.Requirement{SignedBy: "ci"}, invalid, false},
		"builder":                        {builder, attestation(slsa1, `{"runDetails":{"builder":{"id":"https://b"}}}`, "ci"), true},
		"other builder":                  {builder, attestation(slsa1, `{"runDetails":{"builder":{"id":"https://b/"}}}`, "ci"), false},
		"builder by another":             {builder, attestation(slsa1, `{"runDetails":{"builder":{"id":"https://b"}}}`, "ops"), false},
		"builder of the other version":   {builder, attestation(slsa1, `{"builder":{"id":"https://b"}}`, "ci"), false},
		"other version":                  {builder, attestation(slsa02, `{"builder":{"id":"https://b"}}`, "ci"), false},
		"old builder":                    {old, attestation(slsa02, `{"builder":{"id":"https://b"}}`, "ci"), true},
		"old builder, new place":         {old, attestation(slsa02, `{"runDetails":{"builder":{"id":"https://b"}}}`, "ci"), false},
		"builder that is no text":        {builder, attestation(slsa1, `{"runDetails":{"builder":{"id":["https://b"]}}}`, "ci"), false},
		"builder in a list":              {builder, attestation(slsa1, `[]`, "ci"), false},
		"builder of no JSON":             {builder, attestation(slsa1, `{`, "ci"), false},
		"type only":                      {demand(policy.Attestation{PredicateType: vuln, By: "ci"}), attestation(vuln, ``, "ci"), true},
		"a signature is no attestation":  {demand(policy.Attestation{PredicateType: vuln, By: "ci"}), signature("ci"), false},
		"rule":                           {rule(`predicate.scanner.result.all(v, v.severity != "CRITICAL") && predicate.n >= 3`), attestation(vuln, scan, "ci"), true},
		"false rule":                     {rule(`predicate.scanner.result.all(v, v.severity != "HIGH")`), attestation(vuln, scan, "ci"), false},
		"number equals":                  {rule(`predicate.n == 3`), attestation(vuln, scan, "ci"), true},
		"time":                           {rule(`timestamp(predicate.at) > timestamp("2026-01-01T00:00:00Z")`), attestation(vuln, scan, "ci"), true},
		"field":                          {rule(`predicate.ok`), attestation(vuln, scan, "ci"), true},
		"field that is no bool":          {rule(`predicate.n`), attestation(vuln, scan, "ci"), false},
		"absent field":                   {rule(`predicate.m == 3`), attestation(vuln, scan, "ci"), false},
		"not an absent field":            {rule(`!(predicate.m == 3)`), attestation(vuln, scan, "ci"), false},
		"rule on no JSON":                {rule(`true`), attestation(vuln, `{`, "ci"), false},
		"rule on nothing":                {rule(`true`), attestation(vuln, ``, "ci"), false},
		"rule on null":                   {rule(`predicate == null`), attestation(vuln, `null`, "ci"), true},
		"unverified":                     {rule(`true`), unverified, false},
		"too much work":                  {rule(`predicate.list.all(a, a == 1)`), attestation(vuln, many, "ci"), false},
		"too much work in squares":       {rule(`predicate.list.exists(a, predicate.list.exists(b, predicate.list.exists(c, a + b + c > 3)))`), attestation(vuln, many, "ci"), false},
		"too much work, negated":         {rule(`!predicate.list.exists(a, a == 2)`), attestation(vuln, many, "ci"), false},
		"a match with a long text":       {rule(`predicate.x.matches("^(a+)+$")`), attestation(vuln, `{"x":"`+strings.Repeat("a", 1<<20)+`b"}`, "ci"), false},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			g := compile(t, test.require)
			got := len(g.Satisfies([]evidence.Piece{invalid, test.piece})) == 1
			ok, missing := decide(g, test.piece)
			if got != test.want || ok != test.want || (missing == "") != test.want {
				t.Errorf("satisfied %v, decided %v (%s); want %v", got, ok, missing, test.want)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Each leaf is satisfied by any of the pieces, whatever the others are worth.
func TestSatisfiesByAnyPiece(t *testing.T) {
	demand := policy.Requirement{Attestation: &policy.Attestation{PredicateType: vuln, By: "ci", Rule: "predicate.n == 2"}}
	g := compile(t, &policy.Requirement{AllOf: []policy.Requirement{{SignedBy: "ops"}, demand, {SignedBy: "ci"}, demand}})
	if g.Leaves() != 4 {
		t.Errorf("%d leaves", g.Leaves())
	}
	got := g.Satisfies([]evidence.Piece{signature("ci"), attestation(vuln, `{"n":1}`, "ci"), attestation(vuln, `{`, "ci"), attestation(vuln, `{"n":2}`, "ci")})
	if !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
	if got := g.Satisfies(nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestCompileRefuses(t *testing.T) {
	at := func(rule string) *policy.Requirement {
		return &policy.Requirement{AnyOf: []policy.Requirement{{SignedBy: "ci"}, {Attestation: &policy.Attestation{PredicateType: "t", By: "ci", Rule: rule}}}}
	}
	for name, test := range map[string]struct {
		require *policy.Requirement
		want    string
	}{
		"syntax":            {at(`predicate.`), "require.any_of[1].attestation.rule: isn't valid CEL"},
		"unknown variable":  {at(`claims.x == 1`), "require.any_of[1].attestation.rule: isn't valid CEL"},
		"not a bool":        {at(`1 + 1`), "must be true or false, it is of type int"},
		"deep":              {at(strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200)), "isn't valid CEL"},
		"bad expression":    {at(`"a".matches("(")`), "require.any_of[1].attestation.rule"},
		"empty rule":        {&policy.Requirement{}, "require: want one of"},
		"empty alternative": {&policy.Requirement{AllOf: []policy.Requirement{{}}}, "require.all_of[0]: want one of"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Compile(policy.Policy{Require: test.require})
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
