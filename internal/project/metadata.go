package project

import (
	"context"
	"strconv"
	"strings"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/fault"
)

// The keys of metadata. All values are strings.
const (
	Public               = "public"
	ContentTrust         = "enable_content_trust"
	ContentTrustCosign   = "enable_content_trust_cosign"
	PreventVulnerable    = "prevent_vul"
	Severity             = "severity"
	AutoScan             = "auto_scan"
	AutoSBOM             = "auto_sbom_generation"
	ReuseSystemAllowlist = "reuse_sys_cve_allowlist"
	RetentionID          = "retention_id"
	ProxySpeed           = "proxy_speed_kb"
	ProxyConnections     = "max_upstream_conn"
	ProxyFilterKind      = "proxy_cache_filter_kind"
	ProxyFilterPattern   = "proxy_cache_filter_pattern"
	ProxyReferrers       = "proxy_referrer_api"
	ProxyLocalOnNotFound = "proxy_cache_local_on_not_found"
	ScannerUUID          = "projectScanner" // set by SetScanner alone
)

// maxMetadata bounds a value, in bytes.
const maxMetadata = 1024

// normalise checks a value as the metadata API demands and returns it as it is stored.
func normalise(key, value string) (string, error) {
	bad := func() (string, error) { return "", fault.Invalidf("invalid value: %s", value) }
	if len(value) > maxMetadata {
		return "", fault.Invalidf("invalid value: longer than %d bytes", maxMetadata)
	}
	switch key {
	case Public, ContentTrust, ContentTrustCosign, PreventVulnerable, AutoScan, AutoSBOM, ReuseSystemAllowlist,
		ProxyReferrers, ProxyLocalOnNotFound:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return bad()
		}
		return strconv.FormatBool(b), nil
	case Severity:
		if s := shownSeverity(value); s != unknownSeverity {
			return s, nil
		}
		return bad()
	case ProxySpeed, ProxyConnections:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < -1 || key == ProxyConnections && n == 0 {
			return bad()
		}
		return strconv.FormatInt(n, 10), nil
	case ProxyFilterKind:
		if value != doublestarFilter && value != regexFilter {
			return bad()
		}
		return value, nil
	case ProxyFilterPattern: // which patterns are valid the kind says: checkFilter
		return value, nil
	default: // retention_id and projectScanner too: APIs of their own set them
		return "", fault.Invalidf("invalid key: %s", key)
	}
}

const unknownSeverity = "unknown"

// shownSeverity spells a severity as it is shown. What isn't one, which PUT of a project lets through as
// Harbor does, is "unknown".
func shownSeverity(s string) string {
	switch s = strings.ToLower(s); s {
	case "negligible":
		return "none"
	case "none", "low", "medium", "high", "critical":
		return s
	}
	return unknownSeverity
}

// lenient takes the metadata of a project's create and update: a bad value is kept as it was sent, since
// clients of Harbor send such and get 200, and counts as unset wherever it is read. Keys of proxy
// projects are checked on those and dropped on others, unknown ones always. public is not among the result.
func lenient(sent map[string]string, proxy bool) (map[string]string, error) {
	kept := map[string]string{}
	for key, value := range sent {
		switch key {
		case ContentTrust:
			if proxy { // as Harbor: who signs with Notation signs for the registry that it came from
				continue
			}
		case ContentTrustCosign, PreventVulnerable, Severity, AutoScan, AutoSBOM, ReuseSystemAllowlist:
		case ProxySpeed, ProxyConnections, ProxyFilterKind, ProxyFilterPattern, ProxyReferrers, ProxyLocalOnNotFound:
			if !proxy {
				continue
			}
			v, err := normalise(key, value)
			if err != nil {
				return nil, fault.Invalidf("metadata.%s: %v", key, err)
			}
			kept[key] = v
			continue
		default:
			continue
		}
		if len(value) > maxMetadata {
			return nil, fault.Invalidf("invalid value: %s is longer than %d bytes", key, maxMetadata)
		}
		if v, err := normalise(key, value); err == nil {
			value = v
		}
		kept[key] = value
	}
	return kept, nil
}

// storageLimit checks a limit in bytes.
func storageLimit(n int64) error {
	switch {
	case n == -1:
		return nil
	case n <= 0:
		return fault.Invalidf("invalid non-positive value for quota limit, value=%d", n)
	case n > maxStorage:
		return fault.Invalidf("%d is greater than the maximum storage limit %d", n, int64(maxStorage))
	}
	return nil
}

const maxStorage = 1 << 50 // 1024 TiB

type metadataRow struct {
	projectID   int64
	name, value string
}

func scanMetadata(r db.Row) (v metadataRow, err error) {
	err = r.Scan(&v.projectID, &v.name, &v.value)
	return v, err
}

const dropMetadata = `DELETE FROM project_metadata WHERE project_id = $1 AND name = $2`

// NoteRetention writes which retention policy a project has, "" for none, in package retention's transaction.
func (s *Service) NoteRetention(ctx context.Context, tx db.Tx, projectID int64, policy string) error {
	if policy == "" {
		_, err := tx.Exec(ctx, dropMetadata, projectID, RetentionID)
		return err
	}
	return putMetadata(ctx, tx, projectID, map[string]string{RetentionID: policy})
}
