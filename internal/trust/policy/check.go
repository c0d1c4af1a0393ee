package policy

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	mostRoots       = 20
	mostSigners     = 50
	mostCredentials = 20 // of each kind, of a signer
	mostLeaves      = 100
	deepestRule     = 5
	longestText     = 1024 // of an identity, a builder, a predicate type, in bytes
	longestRule     = 4096
	longestKey      = 16 << 10
	longestRoot     = 128 << 10

	anybody = "*"
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

const nameRule = "a name begins with a-z or 0-9 and goes on with up to 62 of a-z, 0-9, dot, underscore and hyphen"

// check is all that needs no cryptography.
func (p Policy) check() error {
	if len(p.Signers) == 0 && len(p.Roots) == 0 {
		return fault.Invalidf("signers: the policy names nobody; give at least one signer")
	}
	if len(p.Signers) == 0 && p.SignedBeforeTag {
		return fault.Invalidf("signed_before_tag: the policy has no signers; give at least one")
	}
	if len(p.Signers) == 0 && p.Require != nil {
		return fault.Invalidf("require: the policy has no signers that could fulfil it; give at least one")
	}
	if err := p.checkRoots(); err != nil {
		return err
	}
	if len(p.Signers) > mostSigners {
		return fault.Invalidf("signers: at most %d; give several keys or identities to one signer", mostSigners)
	}
	names := map[string]bool{}
	for i, s := range p.Signers {
		path := at("signers", i)
		if !nameForm.MatchString(s.Name) {
			return fault.Invalidf("%s.name: %s isn't a name: %s", path, quote(s.Name), nameRule)
		}
		if names[s.Name] {
			return fault.Invalidf("%s.name: there is another signer %q; names must differ", path, s.Name)
		}
		names[s.Name] = true
		if err := s.check(path); err != nil {
			return err
		}
	}
	if p.Require == nil {
		return nil
	}
	c := ruleCheck{signers: names}
	return c.rule("require", *p.Require, 1)
}

func (p Policy) checkRoots() error {
	if len(p.Roots) > mostRoots {
		return fault.Invalidf("roots: at most %d", mostRoots)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Roots)) {
		root, path := p.Roots[name], below("roots", name)
		if !nameForm.MatchString(name) {
			return fault.Invalidf("roots: %s isn't a name: %s", quote(name), nameRule)
		}
		parts := root.CA != "" || root.Log != "" || root.CTLog != "" || root.TSA != ""
		switch whole := len(root.TrustedRoot) > 0; {
		case whole && parts:
			return fault.Invalidf("%s: give either trusted_root or ca, log, ct_log and tsa, not both", path)
		case whole:
			if len(root.TrustedRoot) > longestRoot {
				return fault.Invalidf("%s.trusted_root: longer than %d KiB", path, longestRoot>>10)
			}
			if root.TrustedRoot[0] != '{' || !json.Valid(root.TrustedRoot) {
				return fault.Invalidf("%s.trusted_root: want an object, the content of Sigstore's trusted_root.json", path)
			}
		case root.CA == "":
			return fault.Invalidf("%s: give trusted_root, or ca, the certificates of the authority in PEM", path)
		}
	}
	return nil
}

func (s Signer) check(path string) error {
	if len(s.Keys) == 0 && len(s.Identities) == 0 && s.Notation == nil {
		return fault.Invalidf("%s: %q has nothing to be known by; give keys, identities or notation", path, s.Name)
	}
	if len(s.Keys) > mostCredentials {
		return fault.Invalidf("%s.keys: at most %d", path, mostCredentials)
	}
	for i, key := range s.Keys {
		if strings.TrimSpace(key) == "" || len(key) > longestKey {
			return fault.Invalidf("%s: want a public key in PEM, of at most %d KiB", at(path+".keys", i), longestKey>>10)
		}
	}
	if len(s.Identities) > mostCredentials {
		return fault.Invalidf("%s.identities: at most %d; a regular expression may stand for several", path, mostCredentials)
	}
	for i, id := range s.Identities {
		if err := id.check(at(path+".identities", i)); err != nil {
			return err
		}
	}
	if s.Notation != nil {
		return s.Notation.check(path + ".notation")
	}
	return nil
}

func (id Identity) check(path string) error {
	if !nameForm.MatchString(id.Root) {
		return fault.Invalidf("%s.root: want the name of one of the roots; %s", path, nameRule)
	}
	if id.Issuer != "" && id.IssuerRegexp != "" {
		return fault.Invalidf("%s: give issuer or issuer_regexp, not both", path)
	}
	if (id.Subject == "") == (id.SubjectRegexp == "") {
		return fault.Invalidf("%s: give exactly one of subject and subject_regexp", path)
	}
	for _, text := range []struct{ field, value string }{{"issuer", id.Issuer}, {"issuer_regexp", id.IssuerRegexp},
		{"subject", id.Subject}, {"subject_regexp", id.SubjectRegexp}} {
		if len(text.value) > longestText {
			return fault.Invalidf("%s.%s: longer than %d bytes", path, text.field, longestText)
		}
		if !strings.HasSuffix(text.field, "_regexp") {
			continue
		}
		if _, err := regexp.Compile(text.value); err != nil {
			return fault.Invalidf("%s.%s: isn't a regular expression of RE2: %v", path, text.field, err)
		}
	}
	return nil
}

func (n Notation) check(path string) error {
	if strings.TrimSpace(n.Certificates) == "" {
		return fault.Invalidf("%s.certificates: want at least one certificate in PEM", path)
	}
	if len(n.Identities) == 0 || len(n.Identities) > mostCredentials {
		return fault.Invalidf("%s.identities: give 1 to %d distinguished names of signing certificates, or %q for each of this store", path, mostCredentials, anybody)
	}
	for i, id := range n.Identities {
		if strings.TrimSpace(id) == "" || len(id) > longestText {
			return fault.Invalidf("%s: want a distinguished name of at most %d bytes, as C=US, ST=WA, O=acme", at(path+".identities", i), longestText)
		}
		if id == anybody && len(n.Identities) > 1 {
			return fault.Invalidf("%s: %q stands for all; give it alone, or leave it out", at(path+".identities", i), anybody)
		}
	}
	switch n.Revocation {
	case "", "log", "skip":
	case "enforce":
		if strings.TrimSpace(n.CRLs) == "" {
			return fault.Invalidf("%s.crls: without a list nothing is good under enforce; give the authority's lists, or revocation \"log\"", path)
		}
	default:
		return fault.Invalidf("%s.revocation: %s isn't one of enforce, log and skip", path, quote(n.Revocation))
	}
	return nil
}

// ruleCheck checks the tree of rules, and counts its leaves.
type ruleCheck struct {
	signers map[string]bool
	leaves  int
}

func (c *ruleCheck) rule(path string, r Requirement, depth int) error {
	if depth > deepestRule {
		return fault.Invalidf("%s: rules are nested more than %d deep", path, deepestRule)
	}
	set := 0
	for _, given := range []bool{len(r.AnyOf) > 0, len(r.AllOf) > 0, r.SignedBy != "", r.Attestation != nil} {
		if given {
			set++
		}
	}
	if set != 1 {
		return fault.Invalidf("%s: want exactly one of any_of, all_of, signed_by and attestation, and not empty", path)
	}
	switch {
	case r.SignedBy != "":
		if err := c.leaf(path); err != nil {
			return err
		}
		return c.signer(path+".signed_by", r.SignedBy)
	case r.Attestation != nil:
		if err := c.leaf(path); err != nil {
			return err
		}
		return c.attestation(path+".attestation", *r.Attestation)
	}
	name, parts := "all_of", r.AllOf
	if len(r.AnyOf) > 0 {
		name, parts = "any_of", r.AnyOf
	}
	for i, part := range parts {
		if err := c.rule(at(path+"."+name, i), part, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *ruleCheck) leaf(path string) error {
	if c.leaves++; c.leaves > mostLeaves {
		return fault.Invalidf("%s: at most %d demands in all", path, mostLeaves)
	}
	return nil
}

func (c *ruleCheck) signer(path, name string) error {
	if name == anybody || c.signers[name] {
		return nil
	}
	return fault.Invalidf("%s: there is no signer %s; add it to signers, or say %q for any of them", path, quote(name), anybody)
}

func (c *ruleCheck) attestation(path string, a Attestation) error {
	if a.PredicateType == "" || len(a.PredicateType) > longestText {
		return fault.Invalidf("%s.predicate_type: want a type of at most %d bytes, as https://slsa.dev/provenance/v1", path, longestText)
	}
	if err := c.signer(path+".by", a.By); err != nil {
		return err
	}
	if len(a.Builder) > longestText {
		return fault.Invalidf("%s.builder: longer than %d bytes", path, longestText)
	}
	if a.Builder != "" && !hasBuilder(a.PredicateType) {
		return fault.Invalidf("%s.builder: only provenance of SLSA (%s0.1, %s0.2, %s1) names one; say it as a rule", path, slsa, slsa, slsa)
	}
	if len(a.Rule) > longestRule {
		return fault.Invalidf("%s.rule: longer than %d bytes", path, longestRule)
	}
	return nil
}
