package declared

import (
	"context"
	"encoding/json"
	"strconv"
)

const retentionsPath = harbor + "/retentions"

type retentionRow struct {
	ID        int64              `json:"id,omitempty"`
	Algorithm string             `json:"algorithm"`
	Scope     map[string]any     `json:"scope"`
	Trigger   retentionTrigger   `json:"trigger"`
	Rules     []retentionRuleRow `json:"rules"`
}

type retentionTrigger struct {
	Kind     string         `json:"kind"`
	Settings map[string]any `json:"settings"`
}

type retentionRuleRow struct {
	Disabled bool                    `json:"disabled"`
	Action   string                  `json:"action"`
	Template string                  `json:"template"`
	Params   map[string]any          `json:"params"`
	Tags     []patternRow            `json:"tag_selectors"`
	Scope    map[string][]patternRow `json:"scope_selectors"`
}

type patternRow struct {
	Kind       string `json:"kind"`
	Decoration string `json:"decoration"`
	Pattern    string `json:"pattern"`
	Extras     string `json:"extras,omitempty"`
}

// untagged is what a selector of tags says besides: in one that matches, artifacts without a tag are meant where it is true, in one that
// excludes where it is false.
type untagged struct {
	Untagged *bool `json:"untagged"`
}

// retention is which artifacts of a project stay. No rules: there is no policy.
func retention() field {
	return aRecord("retention", aText("cron"), aList("rules", shape{form: record, fields: []field{
		aText("template").must(), aNumber("n").usually(int64(0)), aText("repositories").usually("**"), aTruth("except_repositories").usually(false),
		aText("tags").usually("**"), aTruth("except_tags").usually(false), aTruth("untagged").usually(true), aTruth("disabled").usually(false),
	}}))
}

// retentionValues reads the policy of a project, as values. A rule with several selectors has no place in a document.
func (s *session) retentionValues(ctx context.Context, metadata map[string]string) (any, error) {
	id, err := strconv.ParseInt(metadata["retention_id"], 10, 64)
	if err != nil || id == 0 {
		return values{"rules": []any{}}, nil // there is none
	}
	var row retentionRow
	if err := s.get(ctx, at(retentionsPath, id), &row); err != nil {
		return nil, err
	}
	rules := []any{}
	for _, r := range row.Rules {
		scope := r.Scope["repository"]
		if len(r.Tags) != 1 || len(scope) != 1 {
			return beyond("the registry's has rules with several patterns"), nil
		}
		v := values{
			"template": r.Template, "n": int64(0), "repositories": scope[0].Pattern, "except_repositories": scope[0].Decoration == "repoExcludes",
			"tags": r.Tags[0].Pattern, "except_tags": r.Tags[0].Decoration == "excludes", "untagged": true, "disabled": r.Disabled,
		}
		if n, is := r.Params[r.Template].(float64); is {
			v["n"] = int64(n)
		}
		var extras untagged
		if json.Unmarshal([]byte(r.Tags[0].Extras), &extras) == nil && extras.Untagged != nil {
			v["untagged"] = *extras.Untagged != v.truth("except_tags")
		}
		rules = append(rules, v)
	}
	cron, _ := row.Trigger.Settings["cron"].(string)
	return values{"cron": cron, "rules": rules}, nil
}

// putRetention makes, replaces or deletes a project's policy.
func (s *session) putRetention(ctx context.Context, project int64, v values) error {
	var row projectRow
	if err := s.get(ctx, at(projectsPath, project), &row); err != nil {
		return err
	}
	id, err := strconv.ParseInt(row.Metadata["retention_id"], 10, 64)
	there := err == nil && id != 0
	rules, _ := v["rules"].([]any)
	if len(rules) == 0 {
		if !there {
			return nil
		}
		return gone(s.delete(ctx, at(retentionsPath, id)))
	}
	p := retentionRow{
		ID: id, Algorithm: "or", Scope: map[string]any{"level": "project", "ref": project},
		Trigger: retentionTrigger{Kind: "Schedule", Settings: map[string]any{"cron": v.text("cron")}},
	}
	for _, one := range rules {
		if rule, is := one.(values); is {
			p.Rules = append(p.Rules, retentionRuleOf(rule))
		}
	}
	if there {
		return s.put(ctx, at(retentionsPath, id), p)
	}
	_, err = s.post(ctx, retentionsPath, p)
	return err
}

func retentionRuleOf(v values) retentionRuleRow {
	word := func(excludes bool, words ...string) string {
		if excludes {
			return words[1]
		}
		return words[0]
	}
	tags, repositories := v.truth("except_tags"), v.truth("except_repositories")
	extras, _ := json.Marshal(untagged{new(v.truth("untagged") != tags)}) // a boolean
	r := retentionRuleRow{
		Disabled: v.truth("disabled"), Action: "retain", Template: v.text("template"), Params: map[string]any{},
		Tags:  []patternRow{{Kind: "doublestar", Decoration: word(tags, "matches", "excludes"), Pattern: v.text("tags"), Extras: string(extras)}},
		Scope: map[string][]patternRow{"repository": {{Kind: "doublestar", Decoration: word(repositories, "repoMatches", "repoExcludes"), Pattern: v.text("repositories")}}},
	}
	if n := v.number("n"); n != 0 {
		r.Params[r.Template] = n
	}
	return r
}
