import { createRoute } from "@tanstack/react-router";
import { admin } from "./admin";
import { laterPage } from "./later";
import { type ListSearch, listSearch, type Search, text } from "./search";

interface UsersSearch extends ListSearch {
  /** Administrators only. */
  admins?: boolean;
}

const users = createRoute({
  getParentRoute: () => admin,
  path: "users",
  validateSearch: (search: Search): UsersSearch => ({
    ...listSearch(search),
    ...(search.admins === true && { admins: true }),
  }),
  component: laterPage(
    "identity",
    () => import("../features/identity/users/UsersPage"),
    "UsersPage",
  ),
});

const user = createRoute({
  getParentRoute: () => admin,
  path: "users/$user",
  component: laterPage("identity", () => import("../features/identity/users/UserPage"), "UserPage"),
});

const groups = createRoute({
  getParentRoute: () => admin,
  path: "groups",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "identity",
    () => import("../features/identity/groups/GroupsPage"),
    "GroupsPage",
  ),
});

export const signInParts = ["mode", "ldap", "oidc", "accounts"] as const;
export type SignInPart = (typeof signInParts)[number];

const signIn = createRoute({
  getParentRoute: () => admin,
  path: "sign-in",
  validateSearch: (search: Search): { part?: SignInPart } => {
    const part = signInParts.find((each) => each === search.part);
    return part && part !== "mode" ? { part } : {};
  },
  component: laterPage(
    "identity",
    () => import("../features/identity/signin/SignInSettings"),
    "SignInSettings",
  ),
});

const robots = createRoute({
  getParentRoute: () => admin,
  path: "robots",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "identity",
    () => import("../features/identity/robots/RobotsPage"),
    "RobotsPage",
  ),
});

const newRobot = createRoute({
  getParentRoute: () => admin,
  path: "robots/new",
  component: laterPage(
    "identity",
    () => import("../features/identity/robots/NewRobotPage"),
    "NewRobotPage",
  ),
});

const robot = createRoute({
  getParentRoute: () => admin,
  path: "robots/$robot",
  component: laterPage(
    "identity",
    () => import("../features/identity/robots/RobotPage"),
    "RobotPage",
  ),
});

interface PoliciesSearch extends ListSearch {
  /** The project whose policies are shown; without it, those of the registry. */
  project?: string;
}

const workloads = createRoute({
  getParentRoute: () => admin,
  path: "workloads",
  validateSearch: (search: Search): PoliciesSearch => ({
    ...listSearch(search),
    ...(text(search.project) && { project: text(search.project) }),
  }),
  component: laterPage(
    "identity",
    () => import("../features/identity/workloads/WorkloadsPage"),
    "WorkloadsPage",
  ),
});

const newWorkload = createRoute({
  getParentRoute: () => admin,
  path: "workloads/new",
  validateSearch: (search: Search): { project?: string } => ({
    ...(text(search.project) && { project: text(search.project) }),
  }),
  component: laterPage(
    "identity",
    () => import("../features/identity/workloads/NewPolicyPage"),
    "NewPolicyPage",
  ),
});

const workload = createRoute({
  getParentRoute: () => admin,
  path: "workloads/$policy",
  component: laterPage(
    "identity",
    () => import("../features/identity/workloads/PolicyPage"),
    "PolicyPage",
  ),
});

/** Who may come in: people, groups, programs, and the ways in. */
export const identityRoutes = [
  users,
  user,
  groups,
  signIn,
  robots,
  newRobot,
  robot,
  workloads,
  newWorkload,
  workload,
] as const;
