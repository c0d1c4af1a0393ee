import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, bodyOf, type Page, pageOf, type Schema } from "../../api/client";
import { problemFrom } from "../../api/problem";

export type Webhook = Schema["WebhookPolicy"];
export type Target = Schema["WebhookTargetObject"];
export type Delivery = Schema["WebhookDelivery"];
export type Test = Schema["WebhookTest"];

export const deliveriesPerPage = 15;

const inProject = (project: string) => ({
  path: { project_name_or_id: project },
  header: { "X-Is-Resource-Name": true },
});
const byId = (id: number) => ({ path: { webhook_policy_id: id } });

/** All webhooks of a project; there are 50 at most. */
export function useWebhooks(project: string) {
  return useQuery({
    queryKey: ["webhooks", project],
    queryFn: ({ signal }) =>
      pageOf<Webhook>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/webhook/policies", {
          params: { ...inProject(project), query: { page: 1, page_size: 100, sort: "name" } },
          signal,
        }),
      ),
    // The listing shows secrets to who may change them; nobody needs them here.
    select: (page) => ({ ...page, items: page.items.map(withoutSecrets) }),
  });
}

function withoutSecrets(webhook: Webhook): Webhook {
  const targets = (webhook.targets ?? []).map(({ auth_header, ...target }) => ({
    ...target,
    ...(auth_header && { auth_header: "*****" }),
  }));
  return { ...webhook, targets };
}

/** When each webhook, by its name, last had something to tell. */
export function useLastTriggers(project: string) {
  return useQuery({
    queryKey: ["webhooks", project, "last"],
    queryFn: ({ signal }) =>
      bodyOf<Schema["WebhookLastTrigger"][]>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/webhook/lasttrigger", {
          params: inProject(project),
          signal,
        }),
      ),
    select: (rows) => {
      const last = new Map<string, string>();
      for (const row of rows) {
        if (row.last_trigger_time > (last.get(row.policy_name) ?? "")) {
          last.set(row.policy_name, row.last_trigger_time);
        }
      }
      return last;
    },
  });
}

export function useSupported(project: string) {
  return useQuery({
    queryKey: ["webhook-events", project],
    staleTime: 300_000,
    queryFn: ({ signal }) =>
      bodyOf<Schema["SupportedWebhookEventTypes"]>(
        api.GET("/api/v2.0/projects/{project_name_or_id}/webhook/events", {
          params: inProject(project),
          signal,
        }),
      ),
  });
}

/** One webhook with the state of its queues, without its secrets. */
export function useWebhook(id: number) {
  return useQuery({
    queryKey: ["webhook", id],
    retry: false,
    queryFn: ({ signal }) =>
      bodyOf<Webhook>(
        api.GET("/api/haven/v1/webhooks/{webhook_policy_id}", { params: byId(id), signal }),
      ),
  });
}

export function useCreateWebhook(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: Webhook) => {
      const { error, response } = await api.POST(
        "/api/v2.0/projects/{project_name_or_id}/webhook/policies",
        { params: inProject(project), body },
      );
      if (!response.ok) throw await problemFrom(response, error);
      return (response.headers.get("Location") ?? "").split("/").pop() ?? "";
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["webhooks", project] }),
  });
}

/** Replaces a webhook; the secrets that are sent as stars stay. */
export function useChangeWebhook(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...body }: Webhook) =>
      bodyOf(
        api.PUT("/api/haven/v1/webhooks/{webhook_policy_id}", { params: byId(id ?? 0), body }),
      ),
    onSuccess: (_, { id }) =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["webhooks", project] }),
        client.invalidateQueries({ queryKey: ["webhook", id] }),
      ]),
  });
}

export function useDeleteWebhook(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf(api.DELETE("/api/haven/v1/webhooks/{webhook_policy_id}", { params: byId(id) })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["webhooks", project] }),
  });
}

/** Sends a push that nobody made, and tells what was answered. */
export function useTestWebhook() {
  return useMutation({
    mutationFn: (id: number) =>
      bodyOf<Test[]>(
        api.POST("/api/haven/v1/webhooks/{webhook_policy_id}/test", { params: byId(id) }),
      ),
  });
}

export interface DeliveryFilter {
  status: string;
  page: number;
}

export function useDeliveries(id: number, { status, page }: DeliveryFilter) {
  return useQuery<Page<Delivery>>({
    queryKey: ["webhook", id, "deliveries", { status, page }],
    placeholderData: keepPreviousData,
    refetchInterval: (query) => (query.state.data?.items.some(isOpen) ? 2000 : 5000),
    queryFn: ({ signal }) =>
      pageOf<Delivery>(
        api.GET("/api/haven/v1/webhooks/{webhook_policy_id}/deliveries", {
          params: {
            ...byId(id),
            query: {
              q: status ? `status=${status}` : undefined,
              page,
              page_size: deliveriesPerPage,
            },
          },
          signal,
        }),
      ),
  });
}

/** Whether a delivery waits, for its first try or another. */
export function isOpen(delivery: Delivery): boolean {
  return delivery.status === "Pending" || delivery.status === "Scheduled";
}

export function useDelivery(id: number, delivery: Delivery) {
  return useQuery({
    queryKey: ["webhook", id, "delivery", delivery.id, delivery.status, delivery.attempts],
    queryFn: ({ signal }) =>
      bodyOf<Delivery>(
        api.GET("/api/haven/v1/webhooks/{webhook_policy_id}/deliveries/{delivery_id}", {
          params: { path: { webhook_policy_id: id, delivery_id: delivery.id } },
          signal,
        }),
      ),
  });
}

/** Sends a delivery again, or calls one off that waits. */
export function useTurnDelivery(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ delivery, what }: { delivery: number; what: "redeliver" | "cancel" }) => {
      const params = { path: { webhook_policy_id: id, delivery_id: delivery } };
      return what === "cancel"
        ? bodyOf(
            api.POST("/api/haven/v1/webhooks/{webhook_policy_id}/deliveries/{delivery_id}/cancel", {
              params,
            }),
          )
        : bodyOf(
            api.POST(
              "/api/haven/v1/webhooks/{webhook_policy_id}/deliveries/{delivery_id}/redeliver",
              { params },
            ),
          );
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["webhook", id] }),
  });
}

/** Sends again all that was given up. */
export function useRedeliverAll(id: number) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      bodyOf<Schema["WebhookRedelivery"]>(
        api.POST("/api/haven/v1/webhooks/{webhook_policy_id}/redeliver", { params: byId(id) }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["webhook", id] }),
  });
}
