import classes from "./LabelChip.module.css";

interface Props {
  label: { name?: string; color?: string; description?: string };
}

/** A label: its colour as a dot, so that its name is as readable as everything else. */
export function LabelChip({ label }: Props) {
  return (
    <span className={classes.chip} title={label.description || undefined}>
      <span className={classes.dot} style={{ backgroundColor: label.color || undefined }} />
      {label.name}
    </span>
  );
}
