package signing

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
)

// program signs with keys that Haven never has: those of a KMS, of a hardware module behind PKCS #11. It is run once for each
// question: as `PROGRAM public-key FORMAT`, which prints the public key (PEM, PKIX), and as `PROGRAM sign FORMAT`, which reads a
// SHA-256 (32 bytes) and writes an ECDSA signature of it (ASN.1). FORMAT is cosign or notation.
type program struct {
	path string
	log  *slog.Logger
	turn chan struct{} // one at a time: whoever lists keys that aren't there yet has it run
}

func newProgram(path string, log *slog.Logger) *program {
	return &program{path: path, log: log, turn: make(chan struct{}, 1)}
}

const (
	// programTime bounds one run. A KMS takes a tenth of a second, a smart card one.
	programTime = 30 * time.Second
	// programTail is how long what it leaves behind may hold its pipes.
	programTail = 2 * time.Second
	// maxProgramSays bounds each of its outputs, in bytes.
	maxProgramSays = 64 << 10
	maxProgramLog  = 2 << 10
)

// fails is what clients are told. What the program says of it, which may be anything, is in the log alone.
func (p *program) fails(format string, args ...any) error {
	return fault.Invalidf("the signing program %s; the log says more", fmt.Sprintf(format, args...))
}

// publicKey is the key by which the program signs in a format now.
func (p *program) publicKey(ctx context.Context, format Format) (*ecdsa.PublicKey, error) {
	text, err := p.run(ctx, nil, "public-key", string(format))
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, p.fails("gave something else than one public key in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PublicKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, p.fails("gave something else than a public key of ECDSA P-256")
	}
	return key, nil
}

// sign has it sign a SHA-256.
func (p *program) sign(ctx context.Context, format Format, sum []byte) ([]byte, error) {
	return p.run(ctx, sum, "sign", string(format))
}

// said is the beginning of an output.
type said struct {
	text []byte
	most int
	more bool
}

// Write implements io.Writer. It takes all, so that a talkative program ends.
func (s *said) Write(b []byte) (int, error) {
	room := min(s.most-len(s.text), len(b))
	s.text, s.more = append(s.text, b[:room]...), s.more || room < len(b)
	return len(b), nil
}

func (p *program) run(ctx context.Context, input []byte, args ...string) ([]byte, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, programTime, errors.New("it took too long"))
	defer cancel()
	out, complaints := &said{most: maxProgramSays}, &said{most: maxProgramLog}
	cmd := exec.CommandContext(ctx, p.path, args...) //nolint:gosec // the operator's own, by the configuration alone
	cmd.Env = environment()
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(input), out, complaints, programTail
	err := cmd.Run()
	if err == nil && out.more {
		err = fmt.Errorf("it says more than %d bytes", maxProgramSays)
	}
	if err == nil {
		return out.text, nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	p.log.ErrorContext(ctx, "the signing program failed", "program", p.path, "asked", strings.Join(args, " "), "error", err, "said", string(complaints.text))
	return nil, p.fails("failed when it was asked to %s", args[0])
}

// environment is the program's: that of the server, which has its credentials, without the server's own settings.
func environment() (all []string) {
	for _, one := range os.Environ() {
		if !strings.HasPrefix(one, "HAVEN_") {
			all = append(all, one)
		}
	}
	return all
}
