import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Section } from "../../../ui/Page";
import { Pager } from "../../../ui/Pager";
import { SearchField } from "../../../ui/SearchField";
import { Empty } from "../../../ui/states";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { type Registry, registriesPerPage, useRegistries } from "./queries";
import { RegistryDialog } from "./RegistryDialog";
import { RegistryTable } from "./RegistryTable";

const route = getRouteApi("/admin/registries");

/** Registries elsewhere, from and to which images are copied. */
export function RegistriesPage() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name" } = route.useSearch();
  const navigate = route.useNavigate();
  const registries = useRegistries(q, page, sort);
  const [edited, setEdited] = useState<Registry | "new">();
  const total = registries.data?.total ?? 0;
  return (
    <Section
      title={t`Registries elsewhere`}
      actions={
        <div className={classes.row}>
          <SearchField
            label={t`Find a registry`}
            value={q}
            onSearch={(text) =>
              navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
            }
          />
          <Button onClick={() => setEdited("new")}>
            <Trans>Add registry</Trans>
          </Button>
        </div>
      }
    >
      <Shown query={registries} what={t`The registries can't be listed.`}>
        {({ items }) =>
          items.length > 0 ? (
            <RegistryTable
              rows={items}
              sort={sort}
              onSort={(next) => navigate({ search: (before) => ({ ...before, sort: next }) })}
              onEdit={setEdited}
            />
          ) : (
            <NoRegistries searched={q !== ""} />
          )
        }
      </Shown>
      <Pager
        page={page}
        size={registriesPerPage}
        total={total}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
      <RegistryDialog of={edited} onClose={() => setEdited(undefined)} />
    </Section>
  );
}

function NoRegistries({ searched }: { searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No registry has this in its name.`} />;
  return (
    <Empty title={t`No other registry is known here yet.`}>
      <p className={classes.prose}>
        <Trans>
          Add one to copy images from it or to it by replication, or to make a project that is a
          cache of it. Haven asks it when you save, and every five minutes from then on.
        </Trans>
      </p>
    </Empty>
  );
}
