package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/havenregistry/haven/internal/identity"
)

// claims is what a provider says about somebody, in an ID token or at its userinfo endpoint.
type claims map[string]any

const (
	// maxGroups bounds the groups of one person, after the filter.
	maxGroups = 2000
	// maxGroupName bounds the name of one, in bytes.
	maxGroupName = 255
	// maxSubject bounds a sub, in bytes. OpenID Connect Core 1.0, section 2.
	maxSubject = 255
)

// ErrProfile says that the provider's description of somebody can't be used.
var ErrProfile = errors.New("what the provider tells about this person can't be used")

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return strings.TrimSpace(s)
}

// person makes a Person of an ID token and, where there is one, the answer of the userinfo endpoint. The
// groups of userinfo win over those of the token, because tokens are often cut short.
func (c config) person(issuer, sub string, token, info claims) (identity.Person, error) {
	p := identity.Person{
		Subject:  subjectOf(issuer, sub),
		Username: c.username(token, info),
		Email:    cmp.Or(email(token), email(info)),
		Realname: cmp.Or(token.text("name"), info.text("name")),
	}
	if p.Username == "" {
		return p, fmt.Errorf("%w: it names no user name; oidc_user_claim says which claim has it", ErrProfile)
	}
	names := groups(info, c.groupsClaim)
	if _, told := info[c.groupsClaim]; !told {
		names = groups(token, c.groupsClaim)
	}
	for _, name := range names {
		p.Admin = p.Admin || c.adminGroup != "" && name == c.adminGroup
		if len(name) <= maxGroupName && (c.groupFilter == nil || c.groupFilter.MatchString(name)) {
			p.Groups = append(p.Groups, identity.Group{Name: name, Key: name})
		}
	}
	if len(p.Groups) > maxGroups {
		return p, fmt.Errorf("%w: they are in %d groups, more than %d; oidc_group_filter can choose", ErrProfile, len(p.Groups), maxGroups)
	}
	return p, nil
}

// username is the claim that the settings name, else the name, as Harbor has it; else what most providers
// call the user name.
func (c config) username(token, info claims) string {
	if c.userClaim != "" {
		return cmp.Or(token.text(c.userClaim), info.text(c.userClaim))
	}
	return cmp.Or(info.text("name"), token.text("name"), token.text("preferred_username"), info.text("preferred_username"))
}

// email leaves out one that the provider says it didn't verify: names and e-mails are one namespace.
func email(c claims) string {
	if v := c["email_verified"]; v == false || v == "false" {
		return ""
	}
	return c.text("email")
}

// groups reads a claim that is a list of names or one name, each name once.
func groups(c claims, claim string) []string {
	var names []string
	add := func(v any) {
		if name, ok := v.(string); ok && strings.TrimSpace(name) != "" {
			names = append(names, strings.TrimSpace(name))
		}
	}
	switch v := c[claim].(type) {
	case string:
		add(v)
	case []any:
		for _, one := range v {
			add(one)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// subjectOf names somebody for ever. An issuer is a URL, so no blank is in it.
func subjectOf(issuer, sub string) string { return issuer + " " + sub }

// splitSubject is the inverse of subjectOf.
func splitSubject(subject string) (issuer, sub string) {
	issuer, sub, _ = strings.Cut(subject, " ")
	return issuer, sub
}
