import { Trans, useLingui } from "@lingui/react/macro";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { CveList } from "./CveList";
import { useSystemAllowlist } from "./queries";
import classes from "./scanning.module.css";

/** The registry's list, to look at. */
export function SystemAllowlist() {
  const { t } = useLingui();
  const list = useSystemAllowlist();
  if (list.isPending) return <Loading rows={1} />;
  if (list.isError) {
    return (
      <Failed
        what={t`The registry's list can't be shown.`}
        error={list.error}
        retry={() => list.refetch()}
      />
    );
  }
  const items = (list.data.items ?? []).map((item) => item.cve_id ?? "");
  const until = list.data.expires_at;
  return (
    <div className={classes.box}>
      {items.length === 0 && (
        <p className={classes.dim}>
          <Trans>The registry's list is empty: every vulnerability counts.</Trans>
        </p>
      )}
      <CveList items={items} />
      {items.length > 0 && !!until && (
        <p className={classes.dim}>
          <Trans>
            It ends <When time={new Date(until * 1000).toISOString()} />.
          </Trans>
        </p>
      )}
    </div>
  );
}
