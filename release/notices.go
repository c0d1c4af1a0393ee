package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// noticesFile is what it is called where it is installed or unpacked.
const noticesFile = "THIRD-PARTY.txt"

// licenceName tells the files that licences and notices stand in.
var licenceName = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|copyright|patents)([-_.].*)?$`)

// notices are the licences and notices of all that a program holds, which most of them ask to be handed on with it.
func (r *release) notices(ctx context.Context, p program) ([]byte, error) {
	folders, err := r.moduleFolders(ctx, p)
	if err != nil {
		return nil, err
	}
	lock, err := r.read("web/package-lock.json")
	if err != nil {
		return nil, err
	}
	packages, err := portalComponents(lock)
	if err != nil {
		return nil, fmt.Errorf("web/package-lock.json: %w", err)
	}
	for _, c := range packages {
		folders = append(folders, holder{c.name + " " + c.version, filepath.Join(r.root, "web", filepath.FromSlash(c.at)), c.licence})
	}
	var b bytes.Buffer
	b.WriteString("Haven is under the Apache License 2.0. It holds these works of others, under their own licences.\n")
	for _, f := range folders {
		text, err := f.licences()
		if err != nil {
			return nil, fmt.Errorf("licences of %s: %w", f.name, err)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s", strings.Repeat("=", 80), f.name, text)
	}
	return b.Bytes(), nil
}

// holder is where the files of a module or a package lie.
type holder struct {
	name, dir string
	declared  string // its licence, as far as that is known without its files
}

// moduleFolders asks Go where it has its own library and the modules of a program.
func (r *release) moduleFolders(ctx context.Context, p program) ([]holder, error) {
	goTool := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // modules of our own go.mod
		cmd.Dir = r.root
		text, err := cmd.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return nil, fmt.Errorf("go %s: %w: %s", args[0], err, bytes.TrimSpace(exit.Stderr))
		}
		return text, err
	}
	library, err := goTool("env", "GOROOT")
	if err != nil {
		return nil, err
	}
	all := []holder{{"Go " + p.info.GoVersion, strings.TrimSpace(string(library)), ""}}
	args := []string{"list", "-m", "-json"}
	for _, m := range p.info.Deps {
		args = append(args, m.Path)
	}
	text, err := goTool(args...)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, holder{m.Path + " " + m.Version, m.Dir, ""})
	}
}

// licences are the texts at the top of the folder, or what is declared where there is none. Without either it can't be handed on.
func (h holder) licences() ([]byte, error) {
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.Type().IsRegular() || !licenceName.MatchString(e.Name()) })
	switch {
	case len(entries) > 0:
	case h.declared != "":
		return []byte("Its author declares the licence " + h.declared + ", and gives no text.\n"), nil
	default:
		return nil, errors.New("there is none in " + h.dir)
	}
	var b bytes.Buffer
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(h.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		b.Write(bytes.TrimSpace(text))
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}
