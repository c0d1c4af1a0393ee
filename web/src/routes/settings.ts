import { createRoute } from "@tanstack/react-router";
import { laterPage } from "./later";
import { root } from "./root";

/** The settings of a project; each of their pages is a child of this. */
export const settings = createRoute({
  getParentRoute: () => root,
  path: "/p/$project/settings",
  component: laterPage(
    "settings",
    () => import("../features/settings/SettingsPage"),
    "SettingsPage",
  ),
});

const overview = createRoute({
  getParentRoute: () => settings,
  path: "/",
  component: laterPage(
    "settings",
    () => import("../features/settings/SettingsStart"),
    "SettingsStart",
  ),
});

export const settingsRoutes = [overview] as const;
