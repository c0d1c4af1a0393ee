import { useMutation } from "@tanstack/react-query";
import { api, bodyOf, type Schema } from "../../../api/client";
import { problemFrom } from "../../../api/problem";
import { useRenew } from "../../../api/renew";
import type { Draft } from "../settings";

export type DirectoryUser = Schema["LdapUser"];

/** What is typed of a directory, as the test takes it. */
export function directoryTyped(draft: Draft): Schema["LdapConf"] {
  return {
    ldap_url: draft.text("ldap_url"),
    ldap_search_dn: draft.text("ldap_search_dn"),
    ldap_search_password: draft.text("ldap_search_password"),
    ldap_base_dn: draft.text("ldap_base_dn"),
    ldap_filter: draft.text("ldap_filter"),
    ldap_uid: draft.text("ldap_uid"),
    ldap_scope: Number(draft.value("ldap_scope")),
    ldap_connection_timeout: Number(draft.value("ldap_timeout")),
    ldap_verify_cert: draft.value("ldap_verify_cert") === true,
    ldap_start_tls: draft.value("ldap_start_tls") === true,
    ldap_ca_certificate: draft.text("ldap_ca_certificate"),
  };
}

/** Tries a directory: as typed, or as stored when nothing is. */
export function useTryDirectory() {
  return useMutation({
    gcTime: 0, // a password may be in it
    mutationFn: (typed: Schema["LdapConf"] | undefined) =>
      bodyOf<Schema["LdapPingResult"]>(api.POST("/api/v2.0/ldap/ping", { body: typed ?? {} })),
  });
}

export function useTryProvider() {
  return useMutation({
    mutationFn: (body: { url: string; verify_cert: boolean }) =>
      bodyOf(api.POST("/api/v2.0/system/oidc/ping", { body })),
  });
}

export function useSearchDirectory() {
  return useMutation({
    mutationFn: (username: string) =>
      bodyOf<DirectoryUser[] | null>(
        api.GET("/api/v2.0/ldap/users/search", { params: { query: { username } } }),
      ),
  });
}

export interface Imported {
  made: number;
  failed: Schema["LdapFailedImportUser"][];
}

/** Makes accounts for people of the directory. Who can't have one doesn't keep the others from it. */
export function useImport() {
  return useMutation({
    mutationFn: async (names: string[]): Promise<Imported> => {
      const { error, response } = await api.POST("/api/v2.0/ldap/users/import", {
        body: { ldap_uid_list: names },
      });
      if (response.ok) return { made: names.length, failed: [] };
      if (Array.isArray(error)) return { made: names.length - error.length, failed: error };
      throw await problemFrom(response, error);
    },
    onSettled: useRenew("users"),
  });
}
