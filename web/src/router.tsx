import type { QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { admin, adminRoutes } from "./routes/admin";
import { operationRoutes } from "./routes/operations";
import { projectRoutes } from "./routes/projects";
import { root } from "./routes/root";
import { settings, settingsRoutes } from "./routes/settings";
import { startRoutes } from "./routes/start";

const tree = root.addChildren([
  ...startRoutes,
  ...projectRoutes,
  ...operationRoutes,
  settings.addChildren([...settingsRoutes]),
  admin.addChildren([...adminRoutes]),
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
