import { Trans } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { plain } from "../../ui/plain";
import { Severity } from "../../ui/Severity";
import classes from "./scans.module.css";

export interface ShortFinding {
  id: string;
  package: string;
  version: string;
  fix: string;
  severity: string;
  before?: ReactNode;
}

const most = 20;

/** Findings in a line each; the first ones until somebody wants all. */
export function ShortFindings({ findings }: { findings: ShortFinding[] }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <ul className={classes.short}>
        {findings.slice(0, all ? undefined : most).map((each, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same finding may come and go
          <li key={index}>
            {each.before}
            <Severity of={each.severity} />
            <strong>{plain(each.id)}</strong>
            <span>
              {plain(each.package)} {plain(each.version)}
            </span>
            {each.fix && (
              <span className={classes.dim}>
                <Trans>Fixed in {plain(each.fix)}</Trans>
              </span>
            )}
          </li>
        ))}
      </ul>
      {!all && findings.length > most && (
        <Button size="xs" variant="default" onClick={() => setAll(true)}>
          <Trans>Show all {findings.length} findings</Trans>
        </Button>
      )}
    </>
  );
}
