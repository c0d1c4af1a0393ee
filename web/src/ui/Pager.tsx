import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import classes from "./Pager.module.css";

interface Props {
  page: number;
  size: number;
  total: number;
  onPage: (page: number) => void;
}

/** Which part of a listing is shown, and the way to the others. Silent when all is shown. */
export function Pager({ page, size, total, onPage }: Props) {
  const { t } = useLingui();
  if (total <= size) return null;
  const first = (page - 1) * size + 1;
  const last = Math.min(page * size, total);
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
      <Button variant="default" size="xs" disabled={last >= total} onClick={() => onPage(page + 1)}>
        <Trans>Next</Trans>
      </Button>
    </nav>
  );
}
