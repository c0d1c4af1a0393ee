package harbor

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/havenregistry/haven/internal/db"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
)

type userRow struct {
	ID              int64  `json:"user_id"`
	Username        string `json:"username"`
	Email           string `json:"email"`
	Password        string `json:"password"`
	PasswordVersion string `json:"password_version"`
	Salt            string `json:"salt"`
	Realname        string `json:"realname"`
	Comment         string `json:"comment"`
	Deleted         bool   `json:"deleted"`
	Sysadmin        bool   `json:"sysadmin_flag"`
	Created         stamp  `json:"creation_time"`
	Updated         stamp  `json:"update_time"`
}

type oidcRow struct {
	UserID  int64  `json:"user_id"`
	Subject string `json:"subiss"` // the subject and the issuer, one behind the other
}

// foreignHash is a password as Harbor keeps it: PBKDF2 to 16 bytes, in hex. How it was made the version says.
func foreignHash(digest, salt, version string) *identity.ForeignHash {
	text, err := hex.DecodeString(digest)
	if err != nil || len(text) == 0 || salt == "" {
		return nil
	}
	h := identity.ForeignHash{Algorithm: "sha256", Iterations: 4096, Salt: salt, Digest: text}
	switch version {
	case "sha1":
		h.Algorithm = "sha1"
	case "pbkdf2_sha256":
		h.Iterations = 600_000
	}
	return &h
}

// users brings the accounts. Where people sign in by a directory or an identity provider, a password in Harbor's database is the same
// for all of them and written in Harbor's source: only the first administrator's is one.
func (a *Adoption) users(ctx context.Context, tx db.Tx) error {
	elsewhere := a.authMode != "" && a.authMode != "db_auth"
	subjects := map[int64]oidcRow{}
	for _, o := range a.data.oidc {
		subjects[o.UserID] = o
	}
	for _, u := range a.data.users {
		if u.Deleted {
			continue
		}
		adopted := identity.AdoptedUser{
			ID: u.ID, Username: u.Username, Email: u.Email, Realname: u.Realname, Comment: u.Comment, Sysadmin: u.Sysadmin || u.ID == identity.AdminID,
			CreatedAt: u.Created.or(a.now), UpdatedAt: u.Updated.or(a.now),
		}
		linked, byOIDC := subjects[u.ID]
		if adopted.ID == identity.AdminID || !elsewhere && !byOIDC && !strings.HasPrefix(strings.ToLower(u.Comment), "from ldap") {
			adopted.Password = foreignHash(u.Password, u.Salt, u.PasswordVersion)
		}
		if at := max(strings.LastIndex(linked.Subject, "https://"), strings.LastIndex(linked.Subject, "http://")); byOIDC && at > 0 {
			adopted.Subject, adopted.Issuer = linked.Subject[:at], linked.Subject[at:]
		}
		err := a.Identity.AdoptUser(ctx, tx, adopted)
		if err := a.took("users", "user "+u.Username, err); err != nil {
			return err
		}
		if a.there.users[u.ID] = err == nil; err == nil && adopted.Password == nil && !elsewhere && !byOIDC {
			a.Report.Lose("user "+u.Username, fmt.Errorf("the account is here without its password, which is of an unknown kind: set another one"))
		}
	}
	return nil
}

type groupRow struct {
	ID      int64  `json:"id"`
	Name    string `json:"group_name"`
	Type    int64  `json:"group_type"`
	DN      string `json:"ldap_group_dn"`
	Created stamp  `json:"creation_time"`
	Updated stamp  `json:"update_time"`
}

func (a *Adoption) groups(ctx context.Context, tx db.Tx) error {
	for _, g := range a.data.groups {
		adopted := identity.UserGroup{ID: g.ID, Name: g.Name, Type: identity.GroupType(g.Type), Key: g.Name, CreatedAt: g.Created.or(a.now), UpdatedAt: g.Updated.or(a.now)}
		if adopted.Type == identity.LDAPGroup {
			var err error
			if adopted.Key, err = ldap.NormalDN(g.DN); err != nil {
				a.Report.Lose("user group "+g.Name, fmt.Errorf("its DN %q can't be read", g.DN))
				continue
			}
		}
		err := a.Identity.AdoptGroup(ctx, tx, adopted)
		if err := a.took("user groups", "user group "+g.Name, err); err != nil {
			return err
		}
		a.there.groups[g.ID] = err == nil
	}
	return nil
}

type robotRow struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	ProjectID   int64  `json:"project_id"`
	Expires     int64  `json:"expiresat"` // seconds since 1970, -1: never
	Disabled    bool   `json:"disabled"`
	Visible     *bool  `json:"visible"` // false: made by Harbor for itself
	Secret      string `json:"secret"`
	Salt        string `json:"salt"`
	Duration    int64  `json:"duration"` // days, -1: for ever
	CreatorID   int64  `json:"creator_ref"`
	CreatorType string `json:"creator_type"`
	Created     stamp  `json:"creation_time"`
	Updated     stamp  `json:"update_time"`
}

type rightRow struct {
	RobotID  int64  `json:"role_id"`
	Scope    string `json:"scope"` // /system, /project/ID or /project/*
	Resource string `json:"resource"`
	Action   string `json:"action"`
	Effect   string `json:"effect"`
}

const rights = `SELECT rp.role_id, pp.scope, pp.resource, pp.action, pp.effect FROM role_permission rp
	JOIN permission_policy pp ON pp.id = rp.permission_policy_id WHERE rp.role_type = 'robotaccount' ORDER BY rp.id`

func (a *Adoption) robots(ctx context.Context, tx db.Tx) error {
	held := map[int64][]rightRow{}
	for _, r := range a.data.rights {
		held[r.RobotID] = append(held[r.RobotID], r)
	}
	for _, r := range a.data.robots {
		if r.Visible != nil && !*r.Visible || r.ProjectID != 0 && !a.there.projects[r.ProjectID] {
			continue
		}
		what := "robot " + r.Name
		adopted := r.adopted(a.now)
		var unknown []string
		for _, right := range held[r.ID] {
			granted, ok := right.granted()
			if !ok || granted.ProjectID != 0 && !a.there.projects[granted.ProjectID] {
				unknown = append(unknown, right.Resource+":"+right.Action+" in "+right.Scope)
				continue
			}
			adopted.Grants = append(adopted.Grants, granted)
		}
		without, err := a.Identity.AdoptRobot(ctx, tx, adopted)
		if err := a.took("robots", what, err); err != nil {
			return err
		}
		for _, w := range without {
			unknown = append(unknown, w.Resource+":"+w.Action)
		}
		if err == nil && len(unknown) > 0 {
			a.Report.Lose(what, fmt.Errorf("it is here without these rights, which there are none of, or whose project is gone: %s", strings.Join(unknown, ", ")))
		}
	}
	return nil
}

func (r robotRow) adopted(now time.Time) identity.AdoptedRobot {
	robot := identity.AdoptedRobot{Robot: identity.Robot{
		ID: r.ID, ProjectID: r.ProjectID, Name: r.Name, Description: r.Description, DurationDays: r.Duration, Disabled: r.Disabled,
		CreatorType: "local", CreatorID: max(r.CreatorID, identity.AdminID), CreatedAt: r.Created.or(now), UpdatedAt: r.Updated.or(now),
	}}
	if r.CreatorType == "robot" {
		robot.CreatorType = r.CreatorType
	}
	if r.Expires != -1 {
		robot.ExpiresAt = time.Unix(max(r.Expires, 1), 0).UTC() // 0 is long ago, too
	}
	if robot.DurationDays < 1 { // of versions that had none
		robot.DurationDays = -1
	}
	if h := foreignHash(r.Secret, r.Salt, "sha256"); h != nil {
		robot.Secret = *h
	}
	return robot
}

func (r rightRow) granted() (g identity.AdoptedGrant, ok bool) {
	g.Access = identity.Access{Resource: r.Resource, Action: r.Action, Effect: r.Effect}
	switch place, inProject := strings.CutPrefix(r.Scope, "/project/"); {
	case r.Scope == "/system" || r.Scope == "/":
		return g, true
	case place == "*":
		g.Every = true
		return g, true
	case inProject:
		_, err := fmt.Sscanf(place, "%d", &g.ProjectID)
		return g, err == nil && g.ProjectID > 0
	}
	return g, false
}
