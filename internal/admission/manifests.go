package admission

import (
	_ "embed" // the template
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"text/template"

	"github.com/havenregistry/haven/internal/outbound"
)

// Manifests is what the objects that a cluster needs are made of.
type Manifests struct {
	Image         string
	Namespace     string
	Name          string // of the service and of all else
	Replicas      int
	FailurePolicy string // Fail or Ignore
	Mutate        bool
	RobotSecret   string // with the keys username and password
	Policy        string // "" for an example
	HavenURL      string // for the example
}

//go:embed manifests.yaml.tmpl
var manifestsText string

//go:embed policy.example.yaml.tmpl
var exampleText string

// isLabel is the name of a service as Kubernetes has them (RFC 1035).
var isLabel = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// WriteManifests writes the objects, for those who don't use a chart. What they say is checked, the policy too.
func WriteManifests(w io.Writer, m Manifests) error {
	if err := m.check(); err != nil {
		return err
	}
	if m.Policy == "" {
		var b strings.Builder
		if err := template.Must(template.New("policy").Parse(exampleText)).Execute(&b, m); err != nil {
			return err
		}
		m.Policy = b.String()
	}
	if _, err := ParsePolicy([]byte(m.Policy)); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return template.Must(template.New("manifests").Funcs(template.FuncMap{"indent": indent}).Parse(manifestsText)).Execute(w, m)
}

func (m Manifests) check() error {
	for what, name := range map[string]string{"namespace": m.Namespace, "service-name": m.Name, "robot-secret": m.RobotSecret} {
		if !isLabel.MatchString(name) {
			return fmt.Errorf("%s: %q, expected lower-case letters, digits and hyphens", what, name)
		}
	}
	if _, err := parseImage(m.Image); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	u, err := url.Parse(m.HavenURL)
	switch {
	case m.Policy == "" && (err != nil || outbound.CheckURL(u) != nil || !isHost(u.Host)):
		return errors.New("haven-url: expected https://HOST")
	case m.Replicas < 1 || m.Replicas > 100:
		return errors.New("replicas: expected 1 to 100")
	case m.FailurePolicy != "Fail" && m.FailurePolicy != "Ignore":
		return errors.New("failure-policy: expected Fail or Ignore")
	}
	return nil
}

// Host is the host of HavenURL, as images are named by it.
func (m Manifests) Host() string {
	u, err := url.Parse(m.HavenURL)
	if err != nil {
		return ""
	}
	return u.Host
}

// indent makes text the content of a YAML block at this depth.
func indent(spaces int, text string) string {
	lead := strings.Repeat(" ", spaces)
	return lead + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+lead)
}
