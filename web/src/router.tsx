import type { QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { admin, adminRoutes } from "./routes/admin";
import { identityRoutes } from "./routes/identity";
import { keepAdminRoutes, keepRoutes } from "./routes/keeprules";
import { operationRoutes } from "./routes/operations";
import { peopleRoutes } from "./routes/people";
import { projectRoutes } from "./routes/projects";
import { root } from "./routes/root";
import { scanRulesRoutes } from "./routes/scanrules";
import { settings, settingsRoutes } from "./routes/settings";
import { startRoutes } from "./routes/start";
import { aboutRoutes, systemRoutes } from "./routes/system";

const tree = root.addChildren([
  ...startRoutes,
  ...projectRoutes,
  ...operationRoutes,
  settings.addChildren([...settingsRoutes, ...peopleRoutes, ...scanRulesRoutes, ...keepRoutes]),
  admin.addChildren([...adminRoutes, ...identityRoutes, ...systemRoutes, ...keepAdminRoutes]),
  ...aboutRoutes,
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
