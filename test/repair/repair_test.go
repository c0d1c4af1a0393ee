//go:build acceptance

// Package repair takes things away from a registry, and has haven scrub find them and haven rebuild bring them
// back: the program as it is, on both databases, on files and on an object store.
package repair

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/blob/blobtest"
	"github.com/havenregistry/haven/test/haventest"
)

// site is a server, its database and the folder where its store keeps bytes.
type site struct {
	t           *testing.T
	server      *haventest.Server
	databaseURL string // "" for SQLite
	env         []string
	store       string
}

func newSite(t *testing.T, databaseURL string, env []string, store string) *site {
	t.Helper()
	s := &site{t: t, databaseURL: databaseURL, env: env, store: store}
	s.server = haventest.Start(t, haventest.Options{DatabaseURL: databaseURL, Plain: true, Env: env})
	if store == "" {
		s.store = filepath.Join(s.server.DataDir, "storage")
	}
	return s
}

// onEach runs the test on SQLite with files, PostgreSQL with files, and PostgreSQL with an object store.
func onEach(t *testing.T, run func(t *testing.T, s *site)) {
	t.Run("sqlite and files", func(t *testing.T) { run(t, newSite(t, "", nil, "")) })
	t.Run("postgres and files", func(t *testing.T) { run(t, newSite(t, haventest.Postgres(t), nil, "")) })
	t.Run("postgres and s3", func(t *testing.T) {
		objects := haventest.StartS3(t)
		env := append([]string{"HAVEN_STORAGE_URL=" + objects.URL}, objects.Env...)
		run(t, newSite(t, haventest.Postgres(t), env, objects.Dir))
	})
}

// command is the program with the server's settings.
func (s *site) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	s.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, haventest.Binary(s.t, true), args...)
	cmd.Dir = s.server.DataDir
	cmd.Env = append(os.Environ(), "HAVEN_DATA_DIR="+s.server.DataDir, "HAVEN_ADMIN_PASSWORD="+haventest.AdminPassword)
	if s.databaseURL != "" {
		cmd.Env = append(cmd.Env, "HAVEN_DATABASE_URL="+s.databaseURL)
	}
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// run runs the program to its end.
func (s *site) run(args ...string) (status int, out, errs string) {
	s.t.Helper()
	cmd := s.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// scrubReport is what the tests read of a report.
type scrubReport struct {
	Blobs struct {
		Checked int64
		Damaged []struct {
			Digest, Problem string
			Affected        []struct {
				Repository string
				Tags       []string
			}
		}
		SoundAgain []string `json:"sound_again"`
	}
	Records struct {
		Checked, Wrong, Lagging, Stray int64
		Enrolling                      bool
	}
}

func (s *site) scrub(want int, args ...string) (r scrubReport) {
	s.t.Helper()
	status, out, errs := s.run(append([]string{"scrub", "--json"}, args...)...)
	if status != want {
		s.t.Fatalf("haven scrub: status %d, want %d\n%s%s", status, want, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		s.t.Fatalf("haven scrub: %v in %s", err, out)
	}
	return r
}

// recorded waits until every record is written.
func (s *site) recorded() {
	s.t.Helper()
	var r scrubReport
	await.Until(s.t, "no record lags", func() bool {
		r = s.scrub(0)
		return !r.Records.Enrolling && r.Records.Lagging == 0
	}, func() string { return fmt.Sprintf("%+v", r.Records) })
	if r.Records.Checked == 0 {
		s.t.Fatal("there are no records")
	}
}

// location is where the store keeps these bytes: a file, or a place in a segment (blobtest.Spoil).
func (s *site) location(content []byte) (found string) {
	s.t.Helper()
	err := filepath.WalkDir(s.store, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		held, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.store, path)
		if bytes.Equal(held, content) {
			found = name
		} else if at := bytes.Index(held, content); at >= 0 && strings.HasPrefix(name, "segments/") {
			found = fmt.Sprintf("%s/%d/%d", name, at/4096, len(content))
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if found == "" {
		s.t.Fatalf("nothing in %s holds the blob of %d bytes", s.store, len(content))
	}
	return found
}

// loseDatabase takes the database away from a server that is stopped.
func (s *site) loseDatabase() {
	s.t.Helper()
	if s.databaseURL == "" {
		files, _ := filepath.Glob(filepath.Join(s.server.DataDir, "haven.db*"))
		if len(files) == 0 {
			s.t.Fatal("there is no database file")
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				s.t.Fatal(err)
			}
		}
		return
	}
	db, err := sql.Open("pgx", s.databaseURL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		s.t.Fatal(err)
	}
}

// fill pushes some of everything.
func fill(c *client) {
	c.t.Helper()
	c.server.NewProject(c.t, "team", true)
	c.server.NewProject(c.t, "charts", false)
	amd, shared := c.image("team/app", "amd64")
	arm, _ := c.image("team/app", "arm64", "arm")
	amd.Platform, arm.Platform = map[string]string{"os": "linux", "architecture": "amd64"}, map[string]string{"os": "linux", "architecture": "arm64"}
	multi := c.manifest("team/app", map[string]any{"mediaType": indexType, "manifests": []descriptor{amd, arm}}, "multi", "1.0", "latest")
	c.manifest("team/app", map[string]any{"mediaType": indexType, "manifests": []descriptor{{MediaType: multi.MediaType, Digest: multi.Digest, Size: multi.Size}}}, "nested")
	subject := descriptor{MediaType: multi.MediaType, Digest: multi.Digest, Size: multi.Size}
	empty := c.blob("team/app", "application/vnd.oci.empty.v1+json", []byte("{}"))
	for _, kind := range []string{"application/vnd.cncf.notary.signature", "application/spdx+json"} {
		c.manifest("team/app", map[string]any{"mediaType": imageType, "artifactType": kind, "config": empty,
			"layers": []descriptor{c.blob("team/app", kind, c.layer(300))}, "subject": subject})
	}
	chart := c.blob("charts/demo", "application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"demo","version":"0.1.0"}`))
	c.manifest("charts/demo", map[string]any{"mediaType": imageType, "config": chart,
		"layers": []descriptor{c.blob("charts/demo", "application/vnd.cncf.helm.chart.content.v1.tar+gzip", c.layer(2000))}}, "0.1.0")

	// Below another repository, with a layer of it, and a tag that moved.
	c.mount("team/app/debug", "team/app", shared)
	config := c.blob("team/app/debug", "application/vnd.oci.image.config.v1+json", []byte(`{"os":"linux","architecture":"amd64"}`))
	c.manifest("team/app/debug", map[string]any{"mediaType": imageType, "config": config, "layers": []descriptor{shared, c.longLayer("team/app/debug")}}, "_odd-Tag.1")
	c.image("team/app/debug", "before", "moving", "stays")
	c.image("team/app/debug", "after", "moving")

	gone, _ := c.image("team/app", "gone", "gone")
	c.must(http.StatusAccepted, http.MethodDelete, "/v2/team/app/manifests/"+gone.Digest, "", nil)
	delete(c.manifests, "team/app@"+gone.Digest)
	delete(c.tags["team/app"], "gone")
	for d := range c.members["team/app"] {
		if !strings.Contains(c.named("team/app"), d) {
			delete(c.members["team/app"], d)
		}
	}
}

// named is all manifests of a repository in one text.
func (c *client) named(repository string) string {
	var all strings.Builder
	for name, content := range c.manifests {
		if strings.HasPrefix(name, repository+"@") {
			all.Write(content)
		}
	}
	return all.String()
}

func TestScrubFindsWhatIsLostAndAPushHealsIt(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		c := newClient(t, s.server)
		fill(c)
		_, flipped := c.image("team/hurt", "flipped", "flipped", "also")
		_, removed := c.image("team/hurt", "removed", "removed")
		s.recorded()
		blobtest.Spoil(t, s.store, s.location(c.blobs[flipped.Digest]), func(content []byte) []byte {
			content[100] ^= 0x40
			return content
		})
		blobtest.Spoil(t, s.store, s.location(c.blobs[removed.Digest]), func([]byte) []byte { return nil })

		r := s.scrub(1, "--max-rate", "1GB/s", "--parallel", "3")
		tags := map[string]string{}
		for _, b := range r.Blobs.Damaged {
			for _, a := range b.Affected {
				tags[b.Digest] = b.Problem + ": " + a.Repository + ":" + strings.Join(a.Tags, ",")
			}
		}
		if len(tags) != 2 || tags[flipped.Digest] != "other bytes: team/hurt:also,flipped" || tags[removed.Digest] != "missing: team/hurt:removed" {
			t.Errorf("found %v", tags)
		}
		for _, d := range []string{flipped.Digest, removed.Digest} {
			if status, _, _ := c.call(http.MethodHead, "/v2/team/hurt/blobs/"+d, "", nil); status != http.StatusNotFound {
				t.Errorf("HEAD of a damaged blob: status %d, want 404", status)
			}
		}
		status, text, _ := s.run("scrub")
		if status != 1 || !strings.Contains(text, "DAMAGED "+flipped.Digest) || !strings.Contains(text, "Push the images") {
			t.Errorf("as text: status %d\n%s", status, text)
		}
		for _, d := range []descriptor{flipped, removed} {
			c.blob("team/hurt", layerType, c.blobs[d.Digest])
		}
		c.check()
		s.scrub(0, "--strays")
	})
}

func TestRebuildFromTheStoreAlone(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		c := newClient(t, s.server)
		fill(c)
		for i := range 150 { // so that there is something to interrupt
			c.manifest("team/many", map[string]any{"mediaType": imageType, "config": c.blob("team/many", "application/vnd.oci.image.config.v1+json", []byte("{}")),
				"layers": []descriptor{c.blob("team/many", layerType, c.layer(100))}}, "v"+string(rune('a'+i%26))+strings.Repeat("x", i/26))
		}
		s.recorded()
		c.check()
		s.server.Stop()
		if status, _, errs := s.run("rebuild"); status != 2 || !strings.Contains(errs, "not empty") {
			t.Errorf("rebuild of a database that is not empty: status %d: %s", status, errs)
		}
		s.loseDatabase()
		s.killRebuildAt("blobs")
		s.refusesToServe()
		s.killRebuildAt("manifests")
		s.refusesToServe()
		status, out, errs := s.run("rebuild")
		if status != 0 || !strings.Contains(out, "3 projects") && !strings.Contains(out, "2 projects") || !strings.Contains(out, "settings") {
			t.Fatalf("rebuild: status %d\n%s%s", status, out, errs)
		}
		t.Logf("%s", strings.SplitN(out, "\n", 2)[0])
		s.server.Restart()
		c.check()
		if status, _, _ := c.call(http.MethodGet, "/v2/team/app/manifests/gone", "", nil); status != http.StatusNotFound {
			t.Errorf("a deleted tag: status %d, want 404", status)
		}
		visible := s.server.Call(t, "", "", http.MethodGet, "/api/v2.0/projects?name=team", nil)
		hidden := s.server.Call(t, "", "", http.MethodGet, "/api/v2.0/projects?name=charts", nil)
		if !bytes.Contains(visible.Body, []byte(`"team"`)) || bytes.Contains(hidden.Body, []byte(`"charts"`)) {
			t.Errorf("everybody sees team: %s, nobody sees charts: %s", visible.Body, hidden.Body)
		}
		s.scrub(0)
		c.image("team/app", "later", "later")
		c.check()
	})
}

// killRebuildAt kills a rebuild as soon as it says that the stage begins.
func (s *site) killRebuildAt(stage string) {
	s.t.Helper()
	cmd := s.command("rebuild")
	errs, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	seen := []string{}
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		seen = append(seen, lines.Text())
		if strings.HasPrefix(lines.Text(), stage+":") {
			if err := cmd.Process.Kill(); err != nil {
				s.t.Fatal(err)
			}
			_ = cmd.Wait()
			return
		}
	}
	_ = cmd.Wait()
	s.t.Fatalf("the rebuild ended before it came to %s: %s", stage, strings.Join(seen, "\n"))
}

func (s *site) refusesToServe() {
	s.t.Helper()
	cmd := s.command("serve")
	cmd.Env = append(cmd.Env, "HAVEN_LISTEN=127.0.0.1:0", "HAVEN_METRICS_LISTEN=off")
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("haven rebuild to its end")) {
		s.t.Errorf("haven serve on a database that is being rebuilt: %v: %s", err, out)
	}
}
