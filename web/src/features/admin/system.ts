import type { AdminLink } from "./groups";

/** Pages about what the registry does and has, in the order in which they are shown. */
export const systemLinks: AdminLink[] = [];
