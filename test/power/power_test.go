//go:build acceptance

// Package power cuts the power of the real program, as far as that can be had without a
// switch: the program runs under strace while clients push, mount, move tags and delete;
// a model of the disk (package disk) repeats its calls up to any point, loses, keeps or
// tears what was not synced, and the program starts again on what is left. Then every
// manifest acknowledged before that point is there with all it names, what was deleted
// stays so, and other blobs are whole or absent.
//
// HAVEN_POWER_CUTS is the number of points, HAVEN_POWER_SEED repeats a run's choices (the
// trace is another each time).
package power

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/test/haventest"
	"github.com/havenregistry/haven/test/ledger"
	"github.com/havenregistry/haven/test/power/disk"
)

// The load's size and times.
const (
	project = "power"
	workers = 4
	// reclaimAfter is short, so that the recorded server reclaims too.
	reclaimAfter = 2 * time.Second
	recordFor    = 6 * time.Second
	lanes        = 3 // replayed servers at a time
)

func TestNothingAcknowledgedIsLostWithThePower(t *testing.T) {
	seed := haventest.Number(t, "HAVEN_POWER_SEED", uint64(time.Now().UnixNano()))
	cuts := int(haventest.Number(t, "HAVEN_POWER_CUTS", 150))
	t.Logf("seed: HAVEN_POWER_SEED=%d", seed)
	haventest.Binary(t, true)
	began := time.Now()
	s := record(t, seed)
	t.Logf("recorded in %s: %d calls, %d answers; %s", time.Since(began).Round(time.Second), len(s.calls), len(s.acks), s.fleet.Counts)
	*s.fleet.Counts = ledger.Counts{}

	t.Run("the program", func(t *testing.T) {
		began := time.Now()
		o := s.try(t, s.sample(cuts, seed), nil, false)
		t.Logf("%d cuts, %d disks in %s, %d before the first push; %s", cuts, o.disks.Load(), time.Since(began).Round(time.Second), o.early.Load(), s.fleet.Counts)
		for _, loss := range o.losses {
			t.Error(loss)
		}
	})
	// The same with some of the syncs passed over: each kind must be missed.
	for name, ignore := range map[string]func(path string, dir bool) bool{
		"without any sync":                     func(string, bool) bool { return true },
		"without the syncs of the database":    func(path string, dir bool) bool { return strings.HasSuffix(path, "-wal") },
		"without the syncs of blobs":           func(path string, dir bool) bool { return !dir && strings.HasPrefix(path, "storage/") },
		"without the syncs of the directories": func(path string, dir bool) bool { return dir && strings.HasPrefix(path, "storage/") },
	} {
		t.Run(name, func(t *testing.T) {
			o := s.try(t, s.sample(40, seed), ignore, true)
			if len(o.losses) == 0 {
				t.Errorf("%d disks, and no loss was noticed", o.disks.Load())
			} else {
				t.Logf("noticed: %.200s", o.losses[0])
			}
		})
	}
}

// session is a recording and what the clients know of it.
type session struct {
	*recording
	fleet  *ledger.Fleet
	token  string
	reboot []string
	first  int // line of the answer after which project and token are there
}

func record(t *testing.T, seed uint64) *session {
	t.Helper()
	dir, file := filepath.Join(fast(t), "data"), filepath.Join(t.TempDir(), "trace")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"HAVEN_RECLAIM_AFTER=" + reclaimAfter.String()}
	p, err := start(t, dir, freeAddress(t), env, strace(t, file)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	server := haventest.Door{URL: p.url}
	server.NewProject(t, project, false)
	// What is deleted is to be reclaimed while the trace is written.
	server.Admin(t, http.StatusOK, http.MethodPut, "/api/v2.0/configurations", map[string]any{"trash_days": 0})
	repositories := ledger.Repositories(project, workers)
	var scopes []string
	for _, r := range repositories {
		scopes = append(scopes, "repository:"+r+":pull,push,delete")
	}
	s := &session{reboot: rebooted(t), token: server.Token(t, "admin", haventest.AdminPassword, strings.Join(scopes, " "))}
	client := ledger.NewClient(p.url, s.token, haventest.AdminPassword, "power")
	s.fleet = ledger.NewFleet(client, repositories, reclaimAfter, seed)
	for _, w := range s.fleet.Workers {
		w.Keep = true
	}
	s.fleet.Workers[0].LayerSize = 3 * blob.MaxPacked / 2 // some have a file of their own
	ctx, cancel := context.WithTimeout(t.Context(), recordFor)
	defer cancel()
	if err := s.fleet.Work(ctx); err != nil {
		t.Fatalf("%v\n%s", err, p.output.Bytes())
	}
	p.terminateTraced(t)
	s.recording = readRecording(t, dir, file)
	s.first = s.acks["power-1"]
	if len(s.acks) < 100 || s.first == 0 {
		t.Fatalf("the trace has %d answers only", len(s.acks))
	}
	return s
}

// terminateTraced ends the program below strace, which then ends with its file complete.
func (p *process) terminateTraced(t *testing.T) {
	t.Helper()
	pid := p.command.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("strace has the children %q", text)
	}
	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		p.exited <- err
	case <-time.After(time.Minute):
		t.Fatal("haven serve under strace did not end within a minute of SIGTERM")
	}
}

// sample chooses lines to cut at: one in ten within the first start, else half of them
// anywhere and half just when an answer was given, where most is at stake.
func (s *session) sample(n int, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 1))
	var answers []int
	for _, line := range s.acks {
		answers = append(answers, line)
	}
	slices.Sort(answers)
	lines := make([]int, n)
	for i := range lines {
		switch {
		case i%10 == 0:
			lines[i] = 1 + rng.IntN(s.first)
		case i%2 == 0:
			lines[i] = 1 + rng.IntN(s.last)
		default:
			lines[i] = answers[rng.IntN(len(answers))]
		}
	}
	slices.Sort(lines)
	return lines
}

// outcome is what the replays of one kind gave.
type outcome struct {
	mu     sync.Mutex
	losses []string
	disks  atomic.Int64
	early  atomic.Int64
}

func (o *outcome) lost(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.losses = append(o.losses, fmt.Sprintf(format, args...))
}

func (o *outcome) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.losses) > 0
}

// try cuts at each of the lines and starts the program on what may be found. With first
// it ends at the first loss.
func (s *session) try(t *testing.T, lines []int, ignore func(string, bool) bool, first bool) *outcome {
	t.Helper()
	o := &outcome{}
	r := newReplay(s.root, s.calls, ignore)
	seats := make(chan string, lanes)
	for range lanes {
		seats <- freeAddress(t)
	}
	var group sync.WaitGroup
	for i, line := range lines {
		if err := r.until(line); err != nil {
			t.Fatal(err)
		}
		for name, fate := range map[string]disk.Fate{
			"all lost": disk.Lost(), "all kept": disk.Kept(),
			"some torn": disk.Random(rand.New(rand.NewPCG(uint64(i), 7))),
		} {
			if first && (o.any() || name == "all kept") {
				continue
			}
			dir := filepath.Join(fast(t), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if _, err := r.disk.WriteTo(dir, fate); err != nil {
				t.Fatal(err)
			}
			address := <-seats
			group.Go(func() {
				defer func() { seats <- address }()
				o.disks.Add(1)
				if err := s.startOn(t, o, dir, address, line); err != nil {
					o.lost("cut at line %d of %d, %s: %v", line, s.last, name, err)
				}
				os.RemoveAll(dir)
			})
		}
	}
	group.Wait()
	return o
}

// startOn starts the program on a disk that was cut off after the line and checks it.
func (s *session) startOn(t *testing.T, o *outcome, dir, address string, line int) error {
	p, err := start(t, dir, address, nil, s.reboot...)
	if err != nil {
		return err
	}
	defer p.kill()
	if line < s.first {
		o.early.Add(1)
		return signIn(p.url)
	}
	client := ledger.NewClient(p.url, s.token, haventest.AdminPassword, "replay")
	defer client.Disconnect()
	answered := func(request string) bool {
		at, sent := s.acks[request]
		return sent && at <= line
	}
	fleet := &ledger.Fleet{Counts: s.fleet.Counts}
	for i, w := range s.fleet.Workers {
		fleet.Workers = append(fleet.Workers, w.At(client, answered, uint64(i)))
	}
	if err := fleet.Each(func(w *ledger.Worker) error { return w.CheckAfterPowerLoss(t.Context()) }); err != nil {
		return fmt.Errorf("%w\n%s", err, p.output.Bytes())
	}
	return nil
}

// signIn checks that the administrator can use a server whose first start was cut off.
func signIn(url string) error {
	req, err := http.NewRequest(http.MethodGet, url+"/api/v2.0/users/current", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth("admin", haventest.AdminPassword)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the administrator is answered with %s", resp.Status)
	}
	return nil
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
