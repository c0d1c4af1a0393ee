package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/havenregistry/haven/internal/outbound"
)

// maxReceived bounds what is read from a directory over one connection, in bytes.
const maxReceived = 64 << 20

// directory is an open connection, with the search account's rights after search. Close it.
type directory struct {
	config
	conn *ldap.Conn
	wire *bounded
	stop func() bool // ends the watch over the context
}

// open connects and secures the connection, within the time of ctx, which bounds all that follows on it.
func (c config) open(ctx context.Context) (*directory, error) {
	// Private and loopback addresses are where a company's directory is.
	dialer := net.Dialer{Control: outbound.Administered().Control}
	raw, err := dialer.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", c.address, err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetDeadline(deadline) // an error shows at the first read
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	secured, err := c.secure(ctx, raw)
	if err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("connect to %s: %w", c.address, err), ignoreClosed(raw.Close()))
	}
	wire := &bounded{Conn: secured, left: maxReceived}
	conn := ldap.NewConn(wire, c.security != plain)
	conn.SetTimeout(c.timeout + time.Second) // the deadline comes first, and says more
	conn.Start()
	return &directory{config: c, conn: conn, wire: wire, stop: stop}, nil
}

// Close ends the connection.
func (d *directory) Close() {
	d.stop()
	_ = d.conn.Close() // nothing was written that could be lost
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// secure makes the connection what the settings want. It never falls back to one without TLS.
func (c config) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	switch c.security {
	case plain:
		return raw, nil
	case startTLS:
		if err := askForTLS(raw); err != nil {
			return nil, err
		}
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName: c.host, RootCAs: c.roots, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: !c.verify, //nolint:gosec // the setting ldap_verify_cert, on by default
	})
	return conn, conn.HandshakeContext(ctx)
}

const startTLSName = "1.3.6.1.4.1.1466.20037" // RFC 4511, 4.14

// askForTLS sends the StartTLS request and reads exactly its answer: what a third party put after it would
// then be no TLS. It stands before the library, whose own drops the reason of a failed handshake.
func askForTLS(raw net.Conn) error {
	envelope := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	envelope.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 1, ""))
	request := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationExtendedRequest, nil, "")
	request.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, startTLSName, ""))
	envelope.AppendChild(request)
	if _, err := raw.Write(envelope.Bytes()); err != nil {
		return fmt.Errorf("ask for StartTLS: %w", err)
	}
	answer, err := ber.ReadPacket(io.LimitReader(raw, 64<<10))
	if err != nil {
		return fmt.Errorf("ask for StartTLS: %w", err)
	}
	if err := ldap.GetLDAPError(answer); err != nil {
		return fmt.Errorf("%w: %w", errNoStartTLS, err)
	}
	return nil
}

var (
	errNoStartTLS = errors.New("the server refuses StartTLS")
	errTooMuch    = fmt.Errorf("the directory sent more than %d bytes", maxReceived)
)

// bounded ends a connection that sends more than it may, and remembers why it ended, which the library
// doesn't tell. One goroutine reads it.
type bounded struct {
	net.Conn
	left int64
	end  atomic.Pointer[error]
}

func (b *bounded) Read(p []byte) (n int, err error) {
	if b.left > 0 {
		n, err = b.Conn.Read(p[:min(int64(len(p)), b.left)])
		b.left -= int64(n)
	} else {
		err = errTooMuch
	}
	if err != nil {
		b.end.CompareAndSwap(nil, &err)
	}
	return n, err
}

// why adds to an error what ended the connection, if anything did.
func (d *directory) why(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	if end := d.wire.end.Load(); end != nil {
		return fmt.Errorf("%w: %w", err, *end)
	}
	return err
}

// bindSearch takes the search account's rights, or nobody's where there is none.
func (d *directory) bindSearch() error {
	switch {
	case d.searchDN == "":
		if err := d.conn.UnauthenticatedBind(""); err != nil {
			return fmt.Errorf("bind without a name: %w", err)
		}
	case d.password == "":
		return errEmptyPassword
	default:
		if err := d.conn.Bind(d.searchDN, d.password.Reveal()); err != nil {
			return fmt.Errorf("bind as %s: %w", d.searchDN, err)
		}
	}
	return nil
}

var errEmptyPassword = errors.New("empty password")
