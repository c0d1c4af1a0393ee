import { msg } from "@lingui/core/macro";
import type { AdminLink } from "./groups";

/** Pages about what the registry does and has, in the order in which they are shown. */
export const systemLinks: AdminLink[] = [
  { title: msg`Default retention`, to: "/admin/retention" },
  { title: msg`Trash`, to: "/admin/trash" },
];
