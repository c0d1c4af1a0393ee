package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// program is the binary of a platform.
type program struct {
	platform platform
	content  []byte
	info     *debug.BuildInfo // what Go says it is made of
	notices  []byte           // licences of what it holds
}

// build compiles the program. Nothing of the machine or of the user's settings of Go is in it.
func (r *release) build(ctx context.Context, p platform) (program, error) {
	dir, err := os.MkdirTemp("", "haven-release")
	if err != nil {
		return program{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "haven")
	// What the commit is, the version says: asking git would make builds differ by what else lies in the folder.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", path, //nolint:gosec // the version was checked
		"-ldflags=-s -w -buildid= -X github.com/havenregistry/haven/internal/telemetry.release="+r.version.release, "./cmd/haven")
	cmd.Dir = r.root
	for _, set := range os.Environ() {
		if name, _, _ := strings.Cut(set, "="); !strings.HasPrefix(name, "GO") || keepsPlace[name] {
			cmd.Env = append(cmd.Env, set)
		}
	}
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0", "GOWORK=off", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("build for %s: %w: %s", p, err, bytes.TrimSpace(out))
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return program{}, fmt.Errorf("build for %s: %w", p, err)
	}
	info, err := buildinfo.Read(bytes.NewReader(content))
	if err != nil {
		return program{}, fmt.Errorf("build for %s: read what it is made of: %w", p, err)
	}
	made := program{platform: p, content: content, info: info}
	if made.notices, err = r.notices(ctx, made); err != nil {
		return program{}, fmt.Errorf("build for %s: %w", p, err)
	}
	return made, nil
}

// keepsPlace are variables of Go that say where it finds things, and not what it makes of them.
var keepsPlace = map[string]bool{
	"GOROOT": true, "GOPATH": true, "GOMODCACHE": true, "GOCACHE": true, "GOPROXY": true, "GOSUMDB": true, "GONOSUMDB": true, "GONOSUMCHECK": true,
	"GOPRIVATE": true, "GONOPROXY": true, "GOINSECURE": true, "GOTOOLCHAIN": true, "GOTMPDIR": true, "GOMAXPROCS": true, "GOENV": true, "GOAUTH": true,
}
