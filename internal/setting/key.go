package setting

// kind is the type of a key's value.
type kind int

const (
	text     kind = iota
	nonEmpty      // text of at least one character, trimmed
	password      // text that is sealed at rest and never listed
	masked        // a password that clients expect to be listed: they see a mask, and may send it back
	number        // int64
	scope         // 0, 1 or 2: LDAP base, one level, subtree
	boolean
	mapping // JSON object, read and written as text
)

// key is one entry of the configuration.
type key struct {
	name     string
	kind     kind
	initial  any                                // string, int64 or bool
	check    func(name string, value any) error // nil: its type is all there is to say
	readOnly bool                               // shown, and ignored when sent: it has a resource of its own
}

// mask stands for a secret that is set.
const mask = "*****"

// secret reports whether the value is sealed at rest.
func (k key) secret() bool { return k.kind == password || k.kind == masked }

// The keys that other parts of the program read.
const (
	AuthMode                   = "auth_mode"
	PrimaryAuthMode            = "primary_auth_mode"
	IdentityProviders          = "identity_providers"
	ProjectCreationRestriction = "project_creation_restriction"
	RobotNamePrefix            = "robot_name_prefix"
	RobotTokenDuration         = "robot_token_duration" //nolint:gosec // the name of a key, no secret
	TokenExpiration            = "token_expiration"
	SessionTimeout             = "session_timeout"
	SessionLifetime            = "session_lifetime"
	SelfRegistration           = "self_registration"
	ReadOnly                   = "read_only"
	StoragePerProject          = "storage_per_project"
	QuotaPerProject            = "quota_per_project_enable"
	NotificationEnable         = "notification_enable"
	BannerMessage              = "banner_message"
	OIDCName                   = "oidc_name"
	AuditForwardEndpoint       = "audit_log_forward_endpoint"
	AuditForwardProtocol       = "audit_log_forward_protocol"       // ours
	AuditForwardAuthorities    = "audit_log_forward_ca_certificate" // ours
	AuditSkipDatabase          = "skip_audit_log_database"
	AuditDisabledEvents        = "disabled_audit_log_event_types"
	AuditPullsDisabled         = "pull_audit_log_disable"
	PullTimesDisabled          = "pull_time_update_disable"
	PullCountsDisabled         = "pull_count_update_disable"
	ScannerSkipPullTime        = "scanner_skip_update_pulltime"
	TagHistoryDays             = "tag_history_days"         // ours
	TrashDays                  = "trash_days"               // ours
	TrashInQuota               = "trash_in_quota"           // ours
	DeclaredSecretVersions     = "declared_secret_versions" // ours; haven config apply's
)

// The protocols of AuditForwardProtocol.
const (
	ForwardTCP = "tcp"
	ForwardTLS = "tls"
)

// MaxStorage is the greatest storage limit of a project in bytes, 1024 TiB.
const MaxStorage = 1 << 50

// definitions lists every key, by its name.
func definitions() map[string]key {
	all := map[string]key{}
	add := func(k kind, initial any, check func(string, any) error, names ...string) {
		for _, name := range names {
			all[name] = key{name: name, kind: k, initial: initial, check: check}
		}
	}
	add(text, "", nil,
		"ldap_filter", "ldap_search_dn", "ldap_group_base_dn", "ldap_group_admin_dn", "ldap_group_attribute_name",
		"ldap_group_search_filter", OIDCName, "oidc_endpoint", "oidc_client_id", "oidc_groups_claim", "oidc_admin_group",
		"oidc_scope", "oidc_user_claim", "http_authproxy_endpoint", "http_authproxy_tokenreview_endpoint",
		"http_authproxy_admin_groups", "http_authproxy_admin_usernames", "http_authproxy_server_certificate", "uaa_endpoint",
		"uaa_client_id", BannerMessage)
	add(text, "", hostPort, AuditForwardEndpoint)
	add(text, ForwardTCP, oneOf(ForwardTCP, ForwardTLS), AuditForwardProtocol)
	add(text, "", certificates, AuditForwardAuthorities)
	add(text, "", eventTypes, AuditDisabledEvents)
	add(text, "", someOf("ldap", "http", "oidc"), IdentityProviders)
	add(text, "memberof", nil, "ldap_group_membership_attribute")
	add(text, "", certificates, "ldap_ca_certificate")
	add(text, "db_auth", oneOf("db_auth", "ldap_auth", "uaa_auth", "http_auth", "oidc_auth"), AuthMode)
	add(text, "everyone", oneOf("everyone", "adminonly"), ProjectCreationRestriction)
	add(nonEmpty, "", nil, "ldap_url", "ldap_base_dn")
	add(nonEmpty, "cn", nil, "ldap_uid")
	add(nonEmpty, "robot$", robotPrefix, RobotNamePrefix)
	add(password, "", nil, "ldap_search_password", "oidc_client_secret")
	add(masked, "", nil, "uaa_client_secret")
	add(number, int64(5), positive, "ldap_timeout")
	add(number, int64(30), positive, TokenExpiration, RobotTokenDuration)
	add(number, int64(60), positive, SessionTimeout)
	add(number, int64(7*24), positive, SessionLifetime) // hours; ours
	add(number, int64(365), positive, TagHistoryDays)
	add(number, int64(7), trashDays, TrashDays)
	add(number, int64(-1), storageLimit, StoragePerProject)
	add(scope, int64(2), nil, "ldap_scope", "ldap_group_search_scope")
	add(boolean, false, nil,
		PrimaryAuthMode, "ldap_group_attach_parallel", "ldap_start_tls", ReadOnly, SelfRegistration, "http_authproxy_skip_search",
		"oidc_auto_onboard", "oidc_logout", "uaa_verify_cert", AuditSkipDatabase, ScannerSkipPullTime,
		PullTimesDisabled, PullCountsDisabled, AuditPullsDisabled, TrashInQuota)
	add(boolean, true, nil, "ldap_verify_cert", NotificationEnable, QuotaPerProject, "http_authproxy_verify_cert", "oidc_verify_cert")
	add(mapping, "{}", nil, "oidc_extra_redirect_parms", DeclaredSecretVersions)
	add(text, "", regularExpression, OIDCGroupFilter)
	all["scan_all_policy"] = key{name: "scan_all_policy", kind: mapping, initial: "{}", readOnly: true}
	return all
}
