package adapter

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/havenregistry/haven/internal/pause"
	"github.com/havenregistry/haven/internal/secret"
)

const (
	// ScanTime bounds a scan, from the request to the report.
	ScanTime = 30 * time.Minute
	// firstPause is before the report is asked for, usualPause between times; the scanner may say otherwise,
	// up to longestPause.
	firstPause   = 2 * time.Second
	usualPause   = 5 * time.Second
	longestPause = time.Minute
	// patience is how many failures in a row are put up with that may pass: connections, and statuses from 500 on.
	patience = 4
)

// Job is a scan that is asked for.
type Job struct {
	Artifact Artifact
	// Registry and Authorization are where and how the scanner gets it; the latter as the header of that name.
	Registry      string
	Authorization secret.Text
	Insecure      bool // the registry's certificate isn't to be checked
	Capability    Capability
	MediaType     string // of the report: Metadata.Produces
	SBOM          string // its media type, for the capability SBOM; "": SPDX
}

func (j Job) request() ScanRequest {
	w := Wanted{Type: j.Capability, Produces: []string{j.MediaType}}
	if j.Capability == SBOM {
		w.Parameters = &WantedSBOM{MediaTypes: []string{j.sbom()}}
	}
	return ScanRequest{
		Registry: Registry{URL: j.Registry, Authorization: j.Authorization.Reveal(), Insecure: j.Insecure},
		Artifact: j.Artifact, Capabilities: []Wanted{w},
	}
}

func (j Job) sbom() string {
	if j.SBOM == "" {
		return SPDX
	}
	return j.SBOM
}

// Say is told how a scan goes, in words for its log.
type Say func(format string, args ...any)

// Vulnerabilities has an artifact scanned, and returns the report. It takes ScanTime at most. Errors are *Failure,
// or the context's.
func (c *Client) Vulnerabilities(ctx context.Context, e Endpoint, j Job, say Say) (Report, error) {
	var report Report
	j.Capability = Vulnerability
	if j.MediaType == "" {
		j.MediaType = VulnerabilityReport
	}
	err := c.scan(ctx, e, j, say, func(answer *http.Response) (err error) {
		report, err = readReport(answer.Body, j.Artifact.Digest, time.Now())
		return err
	})
	return report, err
}

// Bill has an SBOM of an artifact made, like Vulnerabilities.
func (c *Client) Bill(ctx context.Context, e Endpoint, j Job, say Say) (Bill, error) {
	var bill Bill
	j.Capability, j.MediaType = SBOM, SBOMReport
	err := c.scan(ctx, e, j, say, func(answer *http.Response) (err error) {
		bill, err = readBill(answer.Body, j.sbom(), j.Artifact.Digest, time.Now())
		return err
	})
	return bill, err
}

// scan submits a job and polls for its report, which read takes from the answer.
func (c *Client) scan(ctx context.Context, e Endpoint, j Job, say Say, read func(*http.Response) error) error {
	bounded, cancel := context.WithTimeoutCause(ctx, ScanTime, ErrLate)
	defer cancel()
	err := c.scanWithin(bounded, e, j, say, read)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(bounded), ErrLate) {
		return &Failure{Kind: ErrLate, Reason: "no report after " + ScanTime.String()}
	}
	return err
}

func (c *Client) scanWithin(ctx context.Context, e Endpoint, j Job, say Say, read func(*http.Response) error) error {
	var id string
	request := j.request()
	err := persist(ctx, say, func() (err error) {
		id, err = c.submit(ctx, e, request)
		return err
	})
	if err != nil {
		return err
	}
	say("the scanner accepted the scan as %s", shown(id))
	wait := firstPause
	for {
		if !pause.For(ctx, wait) {
			return ctx.Err()
		}
		err := persist(ctx, say, func() (err error) {
			wait, err = c.poll(ctx, e, id, j, read)
			return err
		})
		if err != nil {
			return err
		}
		if wait == 0 {
			say("the report arrived")
			return nil
		}
	}
}

// poll asks for the report once. Without one yet it returns how long to wait, else 0.
func (c *Client) poll(ctx context.Context, e Endpoint, id string, j Job, read func(*http.Response) error) (time.Duration, error) {
	path := "/scan/" + url.PathEscape(id) + "/report"
	if id == "." || id == ".." {
		return 0, badAnswer("the scan's id is %q", id)
	}
	if j.Capability == SBOM {
		path += "?sbom_media_type=" + url.QueryEscape(j.sbom())
	}
	answer, err := c.call(ctx, c.reports, e, http.MethodGet, path, j.MediaType, nil)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return 0, read(answer)
	case http.StatusFound:
		return refreshAfter(answer.Header.Get("Refresh-After")), nil
	}
	return 0, refusal(answer, e.Credential, j.Authorization)
}

func refreshAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return usualPause
	}
	return min(time.Duration(min(seconds, 3600))*time.Second, longestPause)
}

// persist puts up with failures that may pass, with pauses that double.
func persist(ctx context.Context, say Say, f func() error) error {
	wait := usualPause
	for try := 1; ; try++ {
		err := f()
		failure, ok := errors.AsType[*Failure](err)
		if err == nil || !ok || failure.Permanent() || try == patience {
			return err
		}
		say("%s; trying again in %s", failure.Error(), wait)
		if !pause.For(ctx, wait) {
			return ctx.Err()
		}
		wait *= 2
	}
}
