package identity

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is taken of a person, whatever a provider says.
const (
	maxGroups   = 10_000
	maxGroupKey = 2048 // bytes
)

// tidy makes of a person what an account can be: names without what is illegal in them, an e-mail or
// none, groups in order and once.
func tidy(p Person) Person {
	p.Username = legal(p.Username)
	p.Realname = legal(p.Realname)
	if !emailForm.MatchString(p.Email) || !printable(p.Email) || utf8.RuneCountInString(p.Email) > maxName {
		p.Email = ""
	}
	var groups []Group
	for _, g := range p.Groups {
		if g.Key == "" || len(g.Key) > maxGroupKey || !printable(g.Key) {
			continue
		}
		groups = append(groups, Group{Name: groupName(g), Key: g.Key})
	}
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Compare(a.Key, b.Key) })
	groups = slices.CompactFunc(groups, func(a, b Group) bool { return a.Key == b.Key })
	p.Groups = groups[:min(len(groups), maxGroups)]
	return p
}

// legal replaces what Harbor doesn't want in names by underscores, and cuts them.
func legal(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(illegalInNames, r) || !printable(string(r)) {
			return '_'
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(name, "_")))
	return cut(name, maxName)
}

func groupName(g Group) string {
	name := strings.TrimSpace(g.Name)
	if name == "" || !printable(name) {
		name = g.Key
	}
	return cut(name, maxName)
}

// cut returns at most n characters of s.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// wordOf is a digest of what a provider says, to know news by. The subject is not news.
func wordOf(p Person) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %t\n", p.Email, p.Realname, p.Admin)
	for _, g := range p.Groups {
		fmt.Fprintf(h, "%q\n", g.Key)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// noEmail stands in the place of an e-mail for an account without one: the column is unique, and no log-in
// name or e-mail has a # in it.
func noEmail(username string) string { return "#" + username }

// shownEmail is what people see of a stored e-mail.
func shownEmail(stored string) string {
	if strings.HasPrefix(stored, "#") {
		return ""
	}
	return stored
}
