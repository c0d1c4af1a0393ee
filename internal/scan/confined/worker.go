package confined

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/havenregistry/haven/internal/scan/inventory"
	"github.com/havenregistry/haven/internal/scan/trivy"
	"github.com/havenregistry/haven/internal/scan/vulndb"
)

// Work is what a child does: it confines itself, reads one request from stdin, and answers it on stdout. The folder is
// the one that its parent made for it. It returns the status to exit with.
func Work(dir string) int {
	if err := restrain(); err != nil {
		fmt.Fprintln(os.Stderr, "scan-worker: limits:", err)
		return 3
	}
	debug.SetMemoryLimit(softMemory)
	slog.SetDefault(slog.New(slog.DiscardHandler)) // Trivy says much, to nobody
	achieved, inside := confineSelf(dir)
	w := &worker{
		in: bufio.NewReaderSize(os.Stdin, 256<<10), out: bufio.NewWriterSize(os.Stdout, 64<<10),
		database: os.NewFile(3, "trivy.db"), spool: os.NewFile(4, "spool"), rpm: filepath.Join(inside, "rpm"), achieved: achieved,
	}
	if err := w.serve(context.Background()); err != nil {
		f := failure{Crash, err.Error()}
		if errors.Is(err, trivy.ErrContent) {
			f.Cause = Content
		}
		if len(f.Reason) > 1000 {
			f.Reason = f.Reason[:1000]
		}
		if writeFrame(w.out, frameFailure, f) != nil {
			return 3
		}
	}
	if w.out.Flush() != nil {
		return 3
	}
	return 0
}

type worker struct {
	in              *bufio.Reader
	out             *bufio.Writer
	database, spool *os.File
	rpm             string
	achieved        []string
}

func (w *worker) serve(ctx context.Context) error {
	kind, body, err := readFrame(w.in, maxQuestion)
	if err != nil || kind != frameRequest {
		return fmt.Errorf("read the request: %w", err)
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	switch q.Do {
	case doHello:
		return writeFrame(w.out, frameAnswer, w.achieved)
	case doLayer:
		layer, err := (&trivy.Reader{Limits: trivy.Usual, Spool: w.spool, RPM: w.rpm}).Layer(ctx, w.in)
		if err != nil {
			return err
		}
		return writeFrame(w.out, frameAnswer, layer)
	case doSBOM:
		if q.Document == nil || q.Inventory == nil {
			return errors.New("a bill of materials of nothing")
		}
		d := q.Document
		body, err := trivy.SBOM(ctx, *q.Inventory, trivy.Document{
			Format: string(d.Format), Name: d.Name, Digest: d.Digest, Tags: d.Tags, Arch: d.Arch, Created: d.Created, Version: d.Version,
		})
		if err != nil {
			return err
		}
		return writeFrame(w.out, frameAnswer, json.RawMessage(body))
	case doVerify:
		return w.verify(q.Metadata)
	case doJudge:
		return w.judge(ctx)
	default:
		return fmt.Errorf("unknown request %q", q.Do)
	}
}

func (w *worker) verify(metadata []byte) error {
	m, err := trivy.ParseMetadata(metadata)
	if err != nil {
		return err
	}
	db, err := trivy.OpenDatabase(w.database)
	if err != nil {
		return err
	}
	if err := db.Check(); err != nil {
		return err
	}
	return writeFrame(w.out, frameAnswer, vulndb.Metadata(m))
}

func (w *worker) judge(ctx context.Context) error {
	db, err := trivy.OpenDatabase(w.database)
	if err != nil {
		return err
	}
	for {
		kind, body, err := readFrame(w.in, maxQuestion)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || kind != frameSubjects {
			return fmt.Errorf("read subjects: %w", err)
		}
		var subjects []inventory.Subject
		if err := json.Unmarshal(body, &subjects); err != nil {
			return fmt.Errorf("read subjects: %w", err)
		}
		verdicts, err := db.Judge(ctx, subjects)
		if err != nil {
			return err
		}
		for i := range verdicts {
			if err := writeFrame(w.out, frameVerdict, verdicts[i]); err != nil {
				return err
			}
		}
		if err := w.out.Flush(); err != nil {
			return err
		}
	}
}
