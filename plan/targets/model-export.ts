import { stringify } from "yaml";
import type { PlannedModel } from "./planned-model.ts";

/** A model, written for another platform. */
export interface ModelExport {
  /** Files by name, each with its YAML documents. */
  readonly files: readonly { readonly name: string; readonly documents: readonly object[] }[];
  /** Commands that deploy the files, run in their folder. */
  readonly commands: readonly string[];
  /** What the other platform does not do that the blueprint does, or why the model is left out. */
  readonly lost: readonly string[];
}

/** A model that the other platform cannot run. */
export function leftOut(reason: string): ModelExport {
  return { files: [], commands: [], lost: [`left out: ${reason}`] };
}

/** Text of a file. */
export function documentsText(documents: readonly object[]): string {
  return documents.map((document) => `---\n${stringify(document, { lineWidth: 0 })}`).join("");
}

/** Pods replaced one by one, which nothing but the blueprint's own delivery watches or asks about; those of rolling updates ask themselves. */
export function lostDelivery({ config: { delivery }, evaluations }: PlannedModel): string[] {
  const missing = evaluations.flatMap((each) => (each.kind === "missing" ? [each.name] : []));
  return [
    ...(delivery.strategy === "rolling"
      ? []
      : [
          `no ${delivery.strategy} delivery: pods are replaced one by one, and nothing asks for a signed evaluation first`,
        ]),
    ...(missing.length === 0
      ? []
      : [`no pod starts before somebody adds the signed report as ConfigMap ${missing.join(", ")}`]),
  ];
}
