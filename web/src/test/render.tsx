import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { PreferencesProvider } from "../features/preferences/preferences";
import { i18n } from "../i18n";
import { createPortalRouter } from "../router";
import { theme } from "../theme/theme";
import { NoticesProvider } from "../ui/Notices";

/** What the server answers to `METHOD path` (query included), by hand. */
export type Answers = Record<string, () => Response>;

export function json(body: unknown, init?: ResponseInit): Response {
  return new Response(JSON.stringify(body), init);
}

/** An error answer in the API's form. */
export function refusal(status: number, code: string, message: string): Response {
  return json(
    { errors: [{ code, message }] },
    { status, headers: { "X-Request-Id": "request-17" } },
  );
}

/** Stands in for the network. Returns what was asked, in order; what has no answer fails. */
export function serve(answers: Answers): Request[] {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push(request);
    const url = new URL(request.url);
    const answer =
      answers[`${request.method} ${url.pathname}${url.search}`] ??
      answers[`${request.method} ${url.pathname}`];
    if (!answer) throw new TypeError(`no answer for ${request.method} ${request.url}`);
    return answer();
  });
  return asked;
}

/** The whole portal at an address. */
export function renderPortal(address: string) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createPortalRouter(client);
  router.update({
    ...router.options,
    history: createMemoryHistory({ initialEntries: [address] }),
  });
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider theme={theme} env="test">
        <PreferencesProvider>
          <QueryClientProvider client={client}>
            <NoticesProvider>
              <RouterProvider router={router} />
            </NoticesProvider>
          </QueryClientProvider>
        </PreferencesProvider>
      </MantineProvider>
    </I18nProvider>,
  );
  return router;
}
