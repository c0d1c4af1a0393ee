package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const commit = "abcdef1234567890abcdef1234567890abcdef12"

func TestVersionOf(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		name     string
		source   source
		given    string
		release  string // "": refused
		packaged string
	}{
		{"a tag", source{commit, at, "v1.2.3", false}, "", "1.2.3", "1.2.3"},
		{"a tag of a pre-release", source{commit, at, "v1.2.3-rc.1-x", false}, "", "1.2.3-rc.1-x", "1.2.3~rc.1.x"},
		{"no tag", source{commit, at, "", false}, "", "0.1.0-dev.20260203040506.gabcdef12", "0.1.0~dev.20260203040506.gabcdef12"},
		{"changed since the tag", source{commit, at, "v1.2.3", true}, "", "0.1.0-dev.20260203040506.gabcdef12.changed", "0.1.0~dev.20260203040506.gabcdef12.changed"},
		{"given", source{commit, at, "v1.2.3", true}, "v2.0.0", "2.0.0", "2.0.0"},
		{"a tag that is no version", source{commit, at, "v1", false}, "", "", ""},
		{"build metadata", source{commit, at, "", false}, "1.2.3+x", "", ""},
		{"no commit", source{"abc", at, "", false}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := versionOf(c.source, c.given)
			if (err != nil) != (c.release == "") || v.release != c.release {
				t.Fatalf("%q, %v", v.release, err)
			}
			if err == nil && v.packaged() != c.packaged {
				t.Errorf("packages are of %s", v.packaged())
			}
		})
	}
}

func TestCheckout(t *testing.T) {
	dir := t.TempDir()
	if _, err := checkout(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "-commit") {
		t.Errorf("no checkout: %v", err)
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=e@example.org"}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_COMMITTER_DATE=2026-02-03T04:05:06Z")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "--quiet")
	write("1")
	git("add", "f")
	git("commit", "--quiet", "--message", "m")
	is := func(tag string, changed bool) {
		t.Helper()
		s, err := checkout(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.tag != tag || s.changed != changed || len(s.commit) != 40 || !s.at.Equal(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)) {
			t.Errorf("%+v", s)
		}
	}
	is("", false)
	git("tag", "other")
	is("", false)
	git("tag", "v1.0.0")
	is("v1.0.0", false)
	write("2")
	is("v1.0.0", true)
}

func TestPlatforms(t *testing.T) {
	if all, err := parsePlatforms("linux/arm64, linux/amd64"); err != nil || len(all) != 2 || all[0].rpm != "aarch64" {
		t.Errorf("%v, %v", all, err)
	}
	for _, bad := range []string{"", "linux", "plan9/amd64", "linux/amd64,linux/amd64"} {
		if _, err := parsePlatforms(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
