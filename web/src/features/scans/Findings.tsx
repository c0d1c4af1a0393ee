import { Trans } from "@lingui/react/macro";
import { type Counts, rankOf, SeverityCounts } from "../../ui/Severity";
import { isUnderWay, Status } from "../../ui/Status";
import { type Artifact, overviewOf } from "../artifacts/queries";

/** What the last scan of an artifact found, in a few signs; how far it is while there is nothing to show. */
export function Findings({ artifact }: { artifact: Artifact }) {
  const overview = overviewOf(artifact);
  if (!overview) {
    if (!artifact.addition_links?.vulnerabilities) return <>–</>;
    return <Trans>not scanned</Trans>;
  }
  const counts = (overview.counted_summary ?? overview.summary)?.summary;
  if (!counts || isUnderWay(overview.scan_status)) return <Status of={overview.scan_status} />;
  return <SeverityCounts counts={byRank(counts)} />;
}

/** Counts by the API's words as counts by rank: words that are no rank count as unknown. */
export function byRank(summary: Record<string, number>): Counts {
  const counts: Counts = {};
  for (const [word, number] of Object.entries(summary)) {
    const rank = rankOf(word);
    counts[rank] = (counts[rank] ?? 0) + number;
  }
  return counts;
}
