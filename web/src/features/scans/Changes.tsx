import { useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { Failed } from "../../ui/states";
import { When } from "../../ui/When";
import type { PlaceProps } from "../artifacts/place";
import { useChanges } from "./queries";
import { ShortFindings } from "./ShortFindings";
import classes from "./scans.module.css";

/** What newer editions of the vulnerability database changed. Nothing where they changed nothing. */
export function Changes({ project, repository, digest }: PlaceProps & { digest: string }) {
  const { t } = useLingui();
  const changes = useChanges({ project, repository }, digest);
  const words = { new: t`new`, gone: t`gone`, altered: t`altered` };
  if (changes.isError) {
    return (
      <Section title={t`Since the first scan`}>
        <Failed what={t`The changes can't be shown.`} error={changes.error} />
      </Section>
    );
  }
  if (!changes.data || changes.data.length === 0) return null;
  return (
    <Section title={t`Since the first scan`}>
      <ShortFindings
        findings={changes.data.map((each) => ({
          id: each.cve_id ?? "",
          package: each.package ?? "",
          version: each.version ?? "",
          fix: each.fixed_version ?? "",
          severity: each.severity ?? "",
          before: (
            <span className={classes.kind}>
              {words[each.kind ?? "altered"]} <When time={each.database_updated_at} />
            </span>
          ),
        }))}
      />
    </Section>
  );
}
