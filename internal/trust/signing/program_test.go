package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/havenregistry/haven/internal/fault"
)

// device is a signing program with a key that can be changed.
type device struct {
	*testing.T
	*program
	file string
}

func newDevice(t *testing.T) device {
	t.Helper()
	t.Setenv("HAVEN_DATABASE_URL", "postgres://secret")
	t.Setenv("DEVICE_PIN", "1234")
	d := device{T: t, file: filepath.Join(t.TempDir(), "key")}
	d.change()
	// This test's own program takes a second to start, under the race detector.
	built := filepath.Join(t.TempDir(), "device")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", built, "./testdata/device")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the device: %v\n%s", err, out)
	}
	d.program = d.script(fmt.Sprintf(`exec '%s' '%s' "$@"`, built, d.file))
	return d
}

// script is a program of a few lines.
func (d device) script(lines string) *program {
	d.Helper()
	path := filepath.Join(d.TempDir(), "sign")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		d.Fatal(err)
	}
	return newProgram(path, quiet)
}

// change gives it another key.
func (d device) change() {
	d.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = os.WriteFile(d.file, der, 0o600)
	}
	if err != nil {
		d.Fatal(err)
	}
}

// What has passed is signed in all formats with a key that was never here, and that may change.
func TestKeysElsewhere(t *testing.T) {
	d := newDevice(t)
	eachWith(t, d.path, func(w world) {
		w.want(app, all)
		image := w.image(app, "v1")
		w.settled()
		w.signed(app, image, true)
		for _, format := range []Format{Cosign, Notation} {
			if k := w.key(format); !k.Elsewhere {
				w.Errorf("the key for %s is here", format)
			}
			if _, err := w.Rotate(ctx, pusher, string(format)); !errors.Is(err, fault.Conflict) {
				w.Errorf("the same key again, for %s: %v", format, err)
			}
		}

		// Another key of the program's signs nothing until somebody has said that it is to.
		d.change()
		other := w.image(app, "v2")
		w.until("the task waits for another try", func() bool {
			return w.count(`SELECT COUNT(*) FROM job_task WHERE kind = 'SIGN' AND status = 'Scheduled' AND message LIKE '%with another key%'`) > 0
		})
		w.signed(app, other, false)
		for _, format := range []Format{Cosign, Notation} {
			_, err := w.Rotate(ctx, pusher, string(format))
			w.ok(err)
		}
		w.exec(`UPDATE job_task SET due_at = 1 WHERE status = 'Scheduled'`) // its pause is over
		w.until("both are signed by it", func() bool {
			return w.cosignSigned(app, image, w.key(Cosign)) == 1 && w.cosignSigned(app, other, w.key(Cosign)) == 1 &&
				w.notationSigned(app, image, w.key(Notation)) == 1 && w.notationSigned(app, other, w.key(Notation)) == 1
		})

		// Without the program its key can't sign, and Haven can have one of its own again.
		without := *w.Service // a process beside it, which does no jobs
		without.program = nil
		_, err := without.signer(ctx, Cosign)
		if _, refused := errors.AsType[*refusal](err); !refused {
			w.Errorf("a key without its program: %v", err)
		}
		k, err := without.Rotate(ctx, pusher, "cosign")
		w.ok(err)
		if k.Elsewhere {
			w.Error("Haven's own key is elsewhere")
		}
	})
}

func TestProgramsThatFail(t *testing.T) {
	d := newDevice(t)
	write := func(name string, public any, err error) string {
		t.Helper()
		der, err2 := x509.MarshalPKIXPublicKey(public)
		path := filepath.Join(t.TempDir(), name)
		if err := errors.Join(err, err2, os.WriteFile(path, []byte(encodePEM("PUBLIC KEY", der)), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	large, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p384 := write("p384", &large.PublicKey, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaKey := write("rsa", &other.PublicKey, err)
	for name, c := range map[string]struct{ lines, want string }{
		"not there":     {"exec /nowhere/sign", "failed"},
		"a status":      {"echo 'the PIN 1234 is wrong' >&2; exit 7", "failed"},
		"nothing":       {"exit 0", "public key in PEM"},
		"no key":        {"echo hello", "public key in PEM"},
		"another curve": {"cat " + p384, "P-256"},
		"another kind":  {"cat " + rsaKey, "P-256"},
		"two keys":      {"cat " + p384 + " " + rsaKey, "one public key"},
		"endless":       {"exec yes", "failed"},
		"silent":        {"exec sleep 1000", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			limited, stop := context.WithCancel(ctx)
			defer stop()
			if name == "endless" || name == "silent" {
				time.AfterFunc(100*time.Millisecond, stop)
			}
			_, err := d.script(c.lines).publicKey(limited, Cosign)
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "1234") {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
