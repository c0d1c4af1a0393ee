package proxycache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/oci"
	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/registry"
	"github.com/havenregistry/haven/internal/scan"
)

const (
	// comeAgain is when a client is to come again for what is being made ready.
	comeAgain = 10 * time.Second
	scanLook  = 250 * time.Millisecond
)

// cleared is nil where the project serves before it scans, or the artifact has been scanned, or isn't anything to be scanned. What
// was found the gate looks at. Who wants it meanwhile waits, for a while.
func (s *Service) cleared(ctx context.Context, q question, m registry.Manifest) error {
	if !q.policy.ScanBeforeServe || oci.IsIndexType(m.MediaType) { // its images are looked at one by one, when they are pulled
		return nil
	}
	ended, standing, err := s.scanned(ctx, q, m)
	if err != nil || ended {
		return err
	}
	for began := time.Now(); time.Since(began) < s.Hold; {
		if !pause.For(ctx, scanLook) {
			return ctx.Err()
		}
		if ended, standing, err = s.scanned(ctx, q, m); err != nil || ended {
			return err
		}
	}
	return waitFor(comeAgain, "the image is being scanned before it may be pulled (%s); try again in a while", strings.ToLower(string(standing.Status)))
}

// scanned reports whether the artifact needs no scan any more. It begins one where there was none.
func (s *Service) scanned(ctx context.Context, q question, m registry.Manifest) (bool, scan.Standing, error) {
	st, err := s.Scans.Standing(ctx, q.ref.ProjectID, m.Digest)
	if err != nil {
		return false, st, err
	}
	switch {
	case st.Evaluated != scan.NotEvaluated, st.Status == scan.Success:
		return true, st, nil
	case st.Status.Final():
		return false, st, &RefusedError{fmt.Sprintf("the image could not be scanned, and its project serves none that was not: %s", strings.TrimSuffix(st.Reason, "."))}
	case st.Status != "":
		return false, st, nil
	}
	err = s.Scans.Scan(ctx, ourselves, q.ref, m.Digest, scan.Vulnerabilities)
	switch {
	case errors.Is(err, fault.Invalid): // a chart, a signature: nothing that can be scanned
		return true, st, nil
	case errors.Is(err, fault.Conflict): // somebody else began it
		err = nil
	case errors.Is(err, scan.ErrDisabled):
		return false, st, &RefusedError{"the image can't be scanned, as the scanner is deactivated, and its project serves none that was not"}
	}
	st.Status = scan.Pending
	return false, st, err
}
