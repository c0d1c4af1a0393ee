import { createRoute } from "@tanstack/react-router";
import { laterPage } from "./later";
import { type ListSearch, listSearch, type Search, text } from "./search";
import { settings } from "./settings";

/** The row of a listing that is open, by its id. */
function opened(search: Search): { open?: number } {
  const open = Number(search.open);
  return Number.isSafeInteger(open) && open > 0 ? { open } : {};
}

const scanning = createRoute({
  getParentRoute: () => settings,
  path: "scanning",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "settings",
    () => import("../features/scanning-rules/ScanningPage"),
    "ScanningPage",
  ),
});

const trust = createRoute({
  getParentRoute: () => settings,
  path: "trust",
  component: laterPage("scanning", () => import("../features/trust/TrustPage"), "TrustPage"),
});

const webhooks = createRoute({
  getParentRoute: () => settings,
  path: "webhooks",
  component: laterPage(
    "settings",
    () => import("../features/webhooks/WebhooksPage"),
    "WebhooksPage",
  ),
});

const newWebhook = createRoute({
  getParentRoute: () => settings,
  path: "webhooks/new",
  component: laterPage("scanning", () => import("../features/webhooks/NewWebhook"), "NewWebhook"),
});

interface DeliverySearch extends ListSearch {
  /** Which deliveries are shown, as the API calls their status. */
  status?: string;
  /** The delivery that is open. */
  open?: number;
}

const webhook = createRoute({
  getParentRoute: () => settings,
  path: "webhooks/$webhook",
  validateSearch: (search: Search): DeliverySearch => ({
    ...listSearch(search),
    ...(text(search.status) && { status: text(search.status) }),
    ...opened(search),
  }),
  component: laterPage("scanning", () => import("../features/webhooks/WebhookPage"), "WebhookPage"),
});

const preheat = createRoute({
  getParentRoute: () => settings,
  path: "preheat",
  component: laterPage("scanning", () => import("../features/preheat/PreheatPage"), "PreheatPage"),
});

const newPreheat = createRoute({
  getParentRoute: () => settings,
  path: "preheat/new",
  component: laterPage("scanning", () => import("../features/preheat/NewPreheat"), "NewPreheat"),
});

interface ExecutionSearch extends ListSearch {
  /** The execution that is open. */
  open?: number;
}

const preheatPolicy = createRoute({
  getParentRoute: () => settings,
  path: "preheat/policy/$policy",
  validateSearch: (search: Search): ExecutionSearch => ({
    ...listSearch(search),
    ...opened(search),
  }),
  component: laterPage(
    "settings",
    () => import("../features/preheat/PreheatPolicyPage"),
    "PreheatPolicyPage",
  ),
});

/** The pages of a project's settings about scans, signatures, and who is told what happens. */
export const scanRulesRoutes = [
  scanning,
  trust,
  webhooks,
  newWebhook,
  webhook,
  preheat,
  newPreheat,
  preheatPolicy,
] as const;
