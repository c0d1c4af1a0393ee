import { useLingui } from "@lingui/react/macro";
import { CloseButton } from "@mantine/core";
import classes from "./scanning.module.css";

/** Names of vulnerabilities, each with a way to take it off where that is possible. */
export function CveList({ items, onRemove }: { items: string[]; onRemove?: (id: string) => void }) {
  const { t } = useLingui();
  if (items.length === 0) return null;
  return (
    <ul className={classes.cves} aria-label={t`Vulnerabilities`}>
      {items.map((id) => (
        <li key={id}>
          {id}
          {onRemove && (
            <CloseButton size="xs" aria-label={t`Remove ${id}`} onClick={() => onRemove(id)} />
          )}
        </li>
      ))}
    </ul>
  );
}
