import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext } from "@tanstack/react-router";
import { Broken } from "../frame/Broken";
import { NotFound } from "../frame/NotFound";
import { Shell } from "../frame/Shell";

interface Context {
  client: QueryClient;
}

/** Above every page: the frame, and what is shown where no page is or one breaks. */
export const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Broken,
});
