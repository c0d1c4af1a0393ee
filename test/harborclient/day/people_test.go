package day

import (
	"testing"

	v2 "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/permissions"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/repository"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/robot"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/usergroup"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

const password = "Password-1-of-them"

// newUser makes a user and returns the id.
func newUser(t *testing.T, c *v2.HarborAPI, name string) int64 {
	t.Helper()
	return idOf(t, ok(c.User.CreateUser(t.Context(), &user.CreateUserParams{UserReq: &models.UserCreationReq{
		Username: name, Password: password, Email: name + "@example.com", Realname: name,
	}}))(t).Location)
}

func TestUsers(t *testing.T) {
	c, ctx := admin(t), t.Context()
	id := newUser(t, c, "nina")
	nina := as(t, "nina", password)
	if me := ok(nina.User.GetCurrentUserInfo(ctx, &user.GetCurrentUserInfoParams{}))(t).Payload; me.UserID != id || me.SysadminFlag {
		t.Errorf("nina is %+v", me)
	}
	refused(nina.User.ListUsers(ctx, &user.ListUsersParams{}))(t, 403)
	ok(nina.User.UpdateUserProfile(ctx, &user.UpdateUserProfileParams{UserID: id, Profile: &models.UserProfile{Email: "nina@example.org", Realname: "Nina N.", Comment: "c"}}))(t)
	ok(nina.User.UpdateUserPassword(ctx, &user.UpdateUserPasswordParams{UserID: id, Password: &models.PasswordReq{OldPassword: password, NewPassword: password + "b"}}))(t)
	ok(c.User.SetUserSysAdmin(ctx, &user.SetUserSysAdminParams{UserID: id, SysadminFlag: &models.UserSysAdminFlag{SysadminFlag: true}}))(t)
	u := ok(c.User.GetUser(ctx, &user.GetUserParams{UserID: id}))(t).Payload
	if u.Email != "nina@example.org" || u.Realname != "Nina N." || !u.SysadminFlag {
		t.Errorf("user %+v", u)
	}
	nina = as(t, "nina", password+"b")
	if page := ok(nina.User.ListUsers(ctx, &user.ListUsersParams{Q: ptr("username=~nin"), Sort: ptr("-username")}))(t); page.XTotalCount != 1 {
		t.Errorf("users %+v", page.Payload)
	}
	if found := ok(c.User.SearchUsers(ctx, &user.SearchUsersParams{Username: "nin"}))(t); len(found.Payload) != 1 {
		t.Errorf("found %+v", found.Payload)
	}
	rights := ok(nina.User.GetCurrentUserPermissions(ctx, &user.GetCurrentUserPermissionsParams{Scope: ptr("/project/1"), Relative: ptr(true)}))(t).Payload
	if len(rights) < 20 {
		t.Errorf("%d rights in project 1", len(rights))
	}
	refused(c.User.SetCliSecret(ctx, &user.SetCliSecretParams{UserID: id, Secret: &models.OIDCCliSecretReq{Secret: password}}))(t, 412)
	ok(c.User.DeleteUser(ctx, &user.DeleteUserParams{UserID: id}))(t)
	refused(c.User.GetUser(ctx, &user.GetUserParams{UserID: id}))(t, 404)
}

func TestRobots(t *testing.T) {
	c, ctx := admin(t), t.Context()
	newProject(t, c, "factory")
	push(t, "factory/app", "v1", "one")
	may := []*models.RobotPermission{{Kind: "project", Namespace: "factory", Access: []*models.Access{{Resource: "repository", Action: "pull"}, {Resource: "repository", Action: "list"}}}}
	made := ok(c.Robot.CreateRobot(ctx, &robot.CreateRobotParams{Robot: &models.RobotCreate{Name: "ci", Level: "project", Duration: 30, Permissions: may}}))(t).Payload
	if made.Name != "robot$factory+ci" || made.Secret == "" {
		t.Errorf("robot %+v", made)
	}
	bot := as(t, made.Name, made.Secret)
	if page := ok(bot.Repository.ListRepositories(ctx, &repository.ListRepositoriesParams{ProjectName: "factory"}))(t); page.XTotalCount != 1 {
		t.Errorf("the robot sees %+v", page.Payload)
	}
	secret := ok(c.Robot.RefreshSec(ctx, &robot.RefreshSecParams{RobotID: made.ID, RobotSec: &models.RobotSec{Secret: password}}))(t)
	if secret.Payload.Secret != "" && secret.Payload.Secret != password {
		t.Errorf("the chosen secret came back as another")
	}
	ok(as(t, made.Name, password).Repository.ListRepositories(ctx, &repository.ListRepositoriesParams{ProjectName: "factory"}))(t)

	r := ok(c.Robot.GetRobotByID(ctx, &robot.GetRobotByIDParams{RobotID: made.ID}))(t).Payload
	r.Description, r.Disable = "of the build", true
	ok(c.Robot.UpdateRobot(ctx, &robot.UpdateRobotParams{RobotID: made.ID, Robot: r}))(t)
	r = ok(c.Robot.GetRobotByID(ctx, &robot.GetRobotByIDParams{RobotID: made.ID}))(t).Payload
	if r.Description != "of the build" || !r.Disable || len(r.Permissions) != 1 || len(r.Permissions[0].Access) != 2 {
		t.Errorf("robot %+v", r)
	}
	refused(as(t, made.Name, password).Repository.ListRepositories(ctx, &repository.ListRepositoriesParams{ProjectName: "factory"}))(t, 401)
	system := ok(c.Robot.CreateRobot(ctx, &robot.CreateRobotParams{Robot: &models.RobotCreate{Name: "all", Level: "system", Duration: -1,
		Permissions: []*models.RobotPermission{{Kind: "project", Namespace: "*", Access: may[0].Access}}}}))(t).Payload
	if page := ok(c.Robot.ListRobot(ctx, &robot.ListRobotParams{Sort: ptr("name")}))(t); page.XTotalCount != 1 || page.Payload[0].ID != system.ID {
		t.Errorf("robots of the system: %+v", page.Payload)
	}
	for _, id := range []int64{made.ID, system.ID} {
		ok(c.Robot.DeleteRobot(ctx, &robot.DeleteRobotParams{RobotID: id}))(t)
	}
	if all := ok(c.Permissions.GetPermissions(ctx, &permissions.GetPermissionsParams{}))(t).Payload; len(all.System) < 30 || len(all.Project) < 30 {
		t.Errorf("%d permissions of the system, %d of projects", len(all.System), len(all.Project))
	}
}

func TestGroups(t *testing.T) {
	c, ctx := admin(t), t.Context()
	id := idOf(t, ok(c.Usergroup.CreateUserGroup(ctx, &usergroup.CreateUserGroupParams{Usergroup: &models.UserGroup{GroupName: "ops", GroupType: 3}}))(t).Location)
	refused(c.Usergroup.CreateUserGroup(ctx, &usergroup.CreateUserGroupParams{Usergroup: &models.UserGroup{GroupName: "ops", GroupType: 3}}))(t, 409)
	ok(c.Usergroup.UpdateUserGroup(ctx, &usergroup.UpdateUserGroupParams{GroupID: id, Usergroup: &models.UserGroup{GroupName: "operators", GroupType: 3}}))(t)
	if g := ok(c.Usergroup.GetUserGroup(ctx, &usergroup.GetUserGroupParams{GroupID: id}))(t).Payload; g.GroupName != "operators" || g.GroupType != 3 {
		t.Errorf("group %+v", g)
	}
	if page := ok(c.Usergroup.ListUserGroups(ctx, &usergroup.ListUserGroupsParams{}))(t); page.XTotalCount != 1 {
		t.Errorf("groups %+v", page.Payload)
	}
	if found := ok(c.Usergroup.SearchUserGroups(ctx, &usergroup.SearchUserGroupsParams{Groupname: "oper"}))(t); len(found.Payload) != 1 {
		t.Errorf("found %+v", found.Payload)
	}
	ok(c.Usergroup.DeleteUserGroup(ctx, &usergroup.DeleteUserGroupParams{GroupID: id}))(t)
}
