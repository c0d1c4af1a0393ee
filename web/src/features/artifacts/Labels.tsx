import classes from "./artifacts.module.css";
import type { Label } from "./queries";

/** Labels by name; their colour is a stripe, as the name has to be read on it. */
export function Labels({ labels }: { labels: Label[] | null | undefined }) {
  if (!labels || labels.length === 0) return <>–</>;
  return (
    <ul className={classes.labels}>
      {labels.map((label) => (
        <li key={label.id} title={label.description || undefined}>
          <span
            className={classes.swatch}
            style={{ backgroundColor: safeColour(label.color) }}
            aria-hidden
          />
          {label.name}
        </li>
      ))}
    </ul>
  );
}

/** Only what is a colour: it comes from people. */
function safeColour(text: string | undefined): string | undefined {
  return text && /^#[0-9a-f]{3,8}$/i.test(text) ? text : undefined;
}
