import { lazyRouteComponent } from "@tanstack/react-router";
import { loadPart, type Part } from "../i18n";

/** A page that comes with the texts of its part, when it is first wanted. */
export function laterPage<T extends Record<string, unknown>, K extends keyof T = keyof T>(
  part: Part,
  page: () => Promise<T>,
  name: K,
) {
  return lazyRouteComponent(async () => {
    const [module] = await Promise.all([page(), loadPart(part)]);
    return module;
  }, name as string);
}
