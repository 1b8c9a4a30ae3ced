import { valueAt } from "../../graph/values.ts";
import { GENERAL_FROM, LEGACY_MARKING_FROM, STRICT, type Control } from "./control.ts";
import { gatewayOf } from "./gateway-configuration.ts";
import { absent, problemAt } from "./reading.ts";

const NO_MODEL = "the stack serves no model";

/** Controls of transparency, in force since 2 August 2026. */
export const transparencyControls: readonly Control[] = [
  {
    id: "AIA-TRN-01",
    title: "People learn that they talk to a machine",
    severity: "critical",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 50(1)", appliesFrom: GENERAL_FROM },
      { reference: "AI Act Art. 50(5)", appliesFrom: GENERAL_FROM },
    ],
    levels: STRICT,
    rationale: "It is in force, and it concerns every chat.",
    remediation: "Set transparency.disclosure to a notice, or say why it is obvious.",
    blindSpots: "Whether the application shows the notice that the gateway sends with each answer.",
    evaluate: (graph, { models, providers, interactsWithPeople }) => {
      if (models.length + providers.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      if (interactsWithPeople === "no")
        return { kind: "not-applicable", reason: "nobody talks to the system" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined) return absent("models without a gateway", "a gateway that sends a notice");
      const kind = valueAt(gateway.configuration, "transparency.disclosure.kind");
      const expected = "notice or obvious";
      return {
        kind: "checked",
        resources: [gateway.node.urn],
        problems:
          kind === "notice" || kind === "obvious"
            ? []
            : [problemAt(gateway.node.urn, "transparency.disclosure.kind", kind, expected)],
      };
    },
  },
  {
    id: "AIA-TRN-02",
    title: "Answers are marked for machines as generated",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 50(2)", appliesFrom: GENERAL_FROM },
      { reference: "AI Act Art. 111(4)", appliesFrom: LEGACY_MARKING_FROM },
    ],
    levels: STRICT,
    rationale: "Generated content must be detectable as such; older systems have until 2 December 2026.",
    remediation: "Set transparency.marking: headers.",
    blindSpots:
      "Text that is copied out of the answer loses the mark; no marking of plain text that survives copying is known to hold.",
    evaluate: (graph, { models, providers, generates }) => {
      if (models.length + providers.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      if (generates === "nothing")
        return { kind: "not-applicable", reason: "the system generates no content" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined) return absent("models without a gateway", "a gateway that marks answers");
      const marking = valueAt(gateway.configuration, "transparency.marking");
      return {
        kind: "checked",
        resources: [gateway.node.urn],
        problems:
          marking === "headers"
            ? []
            : [problemAt(gateway.node.urn, "transparency.marking", marking, '"headers"')],
      };
    },
  },
];
