import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo } from "react";
import { asProblem } from "../../api/problem";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { SearchField } from "../../ui/SearchField";
import { isUnderWay, Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { Text } from "../../ui/Text";
import { useScan } from "../artifacts/mutations";
import type { PlaceProps } from "../artifacts/place";
import type { Artifact } from "../artifacts/queries";
import type { May } from "../session/may";
import { type BilledPackage, matching, packagesOf } from "./bill";
import { billAddress, useBill } from "./queries";
import classes from "./scans.module.css";

const route = getRouteApi("/p/$project/r/$");

interface Props extends PlaceProps {
  artifact: Artifact;
  may: May;
}

/** What an image consists of, by its bill of materials. */
export function Packages({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const { q = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const place = { project, repository };
  const digest = artifact.digest ?? "";
  const bill = useBill(place, digest);
  const packages = useMemo(() => packagesOf(bill.data ?? ""), [bill.data]);
  const rows = matching(packages, q);
  const absent =
    bill.isError && asProblem(bill.error).status < 500 && asProblem(bill.error).status > 0;
  return (
    <Section
      title={t`Packages`}
      actions={
        bill.isSuccess && (
          <SearchField
            label={t`Find a package`}
            value={q}
            onSearch={(text) =>
              navigate({
                search: (before) => ({ ...before, q: text }),
                replace: true,
                resetScroll: false,
              })
            }
          />
        )
      }
    >
      {bill.isPending && <Loading />}
      {bill.isError && !absent && (
        <Failed
          what={t`The bill of materials can't be shown.`}
          error={bill.error}
          retry={() => bill.refetch()}
        />
      )}
      {absent && <NoBill {...place} artifact={artifact} may={may} />}
      {bill.isSuccess && (
        <>
          <p>
            <Trans>
              Packages: {packages.length}. Save the bill as{" "}
              <a href={billAddress(place, digest, "spdx")} download={`${repository}.spdx.json`}>
                SPDX
              </a>{" "}
              or{" "}
              <a href={billAddress(place, digest, "cyclonedx")} download={`${repository}.cdx.json`}>
                CycloneDX
              </a>
              .
            </Trans>
          </p>
          {rows.length === 0 && <Empty title={t`No package has this in its name.`} />}
          {rows.length > 0 && <Table rows={rows} />}
        </>
      )}
      {bill.isSuccess && <Generate {...place} artifact={artifact} may={may} />}
    </Section>
  );
}

function Table({ rows }: { rows: BilledPackage[] }) {
  const { t } = useLingui();
  const columns: Column<BilledPackage>[] = [
    {
      key: "name",
      title: t`Package`,
      names: true,
      cell: (row) => <Text most={120}>{row.name}</Text>,
    },
    { key: "version", title: t`Version`, cell: (row) => <Text most={80}>{row.version}</Text> },
    {
      key: "licence",
      title: t`Licence`,
      cell: (row) => <Text most={80}>{row.licence || "–"}</Text>,
    },
    {
      key: "purl",
      title: t`Address`,
      cell: (row) => (
        <code className={classes.purl}>
          <Text most={120}>{row.purl || "–"}</Text>
        </code>
      ),
    },
  ];
  return (
    <DataTable caption={t`Packages`} columns={columns} rows={rows} rowKey={(row) => row.key} />
  );
}

function NoBill(props: Props) {
  const { t } = useLingui();
  return (
    <Empty title={t`Nobody knows yet what this image consists of.`}>
      <p>
        <Trans>
          A bill of materials lists its packages with versions and licences. Haven writes it when
          the image is looked into; it is kept with the image, and clients can fetch it.
        </Trans>
      </p>
      <Generate {...props} />
    </Empty>
  );
}

/** Has the bill written and kept as an accessory, and says how far that is. */
function Generate({ project, repository, artifact, may }: Props) {
  const { t } = useLingui();
  const scan = useScan({ project, repository }, "sbom");
  const overview = artifact.sbom_overview;
  const kept = overview?.sbom_digest;
  if (isUnderWay(overview?.scan_status)) return <Status of={overview?.scan_status} />;
  if (kept) return null;
  return (
    <>
      {overview?.reason && <Text>{overview.reason}</Text>}
      {may("sbom", "create") && (
        <div>
          <Button
            variant="default"
            loading={scan.isPending}
            onClick={() => scan.mutate([artifact.digest ?? ""])}
          >
            <Trans>Generate bill of materials</Trans>
          </Button>
        </div>
      )}
      {scan.isError && <Failed what={t`The bill of materials was not begun.`} error={scan.error} />}
    </>
  );
}
