import { useLingui } from "@lingui/react/macro";
import type { Registry } from "./queries";

/** What a registry of a policy is called; the one without a number is this one. */
export function useRegistryName(): (registry: Registry | null | undefined) => string {
  const { t } = useLingui();
  return (registry) => (registry?.id ? (registry.name ?? String(registry.id)) : t`This registry`);
}
