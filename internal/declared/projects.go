package declared

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/havenregistry/haven/internal/fault"
)

const (
	projectSection = "projects"
	projectsPath   = harbor + "/projects"
	quotasPath     = harbor + "/quotas"
)

type projectRow struct {
	ID         int64             `json:"project_id"`
	Name       string            `json:"name"`
	RegistryID int64             `json:"registry_id"`
	RepoCount  int64             `json:"repo_count"`
	Metadata   map[string]string `json:"metadata"`
	Allowlist  allowlistRow      `json:"cve_allowlist"`
}

type allowlistRow struct {
	ProjectID int64         `json:"project_id,omitempty"`
	Items     []allowedItem `json:"items"`
	ExpiresAt *int64        `json:"expires_at,omitempty"`
}

type allowedItem struct {
	ID string `json:"cve_id"`
}

type quotaRow struct {
	ID   int64            `json:"id"`
	Hard map[string]int64 `json:"hard"`
}

// metadataFields are Harbor's keys of a project's metadata, besides public and those that other APIs set. Those of the second
// list are for caches of other registries.
func metadataFields() (all, ofCaches []field) {
	ofCaches = []field{
		aNumber("proxy_speed_kb"), aNumber("max_upstream_conn"), aText("proxy_cache_filter_kind", "doublestar", "regex"), aText("proxy_cache_filter_pattern"),
		aTruth("proxy_referrer_api"), aTruth("proxy_cache_local_on_not_found"),
	}
	return append([]field{
		aTruth("auto_scan"), aTruth("auto_sbom_generation"), aTruth("prevent_vul"), aText("severity", "none", "low", "medium", "high", "critical"),
		aTruth("reuse_sys_cve_allowlist"), aTruth("enable_content_trust"), aTruth("enable_content_trust_cosign"),
	}, ofCaches...), ofCaches
}

// part is a resource of its own that a project has.
type part struct {
	field
	path    string // below the project, in Haven's API
	ofCache bool   // only caches have it
}

func parts() []part {
	outcome := func(name string) field { return aText(name, "block", "allow").usually("block") }
	return []part{
		{field: aRecord("gate", outcome("never_scanned"), outcome("pending"), outcome("failed"), outcome("not_evaluated")), path: "gate"},
		{field: aRecord("signing", aTruth("enabled").usually(false), aSet("formats", "cosign", "cosign-bundle", "notation"), aTruth("attest").usually(false),
			aTruth("require_trust").usually(false)), path: "signing"},
		{field: aRecord("proxy", aText("freshness", "always", "max_age", "offline"), aNumber("max_age_seconds"), aNumber("minimum_age_seconds"), aTruth("scan_before_serve"),
			aNumber("keep_days")), path: "proxy", ofCache: true},
	}
}

// projects have what is set on them alone; what is in them is a kind of its own.
func projects() kind {
	metadata, _ := metadataFields()
	k := kind{
		section: projectSection, check: checkProject,
		fields: []field{
			aText("name").must(), aTruth("public").usually(false), aText("registry").forever(), aNumber("storage_limit"), aRecord("metadata", metadata...),
			aRecord("cve_allowlist", aSet("items"), aNumber("expires_at")), aDocument("signature_policy").usually(none), retention(),
		},
		list: listProjects, create: createProject, change: changeProject,
		remove: func(ctx context.Context, s *session, o object) error {
			return gone(s.delete(ctx, at(projectsPath, o.id)))
		},
	}
	for _, p := range parts() {
		k.fields = append(k.fields, p.field)
	}
	return k
}

// checkProject refuses what a project that is no cache doesn't have, and the other way round: the registry would leave it out
// without a word. So it would a schedule of a retention that has no rules.
func checkProject(said, full values) error {
	_, ofCaches := metadataFields()
	if full.text("registry") == "" {
		for _, f := range ofCaches {
			if _, is := said.record("metadata")[f.name]; is {
				return fault.Invalidf("metadata: %s is for projects that are a cache of a registry", f.name)
			}
		}
		if said["proxy"] != nil {
			return fault.Invalidf("proxy is for projects that are a cache of a registry")
		}
	} else if said.record("metadata").truth("enable_content_trust") {
		return fault.Invalidf("metadata: enable_content_trust is not for projects that are a cache of a registry")
	}
	if said.record("retention").text("cron") != "" && nothing(full.record("retention")["rules"]) {
		return fault.Invalidf("retention: a cron needs rules")
	}
	return nil
}

func projectAPI(name, rest string) string {
	return own + "/projects/" + url.PathEscape(name) + "/" + rest
}

func listProjects(ctx context.Context, s *session, _ string, wanted func(string) bool) ([]object, error) {
	rows, err := every[projectRow](ctx, s.API, projectsPath, nil)
	if err != nil {
		return nil, err
	}
	limits := map[int64]int64{}
	quotas, err := every[quotaRow](ctx, s.API, quotasPath, nil)
	if err != nil {
		return nil, err
	}
	for _, q := range quotas {
		limits[q.ID] = q.Hard["storage"]
	}
	var all []object
	for _, p := range rows {
		s.know(projectSection, p.Name, p.ID)
		o := object{name: p.Name, id: p.ID}
		switch {
		case p.Name == "library":
			o.keep = "it came with the installation"
		case p.RepoCount > 0:
			o.keep = "it has " + strconv.FormatInt(p.RepoCount, 10) + " repositories"
		}
		if wanted(p.Name) {
			if o.values, err = s.projectValues(ctx, p, limits[p.ID]); err != nil {
				return nil, err
			}
		}
		all = append(all, o)
	}
	return all, nil
}

func (s *session) projectValues(ctx context.Context, p projectRow, limit int64) (values, error) {
	registry, err := s.nameOf(ctx, registrySection, p.RegistryID)
	if err != nil {
		return nil, err
	}
	v := values{"name": p.Name, "public": p.Metadata["public"] == "true", "registry": registry, "storage_limit": limit, "metadata": metadataValues(p.Metadata)}
	allowed := []string{}
	for _, i := range p.Allowlist.Items {
		allowed = append(allowed, i.ID)
	}
	allowlist := values{"items": setOf(allowed)}
	if p.Allowlist.ExpiresAt != nil {
		allowlist["expires_at"] = *p.Allowlist.ExpiresAt
	}
	v["cve_allowlist"] = allowlist
	if v["signature_policy"], err = s.signaturePolicy(ctx, projectAPI(p.Name, "signature-policy"), "project"); err != nil {
		return nil, err
	}
	if v["retention"], err = s.retentionValues(ctx, p.Metadata); err != nil {
		return nil, err
	}
	for _, part := range parts() {
		if part.ofCache && registry == "" {
			continue
		}
		if v[part.name], err = s.part(ctx, p.Name, part); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// metadataValues are texts as what they mean. A value that isn't one, as clients of Harbor send, counts as unset.
func metadataValues(sent map[string]string) values {
	v := values{}
	all, _ := metadataFields()
	for _, f := range all {
		written, there := sent[f.name]
		if !there {
			continue
		}
		switch f.form {
		case truth:
			if b, err := strconv.ParseBool(written); err == nil {
				v[f.name] = b
			}
		case number:
			if n, err := strconv.ParseInt(written, 10, 64); err == nil {
				v[f.name] = n
			}
		default:
			if len(f.words) == 0 || slices.Contains(f.words, written) {
				v[f.name] = written
			}
		}
	}
	return v
}

// part reads a resource of a project.
func (s *session) part(ctx context.Context, project string, p part) (values, error) {
	answer := map[string]any{}
	if err := s.get(ctx, projectAPI(project, p.path), &answer); err != nil {
		return nil, err
	}
	v := values{}
	for _, f := range p.fields {
		switch is := answer[f.name].(type) {
		case float64:
			v[f.name] = int64(is)
		case []any:
			v[f.name] = setOf(values{"": is}.texts(""))
		case nil:
		default:
			v[f.name] = is
		}
	}
	return v, nil
}

func createProject(ctx context.Context, s *session, w want) error {
	body := map[string]any{"project_name": w.name, "metadata": metadataTexts(w.values)}
	if registry := w.values.text("registry"); registry != "" {
		id, err := s.idOf(ctx, registrySection, registry)
		if err != nil {
			return err
		}
		body["registry_id"] = id
	}
	if limit, said := w.values["storage_limit"]; said {
		body["storage_limit"] = limit
	}
	id, err := s.post(ctx, projectsPath, body)
	if err != nil {
		return err
	}
	if id == 0 {
		return errors.New("the registry didn't say which id the project got")
	}
	s.know(projectSection, w.name, id)
	return s.settle(ctx, w, id)
}

// settle sets what a project that is new doesn't have yet.
func (s *session) settle(ctx context.Context, w want, id int64) error {
	var row projectRow
	var quota quotaRow
	err := s.get(ctx, at(projectsPath, id), &row)
	if err == nil {
		err = s.get(ctx, at(quotasPath, id), &quota)
	}
	if err != nil {
		return err
	}
	now, err := s.projectValues(ctx, row, quota.Hard["storage"])
	if err != nil {
		return err
	}
	w.have = object{name: w.name, id: id, values: now}
	w.full, w.changed = now.over(w.values), map[string]bool{}
	for _, f := range projects().fields {
		if said, isSaid := w.values[f.name]; isSaid && len(f.differences(now[f.name], said, f.name)) > 0 {
			w.changed[f.name] = true
		}
	}
	return changeProject(ctx, s, w)
}

// metadataTexts is what is said of a project's metadata, as the API takes it.
func metadataTexts(v values) map[string]string {
	out := map[string]string{}
	if public, said := v["public"].(bool); said {
		out["public"] = strconv.FormatBool(public)
	}
	for name, value := range v.record("metadata") {
		switch value := value.(type) {
		case bool:
			out[name] = strconv.FormatBool(value)
		case int64:
			out[name] = strconv.FormatInt(value, 10)
		case string:
			out[name] = value
		}
	}
	return out
}

func changeProject(ctx context.Context, s *session, w want) error {
	body := map[string]any{}
	if w.changed["public"] || w.changed["metadata"] {
		body["metadata"] = metadataTexts(w.values)
	}
	if w.changed["cve_allowlist"] {
		allowed := w.full.record("cve_allowlist")
		row := allowlistRow{ProjectID: w.have.id, Items: []allowedItem{}}
		for _, id := range allowed.texts("items") {
			row.Items = append(row.Items, allowedItem{id})
		}
		if until, said := allowed["expires_at"].(int64); said {
			row.ExpiresAt = &until
		}
		body["cve_allowlist"] = row
	}
	if len(body) > 0 {
		if err := s.put(ctx, at(projectsPath, w.have.id), body); err != nil {
			return err
		}
	}
	if w.changed["storage_limit"] {
		if err := s.put(ctx, at(quotasPath, w.have.id), map[string]any{"hard": map[string]int64{"storage": w.full.number("storage_limit")}}); err != nil {
			return err
		}
	}
	if w.changed["signature_policy"] {
		if err := s.putSignaturePolicy(ctx, projectAPI(w.name, "signature-policy"), w.values["signature_policy"]); err != nil {
			return err
		}
	}
	if w.changed["retention"] {
		if err := s.putRetention(ctx, w.have.id, w.full.record("retention")); err != nil {
			return err
		}
	}
	for _, p := range parts() {
		if w.changed[p.name] {
			if err := s.put(ctx, projectAPI(w.name, p.path), w.full.record(p.name)); err != nil {
				return err
			}
		}
	}
	return nil
}
