import { createRoute } from "@tanstack/react-router";
import { admin } from "./admin";
import { laterPage } from "./later";
import { root } from "./root";
import { type ListSearch, listSearch, type Search } from "./search";

const registries = createRoute({
  getParentRoute: () => admin,
  path: "registries",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "system",
    () => import("../features/system/registries/RegistriesPage"),
    "RegistriesPage",
  ),
});

const scanners = createRoute({
  getParentRoute: () => admin,
  path: "scanners",
  component: laterPage(
    "system",
    () => import("../features/system/scanners/ScannersPage"),
    "ScannersPage",
  ),
});

const vulnerabilityData = createRoute({
  getParentRoute: () => admin,
  path: "vulnerability-data",
  component: laterPage(
    "system",
    () => import("../features/system/vulndb/VulnerabilityDataPage"),
    "VulnerabilityDataPage",
  ),
});

const storage = createRoute({
  getParentRoute: () => admin,
  path: "storage",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "system",
    () => import("../features/system/storage/StoragePage"),
    "StoragePage",
  ),
});

const configuration = createRoute({
  getParentRoute: () => admin,
  path: "configuration",
  component: laterPage(
    "system",
    () => import("../features/system/configuration/ConfigurationPage"),
    "ConfigurationPage",
  ),
});

const quotas = createRoute({
  getParentRoute: () => admin,
  path: "quotas",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "system",
    () => import("../features/system/quotas/QuotasPage"),
    "QuotasPage",
  ),
});

const labels = createRoute({
  getParentRoute: () => admin,
  path: "labels",
  validateSearch: (search: Search): ListSearch => listSearch(search),
  component: laterPage(
    "system",
    () => import("../features/labels/SystemLabelsPage"),
    "SystemLabelsPage",
  ),
});

const preheat = createRoute({
  getParentRoute: () => admin,
  path: "preheat",
  component: laterPage(
    "system",
    () => import("../features/system/preheat/PreheatPage"),
    "PreheatPage",
  ),
});

const trust = createRoute({
  getParentRoute: () => admin,
  path: "trust",
  component: laterPage("system", () => import("../features/system/trust/TrustPage"), "TrustPage"),
});

const health = createRoute({
  getParentRoute: () => admin,
  path: "health",
  component: laterPage(
    "system",
    () => import("../features/system/health/HealthPage"),
    "HealthPage",
  ),
});

const about = createRoute({
  getParentRoute: () => root,
  path: "/about",
  component: laterPage("system", () => import("../features/system/health/AboutPage"), "AboutPage"),
});

/** What the registry does and has, for its administrators. */
export const systemRoutes = [
  registries,
  scanners,
  vulnerabilityData,
  storage,
  configuration,
  quotas,
  labels,
  preheat,
  trust,
  health,
] as const;

/** What program this is, for everybody. */
export const aboutRoutes = [about] as const;
