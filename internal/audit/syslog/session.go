package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/havenregistry/haven/internal/outbound"
)

const (
	dialTime = 5 * time.Second
	// sendTime is how long a receiver may take for each chunk of a batch, and to say that it has read the end.
	sendTime = 20 * time.Second
	chunk    = 64 << 10
	// watchTime is how long the end of a receiver's process takes to be noticed on another connection.
	watchTime = 50 * time.Millisecond
	// maxReply bounds what a receiver may say, which is nothing by the RFCs.
	maxReply = 64 << 10
)

// Receiver is where messages go.
type Receiver struct {
	Address string      // host:port
	TLS     *tls.Config // nil: in the clear
}

// Check connects and disconnects.
func (r Receiver) Check(ctx context.Context) error {
	c, err := r.dial(ctx)
	if err != nil {
		return err
	}
	return c.Close()
}

func (r Receiver) dial(ctx context.Context) (connection, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dialer := net.Dialer{Control: outbound.Administered().Control} // an administrator's to send anywhere
	c, err := dialer.DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return nil, err
	}
	if r.TLS == nil {
		return c.(*net.TCPConn), nil
	}
	secured := tls.Client(c, r.TLS)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("TLS with %s: %w", r.Address, err), c.Close())
	}
	return secured, nil
}

// connection is a *net.TCPConn or a *tls.Conn.
type connection interface {
	net.Conn
	CloseWrite() error
}

// Session delivers batches, one after another. Syslog knows no answer, and what a sender's kernel took is not yet
// with the receiver. So each batch has a connection of its own, whose end says what no answer does: a receiver
// that closes it after us has read everything. A receiver whose process ended seems to do the same; but then the
// next connection, which is opened before the batch is sent, has ended too.
type Session struct {
	receiver Receiver
	next     connection
}

// Open connects to the receiver.
func (r Receiver) Open(ctx context.Context) (*Session, error) {
	c, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &Session{receiver: r, next: c}, nil
}

// Deliver sends frames, and returns nil when the receiver has read all of them and lives. After an error the
// session is to be closed; the receiver may have read some of them.
func (s *Session) Deliver(ctx context.Context, frames []byte) error {
	witness, err := s.receiver.dial(ctx)
	if err != nil {
		return err
	}
	c := s.next
	s.next = witness
	if err := send(ctx, c, frames); err != nil {
		return err
	}
	return alive(witness)
}

// Finish ends the session in order. After nil, the receiver lived until now since the first Deliver.
func (s *Session) Finish(ctx context.Context) error { return send(ctx, s.next, nil) }

// Close drops the connection.
func (s *Session) Close() error { return s.next.Close() }

// send writes frames, ends the connection's way there, waits for the end of the way back, and closes it.
func send(ctx context.Context, c connection, frames []byte) error {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := write(c, frames); err != nil {
		return errors.Join(err, c.Close())
	}
	return errors.Join(confirm(c), c.Close())
}

func write(c connection, frames []byte) error {
	for len(frames) > 0 {
		if err := c.SetDeadline(time.Now().Add(sendTime)); err != nil {
			return err
		}
		n, err := c.Write(frames[:min(len(frames), chunk)])
		if err != nil {
			return err
		}
		frames = frames[n:]
	}
	return nil
}

func confirm(c connection) error {
	if err := c.SetDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(c, maxReply))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the receiver doesn't say that it has read everything: it leaves the connection open")
	case err != nil:
		return fmt.Errorf("the receiver broke off: %w", err)
	case n == maxReply:
		return errors.New("the receiver talks, which receivers of syslog don't")
	}
	return nil
}

// alive reports whether the other side holds the connection still.
func alive(c connection) error {
	if err := c.SetReadDeadline(time.Now().Add(watchTime)); err != nil {
		return err
	}
	var one [1]byte
	switch _, err := c.Read(one[:]); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case err != nil:
		return fmt.Errorf("the receiver has ended: %w", err)
	default:
		return errors.New("the receiver talks, which receivers of syslog don't")
	}
}
