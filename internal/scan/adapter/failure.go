package adapter

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/havenregistry/haven/internal/outbound"
	"github.com/havenregistry/haven/internal/secret"
)

// Why a scanner gave no report. Each Failure is one of them.
var (
	// ErrUnreachable: no answer came. It may come later.
	ErrUnreachable = errors.New("the scanner can't be reached")
	// ErrRefused: the scanner doesn't take our credential.
	ErrRefused = errors.New("the scanner refuses the credential")
	// ErrStatus: the scanner says that it failed, or answers with a status that isn't of the protocol.
	ErrStatus = errors.New("the scanner failed")
	// ErrAnswer: an answer isn't what the protocol says, or is too large.
	ErrAnswer = errors.New("the scanner's answer can't be used")
	// ErrLate: the report didn't come within the time that scans may take.
	ErrLate = errors.New("the scanner took too long")
)

// Failure is why a scanner gave no report.
type Failure struct {
	Kind   error  // one of the errors above
	Reason string // what people may be told besides; "" for nothing
	Status int    // of the answer; 0 where there was none or it doesn't matter
	err    error
}

// Kinds are the words by which figures tell failures apart.
func Kinds() map[error]string {
	return map[error]string{ErrUnreachable: "unreachable", ErrRefused: "credential_refused", ErrStatus: "failed", ErrAnswer: "bad_answer", ErrLate: "late"}
}

// Error is for people: it holds nothing that was secret in the request.
func (f *Failure) Error() string {
	if f.Reason == "" {
		return f.Kind.Error()
	}
	return f.Kind.Error() + ": " + f.Reason
}

// Unwrap returns the kind, and what caused it.
func (f *Failure) Unwrap() []error {
	if f.err == nil {
		return []error{f.Kind}
	}
	return []error{f.Kind, f.err}
}

// Permanent reports whether the same request would fail the same way again.
func (f *Failure) Permanent() bool {
	return f.Kind == ErrRefused || f.Kind == ErrAnswer || f.Kind == ErrStatus && f.Status < 500 && f.Status != 429
}

// unreachable is the failure of a request without an answer. A redirect or an answer that is refused is the
// scanner's doing, and doesn't pass.
func unreachable(err error) error {
	f := &Failure{Kind: ErrUnreachable, Reason: outbound.Reason(err), err: err}
	if errors.Is(err, outbound.ErrTooLarge) || errors.Is(err, outbound.ErrRedirect) {
		f.Kind = ErrAnswer
	}
	return f
}

func badAnswer(format string, args ...any) error {
	return &Failure{Kind: ErrAnswer, Reason: fmt.Sprintf(format, args...)}
}

// maxMessage bounds what is shown of a scanner's words, in characters.
const maxMessage = 300

// shortestSecret is the length from which on words are looked through for a part of a secret, in bytes: shorter ones
// are in all kinds of words.
const shortestSecret = 5

// forms are the ways in which a scanner may repeat a credential or the header that it came in, the longest first.
func forms(sent string) []string {
	all := []string{sent, base64.StdEncoding.EncodeToString([]byte(sent))}
	for _, part := range strings.Fields(sent) {
		if part == string(Basic) || part == string(Bearer) {
			continue
		}
		all = append(all, part)
		if plain, err := base64.StdEncoding.DecodeString(part); err == nil {
			all = append(all, string(plain))
		}
	}
	for _, each := range all {
		if _, password, ok := strings.Cut(each, ":"); ok {
			all = append(all, password)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// shown makes words of a scanner fit to be seen in logs and answers: short, one line, and without what it was sent
// in confidence, should it repeat that.
func shown(words string, secrets ...secret.Text) string {
	for _, s := range secrets {
		for _, form := range forms(s.Reveal()) {
			if len(form) >= shortestSecret {
				words = strings.ReplaceAll(words, form, "[redacted]")
			}
		}
	}
	words = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, " "))
	words = strings.Join(strings.Fields(words), " ")
	if runes := []rune(words); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return words
}
