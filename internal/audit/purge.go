package audit

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/event"
	"github.com/havenregistry/haven/internal/fault"
)

// The parameters of a purge, by Harbor's names.
const (
	retentionHour     = "audit_retention_hour"
	includeEventTypes = "include_event_types"
	includeOperations = "include_operations" // older clients'
	dryRun            = "dry_run"
)

// maxRetention is 10,000 days, in hours.
const maxRetention = 240_000

// others stands for the kinds of events that aren't about artifacts.
const others = "other"

// Purge is which rows to delete: those of some kinds that are older than the retention.
type Purge struct {
	sent       map[string]any // as a client sent it, of the names that are known
	retention  time.Duration
	kinds      []string
	operations []string
	dry        bool
}

// ParsePurge reads the parameters that a client sent, or ParsePurge's own text decoded. The refusal is a
// fault.Invalid.
func ParsePurge(sent map[string]any) (Purge, error) {
	p := Purge{sent: map[string]any{}}
	for _, name := range []string{retentionHour, includeEventTypes, includeOperations, dryRun} {
		if v, found := sent[name]; found && v != nil {
			p.sent[name] = v
		}
	}
	hours, err := wholeHours(p.sent[retentionHour])
	if err != nil {
		return p, err
	}
	p.retention = time.Duration(hours) * time.Hour
	p.sent[retentionHour] = hours
	if p.kinds, err = words(p.sent, includeEventTypes, knownKinds()); err != nil {
		return p, err
	}
	if p.operations, err = words(p.sent, includeOperations, nil); err != nil {
		return p, err
	}
	if len(p.kinds)+len(p.operations) == 0 {
		return p, fault.Invalidf("%s should provide", includeEventTypes)
	}
	if v, found := p.sent[dryRun]; found {
		dry, ok := v.(bool)
		if !ok {
			return p, fault.Invalidf("%s: expected true or false", dryRun)
		}
		p.dry = dry
	}
	return p, nil
}

func wholeHours(sent any) (int64, error) {
	var hours float64
	switch v := sent.(type) {
	case nil:
		return 0, fault.Invalidf("%s should provide", retentionHour)
	case float64:
		hours = v
	case int64:
		hours = float64(v)
	case json.Number:
		hours, _ = v.Float64()
	default:
		hours = math.NaN()
	}
	if !(hours >= 0 && hours <= maxRetention) || math.Trunc(hours) != hours {
		return 0, fault.Invalidf("%s: expected a whole number of hours from 0 to %d", retentionHour, maxRetention)
	}
	return int64(hours), nil
}

// words reads a comma list of lower-case words, all of them known unless known is nil.
func words(sent map[string]any, name string, known []string) (all []string, err error) {
	v, found := sent[name]
	if !found {
		return nil, nil
	}
	list, ok := v.(string)
	if !ok {
		return nil, fault.Invalidf("%s: expected words with commas between them", name)
	}
	for _, word := range strings.Split(list, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_") != "" || known != nil && !slices.Contains(known, word) {
			return nil, fault.Invalidf("%s: %q is not valid", name, word)
		}
		all = append(all, word)
	}
	return all, nil
}

func knownKinds() []string {
	all := []string{others}
	for _, k := range EventTypes() {
		all = append(all, string(k))
	}
	return all
}

// String is the parameters as JSON, with the names sorted.
func (p Purge) String() string {
	text, err := json.Marshal(p.sent)
	if err != nil { // numbers, texts and booleans
		return "{}"
	}
	return string(text)
}

// covers reports whether rows of the kind are to go.
func (p Purge) covers(kind, operation string) bool {
	if slices.Contains(p.kinds, kind) || slices.Contains(p.operations, operation) {
		return true
	}
	switch event.Kind(kind) {
	case event.CreateArtifact, event.DeleteArtifact, event.PullArtifact:
		return false
	}
	return slices.Contains(p.kinds, others)
}

// words for the log of a run.
func (p Purge) describe(before time.Time) string {
	what := slices.Concat(p.kinds, p.operations)
	text := "rows of " + strings.Join(what, ", ") + " from before " + before.UTC().Format(time.RFC3339)
	if p.dry {
		text += "; a dry run deletes nothing"
	}
	return text
}

func rowsWord(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return strconv.FormatInt(n, 10) + " rows"
}
