import { useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Choice, Filters } from "../../ui/Filters";
import { useKindName } from "./KindName";
import { commonKinds } from "./kinds";

const route = getRouteApi("/jobs");

/** Which work is shown. */
export function ExecutionFilters() {
  const { t } = useLingui();
  const name = useKindName();
  const { kind = "", status = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const choose = (part: { kind?: string; status?: string }) =>
    navigate({ search: (before) => ({ ...before, ...part, page: 1 }), replace: true });
  const known: readonly string[] = commonKinds;
  const offered = kind && !known.includes(kind) ? [kind, ...known] : known;
  return (
    <Filters>
      <Choice
        label={t`Kind`}
        all={t`All kinds`}
        value={kind}
        choices={offered.map((value) => ({ value, label: name(value) }))}
        onChoose={(value) => choose({ kind: value })}
      />
      <Choice
        label={t`Status`}
        all={t`Any status`}
        value={status}
        choices={[
          { value: "Pending", label: t`Waiting` },
          { value: "Running", label: t`Running` },
          { value: "Success", label: t`Done` },
          { value: "Error", label: t`Failed` },
          { value: "Stopped", label: t`Stopped` },
        ]}
        onChoose={(value) => choose({ status: value })}
      />
    </Filters>
  );
}
