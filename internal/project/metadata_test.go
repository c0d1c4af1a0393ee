package project_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/havenregistry/haven/internal/fault"
)

func TestMetadataValues(t *testing.T) {
	const refused = "refused"
	cases := []struct{ key, value, want string }{
		{"public", "true", "true"}, {"public", "0", "false"}, {"public", "yes", refused}, {"public", "", refused},
		{"enable_content_trust", "T", "true"}, {"enable_content_trust_cosign", "false", "false"}, {"prevent_vul", "maybe", refused},
		{"auto_scan", "1", "true"}, {"auto_sbom_generation", "TRUE", "true"}, {"reuse_sys_cve_allowlist", "2", refused},
		{"severity", "High", "high"}, {"severity", "negligible", "none"}, {"severity", "critical", "critical"},
		{"severity", "huge", refused}, {"severity", "unknown", refused}, {"severity", "", refused},
		{"proxy_speed_kb", "-1", "-1"}, {"proxy_speed_kb", "007", "7"}, {"proxy_speed_kb", "-2", refused}, {"proxy_speed_kb", "2147483648", refused},
		{"max_upstream_conn", "-1", "-1"}, {"max_upstream_conn", "5", "5"}, {"max_upstream_conn", "0", refused},
		{"proxy_cache_filter_kind", "regex", "regex"}, {"proxy_cache_filter_kind", "glob", refused},
		{"proxy_referrer_api", "true", "true"}, {"proxy_cache_local_on_not_found", "x", refused},
		{"retention_id", "1", refused}, {"nosuch", "1", refused}, {"", "1", refused},
		{"proxy_cache_filter_pattern", strings.Repeat("x", 2000), refused},
	}
	each(t, func(w world) {
		id := w.create(ann, "p", false)
		for _, c := range cases {
			err := w.SetMetadata(t.Context(), ann, id, c.key, c.value)
			if c.want == refused {
				bad, ok := errors.AsType[*fault.Error](err)
				if !ok || bad.Kind != fault.Invalid || !strings.HasPrefix(bad.Message, "invalid key: ") && !strings.HasPrefix(bad.Message, "invalid value: ") {
					t.Errorf("%s=%.20s: got %v, want a refusal", c.key, c.value, err)
				}
				continue
			}
			w.must(err)
			got, found, err := w.GetMetadata(t.Context(), id, c.key)
			if got != c.want || !found || err != nil {
				t.Errorf("%s=%s: got %q, %v, %v; want %q", c.key, c.value, got, found, err, c.want)
			}
		}
	})
}

func TestMetadataKeys(t *testing.T) {
	each(t, func(w world) {
		id := w.create(ann, "p", false)
		w.must(w.AddMetadata(t.Context(), ann, id, "auto_scan", "true"))
		for _, key := range []string{"auto_scan", "public"} {
			if err := w.AddMetadata(t.Context(), ann, id, key, "true"); !errors.Is(err, fault.Conflict) {
				t.Errorf("%s: got %v, want fault.Conflict", key, err)
			}
		}
		w.must(w.DeleteMetadata(t.Context(), ann, id, "auto_scan"))
		w.must(w.DeleteMetadata(t.Context(), ann, id, "auto_scan"))
		if _, found, err := w.GetMetadata(t.Context(), id, "auto_scan"); found || err != nil {
			t.Errorf("got %v, %v; want it gone", found, err)
		}
		all, err := w.ListMetadata(t.Context(), id)
		if len(all) != 1 || all["public"] != "false" || err != nil {
			t.Errorf("got %v, %v", all, err)
		}
		for _, err := range []error{
			w.SetMetadata(t.Context(), ann, 99, "auto_scan", "true"),
			w.DeleteMetadata(t.Context(), ann, 99, "auto_scan"),
		} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("got %v, want fault.NotFound", err)
			}
		}
		events := strings.Join(w.events(), "\n")
		if n := strings.Count(events, "update_project "); n != 3 {
			t.Errorf("got %d events of an update, want 3:\n%s", n, events)
		}
	})
}
