import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { projectQuery, projectsQuery, type Which } from "../features/projects/queries";
import { root } from "./root";
import { type ListSearch, listSearch, type Search, text } from "./search";

interface ProjectsSearch extends ListSearch {
  /** Only the public ones, the private ones, or those in which the caller has a role. */
  show?: Which;
}

function whichOf(value: unknown): Which | undefined {
  return value === "public" || value === "private" || value === "mine" ? value : undefined;
}

const projects = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  validateSearch: (search: Search): ProjectsSearch => {
    const show = whichOf(search.show);
    return { ...listSearch(search), ...(show && { show }) };
  },
  loaderDeps: ({ search }) => ({
    q: search.q ?? "",
    page: search.page ?? 1,
    sort: search.sort ?? "name",
    which: search.show,
  }),
  loader: ({ context, deps }) => void context.client.prefetchQuery(projectsQuery(deps)),
  component: lazyRouteComponent(() => import("../features/projects/ProjectsPage"), "ProjectsPage"),
});

interface ProjectSearch extends ListSearch {
  /** Repositories in a list, or by the parts of their names. */
  view?: "tree";
}

const project = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  validateSearch: (search: Search): ProjectSearch => ({
    ...listSearch(search),
    ...(search.view === "tree" && { view: "tree" }),
  }),
  loader: ({ context, params }) => void context.client.prefetchQuery(projectQuery(params.project)),
  component: lazyRouteComponent(() => import("../features/projects/ProjectPage"), "ProjectPage"),
});

interface PlaceSearch extends ListSearch {
  /** The tag by which an artifact's page was reached. */
  tag?: string;
  untagged?: boolean;
  /** Which part of an artifact is shown. */
  tab?: string;
  /** Ranks of findings, with commas between. */
  severity?: string;
  fixable?: boolean;
  /** A tag with which findings are compared. */
  against?: string;
}

const place = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/r/$",
  validateSearch: (search: Search): PlaceSearch => ({
    ...listSearch(search),
    ...(text(search.tag) && { tag: text(search.tag) }),
    ...(search.untagged === true && { untagged: true }),
    ...(text(search.tab) && { tab: text(search.tab) }),
    ...(text(search.severity) && { severity: text(search.severity) }),
    ...(search.fixable === true && { fixable: true }),
    ...(text(search.against) && { against: text(search.against) }),
  }),
  component: lazyRouteComponent(() => import("../features/artifacts/PlacePage"), "PlacePage"),
});

/** Projects, their repositories, and what is in those. */
export const projectRoutes = [projects, project, place] as const;
