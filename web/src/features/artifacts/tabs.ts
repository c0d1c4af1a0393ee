import { useLingui } from "@lingui/react/macro";
import type { Artifact } from "./queries";

export type Tab =
  | "overview"
  | "layers"
  | "vulnerabilities"
  | "packages"
  | "signatures"
  | "files"
  | "history";

/** The views of an artifact that have something to show. */
export function tabsOf(artifact: Artifact): Tab[] {
  const index = (artifact.references?.length ?? 0) > 0;
  const image = !!artifact.addition_links?.vulnerabilities;
  return [
    "overview",
    ...(index ? [] : (["layers"] as const)),
    ...(image ? (["vulnerabilities"] as const) : []),
    ...(image && !index ? (["packages"] as const) : []),
    "signatures",
    ...(artifact.addition_links?.["values.yaml"] ? (["files"] as const) : []),
    "history",
  ];
}

export function useTabTitles(): Record<Tab, string> {
  const { t } = useLingui();
  return {
    overview: t`Overview`,
    layers: t`Layers`,
    vulnerabilities: t`Vulnerabilities`,
    packages: t`Packages`,
    signatures: t`Signatures`,
    files: t`Values and README`,
    history: t`Tag history`,
  };
}
