import { msg } from "@lingui/core/macro";
import type { AdminLink } from "./groups";

/** Pages about who may come in, in the order in which they are shown. */
export const identityLinks: AdminLink[] = [
  { title: msg`Users`, to: "/admin/users" },
  { title: msg`Groups`, to: "/admin/groups" },
  { title: msg`Sign-in`, to: "/admin/sign-in" },
  { title: msg`Robots`, to: "/admin/robots" },
  { title: msg`Workload identity`, to: "/admin/workloads" },
];
