package vulndb

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/havenregistry/haven/internal/fault"
)

// Export returns the edition in force and its archive, of Size bytes with Digest, as Import takes it. It is read from the store bit
// by bit. Without an edition it is a fault.NotFound.
func (s *Service) Export(ctx context.Context) (e Edition, archive io.Reader, err error) {
	rows, err := s.newest(ctx, s.db.Auto())
	if err != nil {
		return e, nil, err
	}
	if len(rows) == 0 {
		return e, nil, fault.NotFoundf("there is no vulnerability database yet: import one")
	}
	return rows[0].Edition, &chunks{s: s, ctx: ctx, of: rows[0]}, nil
}

// chunks reads an archive from the store.
type chunks struct {
	s    *Service
	ctx  context.Context
	of   row
	next int
	now  bytes.Reader
}

func (c *chunks) Read(p []byte) (int, error) {
	for c.now.Len() == 0 {
		if c.next == c.of.chunks {
			return 0, io.EOF
		}
		b, err := c.s.records.ReadRecord(c.ctx, record(c.of.location, c.next))
		if err != nil {
			return 0, fmt.Errorf("fetch the database from the store: %w", err)
		}
		c.now.Reset(b)
		c.next++
	}
	return c.now.Read(p)
}
