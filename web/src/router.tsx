import type { QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { admin, adminRoutes } from "./routes/admin";
import { keepAdminRoutes, keepRoutes } from "./routes/keeprules";
import { projectRoutes } from "./routes/projects";
import { root } from "./routes/root";
import { settings, settingsRoutes } from "./routes/settings";
import { startRoutes } from "./routes/start";

const tree = root.addChildren([
  ...startRoutes,
  ...projectRoutes,
  settings.addChildren([...settingsRoutes, ...keepRoutes]),
  admin.addChildren([...adminRoutes, ...keepAdminRoutes]),
]);

export function createPortalRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
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
