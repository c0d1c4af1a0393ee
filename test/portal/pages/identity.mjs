// What the journeys of identity leave: users, a group, a robot, a policy.
export const pages = {
  "identity-users": "/admin/users",
  "identity-user": "/admin/users/1",
  "identity-groups": "/admin/groups",
  "identity-sign-in": "/admin/sign-in",
  "identity-sign-in-ldap": "/admin/sign-in?part=ldap",
  "identity-sign-in-oidc": "/admin/sign-in?part=oidc",
  "identity-sign-in-accounts": "/admin/sign-in?part=accounts",
  "identity-robots": "/admin/robots",
  "identity-robots-new": "/admin/robots/new",
  "identity-workloads": "/admin/workloads",
  "identity-workloads-new": "/admin/workloads/new",
};
