import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";
import { useLingui } from "@lingui/react/macro";
import classes from "./Severity.module.css";

/** The ranks of findings, gravest first, as the API names them. */
export const severities = ["Critical", "High", "Medium", "Low", "Unknown"] as const;

export type Rank = (typeof severities)[number];

/** Each rank has a letter and a shape of its own: colour alone tells nothing to some. */
const marks: Record<Rank, { letter: string; word: MessageDescriptor; tone: string | undefined }> = {
  Critical: { letter: "C", word: msg`Critical`, tone: classes.critical },
  High: { letter: "H", word: msg`High`, tone: classes.high },
  Medium: { letter: "M", word: msg`Medium`, tone: classes.medium },
  Low: { letter: "L", word: msg`Low`, tone: classes.low },
  Unknown: { letter: "–", word: msg`Unknown`, tone: classes.unknown },
};

/** The rank that a word of the API stands for; what is none of them counts as unknown. */
export function rankOf(word: string | undefined): Rank {
  return severities.find((each) => each.toLowerCase() === (word ?? "").toLowerCase()) ?? "Unknown";
}

/** One finding's rank: sign and word. */
export function Severity({ of }: { of: string | undefined }) {
  const { i18n } = useLingui();
  const { letter, word, tone } = marks[rankOf(of)];
  return (
    <span className={classes.severity}>
      <span className={`${classes.mark} ${tone ?? ""}`} aria-hidden>
        {letter}
      </span>
      {i18n._(word)}
    </span>
  );
}

export type Counts = Partial<Record<Rank, number>>;

/** How many findings of each rank there are: signs with numbers, those that are none left out. */
export function SeverityCounts({ counts }: { counts: Counts }) {
  const { i18n, t } = useLingui();
  const found = severities.filter((rank) => (counts[rank] ?? 0) > 0);
  if (found.length === 0) return <span className={classes.none}>{t`none`}</span>;
  return (
    <ul className={classes.counts}>
      {found.map((rank) => {
        const { letter, word, tone } = marks[rank];
        return (
          <li key={rank} title={`${i18n._(word)}: ${counts[rank]}`}>
            <span className={`${classes.mark} ${tone ?? ""}`} aria-hidden>
              {letter}
            </span>
            <span className="visually-hidden">{i18n._(word)}: </span>
            {counts[rank]}
          </li>
        );
      })}
    </ul>
  );
}
