package confined

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Options of New. The zero value is good.
type Options struct {
	Children int      // at once; 0: as many as there are cores
	TempDir  string   // where children have what is too large for memory; "": the system's
	Command  []string // that starts a child; none: this program, as haven scan-worker
	Full     bool     // nothing is read unless children have no network and no files but their own
}

// Process is the Engine that starts a child for each thing that it is asked for.
type Process struct {
	options Options
	free    chan struct{} // a token for each child that may be started

	levels []level // to be tried, the strictest first
	probe  sync.Once
	found  atomic.Pointer[confinement] // nil until it was tried

	started func(pid int) // what tests look at; nil otherwise
}

// confinement is how far this machine lets children be confined.
type confinement struct {
	level level
	words string // for people
	full  bool
	err   error // why no child can be started
}

var _ Engine = (*Process)(nil)

// New starts nothing yet.
func New(o Options) *Process {
	if o.Children <= 0 {
		o.Children = runtime.GOMAXPROCS(0)
	}
	if len(o.Command) == 0 {
		o.Command = []string{"/proc/self/exe", "scan-worker"}
	}
	return &Process{options: o, free: make(chan struct{}, o.Children), levels: levels}
}

// Confinement implements Engine. The first call tries it out.
func (p *Process) Confinement() string { return p.tried().words }

// Check is an error while images can't be read on this machine, by what is known: it starts nothing.
func (p *Process) Check(context.Context) error {
	found := p.found.Load()
	if found == nil {
		return nil
	}
	if found.err != nil {
		return found.err
	}
	_, err := p.confine()
	return err
}

// Fully reports whether children have no network and no files but their own. The first call tries it out.
func (p *Process) Fully() bool { return p.tried().full }

// confine returns the strictest level that this machine allows, or an error when that isn't enough.
func (p *Process) confine() (level, error) {
	found := p.tried()
	if p.options.Full && !found.full && found.err == nil {
		return found.level, &Failure{Machine, "nothing is read: scan_confinement is full, and on this machine children have only " + found.words, nil}
	}
	return found.level, nil
}

func (p *Process) tried() *confinement {
	p.probe.Do(func() {
		p.sweep()
		found := &confinement{}
		for _, l := range p.levels {
			ctx, cancel := context.WithTimeout(context.Background(), helloTime)
			answer, err := p.ask(ctx, l, request{Do: doHello}, nil)
			cancel()
			var achieved []string
			if err == nil {
				err = json.Unmarshal(answer, &achieved)
			}
			if err == nil {
				found = &confinement{level: l, words: describe(achieved), full: full(achieved)}
				break
			}
			found.err = fmt.Errorf("children can't be started: %w", err)
			found.words = found.err.Error()
		}
		p.found.Store(found)
	})
	return p.found.Load()
}

// full is whether what children achieved leaves them neither network nor files.
func full(achieved []string) bool {
	has := func(one, other string) bool {
		return slices.Contains(achieved, one) || slices.Contains(achieved, other)
	}
	return has(networkless, filtered) && has(fileless, landlocked)
}

// What children may achieve.
const (
	networkless  = "namespaces"
	fileless     = "files"
	unprivileged = "privileges"
	landlocked   = "landlock"
	filtered     = "calls"
)

// Layer implements Engine.
func (p *Process) Layer(ctx context.Context, blob io.Reader, mediaType string) (layer inventory.Layer, err error) {
	l, err := p.confine()
	if err != nil {
		return layer, err
	}
	ctx, cancel := context.WithTimeout(ctx, layerTime)
	defer cancel()
	source := &watched{r: blob}
	answer, err := p.ask(ctx, l, request{Do: doLayer}, source)
	if source.err != nil {
		return layer, &Failure{Machine, "the layer can't be read from the store", source.err}
	}
	if err != nil {
		return layer, naming(err, mediaType)
	}
	if err := json.Unmarshal(answer, &layer); err != nil || layer.Revision != inventory.Revision || layer.Digest != "" {
		return inventory.Layer{}, &Failure{Flood, "the child's answer is not valid", err}
	}
	return layer, nil
}

// naming adds what a layer claims to be to what is wrong with it.
func naming(err error, mediaType string) error {
	if f, ok := errors.AsType[*Failure](err); ok && f.Cause == Content && mediaType != "" {
		return &Failure{Content, fmt.Sprintf("%s (media type %q)", f.Reason, mediaType), f.Err}
	}
	return err
}

// watched remembers what reading a blob failed by: that isn't the blob's fault.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// SBOM implements Engine.
func (p *Process) SBOM(ctx context.Context, of inventory.Inventory, document SBOMRequest) ([]byte, error) {
	if document.Format.MediaType() == "" {
		return nil, fmt.Errorf("bill of materials: unknown format %q", document.Format)
	}
	l, err := p.confine()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return p.ask(ctx, l, request{Do: doSBOM, Document: &document, Inventory: &of}, nil)
}

// Verify looks through a database that is about to be used: folder dir with trivy.db and metadata.json. What is wrong
// with it is a fault.Invalid. It implements vulndb.Verifier.
func (p *Process) Verify(ctx context.Context, dir string) (m vulndb.Metadata, err error) {
	text, err := readSmall(filepath.Join(dir, "metadata.json"), 64<<10)
	if err != nil {
		return m, fmt.Errorf("read metadata.json: %w", err)
	}
	file, err := os.Open(filepath.Join(dir, "trivy.db"))
	if err != nil {
		return m, fmt.Errorf("open trivy.db: %w", err)
	}
	defer func() { _ = file.Close() }()
	l, err := p.confine()
	if err != nil {
		return m, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := p.ask(ctx, l, request{Do: doVerify, Metadata: text}, nil, file)
	if reason, yes := AtFault(err); yes {
		return m, fault.Invalidf("the vulnerability database was refused: %s", reason)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(answer, &m); err != nil {
		return m, &Failure{Flood, "the child's answer is not valid", err}
	}
	return m, nil
}

func readSmall(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it has more than %d bytes", most)
	}
	return text, err
}

// Judge implements Engine.
func (p *Process) Judge(ctx context.Context, edition vulndb.Edition, subjects []inventory.Subject) ([]inventory.Verdict, error) {
	verdicts := make([]inventory.Verdict, 0, len(subjects))
	all := func(yield func(inventory.Subject) bool) {
		for _, s := range subjects {
			if !yield(s) {
				return
			}
		}
	}
	err := p.JudgeEach(ctx, edition, all, func(_ inventory.Subject, v inventory.Verdict) error {
		verdicts = append(verdicts, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

// JudgeEach implements Engine.
func (p *Process) JudgeEach(ctx context.Context, edition vulndb.Edition, subjects iter.Seq[inventory.Subject],
	each func(inventory.Subject, inventory.Verdict) error,
) error {
	file, err := os.Open(filepath.Join(edition.Dir, "trivy.db"))
	if err != nil {
		return &Failure{Machine, "the vulnerability database can't be opened", err}
	}
	defer func() { _ = file.Close() }()
	l, err := p.confine()
	if err != nil {
		return err
	}
	if err := p.acquire(ctx); err != nil {
		return err
	}
	defer p.release()
	c, err := p.start(ctx, l, file)
	if err != nil {
		return err
	}
	return c.end(p.judge(c, subjects, each))
}

// judge sends batches, one ahead of the child, and takes the verdicts in.
func (p *Process) judge(c *child, subjects iter.Seq[inventory.Subject], each func(inventory.Subject, inventory.Verdict) error) error {
	if err := writeFrame(c.in, frameRequest, request{Do: doJudge}); err != nil {
		return err
	}
	asked := make(chan []inventory.Subject, 2)
	stop := make(chan struct{})
	var sending sync.WaitGroup
	var unsent error
	sending.Go(func() {
		defer close(asked)
		unsent = sendBatches(c, subjects, asked, stop)
		_ = c.in.Close()
	})
	err := takeVerdicts(c, asked, each)
	close(stop)
	if err != nil {
		_ = c.in.Close() // the sender may be waiting for a child that doesn't read
	}
	for range asked {
	}
	sending.Wait()
	return errors.Join(err, unsent)
}

func sendBatches(c *child, subjects iter.Seq[inventory.Subject], asked chan<- []inventory.Subject, stop <-chan struct{}) error {
	send := func(b []inventory.Subject) (bool, error) {
		select {
		case asked <- b:
		case <-stop:
			return false, nil
		}
		err := writeFrame(c.in, frameSubjects, b)
		return err == nil, err
	}
	var b []inventory.Subject
	for s := range subjects {
		if b = append(b, s); len(b) < batch {
			continue
		}
		if more, err := send(b); !more {
			return err
		}
		b = nil
	}
	if len(b) > 0 {
		_, err := send(b)
		return err
	}
	return nil
}

func takeVerdicts(c *child, asked <-chan []inventory.Subject, each func(inventory.Subject, inventory.Verdict) error) error {
	for b := range asked {
		for _, s := range b {
			c.patience(batchTime)
			body, err := c.answer(frameVerdict)
			if err != nil {
				return err
			}
			var v inventory.Verdict
			if err := json.Unmarshal(body, &v); err != nil {
				return &Failure{Flood, "the child's answer is not valid", err}
			}
			c.patience(answerTime) // of who takes the verdict
			if err := each(s, v); err != nil {
				return theirs{err}
			}
		}
	}
	return nil
}

// theirs is an error of who takes verdicts, which no end of the child explains.
type theirs struct{ error }

func (t theirs) Unwrap() error { return t.error }

// ask starts a child for one question and one answer.
func (p *Process) ask(ctx context.Context, l level, q request, blob io.Reader, inherit ...*os.File) ([]byte, error) {
	if err := p.acquire(ctx); err != nil {
		return nil, err
	}
	defer p.release()
	var database *os.File
	if len(inherit) > 0 {
		database = inherit[0]
	}
	c, err := p.start(ctx, l, database)
	if err != nil {
		return nil, err
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		// An error here shows in the answer, or in how the child ended.
		if writeFrame(c.in, frameRequest, q) == nil && blob != nil {
			if _, err := io.Copy(c.in, blob); err != nil {
				var w *watched
				if w, _ = blob.(*watched); w != nil && w.err != nil {
					c.kill()
				}
			}
		}
		_ = c.in.Close()
	})
	body, err := c.answer(frameAnswer)
	err = c.end(err)
	sending.Wait()
	return body, err
}

func (p *Process) acquire(ctx context.Context) error {
	select {
	case p.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Process) release() { <-p.free }

// answer reads a frame of a kind, or why there is none.
func (c *child) answer(want byte) ([]byte, error) {
	kind, body, err := readFrame(c.out, maxAnswer)
	switch {
	case errors.Is(err, errFlood):
		return nil, &Failure{Flood, "the child's answer is too large", nil}
	case err != nil:
		return nil, err
	case kind == want:
		return body, nil
	case kind == frameFailure:
		var f failure
		if json.Unmarshal(body, &f) != nil || f.Reason == "" || len(f.Reason) > 2000 {
			return nil, &Failure{Flood, "the child's answer is not valid", nil}
		}
		if f.Cause != Content && f.Cause != Machine {
			f.Cause = Crash
		}
		return nil, &Failure{f.Cause, strings.ToValidUTF8(f.Reason, "?"), nil}
	default:
		return nil, &Failure{Flood, "the child's answer is not valid", nil}
	}
}

// kept is the beginning of what a child says on stderr.
type kept struct {
	mu   sync.Mutex
	text []byte
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if room := said - len(k.text); room > 0 {
		k.text = append(k.text, b[:min(room, len(b))]...) // a crash begins with its reason
	}
	return len(b), nil
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(k.text)
}

// reader is what a child's answers are read from.
func reader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }
