import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import classes from "./Pager.module.css";
import { useNumber } from "./useNumber";

interface Props {
  page: number;
  size: number;
  total: number;
  onPage: (page: number) => void;
}

/** Which part of a listing is shown, and the way to the others. Silent when all is shown. */
export function Pager({ page, size, total: all, onPage }: Props) {
  const { t } = useLingui();
  const number = useNumber();
  if (all <= size) return null;
  const first = number((page - 1) * size + 1);
  const last = number(Math.min(page * size, all));
  const total = number(all);
  return (
    <nav className={classes.pager} aria-label={t`Pages`}>
      <span>
        <Trans>
          {first} to {last} of {total}
        </Trans>
      </span>
      <Button variant="default" size="xs" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        <Trans>Previous</Trans>
      </Button>
      <Button
        variant="default"
        size="xs"
        disabled={page * size >= all}
        onClick={() => onPage(page + 1)}
      >
        <Trans>Next</Trans>
      </Button>
    </nav>
  );
}
