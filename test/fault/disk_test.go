//go:build acceptance

package fault

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
)

// smallDisk mounts a file system in memory, of a size such as 320m, until the test ends.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("a small disk can't be mounted, which needs root: %v %s", err, out)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes what is left of the disk, to the last byte.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		n, err := f.Write(piece)
		switch {
		case errors.Is(err, syscall.ENOSPC) && n == 0:
			piece = piece[:len(piece)/2]
		case err != nil && !errors.Is(err, syscall.ENOSPC):
			t.Fatal(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	for name, setup := range map[string]func(t *testing.T, disk string) haventest.Options{
		"database and blobs": func(t *testing.T, disk string) haventest.Options {
			return haventest.Options{Plain: true, Env: []string{
				"HAVEN_STORAGE_URL=file:" + filepath.Join(disk, "storage"),
				"HAVEN_DATABASE_URL=sqlite:" + filepath.Join(disk, "haven.db"),
			}}
		},
		"blobs, with PostgreSQL elsewhere": func(t *testing.T, disk string) haventest.Options {
			return haventest.Options{Plain: true, DatabaseURL: haventest.Postgres(t), Env: []string{
				"HAVEN_STORAGE_URL=file:" + filepath.Join(disk, "storage"),
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "320m")
			server := haventest.Start(t, setup(t, disk))
			fleet := newFleet(t, server.Door)
			for _, w := range fleet.Workers {
				w.LayerSize = 1 << 20
			}
			doomed := filled(t, server.Door)
			spare, ballast := filepath.Join(disk, "spare"), filepath.Join(disk, "ballast")
			if err := os.WriteFile(spare, make([]byte, 240<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			// Pushing alone leaves room to delete.
			untilRefused(t, fleet)
			fullIsSaid(t, server)
			for _, repository := range doomed {
				server.Admin(t, http.StatusOK, http.MethodDelete, repository, nil)
				server.Admin(t, http.StatusNotFound, http.MethodGet, repository, nil)
			}
			work(t, fleet, 2*time.Second)
			fullIsSaid(t, server)
			settle(t, fleet)
			checkAll(t, fleet)

			// Somebody else takes the last byte: pulls go on.
			fill(t, ballast)
			refusals := fleet.Counts.Refused.Load()
			work(t, fleet, time.Second)
			if fleet.Counts.Refused.Load() == refusals {
				t.Error("nothing was refused on a disk without a byte")
			}
			fullIsSaid(t, server)
			settle(t, fleet)
			checkAll(t, fleet)

			server.Kill()
			fleet.Workers[0].Client.Disconnect()
			server.Restart() // a full disk is no reason not to start
			checkAll(t, fleet)

			for _, file := range []string{ballast, spare} {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
			refusals = fleet.Counts.Refused.Load()
			for _, w := range fleet.Workers {
				w.LayerSize = 10 << 10
			}
			work(t, fleet, time.Second)
			if n := fleet.Counts.Refused.Load() - refusals; n > 0 {
				t.Errorf("%d refusals after there was space again", n)
			}
			settle(t, fleet)
			checkAll(t, fleet)
			t.Log(fleet.Counts)
		})
	}
}

// filled makes a project with images and returns where the API has its repositories.
func filled(t *testing.T, door haventest.Door) (repositories []string) {
	t.Helper()
	const project = "doomed"
	work(t, fleetIn(t, door, project), 300*time.Millisecond)
	listing := "/api/v2.0/projects/" + project + "/repositories"
	var found []struct{ Name string }
	if err := json.Unmarshal(door.Admin(t, http.StatusOK, http.MethodGet, listing, nil).Body, &found); err != nil || len(found) == 0 {
		t.Fatalf("%d repositories were made, %v", len(found), err)
	}
	for _, r := range found {
		repositories = append(repositories, listing+"/"+strings.TrimPrefix(r.Name, project+"/"))
	}
	return repositories
}

// untilRefused works until the disk is full for the first time.
func untilRefused(t *testing.T, fleet *ledger.Fleet) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); fleet.Counts.Refused.Load() == 0; {
		work(t, fleet, 200*time.Millisecond)
		if time.Now().After(deadline) {
			t.Fatal("the disk is not full after a minute of pushing")
		}
	}
}

// fullIsSaid is what a client is told: a status of its own, the specification's body,
// and words for people.
func fullIsSaid(t *testing.T, server *haventest.Server) {
	t.Helper()
	body := strings.Repeat("x", 1<<20)
	req, err := http.NewRequest(http.MethodPost, server.URL+"/v2/"+project+"/w0/blobs/uploads/?digest="+ledger.NewBlob([]byte(body)).Digest, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said := make([]byte, 1000)
	n, _ := resp.Body.Read(said)
	for path, want := range map[string]int{"/readyz": http.StatusOK, "/readyz?for=writes": http.StatusServiceUnavailable} {
		if a := server.Call(t, "", "", http.MethodGet, path, nil); a.Status != want {
			t.Errorf("%s on a full disk: %d, want %d", path, a.Status, want)
		}
	}
	if resp.StatusCode != http.StatusInsufficientStorage || !strings.Contains(string(said[:n]), "is full") {
		t.Errorf("a push onto a full disk is answered with %d: %s", resp.StatusCode, said[:n])
	}
}
