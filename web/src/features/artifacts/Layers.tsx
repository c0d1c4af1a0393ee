import { Trans, useLingui } from "@lingui/react/macro";
import { Bytes } from "../../ui/Bytes";
import { Digest } from "../../ui/Digest";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { Text } from "../../ui/Text";
import classes from "./Layers.module.css";
import { type LayerRow, layerRows, shares } from "./layerRows";
import type { PlaceProps } from "./place";
import { type Artifact, useAddition, useLayers } from "./queries";

/** What an artifact is made of: its layers by size, each with the command that made it. */
export function Layers({ project, repository, artifact }: PlaceProps & { artifact: Artifact }) {
  const { t } = useLingui();
  const place = { project, repository };
  const layers = useLayers(place, artifact);
  const history = useAddition(place, artifact, "build_history");
  const waits = layers.isPending || (history.isEnabled && history.isPending);
  const rows = layerRows(layers.data ?? [], history.data);
  return (
    <Section title={t`How it was built`}>
      {waits && <Loading />}
      {layers.isError && (
        <Failed
          what={t`The layers can't be shown.`}
          error={layers.error}
          retry={() => layers.refetch()}
        />
      )}
      {history.isError && (
        <Failed what={t`The build steps can't be shown.`} error={history.error} />
      )}
      {!waits && layers.isSuccess && rows.length === 0 && <Empty title={t`It has no layers.`} />}
      {!waits && rows.length > 0 && (
        <>
          <Stack rows={rows} />
          <Steps rows={rows} />
        </>
      )}
    </Section>
  );
}

/** All layers in one bar, each as wide as its share of the bytes. */
function Stack({ rows }: { rows: LayerRow[] }) {
  const { t } = useLingui();
  const layers = rows.filter((row) => row.layer);
  const widths = shares(layers.map((row) => row.layer?.size ?? 0));
  return (
    <div
      className={classes.stack}
      role="img"
      aria-label={t`Layers by size, the first one at the start`}
    >
      {layers.map((row, index) => (
        <span
          key={row.key}
          className={classes.part}
          data-tone={index % 4}
          style={{ width: `${widths[index]}%` }}
          title={row.command?.slice(0, 200)}
        />
      ))}
    </div>
  );
}

/** The steps of the build with the layers that they made, oldest first. */
function Steps({ rows }: { rows: LayerRow[] }) {
  const sizes = rows.flatMap((row) => (row.layer ? [row.layer.size] : []));
  const largest = Math.max(1, ...sizes);
  let tone = -1;
  return (
    <ol className={classes.steps}>
      {rows.map((row) => {
        if (row.layer) tone += 1;
        return (
          <li key={row.key} className={row.layer ? undefined : classes.empty}>
            <div className={classes.command}>
              <code>
                <Text most={400}>{row.command || row.layer?.title || "–"}</Text>
              </code>
            </div>
            {row.layer ? (
              <div className={classes.layer}>
                <span className={classes.track} aria-hidden>
                  <span
                    className={classes.part}
                    data-tone={tone % 4}
                    style={{ width: `${Math.max(1, (100 * row.layer.size) / largest)}%` }}
                  />
                </span>
                <span className={classes.size}>
                  <Bytes value={row.layer.size} />
                </span>
                <Digest value={row.layer.digest} />
              </div>
            ) : (
              <span className={classes.none}>
                <Trans>no layer</Trans>
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
