package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLicences(t *testing.T) {
	dir := t.TempDir()
	h := holder{"module", dir, ""}
	if _, err := h.licences(); err == nil {
		t.Error("what has no licence is handed on")
	}
	h.declared = "MIT"
	if text, err := h.licences(); err != nil || !strings.Contains(string(text), "MIT") {
		t.Errorf("%q, %v", text, err)
	}
	for name, text := range map[string]string{"LICENSE.md": "one\n\n", "NOTICE": "two", "COPYING-BSD": "three", "licenses.go": "code", "README": "four"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(dir, "LICENSE"), 0o700))
	if text, err := h.licences(); err != nil || string(text) != "three\none\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestModuleFolders(t *testing.T) {
	r := &release{root: ".."}
	all, err := r.moduleFolders(t.Context(), program{info: buildInfo("go1.99", "github.com/alecthomas/kong", "golang.org/x/sync")})
	must(t, err)
	if len(all) != 3 || all[0].name != "Go go1.99" || !strings.HasPrefix(all[2].name, "golang.org/x/sync v") {
		t.Fatalf("%q", all)
	}
	for _, h := range all {
		if text, err := h.licences(); err != nil || len(text) < 100 {
			t.Errorf("%s: %q, %v", h.name, text, err)
		}
	}
	if _, err := r.moduleFolders(t.Context(), program{info: buildInfo("go1.99", "nowhere.example.org")}); err == nil {
		t.Error("a module that isn't there has a folder")
	}
}
