// Package harbortest makes a Harbor's database and storage for tests, in the forms that Harbor 2 writes.
package harbortest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what an old Harbor hashed with
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

// What people and robots log in by.
const (
	AdminPassword = "Harbor12345"
	AlicePassword = "Alice-Secret-77"                // hashed as by Harbor 2.0 to 2.15
	BobPassword   = "Bob-Secret-77"                  //nolint:gosec // as by Harbor 1
	CarolPassword = "Carol-Secret-77"                // as since Harbor 2.16
	RobotSecret   = "Robot-Secret-77-of-the-project" //nolint:gosec // of tests
	MirrorSecret  = "Robot-Secret-77-of-the-system"  //nolint:gosec // of tests
	RemoteUser    = "copier"
	RemotePass    = "Remote-Secret-77"
)

const (
	secretKey    = "0123456789abcdef"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// Harbor is one that is stopped.
type Harbor struct {
	DatabaseURL string
	Storage     string // folder
	SecretKey   string // file

	Images map[string]string // repository:tag → digest
	Layers map[string]string // repository:tag → digest of its only layer

	t  testing.TB
	db *pgx.Conn
}

// New fills an empty PostgreSQL database and a folder. remote is the address of the registry elsewhere that it knows.
func New(t testing.TB, databaseURL, remote string) *Harbor {
	t.Helper()
	dir := t.TempDir()
	h := &Harbor{
		DatabaseURL: databaseURL, Storage: filepath.Join(dir, "registry"), SecretKey: filepath.Join(dir, "secretkey"),
		Images: map[string]string{}, Layers: map[string]string{}, t: t,
	}
	h.check(os.WriteFile(h.SecretKey, []byte(secretKey), 0o600))
	var err error
	h.db, err = pgx.Connect(context.Background(), databaseURL)
	h.check(err)
	t.Cleanup(func() {
		if err := h.db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h.Exec(schema)
	h.people()
	h.projects(remote)
	h.policies()
	h.images()
	return h
}

func (h *Harbor) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Exec runs a statement in Harbor's database.
func (h *Harbor) Exec(statement string, args ...any) {
	h.t.Helper()
	_, err := h.db.Exec(context.Background(), statement, args...)
	h.check(err)
}

// Sum is a digest of all rows of the tables that are there.
func (h *Harbor) Sum() string {
	h.t.Helper()
	tables, err := h.db.Query(context.Background(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`)
	h.check(err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	h.check(err)
	sum := sha256.New()
	for _, name := range names {
		var all string
		h.check(h.db.QueryRow(context.Background(), `SELECT COALESCE(string_agg(t::text, E'\n' ORDER BY t::text), '') FROM `+name+` t`).Scan(&all))
		fmt.Fprintf(sum, "%s\n%s\n", name, all)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// hashed is a password as Harbor keeps it.
func (h *Harbor) hashed(password, salt string, iterations int, f func() hash.Hash) string {
	key, err := pbkdf2.Key(f, password, []byte(salt), iterations, 16)
	h.check(err)
	return hex.EncodeToString(key)
}

// Encrypt is a credential as Harbor keeps it.
func (h *Harbor) Encrypt(text string) string {
	block, err := aes.NewCipher([]byte(secretKey))
	h.check(err)
	sealed := make([]byte, aes.BlockSize+len(text))
	_, _ = rand.Read(sealed[:aes.BlockSize])
	cipher.NewCFBEncrypter(block, sealed[:aes.BlockSize]).XORKeyStream(sealed[aes.BlockSize:], []byte(text)) //nolint:staticcheck,gosec // Harbor's
	return "<enc-v1>" + base64.StdEncoding.EncodeToString(sealed)
}

func (h *Harbor) people() {
	user := func(id int, name, email, digest, version string, admin bool) {
		h.Exec(`INSERT INTO harbor_user (user_id, username, email, password, realname, comment, salt, sysadmin_flag, password_version, creation_time)
			VALUES ($1, $2, NULLIF($3, ''), $4, $2, '', 'salt', $5, $6, '2024-01-02 03:04:05')`, id, name, email, digest, admin, version)
	}
	user(1, "admin", "", h.hashed(AdminPassword, "salt", 600_000, sha256.New), "pbkdf2_sha256", true)
	user(2, "anonymous", "", "", "sha1", false)
	h.Exec(`UPDATE harbor_user SET deleted = TRUE, salt = NULL WHERE user_id = 2`)
	user(7, "alice", "alice@example.com", h.hashed(AlicePassword, "salt", 4096, sha256.New), "sha256", false)
	user(8, "bob", "bob@example.com", h.hashed(BobPassword, "salt", 4096, sha1.New), "sha1", false)
	user(9, "carol", "carol@example.com", h.hashed(CarolPassword, "salt", 600_000, sha256.New), "pbkdf2_sha256", true)
	h.Exec(`INSERT INTO user_group (id, group_name, group_type, ldap_group_dn) VALUES (3, 'devs', 1, 'CN=devs, OU=Groups,DC=example,DC=com')`)
}

func (h *Harbor) projects(remote string) {
	h.Exec(`INSERT INTO registry (id, name, url, access_key, access_secret, insecure, credential_type, type, description)
		VALUES (4, 'dr', $1, $2, $3, TRUE, 'basic', 'docker-registry', 'the other site')`, remote, RemoteUser, h.Encrypt(RemotePass))
	h.Exec(`INSERT INTO project (project_id, owner_id, name, deleted, registry_id) VALUES (1, 1, 'library', FALSE, NULL), (5, 7, 'prod', FALSE, 0), (6, 1, 'pub', FALSE, 0),
		(7, 1, 'gone#7', TRUE, 0), (8, 1, 'cache', FALSE, 4)`)
	h.Exec(`INSERT INTO project_metadata (project_id, name, value) VALUES (1, 'public', 'true'), (5, 'public', 'false'), (5, 'severity', 'high'), (5, 'auto_scan', 'true'),
		(5, 'reuse_sys_cve_allowlist', 'false'), (5, 'retention_id', '2'), (6, 'public', 'true'), (8, 'public', 'true'), (8, 'proxy_speed_kb', '500')`)
	h.Exec(`INSERT INTO project_member (project_id, entity_id, entity_type, role) VALUES (1, 1, 'u', 1), (5, 7, 'u', 1), (5, 8, 'u', 3), (5, 3, 'g', 5), (5, 2, 'u', 2), (6, 1, 'u', 1)`)
	h.Exec(`INSERT INTO quota (reference, reference_id, hard) VALUES ('project', '1', '{"storage": -1}'), ('project', '5', '{"storage": 1073741824}'), ('project', '6', '{"storage": -1}')`)
	h.Exec(`INSERT INTO cve_allowlist (project_id, expires_at, items) VALUES (5, 4102444800, '[{"cve_id":"CVE-2026-0001"}]'), (0, NULL, '[{"cve_id":"CVE-2026-0002"}]')`)
	robot := func(id int, name string, project int, secret string, disabled bool, rights ...[3]string) {
		h.Exec(`INSERT INTO robot (id, name, description, project_id, expiresat, disabled, secret, salt, duration, creator_ref, creator_type)
			VALUES ($1, $2, 'does things', $3, -1, $4, $5, 'pepper', -1, 1, 'local')`, id, name, project, disabled, h.hashed(secret, "pepper", 4096, sha256.New))
		for _, r := range rights {
			h.Exec(`WITH p AS (INSERT INTO permission_policy (scope, resource, action, effect) VALUES ($2, $3, $4, '') RETURNING id)
				INSERT INTO role_permission (role_type, role_id, permission_policy_id) SELECT 'robotaccount', $1, id FROM p`, id, r[0], r[1], r[2])
		}
	}
	robot(11, "prod+ci", 5, RobotSecret, false, [3]string{"/project/5", "repository", "pull"}, [3]string{"/project/5", "repository", "push"})
	robot(12, "mirror", 0, MirrorSecret, false, [3]string{"/project/*", "repository", "pull"}, [3]string{"/system", "catalog", "read"})
	robot(13, "prod+off", 5, RobotSecret, true, [3]string{"/project/5", "repository", "pull"})
}

func (h *Harbor) policies() {
	h.Exec(`INSERT INTO properties (k, v) VALUES ('token_expiration', '45'), ('session_timeout', '90'), ('project_creation_restriction', 'adminonly'),
		('robot_name_prefix', 'bot$'), ('auth_mode', 'db_auth'), ('ldap_url', 'ldaps://ldap.example.com'), ('ldap_search_password', $1), ('scan_all_policy', '{}')`,
		h.Encrypt("Directory-77"))
	h.Exec(`INSERT INTO harbor_label (id, name, description, color, level, scope, project_id) VALUES (6, 'gold', 'the best', '#FFAA00', 'u', 'g', 0), (7, 'ours', '', '', 'u', 'p', 5)`)
	h.Exec(`INSERT INTO immutable_tag_rule (id, project_id, tag_filter) VALUES (3, 5, $1)`,
		`{"priority":0,"action":"immutable","template":"immutable_template","tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"v1"}],`+
			`"scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}`)
	h.Exec(`INSERT INTO retention_policy (id, scope_level, scope_reference, trigger_kind, data) VALUES (2, 'project', 5, 'Schedule', $1)`,
		`{"algorithm":"or","rules":[{"priority":0,"action":"retain","template":"latestPushedK","params":{"latestPushedK":5},`+
			`"tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"**","extras":""}],`+
			`"scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}],`+
			`"trigger":{"kind":"Schedule","settings":{"cron":"0 0 0 * * *"}},"scope":{"level":"project","ref":5}}`)
	h.Exec(`INSERT INTO replication_policy (id, name, dest_registry_id, src_registry_id, trigger, filters, replicate_deletion, override, dest_namespace_replace_count, speed_kb)
		VALUES (9, 'to-dr', 4, 0, '{"type":"scheduled","trigger_settings":{"cron":"0 0 3 * * *"}}',
		'[{"type":"name","value":"prod/**"},{"type":"label","value":["gold"]}]', TRUE, TRUE, -1, 0)`)
	h.Exec(`INSERT INTO notification_policy (id, name, project_id, targets, event_types) VALUES (2, 'hook', 5,
		'[{"type":"http","address":"https://hooks.example.com/x","auth_header":"Bearer abc","skip_cert_verify":false,"payload_format":"CloudEvents"}]', '["PUSH_ARTIFACT"]')`)
	h.Exec(`INSERT INTO p2p_preheat_instance (id, name, description, vendor, endpoint, auth_mode, auth_data, enabled, is_default, insecure, setup_timestamp)
		VALUES (2, 'peers', '', 'dragonfly', 'http://peers.example.com', 'OAUTH', '{"token":"abc"}', TRUE, FALSE, FALSE, 1700000000)`)
	h.Exec(`INSERT INTO p2p_preheat_policy (id, name, project_id, provider_id, filters, trigger, enabled) VALUES (5, 'heat', 5, 2,
		'[{"type":"repository","value":"**"},{"type":"tag","value":"v*"}]', '{"type":"manual"}', TRUE)`)
	h.Exec(`INSERT INTO schedule (vendor_type, vendor_id, cron, cron_type, callback_func_param) VALUES
		('GARBAGE_COLLECTION', -1, '0 0 1 * * 0', 'Custom', '{"extra_attrs":{"delete_untagged":true,"workers":2}}'), ('EXECUTION_SWEEP', -1, '0 0 0 * * *', 'Custom', 'null'),
		('SCAN_ALL', 0, '0 0 2 * * *', 'Custom', 'null')`)
}

// Blob lays bytes where Harbor's registry does, and returns how a manifest names them.
func (h *Harbor) Blob(mediaType string, content []byte) map[string]any {
	h.t.Helper()
	d := fmt.Sprintf("sha256:%x", sha256.Sum256(content))
	h.check(os.MkdirAll(filepath.Dir(h.File(d)), 0o750))
	h.check(os.WriteFile(h.File(d), content, 0o600))
	return map[string]any{"mediaType": mediaType, "digest": d, "size": len(content)}
}

// File is where a blob lies.
func (h *Harbor) File(d string) string {
	encoded := d[len("sha256:"):]
	return filepath.Join(h.Storage, "docker/registry/v2/blobs/sha256", encoded[:2], encoded, "data")
}

// images makes those of the repositories 1 to 3. The index prod/multi:all has a smaller id than what is in it.
func (h *Harbor) images() {
	h.Exec(`INSERT INTO repository (repository_id, name, project_id, description, pull_count) VALUES (1, 'prod/app', 5, 'the application', 42), (2, 'prod/multi', 5, '', 0), (3, 'pub/web', 6, '', 7)`)
	h.Exec(`SELECT setval('artifact_id_seq', 100)`)
	v1 := h.Image(1, "prod/app", "v1", nil)
	h.Image(1, "prod/app", "v2", nil)
	h.Image(3, "pub/web", "latest", nil)
	h.Image(1, "prod/app", "sha256-"+v1["digest"].(string)[len("sha256:"):]+".sig", map[string]any{"layer": "application/vnd.dev.cosign.simplesigning.v1+json"})
	h.Image(1, "prod/app", "", map[string]any{"subject": v1, "artifactType": "application/vnd.cncf.notary.signature"})
	h.Exec(`INSERT INTO label_reference (label_id, artifact_id) SELECT 6, id FROM artifact WHERE digest = $1`, v1["digest"])
	h.Exec(`UPDATE artifact SET pull_time = '2025-05-06 07:08:09' WHERE digest = $1`, v1["digest"])
	parts := []map[string]any{h.Image(2, "prod/multi", "", map[string]any{"arch": "arm64"}), h.Image(2, "prod/multi", "", map[string]any{"arch": "amd64"})}
	text := h.encode(map[string]any{"schemaVersion": 2, "mediaType": indexType, "manifests": parts})
	index := h.Blob(indexType, text)
	h.Exec(`INSERT INTO artifact (id, project_id, repository_name, digest, repository_id, manifest_media_type, push_time) VALUES (50, 5, 'prod/multi', $1, 2, $2, now())`, index["digest"], indexType)
	h.Exec(`INSERT INTO tag (repository_id, artifact_id, name) VALUES (2, 50, 'all')`)
	h.Images["prod/multi:all"] = index["digest"].(string)
}

func (h *Harbor) encode(v any) []byte {
	text, err := json.MarshalIndent(v, "", "  ") // the exact bytes count
	h.check(err)
	return text
}

// Image makes an image of one layer in a repository of project 5, or 6 for the third, with a tag unless it is "". with may have "layer", the layer's media
// type, "arch", and fields of the manifest.
func (h *Harbor) Image(repositoryID int, repository, tag string, with map[string]any) map[string]any {
	h.t.Helper()
	layerType, arch := "application/vnd.oci.image.layer.v1.tar", "amd64"
	manifest := map[string]any{"schemaVersion": 2, "mediaType": manifestType}
	for key, value := range with {
		switch key {
		case "layer":
			layerType = value.(string)
		case "arch":
			arch = value.(string)
		default:
			manifest[key] = value
		}
	}
	layer := h.Blob(layerType, bytes.Repeat([]byte(repository+":"+tag+arch), 40))
	manifest["layers"] = []any{layer}
	manifest["config"] = h.Blob("application/vnd.oci.image.config.v1+json", []byte(fmt.Sprintf(`{"architecture":%q,"os":"linux","author":%q}`, arch, repository+":"+tag)))
	d := h.Blob(manifestType, h.encode(manifest))
	project := 5
	if repositoryID == 3 {
		project = 6
	}
	h.Exec(`INSERT INTO artifact (project_id, repository_name, digest, repository_id, manifest_media_type, push_time) VALUES ($1, $2, $3, $4, $5, '2025-01-02 03:04:05.678901')`,
		project, repository, d["digest"], repositoryID, manifestType)
	if tag != "" {
		h.Exec(`INSERT INTO tag (repository_id, artifact_id, name, push_time) SELECT $1, id, $2, '2025-01-02 03:04:06' FROM artifact WHERE digest = $3 AND repository_id = $1`, repositoryID, tag, d["digest"])
		h.Images[repository+":"+tag], h.Layers[repository+":"+tag] = d["digest"].(string), layer["digest"].(string)
	}
	if with["arch"] != nil {
		d["platform"] = map[string]any{"architecture": arch, "os": "linux"}
	}
	return d
}
