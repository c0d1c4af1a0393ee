package policy

import (
	"strconv"
	"strings"
)

// longestMissing bounds what is said of a policy that isn't fulfilled, in bytes.
const longestMissing = 1500

// Decide says whether the policy is fulfilled where the leaves of these numbers are satisfied; else what is missing, in
// words for people: of rules that must all hold, each that doesn't; of alternatives, all of them.
func (g *Program) Decide(satisfied map[int]bool) (ok bool, missing string) {
	lack := g.missing(g.root, satisfied)
	if lack.words == "" {
		return true, ""
	}
	return false, shorten("it needs "+lack.words, longestMissing)
}

// lack is what is missing; several says whether the words are joined from those of several rules.
type lack struct {
	words   string
	several bool
}

func (g *Program) missing(n *node, satisfied map[int]bool) lack {
	if len(n.parts) == 0 {
		if satisfied[n.leaf] {
			return lack{}
		}
		return lack{words: g.leaves[n.leaf].String()}
	}
	var lacks []lack
	for _, part := range n.parts {
		l := g.missing(part, satisfied)
		if l.words != "" {
			lacks = append(lacks, l)
		} else if n.any {
			return lack{}
		}
	}
	if len(lacks) == 0 {
		return lack{}
	}
	if len(lacks) == 1 {
		return lacks[0]
	}
	words := make([]string, len(lacks))
	for i, l := range lacks {
		if words[i] = l.words; l.several {
			words[i] = "(" + l.words + ")"
		}
	}
	separator := "; and "
	if n.any {
		separator = " or "
	}
	return lack{words: strings.Join(words, separator), several: true}
}

// String is the demand in words.
func (l leaf) String() string {
	by := "any signer of the policy"
	if l.by != anybody {
		by = strconv.Quote(l.by)
	}
	if l.attestation == nil {
		return "a signature by " + by
	}
	words := "an attestation " + shorten(l.attestation.PredicateType, 200) + " by " + by
	if l.attestation.Builder != "" {
		words += " with builder " + shorten(l.attestation.Builder, 200)
	}
	if l.rule != nil {
		words += " that fulfils the rule " + shorten(strings.Join(strings.Fields(l.attestation.Rule), " "), 200)
	}
	return words
}
