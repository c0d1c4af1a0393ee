import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { root } from "./root";

/** What administrators of the registry do; each of its pages is a child of this. */
export const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  component: lazyRouteComponent(() => import("../features/admin/AdminPage"), "AdminPage"),
});

const overview = createRoute({
  getParentRoute: () => admin,
  path: "/",
  component: lazyRouteComponent(() => import("../features/admin/AdminStart"), "AdminStart"),
});

export const adminRoutes = [overview] as const;
