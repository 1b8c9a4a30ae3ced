import { createHash } from "node:crypto";
import type { EvaluationReference } from "../components/delivery/gate.ts";
import { adaptersOf } from "../components/serving/engine.ts";
import type { Evaluated } from "../evals/report.ts";
import { canonicalJson } from "../gateway/src/audit/canonical-json.ts";
import type { PlatformConfig } from "./schema/platform.ts";

type Model = PlatformConfig["models"][number];

/** What answers under one name. */
export interface Answer {
  /** Name clients use. */
  readonly name: string;
  /** Digest of the weights, or of weights and adapter together. */
  readonly weights: Evaluated["model"];
  /** The signed evaluation the stack file names for it. */
  readonly evaluation?: EvaluationReference;
}

function sourceDigest({ source }: Pick<Model, "source">): Evaluated["model"] {
  return source.kind === "hub" ? `gitCommit:${source.revision}` : source.digest;
}

function withEvaluation(name: string, weights: Evaluated["model"], evaluation?: EvaluationReference): Answer {
  return { name, weights, ...(evaluation === undefined ? {} : { evaluation }) };
}

/** Everything a model answers under: its own name and those of its adapters. */
export function answersOf(model: Model): Answer[] {
  const { name, engine, delivery } = model;
  const base = sourceDigest(model);
  return [
    withEvaluation(name, base, delivery.evaluation),
    ...adaptersOf(engine).map((adapter) => {
      const both = canonicalJson({ base, adapter: adapter.digest });
      const digest = createHash("sha256").update(both).digest("hex");
      return withEvaluation(adapter.name, `sha256:${digest}`, adapter.evaluation);
    }),
  ];
}
