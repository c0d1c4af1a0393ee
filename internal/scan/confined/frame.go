package confined

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/havenregistry/haven/internal/scan/inventory"
)

// What goes between parent and child are frames: a letter, the length in four bytes, and JSON.
const (
	frameRequest  = 'q' // parent: what is to be done; the blob of a layer follows without frames
	frameSubjects = 's' // parent: a batch to be judged; the last is followed by the end of the pipe
	frameVerdict  = 'v' // child: of one subject, in their order
	frameAnswer   = 'a' // child: the only answer to anything else
	frameFailure  = 'f' // child: why there is none
)

// Bounds of frames, in bytes. An answer is checked before it is read: a child that claims more is cut.
const (
	maxQuestion = 64 << 20
	maxAnswer   = 64 << 20
)

var errFlood = errors.New("the child said more than it may")

func writeFrame(w io.Writer, kind byte, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(body) > maxQuestion {
		return fmt.Errorf("a frame of %d bytes is too large", len(body))
	}
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

// readFrame reads a frame of at most so many bytes. At the end it is io.EOF.
func readFrame(r io.Reader, most uint32) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > most {
		return 0, nil, errFlood
	}
	// The memory follows the bytes, not what their length claims to be.
	body, err = io.ReadAll(io.LimitReader(r, int64(size)))
	if err == nil && len(body) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	return head[0], body, err
}

// request is what a child is asked for.
type request struct {
	Do        string               `json:"do"` // one of the words below
	Document  *SBOMRequest         `json:"document,omitempty"`
	Inventory *inventory.Inventory `json:"inventory,omitempty"`
	Metadata  []byte               `json:"metadata,omitempty"`
}

// What a child can be asked for.
const (
	doHello  = "hello" // answers with how far it is confined
	doLayer  = "layer"
	doJudge  = "judge"
	doSBOM   = "sbom"
	doVerify = "verify"
)

// failure is why a child gives no answer.
type failure struct {
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason"`
}
