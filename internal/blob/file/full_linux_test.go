package file

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/havenregistry/haven/internal/blob"
	"github.com/havenregistry/haven/internal/oci"
)

// fullDisk tells a copy of this test program how its disk is limited: by a small file
// system of its own ("mount"), or by the largest file it may write ("limit").
const fullDisk = "HAVEN_TEST_FULL_DISK"

const diskSize = 1 << 20

// A push that fills the disk fails with ErrNoSpace, keeps what was acknowledged, gives
// its space back, and can go on later. It runs in a process of its own: with a file
// system in memory where the kernel lets this user mount one, and with a limit on the
// size of files everywhere.
func TestFullDisk(t *testing.T) {
	t.Run("file size limit", func(t *testing.T) { runFullDisk(t, "limit", &syscall.SysProcAttr{}) })
	t.Run("file system", func(t *testing.T) {
		attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if os.Getuid() != 0 {
			attr.Cloneflags |= syscall.CLONE_NEWUSER
			attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		runFullDisk(t, "mount", attr)
	})
}

// cannotMount is the exit status of a child that may not mount.
const cannotMount = 77

func runFullDisk(t *testing.T, how string, attr *syscall.SysProcAttr) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDiskChild$", "-test.v")
	child.Env = append(os.Environ(), fullDisk+"="+how)
	child.SysProcAttr = attr
	output, err := child.CombinedOutput()
	var exit *exec.ExitError
	if errors.Is(err, syscall.EPERM) || errors.As(err, &exit) && exit.ExitCode() == cannotMount {
		t.Logf("no file system can be mounted here; the file size limit stands for it")
		return
	}
	if err != nil || !bytes.Contains(output, []byte("--- PASS: TestFullDiskChild")) {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestFullDiskChild does nothing but in the process that TestFullDisk starts.
func TestFullDiskChild(t *testing.T) {
	dir := t.TempDir()
	switch os.Getenv(fullDisk) {
	case "mount":
		if err := errors.Join(
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,nr_inodes=64"),
		); err != nil {
			t.Log(err)
			os.Exit(cannotMount)
		}
		defer syscall.Unmount(dir, syscall.MNT_DETACH)
		fillDisk(t, dir)
		packOnFullDisk(t, dir)
		commitOnFullDisk(t, dir)
	case "limit":
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: diskSize, Max: diskSize}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		fillDisk(t, dir)
		packOnFullDisk(t, dir)
	}
}

func fillDisk(t *testing.T, dir string) {
	s := open(t, dir)
	if _, err := s.Append(t.Context(), at(0), bytes.NewReader([]byte("acknowledged"))); err != nil {
		t.Fatal(err)
	}
	u, err := s.Append(t.Context(), at(12), io.LimitReader(zeros{}, 2*diskSize))
	if u.Size != 12 || !errors.Is(err, blob.ErrNoSpace) {
		t.Fatalf("append to a full disk: %+v, %v; want ErrNoSpace", u, err)
	}
	if stat, err := s.root.Stat(uploadsDir + "/" + upload); err != nil || stat.Size() != 12 {
		t.Fatalf("upload holds %v, %v; want the 12 bytes acknowledged", stat, err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("the failed append did not give its space back: %v", err)
	}
	if _, err := s.Append(t.Context(), at(12), bytes.NewReader([]byte(", whole"))); err != nil {
		t.Fatalf("append after the failed one: %v", err)
	}
	if _, err := s.Commit(t.Context(), at(19), oci.SHA256Of([]byte("acknowledged, whole"))); err != nil {
		t.Fatal(err)
	}
}

// packOnFullDisk: of records for which there is no room nothing is left, be it a part of them that was written before.
func packOnFullDisk(t *testing.T, dir string) {
	s := open(t, dir)
	free := func() uint64 {
		_, free, err := s.Free(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return free
	}
	before := free()
	records := make([]blob.PackedRecord, 20)
	for i := range records {
		records[i] = blob.PackedRecord{Name: strconv.Itoa(i), Content: make([]byte, 100_000)}
	}
	if _, err := s.PackRecords(t.Context(), records); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("pack records on a full disk: %v, want ErrNoSpace", err)
	}
	if err := s.EachPackedRecord(t.Context(), func(location string, r blob.PackedRecord) error {
		t.Errorf("%s is left at %s", r.Name, location)
		return nil
	}); err != nil {
		t.Error(err)
	}
	if after := free(); os.Getenv(fullDisk) == "mount" && before-after > 2*blockSize {
		t.Errorf("%d bytes are free of %d", after, before)
	}
}

// commitOnFullDisk: where there is no room for the blob's directories, the upload stays
// and can be committed later.
func commitOnFullDisk(t *testing.T, dir string) {
	s := open(t, dir)
	if _, err := s.Append(t.Context(), at(0), bytes.NewReader([]byte("content"))); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.Mkdir(ballast, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ballast, "bytes"), make([]byte, 2*diskSize), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("ballast: %v", err)
	}
	if _, free, err := s.Free(t.Context()); err != nil || free != 0 {
		t.Errorf("free %d, %v; want 0", free, err)
	}
	if err := s.Check(t.Context()); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("check: %v, want ErrNoSpace", err)
	}
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		err = os.Symlink("nowhere", filepath.Join(ballast, strconv.Itoa(i)))
	}
	if _, err := s.Commit(t.Context(), at(7), oci.SHA256Of([]byte("content"))); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("commit on a full disk: %v, want ErrNoSpace", err)
	}
	if err := os.RemoveAll(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), at(7), oci.SHA256Of([]byte("content"))); err != nil {
		t.Errorf("commit once there is space again: %v", err)
	}
}
