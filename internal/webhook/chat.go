package webhook

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// fact is a line of a message for people.
type fact struct{ name, value string }

// maxFact bounds a line, in bytes.
const maxFact = 1000

// facts are what people want to know of an event at a glance.
func (v told) facts() []fact {
	var d data
	_ = json.Unmarshal(v.Data, &d) // our own; what doesn't parse has no lines
	all := []fact{{"Operator", v.Operator}}
	if d.Repository != nil {
		all = append(all, fact{"Repository", d.Repository.FullName})
	}
	for _, r := range d.Resources {
		all = append(all, fact{"Resource", r.URL}, fact{"Digest", r.Digest})
		all = append(all, scanFacts(r.ScanOverview)...)
	}
	if r := d.Replication; r != nil {
		all = append(all, fact{"Status", r.Status}, fact{"From", r.Source.Name}, fact{"To", r.Destination.Name})
	}
	if r := d.Retention; r != nil {
		all = append(all, fact{"Project", r.Project}, fact{"Result", r.Result})
	}
	all = append(all, fact{"Details", d.Custom["Details"]})
	out := all[:0]
	for _, f := range all {
		if f.value != "" {
			out = append(out, fact{f.name, cut(f.value, maxFact)})
		}
	}
	return out
}

func scanFacts(overview json.RawMessage) (all []fact) {
	var reports map[string]struct {
		Status   string `json:"scan_status"`
		Severity string `json:"severity"`
	}
	if json.Unmarshal(overview, &reports) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(reports)) { // in one order: each try sends the same body
		all = append(all, fact{"Scan", reports[name].Status}, fact{"Severity", reports[name].Severity})
	}
	return all
}

// cut shortens a text to some bytes, between characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}

// title is an event's type for people: Push artifact.
func (t EventType) title() string {
	words := strings.ToLower(strings.ReplaceAll(string(t), "_", " "))
	return strings.ToUpper(words[:1]) + words[1:]
}

type slackMessage struct {
	Text   string       `json:"text"` // for notifications
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"` // addresses and names in the text stay text
}

const maxSlackText = 2900 // a section has at most 3000 characters

// slack is a message for Slack, and what takes Slack's messages. Names that somebody chose can't make links or call people.
func (v told) slack() slackMessage {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	lines := make([]string, 0, 8)
	for _, f := range v.facts() {
		lines = append(lines, "*"+f.name+":* "+escape(f.value))
	}
	title := v.EventType.title()
	return slackMessage{Text: title, Blocks: []slackBlock{
		{"section", slackText{"mrkdwn", "*" + title + "*", true}},
		{"section", slackText{"mrkdwn", cut(strings.Join(lines, "\n"), maxSlackText), true}},
	}}
}

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string `json:"$schema"`
	Type    string `json:"type"`
	Version string `json:"version"`
	Body    []any  `json:"body"`
}

type teamsHeading struct {
	Type   string `json:"type"`
	Size   string `json:"size"`
	Weight string `json:"weight"`
	Text   string `json:"text"`
	Wrap   bool   `json:"wrap"`
}

type teamsFacts struct {
	Type  string      `json:"type"`
	Facts []teamsFact `json:"facts"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// teams is an Adaptive Card, as the workflow "when a Teams webhook request is received" takes it.
func (v told) teams() teamsMessage {
	// A card's texts are Markdown. A backslash that is there would take away the effect of ours.
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "`", "\\`").Replace
	var list []teamsFact
	for _, f := range v.facts() {
		list = append(list, teamsFact{f.name, escape(f.value)})
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive",
		Content: teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Body: []any{
			teamsHeading{Type: "TextBlock", Size: "Medium", Weight: "Bolder", Text: v.EventType.title(), Wrap: true},
			teamsFacts{Type: "FactSet", Facts: list},
		}},
	}}}
}
