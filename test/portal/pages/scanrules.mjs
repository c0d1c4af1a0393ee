// What the journeys about scans, signatures, webhooks and peers made.
const settings = "/p/scanrules-team/settings";
export const pages = {
  "scanrules-scanning": `${settings}/scanning`,
  "scanrules-trust": `${settings}/trust`,
  "scanrules-webhooks": `${settings}/webhooks`,
  "scanrules-webhook": `${settings}/webhooks/1`,
  "scanrules-webhook-create": `${settings}/webhooks/new`,
  "scanrules-preheat": `${settings}/preheat`,
  "scanrules-preheat-create": `${settings}/preheat/new`,
  "scanrules-preheat-policy": `${settings}/preheat/policy/releases`,
};
