import { createRoute } from "@tanstack/react-router";
import { laterPage } from "./later";
import { root } from "./root";

/** What administrators of the registry do; each of its pages is a child of this. */
export const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  component: laterPage("system", () => import("../features/admin/AdminPage"), "AdminPage"),
});

const overview = createRoute({
  getParentRoute: () => admin,
  path: "/",
  component: laterPage("system", () => import("../features/admin/AdminStart"), "AdminStart"),
});

export const adminRoutes = [overview] as const;
