package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/havenregistry/haven/internal/trust/evidence"
	"github.com/havenregistry/haven/internal/trust/policy"
	"pgregory.net/rapid"
)

func TestDecideSaysWhatIsMissing(t *testing.T) {
	by := func(name string) policy.Requirement { return policy.Requirement{SignedBy: name} }
	all := func(parts ...policy.Requirement) policy.Requirement { return policy.Requirement{AllOf: parts} }
	either := func(parts ...policy.Requirement) policy.Requirement { return policy.Requirement{AnyOf: parts} }
	built := policy.Requirement{Attestation: &policy.Attestation{PredicateType: slsa1, By: "ci", Builder: "https://b"}}
	scanned := policy.Requirement{Attestation: &policy.Attestation{PredicateType: vuln, By: "*", Rule: "predicate.n\n\t== 1"}}
	for name, test := range map[string]struct {
		require   policy.Requirement
		satisfied []int
		want      string
	}{
		"a signature":            {by("ci"), nil, `it needs a signature by "ci"`},
		"any signature":          {by("*"), nil, `it needs a signature by any signer of the policy`},
		"a builder":              {built, nil, `it needs an attestation https://slsa.dev/provenance/v1 by "ci" with builder https://b`},
		"a rule":                 {scanned, nil, `it needs an attestation ` + vuln + ` by any signer of the policy that fulfils the rule predicate.n == 1`},
		"all":                    {all(by("ci"), built), nil, `it needs a signature by "ci"; and an attestation https://slsa.dev/provenance/v1 by "ci" with builder https://b`},
		"the rest":               {all(by("ci"), by("ops"), built), []int{0, 2}, `it needs a signature by "ops"`},
		"either":                 {either(by("ci"), by("ops")), nil, `it needs a signature by "ci" or a signature by "ops"`},
		"one of them":            {either(by("ci"), by("ops")), []int{1}, ""},
		"all of either":          {all(either(by("ci"), by("ops")), by("*")), nil, `it needs (a signature by "ci" or a signature by "ops"); and a signature by any signer of the policy`},
		"either's rest":          {either(all(by("ci"), by("ops")), by("qa")), []int{0}, `it needs a signature by "ops" or a signature by "qa"`},
		"either of all":          {either(all(by("ci"), by("ops")), by("qa")), nil, `it needs (a signature by "ci"; and a signature by "ops") or a signature by "qa"`},
		"all of one needs none":  {all(either(by("ci"), by("ops"))), nil, `it needs a signature by "ci" or a signature by "ops"`},
		"what isn't there":       {by("ci"), []int{7}, `it needs a signature by "ci"`},
		"all of them, satisfied": {all(by("ci"), either(by("ops"), built)), []int{0, 2}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			satisfied := map[int]bool{}
			for _, n := range test.satisfied {
				satisfied[n] = true
			}
			ok, missing := compile(t, &test.require).Decide(satisfied)
			if ok != (test.want == "") || missing != test.want {
				t.Errorf("got %v, %s\nwant %s", ok, missing, test.want)
			}
		})
	}
}

func TestMissingIsBounded(t *testing.T) {
	var parts []policy.Requirement
	for range 100 {
		parts = append(parts, policy.Requirement{Attestation: &policy.Attestation{PredicateType: slsa1, By: "ci", Builder: strings.Repeat("ä", 500)}})
	}
	ok, missing := compile(t, &policy.Requirement{AllOf: parts}).Decide(nil)
	if ok || len(missing) > 1600 || !utf8.ValidString(missing) {
		t.Errorf("%v, %d bytes, %s", ok, len(missing), missing)
	}
}

// Whatever tree of rules and whatever pieces: the decision is that of reading the rules aloud, one by one.
func TestDecisionIsThatOfTheDocument(t *testing.T) {
	names := []string{"ci", "ops", "*"}
	typeOf := rapid.SampledFrom([]string{"t", "u"})
	var tree func(depth int) *rapid.Generator[policy.Requirement]
	tree = func(depth int) *rapid.Generator[policy.Requirement] {
		return rapid.Custom(func(rt *rapid.T) policy.Requirement {
			kind := rapid.IntRange(0, 3).Draw(rt, "kind")
			if depth == 1 {
				kind %= 2
			}
			switch kind {
			case 0:
				return policy.Requirement{SignedBy: rapid.SampledFrom(names).Draw(rt, "signed by")}
			case 1:
				a := policy.Attestation{PredicateType: typeOf.Draw(rt, "type"), By: rapid.SampledFrom(names).Draw(rt, "by")}
				if n := rapid.IntRange(0, 3).Draw(rt, "rule"); n > 0 {
					a.Rule = fmt.Sprintf("predicate.n == %d", n)
				}
				return policy.Requirement{Attestation: &a}
			case 2:
				return policy.Requirement{AnyOf: rapid.SliceOfN(tree(depth-1), 1, 4).Draw(rt, "any of")}
			}
			return policy.Requirement{AllOf: rapid.SliceOfN(tree(depth-1), 1, 4).Draw(rt, "all of")}
		})
	}
	piece := rapid.Custom(func(rt *rapid.T) evidence.Piece {
		p := evidence.Piece{
			State:   rapid.SampledFrom([]evidence.State{evidence.Verified, evidence.Verified, evidence.Unverified, evidence.Invalid}).Draw(rt, "state"),
			Signers: rapid.SampledFrom([][]string{{"ci"}, {"ops"}, {"ci", "ops"}, nil}).Draw(rt, "signers"),
		}
		if rapid.Bool().Draw(rt, "attestation") {
			p.PredicateType = typeOf.Draw(rt, "type")
			p.Predicate = fmt.Appendf(nil, `{"n":%d}`, rapid.IntRange(1, 3).Draw(rt, "n"))
		}
		return p
	})
	rapid.Check(t, func(rt *rapid.T) {
		require := tree(5).Draw(rt, "require")
		pieces := rapid.SliceOfN(piece, 0, 6).Draw(rt, "pieces")
		g := compile(t, &require)

		leaves := map[int]bool{}
		want := aloud(require, pieces, leaves)
		var satisfied []int
		for n, held := range leaves {
			if held {
				satisfied = append(satisfied, n)
			}
		}
		slices.Sort(satisfied)
		if got := g.Satisfies(pieces); !slices.Equal(got, satisfied) || g.Leaves() != len(leaves) {
			rt.Fatalf("satisfies %v of %d, want %v of %d", got, g.Leaves(), satisfied, len(leaves))
		}
		ok, missing := g.Decide(leaves)
		if ok != want || (missing == "") != want {
			rt.Fatalf("decided %v (%s), want %v", ok, missing, want)
		}
		// More evidence never takes a decision back.
		more := maps.Clone(leaves)
		more[rapid.IntRange(0, len(leaves)-1).Draw(rt, "another")] = true
		if again, _ := g.Decide(more); ok && !again {
			rt.Fatal("more evidence, less trust")
		}
	})
}

// aloud decides by the document's own words, and writes down which leaf holds, in the order of the document.
func aloud(r policy.Requirement, pieces []evidence.Piece, leaves map[int]bool) bool {
	one := func(holds func(evidence.Piece) bool) bool {
		n := len(leaves)
		leaves[n] = slices.ContainsFunc(pieces, func(p evidence.Piece) bool { return p.State == evidence.Verified && holds(p) })
		return leaves[n]
	}
	by := func(p evidence.Piece, name string) bool {
		return name == "*" && len(p.Signers) > 0 || slices.Contains(p.Signers, name)
	}
	switch {
	case r.SignedBy != "":
		return one(func(p evidence.Piece) bool { return p.PredicateType == "" && by(p, r.SignedBy) })
	case r.Attestation != nil:
		return one(func(p evidence.Piece) bool {
			said := strings.TrimSuffix(strings.TrimPrefix(string(p.Predicate), `{"n":`), "}")
			return p.PredicateType == r.Attestation.PredicateType && by(p, r.Attestation.By) &&
				(r.Attestation.Rule == "" || r.Attestation.Rule == "predicate.n == "+said)
		})
	}
	held := 0
	parts := append(slices.Clone(r.AnyOf), r.AllOf...)
	for _, part := range parts {
		if aloud(part, pieces, leaves) {
			held++
		}
	}
	return held == len(parts) || len(r.AnyOf) > 0 && held > 0
}
