package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// source is what the files were made from.
type source struct {
	commit  string    // its whole name
	at      time.Time // when it was made; all times in the files are this one
	tag     string    // the one that is checked out, such as v1.2.3; "" where there is none
	changed bool      // files differ from the commit
}

// checkout asks git about a folder.
func checkout(ctx context.Context, dir string) (source, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // the words are ours
		cmd.Dir = dir
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		text, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
		}
		return strings.TrimSpace(string(text)), nil
	}
	last, err := git("log", "-1", "--format=%H %ct")
	if err != nil {
		return source{}, fmt.Errorf("which commit this is: %w (without git, give -commit, -time and -version)", err)
	}
	commit, seconds, _ := strings.Cut(last, " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return source{}, fmt.Errorf("git log: %q is no time", seconds)
	}
	s := source{commit: commit, at: time.Unix(at, 0).UTC()}
	status, err := git("status", "--porcelain")
	if err != nil {
		return source{}, err
	}
	s.changed = status != ""
	// It fails where no tag is there, and says the same when it fails otherwise.
	s.tag, _ = git("describe", "--tags", "--exact-match", "--match", "v[0-9]*")
	return s, nil
}

// version is what a release is called, in the ways that those who read it can sort.
type version struct {
	source
	release string // semantic, without "v"; no build metadata, which tags of images can't hold
}

var semantic = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// versionOf is the version that was given, or the tag's, or, where there is neither or files were changed since, one that comes before the next
// release and says which commit it is of.
func versionOf(s source, given string) (version, error) {
	name := strings.TrimPrefix(given, "v")
	if given == "" && s.tag != "" && !s.changed {
		name = strings.TrimPrefix(s.tag, "v")
	}
	if name == "" {
		if len(s.commit) < 8 {
			return version{}, errors.New("-commit: expected a commit's whole name")
		}
		name = fmt.Sprintf("%s-dev.%s.g%s", telemetry.Next, s.at.Format("20060102150405"), s.commit[:8])
		if s.changed {
			name += ".changed"
		}
	}
	if !semantic.MatchString(name) {
		return version{}, fmt.Errorf("%q is no version: expected MAJOR.MINOR.PATCH, or MAJOR.MINOR.PATCH-PRERELEASE", name)
	}
	return version{s, name}, nil
}

// packaged is the version for dpkg and rpm, which sort what follows a tilde before what has none.
func (v version) packaged() string {
	number, before, is := strings.Cut(v.release, "-")
	if !is {
		return number
	}
	return number + "~" + strings.ReplaceAll(before, "-", ".")
}
