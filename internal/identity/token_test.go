package identity_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/havenregistry/haven/internal/authz"
	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/db/dbtest"
	"github.com/havenregistry/haven/internal/identity"
)

func pullOf(project int64, repository string) identity.TokenAccess {
	return identity.TokenAccess{Type: "repository", Name: repository, Actions: []string{"pull", "push"}, ProjectID: project, ProjectEpoch: 1}
}

func (w *world) issue(p authz.Principal, access ...identity.TokenAccess) string {
	w.t.Helper()
	token, _, _, err := w.IssueToken(context.Background(), p, access)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func segment(t *testing.T, token string, i int) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func number(n int64) json.Number { return json.Number(fmt.Sprint(n)) }

func TestTokenHasHarborsShape(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		project := w.addProject("production")
		token, expires, issued, err := w.IssueToken(ctx, admin, []identity.TokenAccess{pullOf(project, "production/app"), {Type: "registry", Name: "catalog"}})
		if err != nil || expires != 30*time.Minute || !issued.Equal(w.clock.now()) {
			t.Fatalf("expires %v, issued %v, %v", expires, issued, err)
		}
		head, body := segment(t, token, 0), segment(t, token, 1)
		if head["alg"] != "HS256" || head["typ"] != "JWT" || head["kid"] == "" || len(head) != 3 {
			t.Errorf("header %v", head)
		}
		now := w.clock.now().Unix()
		want := map[string]any{"iss": "harbor-token-issuer", "aud": "harbor-registry", "sub": "admin",
			"iat": number(now), "nbf": number(now), "exp": number(now + 1800)}
		for k, v := range want {
			if body[k] != v {
				t.Errorf("%s is %v, want %v", k, body[k], v)
			}
		}
		if jti, _ := body["jti"].(string); len(jti) != 16 {
			t.Errorf("jti %q", jti)
		}
		access, _ := json.Marshal(body["access"])
		if string(access) != `[{"actions":["pull","push"],"name":"production/app","type":"repository"},{"actions":[],"name":"catalog","type":"registry"}]` {
			t.Errorf("access %s", access)
		}
		if _, ok := segment(t, w.issue(authz.Principal{}), 1)["sub"]; ok {
			t.Error("nobody's token has a sub")
		}
	})
}

func TestTokenGrants(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		one, two := w.addProject("one"), w.addProject("two")
		token := w.issue(admin, pullOf(one, "one/app"), pullOf(two, "two/deep/app"), pullOf(two, "two/b"),
			identity.TokenAccess{Type: "registry", Name: "catalog", Actions: []string{"*"}})
		for name, s := range map[string]*identity.Service{"the issuer": w.Service, "another replica": w.replica()} {
			before := d.Executed()
			p, err := s.VerifyToken(ctx, token)
			if err != nil || p.Kind != authz.Bearer || p.ID != 1 || p.Name != "admin" || p.Admin || len(p.Token) != 3 {
				t.Fatalf("%s: %+v, %v", name, p, err)
			}
			if g := p.Token[1]; g.ProjectID != two || g.Repository != "two/deep/app" || len(g.Actions) != 2 || g.Actions[1] != authz.Push {
				t.Errorf("%s: grant %+v", name, g)
			}
			if n := d.Executed() - before; n > 2 {
				t.Errorf("%s: the first use took %d statements", name, n)
			}
			before = d.Executed()
			s.VerifyToken(ctx, token)
			want := int64(1)
			if d.Exclusive() { // nobody else changes anything
				want = 0
			}
			if n := d.Executed() - before; n != want {
				t.Errorf("%s: a later use took %d statements, want %d", name, n, want)
			}
			w.clock.add(time.Second)
			before = d.Executed()
			s.VerifyToken(ctx, token)
			if n := d.Executed() - before; n != 1 {
				t.Errorf("%s: a use after a second took %d statements, want 1", name, n)
			}
		}
		p, err := w.VerifyToken(ctx, w.issue(authz.Principal{}, pullOf(one, "one/app")))
		if err != nil || p.Authenticated() || len(p.Token) != 1 {
			t.Errorf("nobody's token: %+v, %v", p, err)
		}
		if _, _, _, err := w.IssueToken(ctx, p, nil); err == nil {
			t.Error("a token was exchanged for another")
		}
		if _, _, _, err := w.IssueToken(ctx, admin, make([]identity.TokenAccess, 101)); err == nil {
			t.Error("a token of 101 scopes was issued")
		}
	})
}

// What happens to the holder or a project after a token was issued.
func TestTokensDieWithWhatTheyAreBoundTo(t *testing.T) {
	ctx := context.Background()
	type subjects struct {
		user, project int64
		robot         identity.Created
	}
	const dead, empty, alive = "dead", "empty", "alive"
	cases := []struct {
		name                 string
		do                   func(t *testing.T, w *world, s subjects) error
		user, robot, nobodys string
	}{
		{"nothing", func(*testing.T, *world, subjects) error { return nil }, alive, alive, alive},
		{"password changed", func(_ *testing.T, w *world, s subjects) error {
			return w.SetPassword(ctx, admin, s.user, nil, "Changed-12345")
		}, dead, alive, alive},
		{"made administrator", func(_ *testing.T, w *world, s subjects) error { return w.SetSysadmin(ctx, admin, s.user, true) }, dead, alive, alive},
		{"role changed", func(_ *testing.T, w *world, s subjects) error {
			return w.db.Write(ctx, func(tx db.Tx) error { return w.BumpEpoch(ctx, tx, s.user) })
		}, dead, alive, alive},
		{"user deleted", func(_ *testing.T, w *world, s subjects) error { return w.DeleteUser(ctx, admin, s.user) }, dead, alive, alive},
		{"profile changed", func(_ *testing.T, w *world, s subjects) error {
			return w.UpdateProfile(ctx, admin, s.user, identity.Profile{Email: "new@example.com", Realname: "New"})
		}, alive, alive, alive},
		{"secret changed", func(_ *testing.T, w *world, s subjects) error {
			_, err := w.SetRobotSecret(ctx, admin, s.robot.ID, "")
			return err
		}, alive, dead, alive},
		{"robot updated", func(_ *testing.T, w *world, s subjects) error {
			return w.UpdateRobot(ctx, admin, s.robot.ID, identity.RobotUpdate{Name: "ci", Level: "project", Permissions: s.robot.Permissions})
		}, alive, dead, alive},
		{"robot deleted", func(_ *testing.T, w *world, s subjects) error { return w.DeleteRobot(ctx, admin, s.robot.ID) }, alive, dead, alive},
		{"project changed", func(_ *testing.T, w *world, s subjects) error {
			w.exec(`UPDATE project SET epoch = epoch + 1 WHERE id = $1`, s.project)
			return nil
		}, empty, empty, empty},
		{"project deleted and made again", func(_ *testing.T, w *world, s subjects) error {
			w.deleteProject(s.project)
			w.addProject("again")
			return nil
		}, empty, empty, empty},
		{"token expired", func(_ *testing.T, w *world, _ subjects) error { w.clock.add(30 * time.Minute); return nil }, dead, dead, dead},
		{"robot expired", func(_ *testing.T, w *world, s subjects) error {
			w.exec(`UPDATE robot SET expires_at = $1 WHERE id = $2`, db.Micros(w.clock.now()), s.robot.ID)
			return nil
		}, alive, dead, alive},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for i, c := range cases {
			name := "again"
			if c.name != "project deleted and made again" {
				name = fmt.Sprintf("p%d", i)
			}
			s := subjects{user: w.addUser(fmt.Sprintf("user%d", i), alicePassword), project: w.addProject(name)}
			s.robot = w.addRobot(robotOf(name, "ci", "pull"))
			access := pullOf(s.project, name+"/app")
			tokens := map[string]string{
				"user":   w.issue(authz.Principal{Kind: authz.User, ID: s.user, Name: "user", Epoch: 1}, access),
				"robot":  w.issue(authz.Principal{Kind: authz.Robot, ID: s.robot.ID, Name: "robot", Epoch: s.robot.Epoch}, access),
				"nobody": w.issue(authz.Principal{}, access),
			}
			for who, token := range tokens { // so that something is remembered of it
				if p, err := w.VerifyToken(ctx, token); err != nil || len(p.Token) != 1 {
					t.Fatalf("%s: %s's token before: %+v, %v", c.name, who, p, err)
				}
			}
			if err := c.do(t, w, s); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for who, want := range map[string]string{"user": c.user, "robot": c.robot, "nobody": c.nobodys} {
				p, err := w.VerifyToken(ctx, tokens[who])
				got := alive
				if err != nil {
					wantErr(t, err, identity.ErrToken)
					got = dead
				} else if len(p.Token) == 0 {
					got = empty
				}
				if got != want {
					t.Errorf("%s: the token of %s is %s, want %s (%v)", c.name, who, got, want, err)
				}
			}
		}
	})
}

// A role that changes between the decision and the issue must not end in a token.
func TestTokenCarriesTheEpochOfTheDecision(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		alice := w.addUser("alice", alicePassword)
		p := w.mustLogin("alice", alicePassword)
		if err := w.db.Write(ctx, func(tx db.Tx) error { return w.BumpEpoch(ctx, tx, alice) }); err != nil {
			t.Fatal(err)
		}
		_, err := w.VerifyToken(ctx, w.issue(p, pullOf(w.addProject("production"), "production/app")))
		wantErr(t, err, identity.ErrToken)
	})
}

func TestForgedTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := newWorld(t, d)
		project := w.addProject("production")
		good := w.issue(admin, pullOf(project, "production/app"))
		kid, _ := segment(t, good, 0)["kid"].(string)
		now := w.clock.now().Unix()
		claims := func(change func(map[string]any)) map[string]any {
			c := segment(t, good, 1)
			change(c)
			return c
		}
		same := claims(func(map[string]any) {})
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		foreign := func(algorithm jose.SignatureAlgorithm, key any, kid string, embed bool) string {
			options := &jose.SignerOptions{EmbedJWK: embed}
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options.WithHeader("kid", kid))
			if err != nil {
				t.Fatal(err)
			}
			return sign(t, signer, same)
		}
		guessed := []byte(strings.Repeat(kid, 4))
		key, _ := w.tokenKey(t)
		parts := strings.Split(good, ".")
		encode := func(v any) string { b, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(b) }
		cases := map[string]string{
			"empty":                "",
			"noise":                "a.b.c",
			"huge":                 strings.Repeat("a", 1<<20),
			"no signature":         parts[0] + "." + parts[1] + ".",
			"alg none":             encode(map[string]any{"alg": "none", "typ": "JWT", "kid": kid}) + "." + parts[1] + ".",
			"another's claims":     parts[0] + "." + encode(claims(func(c map[string]any) { c["exp"] = now + 1<<30 })) + "." + parts[2],
			"foreign key, our kid": foreign(jose.HS256, guessed, kid, false),
			"foreign key, own kid": foreign(jose.HS256, guessed, "mine", false),
			"key in the header":    foreign(jose.ES256, private, kid, true),
			"another algorithm":    foreign(jose.ES256, private, kid, false),
			"our key, longer hash": foreign(jose.HS512, append(key, key...), kid, false),
		}
		for name, token := range cases {
			if _, err := w.VerifyToken(ctx, token); err == nil || err.Error() != identity.ErrToken.Error() {
				t.Errorf("%s: got %v, want ErrToken", name, err)
			}
		}
		// Signed by our key, but not what we sign.
		ours := w.signerOf(t)
		for name, c := range map[string]map[string]any{
			"issuer":       claims(func(c map[string]any) { c["iss"] = "somebody" }),
			"audience":     claims(func(c map[string]any) { c["aud"] = "another-registry" }),
			"no iat":       claims(func(c map[string]any) { delete(c, "iat") }),
			"no exp":       claims(func(c map[string]any) { delete(c, "exp") }),
			"no jti":       claims(func(c map[string]any) { delete(c, "jti") }),
			"from later":   claims(func(c map[string]any) { c["nbf"] = now + 120 }),
			"more access":  claims(func(c map[string]any) { c["access"] = []any{} }),
			"other holder": claims(func(c map[string]any) { c["haven"] = map[string]any{"kind": "user", "id": 99, "epoch": 1} }),
		} {
			if _, err := w.VerifyToken(ctx, ours(c)); err == nil || err.Error() != identity.ErrToken.Error() {
				t.Errorf("%s: got %v, want ErrToken", name, err)
			}
		}
		if _, err := w.VerifyToken(ctx, ours(same)); err != nil {
			t.Errorf("the control: %v", err)
		}
	})
}

func sign(t *testing.T, signer jose.Signer, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tokenKey is the registry's own key, with its id.
func (w *world) tokenKey(t *testing.T) (key []byte, kid string) {
	t.Helper()
	type row struct {
		kid    string
		sealed []byte
	}
	k, err := db.Get(context.Background(), w.db.Auto(), func(r db.Row) (v row, err error) { err = r.Scan(&v.kid, &v.sealed); return v, err },
		`SELECT kid, sealed FROM sealed_key WHERE purpose = 'token'`)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = w.box.Open(k.sealed); err != nil {
		t.Fatal(err)
	}
	return key, k.kid
}

// signerOf signs with the registry's own key, as a leaked key would.
func (w *world) signerOf(t *testing.T) func(map[string]any) string {
	t.Helper()
	key, kid := w.tokenKey(t)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
	if err != nil {
		t.Fatal(err)
	}
	return func(c map[string]any) string { return sign(t, signer, c) }
}

// Replicas that start at once must end with one key.
func TestReplicasShareTheKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := make(chan string, 6)
		for range cap(tokens) {
			s := w.replica()
			go func() {
				token, _, _, err := s.IssueToken(context.Background(), admin, nil)
				if err != nil {
					token = err.Error()
				}
				tokens <- token
			}()
		}
		for range cap(tokens) {
			if _, err := w.VerifyToken(context.Background(), <-tokens); err != nil {
				t.Error(err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM sealed_key`); n != 1 {
			t.Errorf("%d keys, want 1", n)
		}
	})
}

func BenchmarkIssueToken(b *testing.B) {
	w := newWorld(b, dbtest.SQLite(b))
	access := pullOf(w.addProject("production"), "production/app")
	b.ReportAllocs()
	for b.Loop() {
		w.issue(admin, access)
	}
}

func BenchmarkVerifyToken(b *testing.B) {
	w := newWorld(b, dbtest.SQLite(b))
	token := w.issue(admin, pullOf(w.addProject("production"), "production/app"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.VerifyToken(context.Background(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b, dbtest.SQLite(b))
	b.ReportAllocs()
	for b.Loop() {
		w.mustLogin("admin", adminPassword)
	}
}
