// What the journeys about scans, signatures, webhooks and peers made.
import { read } from "../registry.mjs";

const settings = "/p/scanrules-team/settings";
const [webhook] = await read("/api/v2.0/projects/scanrules-team/webhook/policies");

export const pages = {
  "scanrules-scanning": `${settings}/scanning`,
  "scanrules-trust": `${settings}/trust`,
  "scanrules-webhooks": `${settings}/webhooks`,
  "scanrules-webhook": `${settings}/webhooks/${webhook.id}`,
  "scanrules-webhook-create": `${settings}/webhooks/new`,
  "scanrules-preheat": `${settings}/preheat`,
  "scanrules-preheat-create": `${settings}/preheat/new`,
  "scanrules-preheat-policy": `${settings}/preheat/policy/releases`,
};
