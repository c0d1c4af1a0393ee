package declared

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/havenregistry/haven/internal/secret"
)

// maxSecret bounds a file with a secret, in bytes: keys of service accounts are documents.
const maxSecret = 32 << 10

// firstVersion is a secret's where the document names none.
const firstVersion = "1"

// reference says where a secret is. One of env, file and write is set.
type reference struct {
	env     string // an environment variable
	file    string // a file that holds it
	write   string // a file that is to hold it: the registry makes it
	version string
	dir     string // what relative paths begin at
}

func (r reference) String() string {
	switch {
	case r.env != "":
		return "environment variable " + r.env
	case r.file != "":
		return "file " + r.file
	}
	return "made, and written to " + r.write
}

func (r reference) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

// due fetches the secret, or finds out that one can be kept.
func (r reference) due() (due, error) {
	switch {
	case r.env != "":
		value := os.Getenv(r.env)
		if value == "" {
			return due{}, fmt.Errorf("it is to come from the environment variable %s, which is not set (a document can't hold a secret, and an export only names a place for it: set the variable, or name another place)", r.env)
		}
		return due{value: secret.Text(value)}, nil
	case r.file != "":
		value, err := readSecret(r.path(r.file))
		if err != nil {
			return due{}, fmt.Errorf("it is to come from a file (a document can't hold a secret, and an export only names a place for it): %w", err)
		}
		return due{value: value}, nil
	}
	path := r.path(r.write)
	if err := writable(path); err != nil {
		return due{}, fmt.Errorf("it is to be written to a file: %w", err)
	}
	return due{put: func(value secret.Text) error { return writeSecret(path, value) }}, nil
}

// readSecret reads a file without the line break at its end.
func readSecret(path string) (secret.Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	value, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	value = bytes.TrimRight(value, "\r\n")
	if len(value) == 0 || len(value) > maxSecret {
		return "", fmt.Errorf("%s: expected a secret of 1 to %d bytes", path, maxSecret)
	}
	return secret.Text(value), nil
}

// writable finds out whether a file can be put at path, before there is a secret that would be lost.
func writable(path string) error {
	if s, err := os.Lstat(path); err == nil && !s.Mode().IsRegular() {
		return fmt.Errorf("%s is there and no regular file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".haven-secret-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeSecret puts a file there, whole, which only its owner reads (CreateTemp's mode is 0600).
func writeSecret(path string, value secret.Text) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".haven-secret-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(value.Reveal() + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
