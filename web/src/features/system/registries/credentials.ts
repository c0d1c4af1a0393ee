import type { MessageDescriptor } from "@lingui/core";
import { msg } from "@lingui/core/macro";

/** What access key and secret are in a kind of registry. */
export const credentialHelp: Record<string, MessageDescriptor> = {
  harbor: msg`A user, or a robot as robot$name; with its password or secret.`,
  "docker-registry": msg`Name and password, if the registry wants any.`,
  "docker-hub": msg`Your Docker ID with a password or an access token.`,
  "aws-ecr": msg`Access key and secret, or the ARN of a role; empty for the workload's own identity.`,
  "azure-acr": msg`A service principal, admin user or token with its password; empty for the workload's own identity.`,
  "google-gcr": msg`_json_key with the JSON of a service account's key; empty for the workload's own identity.`,
  "github-ghcr": msg`Your name and a personal access token (classic) with read:packages.`,
  gitlab: msg`Your name and an access token with read_registry and read_api.`,
  quay: msg`A robot account and its token, or json_file with a JSON of account_name, docker_cli_password and oauth2_token.`,
  "jfrog-artifactory": msg`Name, with a password or token.`,
  dtr: msg`Name, with a password or access token.`,
  "ali-acr": msg`An access key of the cloud, or name and password of the registry.`,
  "huawei-SWR": msg`Access key and secret of the cloud, or REGION@KEY with the login key of the console.`,
  "tencent-tcr": msg`An access key of the cloud, or name and password of the registry.`,
  "volcengine-cr": msg`An access key of the cloud, or name and password of the registry.`,
};
