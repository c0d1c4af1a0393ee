import { NativeSelect } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Filters.module.css";

/** Fields beside each other that say which rows a listing shows. */
export function Filters({ children }: { children: ReactNode }) {
  return <div className={classes.filters}>{children}</div>;
}

interface ChoiceProps {
  label: string;
  /** What is shown where nothing is chosen. */
  all: string;
  value: string;
  choices: { value: string; label: string }[];
  onChoose: (value: string) => void;
}

/** One of a few values by which a listing is filtered, or all. */
export function Choice({ label, all, value, choices, onChoose }: ChoiceProps) {
  return (
    <NativeSelect
      aria-label={label}
      data={[{ value: "", label: all }, ...choices]}
      value={value}
      onChange={(event) => onChoose(event.currentTarget.value)}
    />
  );
}
