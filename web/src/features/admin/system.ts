import { msg } from "@lingui/core/macro";
import type { AdminLink } from "./groups";

/** Pages about what the registry does and has, in the order in which they are shown. */
export const systemLinks: AdminLink[] = [
  { title: msg`Registries`, to: "/admin/registries" },
  { title: msg`Scanners`, to: "/admin/scanners" },
  { title: msg`Vulnerability data`, to: "/admin/vulnerability-data" },
  { title: msg`Storage and space`, to: "/admin/storage" },
  { title: msg`Configuration`, to: "/admin/configuration" },
  { title: msg`Quotas`, to: "/admin/quotas" },
  { title: msg`Labels`, to: "/admin/labels" },
  { title: msg`Preheat`, to: "/admin/preheat" },
  { title: msg`Trust`, to: "/admin/trust" },
  { title: msg`Health`, to: "/admin/health" },
  { title: msg`Default retention`, to: "/admin/retention" },
  { title: msg`Trash`, to: "/admin/trash" },
];
