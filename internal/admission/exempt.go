package admission

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Duration is written as 8s or 1m30s.
type Duration time.Duration

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *Duration) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q, expected a time such as 8s", n.Line, n.Value)
	}
	*d = Duration(parsed)
	return nil
}

// Until is the end of something: a day, which still counts, or a moment (RFC 3339). The zero value is no end.
type Until struct{ time.Time }

// UnmarshalYAML implements yaml.Unmarshaler.
func (u *Until) UnmarshalYAML(n *yaml.Node) error {
	if day, err := time.Parse(time.DateOnly, n.Value); err == nil {
		u.Time = day.AddDate(0, 0, 1)
		return nil
	}
	at, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		return fmt.Errorf("line %d: until: %q, expected a day such as 2027-01-31, or 2027-01-31T12:00:00Z", n.Line, n.Value)
	}
	u.Time = at
	return nil
}

// glob is text in which * stands for anything but a slash, and ** for anything.
type glob struct{ pattern *regexp.Regexp }

const maxGlob = 512

func newGlob(text string) (glob, error) {
	if len(text) > maxGlob {
		return glob{}, fmt.Errorf("at most %d bytes", maxGlob)
	}
	quoted := regexp.QuoteMeta(text)
	quoted = strings.ReplaceAll(quoted, `\*\*`, `.*`)
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	pattern, err := regexp.Compile("^" + quoted + "$")
	return glob{pattern}, err
}

func (g glob) matches(text string) bool { return g.pattern.MatchString(text) }

func (p *Policy) checkExemptions() error {
	if len(p.Exemptions) > maxEntries {
		return fmt.Errorf("exemptions: at most %d", maxEntries)
	}
	for i := range p.Exemptions {
		if err := p.Exemptions[i].complete(); err != nil {
			return fmt.Errorf("exemptions[%d]: %w", i, err)
		}
	}
	return nil
}

func (e *Exemption) complete() error {
	switch {
	case strings.TrimSpace(e.Reason) == "":
		return errors.New("reason: expected why, for those who look it up in the audit log")
	case len(e.Reason) > maxReason:
		return fmt.Errorf("reason: at most %d bytes", maxReason)
	case e.Namespace == "" && e.Image == "":
		return errors.New("expected a namespace, an image, or both")
	}
	namespace, image := e.Namespace, e.Image
	if namespace == "" {
		namespace = "**"
	}
	if image == "" {
		image = "**"
	}
	var err error
	if e.namespace, err = newGlob(namespace); err != nil {
		return fmt.Errorf("namespace: %w", err)
	}
	if e.image, err = newGlob(image); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	return nil
}

// exemption is the reason why an image is let through in a namespace, "" for none.
func (p *Policy) exemption(namespace string, img image, now time.Time) string {
	for _, e := range p.Exemptions {
		if (e.Until.IsZero() || now.Before(e.Until.Time)) && e.namespace.matches(namespace) && e.covers(img) {
			return e.Reason
		}
	}
	return ""
}

// covers holds the image's name against the pattern, and the name with what decides which image it is.
func (e Exemption) covers(img image) bool {
	return e.image.matches(img.name()) || e.image.matches(img.name()+img.which())
}
