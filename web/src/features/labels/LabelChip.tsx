import classes from "./LabelChip.module.css";

interface Props {
  name: string;
  color?: string | undefined;
}

/** A label: its name in the page's own ink, which is readable with any colour, beside a spot of its colour. */
export function LabelChip({ name, color }: Props) {
  return (
    <span className={classes.chip}>
      <svg width={12} height={12} viewBox="0 0 12 12" aria-hidden>
        <circle cx={6} cy={6} r={5.25} fill={color || "none"} className={classes.spot} />
      </svg>
      {name}
    </span>
  );
}
