package cosign

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/havenregistry/haven/internal/trust/policy"
)

// identity is one of a signer's, made ready.
type identity struct {
	signer          string
	root            string
	issuer, subject pattern
}

// pattern is a text, or an expression that must match the whole. The zero value matches "" alone: the issuer of authorities that write none.
type pattern struct {
	exact      string
	expression *regexp.Regexp
}

func (p pattern) matches(s string) bool {
	if p.expression != nil {
		return p.expression.MatchString(s)
	}
	return s == p.exact
}

func newPattern(exact, expression string) (pattern, error) {
	const most = 1000
	switch {
	case expression == "":
		return pattern{exact: exact}, nil
	case exact != "":
		return pattern{}, errors.New("is given as text and as regular expression; want one of them")
	case len(expression) > most:
		return pattern{}, fmt.Errorf("is longer than %d bytes", most)
	}
	// Alone first, so that no parenthesis in it can close the one that anchors it.
	if _, err := regexp.Compile(expression); err != nil {
		return pattern{}, fmt.Errorf("isn't a regular expression (RE2): %w", err)
	}
	whole, err := regexp.Compile(`\A(?:` + expression + `)\z`)
	if err != nil {
		return pattern{}, fmt.Errorf("isn't a regular expression (RE2): %w", err)
	}
	return pattern{expression: whole}, nil
}

func newIdentity(signer string, i policy.Identity) (identity, error) {
	found := identity{signer: signer, root: i.Root}
	var err error
	if found.issuer, err = newPattern(i.Issuer, i.IssuerRegexp); err != nil {
		return identity{}, fmt.Errorf("issuer %w", err)
	}
	if found.subject, err = newPattern(i.Subject, i.SubjectRegexp); err != nil {
		return identity{}, fmt.Errorf("subject %w", err)
	}
	if i.Subject == "" && i.SubjectRegexp == "" {
		return identity{}, errors.New("subject is missing: without it anybody would do whom the root has given a certificate")
	}
	return found, nil
}

// holder is whom a certificate names.
type holder struct {
	issuer   string // who has told the authority; "" where it writes none
	subjects []string
}

func holderOf(c *x509.Certificate) (holder, error) {
	extensions, err := certificate.ParseExtensions(c.Extensions)
	if err != nil {
		return holder{}, fmt.Errorf("has an extension that can't be read: %w", err)
	}
	return holder{issuer: extensions.Issuer, subjects: cryptoutils.GetSubjectAlternateNames(c)}, nil
}

func (h holder) is(i identity) bool {
	return i.issuer.matches(h.issuer) && slices.ContainsFunc(h.subjects, i.subject.matches)
}

// by is how a certificate's holder is named to people.
func (h holder) by(c *x509.Certificate) string {
	name := shown(c.Subject.String())
	if len(h.subjects) > 0 {
		name = shown(h.subjects[0])
	}
	if h.issuer != "" {
		name += " (" + shown(h.issuer) + ")"
	}
	return name
}
