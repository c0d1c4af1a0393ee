package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/havenregistry/haven/internal/telemetry"
)

// oracle answers questions in the time that it is told, and counts.
type oracle struct {
	takes   time.Duration
	allowed bool
	digest  string
	err     error

	mu           sync.Mutex
	asked        []int // how many names each question had
	atOnce, most int
}

func (o *oracle) ask(ctx context.Context, names []string) (map[string]verdict, error) {
	o.mu.Lock()
	o.asked = append(o.asked, len(names))
	o.atOnce++
	o.most = max(o.most, o.atOnce)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.atOnce--
		o.mu.Unlock()
	}()
	select {
	case <-time.After(o.takes):
	case <-ctx.Done():
		return nil, &askError{troubleTimeout, "too late"}
	}
	if o.err != nil {
		return nil, o.err
	}
	found := map[string]verdict{}
	for _, name := range names {
		v, err := parseVerdicts(fmt.Appendf(nil, `{"verdicts":[{"image":%q,"allowed":%v,"digest":%q}]}`, name, o.allowed, o.digest), []string{name})
		if err != nil {
			return nil, err
		}
		found[name] = v[name]
	}
	return found, nil
}

func (o *oracle) questions() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.asked)
}

func verdictsOf(o *oracle) *verdicts {
	p := defaults()
	return newVerdicts(&p, who{"Haven", fromHaven, maxQuestion, p.Haven.Concurrency, o.ask, new(telemetry.Tally[trouble])}, new(telemetry.Tally[source]), time.Now)
}

func TestHowLongVerdictsCount(t *testing.T) {
	for _, c := range []struct {
		name, image string
		oracle      *oracle
		life        time.Duration
	}{
		{"allowed by digest", "p/a@" + digestA, &oracle{allowed: true, digest: digestA}, time.Minute},
		{"refused by digest", "p/a@" + digestA, &oracle{digest: digestA}, 10 * time.Second},
		{"allowed by tag", "p/a:1", &oracle{allowed: true, digest: digestA}, 10 * time.Second},
		{"refused by tag", "p/a:1", &oracle{digest: digestA}, 10 * time.Second},
		{"an error", "p/a:1", &oracle{err: errors.New("x")}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := verdictsOf(c.oracle)
				ask := func(want int) {
					t.Helper()
					v.of(t.Context(), []string{c.image})
					if got := c.oracle.questions(); got != want {
						t.Fatalf("asked %d times, want %d", got, want)
					}
				}
				ask(1)
				if c.life > 0 {
					time.Sleep(c.life - time.Millisecond)
					ask(1)
					time.Sleep(time.Millisecond)
				}
				ask(2)
				v.wait()
			})
		})
	}
}

// A verdict by tag is one about the digest: a pinned image is known already, for as long as digests are.
func TestATagsVerdictCountsForItsDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{allowed: true, digest: digestA}
		v := verdictsOf(o)
		v.of(t.Context(), []string{"p/a:1"})
		time.Sleep(50 * time.Second)
		if got := v.of(t.Context(), []string{"p/a@" + digestA}); !got["p/a@"+digestA].verdict.allowed || o.questions() != 1 {
			t.Errorf("got %v after %d questions", got, o.questions())
		}
		v.wait()
	})
}

// A verdict that rests on something that ends doesn't outlive it.
func TestVerdictsThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := verdictsOf(&oracle{})
		name := "p/a@" + digestA
		v.remember(name, verdict{allowed: true, until: time.Now().Add(5 * time.Second)})
		time.Sleep(4 * time.Second)
		if known, ok := v.known(name); !ok || !known.allowed || time.Until(known.until) != time.Second {
			t.Errorf("a second before its end: %v, %v", known, ok)
		}
		time.Sleep(time.Second)
		if known, ok := v.known(name); ok {
			t.Errorf("at its end: %v", known)
		}
		v.remember(name, verdict{allowed: true, until: time.Now()})
		if known, ok := v.known(name); ok {
			t.Errorf("one that had ended: %v", known)
		}
	})
}

func TestWhatVerdictsAreRememberedBy(t *testing.T) {
	for name, want := range map[string]string{
		"a": "a", "a:1": "a:1", "p/a:1": "p/a:1", "a@" + digestA: "a@" + digestA, "p/a:1@" + digestA: "p/a@" + digestA,
	} {
		if got := keyOf(name); got != want {
			t.Errorf("%s by %s, want %s", name, got, want)
		}
	}
}

func TestOneQuestionForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{takes: time.Second, allowed: true, digest: digestA}
		v := verdictsOf(o)
		impatient, leave := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer leave()
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				ctx := t.Context()
				if i == 0 {
					ctx = impatient
				}
				got := v.of(ctx, []string{"p/a:1", "p/a:1"})
				if len(got) != 1 || got["p/a:1"].verdict.allowed == (i == 0) || (got["p/a:1"].err != nil) != (i == 0) {
					t.Errorf("%d got %v", i, got)
				}
			})
			if i == 0 {
				synctest.Wait() // who asks first is the one who doesn't wait
			}
		}
		all.Wait()
		v.wait()
		if o.questions() != 1 {
			t.Errorf("asked %d times", o.questions())
		}
	})
}

func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{takes: 100 * time.Millisecond, allowed: true, digest: digestA}
		v := verdictsOf(o)
		var names []string
		for i := range 2000 {
			names = append(names, fmt.Sprintf("p/a:%d", i))
		}
		got := v.of(t.Context(), names)
		v.wait()
		for _, name := range names {
			if !got[name].verdict.allowed {
				t.Fatalf("%s: %v", name, got[name])
			}
		}
		if slices.Max(o.asked) > maxQuestion || o.questions() != 20 || o.most != 8 {
			t.Errorf("questions of %v, %d at once", o.asked, o.most)
		}
		if len(v.flights) > 0 {
			t.Errorf("%d questions are left", len(v.flights))
		}
	})
}

// A Haven that hangs holds nobody longer than the deadline, and takes no slot for ever.
func TestAHavenThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oracle{takes: time.Hour}
		v := verdictsOf(o)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		var names []string
		for i := range 100 * 20 {
			names = append(names, fmt.Sprintf("p/a:%d", i))
		}
		for name, a := range v.of(ctx, names) {
			if a.err == nil {
				t.Fatalf("%s: %v", name, a)
			}
		}
		v.wait()
		if took := time.Since(begun); took != 8*time.Second {
			t.Errorf("it took %s", took)
		}
		if v.failed.All()[troubleTimeout] != 20 || len(v.slots) > 0 {
			t.Errorf("%v, %d slots are taken", v.failed.All(), len(v.slots))
		}
	})
}

func TestParseVerdicts(t *testing.T) {
	names := []string{"p/a:1", "p/b@" + digestA}
	one := func(image, digest, allowed string) string {
		return fmt.Sprintf(`{"image":%q,"digest":%q,"allowed":%s,"message":"m"}`, image, digest, allowed)
	}
	good := one("p/a:1", digestB, "true") + "," + one("p/b@"+digestA, digestA, "true")
	for _, c := range []struct {
		name, verdicts string
		ok             bool
	}{
		{"good", good, true},
		{"refused, not there", one("p/a:1", "", "false") + "," + one("p/b@"+digestA, "", "false"), true},
		{"allowed without a digest", one("p/a:1", "", "true") + "," + one("p/b@"+digestA, digestA, "true"), true},
		{"one is missing", one("p/a:1", digestB, "true"), false},
		{"none", "", false},
		{"one twice", good + "," + one("p/a:1", digestB, "true"), false},
		{"one of others", good + "," + one("p/c:1", digestB, "true"), false},
		{"undecided", one("p/a:1", digestB, "null") + "," + one("p/b@"+digestA, digestA, "true"), false},
		{"decided in words", one("p/a:1", digestB, `"true"`) + "," + one("p/b@"+digestA, digestA, "true"), false},
		{"about another digest", one("p/a:1", digestB, "true") + "," + one("p/b@"+digestA, digestB, "true"), false},
		{"about no digest", one("p/a:1", digestB, "true") + "," + one("p/b@"+digestA, "", "true"), false},
		{"no digest", one("p/a:1", "latest", "true") + "," + one("p/b@"+digestA, digestA, "true"), false},
		{"decided twice", strings.Replace(good, `"allowed":true`, `"allowed":false,"allowed":true`, 1), false},
		{"by case", strings.Replace(good, `"allowed"`, `"Allowed"`, 1), false},
	} {
		found, err := parseVerdicts([]byte(`{"verdicts":[`+c.verdicts+`]}`), names)
		if (err == nil) != c.ok || c.ok && len(found) != 2 {
			t.Errorf("%s: %v, %v", c.name, found, err)
		}
	}
	for _, text := range []string{"", "null", "[]", `{"verdicts":null}`, `{"verdicts":{}}`} {
		if found, err := parseVerdicts([]byte(text), names); err == nil {
			t.Errorf("%q: %v", text, found)
		}
	}
}

func FuzzVerdicts(f *testing.F) {
	f.Add([]byte(`{"verdicts":[{"image":"p/a:1","digest":"` + digestA + `","allowed":true,"message":"m","reasons":["r"]}]}`))
	f.Add([]byte(`{"verdicts":[{"image":"p/a:1","allowed":false},{"image":"p/a:1","allowed":true}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseVerdicts(text, []string{"p/a:1"})
		if _, decided := found["p/a:1"]; (err == nil) != decided || len(found) > 1 {
			t.Errorf("%v, %v", found, err)
		}
		if v := found["p/a:1"]; len(v.message) > maxReason || len(v.reasons) > maxReasons {
			t.Errorf("unbounded: %v", v)
		}
	})
}
