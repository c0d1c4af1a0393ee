import "./theme/mantine";
import "./theme/tokens.css";
import "./ui/base.css";
import { I18nProvider } from "@lingui/react";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asProblem } from "./api/problem";
import { underwayKey } from "./features/jobs/underway";
import { firstLanguage, PreferencesProvider } from "./features/preferences/preferences";
import { sessionQuery } from "./features/session/queries";
import { activate, i18n } from "./i18n";
import { createPortalRouter } from "./router";
import { theme } from "./theme/theme";
import { NoticesProvider } from "./ui/Notices";

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // A session that ended on the server ends here too.
    onError: (error) => {
      if (asProblem(error).status === 401) client.invalidateQueries(sessionQuery);
    },
  }),
  // Whatever somebody does may have begun work. Who signs out is gone by then.
  mutationCache: new MutationCache({
    onSuccess: () => {
      setTimeout(() => client.invalidateQueries({ queryKey: underwayKey }), 500);
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => {
        const { status } = asProblem(error);
        return count < 1 && (status === 0 || status >= 502);
      },
    },
  },
});
const router = createPortalRouter(client);
const scheme = localStorageColorSchemeManager({ key: "haven.scheme" });

void client.prefetchQuery(sessionQuery);
await activate(firstLanguage());

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <I18nProvider i18n={i18n}>
      <MantineProvider
        theme={theme}
        colorSchemeManager={scheme}
        defaultColorScheme="auto"
        withCssVariables={false}
        withGlobalClasses={false}
      >
        <PreferencesProvider>
          <QueryClientProvider client={client}>
            <NoticesProvider>
              <RouterProvider router={router} />
            </NoticesProvider>
          </QueryClientProvider>
        </PreferencesProvider>
      </MantineProvider>
    </I18nProvider>
  </StrictMode>,
);
