// A repository and every part of an artifact, with what strangers wrote into one.
import { read } from "../registry.mjs";

const project = "artifacts-shop";
const at = `/api/v2.0/projects/${project}/repositories`;

async function pathOf(repository, tag) {
  const { digest } = await read(`${at}/${repository}/artifacts/${tag}`);
  return `/p/${project}/r/${repository}/a/${digest}`;
}

const app = await pathOf("app", "1.0");

export const pages = {
  "artifacts-tags": `/p/${project}/r/app`,
  "artifacts-many": `/p/${project}/r/many`,
  "artifacts-none": `/p/${project}/r/app?q=nosuch`,
  "artifacts-overview": `${app}?tag=%221.0%22`,
  "artifacts-layers": `${app}?tag=%221.0%22&tab=layers`,
  "artifacts-vulnerabilities": `${app}?tag=%221.0%22&tab=vulnerabilities`,
  "artifacts-packages": `${app}?tag=%221.0%22&tab=packages`,
  "artifacts-signatures": `${app}?tag=%221.0%22&tab=signatures`,
  "artifacts-history": `${app}?tag=%221.0%22&tab=history`,
  "artifacts-index": await pathOf("app", "multi"),
  "artifacts-odd": await pathOf("odd", "odd"),
  "artifacts-odd-layers": `${await pathOf("odd", "odd")}?tab=layers`,
  "artifacts-chart": `${await pathOf("chart", "1.0.0")}?tab=files`,
};
