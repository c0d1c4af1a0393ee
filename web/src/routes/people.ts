import { createRoute } from "@tanstack/react-router";
import { laterPage } from "./later";
import { type ListSearch, listSearch, type Search, text } from "./search";
import { settings } from "./settings";

const general = createRoute({
  getParentRoute: () => settings,
  path: "general",
  component: laterPage("settings", () => import("../features/settings/GeneralPage"), "GeneralPage"),
});

const members = createRoute({
  getParentRoute: () => settings,
  path: "members",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage("settings", () => import("../features/members/MembersPage"), "MembersPage"),
});

interface RobotsSearch extends ListSearch {
  /** The robot that is being changed, by its number, or `new`. */
  edit?: string;
}

const robots = createRoute({
  getParentRoute: () => settings,
  path: "robots",
  validateSearch: (search: Search): RobotsSearch => ({
    ...listSearch(search),
    ...(text(search.edit) && { edit: text(search.edit) }),
  }),
  component: laterPage("settings", () => import("../features/robots/RobotsPage"), "RobotsPage"),
});

const labels = createRoute({
  getParentRoute: () => settings,
  path: "labels",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage("settings", () => import("../features/labels/LabelsPage"), "LabelsPage"),
});

const quota = createRoute({
  getParentRoute: () => settings,
  path: "quota",
  component: laterPage("settings", () => import("../features/quota/QuotaPage"), "QuotaPage"),
});

/** What the log is narrowed to. */
export interface LogSearch {
  page?: number;
  operation?: string;
  type?: string;
  /** A part of what was done something to. */
  resource?: string;
  user?: string;
  /** Days, as 2026-01-31, in UTC. */
  from?: string;
  to?: string;
}

const day = (value: unknown) => (/^\d{4}-\d{2}-\d{2}$/.test(text(value)) ? text(value) : "");

const logs = createRoute({
  getParentRoute: () => settings,
  path: "logs",
  validateSearch: (search: Search): LogSearch => {
    const { page } = listSearch(search);
    return {
      ...(page && { page }),
      ...(text(search.operation) && { operation: text(search.operation) }),
      ...(text(search.type) && { type: text(search.type) }),
      ...(text(search.resource) && { resource: text(search.resource) }),
      ...(text(search.user) && { user: text(search.user) }),
      ...(day(search.from) && { from: day(search.from) }),
      ...(day(search.to) && { to: day(search.to) }),
    };
  },
  component: laterPage("settings", () => import("../features/logs/LogsPage"), "LogsPage"),
});

/** Who and what a project is. */
export const peopleRoutes = [general, members, robots, labels, quota, logs] as const;
