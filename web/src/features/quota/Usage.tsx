import { Trans, useLingui } from "@lingui/react/macro";
import { Bytes } from "../../ui/Bytes";
import classes from "./quota.module.css";

interface Props {
  used: number;
  /** -1 for none. */
  limit: number;
}

/** How much of a limit is used, as a bar and in words. */
export function Usage({ used, limit }: Props) {
  const { t } = useLingui();
  const share = limit > 0 ? Math.min(used / limit, 1) : 0;
  const level = share >= 0.95 ? "full" : share >= 0.8 ? "much" : "some";
  const percent = Math.round(share * 100);
  return (
    <div className={classes.usage}>
      <span className={classes.figures}>
        {limit < 0 ? (
          <span>
            <Bytes value={used} /> <Trans>without a limit</Trans>
          </span>
        ) : (
          <>
            <span>
              <Trans>
                <Bytes value={used} /> of <Bytes value={limit} />
              </Trans>
            </span>
            <span>{percent} %</span>
          </>
        )}
      </span>
      {limit >= 0 && (
        // biome-ignore lint/a11y/useSemanticElements: browsers draw a meter each in their own way
        <div
          className={classes.bar}
          role="meter"
          aria-label={t`Used of the limit`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <span className={classes.fill} data-level={level} style={{ width: `${percent}%` }} />
        </div>
      )}
    </div>
  );
}
