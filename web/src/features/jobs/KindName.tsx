import { useLingui } from "@lingui/react/macro";
import { kinds } from "./kinds";

/** What a kind of work is called. */
export function useKindName(): (kind: string | undefined) => string {
  const { i18n } = useLingui();
  return (kind = "") => {
    const words = kinds[kind];
    return words ? i18n._(words) : kind;
  };
}

export function KindName({ kind }: { kind: string | undefined }) {
  return <span title={kind}>{useKindName()(kind)}</span>;
}
