import { isUnknown, valueAt } from "../../graph/values.ts";
import { ALWAYS, GDPR_FROM, STRICT, type Control, type Problem } from "./control.ts";
import { gatewayOf } from "./gateway-configuration.ts";
import { shown } from "./reading.ts";

/** Inputs that say where something is. */
const PLACES = ["region", "location"] as const;

/** Controls of data protection. */
export const dataProtectionControls: readonly Control[] = [
  {
    id: "AIA-DPR-01",
    title: "Everything in the European Union",
    severity: "critical",
    platforms: ["aws", "gcp"],
    legal: [
      { reference: "GDPR Art. 44", appliesFrom: GDPR_FROM },
      { reference: "GDPR Art. 25", appliesFrom: GDPR_FROM },
    ],
    levels: STRICT,
    rationale: "A resource in another region is a transfer to a third country.",
    remediation: "Choose a region of the EU-27.",
    blindSpots: "Support staff of the cloud, and what an external model provider does.",
    evaluate: (graph, { region, allowedRegions }) => {
      if (region === undefined)
        return { kind: "not-applicable", reason: "this stack does not choose a region" };
      const placed = graph.nodes.flatMap((node) =>
        PLACES.filter((key) => node.inputs[key] !== undefined && node.custom).map((key) => ({ node, key })),
      );
      const inside = (value: string): boolean => {
        const lower = value.toLowerCase();
        return [...allowedRegions].some((allowed) => lower === allowed || lower.startsWith(`${allowed}-`));
      };
      const problems = placed.flatMap(({ node, key }): Problem[] => {
        const value = node.inputs[key];
        const base = {
          resource: node.urn,
          property: key,
          observed: shown(value),
          expected: "a region of the EU-27",
        };
        if (isUnknown(value)) return [{ ...base, status: "unknown" }];
        return typeof value === "string" && inside(value) ? [] : [{ ...base, status: "fail" }];
      });
      const own: Problem[] = inside(region)
        ? []
        : [
            {
              status: "fail",
              resource: "stack",
              property: "cloud.region",
              observed: region,
              expected: "a region of the EU-27",
            },
          ];
      return {
        kind: "checked",
        resources: placed.map(({ node }) => node.urn),
        problems: [...own, ...problems],
      };
    },
  },
  {
    id: "AIA-DPR-02",
    title: "No plain content in immutable storage",
    severity: "critical",
    platforms: ["kubernetes"],
    legal: [
      { reference: "GDPR Art. 5(1)(c)", appliesFrom: GDPR_FROM },
      { reference: "GDPR Art. 17", appliesFrom: GDPR_FROM },
    ],
    levels: ALWAYS,
    rationale: "What lies under a lock in clear can never be erased.",
    remediation: "Set audit.content to none or encrypted.",
    blindSpots: "What applications write elsewhere.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined)
        return { kind: "not-applicable", reason: "there is no gateway; AIA-LOG-01 asks for one" };
      const kind = valueAt(gateway.configuration, "audit.content.kind");
      const base = {
        resource: gateway.node.urn,
        property: "audit.content.kind",
        observed: shown(kind),
        expected: "none or encrypted",
      };
      const holds = kind === undefined || kind === "none" || kind === "encrypted";
      const status = isUnknown(kind) ? ("unknown" as const) : ("fail" as const);
      return { kind: "checked", resources: [gateway.node.urn], problems: holds ? [] : [{ ...base, status }] };
    },
  },
];
