import { useLingui } from "@lingui/react/macro";
import { Fact, Facts } from "../parts/Facts";
import { Shown } from "../parts/Shown";
import { useMetadata } from "./queries";

/** What a scanner says of itself: which program it is, and what reports it makes. */
export function ScannerMetadata({ id }: { id: string }) {
  const { t } = useLingui();
  const metadata = useMetadata(id);
  return (
    <Shown query={metadata} what={t`The scanner says nothing of itself.`} rows={3}>
      {({ scanner, capabilities, properties }) => (
        <Facts>
          <Fact name={t`Program`}>
            {[scanner?.vendor, scanner?.name, scanner?.version].filter(Boolean).join(" ")}
          </Fact>
          {(capabilities ?? []).map((each) => (
            <Fact key={each.type} name={each.type || t`Report`}>
              {(each.produces_mime_types ?? []).join(", ")}
            </Fact>
          ))}
          {Object.entries(properties ?? {}).map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </Facts>
      )}
    </Shown>
  );
}
