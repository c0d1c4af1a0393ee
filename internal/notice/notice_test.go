package notice

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/await"
	"github.com/havenregistry/haven/internal/notice/redistest"
	"github.com/havenregistry/haven/internal/secret"
)

// patience is far more than anything here takes.
const patience = 30 * time.Second

// logged collects what a Board says.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// replica is a Board at work.
type replica struct {
	*Board
	log      *logged
	events   chan struct{}
	settings chan struct{}
}

func newReplica(t *testing.T, url string) *replica {
	t.Helper()
	r := &replica{log: &logged{}, events: make(chan struct{}, 1000), settings: make(chan struct{}, 1000)}
	var err error
	if r.Board, err = Open(secret.Text(url), slog.New(slog.NewTextHandler(r.log, nil))); err != nil {
		t.Fatal(err)
	}
	r.Subscribe(Events, func() { r.events <- struct{}{} })
	r.Subscribe(Settings, func() { r.settings <- struct{}{} })
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func told(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("not told: %s", what)
	}
}

func TestTheOthersAreToldAndNotOneself(t *testing.T) {
	redis := redistest.Start(t)
	a, b := newReplica(t, redis.URL), newReplica(t, redis.URL)
	for _, r := range []*replica{a, b} { // on connecting
		told(t, r.events, "the first look")
		told(t, r.settings, "the first look")
	}
	a.Publish(Settings)
	told(t, b.settings, "settings by a")
	b.Publish(Events)
	told(t, a.events, "events by b")
	// What came to a before b's notice would be a's own.
	if len(a.settings) > 0 || len(b.events) > 0 {
		t.Errorf("a replica was told by itself, or of another topic: %d %d", len(a.settings), len(b.events))
	}
	if err := a.Check(t.Context()); err != nil || !a.Shared() {
		t.Errorf("check: %v", err)
	}
}

func TestRedisComesAndGoes(t *testing.T) {
	redis := redistest.Start(t)
	redis.Kill()
	a, b := newReplica(t, redis.URL), newReplica(t, redis.URL)
	await.Until(t, "both say that Redis is away", func() bool { return a.log.count("can't be reached") > 0 && b.log.count("can't be reached") > 0 })
	if err := a.Check(t.Context()); err == nil {
		t.Error("Redis is away and Check finds it")
	}
	a.Publish(Settings) // is lost

	for round := range 2 {
		redis.Restart()
		for _, r := range []*replica{a, b} {
			told(t, r.settings, "to look after Redis came back")
		}
		a.Publish(Events)
		told(t, b.events, "events by a")
		if a.log.count("msg=\"Redis is back\"") != round+1 || a.log.count("can't be reached") != round+1 {
			t.Errorf("round %d: the log says\n%s", round, a.log)
		}
		redis.Kill()
		await.Until(t, "the end of Redis is noticed", func() bool { return a.log.count("can't be reached") >= round+2 })
	}
	if a.log.count(redis.Password) > 0 {
		t.Error("the password is in the log")
	}
}

func TestAloneThereIsNobodyToTell(t *testing.T) {
	r := newReplica(t, "")
	r.Publish(Events)
	if err := r.Check(t.Context()); err != nil || r.Shared() {
		t.Errorf("check: %v, shared: %v", err, r.Shared())
	}
}

func TestAddresses(t *testing.T) {
	const canary = "canary-of-redis"
	for address, want := range map[string]string{
		"redis://:" + canary + "@127.0.0.1:6379/2":                                                 "*redis.Client",
		"rediss://user:" + canary + "@redis.example.com":                                           "*redis.Client",
		"redis://:" + canary + "@s1.example.com:26379?master_name=haven&addr=s2.example.com:26379": "*redis.Client",
		"redis://:" + canary + "@c1.example.com:6379?addr=c2.example.com:6379":                     "*redis.ClusterClient",
		"http://" + canary + "@127.0.0.1:6379":                                                     "expected redis://",
		canary:                                                                                     "expected redis://",
		"redis://:" + canary + "%zz@127.0.0.1:1":                                                   "expected redis://",
		"redis://:" + canary + "@127.0.0.1/?x=1":                                                   "unexpected option: x",
		"redis://:" + canary + "@h?addr=i:1&wrong=1":                                               "unexpected option",
	} {
		b, err := Open(secret.Text(address), slog.New(slog.DiscardHandler))
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%T", b.client)
			b.Close()
		}
		if !strings.Contains(got, want) || strings.Contains(got, canary) {
			t.Errorf("%s: got %q, want %q without the password", address, got, want)
		}
	}
}
