import { createRoute } from "@tanstack/react-router";
import { laterPage } from "./later";
import { root } from "./root";
import { type ListSearch, listSearch, type Search, text } from "./search";

/** One of a few words, or nothing. */
function oneOf<T extends string>(words: readonly T[], value: unknown): T | undefined {
  return words.find((word) => word === value);
}

/** The parameters of these names that are texts; empty ones stay out of the address. */
function texts<T extends string>(search: Search, names: readonly T[]): { [name in T]?: string } {
  const kept: { [name in T]?: string } = {};
  for (const name of names) {
    const value = text(search[name]);
    if (value) kept[name] = value;
  }
  return kept;
}

const pageOnly = (search: Search): Pick<ListSearch, "page"> => {
  const { page } = listSearch(search);
  return page ? { page } : {};
};

interface JobsSearch extends Pick<ListSearch, "page"> {
  tab?: "queues" | "schedules";
  kind?: string;
  status?: string;
}

const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: (search: Search): JobsSearch => {
    const tab = oneOf(["queues", "schedules"] as const, search.tab);
    return { ...(tab && { tab }), ...texts(search, ["kind", "status"]), ...pageOnly(search) };
  },
  component: laterPage("operations", () => import("../features/jobs/JobsPage"), "JobsPage"),
});

interface TasksSearch extends Pick<ListSearch, "page"> {
  status?: string;
}

const tasksSearch = (search: Search): TasksSearch => ({
  ...texts(search, ["status"]),
  ...pageOnly(search),
});

const execution = createRoute({
  getParentRoute: () => root,
  path: "/jobs/$execution",
  validateSearch: tasksSearch,
  component: laterPage(
    "operations",
    () => import("../features/jobs/ExecutionPage"),
    "ExecutionPage",
  ),
});

const task = createRoute({
  getParentRoute: () => root,
  path: "/jobs/tasks/$task",
  component: laterPage("operations", () => import("../features/jobs/TaskPage"), "TaskPage"),
});

const replication = createRoute({
  getParentRoute: () => root,
  path: "/replication",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "operations",
    () => import("../features/replication/ReplicationPage"),
    "ReplicationPage",
  ),
});

const newPolicy = createRoute({
  getParentRoute: () => root,
  path: "/replication/new",
  component: laterPage(
    "operations",
    () => import("../features/replication/NewPolicyPage"),
    "NewPolicyPage",
  ),
});

interface PolicySearch extends TasksSearch {
  tab?: "preview";
}

const policy = createRoute({
  getParentRoute: () => root,
  path: "/replication/$policy",
  validateSearch: (search: Search): PolicySearch => {
    const tab = oneOf(["preview"] as const, search.tab);
    return { ...(tab && { tab }), ...tasksSearch(search) };
  },
  component: laterPage(
    "operations",
    () => import("../features/replication/PolicyPage"),
    "PolicyPage",
  ),
});

const editPolicy = createRoute({
  getParentRoute: () => root,
  path: "/replication/$policy/edit",
  component: laterPage(
    "operations",
    () => import("../features/replication/EditPolicyPage"),
    "EditPolicyPage",
  ),
});

const run = createRoute({
  getParentRoute: () => root,
  path: "/replication/$policy/runs/$run",
  validateSearch: tasksSearch,
  component: laterPage("operations", () => import("../features/replication/RunPage"), "RunPage"),
});

const auditFields = [
  "user",
  "operation",
  "type",
  "resource",
  "result",
  "from",
  "to",
  "row",
] as const;

export interface AuditSearch
  extends Pick<ListSearch, "page">,
    Partial<Record<(typeof auditFields)[number], string>> {}

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (search: Search): AuditSearch => ({
    ...texts(search, auditFields),
    ...pageOnly(search),
  }),
  component: laterPage("operations", () => import("../features/audit/AuditPage"), "AuditPage"),
});

const findingFields = ["cve", "package", "repository", "severity", "score", "fix", "tag"] as const;

export interface SecuritySearch
  extends Pick<ListSearch, "page">,
    Partial<Record<(typeof findingFields)[number], string>> {
  tab?: "findings" | "exports";
}

const security = createRoute({
  getParentRoute: () => root,
  path: "/security",
  validateSearch: (search: Search): SecuritySearch => {
    const tab = oneOf(["findings", "exports"] as const, search.tab);
    return { ...(tab && { tab }), ...texts(search, findingFields), ...pageOnly(search) };
  },
  component: laterPage(
    "operations",
    () => import("../features/security/SecurityPage"),
    "SecurityPage",
  ),
});

const cve = createRoute({
  getParentRoute: () => root,
  path: "/security/cve/$cve",
  validateSearch: pageOnly,
  component: laterPage("operations", () => import("../features/security/CvePage"), "CvePage"),
});

/** What runs, what failed, who did it, what is worst. */
export const operationRoutes = [
  security,
  cve,
  replication,
  newPolicy,
  policy,
  editPolicy,
  run,
  jobs,
  execution,
  task,
  audit,
] as const;
