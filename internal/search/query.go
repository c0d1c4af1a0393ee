package search

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Query is what somebody looks for, taken apart.
type Query struct {
	Name   string // of anything, or of a repository where Tag or Digest is given
	Tag    string // how it begins
	Digest string // how it begins, its algorithm included
}

// word reports whether the query may be the name of anything.
func (q Query) word() bool {
	return q.Name != "" && q.Tag == "" && (q.Digest == "" || strings.HasSuffix(q.Digest, ":"+strings.ToLower(q.Name)))
}

// MaxQuery is how long a text may be, in bytes. A command with a digest and options is shorter.
const MaxQuery = 1024

var (
	digestIn  = regexp.MustCompile(`(?i)(?:^|@|\s)(sha(?:256|512):[0-9a-f]+)\b`)
	bareHex   = regexp.MustCompile(`^[0-9a-f]*[0-9][0-9a-f]*$`)
	toolNames = []string{"docker", "podman", "nerdctl", "buildah", "crane", "skopeo", "helm", "oras", "ctr", "crictl", "cosign", "regctl", "kubectl"}
	schemes   = []string{"https://", "http://", "oci://", "docker://"}
)

// fewDigits is how much of a digest without its algorithm is taken for one.
const fewDigits = 7

// Parse reads a text: a word, `repository:tag`, `repository tag`, a reference with or without a host, a digest or its
// beginning, or a whole command that pulls, pushes or runs something. host is how clients call this registry.
func Parse(text, host string) Query {
	words := strings.Fields(strings.Map(printable, text[:min(len(text), MaxQuery)]))
	if len(words) == 0 {
		return Query{}
	}
	if len(words) > 1 && isCommand(words) {
		words = argument(words)
	}
	q := reference(words[0], host)
	if len(words) > 1 && q.Tag == "" && q.Digest == "" {
		q.Tag = words[1]
	}
	return q
}

func printable(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}

func isCommand(words []string) bool {
	first := words[0]
	if first == "sudo" || first == "$" || first == "#" {
		first = words[1]
	}
	return slices.Contains(toolNames, first)
}

// argument is the reference that a command names, and the version that helm wants apart from it; as words of a query.
func argument(words []string) []string {
	for i, word := range words {
		if strings.HasPrefix(word, "-") || !strings.ContainsAny(word, "/@") || i > 0 && takesValue(words[i-1]) {
			continue
		}
		for j := 1; j+1 < len(words); j++ {
			if words[j] == "--version" {
				return []string{word, strings.ReplaceAll(words[j+1], "+", "_")}
			}
		}
		return []string{word}
	}
	return words[len(words)-1:]
}

// takesValue reports whether a command's option has its value in the next word, as far as that may look like a reference.
func takesValue(option string) bool {
	return slices.Contains([]string{"--platform", "-v", "--volume", "-w", "--workdir", "--key", "--authfile", "--creds"}, option)
}

func reference(word, host string) Query {
	if found := digestIn.FindStringSubmatchIndex(word); found != nil {
		name, _, _ := strings.Cut(word[:found[0]], "@")
		return Query{Name: withoutTag(withoutHost(name, host)), Digest: strings.ToLower(word[found[2]:found[3]])}
	}
	if lower := strings.ToLower(word); len(lower) >= fewDigits && bareHex.MatchString(lower) {
		return Query{Name: word, Digest: "sha256:" + lower}
	}
	name := withoutHost(word, host)
	short := withoutTag(name)
	return Query{Name: short, Tag: strings.TrimPrefix(name[len(short):], ":")}
}

// withoutTag cuts off what follows the last colon behind the last slash.
func withoutTag(name string) string {
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") && colon > 0 {
		return name[:colon]
	}
	return name
}

// withoutHost cuts off a scheme, and the host before the first slash: this registry's, or one that can't be the name of a project.
func withoutHost(name, host string) string {
	for _, scheme := range schemes {
		name = strings.TrimPrefix(name, scheme)
	}
	first, rest, parted := strings.Cut(name, "/")
	if parted && (first == host || first == "localhost" || strings.Contains(first, ":")) {
		return rest
	}
	return name
}
