import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { projectQuery, projectsQuery } from "./features/projects/queries";
import { Broken } from "./frame/Broken";
import { NotFound } from "./frame/NotFound";
import { Shell } from "./frame/Shell";

interface Context {
  client: QueryClient;
}

type Search = Record<string, unknown>;

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function pageNumber(value: unknown): number {
  const page = Number(value);
  return Number.isSafeInteger(page) && page > 0 ? page : 1;
}

interface ListSearch {
  q?: string;
  page?: number;
}

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Broken,
});

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./features/home/HomePage"), "HomePage"),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: "/projects",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  loaderDeps: ({ search }) => ({ q: search.q ?? "", page: search.page ?? 1 }),
  loader: ({ context, deps }) => void context.client.prefetchQuery(projectsQuery(deps)),
  component: lazyRouteComponent(() => import("./features/projects/ProjectsPage"), "ProjectsPage"),
});

const project = createRoute({
  getParentRoute: () => root,
  path: "/p/$project",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  loader: ({ context, params }) => void context.client.prefetchQuery(projectQuery(params.project)),
  component: lazyRouteComponent(() => import("./features/projects/ProjectPage"), "ProjectPage"),
});

interface PlaceSearch extends ListSearch {
  /** The tag by which an artifact's page was reached. */
  tag?: string;
  untagged?: boolean;
}

const place = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/r/$",
  validateSearch: (search: Search): PlaceSearch => ({
    ...listSearch(search),
    ...(text(search.tag) && { tag: text(search.tag) }),
    ...(search.untagged === true && { untagged: true }),
  }),
  component: lazyRouteComponent(() => import("./features/artifacts/PlacePage"), "PlacePage"),
});

const me = createRoute({
  getParentRoute: () => root,
  path: "/me",
  component: lazyRouteComponent(() => import("./features/account/AccountPage"), "AccountPage"),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/account/sign-in",
  validateSearch: (search: Search): { reason?: string } => ({
    ...(text(search.reason) && { reason: text(search.reason) }),
  }),
  component: lazyRouteComponent(() => import("./features/session/SignInPage"), "SignInPage"),
});

const onboard = createRoute({
  getParentRoute: () => root,
  path: "/oidc-onboard",
  validateSearch: (search: Search): { username?: string; redirect_url?: string } => ({
    ...(text(search.username) && { username: text(search.username) }),
    ...(text(search.redirect_url) && { redirect_url: text(search.redirect_url) }),
  }),
  component: lazyRouteComponent(() => import("./features/session/OnboardPage"), "OnboardPage"),
});

/** Filter and page of a listing; what is at its default stays out of the address. */
function listSearch(search: Search): ListSearch {
  const page = pageNumber(search.page);
  return { ...(text(search.q) && { q: text(search.q) }), ...(page > 1 && { page }) };
}

export function createPortalRouter(client: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([home, projects, project, place, me, signIn, onboard]),
    context: { client },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createPortalRouter>;
  }
}
