package setting

import (
	"time"

	"github.com/havenregistry/haven/internal/secret"
)

// Values is the whole configuration at one moment. It doesn't change.
type Values struct {
	byName map[string]any // each key of definitions, a string, int64 or bool
	sealed map[string][]byte
	box    *secret.Box
}

// Text returns a key of text, "" for a key that isn't.
func (v Values) Text(name string) string { s, _ := v.byName[name].(string); return s }

// Int returns a key of numbers, 0 for a key that isn't.
func (v Values) Int(name string) int64 { n, _ := v.byName[name].(int64); return n }

// Bool returns a key of true or false, false for a key that isn't.
func (v Values) Bool(name string) bool { b, _ := v.byName[name].(bool); return b }

// Password opens a password key, "" when it was never set.
func (v Values) Password(name string) (secret.Text, error) {
	sealed, ok := v.sealed[name]
	if !ok {
		return "", nil
	}
	plain, err := v.box.Open(sealed)
	return secret.Text(plain), err
}

// AuthMode is how people sign in: db_auth, ldap_auth, uaa_auth, http_auth or oidc_auth.
func (v Values) AuthMode() string { return v.Text(AuthMode) }

// IdentityProviders are the providers that are asked about people without a password here, in this order;
// none: the one that AuthMode stands for.
func (v Values) IdentityProviders() []string { return splitList(v.Text(IdentityProviders)) }

// ProjectCreationRestriction says who creates projects: everyone or adminonly.
func (v Values) ProjectCreationRestriction() string { return v.Text(ProjectCreationRestriction) }

// RobotPrefix comes before each robot's name when it is shown and when it logs in.
func (v Values) RobotPrefix() string { return v.Text(RobotNamePrefix) }

// RobotTokenDuration is what forms propose as the life of a new robot.
func (v Values) RobotTokenDuration() time.Duration { return v.span(RobotTokenDuration, 24*time.Hour) }

// TokenExpiration is the life of a docker token.
func (v Values) TokenExpiration() time.Duration { return v.span(TokenExpiration, time.Minute) }

// SessionTimeout is how long a session may be idle.
func (v Values) SessionTimeout() time.Duration { return v.span(SessionTimeout, time.Minute) }

// SessionLifetime ends a browser session however busy it is.
func (v Values) SessionLifetime() time.Duration { return v.span(SessionLifetime, time.Hour) }

// span is a number of units, at most a hundred years so that it can be added to a time.
func (v Values) span(name string, unit time.Duration) time.Duration {
	const century = 100 * 365 * 24 * time.Hour
	return time.Duration(min(v.Int(name), int64(century/unit))) * unit
}

// SelfRegistration reports whether people may make accounts for themselves.
func (v Values) SelfRegistration() bool { return v.Bool(SelfRegistration) }

// ReadOnly reports whether all changes are refused.
func (v Values) ReadOnly() bool { return v.Bool(ReadOnly) }

// StoragePerProject is the storage limit of new projects in bytes, -1 for none.
func (v Values) StoragePerProject() int64 { return v.Int(StoragePerProject) }

// QuotaEnabled reports whether projects have storage limits at all.
func (v Values) QuotaEnabled() bool { return v.Bool(QuotaPerProject) }

// PullCounts reports whether repositories count their pulls.
func (v Values) PullCounts() bool { return !v.Bool(PullCountsDisabled) }

// PullTimes reports whether artifacts and tags know when they were pulled last.
func (v Values) PullTimes() bool { return !v.Bool(PullTimesDisabled) }

// ScanTimes reports whether a scanner's pull counts as the time when an artifact was pulled last.
func (v Values) ScanTimes() bool { return !v.Bool(ScannerSkipPullTime) }

// TagHistory is for how long it is known what tags named.
func (v Values) TagHistory() time.Duration { return v.span(TagHistoryDays, 24*time.Hour) }

// KeepDeleted is for how long what is deleted can be restored, 0 where it is gone at once.
func (v Values) KeepDeleted() time.Duration { return v.span(TrashDays, 24*time.Hour) }

// CountDeleted reports whether quotas count it as long.
func (v Values) CountDeleted() bool { return v.Bool(TrashInQuota) }

// NotificationEnabled reports whether webhooks are sent.
func (v Values) NotificationEnabled() bool { return v.Bool(NotificationEnable) }

// BannerMessage is what the portal shows to everybody; its form is the portal's affair.
func (v Values) BannerMessage() string { return v.Text(BannerMessage) }

// PrimaryAuthMode reports whether the sign-in page goes to the identity provider at once.
func (v Values) PrimaryAuthMode() bool { return v.Bool(PrimaryAuthMode) }

// OIDCName is how the sign-in page calls the identity provider.
func (v Values) OIDCName() string { return v.Text(OIDCName) }

// AuditDisabledEvents are the kinds of events that the audit log leaves out.
func (v Values) AuditDisabledEvents() []string { return splitList(v.Text(AuditDisabledEvents)) }

// AuditForwardEndpoint is where audit rows are forwarded, "" for nowhere.
func (v Values) AuditForwardEndpoint() string { return v.Text(AuditForwardEndpoint) }

// AuditSkipDatabase reports whether the audit log is only forwarded, not kept.
func (v Values) AuditSkipDatabase() bool { return v.Bool(AuditSkipDatabase) }
