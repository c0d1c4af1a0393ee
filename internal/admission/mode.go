package admission

import (
	"context"
	"log/slog"
	"time"

	"github.com/maypok86/otter/v2"
)

// ModeLabel is the label by which a namespace chooses its mode.
const ModeLabel = "haven.io/admission"

const (
	// labelLife is how old what is known of a namespace's labels may be.
	labelLife = 10 * time.Second
	// labelTime bounds a question about them, so that most of the time is left for Haven.
	labelTime     = 2 * time.Second
	maxNamespaces = 10_000
)

// labels reads a namespace's labels: kube.Client.
type labels interface {
	Labels(ctx context.Context, namespace string) (map[string]string, error)
}

// modes knows the mode of each namespace.
type modes struct {
	labels labels // nil where the cluster isn't asked
	usual  Mode
	clock  func() time.Time
	log    *slog.Logger
	cache  *otter.Cache[string, knownMode]
}

type knownMode struct {
	mode Mode
	at   time.Time
}

func newModes(l labels, usual Mode, clock func() time.Time, log *slog.Logger) *modes {
	return &modes{labels: l, usual: usual, clock: clock, log: log,
		cache: otter.Must(&otter.Options[string, knownMode]{MaximumSize: maxNamespaces})}
}

// of is the mode of a namespace. While the cluster doesn't tell, it is the last that was known, or the usual one.
func (m *modes) of(ctx context.Context, namespace string) Mode {
	if m.labels == nil || namespace == "" {
		return m.usual
	}
	known, ok := m.cache.GetIfPresent(namespace)
	if ok && m.clock().Before(known.at.Add(labelLife)) {
		return known.mode
	}
	ctx, cancel := context.WithTimeout(ctx, labelTime)
	defer cancel()
	found, err := m.labels.Labels(ctx, namespace)
	if err != nil {
		m.log.WarnContext(ctx, "the namespace's mode can't be looked up", "namespace", namespace, "error", err)
		if ok {
			return known.mode
		}
		return m.usual
	}
	mode := m.read(ctx, namespace, found[ModeLabel])
	m.cache.Set(namespace, knownMode{mode, m.clock()})
	return mode
}

// read understands a label. A mode that doesn't exist is no way around the usual one.
func (m *modes) read(ctx context.Context, namespace, label string) Mode {
	mode := Mode(label)
	switch {
	case label == "":
		return m.usual
	case !mode.known():
		m.log.WarnContext(ctx, "the namespace's label is no mode: expected enforce, warn, audit or off", "namespace", namespace, "label", label)
		return m.usual
	}
	return mode
}
