import type { AdminLink } from "./groups";

/** Pages about who may come in, in the order in which they are shown. */
export const identityLinks: AdminLink[] = [];
