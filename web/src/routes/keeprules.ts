import { createRoute } from "@tanstack/react-router";
import { admin } from "./admin";
import { laterPage } from "./later";
import { type Search, text } from "./search";
import { settings } from "./settings";

function positive(value: unknown): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

interface PageSearch {
  page?: number;
}

function pageOf(search: Search): PageSearch {
  const page = positive(search.page);
  return page > 1 ? { page } : {};
}

const retention = createRoute({
  getParentRoute: () => settings,
  path: "retention",
  validateSearch: pageOf,
  component: laterPage(
    "settings",
    () => import("../features/retention/RetentionPage"),
    "RetentionPage",
  ),
});

interface RunSearch extends PageSearch {
  /** The task that is open, 0 for none. */
  task?: number;
}

const run = createRoute({
  getParentRoute: () => settings,
  path: "retention/runs/$run",
  validateSearch: (search: Search): RunSearch => ({
    ...pageOf(search),
    ...(search.task !== undefined && { task: positive(search.task) }),
  }),
  component: laterPage("keeping", () => import("../features/retention/RunPage"), "RunPage"),
});

const tagRules = createRoute({
  getParentRoute: () => settings,
  path: "tag-rules",
  component: laterPage(
    "settings",
    () => import("../features/tagrules/TagRulesPage"),
    "TagRulesPage",
  ),
});

const proxy = createRoute({
  getParentRoute: () => settings,
  path: "proxy",
  component: laterPage("keeping", () => import("../features/proxy/ProxyPage"), "ProxyPage"),
});

const kinds = ["tag", "artifact", "repository"] as const;

interface TrashSearch {
  q?: string;
  kind?: (typeof kinds)[number];
  /** Only what this run of retention deleted. */
  run?: number;
}

const trash = createRoute({
  getParentRoute: () => settings,
  path: "trash",
  validateSearch: (search: Search): TrashSearch => {
    const kind = kinds.find((each) => each === search.kind);
    return {
      ...(text(search.q) && { q: text(search.q) }),
      ...(kind && { kind }),
      ...(positive(search.run) && { run: positive(search.run) }),
    };
  },
  component: laterPage("keeping", () => import("../features/trash/TrashPage"), "TrashPage"),
});

/** What stays of a project, what doesn't move, what it is a cache of, and what was deleted. */
export const keepRoutes = [retention, run, tagRules, proxy, trash] as const;

const defaultRetention = createRoute({
  getParentRoute: () => admin,
  path: "/retention",
  component: laterPage(
    "settings",
    () => import("../features/retention/DefaultPage"),
    "DefaultRetentionPage",
  ),
});

const allTrash = createRoute({
  getParentRoute: () => admin,
  path: "/trash",
  component: laterPage("keeping", () => import("../features/trash/AllTrashPage"), "AllTrashPage"),
});

/** The same for the whole registry. */
export const keepAdminRoutes = [defaultRetention, allTrash] as const;
