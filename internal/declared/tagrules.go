package declared

import (
	"context"
	"strings"
	"time"
)

type tagRuleRow struct {
	ID                 int64      `json:"id,omitempty"`
	Disabled           bool       `json:"disabled"`
	Repositories       string     `json:"repositories"`
	ExceptRepositories bool       `json:"except_repositories"`
	Tags               string     `json:"tags"`
	ExceptTags         bool       `json:"except_tags"`
	NoMove             bool       `json:"no_move"`
	NoDelete           bool       `json:"no_delete"`
	HoldUntil          *time.Time `json:"hold_until,omitempty"`
	Reason             string     `json:"reason,omitempty"`
}

// tagRules say which tags of a project stay as they are. What a rule is about is its name, as there is no other.
func tagRules() kind {
	return kind{
		section: "tag_rules", inProject: true, name: tagRuleName,
		fields: []field{
			aText("repositories").must(), aTruth("except_repositories").usually(false), aText("tags").must(), aTruth("except_tags").usually(false),
			aTruth("no_move").usually(false), aTruth("no_delete").usually(false), aText("hold_until").kept(moment), aText("reason"), aTruth("disabled").usually(false),
		},
		list: listTagRules,
		create: func(ctx context.Context, s *session, w want) error {
			_, err := s.post(ctx, projectAPI(w.home, "tagrules"), tagRuleOf(w.full))
			return err
		},
		change: func(ctx context.Context, s *session, w want) error {
			return s.put(ctx, at(projectAPI(w.home, "tagrules"), w.have.id), tagRuleOf(w.full))
		},
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(projectAPI(o.home, "tagrules"), o.id)))
		},
	}
}

// tagRuleName is other for other rules, as the registry tells them apart: how long one holds and whether it is disabled are no difference.
func tagRuleName(v values) string {
	var words []string
	for _, p := range []string{"repositories", "tags"} {
		if v.truth("except_" + p) {
			words = append(words, "all but")
		}
		words = append(words, v.text(p))
	}
	for _, f := range []string{"no_move", "no_delete"} {
		if v.truth(f) {
			words = append(words, f)
		}
	}
	if v.text("hold_until") != "" {
		words = append(words, "hold")
	}
	return strings.Join(words, " ")
}

func listTagRules(ctx context.Context, s *session, home string, _ func(string) bool) ([]object, error) {
	rows, err := every[tagRuleRow](ctx, s.API, projectAPI(home, "tagrules"), nil)
	var all []object
	for _, r := range rows {
		o := object{home: home, id: r.ID, values: values{
			"repositories": r.Repositories, "except_repositories": r.ExceptRepositories, "tags": r.Tags, "except_tags": r.ExceptTags, "no_move": r.NoMove,
			"no_delete": r.NoDelete, "reason": r.Reason, "disabled": r.Disabled,
		}}
		if r.HoldUntil != nil {
			until := r.HoldUntil.UTC().Format(time.RFC3339)
			o.values["hold_until"] = until
			o.keep = "it is a legal hold until " + until
		}
		o.name = tagRuleName(o.values)
		all = append(all, o)
	}
	return all, err
}

// tagRuleOf is a rule as the API takes it. A moment that isn't one was refused by the check.
func tagRuleOf(v values) map[string]any {
	body := map[string]any{"repositories": "", "tags": "", "no_move": false, "no_delete": false}
	for name, value := range v {
		body[name] = value
	}
	if v.text("hold_until") == "" {
		delete(body, "hold_until")
	}
	return body
}

// moment spells a time as the registry keeps it; what is none it refuses.
func moment(written string) string {
	t, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return written
	}
	return t.UTC().Format(time.RFC3339)
}
