package scantest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// modules are what the Go program is built of: old versions with known vulnerabilities. Stubs stand in for their
// sources: a scanner goes by what the compiler writes down of their versions.
var modules = []struct{ path, version, pkg string }{
	{"github.com/dgrijalva/jwt-go", "v3.2.0+incompatible", ""},
	{"github.com/gorilla/websocket", "v1.4.0", ""},
	{"golang.org/x/text", "v0.3.5", "/language"},
	{"gopkg.in/yaml.v2", "v2.2.2", ""},
}

// goProgram compiles a program that links the modules.
func goProgram(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	requires, imports := "", ""
	for _, m := range modules {
		requires += "require " + m.path + " " + m.version + "\n"
		imports += "import _ \"" + m.path + m.pkg + "\"\n"
		at := m.path + "@" + m.version + "/"
		mod := []byte("module " + m.path + "\n")
		write(t, filepath.Join(dir, "proxy", m.path, "@v", m.version+".info"), []byte(`{"Version":"`+m.version+`"}`))
		write(t, filepath.Join(dir, "proxy", m.path, "@v", m.version+".mod"), mod)
		source := []File{{at + strings.TrimPrefix(m.pkg+"/stub.go", "/"), 0, []byte("package stub\n")}}
		if !strings.HasSuffix(m.version, "+incompatible") {
			source = append(source, File{at + "go.mod", 0, mod})
		}
		write(t, filepath.Join(dir, "proxy", m.path, "@v", m.version+".zip"), Zip(source))
	}
	write(t, filepath.Join(dir, "app", "go.mod"), []byte("module example.com/app\n\ngo 1.17\n\n"+requires))
	write(t, filepath.Join(dir, "app", "main.go"), []byte("package main\n\n"+imports+"\nfunc main() {}\n"))
	// Modules are unpacked where nothing may be written; -modcacherw lets the folder be removed.
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-modcacherw", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", "out", ".")
	build.Dir = filepath.Join(dir, "app")
	build.Env = append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(filepath.Join(dir, "proxy")), "GOSUMDB=off", "GONOPROXY=none", "GOPRIVATE=",
		"GOMODCACHE="+filepath.Join(dir, "mod"), "GOWORK=off", "GOFLAGS=", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile the Go program of a test image: %v\n%s", err, text)
	}
	program, err := os.ReadFile(filepath.Join(build.Dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func write(t testing.TB, name string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, body, 0o600); err != nil {
		t.Fatal(err)
	}
}
