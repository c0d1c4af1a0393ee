package job

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/pause"
)

const (
	// MaxLog is how much of a task's log is kept, in bytes: the first half and the last.
	MaxLog = 1 << 20
	// maxPiece is the size of a row, and maxLine that of a line, in bytes.
	maxPiece = 16 << 10
	maxLine  = 4 << 10
	// maxUnwritten bounds the pieces in memory. What comes too fast is cut from the middle, as what is too much.
	maxUnwritten = 8
	// logEvery is how often lines are written, those of all runs together.
	logEvery = 500 * time.Millisecond
	// piecesOfLog is how many rows one call of Log reads.
	piecesOfLog = 6
)

// record is the log of a run: the lines that aren't written yet, and the last row, which still grows.
type record struct {
	mu      sync.Mutex
	pieces  []piece
	base    int64 // the bytes that former runs wrote
	settled bool  // base is known
}

// piece is a row of a log.
type piece struct {
	start  int64 // from base on
	text   string
	stored int // bytes of text that are in the row
}

func (p piece) end() int64 { return p.start + int64(len(p.text)) }

// add appends a line. Lines that a text brings along are set apart, so that none looks like one of ours.
func (l *record) add(at time.Time, text string) {
	line := at.UTC().Format(time.RFC3339) + " " + bounded(strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t"), maxLine) + "\n"
	l.mu.Lock()
	defer l.mu.Unlock()
	switch last := len(l.pieces) - 1; {
	case last < 0:
		l.pieces = append(l.pieces, piece{text: line})
	case len(l.pieces[last].text)+len(line) > maxPiece:
		l.pieces = append(l.pieces, piece{start: l.pieces[last].end(), text: line})
	default:
		l.pieces[last].text += line
	}
	if len(l.pieces) > maxUnwritten {
		l.pieces = append(l.pieces[:1], l.pieces[2:]...)
	}
}

// take returns what isn't written yet.
func (l *record) take() (unwritten []piece) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.pieces {
		if p.stored < len(p.text) {
			unwritten = append(unwritten, p)
		}
	}
	return unwritten
}

// stored notes that what take returned is written. Only the last piece grows further.
func (l *record) stored(written []piece) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []piece
	for i, p := range l.pieces {
		for _, w := range written {
			if w.start == p.start {
				p.stored = len(w.text)
			}
		}
		if p.stored < len(p.text) || i == len(l.pieces)-1 {
			left = append(left, p)
		}
	}
	l.pieces = left
}

const (
	endOfLog = `SELECT COALESCE((SELECT start_at + size FROM job_log WHERE task_id = $1 ORDER BY start_at DESC LIMIT 1), 0)`
	putPiece = `INSERT INTO job_log (task_id, start_at, size, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (task_id, start_at) DO UPDATE SET size = excluded.size, body = excluded.body WHERE excluded.size > job_log.size`
	cutLog   = `DELETE FROM job_log WHERE task_id = $1 AND start_at >= $2 AND start_at < $3`
	logAfter = `SELECT start_at, body FROM job_log WHERE task_id = $1 AND start_at > $2 ORDER BY start_at LIMIT $3`
	mayLog   = `SELECT EXISTS (SELECT 1 FROM job_task WHERE id = $1 AND holder = $2 AND runs = $3)`
)

// write stores pieces; doing it again, or later than a longer one, changes nothing.
func (l *record) write(ctx context.Context, tx db.Tx, task int64, pieces []piece) error {
	if len(pieces) == 0 {
		return nil
	}
	base, err := l.begin(ctx, tx, task)
	if err != nil {
		return fmt.Errorf("find the end of the log of task %d: %w", task, err)
	}
	for _, p := range pieces {
		if _, err := tx.Exec(ctx, putPiece, task, base+p.start, len(p.text), p.text); err != nil {
			return fmt.Errorf("write the log of task %d: %w", task, err)
		}
	}
	if size := base + pieces[len(pieces)-1].end(); size > MaxLog {
		if _, err := tx.Exec(ctx, cutLog, task, MaxLog/2, size-MaxLog/2); err != nil {
			return fmt.Errorf("cut the log of task %d: %w", task, err)
		}
	}
	return nil
}

// begin finds where the lines of this run begin. Nobody else writes lines meanwhile.
func (l *record) begin(ctx context.Context, tx db.Tx, task int64) (int64, error) {
	l.mu.Lock()
	base, settled := l.base, l.settled
	l.mu.Unlock()
	if settled {
		return base, nil
	}
	base, err := db.Get(ctx, tx, db.ScanInt, endOfLog, task)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	l.base, l.settled = base, true
	l.mu.Unlock()
	return base, nil
}

// Log returns what a task had to tell after so many bytes of its log, a bounded piece of it; where to go on; and
// whether that is all, because the task has ended. What was cut out is named in its place. fault.NotFound where there is no such task.
func (s *Service) Log(ctx context.Context, task, after int64) (text string, next int64, done bool, err error) {
	type stored struct {
		start int64
		body  string
	}
	var status Status
	var pieces []stored
	after = max(after, 0)
	err = s.db.Read(ctx, func(tx db.Tx) error {
		t, err := getTask(ctx, tx, task)
		if err != nil {
			return err
		}
		status = t.Status
		pieces, err = db.Collect(ctx, tx, func(r db.Row) (p stored, err error) {
			err = r.Scan(&p.start, &p.body)
			return p, err
		}, logAfter, task, after-maxPiece-1, piecesOfLog)
		return err
	})
	if err != nil {
		return "", 0, false, fmt.Errorf("read the log of task %d: %w", task, err)
	}
	var b strings.Builder
	next = after
	for _, p := range pieces {
		end := p.start + int64(len(p.body))
		switch {
		case end <= next:
			continue
		case p.start > next:
			fmt.Fprintf(&b, "… %d bytes are left out here …\n", p.start-next)
			b.WriteString(p.body)
		default:
			b.WriteString(p.body[next-p.start:])
		}
		next = end
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD"), next, status.Ended() && len(pieces) < piecesOfLog, nil
}

// WholeLog returns all that is kept of a task's log so far.
func (s *Service) WholeLog(ctx context.Context, task int64) (string, error) {
	var b strings.Builder
	for after := int64(0); ; {
		text, next, _, err := s.Log(ctx, task, after)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		if next == after || b.Len() > 2*MaxLog { // it grows faster than it is read
			return b.String(), nil
		}
		after = next
	}
}

// writeLogs writes what runs have to tell until ctx is cancelled.
func (s *Service) writeLogs(ctx context.Context) {
	for pause.For(ctx, logEvery) {
		if err := s.flushLogs(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the logs of jobs can't be written", "error", err)
		}
	}
}

// flushLogs writes the lines of all runs in one transaction. A run that lost its task adds nothing to the log of the
// one that has it now.
func (s *Service) flushLogs(ctx context.Context) error {
	unwritten := map[*Run][]piece{}
	for _, r := range s.current() {
		if pieces := r.log.take(); len(pieces) > 0 {
			unwritten[r] = pieces
		}
	}
	if len(unwritten) == 0 {
		return nil
	}
	err := s.db.WriteRelaxed(ctx, func(tx db.Tx) error {
		for r, pieces := range unwritten {
			if err := r.writeLog(ctx, tx, pieces); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for r, pieces := range unwritten {
		r.log.stored(pieces)
	}
	return nil
}

// writeLog writes lines of a run if nobody has taken up the task since.
func (r *Run) writeLog(ctx context.Context, tx db.Tx, pieces []piece) error {
	ours, err := db.Get(ctx, tx, db.ScanBool, mayLog, r.task.ID, r.s.holder, r.task.Runs)
	if err != nil || !ours {
		return err
	}
	return r.log.write(ctx, tx, r.task.ID, pieces)
}
