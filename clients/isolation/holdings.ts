import { createHash } from "node:crypto";
import { byUrn, type ResourceGraph } from "../../graph/graph.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { isPlaceholderKey, PLACEHOLDER_SIGNER } from "../../stacks/placeholders.ts";
import { CREATED, unreadKind } from "./created.ts";
import type { Holding, Holdings, Unproven } from "./holding.ts";
import { foreignInputs, referencesOf } from "./referred.ts";

/** Keys that stand in the stack file itself. */
function configuredKeys({ gateway, evaluation }: PlatformConfig): Holding[] {
  const callers = gateway.clients.flatMap(({ id, keys }) =>
    keys.map((key) => ({ key, where: `gateway.clients[${id}].keys` })),
  );
  const admins = gateway.admins.map(({ id, key }) => ({ key, where: `gateway.admins[${id}].key` }));
  const { signer } = evaluation;
  return [
    ...[...callers, ...admins]
      .filter(({ key }) => !isPlaceholderKey(key))
      .map(({ key, where }): Holding => ({ kind: "secret", id: `api-key:${key}`, where })),
    ...(signer === undefined || signer.trim() === PLACEHOLDER_SIGNER.trim()
      ? []
      : [
          {
            kind: "secret" as const,
            id: `signer:${createHash("sha256").update(signer.trim()).digest("hex")}`,
            where: "evaluation.signer",
          },
        ]),
  ];
}

/** The cluster and nothing below it: its network is somebody else's. */
function missingNetwork(graph: ResourceGraph, known: readonly Holding[]): Unproven[] {
  const cluster = graph.nodes.find(({ type }) => type === "pulumi:providers:kubernetes");
  if (cluster === undefined || known.some(({ kind }) => kind === "network")) return [];
  return [
    {
      kind: "network",
      where: cluster.urn,
      reason: "its network is not part of the plan",
    },
  ];
}

/** Everything of a kind that a stack creates or refers to, and everything nobody can tell from its plan. */
export function holdingsOf(graph: ResourceGraph, config: PlatformConfig): Holdings {
  const index = byUrn(graph);
  const known: Holding[] = configuredKeys(config);
  const unproven: Unproven[] = [];
  for (const node of graph.nodes) {
    if (!node.custom) continue;
    const { urn: where, type } = node;
    const created = CREATED[type];
    for (const name of created?.read(graph, node) ?? []) {
      if (created === undefined) continue;
      if ("id" in name) known.push({ kind: created.kind, id: name.id, where });
      else unproven.push({ kind: created.kind, where, reason: name.reason });
    }
    const unread = unreadKind(type);
    if (unread !== undefined)
      unproven.push({ kind: unread, where, reason: `the proof cannot read the type ${type}` });
    for (const { kind, id } of referencesOf(graph, node))
      if (id === undefined)
        unproven.push({
          kind,
          where,
          reason: "it names something without saying in which account or cluster",
        });
      else known.push({ kind, id, where });
    for (const { kind, path } of foreignInputs(node, index))
      unproven.push({
        kind,
        where,
        reason: `${path} is known to nobody yet, and nothing of this stack gives it`,
      });
  }
  return { known, unproven: [...unproven, ...missingNetwork(graph, known)] };
}
