package harborapi

import (
	"context"
	"errors"

	"github.com/havenregistry/haven/internal/fault"
	"github.com/havenregistry/haven/internal/harborapi/gen"
	"github.com/havenregistry/haven/internal/identity"
	"github.com/havenregistry/haven/internal/identity/ldap"
	"github.com/havenregistry/haven/internal/secret"
)

// PingLdap answers POST /ldap/ping: whether a log-in could work with the settings that are sent, or with the
// stored ones. Always 200; the body says it.
func (s *Server) PingLdap(ctx context.Context, r gen.PingLdapRequestObject) (gen.PingLdapResponseObject, error) {
	settings, err := s.Directory.Current(ctx)
	if err != nil {
		return nil, err
	}
	if r.Body != nil && r.Body.LdapURL != "" {
		settings, err = s.Directory.WithStoredPassword(ctx, tried(*r.Body, settings))
		if err != nil {
			return nil, err
		}
	}
	if err := s.Directory.Check(ctx, settings); err != nil {
		return gen.PingLdap200JSONResponse{Message: "error: " + ldap.Explain(err)}, nil
	}
	return gen.PingLdap200JSONResponse{Success: true}, nil
}

// tried are settings that somebody wants to try. How the server's certificate is checked is as stored where
// the body doesn't say it: Harbor's clients know no setting for that.
func tried(body gen.LdapConf, stored ldap.Settings) ldap.Settings {
	settings := ldap.Settings{
		URL: body.LdapURL, StartTLS: stored.StartTLS, CACertificate: stored.CACertificate, VerifyCert: stored.VerifyCert,
		SearchDN: body.LdapSearchDn, SearchPassword: secret.Text(body.LdapSearchPassword),
		BaseDN: body.LdapBaseDn, Filter: body.LdapFilter, UID: body.LdapUID, Scope: body.LdapScope, Timeout: body.LdapConnectionTimeout,
	}
	if body.LdapStartTLS != nil {
		settings.StartTLS = *body.LdapStartTLS
	}
	if body.LdapCaCertificate != nil {
		settings.CACertificate = *body.LdapCaCertificate
	}
	if body.LdapVerifyCert != nil {
		settings.VerifyCert = *body.LdapVerifyCert
	}
	if settings.Timeout <= 0 {
		settings.Timeout = stored.Timeout
	}
	return settings
}

// SearchLdapUser answers GET /ldap/users/search.
func (s *Server) SearchLdapUser(ctx context.Context, r gen.SearchLdapUserRequestObject) (gen.SearchLdapUserResponseObject, error) {
	people, err := s.Directory.SearchPeople(ctx, r.Params.Username)
	if err != nil {
		return nil, askingDirectory(err)
	}
	return gen.SearchLdapUser200JSONResponse(each(people, func(p identity.Person) gen.LdapUser {
		return gen.LdapUser{Username: p.Username, Realname: p.Realname, Email: p.Email}
	})), nil
}

// SearchLdapGroup answers GET /ldap/groups/search, 404 when there is none.
func (s *Server) SearchLdapGroup(ctx context.Context, r gen.SearchLdapGroupRequestObject) (gen.SearchLdapGroupResponseObject, error) {
	var groups []identity.Group
	var err error
	if r.Params.Groupdn != "" {
		groups = make([]identity.Group, 1)
		groups[0], err = s.Directory.FindGroup(ctx, r.Params.Groupdn)
	} else {
		groups, err = s.Directory.SearchGroups(ctx, r.Params.Groupname)
	}
	if err == nil && len(groups) == 0 {
		err = fault.NotFoundf("no group of the directory is named %q", printable(r.Params.Groupname))
	}
	if err != nil {
		return nil, askingDirectory(err)
	}
	return gen.SearchLdapGroup200JSONResponse(each(groups, func(g identity.Group) gen.UserGroup {
		return gen.UserGroup{GroupName: g.Name, GroupType: int64(identity.LDAPGroup), LdapGroupDn: g.Key}
	})), nil
}

// ImportLdapUser answers POST /ldap/users/import. Who can be imported is, even if others can't: then the
// answer is 404 and names these.
func (s *Server) ImportLdapUser(ctx context.Context, r gen.ImportLdapUserRequestObject) (gen.ImportLdapUserResponseObject, error) {
	settings, err := s.Directory.Current(ctx)
	if err == nil && settings.URL == "" {
		err = ldap.ErrNotConfigured
	}
	if err != nil {
		return nil, err
	}
	var failed []gen.LdapFailedImportUser
	for _, uid := range r.Body.LdapUIDList {
		why, err := s.importPerson(ctx, uid)
		if err != nil {
			return nil, err
		}
		if why != "" {
			failed = append(failed, gen.LdapFailedImportUser{UID: uid, Error: why})
		}
	}
	if len(failed) > 0 {
		return gen.ImportLdapUser404JSONResponse(failed), nil
	}
	return gen.ImportLdapUser200Response{}, nil
}

// importPerson makes an account for somebody, and says why not in Harbor's words.
func (s *Server) importPerson(ctx context.Context, uid string) (why string, err error) {
	if uid == "" {
		return "empty_uid", nil
	}
	person, err := s.Directory.FindPerson(ctx, uid)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, fault.NotFound):
		return "unknown_user", nil
	case err != nil:
		return "failed_search_user: " + ldap.Explain(err), nil
	}
	_, err = s.Identity.Onboard(ctx, identity.LDAPProvider, person)
	if refused, ok := errors.AsType[*fault.Error](err); ok {
		return refused.Message, nil
	}
	return "", err
}

// askingDirectory words why the directory could not be asked: who may ask is an administrator.
func askingDirectory(err error) error {
	if _, refused := errors.AsType[*fault.Error](err); refused {
		return err
	}
	return badRequest("the directory can't be asked: %s", ldap.Explain(err))
}
