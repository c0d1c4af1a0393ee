package project_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/project"
)

func TestSystemAllowlist(t *testing.T) {
	each(t, func(w world) {
		ctx := w.Context()
		before, err := w.SystemAllowlist(ctx)
		if err != nil || len(before.Items) != 0 || !before.CreatedAt.IsZero() {
			t.Errorf("before it was set: %+v, %v", before, err)
		}
		ends := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		w.must(w.SetSystemAllowlist(ctx, admin, project.CVEAllowlist{Items: []string{"CVE-1"}}))
		w.must(w.SetSystemAllowlist(ctx, admin, project.CVEAllowlist{Items: []string{"CVE-3", "CVE-2"}, ExpiresAt: ends}))
		for name, bad := range map[string][]string{"twice": {"CVE-1", "CVE-1"}, "blank": {""}} {
			if err := w.SetSystemAllowlist(ctx, admin, project.CVEAllowlist{Items: bad}); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		a, err := w.SystemAllowlist(ctx)
		if err != nil || !slices.Equal(a.Items, []string{"CVE-3", "CVE-2"}) || !a.ExpiresAt.Equal(ends) || a.ProjectID != 0 {
			t.Errorf("after: %+v, %v", a, err)
		}
		if all := w.events(); !strings.Contains(all[len(all)-1], "update CVE allowlist of the system") {
			t.Errorf("events: %v", all)
		}
	})
}

// A project's own list holds only when the project says that it doesn't reuse the system's.
func TestAllowlistOfProject(t *testing.T) {
	each(t, func(w world) {
		ctx := w.Context()
		w.must(w.SetSystemAllowlist(ctx, admin, project.CVEAllowlist{Items: []string{"CVE-SYS"}}))
		own := &project.CVEAllowlist{Items: []string{"CVE-OWN"}}
		for name, test := range map[string]struct {
			metadata map[string]string
			want     string
		}{
			"unsaid":  {nil, "CVE-SYS"},
			"reuses":  {map[string]string{"reuse_sys_cve_allowlist": "true"}, "CVE-SYS"},
			"its own": {map[string]string{"reuse_sys_cve_allowlist": "false"}, "CVE-OWN"},
		} {
			id, err := w.Create(ctx, ann, project.NewProject{Name: strings.ReplaceAll(name, " ", "-"), Metadata: test.metadata, Allowlist: own})
			w.must(err)
			p, err := w.Get(ctx, id)
			w.must(err)
			a, err := w.AllowlistOf(ctx, p)
			if err != nil || !slices.Equal(a.Items, []string{test.want}) {
				t.Errorf("%s: %+v, %v", name, a, err)
			}
			if !slices.Equal(p.Allowlist.Items, own.Items) {
				t.Errorf("%s: the project shows %v", name, p.Allowlist.Items)
			}
		}
	})
}

func TestAllowlistExpires(t *testing.T) {
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	a := project.CVEAllowlist{Items: []string{"CVE-1"}}
	for name, test := range map[string]struct {
		until time.Time
		at    time.Time
		want  []string
	}{
		"in time":        {end, end.Add(-time.Second), []string{"CVE-1"}},
		"expired":        {end, end, nil},
		"without an end": {time.Time{}, end.AddDate(100, 0, 0), []string{"CVE-1"}},
	} {
		a.ExpiresAt = test.until
		if got := a.At(test.at); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
