package file

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// The bytes of an upload are not synced before it is committed: a sync for each chunk would be dear. So
// after the loss of power the database may know of bytes, by their number and their hash, of which the
// file has only the size. An upload therefore carries the id of the kernel's run that it was written
// under. Under another one, that is after a restart of the machine or on another machine, its bytes are
// read once more before they become a blob.

const bootIDFile = "/proc/sys/kernel/random/boot_id"

// doubtful is the state of an upload of which nobody remembers under which run it was written.
var doubtful = []byte("?")

// bootID names this run of the kernel, or this process where the system has no such name.
func bootID() []byte {
	id, err := os.ReadFile(bootIDFile)
	if id = bytes.TrimSpace(id); err != nil || len(id) == 0 || len(id) > blob.MaxState {
		return []byte(rand.Text())
	}
	return id
}

// account is the state of an upload that is u and some bytes written now. Once in doubt it stays so.
func (s *Store) account(u blob.Upload) []byte {
	if u.Size == 0 {
		return s.boot
	}
	return u.State
}

// inDoubt reports whether bytes of the upload may have been lost since they were acknowledged.
func (s *Store) inDoubt(u blob.Upload) bool { return u.Size > 0 && !bytes.Equal(u.State, s.boot) }

// verify returns blob.ErrUploadUnknown when the first size bytes of the file don't have the digest.
func (s *Store) verify(ctx context.Context, name string, size int64, d oci.Digest) error {
	f, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrUploadUnknown
	}
	if err != nil {
		return err
	}
	defer f.Close()
	buffer := s.buffers.Get().(*[copySize]byte)
	defer s.buffers.Put(buffer)
	sum := d.NewHash()
	for rest := io.LimitReader(f, size); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := rest.Read(buffer[:])
		sum.Write(buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if oci.FromHash(d.Algorithm(), sum) != d {
		return fmt.Errorf("%w: bytes of it were lost with the power", blob.ErrUploadUnknown)
	}
	return nil
}
